/* test_arena: pieces are zeroed, aligned, apart from each other, and go whole. */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static void pieces_are_zeroed_and_aligned(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t size = 0; size < 3000; size += 37) {
		unsigned char *piece = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)piece % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 0xa5, size);
	}
	arena_fini(&arena);
}

static void pieces_do_not_overlap(void **state)
{
	struct arena arena;
	unsigned char *pieces[500];

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < 500; i++) {
		pieces[i] = arena_alloc(&arena, 1 + i * 7 % 911);
		memset(pieces[i], (int)(i % 251), 1 + i * 7 % 911);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t j = 0; j < 1 + i * 7 % 911; j++)
			assert_int_equal(pieces[i][j], i % 251);
	arena_fini(&arena);
}

static void a_large_piece_leaves_the_newest_chunk_in_use(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	char *before = arena_alloc(&arena, 16);
	memset(arena_alloc(&arena, 1000000), 1, 1000000);
	char *after = arena_alloc(&arena, 16);
	assert_ptr_equal(before + 16, after);
	assert_true(arena.used >= 1000032);
	arena_fini(&arena);
	assert_null(arena.chunks);
	assert_int_equal(arena.used, 0);
}

static void texts_are_copied(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_strdup(&arena, "series"), "series");
	assert_string_equal(arena_strndup(&arena, "series", 3), "ser");
	assert_string_equal(arena_printf(&arena, "%s-%d", "cpu", 12), "cpu-12");
	assert_string_equal(arena_printf(&arena, "%s", ""), "");
	assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
	int *numbers = arena_array(&arena, 100, sizeof(int));
	assert_int_equal(numbers[99], 0);
	arena_fini(&arena);
}

static void an_empty_arena_costs_nothing(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_null(arena.chunks);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(a_large_piece_leaves_the_newest_chunk_in_use),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(an_empty_arena_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
