/* test_log_out: the thread that writes the log, while its disk stalls, is full, or has its file taken away.
 *
 * write(2) is wrapped (--wrap=write), so that a test says when the disk answers, and what. */
#include "log.h"

#include "base/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ENOUGH (30 * MU_SEC) /* for a thread to get its turn on a busy machine */

static char folder[] = "/tmp/test_log_out_XXXXXX";
static char path[64], *text;

/* The disk. Stalled: a write does not return. Full: it takes so many bytes more, and then none. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stalled, full;
	size_t room;
	int held; /* writes that have not returned */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	bool full;

	pthread_mutex_lock(&disk.lock);
	disk.held++;
	pthread_cond_broadcast(&disk.changed);
	while (disk.stalled)
		pthread_cond_wait(&disk.changed, &disk.lock);
	disk.held--;
	full = disk.full;
	if (full && length > disk.room)
		length = disk.room;
	disk.room -= full ? length : 0;
	pthread_mutex_unlock(&disk.lock);
	if (full && length == 0) {
		errno = ENOSPC;
		return -1;
	}
	return __real_write(fd, bytes, length);
}

static void disk_stall(bool on)
{
	pthread_mutex_lock(&disk.lock);
	disk.stalled = on;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
}

static void disk_full(bool on, size_t room)
{
	pthread_mutex_lock(&disk.lock);
	disk.full = on;
	disk.room = room;
	pthread_mutex_unlock(&disk.lock);
}

/* Until the log's thread stands in a write. */
static void wait_held(void)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.held == 0)
		pthread_cond_wait(&disk.changed, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

static int setup(void **state)
{
	(void)state;
	log_init();
	snprintf(path, sizeof(path), "%s/log", folder);
	unlink(path);
	return log_open(path);
}

static int teardown(void **state)
{
	(void)state;
	disk_stall(false);
	disk_full(false, 0);
	log_fini();
	free(text);
	text = NULL;
	return 0;
}

static const char *written(const char *of)
{
	free(text);
	assert_true(slurp_all(of, 1 << 24, &text) >= 0);
	return text;
}

static size_t count_of(const char *words)
{
	size_t count = 0;

	for (const char *p = text; (p = strstr(p, words)); p++)
		count++;
	return count;
}

static size_t lost_told(void)
{
	size_t sum = 0;

	for (const char *p = text; (p = strstr(p, " warning log: ")); p++)
		sum += strtoul(p + strlen(" warning log: "), NULL, 10);
	return sum;
}

static void lines_are_there_after_the_stop(void **state)
{
	(void)state;
	log_line(MU_LOG_NOTICE, "a", "in place");
	assert_non_null(strstr(written(path), "in place\n"));
	log_start();
	for (int i = 0; i < 5000; i++)
		log_line(MU_LOG_NOTICE, "a", "line %d", i);
	log_line(MU_LOG_NOTICE, "b", "same");
	log_line(MU_LOG_NOTICE, "b", "same");
	log_line(MU_LOG_NOTICE, "b", "same");
	log_line(MU_LOG_ERROR, "a", "the last");
	assert_int_equal(log_stop(ENOUGH), 0);
	assert_non_null(strstr(written(path), "a: line 0\n"));
	assert_int_equal(count_of("a: line "), 5000);
	assert_non_null(strstr(text, "error a: the last\n"));
	assert_non_null(strstr(text, "b: same (2 more times)\n")); /* folds that pend are told by then */
	log_line(MU_LOG_NOTICE, "a", "in place again");
	assert_non_null(strstr(written(path), "in place again\n"));
	assert_int_equal(log_stop(0), 0); /* it is stopped */
}

static void *say_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20000; i++)
		log_line(MU_LOG_NOTICE, "a", "line %d", i);
	return NULL;
}

static void a_stalled_disk_stops_nobody_and_loses_the_newest(void **state)
{
	struct log_stats before, stats;
	pthread_t thread;

	(void)state;
	log_stats(&before);
	log_start();
	disk_stall(true);
	log_line(MU_LOG_NOTICE, "a", "first");
	wait_held();
	assert_int_equal(pthread_create(&thread, NULL, say_many, NULL), 0);
	pthread_join(thread, NULL); /* that it comes back is the point: the disk has not answered yet */
	log_stats(&stats);
	assert_int_equal(stats.waiting, 8192);
	assert_int_equal(stats.lost - before.lost, 20000 - 8192);
	disk_stall(false);
	assert_int_equal(log_stop(ENOUGH), 0);
	written(path);
	assert_int_equal(count_of("a: line "), 8192);
	assert_non_null(strstr(text, "a: line 8191\n"));
	assert_null(strstr(text, "a: line 8192\n"));
	assert_non_null(strstr(text, "warning log: 11808 lines were lost: the log could not be written\n"));
	assert_int_equal(lost_told(), 11808);
}

