/* help: what the daemon can do, out of its own tables, so that it is always this daemon's. */
#include "help.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "tables.h"
#include "value.h"

static bool is_one_of(const json_t *words, const char *word)
{
	size_t i;
	json_t *entry;

	json_array_foreach (words, i, entry)
		if (json_is_string(entry) && strcmp(json_string_value(entry), word) == 0)
			return true;
	return false;
}

const json_t *help_kind(const json_t *described, const char *word)
{
	size_t i;
	json_t *kind;

	c_assert(word);
	json_array_foreach (json_object_get(described, "kinds"), i, kind)
		if (strcmp(tables_plural(kind), word) == 0 ||
		    is_one_of(json_object_get(kind, "aliases"), word))
			return kind;
	return tables_kind(described, word);
}

/* ---- all ---- */

static void print_kinds(struct print *print, const json_t *described)
{
	json_t *rows = json_array(), *kind, *command;
	size_t i, j;

	json_array_foreach (json_object_get(described, "kinds"), i, kind) {
		struct str verbs = { 0 };
		json_array_foreach (json_object_get(kind, "commands"), j, command)
			str_printf(&verbs, "%s%s", j ? " " : "", json_get_text(command, "name"));
		json_t *row = json_object();
		json_set_text(row, "kind", json_get_text(kind, "name"));
		json_set_text(row, "commands", str_text(&verbs));
		json_set_text(row, "is", json_get_text(kind, "help"));
		json_array_append_new(rows, row);
		str_fini(&verbs);
	}
	print_rows(print, rows);
	json_decref(rows);
	str_add(&print->out,
		"\nmusterctl help KIND shows its commands and attributes; the daemon's own need no kind.\n");
}

/* ---- a command ---- */

static void add_usage(struct str *out, const json_t *kind, const json_t *command)
{
	size_t i;
	json_t *arg;

	text_safe(out, json_get_text(kind, "name"));
	str_add_byte(out, ' ');
	text_safe(out, json_get_text(command, "name"));
	if (!json_is_true(json_object_get(command, "on_kind"))) {
		bool optional = json_is_true(json_object_get(command, "id_optional"));
		str_add(out, optional ? " [ID" : " ID");
		str_add(out, json_is_true(json_object_get(command, "bulk")) ? " …" : "");
		str_add(out, optional ? "]" : "");
	}
	json_array_foreach (json_object_get(command, "args"), i, arg) {
		bool required = json_is_true(json_object_get(arg, "required"));
		const char *name = json_get_text(arg, "name");
		if (name && strcmp(name, "where") == 0)
			str_add(out, " [ATTRIBUTE=VALUE …]");
		else
			str_printf(out, required ? " %s=…" : " [%s=…]", name ? name : "");
	}
	if (json_is_true(json_object_get(command, "dry_run")))
		str_add(out, " [--dry-run]");
}

static json_t *joined(const json_t *words)
{
	struct str text = { 0 };

	value_text(&text, NULL, words);
	json_t *string = json_stringn(str_text(&text), text.len);
	str_fini(&text);
	return string ? string : json_string("");
}

/* Arguments of a command, or attributes of a kind. */
static void print_fields(struct print *print, const json_t *fields)
{
	json_t *rows = json_array(), *field;
	size_t i;

	json_array_foreach (fields, i, field) {
		const json_t *choices = json_object_get(field, "choices");
		const char *unit = json_get_text(field, "unit");
		json_t *row = json_object();
		json_set_text(row, "name", json_get_text(field, "name"));
		json_object_set_new(row, "type",
				    json_array_size(choices) > 0
					    ? joined(choices)
					    : json_incref(json_object_get(field, "type")));
		json_object_set_new(row, "unit", json_string(unit ? unit : ""));
		json_set_text(row, "default",
			      json_get_text(field, "default") ? json_get_text(field, "default") : "");
		json_set_text(row, "is", json_get_text(field, "help") ? json_get_text(field, "help") : "");
		json_array_append_new(rows, row);
	}
	print_rows(print, rows);
	json_decref(rows);
}

static void print_command(struct print *print, const json_t *kind, const json_t *command)
{
	const char *help = json_get_text(command, "help"), *role = json_get_text(command, "role");

	str_add(&print->out, "musterctl ");
	add_usage(&print->out, kind, command);
	str_add(&print->out, "\n  ");
	text_safe(&print->out, help ? help : "");
	str_printf(&print->out, " (%s)\n", role ? role : "viewer");
	if (json_array_size(json_object_get(command, "args")) > 0) {
		str_add_byte(&print->out, '\n');
		print_fields(print, json_object_get(command, "args"));
	}
}

/* ---- a kind ---- */

static void print_kind(struct print *print, const json_t *kind)
{
	json_t *rows = json_array(), *command;
	size_t i;

	text_safe(&print->out, tables_plural(kind));
	str_add(&print->out, ": ");
	text_safe(&print->out, json_get_text(kind, "help") ? json_get_text(kind, "help") : "");
	str_add(&print->out, "\n\n");
	json_array_foreach (json_object_get(kind, "commands"), i, command) {
		struct str usage = { 0 };
		add_usage(&usage, kind, command);
		json_t *row = json_object();
		json_set_text(row, "command", str_text(&usage));
		json_set_text(row, "does",
			      json_get_text(command, "help") ? json_get_text(command, "help") : "");
		json_set_text(row, "for", json_get_text(command, "role"));
		json_array_append_new(rows, row);
		str_fini(&usage);
	}
	print_rows(print, rows);
	json_decref(rows);
	if (json_array_size(json_object_get(kind, "attrs")) == 0)
		return;
	str_add_byte(&print->out, '\n');
	print_fields(print, json_object_get(kind, "attrs"));
}

int help_print(struct print *print, const json_t *described, const char *word, const char *verb)
{
	c_assert(print && described);
	if (!word) {
		print_kinds(print, described);
		return 0;
	}
	const json_t *kind = help_kind(described, word);
	if (!kind && !verb) {
		/* "help status": a verb of the daemon's own */
		kind = tables_kind(described, "daemon");
		verb = word;
	}
	const json_t *command = kind && verb ? tables_command(kind, verb) : NULL;
	if (!kind || (verb && !command))
		return -ENOENT;
	if (command)
		print_command(print, kind, command);
	else
		print_kind(print, kind);
	return 0;
}
