/* conf_word: one word, read as its row says.
 *
 * Pure over (row, word). A number is read to its last byte or not at all, so that "10x" is a complaint
 * and never 10; what the bounds are is said in the unit in which a person wrote it. */
#include "conf_word.h"

#include "base/check.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers with a unit ---- */

/* A finite number >= 0 at the start of `word`; *rest is the unit behind it, blanks passed over. */
static int number_and_unit(const char *word, double *number, const char **rest)
{
	const char *p = word;

	c_assert(word && number && rest);
	if (*p == '+' || *p == ' ' || *p == '\t')
		return -EINVAL;
	int r = scan_double(&p, number);
	if (r < 0)
		return r;
	if (!isfinite(*number) || signbit(*number))
		return -EINVAL;
	while (*p == ' ')
		p++;
	*rest = p;
	return 0;
}

int schema_duration(const char *word, int64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },     { "s", 1e9 },     { "ms", 1e6 },    { "us", 1e3 },
		      { "ns", 1 },     { "sec", 1e9 },   { "min", 60e9 },  { "m", 60e9 },
		      { "h", 3600e9 }, { "d", 86400e9 }, { "w", 604800e9 } };
	const char *unit;
	double number;

	c_assert(ns);
	int r = number_and_unit(word, &number, &unit);
	if (r < 0)
		return r;
	for (size_t i = 0; i < MU_ARRAY_LEN(units); i++)
		if (strcmp(unit, units[i].name) == 0) {
			double value = number * units[i].ns;
			if (value >= (double)INT64_MAX)
				return -ERANGE;
			*ns = llround(value);
			return 0;
		}
	return -EINVAL;
}

/* The power of 1024 that a unit stands for, -1 for none. */
static int size_power(const char *unit)
{
	static const char letters[] = "KMGTPE";
	const char *letter = *unit ? strchr(letters, *unit & ~0x20) : NULL;

	if (!*unit || text_equal_nocase(unit, "B"))
		return 0;
	if (!letter || *letter == '\0')
		return -1;
	unit++;
	if (*unit && !text_equal_nocase(unit, "B") && !text_equal_nocase(unit, "iB"))
		return -1;
	return (int)(letter - letters) + 1;
}

int schema_size(const char *word, uint64_t *bytes)
{
	const char *unit, *p = word;
	double number;
	uint64_t whole;

	c_assert(bytes);
	int r = number_and_unit(word, &number, &unit);
	if (r < 0)
		return r;
	int power = size_power(unit);
	if (power < 0)
		return -EINVAL;
	/* a double would lose the low bits of large counts */
	if (scan_u64(&p, &whole) == 0 && *p != '.' && (*p | 0x20) != 'x' && (*p | 0x20) != 'e') {
		if (whole > UINT64_MAX >> (10 * power))
			return -ERANGE;
		*bytes = whole << (10 * power);
		return 0;
	}
	double value = ldexp(number, 10 * power);
	if (value >= ldexp(1, 64))
		return -ERANGE;
	*bytes = (uint64_t)(value + 0.5);
	return 0;
}

/* ---- plain values ---- */

static int word_int(const char *word, int64_t *out)
{
	const char *p = word, *digits;
	bool minus = *p == '-';
	uint64_t value = 0;

	if (minus || *p == '+')
		p++;
	if (p[0] != '0' || (p[1] | 0x20) != 'x') {
		p = word;
		if (*p == ' ' || *p == '\t')
			return -EINVAL;
		int r = scan_i64(&p, out);
		return r < 0 ? r : *p ? -EINVAL : 0;
	}
	for (digits = p += 2; *p; p++) {
		const char *hex = "0123456789abcdef",
			   *at = strchr(hex, *p >= 'A' && *p <= 'F' ? *p | 0x20 : *p);
		if (!at)
			return -EINVAL;
		if (value >> 60)
			return -ERANGE;
		value = value << 4 | (uint64_t)(at - hex);
	}
	if (p == digits)
		return -EINVAL;
	if (value > (uint64_t)INT64_MAX)
		return -ERANGE;
	*out = minus ? -(int64_t)value : (int64_t)value;
	return 0;
}

