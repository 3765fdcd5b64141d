/* words_value: one word as the JSON that its row wants.
 *
 * Numbers and booleans become such; what has a unit stays the words it was, after a look whether it can
 * be right, for the daemon reads it by the same rules as its configuration. Conditions are compared with
 * attributes, which travel as plain seconds and bytes, so there the unit is worked out here. */
#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"
#include "base/words.h"
#include "base/words_table.h"

#include <math.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};
static const struct unit durations[] = {
	{ "", 1 },     { "s", 1 },  { "sec", 1 },  { "ms", 1e-3 }, { "us", 1e-6 },  { "ns", 1e-9 },
	{ "min", 60 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 }, { NULL, 0 },
};
static const struct unit sizes[] = {
	{ "", 1 },         { "B", 1 },        { "K", 0x1p10 },   { "KB", 0x1p10 },  { "KiB", 0x1p10 },
	{ "M", 0x1p20 },   { "MB", 0x1p20 },  { "MiB", 0x1p20 }, { "G", 0x1p30 },   { "GB", 0x1p30 },
	{ "GiB", 0x1p30 }, { "T", 0x1p40 },   { "TB", 0x1p40 },  { "TiB", 0x1p40 }, { "P", 0x1p50 },
	{ "PB", 0x1p50 },  { "PiB", 0x1p50 }, { "E", 0x1p60 },   { "EB", 0x1p60 },  { "EiB", 0x1p60 },
	{ NULL, 0 },
};

/* "1.5h" → 5400. */
static bool read_unit(const char *word, const struct unit *units, bool any_case, double *out)
{
	const char *p = word;
	double number;

	if (scan_double(&p, &number) < 0 || !isfinite(number) || signbit(number))
		return false;
	p += strspn(p, " ");
	for (; units->name; units++)
		if (any_case ? text_equal_nocase(p, units->name) : strcmp(p, units->name) == 0) {
			*out = number * units->factor;
			return true;
		}
	return false;
}

bool words_seconds(const char *word, double *seconds)
{
	c_assert(word && seconds);
	return read_unit(word, durations, false, seconds);
}

static bool read_bool(const char *word, bool *out)
{
	if (text_has_word("true yes on", word))
		*out = true;
	else if (text_has_word("false no off", word))
		*out = false;
	else
		return false;
	return true;
}

