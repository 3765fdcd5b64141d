/* test_file: librrd itself, in a folder of our own: files made as collectd makes them, many values a call,
 * and each cause of failure by its name. */
#include "file.h"

#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <rrd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW INT64_C(1700000000)

static const struct mu_source load_sources[] = { { "shortterm", MU_GAUGE, 0, 5000 },
						 { "midterm", MU_GAUGE, 0, 5000 },
						 { "longterm", MU_GAUGE, 0, 5000 } };
static const struct mu_type load_type = { "load", 3, load_sources };
static const struct mu_source cpu_sources[] = { { "value", MU_DERIVE, 0, NAN } };
static const struct mu_type cpu_type = { "cpu", 1, cpu_sources };

static char dir[64], path[256];
static struct layout_options layout;
static struct rows rows;
static struct file_task task;
static struct file_result result;

static int remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

static int begin(void **state)
{
	(void)state;
	file_init();
	snprintf(dir, sizeof(dir), "/tmp/test_file.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/h/cpu-0/cpu-user.rrd", dir);
	layout_defaults(&layout);
	task = (struct file_task){
		.data_dir = dir,
		.name = "h/cpu-0/cpu-user",
		.type = &cpu_type,
		.layout = &layout,
		.interval = 10 * MU_SEC,
		.rows = &rows,
		.now = NOW,
		.first = true,
	};
	return 0;
}

static int end(void **state)
{
	(void)state;
	rows_fini(&rows);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void add(int64_t second, int64_t value)
{
	const union mu_value values[] = { { .derive = value } };

	assert_int_equal(rows_add(&rows, second, &cpu_type, values), 0);
}

static enum cause write_file(void)
{
	file_write(&task, &result);
	return result.cause;
}

/* One fact out of `rrdtool info`, as text. */
static const char *info(const char *key)
{
	static char text[64];
	rrd_info_t *all = rrd_info_r(path);

	snprintf(text, sizeof(text), "none");
	for (rrd_info_t *at = all; at; at = at->next) {
		if (strcmp(at->key, key) != 0)
			continue;
		if (at->type == RD_I_CNT)
			snprintf(text, sizeof(text), "%lu", at->value.u_cnt);
		else if (at->type == RD_I_VAL)
			snprintf(text, sizeof(text), "%.4g", isnan(at->value.u_val) ? NAN : at->value.u_val);
		else if (at->type == RD_I_STR)
			snprintf(text, sizeof(text), "%s", at->value.u_str);
	}
	rrd_info_free(all);
	return text;
}

static void a_missing_file_is_made(void **state)
{
	(void)state;
	struct stat st;

	add(NOW - 20, 100);
	add(NOW - 10, 200);
	add(NOW, 400);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_true(result.created);
	assert_int_equal(result.written, 3);
	assert_int_equal(result.past, 0);
	assert_string_equal(result.words, "");
	assert_int_equal(rrd_last_r(path), NOW);
	assert_string_equal(info("step"), "10");
	assert_string_equal(info("ds[value].type"), "DERIVE");
	assert_string_equal(info("ds[value].minimal_heartbeat"), "20");
	assert_string_equal(info("ds[value].min"), "0");
	assert_string_equal(info("ds[value].max"), "nan");
	assert_string_equal(info("ds[value].last_ds"), "400");
	assert_string_equal(info("rra[0].cf"), "AVERAGE");
	assert_string_equal(info("rra[1].cf"), "MIN");
	assert_string_equal(info("rra[14].cf"), "MAX");
	assert_string_equal(info("rra[14].pdp_per_row"), "2635");
	assert_string_equal(info("rra[14].rows"), "1201");
	assert_string_equal(info("rra[14].xff"), "0.1");
	assert_string_equal(info("rra[15].cf"), "none");
	/* the size that collectd's files have at 10 s */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 148648);
	/* nothing else is left in the folder */
	assert_int_equal(unlink(path), 0);
	char folder[128];
	snprintf(folder, sizeof(folder), "%s/h/cpu-0", dir);
	assert_int_equal(rmdir(folder), 0);
}

static void several_sources_in_one_file(void **state)
{
	(void)state;
	struct stat st;
	const union mu_value values[] = { { .gauge = 0.5 }, { .gauge = NAN }, { .gauge = 0.125 } };

	snprintf(path, sizeof(path), "%s/h/load/load.rrd", dir);
	task.name = "h/load/load";
	task.type = &load_type;
	task.interval = MU_SEC;
	assert_int_equal(rows_add(&rows, NOW, &load_type, values), 0);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_string_equal(info("ds[midterm].index"), "1");
	assert_string_equal(info("ds[midterm].last_ds"), "U");
	assert_string_equal(info("ds[longterm].last_ds"), "0.125");
	assert_string_equal(info("ds[longterm].max"), "5000");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 611160);
}

static void what_is_there_is_passed_over(void **state)
{
	(void)state;
	add(NOW - 20, 1);
	add(NOW - 10, 2);
	assert_int_equal(write_file(), CAUSE_NONE);
	/* the same again, as after a crash, with one more */
	add(NOW, 3);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_false(result.created);
	assert_int_equal(result.written, 1);
	assert_int_equal(result.past, 2);
	assert_int_equal(rrd_last_r(path), NOW);
	assert_string_equal(info("ds[value].last_ds"), "3");
}

