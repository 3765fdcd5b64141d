/* test_store: what is promised about writes: committed in groups, each by itself, answered after the commit,
 * in order; and what happens when there is no room, no database, no owner, or too much. */
#include "store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "event.h"
#include "event_node.h"
#include "instance.h"
#include "log.h"
#include "loop.h"

static char dir[64], path[128];
static struct mu_instance owner;
static struct mu_error error;

static const struct mu_migration tables[] = {
	{ 1, "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT);" },
	{ 2, "ALTER TABLE t ADD COLUMN w TEXT; CREATE TABLE u (k INTEGER REFERENCES t (k));" },
};

/* One operation and what became of it. */
struct
try {
	struct mu_store_op op;
	int64_t key, seen;
	const char *sql;
	int answer;   /* 1 = none yet */
	size_t place; /* in the order of answers */
};
static size_t answers, freed;

static void try_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct try *try = MU_CONTAINER(op, struct try, op);

	assert_ptr_equal(self, &owner);
	assert_true(loop_is_current(loop_main()));
	assert_int_equal(try->answer, 1);
	try->answer = status;
	try->place = ++answers;
}

static void try_free(struct mu_store_op *op)
{
	(void)op;
	__atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
}

static int run_insert(struct sqlite3 *db, struct mu_store_op *op)
{
	struct try *try = MU_CONTAINER(op, struct try, op);
	int r = mu_sql(db, "INSERT INTO t (k, v) VALUES (?, ?)", NULL, NULL, "is", try->key, "x");
	return r < 0 ? r : 0;
}

static int run_insert_then_fail(struct sqlite3 *db, struct mu_store_op *op)
{
	int r = run_insert(db, op);
	return r < 0 ? r : -ECANCELED;
}

static int row_number(const struct mu_row *row, void *data)
{
	*(int64_t *)data = mu_row_i64(row, 0);
	return 0;
}

static int run_count(struct sqlite3 *db, struct mu_store_op *op)
{
	struct try *try = MU_CONTAINER(op, struct try, op);
	int r = mu_sql(db, "SELECT count(*) FROM t", row_number, &try->seen, NULL);
	return r < 0 ? r : 0;
}

static int run_sql(struct sqlite3 *db, struct mu_store_op *op)
{
	struct try *try = MU_CONTAINER(op, struct try, op);
	int r = mu_sql(db, try->sql, row_number, &try->seen, NULL);
	return r < 0 ? r : 0;
}

/* Stands until the test lets it go, so that what comes after it gathers. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int run_wait(struct sqlite3 *db, struct mu_store_op *op)
{
	(void)db;
	(void)op;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return 0;
}

static struct try try_of(int (*run)(struct sqlite3 *, struct mu_store_op *), int64_t key)
{
	return (struct try){ .op = { .run = run, .done = try_done, .free = try_free },
			     .key = key,
			     .answer = 1 };
}

static void wait_for(const struct try *try)
{
	while (try->answer == 1)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
}

static int write_now(struct mu_store *store, struct try *try)
{
	mu_store_write(store, &try->op);
	wait_for(try);
	return try->answer;
}

static int64_t ask(struct mu_store *store, const char *sql)
{
	struct try try = try_of(run_sql, 0);
	try.sql = sql;
	mu_store_read(store, &try.op);
	wait_for(&try);
	assert_int_equal(try.answer, 0);
	return try.seen;
}

/* ---- life ---- */

static void closed(void *data)
{
	*(bool *)data = true;
}

static void owner_begin(void)
{
	owner = (struct mu_instance){
		.name = "farm:a", .loop = loop_main(), .holds = 100, .is = INSTANCE_RUNNING
	};
	owner.ref = ref_new(loop_main(), &owner);
	list_init(&owner.timers);
}

static void owner_end(void)
{
	bool done = false;

	ref_end(owner.ref);
	store_instance_gone(&owner, closed, &done);
	while (!done)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
	mu_ref_unref(&owner.ref);
}

static struct mu_store *open_tables(void)
{
	struct mu_store *store = mu_store_open(&owner, tables, 2, &error);
	assert_non_null(store);
	return store;
}

