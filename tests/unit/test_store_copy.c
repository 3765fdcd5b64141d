/* test_store_copy: copies of all databases: whole, beside running writes, never half, and named when one fails. */
#include "store_up.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t steps;

static void step(struct store_copies *all)
{
	assert_true(loop_is_current(loop_main()));
	assert_int_equal(all->done, ++steps);
}

static void wait_copies(const struct store_copies *all)
{
	while (all->done < all->count)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
}

static struct store_copies *copy_all(const char *folder)
{
	steps = 0;
	struct store_copies *all = store_copy_all(folder, step);
	wait_copies(all);
	return all;
}

static const char *inside(const char *name)
{
	static char text[160];

	text_printf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static int64_t number_in(const char *file, const char *sql)
{
	struct sqlite3 *db;
	int64_t number = -1;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(mu_sql(db, sql, row_number, &number, NULL), 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return number;
}

static void a_copy_has_what_was_handed_in_before_it(void **state)
{
	struct attempt tries[20], after = try_of(run_insert, 1000), wrong = try_of(run_insert, 2000);
	struct stat st;

	(void)state;
	struct mu_store *store = open_tables();
	for (int i = 0; i < 20; i++) {
		tries[i] = try_of(run_insert, i);
		mu_store_write(store, &tries[i].op);
	}
	struct store_copies *all = copy_all(inside("backup"));
	assert_int_equal(all->count, 1);
	assert_int_equal(all->copies[0].error.code, 0);
	assert_string_equal(all->copies[0].name, "farm:a");
	assert_string_equal(all->copies[0].file, inside("backup/farm-a.sqlite"));
	assert_int_equal(stat(all->copies[0].file, &st), 0);
	assert_int_equal(st.st_size, all->copies[0].bytes);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(inside("backup"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(all);
	assert_int_equal(number_in(inside("backup/farm-a.sqlite"), "SELECT count(*) FROM t"), 20);
	assert_int_equal(number_in(inside("backup/farm-a.sqlite"), "PRAGMA user_version"), 2);
	/* the owner goes on, and the next copy is put in the place of the first */
	assert_int_equal(write_now(store, &after), 0);
	free(copy_all(inside("backup")));
	assert_int_equal(number_in(inside("backup/farm-a.sqlite"), "SELECT count(*) FROM t"), 21);
	assert_int_equal(access(inside("backup/farm-a.sqlite.tmp"), F_OK), -1);
	mu_store_read(store, &wrong.op); /* reads may not write, still */
	wait_for(&wrong);
	assert_int_equal(wrong.answer, -EROFS);
}

static void a_copy_that_fails_leaves_the_one_before(void **state)
{
	struct attempt one = try_of(run_insert, 1);

	(void)state;
	struct mu_store *store = open_tables();
	assert_int_equal(write_now(store, &one), 0);
	free(copy_all(inside("backup")));
	/* half of one from an earlier life is in nobody's way, but a folder of that name is */
	int fd = open(inside("backup/farm-a.sqlite.tmp"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0 && write(fd, "half", 4) == 4);
	close(fd);
	struct store_copies *all = copy_all(inside("backup"));
	assert_int_equal(all->copies[0].error.code, 0);
	free(all);
	assert_int_equal(mkdir(inside("backup/farm-a.sqlite.tmp"), 0700), 0);
	all = copy_all(inside("backup"));
	assert_int_equal(all->copies[0].error.code, -EEXIST);
	assert_string_equal(all->copies[0].error.where, inside("backup/farm-a.sqlite"));
	assert_non_null(strstr(all->copies[0].error.what, "farm:a was not copied"));
	assert_non_null(strstr(all->copies[0].error.remedy, "folder"));
	free(all);
	assert_int_equal(number_in(inside("backup/farm-a.sqlite"), "SELECT count(*) FROM t"), 1);
	all = copy_all(inside("no/such/folder"));
	assert_int_equal(all->copies[0].error.code, -ENOENT);
	free(all);
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 1);
}

static void no_database_is_no_copy(void **state)
{
	(void)state;
	struct store_copies *all = copy_all(inside("backup"));
	assert_int_equal(all->count, 0);
	assert_int_equal(steps, 0);
	free(all);
	assert_int_equal(access(inside("backup"), F_OK), -1);
}

static void a_broken_database_is_told(void **state)
{
	static const struct mu_migration bad[] = { { 1, "CREATE TABLE t (k); CREATE TABLE t (again);" } };
	struct attempt one = try_of(run_insert, 1);

	(void)state;
	struct mu_store *store = mu_store_open(&owner, bad, 1, &error);
	assert_non_null(store);
	assert_int_equal(write_now(store, &one), -EIO);
	struct store_copies *all = copy_all(inside("backup"));
	assert_int_equal(all->count, 1);
	assert_int_equal(all->copies[0].error.code, -EIO);
	assert_int_equal(all->copies[0].bytes, 0);
	free(all);
}

static void an_owner_that_ends_is_copied_all_the_same(void **state)
{
	struct attempt gatekeeper = try_of(run_wait, 0), one = try_of(run_insert, 5);
	bool done = false;

	(void)state;
	struct mu_store *store = open_tables();
	pthread_mutex_lock(&gate);
	mu_store_write(store, &gatekeeper.op);
	mu_store_write(store, &one.op);
	steps = 0;
	struct store_copies *all = store_copy_all(inside("backup"), step);
	ref_end(owner.ref);
	store_instance_gone(&owner, closed, &done);
	mu_ref_unref(&owner.ref);
	pthread_mutex_unlock(&gate);
	wait_copies(all);
	while (!done)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
	assert_int_equal(all->copies[0].error.code, 0);
	free(all);
	assert_int_equal(number_in(inside("backup/farm-a.sqlite"), "SELECT k FROM t"), 5);
	owner_begin();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_copy_has_what_was_handed_in_before_it),
		test(a_copy_that_fails_leaves_the_one_before),
		test(no_database_is_no_copy),
		test(a_broken_database_is_told),
		test(an_owner_that_ends_is_copied_all_the_same),
	};
	store_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