static int word_double(const char *word, double *out)
{
	const char *p = word;

	if (*p == ' ' || *p == '\t')
		return -EINVAL;
	int r = scan_double(&p, out);
	if (r < 0)
		return r;
	return *p || isnan(*out) ? -EINVAL : 0;
}

static int word_bool(const char *word, bool *out)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (size_t i = 0; i < MU_ARRAY_LEN(words); i++)
		if (text_equal_nocase(word, words[i])) {
			*out = i % 2 == 1;
			return 0;
		}
	return -EINVAL;
}

static int word_enum(const struct mu_option *row, const char *word, int *out)
{
	c_assert(row->choices);
	for (int i = 0; row->choices[i]; i++)
		if (text_equal_nocase(word, row->choices[i])) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

/* One word of *p into `to`, which has room for all of *p. false at the end. */
static bool next_word(const char **p, char *to, bool *bad)
{
	const char *at = *p + strspn(*p, " \t\n");

	if (!*at)
		return false;
	bool quoted = *at == '"';
	for (at += quoted; *at && (quoted ? *at != '"' : !strchr(" \t\n", *at)); at++) {
		if (quoted && *at == '\\' && at[1])
			at++;
		*to++ = *at;
	}
	*to = '\0';
	if (quoted && *at != '"')
		*bad = true;
	*p = at + (*at == '"');
	return true;
}

int word_split(struct arena *arena, const char *text, struct mu_strings *out)
{
	c_assert(arena && text && out);
	char *room = arena_alloc(arena, strlen(text) + 1);
	const char *p = text;
	size_t count = 0;
	bool bad = false;

	while (next_word(&p, room, &bad))
		count++;
	if (bad)
		return -EINVAL;
	const char **items = arena_array(arena, count + 1, sizeof(*items));
	p = text;
	for (size_t i = 0; i < count; i++) {
		c_assert(next_word(&p, room, &bad));
		items[i] = arena_strdup(arena, room);
	}
	*out = (struct mu_strings){ .items = items, .count = count };
	return 0;
}

/* ---- bounds ---- */

bool row_has_bounds(const struct mu_option *row)
{
	c_assert(row);
	return row->min != 0 || row->max != 0;
}

static double upper_bound(const struct mu_option *row)
{
	/* `.min = 1` alone means: at least one */
	return row->max == 0 && row->min > 0 ? INFINITY : row->max;
}

static void print_bound(const struct mu_option *row, double bound, char *text, size_t size)
{
	const char *unit = row->unit;

	if (row->type == MU_DURATION)
		unit = "s";
	else if (row->type == MU_SIZE || row->type == MU_STRING)
		unit = "bytes";
	else if (row->type == MU_STRINGS)
		unit = bound == 1 ? "word" : "words";
	else if (row->type == MU_BLOCK)
		unit = bound == 1 ? "block" : "blocks";
	text_printf(text, size, "%.15g%s%s", bound, unit ? " " : "", unit ? unit : "");
}

static void print_bounds(const struct mu_option *row, char *text, size_t size)
{
	char low[64], high[64];

	if (isinf(upper_bound(row)))
		print_bound(row, row->min, low, sizeof(low));
	else
		text_printf(low, sizeof(low), "%.15g", row->min);
	print_bound(row, upper_bound(row), high, sizeof(high));
	if (isinf(upper_bound(row)))
		text_printf(text, size, "at least %s", low);
	else if (isinf(row->min))
		text_printf(text, size, "at most %s", high);
	else
		text_printf(text, size, "from %s to %s", low, high);
}

int row_check_bounds(const struct mu_option *row, double value, const char *what, struct mu_error *error)
{
	char is[64], bounds[160];

	c_assert(row && what);
	if (!row_has_bounds(row) || (value >= row->min && value <= upper_bound(row)))
		return 0;
	print_bound(row, value, is, sizeof(is));
	print_bounds(row, bounds, sizeof(bounds));
	if (row->flags & MU_SECRET)
		text_copy(is, sizeof(is), "out of bounds");
	return mu_error(error, -ERANGE, "%s \"%s\" is %s, and must be %s", what, row->name, is, bounds);
}

int row_check_member(const struct mu_option *row, const void *member, const char *what,
		     struct mu_error *error)
{
	const char *const *text = member;

	c_assert(member);
	switch ((enum mu_option_type)row->type) {
	case MU_STRING:
		return *text ? row_check_bounds(row, (double)strlen(*text), what, error) : 0;
	case MU_INT:
		return row_check_bounds(row, (double)*(const int64_t *)member, what, error);
	case MU_DOUBLE:
		return row_check_bounds(row, *(const double *)member, what, error);
	case MU_DURATION:
		return row_check_bounds(row, (double)*(const mu_time *)member / 1e9, what, error);
	case MU_SIZE:
		return row_check_bounds(row, (double)*(const uint64_t *)member, what, error);
	case MU_STRINGS:
		return row_check_bounds(row, (double)((const struct mu_strings *)member)->count, what, error);
	case MU_BLOCK:
		return row_check_bounds(row, (double)((const struct block_items *)member)->count, what,
					error);
	case MU_BOOL:
	case MU_ENUM:
		break;
	}
	return 0;
}

int row_ask(const struct mu_option *row, const void *value, struct mu_error *error)
{
	struct mu_error why = { 0 };

	c_assert(row && value);
	int r = row->check ? (row->check)(value, &why) : 0; /* in brackets: check is a macro here */
	if (r >= 0)
		return 0;
	if (!why.what[0])
		mu_error(&why, r, "the value of \"%s\" is not allowed", row->name);
	if (error)
		*error = why;
	return r;
}

/* ---- sentences ---- */

static void list_choices(const struct mu_option *row, char *text, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; row->choices[i] && at < size; i++) {
		const char *between = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";
		int n = snprintf(text + at, size - at, "%s%s", between, row->choices[i]);
		c_assert(n >= 0);
		at += (size_t)n;
	}
}

