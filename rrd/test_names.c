/* test_names: put, get and remove, against a plain list. */
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>

#define MANY 3000

static char text[MANY][16];
static bool in[MANY];

static void what_is_put_is_found(void **state)
{
	(void)state;
	struct names names = { .size = 0 };

	assert_null(names_get(&names, "x"));
	names_remove(&names, "x");
	for (size_t i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "h/p/t-%zu", i);
		assert_int_equal(names_put(&names, text[i], text[i]), 0);
	}
	assert_int_equal(names.count, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(names_get(&names, text[i]), text[i]);
	assert_null(names_get(&names, "h/p/t-3000"));
	assert_null(names_get(&names, ""));
	names_fini(&names);
}

static void removing_breaks_no_chain(void **state)
{
	(void)state;
	struct names names = { .size = 0 };
	uint32_t random = 1;

	for (size_t i = 0; i < MANY; i++)
		in[i] = false;
	for (size_t round = 0; round < 40000; round++) {
		random = random * 1664525u + 1013904223u;
		size_t i = (random >> 8) % MANY;

		if (in[i])
			names_remove(&names, text[i]);
		else
			assert_int_equal(names_put(&names, text[i], text[i]), 0);
		in[i] = !in[i];
	}
	size_t count = 0;
	for (size_t i = 0; i < MANY; i++) {
		assert_ptr_equal(names_get(&names, text[i]), in[i] ? text[i] : NULL);
		count += in[i];
	}
	assert_int_equal(names.count, count);
	names_fini(&names);
	assert_null(names_get(&names, text[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_found),
		cmocka_unit_test(removing_breaks_no_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
