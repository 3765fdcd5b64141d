/* print: answers as text, by what the daemon's tables say about them.
 *
 * A table is made of cells first, so that each column is as wide as its widest. Nothing here knows a kind by
 * name: what stands in a state's row is its colour, what stands in an attribute's row is its form. */
#include "print.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "tables.h"
#include "value.h"

enum { GAP = 2, LAST_MIN = 10, DEEPEST = 4 };

/* ---- colour ---- */

static const char *tone_colour(const char *tone)
{
	static const char *const colours[][2] = {
		{ "fail", "\033[31m" },    { "unknown", "\033[35m" }, { "warn", "\033[33m" },
		{ "running", "\033[36m" }, { "ok", "\033[32m" },      { "wait", "\033[34m" },
		{ "paused", "\033[2m" },
	};

	for (size_t i = 0; tone && i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i][0], tone) == 0)
			return colours[i][1];
	return "";
}

/* An event's severity is no state, but wants the same colours. */
static const char *severity_tone(const char *severity)
{
	return strcmp(severity, "failure") == 0   ? "fail"
	       : strcmp(severity, "warning") == 0 ? "warn"
	       : strcmp(severity, "okay") == 0    ? "ok"
						  : NULL;
}

static const char *cell_colour(const struct print *print, const char *attr, const json_t *value)
{
	if (!print->colour || !json_is_string(value))
		return "";
	if (strcmp(attr, "state") == 0)
		return tone_colour(
			json_get_text(tables_state(print->kind, json_string_value(value)), "tone"));
	return strcmp(attr, "severity") == 0 ? tone_colour(severity_tone(json_string_value(value))) : "";
}

static void add_coloured(struct print *print, const char *colour, const char *text)
{
	str_add(&print->out, colour);
	str_add(&print->out, text);
	if (colour[0])
		str_add(&print->out, "\033[0m");
}

/* ---- tables ---- */

struct cell {
	char *text;
	const char *colour;
	size_t width;
};
struct grid {
	size_t columns, rows; /* the first row is the head */
	struct cell *cells;
	size_t *widths;
	bool *right;
};

static void grid_init(struct grid *grid, size_t columns, size_t rows)
{
	c_assert(columns > 0 && rows > 0);
	*grid = (struct grid){ .columns = columns, .rows = rows };
	grid->cells = mem_array(columns * rows, sizeof(*grid->cells));
	grid->widths = mem_array(columns, sizeof(*grid->widths));
	grid->right = mem_array(columns, sizeof(*grid->right));
}

static void grid_fini(struct grid *grid)
{
	for (size_t i = 0; i < grid->columns * grid->rows; i++)
		free(grid->cells[i].text);
	free(grid->cells);
	free(grid->widths);
	free(grid->right);
}

/* Takes the text. */
static void grid_set(struct grid *grid, size_t row, size_t column, struct str *text, const char *colour)
{
	c_assert(row < grid->rows && column < grid->columns);
	struct cell *cell = &grid->cells[row * grid->columns + column];
	cell->text = str_take(text);
	cell->colour = colour;
	cell->width = text_width(cell->text);
	if (cell->width > grid->widths[column])
		grid->widths[column] = cell->width;
}

static void set_head(struct grid *grid, size_t column, const char *label, const char *colour)
{
	struct str text = { 0 };

	text_safe(&text, label);
	for (size_t i = 0; i < text.len; i++)
		text.data[i] = (char)(text.data[i] == '_' ? ' ' : toupper((unsigned char)text.data[i]));
	grid_set(grid, 0, column, &text, colour);
}

static void add_blanks(struct str *out, size_t count)
{
	while (count-- > 0)
		str_add_byte(out, ' ');
}

/* The last column ends where the terminal does. */
static void cut_cell(struct cell *cell, size_t room)
{
	c_assert(cell->text && room > 0);
	if (cell->width <= room)
		return;
	size_t length = text_fit(cell->text, room - 1);
	char *cut = mem_printf("%.*s\xe2\x80\xa6", (int)length, cell->text);
	free(cell->text);
	cell->text = cut;
}

static void grid_print(struct print *print, struct grid *grid)
{
	size_t before = 0;

	for (size_t c = 0; c + 1 < grid->columns; c++)
		before += grid->widths[c] + GAP;
	for (size_t r = 0; r < grid->rows; r++) {
		for (size_t c = 0; c < grid->columns; c++) {
			struct cell *cell = &grid->cells[r * grid->columns + c];
			bool last = c + 1 == grid->columns;
			size_t blanks = grid->widths[c] - cell->width;
			if (last && print->width > before + LAST_MIN)
				cut_cell(cell, print->width - before);
			if (grid->right[c])
				add_blanks(&print->out, blanks);
			add_coloured(print, cell->colour, cell->text);
			if (!last)
				add_blanks(&print->out, (grid->right[c] ? 0 : blanks) + GAP);
		}
		str_add_byte(&print->out, '\n');
	}
}

