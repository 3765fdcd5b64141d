/* conf_rows: are the rows themselves sane, and what do they say of themselves?
 *
 * The loader asks the first before it believes a plugin; the manual, REST, completion and the forms of
 * the browser are made of the second. A table may name itself as its own child, so depth is bounded. */
#include "conf_word.h"

#include "base/check.h"
#include "base/json.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool name_valid(const char *name)
{
	c_assert(name);
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && length < 64 && name[length] == '\0' && (name[0] < '0' || name[0] > '9');
}

static int check_name(const struct mu_option *rows, size_t index, struct mu_error *error)
{
	const char *name = rows[index].name;

	c_assert(rows && rows[index].name);
	if (!name_valid(name)) {
		mu_error(error, -EINVAL, "\"%.60s\" cannot be the name of a row", name);
		mu_error_remedy(error, "a letter, then letters, digits and \"_\", at most 63 in all");
		return -EINVAL;
	}
	for (size_t i = 0; i < index; i++)
		if (text_equal_nocase(rows[i].name, name))
			return mu_error(error, -EINVAL, "two rows have the name \"%s\"", name);
	return 0;
}

static int check_bounds(const struct mu_option *row, struct mu_error *error)
{
	c_assert(row && row->name);
	if (isnan(row->min) || isnan(row->max))
		return mu_error(error, -EINVAL, "the bounds of row \"%s\" are no numbers", row->name);
	if (row->min > row->max && !(row->min > 0 && row->max == 0))
		return mu_error(error, -EINVAL, "the bounds of row \"%s\" are %g to %g, the wrong way round",
				row->name, row->min, row->max);
	if (row_has_bounds(row) && (row->type == MU_BOOL || row->type == MU_ENUM))
		return mu_error(error, -EINVAL, "row \"%s\" is of type %s and has bounds", row->name,
				schema_type_name(row->type));
	return 0;
}

static int check_flags(const struct mu_option *row, struct mu_error *error)
{
	if (row->flags & MU_KEY && row->type == MU_BLOCK)
		return mu_error(error, -EINVAL, "the key row \"%s\" is a block", row->name);
	if (row->flags & MU_UNIQUE && !(row->flags & MU_KEY))
		return mu_error(error, -EINVAL, "row \"%s\" is unique and no key", row->name);
	if (row->flags & MU_REQUIRED && row->dflt)
		return mu_error(error, -EINVAL, "row \"%s\" is required and has a default", row->name);
	return 0;
}

/* Of a MU_STRINGS key everything behind it would be part. */
static int check_key_order(const struct mu_option *rows, size_t index, struct mu_error *error)
{
	for (size_t i = 0; rows[index].flags & MU_KEY && i < index; i++)
		if (rows[i].flags & MU_KEY && rows[i].type == MU_STRINGS)
			return mu_error(error, -EINVAL, "key row \"%s\" comes behind the list \"%s\"",
					rows[index].name, rows[i].name);
	return 0;
}

static int check_default(const struct mu_option *row, struct mu_error *error)
{
	union {
		const char *text;
		bool truth;
		int64_t number;
		double real;
		int choice;
		struct mu_strings strings;
	} member = { 0 };
	struct arena arena;

	c_assert(row && row->name);
	if (!row->dflt)
		return 0;
	if (row->type == MU_BLOCK)
		return mu_error(error, -EINVAL, "the block row \"%s\" has a default", row->name);
	arena_init(&arena);
	struct mu_error why;
	int r = schema_word(&arena, row, row->dflt, &member, &why);
	arena_fini(&arena);
	return r < 0 ? mu_error(error, -EINVAL, "the default of row \"%s\" is wrong: %.150s", row->name,
				why.what)
		     : 0;
}

static int check_rows(const struct mu_option *rows, int depth, struct mu_error *error);

