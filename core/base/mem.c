/* mem: allocation that does not fail: a daemon out of memory says so and ends.
 *
 * The end is a plain exit and no abort: a core file of a process that had no memory helps nobody, and
 * the journal and the store hold what was promised. */
#include "base/mem.h"
#include "base/check.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn static void mem_out(size_t size)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "out of memory: %zu bytes were wanted\n", size);

	if (n > 0) {
		ssize_t done = write(STDERR_FILENO, text, (size_t)n);
		(void)done;
	}
	_exit(EX_OSERR);
}

void *mem_alloc(size_t size)
{
	c_assert(size <= PTRDIFF_MAX);
	void *block = calloc(1, size ? size : 1);
	if (!block)
		mem_out(size);
	return block;
}

void *mem_array(size_t count, size_t size)
{
	size_t bytes;

	c_assert(!__builtin_mul_overflow(count, size, &bytes));
	return mem_alloc(bytes);
}

void *mem_grow(void *block, size_t count, size_t size)
{
	size_t bytes;

	c_assert(!__builtin_mul_overflow(count, size, &bytes));
	c_assert(bytes <= PTRDIFF_MAX);
	void *grown = realloc(block, bytes ? bytes : 1);
	if (!grown)
		mem_out(bytes);
	return grown;
}

char *mem_strdup(const char *text)
{
	if (!text)
		return NULL;
	size_t length = strlen(text);
	char *copy = mem_alloc(length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text;

	c_assert(format);
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		mem_out(0);
	return text;
}

void mem_fit(void *to, size_t size, const void *from, size_t from_size)
{
	size_t both = from_size < size ? from_size : size;

	c_assert(to && from && to != from);
	memcpy(to, from, both);
	memset((char *)to + both, 0, size - both);
}