void row_expected(const struct mu_option *row, char *text, size_t size)
{
	char part[160] = "";

	c_assert(row && text);
	switch ((enum mu_option_type)row->type) {
	case MU_BOOL:
		text_copy(text, size, "true or false");
		return;
	case MU_ENUM:
		list_choices(row, part, sizeof(part));
		text_printf(text, size, "one of %s", part);
		return;
	case MU_INT:
		text_copy(part, sizeof(part), "a whole number");
		break;
	case MU_DOUBLE:
		text_copy(part, sizeof(part), "a number");
		break;
	case MU_DURATION:
		text_copy(part, sizeof(part),
			  "a duration in seconds, or with a unit as in 100ms, 10s, 5min, 2h, 1d");
		break;
	case MU_SIZE:
		text_copy(part, sizeof(part), "a number of bytes, or with a unit as in 64K, 2M, 1G");
		break;
	case MU_STRING:
		text_copy(part, sizeof(part), "one text");
		break;
	case MU_STRINGS:
		text_copy(part, sizeof(part), "one text or several");
		break;
	case MU_BLOCK:
		text_printf(text, size, "a block: <%s> ... </%s>", row->name, row->name);
		return;
	}
	char bounds[160] = "";
	if (row_has_bounds(row))
		print_bounds(row, bounds, sizeof(bounds));
	text_printf(text, size, "%s%s%s", part, bounds[0] ? ", " : "", bounds);
}

size_t row_count(const struct mu_option *rows)
{
	size_t count = 0;

	while (rows && rows[count].name)
		count++;
	c_assert(count <= ROWS_MAX);
	return count;
}

void row_remedy_names(const struct mu_option *rows, const char *word, const char *list_of, bool with_keys,
		      struct mu_error *error)
{
	char list[200] = "", mean[100] = "";
	struct nearest nearest;
	size_t at = 0, count = row_count(rows);

