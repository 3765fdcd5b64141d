/* test_store_trouble: no room, no database, a newer one, a damaged one, or too much: what is told, and what stays. */
#include "store_up.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- limits and trouble ---- */

static void too_many_are_refused_at_once(void **state)
{
	struct attempt gatekeeper = try_of(run_wait, 0), late = try_of(run_insert, 1);
	struct attempt *tries = mem_array(STORE_WAITING_MAX, sizeof(*tries));
	struct store_stats stats;

	(void)state;
	struct mu_store *store = open_tables();
	pthread_mutex_lock(&gate);
	mu_store_write(store, &gatekeeper.op);
	do
		store_stats(&stats);
	while (stats.waiting > 0);
	for (int i = 0; i < STORE_WAITING_MAX; i++) {
		tries[i] = try_of(run_count, i);
		mu_store_read(store, &tries[i].op);
	}
	mu_store_write(store, &late.op);
	assert_int_equal(late.answer, 1); /* never at once, always by message */
	wait_for(&late);
	assert_int_equal(late.answer, -EBUSY);
	store_stats(&stats);
	assert_int_equal(stats.refused, 1);
	pthread_mutex_unlock(&gate);
	wait_for(&tries[STORE_WAITING_MAX - 1]);
	assert_int_equal(answers, STORE_WAITING_MAX + 2);
	free(tries);
}

static void a_full_disk_fails_the_group_and_is_told_once(void **state)
{
	struct attempt limit = try_of(run_sql, 0), fill = try_of(run_sql, 0), again,
		   small = try_of(run_insert, 1000), later = try_of(run_insert, 1001);

	(void)state;
	struct mu_store *store = open_tables();
	limit.sql = "PRAGMA max_page_count = 20";
	assert_int_equal(write_now(store, &limit), 0);
	fill.sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		   "INSERT INTO t (k, v) SELECT i, hex(randomblob(500)) FROM n";
	again = fill;
	assert_int_equal(write_now(store, &fill), -ENOSPC);
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 0);
	assert_event(MU_FAILURE, "disk is full");
	uint64_t number = event_ring_at(0)->event.number;
	assert_int_equal(write_now(store, &again), -ENOSPC);
	assert_int_equal(event_ring_at(0)->event.number, number);
	assert_int_equal(write_now(store, &small), 0); /* it fits, which does not mean that all is well */
	assert_int_equal(event_ring_at(0)->event.number, number);
	clock_advance(10 * MU_SEC);
	assert_int_equal(write_now(store, &later), 0);
	assert_event(MU_OKAY, "kept again");
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 2);
}

static void a_newer_file_is_refused_with_what_to_do(void **state)
{
	static const struct mu_migration newer[] = { { 1, "CREATE TABLE t (k INTEGER);" },
						     { 7, "CREATE TABLE z (k);" } };

	(void)state;
	assert_non_null(mu_store_open(&owner, newer, 2, &error));
	next_life();
	assert_null(mu_store_open(&owner, tables, 2, &error));
	assert_int_equal(error.code, -EPROTO);
	assert_non_null(strstr(error.what, "number 7"));
	assert_string_equal(error.where, path);
	assert_non_null(strstr(error.remedy, "newer version"));
}

static void what_is_no_database_is_refused_and_left_alone(void **state)
{
	char text[32] = "";

	(void)state;
	text_printf(text, sizeof(text), "%s/store", dir);
	assert_int_equal(mkdir(text, 0700), 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("dear diary", file);
	fclose(file);
	assert_null(mu_store_open(&owner, tables, 2, &error));
	assert_non_null(strstr(error.what, "no SQLite database"));
	assert_non_null(strstr(error.remedy, "move it away"));
	file = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, "dear diary");
	fclose(file);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
	char inside[160];

	(void)state;
	owner_end();
	assert_int_equal(store_fini(5 * MU_SEC), 0);
	text_printf(inside, sizeof(inside), "%s/no/such/folder", dir);
	store_init(inside);
	owner_begin();
	assert_null(mu_store_open(&owner, tables, 2, &error));
	assert_int_equal(error.code, -ENOENT);
	assert_non_null(strstr(error.remedy, "BaseDir"));
}

static void a_damaged_file_fails_all_and_names_the_remedy(void **state)
{
	char junk[4096];
	struct attempt one = try_of(run_insert, 1);

	(void)state;
	ask(open_tables(), "SELECT 1");
	next_life();
	memset(junk, 0x5a, sizeof(junk));
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk) - 100, 100), sizeof(junk) - 100);
	close(fd);
	/* the version is junk, too: peeking would refuse it as newer */
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 60), 4);
	close(fd);
	struct mu_store *store = mu_store_open(&owner, tables, 2, &error);
	assert_non_null(store);
	assert_int_equal(write_now(store, &one), -EIO);
	assert_event(MU_FAILURE, ".recover");
	one.answer = 1;
	assert_int_equal(write_now(store, &one), -EIO);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
	static const struct mu_migration bad[] = {
		{ 1, "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT);" },
		{ 2, "CREATE TABLE half (k); CREATE TABLE t (again);" },
	};
	struct attempt one = try_of(run_insert, 1);

	(void)state;
	struct mu_store *store = mu_store_open(&owner, bad, 2, &error);
	assert_non_null(store);
	assert_int_equal(write_now(store, &one), -EIO);
	assert_event(MU_FAILURE, "migration 2");
	next_life();
	store = mu_store_open(&owner, bad, 1, &error);
	assert_non_null(store);
	assert_int_equal(ask(store, "PRAGMA user_version"), 1);
	assert_int_equal(ask(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
}

static void one_database_a_life(void **state)
{
	(void)state;
	open_tables();
	assert_null(mu_store_open(&owner, tables, 2, &error));
	assert_int_equal(error.code, -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(too_many_are_refused_at_once),
		test(a_full_disk_fails_the_group_and_is_told_once),
		test(a_newer_file_is_refused_with_what_to_do),
		test(what_is_no_database_is_refused_and_left_alone),
		test(a_folder_that_cannot_be_made_is_told),
		test(a_damaged_file_fails_all_and_names_the_remedy),
		test(a_migration_that_fails_changes_nothing),
		test(one_database_a_life),
	};
	store_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
