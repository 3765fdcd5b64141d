/* value: one attribute's value as a person reads it.
 *
 * The described table says what a number is: a span, a stamp, bytes, percent. Whatever is printed may have
 * come from a process name or a web page somewhere, so nothing of it reaches a terminal as a command. */
#include "value.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/json.h"

/* ---- text ---- */

/* One well-formed character at p: its bytes; 0 when it is none. */
static size_t char_next(const char *p, uint32_t *code)
{
	static const unsigned char lead[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char b = (unsigned char)*p;
	size_t n = b < 0x80 ? 1 : b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 0;

	if (n == 0)
		return 0;
	*code = b & lead[n];
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((unsigned char)p[i] & 0x3fU);
	}
	return n;
}

void text_safe(struct str *out, const char *text)
{
	c_assert(out && text);
	while (*text) {
		uint32_t code = 0;
		size_t n = char_next(text, &code);
		/* controls of both sets, and the marks that turn the direction of writing */
		bool bad = n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
			   (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
		if (code == '\n' || code == '\t')
			str_add_byte(out, ' ');
		else if (bad)
			str_add_byte(out, '?');
		else
			str_add_n(out, text, n);
		text += n ? n : 1;
	}
}

/* Unicode's wide and combining ranges, roughly: a column that is off by one is no harm. */
static size_t char_width(uint32_t code)
{
	if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) ||
	    (code >= 0xfe00 && code <= 0xfe0f))
		return 0;
	if ((code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
	    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
	    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
	    (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) ||
	    (code >= 0x20000 && code <= 0x3fffd))
		return 2;
	return 1;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (uint32_t code = 0; *text;) {
		size_t n = char_next(text, &code);
		width += n ? char_width(code) : 1;
		text += n ? n : 1;
	}
	return width;
}

size_t text_fit(const char *text, size_t width)
{
	size_t length = 0;

	for (uint32_t code = 0; text[length];) {
		size_t n = char_next(text + length, &code), w = n ? char_width(code) : 1;
		if (w > width)
			break;
		width -= w;
		length += n ? n : 1;
	}
	return length;
}

/* ---- numbers ---- */

static void number(struct str *out, double value, int digits)
{
	if (isnan(value))
		str_add(out, "nan");
	else if (fabs(value) < 1e15 && value == floor(value))
		str_printf(out, "%.0f", value);
	else
		str_printf(out, "%.*g", digits, value);
}

void value_duration(struct str *out, double seconds)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	size_t i = 0;

	if (!isfinite(seconds)) {
		str_add(out, NO_VALUE);
		return;
	}
	if (seconds < 0) {
		str_add(out, "-");
		seconds = -seconds;
	}
	if (seconds < 10 && seconds != floor(seconds)) {
		number(out, seconds < 1 ? seconds * 1e3 : seconds, 3);
		str_add(out, seconds < 1 ? " ms" : " s");
		return;
	}
	seconds = round(seconds);
	while (i < 3 && seconds < units[i].seconds)
		i++;
	double first = floor(seconds / units[i].seconds);
	str_printf(out, "%.0f %s", first, units[i].unit);
	if (i == 3)
		return;
	double second = floor((seconds - first * units[i].seconds) / units[i + 1].seconds);
	if (second > 0)
		str_printf(out, " %.0f %s", second, units[i + 1].unit);
}

void value_time(struct str *out, double seconds)
{
	struct tm tm;
	char text[40];
	time_t at = (time_t)floor(seconds);

	if (!(seconds > -6e10 && seconds < 2.5e11) || !localtime_r(&at, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		str_add(out, NO_VALUE);
	else
		str_add(out, text);
}

void value_bytes(struct str *out, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	while (fabs(bytes) >= 1024 && i < 5) {
		bytes /= 1024;
		i++;
	}
	str_printf(out, i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
}

/* ---- by the table ---- */

static bool is(const json_t *attr, const char *key, const char *word)
{
	const char *text = json_get_text(attr, key);
	return text && strcmp(text, word) == 0;
}

bool value_is_number(const json_t *attr)
{
	return !is(attr, "unit", "time") && (is(attr, "type", "int") || is(attr, "type", "double") ||
					     is(attr, "type", "size") || is(attr, "type", "duration"));
}

static void value_number(struct str *out, const json_t *attr, const json_t *value)
{
	double n = json_number_value(value);
	const char *unit = json_get_text(attr, "unit");

	if (is(attr, "unit", "time")) {
		value_time(out, n);
	} else if (is(attr, "type", "duration")) {
		value_duration(out, n);
	} else if (is(attr, "type", "size") || is(attr, "unit", "bytes")) {
		value_bytes(out, n);
	} else if (is(attr, "unit", "percent")) {
		str_printf(out, "%.1f %%", n);
	} else {
		if (json_is_integer(value))
			str_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			number(out, n, 6);
		if (unit) {
			str_add_byte(out, ' ');
			text_safe(out, unit);
		}
	}
}

static bool all_scalar(const json_t *value)
{
	size_t i;
	const char *key;
	json_t *item, *members = (json_t *)(uintptr_t)value; /* jansson's iterators know no const */

	json_array_foreach (value, i, item)
		if (json_is_object(item) || json_is_array(item))
			return false;
	json_object_foreach (members, key, item)
		if (json_is_object(item) || json_is_array(item))
			return false;
	return true;
}

static void value_nested(struct str *out, const json_t *value)
{
	size_t i, before = out->len;
	const char *key;
	json_t *item, *members = (json_t *)(uintptr_t)value;

	if (!all_scalar(value)) {
		char *text = json_text(value, NULL);
		text_safe(out, text);
		free(text);
		return;
	}
	json_array_foreach (value, i, item) {
		if (i > 0)
			str_add(out, ", ");
		value_text(out, NULL, item);
	}
	json_object_foreach (members, key, item) {
		if (out->len > before)
			str_add_byte(out, ' ');
		text_safe(out, key);
		str_add_byte(out, '=');
		value_text(out, NULL, item);
	}
	if (out->len == before)
		str_add(out, NO_VALUE);
}

void value_text(struct str *out, const json_t *attr, const json_t *value)
{
	c_assert(out);
	if (!value || json_is_null(value))
		str_add(out, NO_VALUE);
	else if (json_is_string(value))
		text_safe(out, json_string_value(value)[0] || !attr ? json_string_value(value) : NO_VALUE);
	else if (json_is_boolean(value))
		str_add(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_number(value))
		value_number(out, attr, value);
	else
		value_nested(out, value);
}
