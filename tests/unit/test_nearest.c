/* test_nearest: slips that are found, and words that are too far. */
#include "base/nearest.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const char *near(const char *word)
{
	static const char *const candidates[] = { "Interval", "Hostname", "LoadPlugin", NULL,     "df",
						  "cpu",      "list",     "get",        "Timeout" };
	struct nearest nearest;

	nearest_init(&nearest, word);
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		nearest_try(&nearest, candidates[i]);
	return nearest_best(&nearest);
}

static void slips_are_found(void **state)
{
	(void)state;
	assert_string_equal(near("Intervall"), "Interval");
	assert_string_equal(near("Intreval"), "Interval"); /* swapped */
	assert_string_equal(near("INTERVAL"), "Interval"); /* another case */
	assert_string_equal(near("Hostnam"), "Hostname");
	assert_string_equal(near("LoadPluging"), "LoadPlugin");
	assert_string_equal(near("lsit"), "list");
	assert_string_equal(near("cpi"), "cpu");
	assert_string_equal(near("df"), "df");
}

static void the_rest_is_too_far(void **state)
{
	(void)state;
	assert_null(near(""));
	assert_null(near("dg"));
	assert_null(near("restart"));
	assert_null(near("an uncommonly long word that nobody could have typed by a slip of the hand"));
}

static void the_nearer_one_wins(void **state)
{
	struct nearest nearest;

	(void)state;
	nearest_init(&nearest, "workers");
	nearest_try(&nearest, "wrokerz");
	nearest_try(&nearest, "worker");
	nearest_try(&nearest, "Workers");
	nearest_try(&nearest, "walkers");
	assert_string_equal(nearest_best(&nearest), "Workers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_found),
		cmocka_unit_test(the_rest_is_too_far),
		cmocka_unit_test(the_nearer_one_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