static int check_type(const struct mu_option *row, int depth, struct mu_error *error)
{
	c_assert(depth >= 0 && depth < ROW_DEPTH_MAX);
	if (row->type < MU_STRING || row->type > MU_BLOCK)
		return mu_error(error, -EINVAL, "row \"%s\" has the unknown type %u", row->name, row->type);
	if (row->type == MU_ENUM && (!row->choices || !row->choices[0]))
		return mu_error(error, -EINVAL, "row \"%s\" is an enum without choices", row->name);
	if (row->type != MU_BLOCK)
		return 0;
	if (!row->options || row->size == 0)
		return mu_error(error, -EINVAL, "the block row \"%s\" has no table or no size", row->name);
	if (row->size > 1 << 20)
		return mu_error(error, -EINVAL, "an item of block row \"%s\" has %zu bytes", row->name,
				row->size);
	return check_rows(row->options, depth + 1, error);
}

static int check_rows(const struct mu_option *rows, int depth, struct mu_error *error)
{
	c_assert(rows);
	c_assert(depth >= 0);
	if (depth >= ROW_DEPTH_MAX) {
		mu_error(error, -EINVAL, "the tables of options are nested deeper than %d", ROW_DEPTH_MAX);
		mu_error_remedy(error, "does a block row name its own table?");
		return -EINVAL;
	}
	for (size_t i = 0; rows[i].name; i++) {
		if (i >= ROWS_MAX)
			return mu_error(error, -EINVAL, "a table of options has over %d rows: it has no end",
					ROWS_MAX);
		int r = check_name(rows, i, error);
		if (r == 0)
			r = check_type(&rows[i], depth, error);
		if (r == 0)
			r = check_bounds(&rows[i], error);
		if (r == 0)
			r = check_flags(&rows[i], error);
		if (r == 0)
			r = check_key_order(rows, i, error);
		if (r == 0)
			r = check_default(&rows[i], error);
		if (r < 0)
			return r;
	}
	return 0;
}

int schema_check_rows(const struct mu_option *rows, struct mu_error *error)
{
	return rows ? check_rows(rows, 0, error) : 0;
}

/* ---- what they say ---- */

static void set_flag(json_t *object, const char *key, bool set)
{
	if (set)
		json_object_set_new(object, key, json_true());
}

static json_t *describe_choices(const char *const *choices)
{
	json_t *array = json_array();

	c_assert(choices);
	for (size_t i = 0; choices[i]; i++)
		json_array_append_new(array, json_string(choices[i]));
	return array;
}

static json_t *describe_rows(const struct mu_option *rows, int depth);

static json_t *describe_row(const struct mu_option *row, int depth)
{
	json_t *object = json_object();

	c_assert(row && row->name);
	json_set_text(object, "name", row->name);
	json_set_text(object, "type", schema_type_name(row->type));
	set_flag(object, "required", row->flags & MU_REQUIRED);
	set_flag(object, "secret", row->flags & MU_SECRET);
	set_flag(object, "key", row->flags & MU_KEY);
	set_flag(object, "unique", row->flags & MU_UNIQUE);
	if (!(row->flags & MU_SECRET))
		json_set_text(object, "default", row->dflt);
	if (row_has_bounds(row) && isfinite(row->min))
		json_object_set_new(object, "min", json_real(row->min));
	if (row_has_bounds(row) && isfinite(row->max) && row->max >= row->min)
		json_object_set_new(object, "max", json_real(row->max));
	json_set_text(object, "unit", row->unit);
	json_set_text(object, "help", row->help);
	if (row->choices && row->type == MU_ENUM)
		json_object_set_new(object, "choices", describe_choices(row->choices));
	json_set_text(object, "kind", row->kind);
	if (row->type == MU_BLOCK)
		json_object_set_new(object, "options", describe_rows(row->options, depth + 1));
	return object;
}

static json_t *describe_rows(const struct mu_option *rows, int depth)
{
	json_t *array = json_array();

	c_assert(depth < ROW_DEPTH_MAX);
	for (size_t i = 0; rows && rows[i].name; i++)
		json_array_append_new(array, describe_row(&rows[i], depth));
	return array;
}

json_t *schema_describe(const struct mu_option *rows)
{
	return describe_rows(rows, 0);
}
