/* test_heap: what comes out is in order, whatever was moved and removed before. */
#include "base/heap.h"
#include "base/check.h"
#include "base/map.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { NODES = 500 };

static void the_smallest_is_on_top(void **state)
{
	struct heap heap = { 0 };
	struct heap_node nodes[NODES] = { 0 };

	(void)state;
	assert_null(heap_top(&heap));
	for (size_t i = 0; i < NODES; i++)
		heap_add(&heap, &nodes[i], (int64_t)((i * 7919) % NODES));
	for (int64_t key = 0; key < NODES; key++) {
		struct heap_node *top = heap_top(&heap);
		assert_int_equal(top->key, key);
		heap_remove(&heap, top);
		assert_false(heap_has(top));
	}
	assert_null(heap_top(&heap));
	heap_fini(&heap);
}

static void equal_keys_come_in_order(void **state)
{
	struct heap heap = { 0 };
	struct heap_node nodes[NODES] = { 0 };

	(void)state;
	for (size_t i = 0; i < NODES; i++)
		heap_add(&heap, &nodes[i], 5);
	heap_move(&heap, &nodes[3], 5); /* came again, so it is the last now */
	for (size_t i = 0; i < NODES; i++) {
		size_t expected = i < 3 ? i : i < NODES - 1 ? i + 1 : 3;
		assert_ptr_equal(heap_top(&heap), &nodes[expected]);
		heap_remove(&heap, heap_top(&heap));
	}
	heap_fini(&heap);
}

static void moving_and_removing_keep_the_order(void **state)
{
	struct heap heap = { 0 };
	struct heap_node nodes[NODES] = { 0 };
	uint64_t dice = 3;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		dice = hash_bytes(&dice, sizeof(dice), 9);
		struct heap_node *node = &nodes[dice % NODES];
		int64_t key = (int64_t)(dice >> 32 & 1023) - 512;
		if (!heap_has(node))
			heap_add(&heap, node, key);
		else if (dice >> 50 & 1)
			heap_move(&heap, node, key);
		else
			heap_remove(&heap, node);
	}
	int64_t last = INT64_MIN;
	size_t count = heap.count;
	while (heap_top(&heap)) {
		struct heap_node *top = heap_top(&heap);
		assert_true(top->key >= last);
		last = top->key;
		heap_remove(&heap, top);
		count--;
	}
	assert_int_equal(count, 0);
	heap_fini(&heap);
}

static void one_in_no_heap_is_passed_over(void **state)
{
	struct heap heap = { 0 };
	struct heap_node node = { 0 }, other = { 0 };

	(void)state;
	heap_remove(&heap, &node);
	heap_add(&heap, &other, INT64_MIN);
	heap_add(&heap, &node, INT64_MAX);
	heap_remove(&heap, &node);
	heap_remove(&heap, &node);
	assert_ptr_equal(heap_top(&heap), &other);
	heap_fini(&heap);
	assert_false(heap_has(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_is_on_top),
		cmocka_unit_test(equal_keys_come_in_order),
		cmocka_unit_test(moving_and_removing_keep_the_order),
		cmocka_unit_test(one_in_no_heap_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
