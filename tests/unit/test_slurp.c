/* test_slurp: whole files, what happens when they do not fit or go away, and numbers out of text. */
#include "base/slurp.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
}

static int make_path(void **state)
{
	(void)state;
	text_copy(path, sizeof(path), "/tmp/test_slurp.XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int drop_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void a_file_comes_whole(void **state)
{
	char text[8];

	(void)state;
	write_file("seven b", 7);
	assert_int_equal(slurp(text, sizeof(text), path), 7);
	assert_string_equal(text, "seven b");
	write_file("", 0);
	assert_int_equal(slurp(text, sizeof(text), path), 0);
	assert_string_equal(text, "");
}

static void one_too_large_is_cut_and_told(void **state)
{
	char text[8];

	(void)state;
	write_file("eight by", 8);
	assert_int_equal(slurp(text, sizeof(text), path), -EFBIG);
	assert_string_equal(text, "eight b");
	assert_int_equal(slurp(text, 1, path), -EFBIG);
	assert_string_equal(text, "");
}

static void trouble_is_an_errno_and_an_empty_text(void **state)
{
	char text[8] = "before";

	(void)state;
	assert_int_equal(slurp(text, sizeof(text), "/nonexistent/x"), -ENOENT);
	assert_string_equal(text, "");
	assert_int_equal(slurp(text, sizeof(text), "/tmp"), -EISDIR);
}

static void a_held_descriptor_reads_from_the_start(void **state)
{
	char text[16];
	int fd = -1;

	(void)state;
	write_file("one", 3);
	assert_int_equal(slurp_fd(&fd, text, sizeof(text), path), 3);
	assert_true(fd >= 0);
	int first = fd;
	write_file("three", 5);
	assert_int_equal(slurp_fd(&fd, text, sizeof(text), path), 5);
	assert_string_equal(text, "three");
	assert_int_equal(fd, first);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = -1;
	assert_int_equal(slurp_fd(&fd, text, sizeof(text), "/nonexistent/x"), -ENOENT);
	assert_int_equal(fd, -1);
}

static void a_dead_process_closes_the_descriptor(void **state)
{
	char text[512], stat_path[64];
	int fd = -1, status[2];

	(void)state;
	assert_int_equal(pipe(status), 0);
	pid_t child = fork();
	if (child == 0) {
		char byte;
		close(status[1]);
		_exit(read(status[0], &byte, 1) < 0);
	}
	assert_true(child > 0);
	close(status[0]);
	text_printf(stat_path, sizeof(stat_path), "/proc/%d/stat", child);
	assert_true(slurp_fd(&fd, text, sizeof(text), stat_path) > 0);
	close(status[1]);
	int ended;
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(slurp_fd(&fd, text, sizeof(text), stat_path), -ESRCH);
	assert_int_equal(fd, -1);
}

static void proc_files_come_whole(void **state)
{
	static char text[1 << 20];
	int fd = -1;

	(void)state;
	/* /proc tells no size and gives a page at a time */
	assert_true(slurp_fd(&fd, text, sizeof(text), "/proc/self/smaps") > 4096);
	assert_non_null(strstr(text, "[stack]"));
	close(fd);
}

static void a_whole_file_into_fresh_memory(void **state)
{
	static char big[10000];
	char *text;

	(void)state;
	memset(big, 'x', sizeof(big));
	write_file(big, sizeof(big));
	assert_int_equal(slurp_all(path, 10000, &text), 10000);
	assert_memory_equal(text, big, 10000);
	assert_int_equal(text[10000], 0);
	free(text);
	assert_int_equal(slurp_all(path, 9999, &text), -EFBIG);
	assert_null(text);
	assert_int_equal(slurp_all("/proc/self/smaps", 1, &text), -EFBIG);
	int n = slurp_all("/proc/self/smaps", 1 << 20, &text);
	assert_true(n > 4096);
	assert_int_equal(strlen(text), n);
	free(text);
	write_file("", 0);
	assert_int_equal(slurp_all(path, 0, &text), 0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(slurp_all("/nonexistent/x", 10, &text), -ENOENT);
	/* nobody writes into it, and nobody is waited for */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(slurp_all(path, 10, &text), -ENOTSUP);
	assert_null(text);
	assert_int_equal(unlink(path), 0);
}

static void whole_numbers(void **state)
{
	const char *p = "  12\t18446744073709551615 18446744073709551616 -3";
	uint64_t u = 0;
	int64_t i = 0;

	(void)state;
	assert_int_equal(scan_u64(&p, &u), 0);
	assert_int_equal(u, 12);
	assert_int_equal(scan_u64(&p, &u), 0);
	assert_true(u == UINT64_MAX);
	const char *before = p;
	assert_int_equal(scan_u64(&p, &u), -ERANGE);
	assert_ptr_equal(p, before);
	p = " -3";
	assert_int_equal(scan_u64(&p, &u), -EINVAL);
	assert_int_equal(scan_i64(&p, &i), 0);
	assert_int_equal(i, -3);
	p = "-9223372036854775808 +9223372036854775807 9223372036854775808";
	assert_int_equal(scan_i64(&p, &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(scan_i64(&p, &i), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(scan_i64(&p, &i), -ERANGE);
	for (const char *const *bad = (const char *const[]){ "", " ", "x", "-", "\n1", NULL }; *bad; bad++) {
		p = *bad;
		assert_int_equal(scan_u64(&p, &u), -EINVAL);
		assert_int_equal(scan_i64(&p, &i), -EINVAL);
		assert_ptr_equal(p, *bad);
	}
}

static void decimal_numbers_are_those_of_strtod(void **state)
{
	static const char *const texts[] = {
		"0",
		"0.00",
		"-0.1",
		"+1.5",
		"123456789012345",
		"1234567890123456",
		"12345678901234567890",
		"0.000000000000001",
		"0.0000000000000001",
		"3.141592653589793238462643",
		".5",
		"5.",
		"1e3",
		"1E-3",
		"1e",
		"0x10",
		"0x1p4",
		"inf",
		"-Infinity",
		"1e-320",
		"9007199254740993",
		"1.2.3",
		"1.7976931348623157e308",
		"100.25 next",
		"0.1e1",
		"000000000000000000000001.5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *p = texts[i];
		char *end;
		double value = NAN, expected = strtod(texts[i], &end);
		assert_int_equal(scan_double(&p, &value), 0);
		assert_memory_equal(&value, &expected, sizeof(value));
		assert_ptr_equal(p, end);
	}
}

static void what_is_no_decimal_number(void **state)
{
	double value = 7;
	const char *p = "nan";

	(void)state;
	assert_int_equal(scan_double(&p, &value), 0);
	assert_true(isnan(value));
	p = "1e999";
	assert_int_equal(scan_double(&p, &value), -ERANGE);
	static const char *const no_numbers[] = { "", ".", "-", "+x", "x", "\n1", "-\n1", "- 1", NULL };
	for (const char *const *bad = no_numbers; *bad; bad++) {
		p = *bad;
		assert_int_equal(scan_double(&p, &value), -EINVAL);
		assert_ptr_equal(p, *bad);
	}
}

static void lines_and_words(void **state)
{
	const char *p = "cpu  1\ncpu0 2\nlast 3\n";

	(void)state;
	assert_true(scan_word(&p, "cpu"));
	assert_string_equal(p, "  1\ncpu0 2\nlast 3\n");
	assert_true(scan_line(&p));
	assert_false(scan_word(&p, "cpu"));
	assert_true(scan_line(&p));
	assert_true(scan_word(&p, "last"));
	assert_false(scan_line(&p));
	assert_string_equal(p, "");
	assert_false(scan_line(&p));
	p = " \tx:";
	assert_true(scan_word(&p, "x"));
	assert_string_equal(p, ":");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_whole),
		cmocka_unit_test(one_too_large_is_cut_and_told),
		cmocka_unit_test(trouble_is_an_errno_and_an_empty_text),
		cmocka_unit_test(a_held_descriptor_reads_from_the_start),
		cmocka_unit_test(a_dead_process_closes_the_descriptor),
		cmocka_unit_test(proc_files_come_whole),
		cmocka_unit_test(a_whole_file_into_fresh_memory),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(decimal_numbers_are_those_of_strtod),
		cmocka_unit_test(what_is_no_decimal_number),
		cmocka_unit_test(lines_and_words),
	};
	return cmocka_run_group_tests(tests, make_path, drop_path);
}
