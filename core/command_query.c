/* command_query: the conditions of a list or match, from JSON, checked against the kind's attributes.
 *
 * What arrives at an owner is known to be sound: attributes that exist, operators that make sense for
 * their type, and values in one form (numbers as numbers, durations in seconds, sizes in bytes, booleans
 * true or false). */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"
#include "command.h"
#include "conf_schema.h"
#include "kind.h"

enum { CONDITIONS_MAX = 64, LIMIT_DEFAULT = 200, LIMIT_MAX = 1000, WORD_MAX = 1024 };

static const struct mu_attr id_attr = { .name = "id", .type = MU_STRING };

static const struct {
	const char *name, *sign;
	int op;
} ops[] = {
	/* longer signs first: they are looked for at the end of a match's key */
	{ "ne", "!=", MU_NE }, { "le", "<=", MU_LE }, { "ge", ">=", MU_GE },    { "eq", "=", MU_EQ },
	{ "lt", "<", MU_LT },  { "gt", ">", MU_GT },  { "glob", "~", MU_GLOB },
};

static const struct mu_attr *find_attr(const struct mu_kind *row, const char *name, struct mu_error *error)
{
	c_assert(row && name);
	const struct mu_attr *attr = strcmp(name, "id") == 0 ? &id_attr : kind_attr(row, name);
	if (attr && !(attr->flags & MU_SECRET))
		return attr;
	if (attr) {
		mu_error(error, -EINVAL, "%s of %s is a secret, and cannot be asked for", name, row->name);
		return NULL;
	}

	struct nearest nearest;
	nearest_init(&nearest, name);
	nearest_try(&nearest, "id");
	for (size_t at = 0; (attr = kind_attr_next(row, &at));)
		nearest_try(&nearest, attr->name);
	mu_error(error, -EINVAL, "%s has no attribute \"%.100s\"", row->name, name);
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"?", nearest_best(&nearest));
	return NULL;
}

/* The JSON scalar as a person would have written it. NULL when it is none. */
static const char *value_words(struct arena *arena, const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) <= WORD_MAX ? json_string_value(value) : NULL;
	if (json_is_integer(value))
		return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_real(value))
		return arena_printf(arena, "%.17g", json_real_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return NULL;
}

static const char *number_words(struct arena *arena, const char *words)
{
	const char *p = words;
	double number;

	if (scan_double(&p, &number) < 0 || *p || !isfinite(number))
		return NULL;
	return arena_strdup(arena, words + strspn(words, " "));
}

static const char *bool_words(const char *words)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };

	for (size_t i = 0; i < MU_ARRAY_LEN(yes); i++) {
		if (text_equal_nocase(words, yes[i]))
			return "true";
		if (text_equal_nocase(words, no[i]))
			return "false";
	}
	return NULL;
}

/* Is the word one of the names an attribute can have? True when nobody knows the names. */
static bool known_name(const struct mu_kind *row, const struct mu_attr *attr, const char *word,
		       struct nearest *nearest)
{
	bool known = true;

	if (strcmp(attr->name, "state") == 0 && row->states) {
		known = kind_state(row, word) != NULL;
		for (const struct mu_state *state = row->states; state->name; state++)
			nearest_try(nearest, state->name);
	} else if (attr->choices) {
		known = false;
		for (const char *const *choice = attr->choices; *choice; choice++) {
			known |= strcmp(*choice, word) == 0;
			nearest_try(nearest, *choice);
		}
	}
	return known;
}

static const char *enum_words(struct arena *arena, const struct mu_kind *row, const struct mu_attr *attr,
			      int op, const char *words, struct mu_error *error)
{
	c_assert(row && attr->type == MU_ENUM);
	struct nearest nearest;

	nearest_init(&nearest, words);
	if (op == MU_GLOB || known_name(row, attr, words, &nearest))
		return arena_strdup(arena, words);
	mu_error(error, -EINVAL, "\"%.100s\" is no %s of %s", words, attr->name, row->name);
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"?", nearest_best(&nearest));
	return NULL;
}

