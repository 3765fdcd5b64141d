/* json: the few things that jansson leaves to its users.
 *
 * The writer is our own: it writes straight into a str, and a real with as few digits as give the same
 * number back, where jansson prints 0.1 as 0.10000000000000001. */
#include "base/json.h"
#include "base/check.h"
#include "base/slurp.h"
#include "base/str.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { DEEPEST = 64 /* the sentence below names it too */, ERROR_SIZE = 256, WRITE_DEEPEST = 256 };

/* Offset of the bracket that nests beyond DEEPEST, else `length`. What is no JSON is jansson's to refuse. */
static size_t find_too_deep(const char *text, size_t length)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < length; i++) {
		char b = text[i];
		if (quoted) {
			if (b == '\\')
				i++;
			else if (b == '"')
				quoted = false;
		} else if (b == '"') {
			quoted = true;
		} else if (b == '[' || b == '{') {
			if (++depth > DEEPEST)
				return i;
		} else if ((b == ']' || b == '}') && depth > 0) {
			depth--;
		}
	}
	return length;
}

static void say_at(const char *text, size_t at, const char *what, char error[ERROR_SIZE])
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	text_printf(error, ERROR_SIZE, "line %zu, column %zu: %s", line, column, what);
}

json_t *json_parse(const char *text, size_t length, char error[256])
{
	json_error_t why;

	c_assert(text || length == 0);
	c_assert(error);
	error[0] = '\0';
	/* jansson takes a NUL for the end */
	const char *nul = length ? memchr(text, '\0', length) : NULL;
	if (nul) {
		say_at(text, (size_t)(nul - text), "a NUL byte", error);
		return NULL;
	}
	size_t deep = find_too_deep(text, length);
	if (deep < length) {
		say_at(text, deep, "more than 64 levels of nesting", error);
		return NULL;
	}
	json_t *json = json_loadb(text ? text : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (json)
		return json;
	text_printf(error, ERROR_SIZE, "line %d, column %d: %s", why.line, why.column, why.text);
	text_clean(error); /* the reason quotes the input, which may be anything */
	return NULL;
}

static void write_string(struct str *out, const char *text, size_t length)
{
	static const char hex[] = "0123456789abcdef", specials[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
	size_t from = 0;

	str_add_byte(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char b = (unsigned char)text[i];
		if (b >= 0x20 && b != '"' && b != '\\' && b != 0x7f)
			continue;
		str_add_n(out, text + from, i - from);
		from = i + 1;
		const char *special = strchr(specials, b);
		if (b && special) {
			char escape[2] = { '\\', letters[special - specials] };
			str_add_n(out, escape, sizeof(escape));
		} else {
			char escape[6] = { '\\', 'u', '0', '0', hex[b >> 4], hex[b & 15] };
			str_add_n(out, escape, sizeof(escape));
		}
	}
	str_add_n(out, text + from, length - from);
	str_add_byte(out, '"');
}

static void write_real(struct str *out, double value)
{
	char text[40];

	c_assert(isfinite(value));
	for (int digits = 15; digits <= 17; digits++) {
		text_printf(text, sizeof(text), "%.*g", digits, value);
		char *comma = strchr(text, ',');
		if (comma)
			*comma = '.'; /* a library may have set a locale */
		const char *p = text;
		double back;
		if (scan_double(&p, &back) == 0 && back == value)
			break;
	}
	str_add(out, text);
	/* a real stays one when it is read again */
	if (!strpbrk(text, ".e"))
		str_add(out, ".0");
}

static void write_value(struct str *out, const json_t *json, int depth);

static void write_object(struct str *out, const json_t *json, int depth)
{
	bool first = true;
	json_t *object = (json_t *)(uintptr_t)json; /* jansson's iterators know no const */

	str_add_byte(out, '{');
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		if (!first)
			str_add_byte(out, ',');
		first = false;
		const char *key = json_object_iter_key(at);
		write_string(out, key, strlen(key));
		str_add_byte(out, ':');
		write_value(out, json_object_iter_value(at), depth + 1);
	}
	str_add_byte(out, '}');
}

static void write_array(struct str *out, const json_t *json, int depth)
{
	str_add_byte(out, '[');
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (i > 0)
			str_add_byte(out, ',');
		write_value(out, json_array_get(json, i), depth + 1);
	}
	str_add_byte(out, ']');
}

static void write_value(struct str *out, const json_t *json, int depth)
{
	c_assert(depth < WRITE_DEEPEST); /* a ring, most likely */
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		write_object(out, json, depth);
		break;
	case JSON_ARRAY:
		write_array(out, json, depth);
		break;
	case JSON_STRING:
		write_string(out, json_string_value(json), json_string_length(json));
		break;
	case JSON_INTEGER:
		str_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		break;
	case JSON_REAL:
		write_real(out, json_real_value(json));
		break;
	case JSON_TRUE:
		str_add(out, "true");
		break;
	case JSON_FALSE:
		str_add(out, "false");
		break;
	case JSON_NULL:
		str_add(out, "null");
		break;
	}
}

void json_write(struct str *out, const json_t *json)
{
	c_assert(out && json);
	write_value(out, json, 0);
}

char *json_text(const json_t *json, size_t *length)
{
	struct str out = { 0 };

	json_write(&out, json);
	if (length)
		*length = out.len;
	return str_take(&out);
}

json_t *json_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

const char *json_get_text(const json_t *object, const char *key)
{
	c_assert(key);
	return json_string_value(json_object_get(object, key));
}

int64_t json_get_int(const json_t *object, const char *key, int64_t other)
{
	c_assert(key);
	const json_t *member = json_object_get(object, key);
	if (json_is_integer(member))
		return json_integer_value(member);
	/* a browser may write 1e3 */
	double real = json_is_real(member) ? json_real_value(member) : NAN;
	return real > -9e15 && real < 9e15 && real == floor(real) ? (int64_t)real : other;
}

/* Names of processes and files are bytes, not always UTF-8: what is not becomes U+FFFD. */
static json_t *json_string_repaired(const char *text)
{
	struct str out = { 0 };

	for (const char *p = text; *p;) {
		size_t n = 1;
		json_t *piece = json_stringn(p, n);
		while (!piece && n < 4 && p[n]) {
			n++;
			piece = json_stringn(p, n);
		}
		if (piece)
			str_add_n(&out, p, n);
		else
			str_add(&out, "\xef\xbf\xbd");
		p += piece ? n : 1;
		json_decref(piece);
	}
	json_t *string = json_stringn(str_text(&out), out.len);
	c_assert(string);
	str_fini(&out);
	return string;
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	c_assert(json_is_object(object));
	c_assert(key);
	if (!text)
		return;
	json_t *string = json_string(text);
	int r = json_object_set_new(object, key, string ? string : json_string_repaired(text));
	c_assert(r == 0);
}
