/* arena: memory that is given out in pieces and freed whole.
 *
 * Chunks grow from 1 KiB by doubling up to 64 KiB, so that an arena of one small batch costs little and
 * a large configuration few allocations. A piece that fits in no such chunk gets one of its own, which
 * is hung behind the newest, so that the room left in that one is still used. */
#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 1024, CHUNK_LARGEST = 64 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used; /* of bytes */
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
	c_assert(arena);
	arena->chunks = NULL;
	arena->used = 0;
}

void arena_fini(struct arena *arena)
{
	c_assert(arena);
	struct arena_chunk *chunk = arena->chunks;
	while (chunk) {
		struct arena_chunk *next = chunk->next;
		c_assert(chunk->used <= chunk->size);
		free(chunk);
		chunk = next;
	}
	arena->chunks = NULL;
	arena->used = 0;
}

static struct arena_chunk *arena_chunk_new(size_t size)
{
	struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + size);

	chunk->size = size;
	return chunk;
}

/* A chunk with room for `size`, which is a multiple of ALIGNMENT. */
static struct arena_chunk *arena_room(struct arena *arena, size_t size)
{
	struct arena_chunk *newest = arena->chunks;

	if (newest && newest->size - newest->used >= size)
		return newest;
	size_t next = newest ? newest->size * 2 : CHUNK_FIRST - sizeof(*newest);
	if (next > CHUNK_LARGEST)
		next = CHUNK_LARGEST;
	if (newest && size > next / 4) {
		struct arena_chunk *own = arena_chunk_new(size);
		own->next = newest->next;
		newest->next = own;
		return own;
	}
	struct arena_chunk *chunk = arena_chunk_new(size > next ? size : next);
	chunk->next = newest;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	c_assert(arena);
	c_assert(size <= PTRDIFF_MAX - ALIGNMENT);
	size_t whole = ((size ? size : 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct arena_chunk *chunk = arena_room(arena, whole);
	void *piece = chunk->bytes + chunk->used;

	chunk->used += whole;
	c_assert(chunk->used <= chunk->size);
	arena->used += whole;
	return piece;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	c_assert(!__builtin_mul_overflow(count, size, &bytes));
	return arena_alloc(arena, bytes);
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
	c_assert(bytes || size == 0);
	void *copy = arena_alloc(arena, size);
	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	c_assert(text);
	c_assert(length < PTRDIFF_MAX);
	char *copy = arena_alloc(arena, length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;

	c_assert(format);
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	c_assert(n >= 0);
	char *text = arena_alloc(arena, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}