/* The one form of a value. NULL + error. */
static const char *normal_words(struct arena *arena, const struct mu_kind *row, const struct mu_attr *attr,
				int op, const char *words, struct mu_error *error)
{
	c_assert(attr && words);
	const char *normal = NULL, *wanted = "a number";
	uint64_t bytes;
	int64_t ns;

	if (op == MU_GLOB && attr->type != MU_STRING && attr->type != MU_ENUM && attr->type != MU_STRINGS) {
		mu_error(error, -EINVAL, "%s is no text, and no pattern can fit it", attr->name);
		return NULL;
	}
	switch ((enum mu_option_type)attr->type) {
	case MU_STRING:
	case MU_STRINGS:
		return arena_strdup(arena, words);
	case MU_ENUM:
		return enum_words(arena, row, attr, op, words, error);
	case MU_BOOL:
		wanted = "true or false";
		normal = bool_words(words);
		break;
	case MU_INT:
	case MU_DOUBLE:
		normal = number_words(arena, words);
		break;
	case MU_DURATION:
		wanted = "a duration, as 90 or 10min";
		normal = number_words(arena, words);
		if (!normal && schema_duration(words, &ns) == 0)
			normal = arena_printf(arena, "%.17g", (double)ns / 1e9);
		break;
	case MU_SIZE:
		wanted = "a size, as 4096 or 64K";
		normal = number_words(arena, words);
		if (!normal && schema_size(words, &bytes) == 0)
			normal = arena_printf(arena, "%" PRIu64, bytes);
		break;
	case MU_BLOCK:
		mu_error(error, -EINVAL, "%s is no single value, and cannot be compared", attr->name);
		return NULL;
	}
	if (!normal)
		mu_error(error, -EINVAL, "%s is compared with %s, and \"%.100s\" is none", attr->name, wanted,
			 words);
	return normal;
}

/* Does `op` make sense for the type? */
static bool op_fits(const struct mu_attr *attr, int op)
{
	bool ordered = attr->type != MU_BOOL && attr->type != MU_STRINGS;
	return ordered || op == MU_EQ || op == MU_NE || op == MU_GLOB;
}

static int make_condition(struct arena *arena, const struct mu_kind *row, const char *name, int op,
			  const json_t *value, struct mu_condition *out, struct mu_error *error)
{
	c_assert(name && out);
	const struct mu_attr *attr = find_attr(row, name, error);
	if (!attr)
		return -EINVAL;
	const char *words = value_words(arena, value);
	if (!words)
		return mu_error(error, -EINVAL,
				"%s is compared with one word, number or true and false of at most %d bytes",
				attr->name, WORD_MAX);
	if (!op_fits(attr, op))
		return mu_error(error, -EINVAL, "%s has no order: it can be equal or not", attr->name);
	words = normal_words(arena, row, attr, op, words, error);
	if (!words)
		return -EINVAL;
	out->attr = attr->name;
	out->op = (__typeof__(out->op))op;
	out->value = words;
	return 0;
}

static int op_parse(const char *word)
{
	for (size_t i = 0; word && i < MU_ARRAY_LEN(ops); i++)
		if (strcmp(word, ops[i].name) == 0 || strcmp(word, ops[i].sign) == 0)
			return ops[i].op;
	return 0;
}

static int one_where(struct arena *arena, const struct mu_kind *row, const json_t *entry,
		     struct mu_condition *out, struct mu_error *error)
{
	const char *attr = json_get_text(entry, "attr"), *op_word = json_get_text(entry, "op");
	int op = json_object_get(entry, "op") ? op_parse(op_word) : MU_EQ;
	const char *key;
	json_t *value;

	if (!attr)
		return mu_error(error, -EINVAL, "each entry of where is {\"attr\", \"op\", \"value\"}");
	json_object_foreach ((json_t *)(uintptr_t)entry, key, value)
		if (strcmp(key, "attr") != 0 && strcmp(key, "op") != 0 && strcmp(key, "value") != 0)
			return mu_error(error, -EINVAL, "an entry of where has no member \"%.100s\"", key);
	if (!op) {
		mu_error(error, -EINVAL, "\"%.100s\" is no comparison", op_word ? op_word : "");
		mu_error_remedy(error, "one of eq, ne, lt, le, gt, ge, glob");
		return -EINVAL;
	}
	return make_condition(arena, row, attr, op, json_object_get(entry, "value"), out, error);
}

static int take_where(struct arena *arena, const struct mu_kind *row, const json_t *where,
		      struct mu_query *out, struct mu_error *error)
{
	size_t count = json_array_size(where);

	if (!json_is_array(where))
		return mu_error(error, -EINVAL, "where is an array of {\"attr\", \"op\", \"value\"}");
	if (count > CONDITIONS_MAX)
		return mu_error(error, -E2BIG, "%zu conditions are more than the %d that are taken", count,
				CONDITIONS_MAX);
	struct mu_condition *conditions = arena_array(arena, count + 1, sizeof(*conditions));
	for (size_t i = 0; i < count; i++) {
		int r = one_where(arena, row, json_array_get(where, i), &conditions[i], error);
		if (r < 0)
			return r;
	}
	out->where = conditions;
	out->where_count = count;
	return 0;
}