/* Columns by name; attributes are looked up in the kind, when there is one. */
static void print_columns(struct print *print, const json_t *items, const json_t *names)
{
	const char *bold = print->colour ? "\033[1m" : "";
	struct grid grid;
	size_t r, c;
	json_t *item, *name;

	grid_init(&grid, json_array_size(names), json_array_size(items) + 1);
	json_array_foreach (names, c, name) {
		const json_t *attr = print->kind ? tables_attr(print->kind, json_string_value(name)) : NULL;
		const char *label = json_get_text(attr, "label");
		set_head(&grid, c, label ? label : json_string_value(name), bold);
		grid.right[c] = value_is_number(attr);
		json_array_foreach (items, r, item) {
			struct str text = { 0 };
			const json_t *value = json_object_get(item, json_string_value(name));
			value_text(&text, attr, value);
			grid_set(&grid, r + 1, c, &text, cell_colour(print, json_string_value(name), value));
		}
	}
	grid_print(print, &grid);
	grid_fini(&grid);
}

void print_table(struct print *print, const json_t *items)
{
	c_assert(print->kind && json_is_array(items));
	json_t *names = tables_columns(print->kind);

	json_array_insert_new(names, 0, json_string("id"));
	print_columns(print, items, names);
	json_decref(names);
}

void print_rows(struct print *print, const json_t *items)
{
	json_t *names = json_array(), *value;
	const char *key;
	const json_t *kind = print->kind;

	json_object_foreach (json_array_get(items, 0), key, value)
		json_array_append_new(names, json_string(key));
	print->kind = NULL;
	if (json_array_size(names) > 0)
		print_columns(print, items, names);
	print->kind = kind;
	json_decref(names);
}

/* ---- one thing ---- */

static bool is_rows(const json_t *value)
{
	return json_array_size(value) > 0 && json_is_object(json_array_get(value, 0));
}

struct member {
	const char *name;
	const json_t *attr, *value;
};

static void print_member(struct print *print, const struct member *member, size_t width)
{
	struct str text = { 0 }, label = { 0 };
	const char *own = json_get_text(member->attr, "label");

	text_safe(&label, own ? own : member->name);
	for (char *p = label.data; p && *p; p++)
		if (*p == '_')
			*p = ' ';
	str_add(&print->out, str_text(&label));
	if (is_rows(member->value)) {
		str_add(&print->out, ":\n");
		print_rows(print, member->value);
	} else {
		value_text(&text, member->attr, member->value);
		add_blanks(&print->out, width - text_width(str_text(&label)) + GAP);
		add_coloured(print, cell_colour(print, member->name, member->value), str_text(&text));
		const json_t *state = strcmp(member->name, "state") == 0 && json_is_string(member->value)
					      ? tables_state(print->kind, json_string_value(member->value))
					      : NULL;
		if (json_get_text(state, "sentence"))
			str_printf(&print->out, " (%s)", json_get_text(state, "sentence"));
		str_add_byte(&print->out, '\n');
	}
	str_fini(&text);
	str_fini(&label);
}

/* The id, then the table's order, then what the table does not know. */
static size_t collect_members(const struct print *print, const json_t *object, struct member *members)
{
	size_t count = 0, i;
	const char *key;
	json_t *attr, *value, *all = (json_t *)(uintptr_t)object; /* jansson's iterators know no const */

	if (json_object_get(object, "id"))
		members[count++] = (struct member){ "id", NULL, json_object_get(object, "id") };
	if (json_object_get(object, "state"))
		members[count++] = (struct member){ "state", NULL, json_object_get(object, "state") };
	json_array_foreach (json_object_get(print->kind, "attrs"), i, attr) {
		const char *name = json_get_text(attr, "name");
		value = name && strcmp(name, "state") != 0 ? json_object_get(object, name) : NULL;
		if (value)
			members[count++] = (struct member){ name, attr, value };
	}
	json_object_foreach (all, key, value) {
		bool known = strcmp(key, "id") == 0 || strcmp(key, "state") == 0 ||
			     strcmp(key, "kind") == 0 || strcmp(key, "version") == 0;
		if (!known && !(print->kind && tables_attr(print->kind, key)))
			members[count++] = (struct member){ key, NULL, value };
	}
	return count;
}

void print_object(struct print *print, const json_t *object)
{
	struct member *members = mem_array(json_object_size(object) + 2, sizeof(*members));
	size_t count = collect_members(print, object, members), width = 0;

	c_assert(count <= json_object_size(object) + 2);
	for (size_t i = 0; i < count; i++) {
		const char *label = json_get_text(members[i].attr, "label");
		size_t w = text_width(label ? label : members[i].name);
		if (w > width && !is_rows(members[i].value))
			width = w;
	}
	for (size_t i = 0; i < count; i++)
		print_member(print, &members[i], width);
	free(members);
}

