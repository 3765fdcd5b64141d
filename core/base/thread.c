/* thread: see thread.h. It asks again each millisecond rather than use pthread_timedjoin_np, which goes by the wall
 * clock, or pthread_clockjoin_np, which ThreadSanitizer does not know. */
#include "base/thread.h"

#include <time.h>

#include "base/check.h"

#define MS  1000000
#define SEC 1000000000LL

bool thread_join(pthread_t thread, int64_t wait_ns)
{
	struct timespec now;

	c_assert(wait_ns >= 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t until = now.tv_sec * SEC + now.tv_nsec + wait_ns;
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec * SEC + now.tv_nsec >= until)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = MS }, NULL);
	}
	return true;
}
