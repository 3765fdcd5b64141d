/* conf_json: a JSON object + rows → a typed struct: the arguments of calls.
 *
 * The counterpart of conf_schema for programs: names are exact, a number is a number and no text, and the
 * first error ends it. Durations (seconds) and sizes (bytes) may also be words, as a person writes them. */
#include "conf_word.h"

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { ITEMS_MAX = 100000 };

static const char *type_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		break;
	}
	return "null";
}

static int mistyped(const struct mu_option *row, const json_t *json, struct mu_error *error)
{
	char expected[200];

	c_assert(row && json);
	row_expected(row, expected, sizeof(expected));
	mu_error(error, -EINVAL, "argument \"%s\" is %s", row->name, type_of(json));
	if (row->type == MU_BLOCK)
		mu_error_remedy(error, "expected an array of objects");
	else
		mu_error_remedy(error, "expected %s", expected);
	return -EINVAL;
}

/* ---- one value ---- */

static int json_int(const struct mu_option *row, const json_t *json, int64_t *out, struct mu_error *error)
{
	if (json_is_integer(json)) {
		*out = json_integer_value(json);
		return 0;
	}
	/* 5.0 is whole as well, as far as a double can tell */
	double value = json_is_real(json) ? json_real_value(json) : NAN;
	if (!(fabs(value) <= 9007199254740992.0) || value != trunc(value))
		return mistyped(row, json, error);
	*out = (int64_t)value;
	return 0;
}

/* Seconds → ns, or bytes; `most` is where the member's type ends. */
static int json_scaled(const struct mu_option *row, const json_t *json, double most, double *out,
		       struct mu_error *error)
{
	double value = json_number_value(json);

	c_assert(json_is_number(json));
	if (!isfinite(value) || value < 0 || value >= most) {
		mu_error(error, -ERANGE, "argument \"%s\" is %g", row->name, value);
		mu_error_remedy(error, "expected a number from 0 up");
		return -ERANGE;
	}
	*out = value;
	return 0;
}

static int json_duration(const struct mu_option *row, const json_t *json, mu_time *out,
			 struct mu_error *error)
{
	double value;
	int r = json_scaled(row, json, 9.2e9, &value, error);

	if (r == 0)
		*out = llround(value * 1e9);
	return r;
}

static int json_size(const struct mu_option *row, const json_t *json, uint64_t *out, struct mu_error *error)
{
	double value;

	if (json_is_integer(json) && json_integer_value(json) >= 0) {
		*out = (uint64_t)json_integer_value(json);
		return 0;
	}
	int r = json_scaled(row, json, ldexp(1, 64), &value, error);
	if (r == 0)
		*out = (uint64_t)value;
	return r;
}

static int json_strings(struct arena *arena, const struct mu_option *row, const json_t *json,
			struct mu_strings *out, struct mu_error *error)
{
	size_t count = json_is_string(json) ? 1 : json_array_size(json);

	c_assert(row->type == MU_STRINGS);
	if (!json_is_string(json) && !json_is_array(json))
		return mistyped(row, json, error);
	if (count > ITEMS_MAX)
		return mu_error(error, -E2BIG, "argument \"%s\" has %zu items; at most %d are allowed",
				row->name, count, ITEMS_MAX);
	const char **items = arena_array(arena, count + 1, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_is_string(json) ? json : json_array_get(json, i);
		if (!json_is_string(item))
			return mu_error(error, -EINVAL, "item %zu of argument \"%s\" is %s and no text", i,
					row->name, type_of(item));
		items[i] = arena_strdup(arena, json_string_value(item));
	}
	*out = (struct mu_strings){ .items = items, .count = count };
	return 0;
}

static int fill_object(struct arena *arena, const struct mu_option *rows, void *out, const json_t *args,
		       struct mu_error *error);

/* No two items share the text of a MU_UNIQUE row. */
static int check_unique(const struct mu_option *row, const struct block_items *blocks, struct mu_error *error)
{
	c_assert(blocks->items || blocks->count == 0);
	for (const struct mu_option *key = row->options; key->name; key++) {
		if (!(key->flags & MU_UNIQUE) || key->type != MU_STRING)
			continue;
		struct map seen = { 0 };
		const char *twice = NULL;
		for (size_t i = 0; i < blocks->count && !twice; i++) {
			const unsigned char *item = (const unsigned char *)blocks->items + i * row->size;
			const char *const *text = (const char *const *)(const void *)(item + key->offset);
			if (*text && map_put(&seen, *text, blocks->items))
				twice = *text;
		}
		map_fini(&seen);
		if (twice)
			return mu_error(error, -EEXIST, "two items of argument \"%s\" have the %s \"%.60s\"",
					row->name, key->name, twice);
	}
	return 0;
}

