/* test_fold: rows: a second each, folded, taken, put back and dropped. */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static const struct mu_source one_source[] = { { "value", MU_GAUGE, NAN, NAN } };
static const struct mu_type gauge = { "gauge", 1, one_source };
static const struct mu_source sources[] = { { "g", MU_GAUGE, NAN, NAN },
					    { "a", MU_ABSOLUTE, 0, NAN },
					    { "c", MU_COUNTER, 0, NAN },
					    { "d", MU_DERIVE, 0, NAN } };
static const struct mu_type mixed = { "mixed", 4, sources };

static int add(struct rows *rows, int64_t second, double value)
{
	const union mu_value values[] = { { .gauge = value } };

	return rows_add(rows, second, &gauge, values);
}

static int add_mixed(struct rows *rows, int64_t second, double g, uint64_t a, uint64_t c, int64_t d)
{
	const union mu_value values[] = {
		{ .gauge = g }, { .absolute = a }, { .counter = c }, { .derive = d }
	};

	return rows_add(rows, second, &mixed, values);
}

static const char *text_of(const struct rows *rows, const struct mu_type *type)
{
	static char text[4096];
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < rows->count; i++) {
		if (i > 0)
			text[length++] = ' ';
		length += rows_text(text + length, sizeof(text) - length, rows, i, type);
	}
	return text;
}

static void each_sort_folds_its_own_way(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 };

	assert_int_equal(add_mixed(&rows, 1000, 1.0, 5, 100, -3), 0);
	assert_int_equal(add_mixed(&rows, 1000, 2.0, 6, 200, 7), ROWS_FOLDED);
	assert_int_equal(add_mixed(&rows, 1000, 6.0, 7, 300, -9), ROWS_FOLDED);
	assert_int_equal(rows.count, 1);
	assert_string_equal(text_of(&rows, &mixed), "1000:3:18:300:-9");
	/* the next second begins anew */
	assert_int_equal(add_mixed(&rows, 1001, 4.0, 1, 1, 1), 0);
	assert_int_equal(add_mixed(&rows, 1001, 8.0, 1, 2, 3), ROWS_FOLDED);
	assert_string_equal(text_of(&rows, &mixed), "1000:3:18:300:-9 1001:6:2:2:3");
	assert_int_equal(add_mixed(&rows, 1000, 1, 1, 1, 1), ROWS_PAST);
	assert_int_equal(rows.count, 2);
	rows_fini(&rows);
}

static void unknown_gauges_are_no_part_of_a_mean(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 };

	add(&rows, 10, NAN);
	assert_string_equal(text_of(&rows, &gauge), "10:U");
	add(&rows, 10, 3);
	assert_string_equal(text_of(&rows, &gauge), "10:3");
	add(&rows, 10, NAN);
	add(&rows, 10, 5);
	assert_string_equal(text_of(&rows, &gauge), "10:4");
	add(&rows, 11, 7);
	add(&rows, 11, NAN);
	add(&rows, 11, 8);
	add(&rows, 11, 9);
	assert_string_equal(text_of(&rows, &gauge), "10:4 11:8");
	rows_fini(&rows);
}

static void words_of_rrdupdate(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 };
	char text[ROWS_TEXT(4)], small[8];

	add_mixed(&rows, INT64_C(9223372036), -2.2250738585072014e-308, UINT64_MAX, UINT64_MAX, INT64_MIN);
	assert_string_equal(text_of(&rows, &mixed),
			    "9223372036:-2.2250738585072e-308:18446744073709551615:18446744073709551615"
			    ":-9223372036854775808");
	assert_true(rows_text(text, sizeof(text), &rows, 0, &mixed) < sizeof(text));
	assert_int_equal(rows_text(small, sizeof(small), &rows, 0, &mixed), strlen(text));
	assert_string_equal(small, "9223372");
	rows_fini(&rows);
	add(&rows, 5, INFINITY);
	add(&rows, 6, 0.1);
	add(&rows, 7, 1e15);
	assert_string_equal(text_of(&rows, &gauge), "5:U 6:0.1 7:1e+15");
	rows_fini(&rows);
}

static void taken_rows_can_be_put_back(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 }, flight = { .count = 0 };

	for (int i = 1; i <= 5; i++)
		add(&rows, i, i);
	rows_take(&rows, &flight, INT64_MAX);
	assert_int_equal(rows.count, 0);
	assert_int_equal(rows_bytes(&rows), 0);
	assert_string_equal(text_of(&flight, &gauge), "1:1 2:2 3:3 4:4 5:5");
	assert_int_equal(rows_put_back(&rows, &flight), 0);
	assert_int_equal(flight.count, 0);
	rows_take(&rows, &flight, INT64_MAX);
	add(&rows, 6, 6);
	add(&rows, 6, 8);
	add(&rows, 7, 7);
	add(&rows, 7, 9);
	assert_int_equal(rows_put_back(&rows, &flight), 0);
	assert_string_equal(text_of(&rows, &gauge), "1:1 2:2 3:3 4:4 5:5 6:7 7:8");
	/* the newest row goes on folding */
	add(&rows, 7, 11);
	assert_true(fabs(rows_value(&rows, 6, 0).gauge - 9) < 1e-12);
	/* and nothing to put back is no harm */
	assert_int_equal(rows_put_back(&rows, &flight), 0);
	assert_int_equal(rows.count, 7);
	rows_fini(&rows);
}

static void the_running_second_stays(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 }, flight = { .count = 0 };

	for (int i = 1; i <= 3; i++) {
		add(&rows, i, 1);
		add(&rows, i, 2);
	}
	rows_take(&rows, &flight, 3);
	assert_string_equal(text_of(&flight, &gauge), "1:1.5 2:1.5");
	assert_string_equal(text_of(&rows, &gauge), "3:1.5");
	assert_int_equal(add(&rows, 3, 6), ROWS_FOLDED);
	assert_string_equal(text_of(&rows, &gauge), "3:3");
	rows_fini(&flight);
	rows_take(&rows, &flight, 3);
	assert_int_equal(flight.count, 0);
	assert_int_equal(rows.count, 1);
	rows_fini(&rows);
}

static void dropped_rows_give_their_memory_back(void **state)
{
	(void)state;
	struct rows rows = { .count = 0 };

	for (int i = 1; i <= 1000; i++)
		assert_int_equal(add(&rows, i, i), 0);
	assert_int_equal(rows_first(&rows), 1);
	assert_int_equal(rows_last(&rows), 1000);
	assert_true(rows_bytes(&rows) >= 16000);
	rows_drop(&rows, 998);
	assert_string_equal(text_of(&rows, &gauge), "999:999 1000:1000");
	assert_int_equal(rows_bytes(&rows), 32);
	rows_drop(&rows, 0);
	rows_drop(&rows, 2);
	assert_int_equal(rows_bytes(&rows), 0);
	assert_int_equal(rows_first(&rows), 0);
	/* an empty one takes another type */
	assert_int_equal(add_mixed(&rows, 1, 1, 1, 1, 1), 0);
	rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sort_folds_its_own_way),
		cmocka_unit_test(unknown_gauges_are_no_part_of_a_mean),
		cmocka_unit_test(words_of_rrdupdate),
		cmocka_unit_test(taken_rows_can_be_put_back),
		cmocka_unit_test(the_running_second_stays),
		cmocka_unit_test(dropped_rows_give_their_memory_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
