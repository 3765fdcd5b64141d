/* test_store_sql: mu_sql: values, rows, errors, and the statements that are kept. */
#include "store_up.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_take_values_and_give_rows),
		cmocka_unit_test(a_database_that_keeps_nothing_works_as_well),
	};
	store_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
