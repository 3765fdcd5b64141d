/* tables: looking things up in what the daemon described: rows are few, so each look-up walks them. */
#include "tables.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

static const json_t *row_named(const json_t *rows, const char *name)
{
	size_t i;
	json_t *row;

	c_assert(name);
	json_array_foreach (rows, i, row) {
		const char *own = json_get_text(row, "name");
		if (own && strcmp(own, name) == 0)
			return row;
	}
	return NULL;
}

const json_t *tables_kind(const json_t *described, const char *name)
{
	return name ? row_named(json_object_get(described, "kinds"), name) : NULL;
}

const json_t *tables_command(const json_t *kind, const char *verb)
{
	return verb ? row_named(json_object_get(kind, "commands"), verb) : NULL;
}

const json_t *tables_attr(const json_t *kind, const char *name)
{
	return row_named(json_object_get(kind, "attrs"), name);
}

const json_t *tables_state(const json_t *kind, const char *name)
{
	return row_named(json_object_get(kind, "states"), name);
}

static bool has_flag(const json_t *attr, const char *flag)
{
	size_t i;
	json_t *word;

	json_array_foreach (json_object_get(attr, "flags"), i, word)
		if (json_is_string(word) && strcmp(json_string_value(word), flag) == 0)
			return true;
	return false;
}

json_t *tables_columns(const json_t *kind)
{
	const json_t *given = json_object_get(kind, "columns");
	json_t *columns, *attr;
	size_t i;

	if (json_array_size(given) > 0)
		return json_deep_copy(given);
	columns = json_array();
	json_array_foreach (json_object_get(kind, "attrs"), i, attr)
		if (!has_flag(attr, "hidden") && json_get_text(attr, "name"))
			json_array_append(columns, json_object_get(attr, "name"));
	return columns;
}

const char *tables_plural(const json_t *kind)
{
	const char *plural = json_get_text(kind, "plural"), *name = json_get_text(kind, "name");
	return plural ? plural : name ? name : "objects";
}
