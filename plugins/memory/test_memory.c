/* test_memory: the text of /proc/meminfo of old and new kernels, cut, empty and hostile, and the series it
 * makes. */
#include "../../tests/lib/fake_read.h"

#include "memory_info.h"

#include <errno.h>
#include <math.h>

#define MODERN                                                                                               \
	"MemTotal:        1000 kB\nMemFree:          400 kB\nMemAvailable:     700 kB\n"                     \
	"Buffers:           50 kB\nCached:           250 kB\nSwapCached:         9 kB\n"                     \
	"SwapTotal:          0 kB\nSlab:             101 kB\nSReclaimable:      60 kB\n"                     \
	"SUnreclaim:        40 kB\nHugePages_Total:       0\n"

static void used_is_what_is_nothing_else(void **state)
{
	(void)state;
	struct memory_info info;

	assert_int_equal(memory_info_parse(MODERN, &info), 0);
	assert_int_equal(info.bytes[MEMORY_USED], 200 * 1024);
	assert_int_equal(info.bytes[MEMORY_FREE], 400 * 1024);
	assert_int_equal(info.bytes[MEMORY_BUFFERED], 50 * 1024);
	assert_int_equal(info.bytes[MEMORY_CACHED], 250 * 1024);
	assert_int_equal(info.bytes[MEMORY_SLAB_RECL], 60 * 1024);
	assert_int_equal(info.bytes[MEMORY_SLAB_UNRECL], 40 * 1024);
	assert_int_equal(info.known & 1 << MEMORY_SLAB, 0);
	assert_true(fabs(memory_info_percent(&info, MEMORY_USED) - 20) < 1e-9);
	assert_true(isnan(memory_info_percent(&info, MEMORY_SLAB)));
}

static void old_kernels_have_one_slab_or_none(void **state)
{
	(void)state;
	struct memory_info info;

	assert_int_equal(
		memory_info_parse("MemTotal: 10 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\nSlab: 1 kB\n",
				  &info),
		0);
	assert_int_equal(info.bytes[MEMORY_USED], 2 * 1024);
	assert_int_equal(info.bytes[MEMORY_SLAB], 1024);
	assert_int_equal(info.known & (1 << MEMORY_SLAB_RECL | 1 << MEMORY_SLAB_UNRECL), 0);
	assert_int_equal(
		memory_info_parse("Cached: 2 kB\nBuffers: 1 kB\nMemFree: 4 kB\nMemTotal: 10 kB\n", &info), 0);
	assert_int_equal(info.bytes[MEMORY_USED], 3 * 1024);
}

static void what_is_no_meminfo_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"\n",
		"MemTotal: 10 kB",
		"MemTotal:",
		"MemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n",
		"MemTotal: x kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n",
		"MemTotal: -10 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n",
		"MemTotal: 10 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2",   /* cut in a number */
		"MemTotal: 10\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n", /* another unit */
		"MemTotal: 18446744073709551615 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n",
		"MemTotal: 99999999999999999999 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n",
	};
	struct memory_info info = { .known = 77 };

	for (size_t i = 0; i < MU_ARRAY_LEN(texts); i++) {
		assert_int_equal(memory_info_parse(texts[i], &info), -EINVAL);
		assert_int_equal(info.known, 77);
	}
	assert_int_equal(
		memory_info_parse("MemTotal: 6 kB\nMemFree: 4 kB\nBuffers: 1 kB\nCached: 2 kB\n", &info),
		-ERANGE);
}

static void bytes_by_default(void **state)
{
	(void)state;
	int status;

	fake_begin();
	fake_file("meminfo", MODERN);
	assert_string_equal(fake_read(&status),
			    "/memory-used 204800\n/memory-buffered 51200\n/memory-cached 256000\n"
			    "/memory-free 409600\n/memory-slab_unrecl 40960\n/memory-slab_recl 61440\n");
	assert_int_equal(status, 0);
	fake_end("meminfo");
}

static void percent_when_asked(void **state)
{
	(void)state;
	int status;

	fake_begin();
	fake_set("ValuesPercentage", "true");
	fake_set("ValuesAbsolute", "false");
	fake_file("meminfo", MODERN);
	assert_string_equal(fake_read(&status),
			    "/percent-used 20\n/percent-buffered 5\n/percent-cached 25\n"
			    "/percent-free 40\n/percent-slab_unrecl 4\n/percent-slab_recl 6\n");
	fake_set("ValuesAbsolute", "true");
	assert_non_null(strstr(fake_read(&status), "/memory-used 204800\n/percent-used 20\n"));
	fake_end("meminfo");
}

static void trouble_is_passed_up(void **state)
{
	(void)state;
	char *huge = malloc(100000);
	int status;

	assert_non_null(huge);
	/* Names without end in front of ours: an error, and nothing read past the buffer. */
	memset(huge, 'M', 99000);
	memcpy(huge + 99000, "\n" MODERN, sizeof("\n" MODERN));
	fake_trouble("meminfo", huge);
	fake_begin();
	/* A file that goes on and on behind our lines is read all the same. */
	memcpy(huge, MODERN, sizeof(MODERN) - 1);
	memset(huge + sizeof(MODERN) - 1, '\n', 90000);
	huge[90000] = '\0';
	fake_file("meminfo", huge);
	fake_read(&status);
	assert_int_equal(status, 0);
	assert_int_equal(fake_batch.count, 6);
	fake_end("meminfo");
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_is_what_is_nothing_else),
		cmocka_unit_test(old_kernels_have_one_slab_or_none),
		cmocka_unit_test(what_is_no_meminfo_is_refused),
		cmocka_unit_test(bytes_by_default),
		cmocka_unit_test(percent_when_asked),
		cmocka_unit_test(trouble_is_passed_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
