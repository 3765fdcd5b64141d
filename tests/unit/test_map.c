/* test_map: a map against a plain array that does the same, and what its hash must give. */
#include "base/map.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

enum { KEYS = 3000 };
static int things[KEYS];

static const char *key_of(size_t i)
{
	static char key[64];

	text_printf(key, sizeof(key), "host-%zu/cpu-%zu/cpu-idle", i / 10, i % 10);
	return key;
}

static void an_empty_one_holds_nothing(void **state)
{
	struct map map = { 0 };
	size_t at = 0;

	(void)state;
	assert_null(map_get(&map, "x"));
	assert_null(map_del(&map, "x"));
	assert_false(map_next(&map, &at, NULL, NULL));
	map_fini(&map);
}

static void it_does_what_an_array_does(void **state)
{
	struct map map = { 0 };
	bool there[KEYS] = { false };
	size_t count = 0;
	uint64_t dice = 42;

	(void)state;
	for (int step = 0; step < 40000; step++) {
		dice = hash_bytes(&dice, sizeof(dice), 1);
		size_t i = dice % KEYS;
		void *expected = there[i] ? &things[i] : NULL;
		if (dice >> 40 & 1) {
			assert_ptr_equal(map_put(&map, key_of(i), &things[i]), expected);
			count += !there[i];
			there[i] = true;
		} else if (dice >> 41 & 1) {
			assert_ptr_equal(map_del(&map, key_of(i)), expected);
			count -= there[i];
			there[i] = false;
		} else {
			assert_ptr_equal(map_get(&map, key_of(i)), expected);
		}
		assert_int_equal(map.count, count);
	}
	assert_true(map.cap <= 16384); /* tombs do not make it grow for ever */
	map_fini(&map);
}

static void keys_are_copied_and_values_replaced(void **state)
{
	struct map map = { 0 };
	char key[] = "key";

	(void)state;
	assert_null(map_put(&map, key, &things[0]));
	key[0] = 'x';
	assert_ptr_equal(map_get(&map, "key"), &things[0]);
	assert_ptr_equal(map_put(&map, "key", &things[1]), &things[0]);
	assert_ptr_equal(map_get(&map, "key"), &things[1]);
	assert_null(map_put(&map, "", &things[2])); /* the empty text is a key like any other */
	assert_ptr_equal(map_get(&map, ""), &things[2]);
	map_fini(&map);
}

static void walking_allows_deleting(void **state)
{
	struct map map = { 0 };
	size_t at = 0, seen = 0;
	const char *key;
	void *value;

	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		map_put(&map, key_of(i), &things[i]);
	while (map_next(&map, &at, &key, &value)) {
		size_t i = (size_t)((int *)value - things);
		assert_string_equal(key, key_of(i));
		seen++;
		if (i % 2)
			assert_ptr_equal(map_del(&map, key_of(i)), value);
	}
	assert_int_equal(seen, KEYS);
	assert_int_equal(map.count, KEYS / 2);
	assert_non_null(map_get(&map, key_of(0)));
	assert_null(map_get(&map, key_of(1)));
	map_fini(&map);
}

static void churn_of_one_key_does_not_grow_it(void **state)
{
	struct map map = { 0 };

	(void)state;
	map_put(&map, "stays", &things[0]);
	for (size_t i = 0; i < 100000; i++) {
		map_put(&map, key_of(i % KEYS), &things[1]);
		map_del(&map, key_of(i % KEYS));
	}
	assert_int_equal(map.count, 1);
	assert_int_equal(map.cap, 8);
	map_fini(&map);
}

static void every_byte_and_the_seed_count(void **state)
{
	unsigned char bytes[96] = { 0 };

	(void)state;
	for (size_t length = 1; length <= sizeof(bytes); length++) {
		uint64_t whole = hash_bytes(bytes, length, 7);
		assert_int_not_equal(whole, hash_bytes(bytes, length, 8));
		assert_int_not_equal(whole, hash_bytes(bytes, length - 1, 7));
		for (size_t i = 0; i < length; i++) {
			bytes[i] ^= 1;
			assert_int_not_equal(whole, hash_bytes(bytes, length, 7));
			bytes[i] ^= 1;
		}
	}
	assert_int_equal(hash_seed(), hash_seed());
	assert_int_not_equal(hash_seed(), 0);
}

static void low_bits_are_spread(void **state)
{
	int buckets[256] = { 0 };

	(void)state;
	for (size_t i = 0; i < 25600; i++)
		buckets[hash_bytes(key_of(i), strlen(key_of(i)), 1) & 255]++;
	for (size_t i = 0; i < 256; i++)
		assert_in_range(buckets[i], 50, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_holds_nothing),
		cmocka_unit_test(it_does_what_an_array_does),
		cmocka_unit_test(keys_are_copied_and_values_replaced),
		cmocka_unit_test(walking_allows_deleting),
		cmocka_unit_test(churn_of_one_key_does_not_grow_it),
		cmocka_unit_test(every_byte_and_the_seed_count),
		cmocka_unit_test(low_bits_are_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