static void a_file_that_vanished_is_made_again(void **state)
{
	(void)state;
	add(NOW - 10, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_int_equal(unlink(path), 0);
	task.first = false;
	rows_fini(&rows);
	add(NOW, 2);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_true(result.created);
	assert_int_equal(rrd_last_r(path), NOW);
}

static void a_file_ahead_of_the_clock(void **state)
{
	(void)state;
	add(NOW, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	task.now = NOW - 3600;
	rows_fini(&rows);
	add(NOW - 3600, 2);
	assert_int_equal(write_file(), CAUSE_AHEAD);
	assert_string_equal(result.words, "last update 1700000000, now is 1699996400");
	assert_int_equal(rrd_last_r(path), NOW);
	/* values that are ahead themselves can be written */
	rows_fini(&rows);
	add(NOW + 10, 2);
	assert_int_equal(write_file(), CAUSE_NONE);
}

static void put_in_the_way(const char *content, size_t length)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/h", dir);
	mkdir(folder, 0755);
	snprintf(folder, sizeof(folder), "%s/h/cpu-0", dir);
	mkdir(folder, 0755);
	unlink(path);
	if (!content) {
		assert_int_equal(mkdir(path, 0755), 0);
		return;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, length), length);
	close(fd);
}

static void foreign_files_stay_as_they_are(void **state)
{
	(void)state;
	char block[8192];
	struct stat st;

	memset(block, 'x', sizeof(block));
	add(NOW, 1);
	for (int first = 0; first < 2; first++) {
		task.first = first;
		put_in_the_way("hello", 5);
		assert_int_equal(write_file(), CAUSE_FOREIGN);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, 5);
		put_in_the_way(block, sizeof(block));
		assert_int_equal(write_file(), CAUSE_FOREIGN);
		put_in_the_way("", 0);
		assert_int_equal(write_file(), CAUSE_FOREIGN);
		put_in_the_way(NULL, 0);
		assert_int_equal(write_file(), CAUSE_FOREIGN);
		assert_int_equal(rmdir(path), 0);
	}
	/* an RRD file that lost its end */
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_int_equal(truncate(path, 5000), 0);
	assert_int_equal(write_file(), CAUSE_FOREIGN);
	/* a file where a folder should be */
	task.name = "h/cpu-0/cpu-user.rrd";
	snprintf(block, sizeof(block), "%s/h/plain", dir);
	int fd = open(block, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	task.name = "h/plain/cpu";
	assert_int_equal(write_file(), CAUSE_FOREIGN);
	assert_string_equal(result.words, "Not a directory");
}

static void other_data_sources_are_a_mismatch(void **state)
{
	(void)state;
	const union mu_value values[] = { { .gauge = 1 }, { .gauge = 2 }, { .gauge = 3 } };

	add(NOW - 10, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	rows_fini(&rows);
	rows_add(&rows, NOW, &load_type, values);
	task.type = &load_type;
	assert_int_equal(write_file(), CAUSE_MISMATCH);
	assert_true(*result.words);
}

static void names_that_make_no_path(void **state)
{
	(void)state;
	add(NOW, 1);
	task.name = "../x/y";
	assert_int_equal(write_file(), CAUSE_NAME);
	task.name = "h/.p/y";
	assert_int_equal(write_file(), CAUSE_NAME);
}

static void a_locked_file_is_tried_again(void **state)
{
	(void)state;
	int pipes[2];
	char byte;

	add(NOW - 10, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR | O_CLOEXEC);
		fcntl(fd, F_SETLK, &lock);
		if (write(pipes[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	rows_fini(&rows);
	add(NOW, 2);
	task.first = false;
	assert_int_equal(write_file(), CAUSE_LOCKED);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_int_equal(rrd_last_r(path), NOW);
	close(pipes[0]);
	close(pipes[1]);
}

/* On a file system of its own, where this user may mount one. */
static void full_and_read_only_disks_are_told_apart(void **state)
{
	(void)state;
	if (mount("none", dir, "tmpfs", 0, "size=128k") < 0) {
		print_message("not allowed to mount: not tested\n");
		skip();
	}
	add(NOW, 1);
	assert_int_equal(write_file(), CAUSE_FULL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=1m"), 0);
	assert_int_equal(write_file(), CAUSE_NONE);
	/* what is there can be written on a disk without room */
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=160k"), 0);
	rows_fini(&rows);
	add(NOW + 10, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	rows_fini(&rows);
	add(NOW + 20, 1);
	assert_int_equal(write_file(), CAUSE_READONLY);
	task.name = "h/other/cpu";
	assert_int_equal(write_file(), CAUSE_READONLY);
	task.name = "h/cpu-0/cpu-system";
	assert_int_equal(write_file(), CAUSE_READONLY);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void no_permission_is_told(void **state)
{
	(void)state;
	add(NOW, 1);
	assert_int_equal(write_file(), CAUSE_NONE);
	rows_fini(&rows);
	add(NOW + 10, 1);
	assert_int_equal(chmod(dir, 0755), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(1);
		if (getuid() != 65534)
			_exit(0); /* its own files: nothing to see */
		if (write_file() != CAUSE_DENIED)
			_exit(2);
		task.name = "h/cpu-0/cpu-system";
		if (write_file() != CAUSE_DENIED)
			_exit(3);
		task.name = "other/cpu-0/cpu-system";
		_exit(write_file() == CAUSE_DENIED ? 0 : 4);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_file_is_made),
		TEST(several_sources_in_one_file),
		TEST(what_is_there_is_passed_over),
		TEST(a_file_that_vanished_is_made_again),
		TEST(a_file_ahead_of_the_clock),
		TEST(foreign_files_stay_as_they_are),
		TEST(other_data_sources_are_a_mismatch),
		TEST(names_that_make_no_path),
		TEST(a_locked_file_is_tried_again),
		TEST(full_and_read_only_disks_are_told_apart),
		TEST(no_permission_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