static int json_blocks(struct arena *arena, const struct mu_option *row, const json_t *json,
		       struct block_items *out, struct mu_error *error)
{
	size_t count = json_array_size(json);

	c_assert(row->type == MU_BLOCK);
	c_assert(row->options && row->size > 0);
	if (!json_is_array(json))
		return mistyped(row, json, error);
	if (count > ITEMS_MAX)
		return mu_error(error, -E2BIG, "argument \"%s\" has %zu items; at most %d are allowed",
				row->name, count, ITEMS_MAX);
	out->items = arena_array(arena, count, row->size);
	out->count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(json, i);
		void *at = (unsigned char *)out->items + i * row->size;
		if (!json_is_object(item))
			return mu_error(error, -EINVAL, "item %zu of argument \"%s\" is %s and no object", i,
					row->name, type_of(item));
		int r = fill_object(arena, row->options, at, item, error);
		if (r == 0)
			r = row_ask(row, at, error);
		if (r < 0) {
			mu_error_where(error, "item %zu of \"%s\"", i, row->name);
			return r;
		}
	}
	return check_unique(row, out, error);
}

static int json_value(struct arena *arena, const struct mu_option *row, const json_t *json, void *member,
		      struct mu_error *error)
{
	bool number = json_is_number(json), text = json_is_string(json);

	c_assert(member && json);
	switch ((enum mu_option_type)row->type) {
	case MU_BOOL:
		if (!json_is_boolean(json))
			return mistyped(row, json, error);
		*(bool *)member = json_is_true(json);
		return 0;
	case MU_INT:
		return json_int(row, json, member, error);
	case MU_DOUBLE:
		if (!number)
			return mistyped(row, json, error);
		*(double *)member = json_number_value(json);
		return 0;
	case MU_DURATION:
		if (number)
			return json_duration(row, json, member, error);
		break;
	case MU_SIZE:
		if (number)
			return json_size(row, json, member, error);
		break;
	case MU_STRINGS:
		return json_strings(arena, row, json, member, error);
	case MU_BLOCK:
		return json_blocks(arena, row, json, member, error);
	case MU_STRING:
	case MU_ENUM:
		break;
	}
	return text ? schema_word(arena, row, json_string_value(json), member, error)
		    : mistyped(row, json, error);
}

/* ---- an object ---- */

static int check_members(const struct mu_option *rows, const json_t *args, struct mu_error *error)
{
	const char *key;
	json_t *value;

	c_assert(rows);
	json_object_foreach ((json_t *)args, key, value) {
		size_t i = 0;
		while (rows[i].name && strcmp(rows[i].name, key) != 0)
			i++;
		if (rows[i].name)
			continue;
		mu_error(error, -EINVAL, "there is no argument \"%.60s\"", key);
		row_remedy_names(rows, key, "arguments", true, error);
		return -EINVAL;
	}
	return 0;
}

static int fill_row(struct arena *arena, const struct mu_option *row, void *member, const json_t *value,
		    struct mu_error *error)
{
	char expected[200];

	c_assert(row && member);
	if (value && !json_is_null(value)) {
		int r = json_value(arena, row, value, member, error);
		if (r == 0)
			r = row_check_member(row, member, "argument", error);
		if (r == 0 && row->type != MU_BLOCK)
			r = row_ask(row, member, error);
		return r;
	}
	if (row->flags & MU_REQUIRED) {
		row_expected(row, expected, sizeof(expected));
		mu_error(error, -EINVAL, "argument \"%s\" is missing", row->name);
		mu_error_remedy(error, "expected %s", expected);
		return -EINVAL;
	}
	if (row->dflt) {
		c_assert(schema_word(arena, row, row->dflt, member, NULL) == 0);
		return row_ask(row, member, error);
	}
	return 0;
}

static int fill_object(struct arena *arena, const struct mu_option *rows, void *out, const json_t *args,
		       struct mu_error *error)
{
	int r = check_members(rows, args, error);

	c_assert(arena && rows);
	for (size_t i = 0; r == 0 && rows[i].name; i++)
		r = fill_row(arena, &rows[i], (unsigned char *)out + rows[i].offset,
			     json_object_get(args, rows[i].name), error);
	return r;
}

int schema_fill_json(struct arena *arena, const struct mu_option *rows, void *out, const json_t *args,
		     struct mu_error *error)
{
	static const struct mu_option none[] = { MU_OPT_END };

	c_assert(arena);
	c_assert(out || !rows);
	if (args && !json_is_null(args) && !json_is_object(args)) {
		mu_error(error, -EINVAL, "the arguments are %s", type_of(args));
		mu_error_remedy(error, "expected an object: {\"name\": value}");
		return -EINVAL;
	}
	return fill_object(arena, rows ? rows : none, out, args, error);
}
