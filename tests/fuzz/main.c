/* main: a fuzz target without a fuzzer: every file of the corpus is given to it once, so that what a fuzzer found stays
 * found. Without arguments the corpus is the one beside the target's source; with some, these files and folders. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define INPUT_MAX (16u << 20)

static int replay_file(const char *path, size_t size)
{
	/* Exactly as long as the input, so that a sanitizer sees the first byte behind it. */
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *file = fopen(path, "rb");
	size_t got = 0;

	if (data != NULL && file != NULL) {
		got = fread(data, 1, size, file);
		if (got == size)
			LLVMFuzzerTestOneInput(data, size);
	}
	if (file == NULL || data == NULL || got != size)
		fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
	if (file != NULL)
		fclose(file);
	free(data);
	return got == size ? 1 : -1;
}

/* The number of inputs below `path`; <0 when one cannot be read. */
static int replay(const char *path)
{
	struct stat st;
	struct dirent **entries;
	int count, total = 0;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return st.st_size <= INPUT_MAX ? replay_file(path, (size_t)st.st_size) : -1;
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		char below[PATH_MAX];
		int n = 0;

		if (entries[i]->d_name[0] != '.') {
			snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
			n = replay(below);
		}
		total = n < 0 || total < 0 ? -1 : total + n;
		free(entries[i]);
	}
	free(entries);
	return total;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const char *source = getenv("srcdir");
	char corpus[PATH_MAX];
	int total = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	name = name != NULL ? name + 1 : argv[0];
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", name);
	if (argc < 2)
		total = replay(corpus);
	for (int i = 1; i < argc && total >= 0; i++) {
		int n = replay(argv[i]);

		total = n < 0 ? -1 : total + n;
	}
	if (total <= 0) {
		fprintf(stderr, "%s: no corpus, or one that cannot be read\n", name);
		return EXIT_FAILURE;
	}
	printf("%s: %d inputs replayed\n", name, total);
	return EXIT_SUCCESS;
}
