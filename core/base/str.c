/* str: a growing text that always ends in NUL; and the few things done to fixed ones.
 *
 * It doubles, so that adding byte by byte costs a constant each. */
#include "base/str.h"
#include "base/check.h"
#include "base/mem.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_fini(struct str *str)
{
	c_assert(str);
	free(str->data);
	*str = (struct str){ 0 };
}

void str_clear(struct str *str)
{
	c_assert(str);
	c_assert(str->len <= str->cap);
	str->len = 0;
	if (str->data)
		str->data[0] = '\0';
}

const char *str_text(const struct str *str)
{
	c_assert(str);
	return str->data ? str->data : "";
}

char *str_take(struct str *str)
{
	c_assert(str);
	char *text = str->data ? str->data : mem_strdup("");
	*str = (struct str){ 0 };
	return text;
}

/* Room for `more` bytes and the NUL. */
static void str_room(struct str *str, size_t more)
{
	c_assert(str);
	c_assert(str->data ? str->len < str->cap : str->len == 0);
	c_assert(more < PTRDIFF_MAX - str->len - 1);
	size_t want = str->len + more + 1;
	if (want <= str->cap)
		return;
	size_t cap = str->cap ? str->cap : 64;
	while (cap < want)
		cap *= 2;
	str->data = mem_grow(str->data, cap, 1);
	str->cap = cap;
}

void str_add(struct str *str, const char *text)
{
	c_assert(text);
	str_add_n(str, text, strlen(text));
}

void str_add_n(struct str *str, const void *bytes, size_t length)
{
	c_assert(bytes || length == 0);
	str_room(str, length);
	if (length)
		memcpy(str->data + str->len, bytes, length);
	str->len += length;
	str->data[str->len] = '\0';
}

void str_add_byte(struct str *str, char byte)
{
	str_room(str, 1);
	str->data[str->len++] = byte;
	str->data[str->len] = '\0';
}

void str_printf(struct str *str, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	str_vprintf(str, format, args);
	va_end(args);
}

void str_vprintf(struct str *str, const char *format, va_list args)
{
	va_list again;

	c_assert(format);
	str_room(str, 0);
	va_copy(again, args);
	int n = vsnprintf(str->data + str->len, str->cap - str->len, format, args);
	c_assert(n >= 0);
	if ((size_t)n >= str->cap - str->len) {
		str_room(str, (size_t)n);
		vsnprintf(str->data + str->len, str->cap - str->len, format, again);
	}
	va_end(again);
	str->len += (size_t)n;
}

void str_drop_head(struct str *str, size_t length)
{
	c_assert(str);
	c_assert(length <= str->len);
	if (length == 0)
		return;
	memmove(str->data, str->data + length, str->len - length + 1);
	str->len -= length;
}

bool text_copy(char *to, size_t size, const char *from)
{
	c_assert(to && from);
	c_assert(size > 0);
	size_t length = strnlen(from, size);
	bool whole = length < size;
	if (!whole)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
	return whole;
}

bool text_printf(char *to, size_t size, const char *format, ...)
{
	va_list args;

	c_assert(to && format);
	c_assert(size > 0 && size <= INT_MAX);
	va_start(args, format);
	int n = vsnprintf(to, size, format, args);
	va_end(args);
	c_assert(n >= 0);
	return (size_t)n < size;
}

bool text_has_word(const char *list, const char *word)
{
	c_assert(word);
	size_t length = strlen(word);

	if (!list || length == 0)
		return false;
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, " \t\n");
		if (n == length && memcmp(p, word, n) == 0)
			return true;
		p += n;
		p += strspn(p, " \t\n");
	}
	return false;
}

bool text_starts(const char *text, const char *with)
{
	c_assert(text && with);
	return strncmp(text, with, strlen(with)) == 0;
}

static unsigned char byte_lower(char byte)
{
	unsigned char b = (unsigned char)byte;
	return b >= 'A' && b <= 'Z' ? (unsigned char)(b + ('a' - 'A')) : b;
}

bool text_equal_nocase(const char *a, const char *b)
{
	c_assert(a && b);
	while (*a && byte_lower(*a) == byte_lower(*b)) {
		a++;
		b++;
	}
	return byte_lower(*a) == byte_lower(*b);
}

/* Length of the well-formed, printable sequence at p (RFC 3629), 0 when there is none. */
static size_t utf8_printable(const unsigned char *p, size_t left)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char b = p[0];

	if (b < 0x80)
		return b >= 0x20 && b != 0x7f;
	size_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
	if (b < 0xc2 || b > 0xf4 || left < n)
		return 0;
	uint32_t code = b & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	/* too long a form, a surrogate, beyond the last plane, a C1 control */
	if (code < least[n] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff || code < 0xa0)
		return 0;
	return n;
}

bool text_printable(const char *text, size_t length)
{
	c_assert(text || length == 0);
	for (size_t i = 0; i < length;) {
		size_t n = utf8_printable((const unsigned char *)text + i, length - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void text_clean(char *text)
{
	c_assert(text);
	for (size_t left = strlen(text); left > 0;) {
		size_t n = utf8_printable((const unsigned char *)text, left);
		if (n == 0)
			*text = '?';
		n = n ? n : 1;
		text += n;
		left -= n;
	}
}
