/* test_log: lines, repeats folded, slow readers, files. */
#include "log.h"

#include "base/clock.h"
#include "base/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_log_XXXXXX";
static char path[64], *text;

/* 2026-11-26T12:04:31.004Z */
#define REAL ((int64_t)1795694671 * MU_SEC + 4 * MU_MS)

static int setup(void **state)
{
	(void)state;
	clock_hold(MU_HOUR, REAL);
	log_init();
	snprintf(path, sizeof(path), "%s/log", folder);
	unlink(path);
	return log_open(path);
}

static int teardown(void **state)
{
	(void)state;
	log_fini();
	clock_release();
	free(text);
	text = NULL;
	return 0;
}

static const char *written(void)
{
	free(text);
	assert_true(slurp_all(path, 1 << 24, &text) >= 0);
	return text;
}

static void a_line_has_time_level_source(void **state)
{
	(void)state;
	log_line(MU_LOG_WARNING, "cpu", "words %d\n", 5);
	log_line(MU_LOG_ERROR, NULL, "core");
	assert_string_equal(written(), "2026-11-26T12:04:31.004Z warning cpu: words 5\n"
				       "2026-11-26T12:04:31.004Z error muster: core\n");
}

static void the_level_filters(void **state)
{
	enum mu_level level;

	(void)state;
	log_line(MU_LOG_INFO, "a", "not this");
	assert_string_equal(written(), "");
	log_level(MU_LOG_DEBUG);
	log_line(MU_LOG_DEBUG, "a", "this");
	assert_non_null(strstr(written(), "debug a: this"));
	assert_int_equal(log_level_parse("err", &level), 0);
	assert_int_equal(level, MU_LOG_ERROR);
	assert_int_equal(log_level_parse("Debug", &level), 0);
	assert_int_equal(level, MU_LOG_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
}

static void repeats_are_folded_by_source(void **state)
{
	(void)state;
	for (int i = 0; i < 13; i++) {
		log_line(MU_LOG_NOTICE, "a", "same");
		log_line(MU_LOG_NOTICE, "b", i % 2 ? "odd" : "even");
	}
	assert_null(strstr(written(), "more time"));
	log_line(MU_LOG_NOTICE, "a", "other");
	assert_non_null(strstr(written(), "notice a: same (12 more times)\n"));
	assert_non_null(strstr(written(), "notice a: other\n"));
	/* the same words at another level are another line */
	log_line(MU_LOG_ERROR, "a", "other");
	assert_non_null(strstr(written(), "error a: other\n"));
}

static void a_long_repeat_is_told_each_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 125; i++) {
		log_line(MU_LOG_NOTICE, "a", "same");
		clock_advance(MU_SEC);
	}
	const char *told = strstr(written(), "(60 more times)");
	assert_non_null(told);
	assert_non_null(strstr(told + 1, "(60 more times)"));
	log_fini();
	assert_non_null(strstr(written(), "same (4 more times)\n"));
	clock_hold(MU_HOUR, REAL);
}

static void the_65th_source_pushes_out_the_first(void **state)
{
	char name[16];

	(void)state;
	log_line(MU_LOG_NOTICE, "first", "same");
	log_line(MU_LOG_NOTICE, "first", "same");
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		log_line(MU_LOG_NOTICE, name, "x");
	}
	assert_non_null(strstr(written(), "first: same (1 more time)\n"));
}

static void hostile_bytes_stay_in_their_line(void **state)
{
	static char large[10000];

	(void)state;
	log_line(MU_LOG_NOTICE, "a\nb", "one\ntwo\033[31m\t\n\n");
	assert_non_null(strstr(written(), "notice a b: one two [31m\n"));
	memset(large, 'x', sizeof(large) - 1);
	log_line(MU_LOG_NOTICE, "a", "%s", large);
	assert_non_null(strstr(written(), "xxx...\n"));
	assert_true(strlen(text) < 3000);
}

static void an_error_is_one_line(void **state)
{
	struct mu_error error = {
		.code = -EINVAL, .what = "unknown", .where = "a.conf:1", .remedy = "write it"
	};
	char line[64];

	(void)state;
	log_error(MU_LOG_ERROR, "conf", &error);
	assert_non_null(strstr(written(), "error conf: a.conf:1: unknown; write it\n"));
	error.where[0] = error.remedy[0] = '\0';
	error_print(line, sizeof(line), &error);
	assert_string_equal(line, "unknown");
	error_print(line, 4, &error);
	assert_string_equal(line, "unk");
}

static void a_rotated_file_is_opened_anew(void **state)
{
	char old[80];

	(void)state;
	log_line(MU_LOG_NOTICE, "a", "before");
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	log_reopen();
	log_line(MU_LOG_NOTICE, "a", "after");
	assert_null(strstr(written(), "before"));
	assert_non_null(strstr(written(), "after"));
	unlink(old);
	assert_int_equal(log_open("/tmp/none/of/this"), -ENOENT);
	log_line(MU_LOG_NOTICE, "a", "still here");
	assert_non_null(strstr(written(), "still here"));
}

static void a_reader_that_sleeps_costs_lines_not_time(void **state)
{
	int ends[2], kept = dup(STDERR_FILENO);
	static char got[1 << 16];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 16384), 16384);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_open(NULL);
	for (int i = 0; i < 3000; i++)
		log_line(MU_LOG_NOTICE, "a", "line %d", i);
	ssize_t n = read(ends[0], got, sizeof(got) - 1);
	log_line(MU_LOG_NOTICE, "a", "at last");
	ssize_t more = read(ends[0], got + n, sizeof(got) - 1 - (size_t)n);
	log_open(path);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	close(ends[0]);
	close(ends[1]);
	assert_true(n > 0 && more > 0);
	got[n + more] = '\0';
	assert_non_null(strstr(got, "line 0\n"));
	assert_non_null(strstr(got, " lines were lost: the log could not be written"));
	assert_non_null(strstr(got, "at last\n"));
}

static void *write_many(void *name)
{
	for (int i = 0; i < 500; i++)
		log_line(MU_LOG_NOTICE, name, "%s %d", (const char *)name, i);
	return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (const char *p = written(); *p; p = strchr(p, '\n') + 1, lines++)
		assert_memory_equal(p, "2026-11-26T12:04:31.004Z notice ", 32);
	assert_int_equal(lines, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_source),
		TEST(the_level_filters),
		TEST(repeats_are_folded_by_source),
		TEST(a_long_repeat_is_told_each_minute),
		TEST(the_65th_source_pushes_out_the_first),
		TEST(hostile_bytes_stay_in_their_line),
		TEST(an_error_is_one_line),
		TEST(a_rotated_file_is_opened_anew),
		TEST(a_reader_that_sleeps_costs_lines_not_time),
		TEST(threads_do_not_mix_lines),
	};

	if (!mkdtemp(folder))
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	unlink(path);
	rmdir(folder);
	return r;
}
