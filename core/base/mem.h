/* mem: allocation that does not fail. A daemon out of memory cannot do its work; it says so and ends,
 * and the journal and the store keep what was promised. Sizes from outside are bounded before they come here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc));            /* zeroed */
void *mem_array(size_t count, size_t size) __attribute__((malloc)); /* zeroed; checked for overflow */
void *mem_grow(void *block, size_t count, size_t size);          /* realloc; the new part is not zeroed */
/* A struct of another version: what both have is copied, the rest of `to` is zero. */
void mem_fit(void *to, size_t size, const void *from, size_t from_size);
char *mem_strdup(const char *text) __attribute__((malloc));      /* NULL gives NULL */
char *mem_printf(const char *format, ...) __attribute__((malloc, format(printf, 1, 2)));

#endif