/* Decimal or 0x. */
static bool read_int(const char *word, int64_t *out)
{
	const char *p = word;
	bool minus = *p == '-';

	p += minus;
	if (p[0] != '0' || (p[1] | 0x20) != 'x') {
		p = word;
		return scan_i64(&p, out) == 0 && !*p;
	}
	size_t digits = strspn(p + 2, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 15 || p[2 + digits])
		return false;
	*out = 0;
	for (p += 2; *p; p++)
		*out = *out * 16 + (*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
	if (minus)
		*out = -*out;
	return true;
}

static bool read_double(const char *word, double *out)
{
	const char *p = word;
	return scan_double(&p, out) == 0 && !*p && isfinite(*out);
}

static json_t *not_a(const json_t *row, const char *word, const char *what, struct words_problem *problem)
{
	words_fail(problem, "%s: \"%s\" is not %s", words_name(row), word, what);
	const char *help = json_get_text(row, "help");
	if (help)
		words_remedy(problem, "%s: %s", words_name(row), help);
	return NULL;
}

static json_t *bounded(const json_t *row, const char *word, double value, json_t *json,
		       struct words_problem *problem)
{
	const json_t *min = json_object_get(row, "min"), *max = json_object_get(row, "max");
	const char *unit = json_get_text(row, "unit");
	double low = json_is_number(min) ? json_number_value(min) : -INFINITY;
	double high = json_is_number(max) ? json_number_value(max) : INFINITY;

	c_assert(json);
	if ((low == 0 && high == 0) || (value >= low && value <= high))
		return json;
	json_decref(json);
	words_fail(problem, "%s: %s is out of bounds", words_name(row), word);
	if (isfinite(low) && isfinite(high))
		words_remedy(problem, "from %g to %g%s%s", low, high, unit ? " " : "", unit ? unit : "");
	else
		words_remedy(problem, "%s %g%s%s", isfinite(low) ? "at least" : "at most",
			     isfinite(low) ? low : high, unit ? " " : "", unit ? unit : "");
	return NULL;
}

/* `choices` are texts, or objects with a "name" (states). */
static json_t *one_of(const json_t *row, const json_t *choices, const char *word,
		      struct words_problem *problem)
{
	struct nearest nearest;
	struct str names = { 0 };

	nearest_init(&nearest, word);
	for (size_t i = 0; i < json_array_size(choices); i++) {
		const json_t *choice = json_array_get(choices, i);
		const char *name = json_is_string(choice) ? json_string_value(choice) : words_name(choice);
		if (strcmp(name, word) == 0) {
			str_fini(&names);
			return json_string(word);
		}
		nearest_try(&nearest, name);
		str_printf(&names, "%s%s", i ? ", " : "", name);
	}
	words_fail(problem, "%s: \"%s\" is none of its values", words_name(row), word);
	if (!words_suggest(problem, nearest_best(&nearest)))
		words_remedy(problem, "one of: %s", str_text(&names));
	str_fini(&names);
	return NULL;
}

static json_t *block_value(const json_t *row, const char *word, struct words_problem *problem)
{
	char error[256];
	json_t *json = json_parse(word, strlen(word), error);

	if (json)
		return json;
	words_fail(problem, "%s: this is no JSON: %s", words_name(row), error);
	words_remedy(problem, "write it like '%s={\"key\": \"value\"}'", words_name(row));
	return NULL;
}

static json_t *text_value(const json_t *row, const char *word, struct words_problem *problem)
{
	json_t *json = json_string(word);
	return json ? json : not_a(row, word, "UTF-8", problem);
}

json_t *words_value(const json_t *row, const char *word, struct words_problem *problem)
{
	const char *type = json_get_text(row, "type");
	const json_t *choices = json_object_get(row, "choices");
	double number;
	int64_t whole;
	bool truth;

	c_assert(word && problem);
	if (!type)
		return text_value(row, word, problem);
	if (strcmp(type, "bool") == 0)
		return read_bool(word, &truth) ? json_boolean(truth)
					       : not_a(row, word, "true or false", problem);
	if (strcmp(type, "int") == 0)
		return read_int(word, &whole)
			       ? bounded(row, word, (double)whole, json_integer(whole), problem)
			       : not_a(row, word, "a whole number", problem);
	if (strcmp(type, "double") == 0)
		return read_double(word, &number) ? bounded(row, word, number, json_real(number), problem)
						  : not_a(row, word, "a number", problem);
	if (strcmp(type, "duration") == 0)
		return read_unit(word, durations, false, &number)
			       ? bounded(row, word, number, json_string(word), problem)
			       : not_a(row, word, "a duration like 10s, 100ms or 5min", problem);
	if (strcmp(type, "size") == 0)
		return read_unit(word, sizes, true, &number)
			       ? bounded(row, word, number, json_string(word), problem)
			       : not_a(row, word, "a size like 4096, 64K or 1G", problem);
	if (strcmp(type, "block") == 0)
		return block_value(row, word, problem);
	if (strcmp(type, "enum") == 0 && json_array_size(choices) > 0)
		return one_of(row, choices, word, problem);
	return text_value(row, word, problem);
}

/* Whole numbers as such: an attribute of that type is compared as one. */
static json_t *plain_number(double number)
{
	return number == floor(number) && fabs(number) < 0x1p53 ? json_integer((json_int_t)number)
								: json_real(number);
}

json_t *words_attr_value(const json_t *kind, const struct words_condition *condition,
			 struct words_problem *problem)
{
	const json_t *row = words_row(json_object_get(kind, "attrs"), condition->attr);
	const json_t *states = json_object_get(kind, "states"), *choices = json_object_get(row, "choices");
	const char *type = json_get_text(row, "type"), *word = condition->value;
	bool same = strcmp(condition->op, "=") == 0 || strcmp(condition->op, "!=") == 0;
	double number;
	int64_t whole;

	c_assert(word && problem);
	if (!row || !type || strcmp(condition->op, "~") == 0)
		return text_value(row, word, problem);
	if (same && strcmp(condition->attr, "state") == 0 && json_array_size(states) > 0)
		return one_of(row, states, word, problem);
	if (same && strcmp(type, "enum") == 0 && json_array_size(choices) > 0)
		return one_of(row, choices, word, problem);
	if (strcmp(type, "bool") == 0)
		return words_value(row, word, problem);
	if (strcmp(type, "int") == 0 && read_int(word, &whole))
		return json_integer(whole);
	if (strcmp(type, "duration") == 0)
		return read_unit(word, durations, false, &number)
			       ? plain_number(number)
			       : not_a(row, word, "a duration like 10s, 100ms or 5min", problem);
	if (strcmp(type, "size") == 0)
		return read_unit(word, sizes, true, &number)
			       ? plain_number(number)
			       : not_a(row, word, "a size like 4096, 64K or 1G", problem);
	if (strcmp(type, "int") == 0 || strcmp(type, "double") == 0)
		return read_double(word, &number) ? plain_number(number)
						  : not_a(row, word, "a number", problem);
	return text_value(row, word, problem);
}
