/* test_store: what is promised about writes: committed in groups, each by itself, answered after the commit, in order;
 * and about owners that end. */
#include "store_up.h"

#include <sys/stat.h>
#include <unistd.h>

static int run_insert_then_fail(struct sqlite3 *db, struct mu_store_op *op)
{
	int r = run_insert(db, op);
	return r < 0 ? r : -ECANCELED;
}

/* ---- writes ---- */

static void a_write_is_kept_over_lives(void **state)
{
	(void)state;
	struct mu_store *store = open_tables();
	struct attempt one = try_of(run_insert, 1);
	assert_int_equal(write_now(store, &one), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM t"), 1);
	next_life();
	store = open_tables();
	assert_int_equal(ask(store, "SELECT k FROM t"), 1);
	assert_int_equal(freed, 0);
}

static void those_that_wait_are_one_group(void **state)
{
	struct attempt gatekeeper = try_of(run_wait, 0), tries[50];
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
	struct attempt gatekeeper = try_of(run_wait, 0), good = try_of(run_insert, 1),
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
	struct attempt one = try_of(run_insert, 1), read = try_of(run_count, 0);

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
	struct attempt wrong = try_of(run_insert, 1), right = try_of(run_insert, 1);

	(void)state;
	struct mu_store *store = open_tables();
	mu_store_read(store, &wrong.op);
	wait_for(&wrong);
	assert_int_equal(wrong.answer, -EROFS);
	assert_int_equal(write_now(store, &right), 0);
}

static void one_who_ends_the_transaction_fails_the_group(void **state)
{
	struct attempt rude = try_of(run_sql, 0), next = try_of(run_insert, 7);

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
	struct attempt orphan = try_of(run_sql, 0);

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

/* ---- owners that end ---- */

static void what_waits_when_the_owner_ends_is_done_and_freed(void **state)
{
	struct attempt gatekeeper = try_of(run_wait, 0), one = try_of(run_insert, 5);

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
		test(what_waits_when_the_owner_ends_is_done_and_freed),
	};
	store_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