void print_sample(struct print *print, const json_t *series)
{
	json_t *values = json_object_get(series, "values"), *rates = json_object_get(series, "rates"), *value;
	const char *source;

	if (json_object_size(values) == 0)
		str_add(&print->out, "no value yet\n");
	json_object_foreach (values, source, value) {
		const json_t *rate = json_object_get(rates, source);
		text_safe(&print->out, source);
		str_add_byte(&print->out, '=');
		if (json_is_number(rate))
			json_write(&print->out, rate);
		else
			str_add(&print->out, "nan");
		str_add_byte(&print->out, '\n');
	}
}

/* ---- results ---- */

static void print_line(struct print *print, const char *text)
{
	text_safe(&print->out, text);
	str_add_byte(&print->out, '\n');
}

/* What the answer names beside the matter itself. true: it was one of these. */
static bool print_special(struct print *print, const char *key, const json_t *value)
{
	if (strcmp(key, "message") == 0 && json_is_string(value)) {
		print_line(print, json_string_value(value));
	} else if (strcmp(key, "job") == 0) {
		const char *id = json_is_string(value) ? json_string_value(value)
						       : json_get_text(value, "id");
		str_add(&print->out, "it goes on as a job: musterctl job get ");
		print_line(print, id ? id : "?");
	} else if (strcmp(key, "undo") == 0 && json_is_object(value)) {
		str_add(&print->out, "undo: ");
		char *text = json_text(value, NULL);
		print_line(print, text);
		free(text);
	} else {
		return false;
	}
	return true;
}

static void print_answer(struct print *print, const json_t *result)
{
	json_t *rest = json_object(), *value, *all = (json_t *)(uintptr_t)result;
	const char *key;

	json_object_foreach (all, key, value)
		if (!print_special(print, key, value))
			json_object_set(rest, key, value);
	if (json_object_size(rest) > 0)
		print_object(print, rest);
	json_decref(rest);
}

static int depth_of(const json_t *json)
{
	json_t *item, *all = (json_t *)(uintptr_t)json;
	const char *key;
	int deepest = 0;
	size_t i;

	json_array_foreach (json, i, item)
		if (depth_of(item) > deepest)
			deepest = depth_of(item);
	json_object_foreach (all, key, item)
		if (depth_of(item) > deepest)
			deepest = depth_of(item);
	return json_is_array(json) || json_is_object(json) ? deepest + 1 : 0;
}

/* Too deep for lines: as JSON, indented. */
static void print_deep(struct print *print, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);

	c_assert(text);
	for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		print_line(print, line);
	}
	free(text);
}

void print_result(struct print *print, const json_t *result, bool dry_run)
{
	if (depth_of(result) > DEEPEST) {
		print_deep(print, result);
	} else if (json_is_object(result)) {
		print_answer(print, result);
	} else if (is_rows(result)) {
		print_rows(print, result);
	} else if (json_is_array(result) && json_array_size(result) == 0) {
		print_line(print, dry_run ? "nothing would be done" : "nothing");
	} else if (!result || json_is_null(result)) {
		print_line(print, "done");
	} else {
		value_text(&print->out, NULL, result);
		str_add_byte(&print->out, '\n');
	}
}

/* ---- streams ---- */

static void part_word(struct print *print, const char *name, const json_t *attr, const json_t *value,
		      size_t start)
{
	struct str text = { 0 };

	if (print->out.len > start)
		add_blanks(&print->out, GAP);
	value_text(&text, attr, value);
	add_coloured(print, cell_colour(print, name, value), str_text(&text));
	str_fini(&text);
}

/* The values of the default columns that it has; else all members by name. */
void print_part(struct print *print, const json_t *part)
{
	size_t start = print->out.len, i;
	json_t *names = print->kind ? tables_columns(print->kind) : json_array(), *name;

	if (json_object_get(part, "id"))
		part_word(print, "id", NULL, json_object_get(part, "id"), start);
	json_array_foreach (names, i, name) {
		const char *key = json_string_value(name);
		const json_t *value = key ? json_object_get(part, key) : NULL;
		if (value)
			part_word(print, key, tables_attr(print->kind, key), value, start);
	}
	if (print->out.len == start)
		value_text(&print->out, NULL, part);
	str_add_byte(&print->out, '\n');
	json_decref(names);
}

/* ---- JSON ---- */

void print_json(struct print *print, const json_t *json)
{
	if (json)
		json_write(&print->out, json);
	else
		str_add(&print->out, "null");
	str_add_byte(&print->out, '\n');
}

void print_json_object(struct print *print, const json_t *object)
{
	json_t *whole = json_object();

	json_set_text(whole, "kind", json_get_text(print->kind, "name"));
	if (json_object_get(object, "id"))
		json_object_set(whole, "id", json_object_get(object, "id"));
	json_object_update(whole, (json_t *)(uintptr_t)object);
	json_write(&print->out, whole);
	json_decref(whole);
}
