/* hang: a plugin whose library does not come up while a file stands in its way, as on a file system that hangs. */
#include <muster/muster.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor)) static void hang_wait(void)
{
	const char *file = getenv("MUSTER_TEST_HANG");
	char begun[512];

	if (!file || snprintf(begun, sizeof(begun), "%s.begun", file) >= (int)sizeof(begun))
		return;
	FILE *mark = access(file, F_OK) == 0 ? fopen(begun, "w") : NULL;
	if (mark)
		fclose(mark);
	while (access(file, F_OK) == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

MU_PLUGIN(hang, .about = "hangs while it is loaded");