static int begin(void **state)
{
	(void)state;
	text_copy(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	text_printf(path, sizeof(path), "%s/store/farm-a.sqlite", dir);
	memset(&error, 0, sizeof(error));
	answers = freed = 0;
	clock_hold(MU_SEC, 1800000000 * MU_SEC);
	loop_main_init();
	event_init();
	event_store(NULL);
	store_init(dir);
	owner_begin();
	return 0;
}

static int end(void **state)
{
	char command[96];

	(void)state;
	owner_end();
	assert_int_equal(store_fini(5 * MU_SEC), 0);
	event_fini();
	loop_main_fini();
	clock_release();
	text_printf(command, sizeof(command), "rm -r %s", dir);
	FILE *rm = popen(command, "r");
	assert_non_null(rm);
	assert_int_equal(pclose(rm), 0);
	return 0;
}

/* Ends this life of the room and begins the next, with the same files. */
static void next_life(void)
{
	owner_end();
	owner_begin();
}

/* The newest event: said by the store's thread before the answer that the test has waited for. */
static void assert_event(uint32_t severity, const char *words)
{
	const struct event_node *node = event_ring_at(0);

	assert_non_null(node);
	assert_int_equal(node->event.severity, severity);
	assert_non_null(strstr(node->event.words, words));
}

/* ---- writes ---- */

static void a_write_is_kept_over_lives(void **state)
{
	(void)state;
	struct mu_store *store = open_tables();
	struct try one = try_of(run_insert, 1);
	assert_int_equal(write_now(store, &one), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 1);
	next_life();
	store = open_tables();
	assert_int_equal(ask(store, "SELECT k FROM t"), 1);
	assert_int_equal(freed, 0);
}

static void those_that_wait_are_one_group(void **state)
{
	struct try gatekeeper = try_of(run_wait, 0), tries[50];
	struct store_stats before, after;

	(void)state;
	struct mu_store *store = open_tables();
	pthread_mutex_lock(&gate);
	mu_store_write(store, &gatekeeper.op);
	do
		store_stats(&before);
	while (before.waiting > 0);
	for (int i = 0; i < 50; i++) {
		tries[i] = try_of(run_insert, i);
		mu_store_write(store, &tries[i].op);
	}
	store_stats(&after);
	assert_int_equal(after.waiting, 50);
	pthread_mutex_unlock(&gate);
	wait_for(&tries[49]);
	store_stats(&after);
	assert_int_equal(after.groups, before.groups + 1);
	assert_int_equal(after.writes, before.writes + 50);
	assert_int_equal(after.waiting, 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(tries[i].answer, 0);
		assert_int_equal(tries[i].place, i + 2);
	}
}

static void a_failed_write_leaves_the_others(void **state)
{
	struct try gatekeeper = try_of(run_wait, 0), good = try_of(run_insert, 1),
		   same = try_of(run_insert, 1), undone = try_of(run_insert_then_fail, 2),
		   last = try_of(run_insert, 3);

	(void)state;
	struct mu_store *store = open_tables();
	pthread_mutex_lock(&gate);
	mu_store_write(store, &gatekeeper.op);
	mu_store_write(store, &good.op);
	mu_store_write(store, &same.op);
	mu_store_write(store, &undone.op);
	mu_store_write(store, &last.op);
	pthread_mutex_unlock(&gate);
	wait_for(&last);
	assert_int_equal(good.answer, 0);
	assert_int_equal(same.answer, -EEXIST);
	assert_int_equal(undone.answer, -ECANCELED);
	assert_int_equal(last.answer, 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 2);
	assert_int_equal(ask(store, "SELECT sum(k) FROM t"), 4);
}

static void a_read_sees_what_was_handed_in_before_it(void **state)
{
	struct try one = try_of(run_insert, 1), read = try_of(run_count, 0);

	(void)state;
	struct mu_store *store = open_tables();
	mu_store_write(store, &one.op);
	mu_store_read(store, &read.op);
	wait_for(&read);
	assert_int_equal(read.seen, 1);
	assert_int_equal(one.answer, 0);
	assert_true(one.place < read.place);
}

static void a_read_cannot_write(void **state)
{
	struct try wrong = try_of(run_insert, 1), right = try_of(run_insert, 1);

	(void)state;
	struct mu_store *store = open_tables();
	mu_store_read(store, &wrong.op);
	wait_for(&wrong);
	assert_int_equal(wrong.answer, -EROFS);
	assert_int_equal(write_now(store, &right), 0);
}

static void one_who_ends_the_transaction_fails_the_group(void **state)
{
	struct try rude = try_of(run_sql, 0), next = try_of(run_insert, 7);

	(void)state;
	struct mu_store *store = open_tables();
	rude.sql = "ROLLBACK";
	assert_int_equal(write_now(store, &rude), -EIO);
	assert_event(MU_FAILURE, "farm:a");
	clock_advance(10 * MU_SEC);
	assert_int_equal(write_now(store, &next), 0);
	assert_event(MU_OKAY, "kept again");
}

static void foreign_keys_and_wal_are_on(void **state)
{
	struct try orphan = try_of(run_sql, 0);

	(void)state;
	struct mu_store *store = open_tables();
	orphan.sql = "INSERT INTO u (k) VALUES (12345)";
	assert_int_equal(write_now(store, &orphan), -EINVAL);
	assert_int_equal(ask(store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(ask(store, "PRAGMA synchronous"), 2);
	assert_int_equal(ask(store, "SELECT locking_mode = 'exclusive' FROM pragma_locking_mode"), 1);
	/* a second connection cannot so much as read, and there is no shared index */
	struct sqlite3 *other;
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "SELECT * FROM t", NULL, NULL, NULL), SQLITE_BUSY);
	sqlite3_close(other);
	struct str shm = { 0 };
	str_printf(&shm, "%s-shm", path);
	assert_int_equal(access(str_text(&shm), F_OK), -1);
	str_fini(&shm);
}

static void the_file_is_for_the_owner_only(void **state)
{
	struct stat st;

	(void)state;
	ask(open_tables(), "SELECT 1");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- limits and trouble ---- */

static void too_many_are_refused_at_once(void **state)
{
	struct try gatekeeper = try_of(run_wait, 0), late = try_of(run_insert, 1);
	struct try *tries = mem_array(STORE_WAITING_MAX, sizeof(*tries));
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
	struct try limit = try_of(run_sql, 0), fill = try_of(run_sql, 0), again,
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
	struct try one = try_of(run_insert, 1);

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
	struct try one = try_of(run_insert, 1);

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

/* ---- owners that end ---- */

static void what_waits_when_the_owner_ends_is_done_and_freed(void **state)
{
	struct try gatekeeper = try_of(run_wait, 0), one = try_of(run_insert, 5);

	(void)state;
	struct mu_store *store = open_tables();
	pthread_mutex_lock(&gate);
	mu_store_write(store, &gatekeeper.op);
	mu_store_write(store, &one.op);
	bool done = false;
	ref_end(owner.ref);
	store_instance_gone(&owner, closed, &done);
	mu_ref_unref(&owner.ref);
	/* the next life opens the same file while the one before is not through */
	owner_begin();
	store = open_tables();
	pthread_mutex_unlock(&gate);
	assert_int_equal(ask(store, "SELECT k FROM t"), 5);
	assert_true(done);
	assert_int_equal(freed, 2);
	assert_int_equal(answers, 1); /* the question's own */
}

/* ---- mu_sql ---- */

static int row_stop(const struct mu_row *row, void *data)
{
	++*(int *)data;
	return mu_row_i64(row, 0) == 3 ? 1 : 0;
}

static int row_refuse(const struct mu_row *row, void *data)
{
	(void)row;
	(void)data;
	return -E2BIG;
}

static int row_types(const struct mu_row *row, void *data)
{
	size_t size;

	assert_true(mu_row_i64(row, 0) == INT64_MIN);
	assert_true(mu_row_double(row, 1) == 0.5);
	assert_string_equal(mu_row_text(row, 2), "text");
	assert_null(mu_row_text(row, 3));
	assert_memory_equal(mu_row_blob(row, 4, &size), "a\0b", 3);
	assert_int_equal(size, 3);
	*(bool *)data = true;
	return 0;
}

static int row_again(const struct mu_row *row, void *data)
{
	int64_t *left = data;

	(void)row;
	if (--*left > 0)
		assert_int_equal(mu_sql((struct sqlite3 *)left[1], "SELECT 1", row_again, data, NULL), 1);
	return 0;
}

static void statements_take_values_and_give_rows(void **state)
{
	struct sqlite3 *db;
	bool seen = false;
	int rows = 0;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sql_keep(db);
	assert_int_equal(mu_sql(db, "SELECT ?, ?, ?, ?, ?", row_types, &seen, "idssb", INT64_MIN, 0.5, "text",
				NULL, "a\0b", (size_t)3),
			 1);
	assert_true(seen);
	assert_int_equal(mu_sql(db, "CREATE TABLE t (k INTEGER PRIMARY KEY)", NULL, NULL, NULL), 0);
	assert_int_equal(mu_sql(db, "INSERT INTO t VALUES (1), (2), (3), (4)", NULL, NULL, NULL), 4);
	assert_int_equal(mu_sql_last_id(db), 4);
	assert_int_equal(mu_sql(db, "CREATE TABLE u (k)", NULL, NULL, NULL), 0);
	assert_int_equal(mu_sql(db, "SELECT k FROM t ORDER BY k", row_stop, &rows, NULL), 3);
	assert_int_equal(rows, 3);
	assert_int_equal(mu_sql(db, "SELECT k FROM t", row_refuse, NULL, NULL), -E2BIG);
	assert_int_equal(mu_sql(db, "UPDATE t SET k = k + 10 WHERE k > ?", NULL, NULL, "i", (int64_t)2), 2);
	assert_int_equal(mu_sql(db, "DELETE FROM t WHERE k = ?", NULL, NULL, "i", (int64_t)99), 0);
	assert_int_equal(mu_sql(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL), -EEXIST);
	assert_int_equal(mu_sql(db, "SELEKT 1", NULL, NULL, NULL), -EINVAL);
	assert_int_equal(mu_sql(db, " ", NULL, NULL, NULL), -EINVAL);
	/* the same text inside its own row, and more texts than are kept */
	int64_t left[2] = { 3, (int64_t)(intptr_t)db };
	assert_int_equal(mu_sql(db, "SELECT 1", row_again, left, NULL), 1);
	assert_int_equal(left[0], 0);
	for (int i = 0; i < 200; i++) {
		char sql[32];
		int64_t number = 0;
		text_printf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(mu_sql(db, sql, row_number, &number, NULL), 1);
		assert_int_equal(number, i);
	}
	sql_forget(db);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_database_that_keeps_nothing_works_as_well(void **state)
{
	struct sqlite3 *db;
	int64_t number = 0;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(mu_sql(db, "SELECT ?", row_number, &number, "i", (int64_t)42), 1);
	assert_int_equal(number, 42);
	assert_int_equal(sqlite3_close(db), SQLITE_OK); /* nothing is left prepared */
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_write_is_kept_over_lives),
		test(those_that_wait_are_one_group),
		test(a_failed_write_leaves_the_others),
		test(a_read_sees_what_was_handed_in_before_it),
		test(a_read_cannot_write),
		test(one_who_ends_the_transaction_fails_the_group),
		test(foreign_keys_and_wal_are_on),
		test(the_file_is_for_the_owner_only),
		test(too_many_are_refused_at_once),
		test(a_full_disk_fails_the_group_and_is_told_once),
		test(a_newer_file_is_refused_with_what_to_do),
		test(what_is_no_database_is_refused_and_left_alone),
		test(a_folder_that_cannot_be_made_is_told),
		test(a_damaged_file_fails_all_and_names_the_remedy),
		test(a_migration_that_fails_changes_nothing),
		test(one_database_a_life),
		test(what_waits_when_the_owner_ends_is_done_and_freed),
		cmocka_unit_test(statements_take_values_and_give_rows),
		cmocka_unit_test(a_database_that_keeps_nothing_works_as_well),
	};
	log_init();
	assert_int_equal(log_open("/dev/null"), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