static int take_sort(const struct mu_kind *row, const json_t *value, struct mu_query *out,
		     struct mu_error *error)
{
	if (!json_is_string(value))
		return mu_error(error, -EINVAL, "sort is the name of an attribute");
	const struct mu_attr *attr = find_attr(row, json_string_value(value), error);
	if (!attr)
		return -EINVAL;
	if (attr->type == MU_BLOCK || attr->type == MU_STRINGS)
		return mu_error(error, -EINVAL, "%s has no order, and cannot be sorted by", attr->name);
	out->sort = attr == &id_attr ? NULL : attr->name; /* by id is the order without a sort */
	return 0;
}

static int take_limit(const json_t *value, struct mu_query *out, struct mu_error *error)
{
	int64_t limit = json_is_integer(value) ? json_integer_value(value) : 0;
	const char *words = json_string_value(value); /* from a query string */

	if (words && (scan_i64(&words, &limit) < 0 || *words))
		limit = 0;
	if (limit < 1 || limit > LIMIT_MAX)
		return mu_error(error, -EINVAL, "limit is a number from 1 to %d", LIMIT_MAX);
	out->limit = (uint32_t)limit;
	return 0;
}

static int take_descending(const json_t *value, struct mu_query *out, struct mu_error *error)
{
	const char *words = json_is_boolean(value)  ? (json_is_true(value) ? "true" : "false")
			    : json_is_string(value) ? bool_words(json_string_value(value))
						    : NULL;

	if (!words)
		return mu_error(error, -EINVAL, "descending is true or false");
	out->descending = strcmp(words, "true") == 0;
	return 0;
}

static int take_after(struct arena *arena, const json_t *value, struct mu_query *out, struct mu_error *error)
{
	if (!json_is_string(value) || json_string_length(value) > WORD_MAX)
		return mu_error(error, -EINVAL, "after is the `next` of the page before");
	out->after = arena_strdup(arena, json_string_value(value));
	return 0;
}

int command_query(struct arena *arena, const struct mu_kind *row, const json_t *args, struct mu_query *out,
		  struct mu_error *error)
{
	const char *key;
	json_t *value;

	c_assert(arena && row && out);
	*out = (struct mu_query){ .limit = LIMIT_DEFAULT };
	if (args && !json_is_object(args))
		return mu_error(error, -EINVAL, "the arguments are an object");
	json_object_foreach ((json_t *)(uintptr_t)args, key, value) {
		int r;
		if (json_is_null(value))
			continue;
		if (strcmp(key, "where") == 0)
			r = take_where(arena, row, value, out, error);
		else if (strcmp(key, "sort") == 0)
			r = take_sort(row, value, out, error);
		else if (strcmp(key, "limit") == 0)
			r = take_limit(value, out, error);
		else if (strcmp(key, "descending") == 0)
			r = take_descending(value, out, error);
		else if (strcmp(key, "after") == 0)
			r = take_after(arena, value, out, error);
		else
			r = mu_error(error, -EINVAL, "list has no argument \"%.100s\"", key);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "seen>=" → "seen" and MU_GE. */
static int split_key(struct arena *arena, const char *key, const char **name)
{
	c_assert(key && name);
	size_t length = strlen(key);

	for (size_t i = 0; i < MU_ARRAY_LEN(ops); i++) {
		size_t n = strlen(ops[i].sign);
		if (length <= n || strcmp(key + length - n, ops[i].sign) != 0)
			continue;
		*name = arena_strndup(arena, key, length - n);
		return ops[i].op;
	}
	*name = key;
	return MU_EQ;
}

int command_match(struct arena *arena, const struct mu_kind *row, const json_t *match, struct mu_query *out,
		  struct mu_error *error)
{
	size_t count = json_object_size(match), i = 0;
	const char *key;
	json_t *value;

	c_assert(arena && row && out);
	*out = (struct mu_query){ .limit = LIMIT_MAX };
	if (!json_is_object(match) || count == 0)
		return mu_error(error, -EINVAL,
				"a match is an object of conditions: {\"state\": \"failed\"}");
	if (count > CONDITIONS_MAX)
		return mu_error(error, -E2BIG, "%zu conditions are more than the %d that are taken", count,
				CONDITIONS_MAX);
	struct mu_condition *conditions = arena_array(arena, count, sizeof(*conditions));
	json_object_foreach ((json_t *)(uintptr_t)match, key, value) {
		const char *name;
		int op = split_key(arena, key, &name);
		int r = make_condition(arena, row, name, op, value, &conditions[i++], error);
		if (r < 0)
			return r;
	}
	out->where = conditions;
	out->where_count = count;
	return 0;
}