static void a_thread_that_hangs_is_left_behind(void **state)
{
	struct timespec before, after;

	(void)state;
	log_start();
	disk_stall(true);
	log_line(MU_LOG_NOTICE, "a", "first");
	wait_held();
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(log_stop(20 * MU_MS), 1);
	log_line(MU_LOG_ERROR, "a", "nobody can hear this");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 20);
	disk_stall(false);
	assert_int_equal(log_stop(ENOUGH), 0); /* now it could be joined */
	log_line(MU_LOG_NOTICE, "a", "in place");
	assert_null(strstr(written(path), "nobody"));
	assert_non_null(strstr(text, "1 line was lost: the log could not be written\n"));
	assert_non_null(strstr(text, "in place\n"));
}

static void a_full_disk_loses_counted_lines_and_tears_none(void **state)
{
	struct log_stats before, stats;

	(void)state;
	log_stats(&before);
	log_start();
	disk_full(true, 10);
	disk_stall(true);
	log_line(MU_LOG_NOTICE, "a", "first");
	wait_held();
	for (int i = 0; i < 100; i++)
		log_line(MU_LOG_NOTICE, "a", "line %d", i);
	disk_stall(false);
	do
		log_stats(&stats);
	while (stats.lost - before.lost < 101);
	disk_full(false, 0);
	log_line(MU_LOG_NOTICE, "a", "there is room");
	assert_int_equal(log_stop(ENOUGH), 0);
	written(path);
	assert_int_equal(text[10], '\n'); /* the half of the first ends its line */
	assert_int_equal(lost_told(), 101);
	assert_non_null(strstr(text, "a: there is room\n"));
	assert_int_equal(count_of("a: line"), 0);
}

static void rotation_goes_on_in_the_new_file(void **state)
{
	char old[80];

	(void)state;
	snprintf(old, sizeof(old), "%s.1", path);
	log_start();
	log_line(MU_LOG_NOTICE, "a", "before");
	while (!strstr(written(path), "before"))
		;
	assert_int_equal(rename(path, old), 0);
	log_reopen();
	while (access(path, F_OK) < 0)
		;
	log_line(MU_LOG_NOTICE, "a", "after");
	log_reopen();
	assert_int_equal(log_open("/tmp/none/of/this"), -ENOENT);
	assert_int_equal(log_open(path), 0);
	log_line(MU_LOG_NOTICE, "a", "and on");
	assert_int_equal(log_stop(ENOUGH), 0);
	assert_null(strstr(written(path), "before"));
	assert_non_null(strstr(text, "a: after\n"));
	assert_non_null(strstr(text, "a: and on\n"));
	unlink(old);
}

static void a_lost_folder_is_told_where_the_log_still_is(void **state)
{
	char away[80];

	(void)state;
	snprintf(away, sizeof(away), "%s.away", folder);
	log_start();
	assert_int_equal(rename(folder, away), 0);
	log_reopen();
	log_line(MU_LOG_NOTICE, "a", "still here");
	assert_int_equal(log_stop(ENOUGH), 0);
	assert_int_equal(rename(away, folder), 0);
	assert_non_null(strstr(written(path), "a: still here\n"));
}

static void a_reader_that_sleeps_is_waited_for(void **state)
{
	int ends[2], kept = dup(STDERR_FILENO);
	static char got[1 << 20];
	size_t length = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 16384), 16384);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	assert_int_equal(close(ends[1]), 0);
	log_open(NULL);
	log_start();
	for (int i = 0; i < 3000; i++)
		log_line(MU_LOG_NOTICE, "a", "line %d", i);
	while (!memmem(got, length, "line 2999\n", 10)) {
		ssize_t n = read(ends[0], got + length, sizeof(got) - length);
		assert_true(n > 0);
		length += (size_t)n;
	}
	for (int i = 0; i < 3000; i++)
		log_line(MU_LOG_NOTICE, "a", "more %d", i);
	assert_int_equal(log_stop(200 * MU_MS), 0); /* the reader sleeps for good: it is not waited for for ever */
	log_open(path);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	close(ends[0]);
	got[length] = '\0';
	free(text);
	text = strdup(got);
	assert_int_equal(count_of("a: line "), 3000);
	assert_null(strstr(text, "lost"));
}

static void *say_own(void *name)
{
	for (int i = 0; i < 500; i++)
		log_line(MU_LOG_NOTICE, name, "%s %d", (const char *)name, i);
	return NULL;
}

static void threads_and_rotations_do_not_mix_lines(void **state)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	size_t lines = 0;

	(void)state;
	log_start();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, say_own, names[i]), 0);
	for (int i = 0; i < 50; i++) {
		log_reopen();
		assert_int_equal(log_open(path), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(log_stop(ENOUGH), 0);
	for (const char *p = written(path); *p; p = strchr(p, '\n') + 1, lines++)
		assert_memory_equal(p + 24, " notice ", 8);
	assert_int_equal(lines, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_there_after_the_stop),
		TEST(a_stalled_disk_stops_nobody_and_loses_the_newest),
		TEST(a_thread_that_hangs_is_left_behind),
		TEST(a_full_disk_loses_counted_lines_and_tears_none),
		TEST(rotation_goes_on_in_the_new_file),
		TEST(a_lost_folder_is_told_where_the_log_still_is),
		TEST(a_reader_that_sleeps_is_waited_for),
		TEST(threads_and_rotations_do_not_mix_lines),
	};

	if (!mkdtemp(folder))
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	unlink(path);
	rmdir(folder);
	return r;
}