	c_assert(word && list_of);
	nearest_init(&nearest, word);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].flags & MU_KEY && !with_keys)
			continue;
		nearest_try(&nearest, rows[i].name);
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "",
					       rows[i].name);
	}
	const char *best = nearest_best(&nearest);
	if (best)
		text_printf(mean, sizeof(mean), "did you mean \"%.60s\"?", best);
	if (at == 0)
		mu_error_remedy(error, "there are no %s here", list_of);
	else if (at < sizeof(list) && at + strlen(mean) < sizeof(error->remedy) - 40)
		mu_error_remedy(error, "%s%sthe %s here are: %s", mean, best ? " " : "", list_of, list);
	else if (best)
		mu_error_remedy(error, "%s", mean);
	else
		mu_error_remedy(error, "among the %s here are: %.120s ...", list_of, list);
}

/* ---- one word ---- */

static int word_error(const struct mu_option *row, const char *word, int code, struct mu_error *error)
{
	static const char *const kinds[] = {
		[MU_STRING] = "text",         [MU_BOOL] = "truth value",      [MU_INT] = "whole number",
		[MU_DOUBLE] = "number",       [MU_DURATION] = "duration",     [MU_SIZE] = "size",
		[MU_ENUM] = "possible value", [MU_STRINGS] = "list of words", [MU_BLOCK] = "block",
	};
	char expected[200];

	c_assert(row->type >= MU_STRING && row->type <= MU_BLOCK);
	row_expected(row, expected, sizeof(expected));
	bool secret = row->flags & MU_SECRET;
	if (code == -ERANGE)
		mu_error(error, -ERANGE, "the value \"%.60s\" of \"%s\" is too large to be a %s",
			 secret ? "(secret)" : word, row->name, kinds[row->type]);
	else
		mu_error(error, -EINVAL, "the value \"%.60s\" of \"%s\" is no %s", secret ? "(secret)" : word,
			 row->name, kinds[row->type]);
	struct nearest nearest;
	nearest_init(&nearest, word);
	for (size_t i = 0; row->type == MU_ENUM && row->choices[i]; i++)
		nearest_try(&nearest, row->choices[i]);
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"? expected %s", nearest_best(&nearest), expected);
	else
		mu_error_remedy(error, "expected %s", expected);
	return code;
}

int schema_word(struct arena *arena, const struct mu_option *row, const char *word, void *out,
		struct mu_error *error)
{
	int r = -EINVAL;

	c_assert(arena && row);
	c_assert(word && out);
	switch ((enum mu_option_type)row->type) {
	case MU_STRING:
		*(const char **)out = arena_strdup(arena, word);
		r = 0;
		break;
	case MU_BOOL:
		r = word_bool(word, out);
		break;
	case MU_INT:
		r = word_int(word, out);
		break;
	case MU_DOUBLE:
		r = word_double(word, out);
		break;
	case MU_DURATION:
		r = schema_duration(word, out);
		break;
	case MU_SIZE:
		r = schema_size(word, out);
		break;
	case MU_ENUM:
		r = word_enum(row, word, out);
		break;
	case MU_STRINGS:
		r = word_split(arena, word, out);
		break;
	case MU_BLOCK:
		break;
	}
	if (r < 0)
		return word_error(row, word, r, error);
	return row_check_member(row, out, "the value of", error);
}

const char *schema_type_name(uint32_t type)
{
	static const char *const names[] = {
		[MU_STRING] = "string", [MU_BOOL] = "bool",         [MU_INT] = "int",
		[MU_DOUBLE] = "double", [MU_DURATION] = "duration", [MU_SIZE] = "size",
		[MU_ENUM] = "enum",     [MU_STRINGS] = "strings",   [MU_BLOCK] = "block",
	};

	return type >= MU_STRING && type <= MU_BLOCK ? names[type] : "unknown";
}
