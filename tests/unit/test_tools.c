/* test_tools: the small functions of <muster/base.h>. */
#include <muster/base.h>

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void an_error_is_three_sentences(void **state)
{
	struct mu_error error;

	(void)state;
	assert_int_equal(mu_error(&error, -EINVAL, "unknown option \"%s\"", "Intervall"), -EINVAL);
	mu_error_where(&error, "%s:%d", "a.conf", 12);
	mu_error_where(&error, "b.conf:1");
	mu_error_remedy(&error, "did you mean \"%s\"?", "Interval");
	mu_error_remedy(&error, "no");
	assert_int_equal(error.code, -EINVAL);
	assert_string_equal(error.what, "unknown option \"Intervall\"");
	assert_string_equal(error.where, "a.conf:12");
	assert_string_equal(error.remedy, "did you mean \"Interval\"?");
	mu_error(&error, -EIO, "another");
	assert_string_equal(error.where, "");
	assert_string_equal(error.remedy, "");
}

static void nobody_need_want_an_error(void **state)
{
	(void)state;
	assert_int_equal(mu_error(NULL, -EIO, "x"), -EIO);
	mu_error_where(NULL, "x");
	mu_error_remedy(NULL, "x");
}

static void a_sentence_is_always_utf8_of_one_line(void **state)
{
	struct mu_error error;
	char text[300];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text) - 1; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		text[sizeof(text) - 1] = '\0';
		mu_error(&error, -EINVAL, "%s", text);
		assert_true(text_printable(error.what, strlen(error.what)));
		assert_true(strlen(error.what) >= 252);
		assert_null(strchr(error.what, '?'));
	}
	mu_error(&error, -EINVAL, "a\nb\x7f\xff\x80");
	assert_string_equal(error.what, "a b ??");
	mu_error(&error, -EINVAL, "\xc3");
	assert_string_equal(error.what, "?");
}

static void files_are_read_whole(void **state)
{
	char path[] = "/tmp/test_tools_XXXXXX", text[16];
	struct mu_file file = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	assert_int_equal(mu_slurp(text, sizeof(text), "/tmp/%s", path + 5), 6);
	assert_string_equal(text, "hello\n");
	assert_int_equal(mu_slurp(text, 4, "%s", path), -EFBIG);
	assert_string_equal(text, "hel");
	assert_int_equal(mu_slurp(text, sizeof(text), "%s/none", path), -ENOTDIR);
	assert_string_equal(text, "");
	assert_int_equal(mu_slurp(text, sizeof(text), "/%05000d", 1), -ENAMETOOLONG);

	assert_int_equal(mu_file_read(&file, text, sizeof(text), "%s", path), 6);
	assert_true(file.fd_plus_one > 0);
	assert_int_equal(pwrite(fd, "other", 5, 0), 5);
	assert_int_equal(mu_file_read(&file, text, sizeof(text), "%s", path), 6);
	assert_string_equal(text, "other\n");
	mu_file_close(&file);
	mu_file_close(&file);
	assert_int_equal(file.fd_plus_one, 0);
	unlink(path);
	assert_int_equal(mu_file_read(&file, text, sizeof(text), "%s", path), -ENOENT);
	assert_int_equal(file.fd_plus_one, 0);
	close(fd);
}

static void doors_lead_to_base(void **state)
{
	const char *p = " 12 -3 0.5\ncpu0 x";
	uint64_t u;
	int64_t i;
	double d;

	(void)state;
	assert_int_equal(mu_scan_u64(&p, &u), 0);
	assert_int_equal(mu_scan_i64(&p, &i), 0);
	assert_int_equal(mu_scan_double(&p, &d), 0);
	assert_int_equal(u, 12);
	assert_int_equal(i, -3);
	assert_true(d > 0.49 && d < 0.51);
	assert_true(mu_scan_line(&p));
	assert_false(mu_scan_word(&p, "cpu"));
	assert_true(mu_scan_word(&p, "cpu0"));
	assert_true(mu_glob("a/*", "a/b/c"));
	assert_true(mu_glob("?[0-9]*", "x1yz"));
	assert_false(mu_glob("a*", "ba"));
	clock_hold(5, 7);
	assert_int_equal(mu_time_mono(), 5);
	assert_int_equal(mu_time_real(), 7);
	clock_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_three_sentences),
		cmocka_unit_test(nobody_need_want_an_error),
		cmocka_unit_test(a_sentence_is_always_utf8_of_one_line),
		cmocka_unit_test(files_are_read_whole),
		cmocka_unit_test(doors_lead_to_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
