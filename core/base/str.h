/* str: a growing text that always ends in NUL. Zeroed = empty. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *data; /* NULL while empty: use str_text */
	size_t len, cap;
};

void str_fini(struct str *str);
void str_clear(struct str *str); /* keeps the memory */
const char *str_text(const struct str *str);
char *str_take(struct str *str); /* the caller frees; str is empty again; never NULL */
void str_add(struct str *str, const char *text);
void str_add_n(struct str *str, const void *bytes, size_t length);
void str_add_byte(struct str *str, char byte);
void str_printf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *str, const char *format, va_list args);
void str_drop_head(struct str *str, size_t length); /* removes the first bytes */

/* Into a fixed buffer, always ended, cut when too long. Returns false when it was cut. */
bool text_copy(char *to, size_t size, const char *from);
bool text_printf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Is `word` one of the blank-separated words of `list` (NULL = none)? */
bool text_has_word(const char *list, const char *word);
bool text_starts(const char *text, const char *with);
bool text_equal_nocase(const char *a, const char *b); /* ASCII */
/* Valid UTF-8 without control bytes? */
bool text_printable(const char *text, size_t length);
void text_clean(char *text); /* each byte that is not part of such becomes '?' */

#endif
