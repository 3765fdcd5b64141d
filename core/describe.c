/* describe: every table as JSON, so that no front end knows a plugin by name.
 *
 * What is not set is left out: a reader takes an absent flag for false and an absent text for none. */
#include "describe.h"

#include "base/check.h"
#include "base/mem.h"
#include "command.h"
#include "conf.h"
#include "conf_schema.h"
#include "kind.h"
#include "loader.h"

#include <math.h>
#include <muster/muster.h>
#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

/* ---- names of numbers ---- */

const char *describe_role(uint32_t role)
{
	static const char *const names[] = {
		[MU_VIEWER] = "viewer", [MU_OPERATOR] = "operator", [MU_ADMIN] = "admin"
	};

	return role >= MU_VIEWER && role <= MU_ADMIN ? names[role] : "unknown";
}

const char *describe_effect(uint32_t effect)
{
	static const char *const names[] = {
		[MU_LOOK] = "look",
		[MU_CHANGE] = "change",
		[MU_INTERRUPT] = "interrupt",
		[MU_DESTROY] = "destroy",
	};

	return effect >= MU_LOOK && effect <= MU_DESTROY ? names[effect] : "unknown";
}

const char *describe_tone(uint32_t tone)
{
	static const char *const names[] = {
		[MU_FAIL] = "fail",       [MU_UNKNOWN] = "unknown", [MU_WARN] = "warn",
		[MU_RUNNING] = "running", [MU_OK] = "ok",           [MU_WAIT] = "wait",
		[MU_PAUSED] = "paused",
	};

	return tone >= MU_FAIL && tone <= MU_PAUSED ? names[tone] : "unknown";
}

/* ---- small things ---- */

static void set_text(json_t *object, const char *key, const char *text)
{
	c_assert(object && key);
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void set_flag(json_t *object, const char *key, bool set)
{
	c_assert(object && key);
	if (set)
		json_object_set_new(object, key, json_true());
}

static void set_number(json_t *object, const char *key, double number)
{
	c_assert(object && key);
	if (isfinite(number))
		json_object_set_new(object, key, json_real(number));
}

/* "clients machines" → ["clients", "machines"] */
static json_t *split_words(const char *words)
{
	json_t *array = json_array();

	for (const char *p = words ? words : ""; *p;) {
		size_t length = strcspn(p, " \t\n");
		if (length)
			json_array_append_new(array, json_stringn(p, length));
		p += length;
		p += strspn(p, " \t\n");
	}
	return array;
}

static json_t *choices_json(const char *const *choices)
{
	json_t *array = json_array();

	for (size_t i = 0; choices[i]; i++)
		json_array_append_new(array, json_string(choices[i]));
	return array;
}

/* ---- kinds ---- */

static json_t *attr_flags(const struct mu_attr *attr)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = { { MU_EDITABLE, "editable" },
		      { MU_PERSONAL, "personal" },
		      { MU_HIDDEN, "hidden" },
		      { MU_SECRET, "secret" },
		      { MU_REQUIRED, "required" } };
	json_t *array = json_array();

	for (size_t i = 0; i < MU_ARRAY_LEN(names); i++)
		if (attr->flags & names[i].flag)
			json_array_append_new(array, json_string(names[i].name));
	return array;
}

static json_t *attr_json(const struct mu_kind *kind, const struct mu_attr *attr)
{
	json_t *object = json_object();

	c_assert(kind && attr->name);
	set_text(object, "name", attr->name);
	set_text(object, "type", schema_type_name(attr->type));
	json_object_set_new(object, "flags", attr_flags(attr));
	if (attr->min != 0 || attr->max != 0)
		set_number(object, "min", attr->min);
	if (attr->max > attr->min || (attr->max != 0 && attr->max == attr->min))
		set_number(object, "max", attr->max);
	set_text(object, "unit", attr->unit);
	set_text(object, "label", attr->label);
	set_text(object, "help", attr->help);
	set_text(object, "kind", attr->kind);
	if (attr->choices) {
		json_object_set_new(object, "choices", choices_json(attr->choices));
	} else if (kind->states && strcmp(attr->name, "state") == 0) {
		json_t *states = json_array();
		for (const struct mu_state *state = kind->states; state->name; state++)
			json_array_append_new(states, json_string(state->name));
		json_object_set_new(object, "choices", states);
	}
	return object;
}

static json_t *attrs_json(const struct mu_kind *kind)
{
	json_t *array = json_array();
	const struct mu_attr *attr;

	for (size_t at = 0; (attr = kind_attr_next(kind, &at));)
		json_array_append_new(array, attr_json(kind, attr));
	return array;
}

static json_t *states_json(const struct mu_kind *kind)
{
	json_t *array = json_array();

	for (const struct mu_state *state = kind->states; state && state->name; state++) {
		json_t *object = json_object();
		set_text(object, "name", state->name);
		set_text(object, "tone", describe_tone(state->tone));
		set_text(object, "sentence", state->sentence);
		json_array_append_new(array, object);
	}
	return array;
}

/* All of a kind but its commands. */
static json_t *kind_json(const struct mu_kind *kind, const char *plugin)
{
	json_t *object = json_object();

	c_assert(kind->name && plugin);
	set_text(object, "name", kind->name);
	set_text(object, "plural", kind->plural ? kind->plural : kind->name);
	json_object_set_new(object, "aliases", split_words(kind->aliases));
	set_text(object, "help", kind->help);
	set_text(object, "plugin", plugin);
	set_flag(object, "served", kind->flags & MU_SERVED);
	set_text(object, "title", kind->title);
	set_text(object, "reason", kind->reason);
	set_text(object, "since", kind->since);
	set_text(object, "parent", kind->parent);
	if (kind->columns)
		json_object_set_new(object, "columns", split_words(kind->columns));
	json_object_set_new(object, "attrs", attrs_json(kind));
	json_object_set_new(object, "states", states_json(kind));
	return object;
}

/* ---- commands ---- */

static json_t *command_json(const struct mu_command *row)
{
	json_t *object = json_object();

	c_assert(row && row->name);
	set_text(object, "name", row->name);
	set_text(object, "title", row->title ? row->title : row->name);
	set_text(object, "help", row->help);
	set_text(object, "role", describe_role(command_role(row)));
	set_text(object, "effect", describe_effect(row->effect));
	set_flag(object, "on_kind", row->flags & MU_ON_KIND);
	set_flag(object, "id_optional", row->flags & MU_ID_OPTIONAL);
	set_flag(object, "bulk", row->flags & MU_BULK);
	set_flag(object, "dry_run", row->flags & MU_DRY_RUN);
	set_flag(object, "long", row->flags & MU_LONG);
	set_flag(object, "stream", row->flags & MU_STREAM);
	set_number(object, "deadline", (double)(row->deadline ? row->deadline : 10 * MU_SEC) / 1e9);
	json_object_set_new(object, "args", schema_describe(row->args));
	return object;
}

static int compare_commands(const void *a, const void *b)
{
	const struct command *x = *(const struct command *const *)a, *y = *(const struct command *const *)b;

	return strcmp(x->row->name, y->row->name);
}

/* As registered, whoever declared them; by name, for a map has no order. */
static json_t *registered_commands(const struct kind *kind)
{
	const struct command **all = mem_array(kind->commands.count, sizeof(*all));
	json_t *array = json_array();
	size_t count = 0, at = 0;
	const char *verb;
	void *value;

	while (map_next(&kind->commands, &at, &verb, &value)) {
		c_assert(count < kind->commands.count);
		all[count++] = value;
	}
	if (count)
		qsort(all, count, sizeof(*all), compare_commands);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, command_json(all[i]->row));
	free(all);
	return array;
}

static json_t *declared_commands(const struct mu_plugin *plugin, const struct mu_kind *kind)
{
	json_t *array = json_array();

	c_assert(plugin && kind);
	json_array_append_new(array, command_json(&command_list_row));
	json_array_append_new(array, command_json(&command_get_row));
	for (const struct mu_command *row = plugin->commands; row && row->name; row++)
		if (strcmp(row->kind, kind->name) == 0)
			json_array_append_new(array, command_json(row));
	return array;
}

/* ---- plugins ---- */

static json_t *counters_table(const struct mu_counter *counter)
{
	json_t *array = json_array();

	for (; counter && counter->name; counter++) {
		json_t *object = json_object();
		set_text(object, "name", counter->name);
		set_text(object, "type", counter->type ? counter->type : "derive");
		set_text(object, "help", counter->help);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *routes_table(const struct mu_plugin *plugin)
{
	json_t *array = json_array();

	for (const struct mu_route *route = plugin->routes; route && route->method; route++) {
		json_t *object = json_object();
		set_text(object, "method", route->method);
		set_text(object, "path", route->path);
		set_text(object, "help", route->help);
		set_text(object, "role", describe_role(route->role ? route->role : MU_VIEWER));
		set_flag(object, "open", route->flags & MU_ROUTE_OPEN);
		set_flag(object, "websocket", route->flags & MU_ROUTE_WEBSOCKET);
		set_flag(object, "foreign", route->flags & MU_ROUTE_FOREIGN);
		set_number(object, "body_max", (double)route->body_max);
		json_array_append_new(array, object);
	}
	for (const struct mu_namespace *space = plugin->namespaces; space && space->path; space++) {
		json_t *object = json_object();
		set_text(object, "namespace", space->path);
		set_text(object, "role", describe_role(space->role ? space->role : MU_VIEWER));
		json_array_append_new(array, object);
	}
	return array;
}

/* What is of the plugin alone: its kinds are shown with those of all. */
static json_t *plugin_head(const struct mu_plugin *plugin)
{
	json_t *object = json_object();

	c_assert(plugin && plugin->name);
	set_text(object, "name", plugin->name);
	set_text(object, "about", plugin->about);
	json_object_set_new(object, "aliases", split_words(plugin->aliases));
	set_text(object, "version", plugin->version ? plugin->version : PACKAGE_VERSION);
	set_flag(object, "single", plugin->flags & MU_SINGLE);
	set_flag(object, "reads", plugin->read);
	set_flag(object, "writes", plugin->write);
	json_object_set_new(object, "options", schema_describe(plugin->options));
	json_object_set_new(object, "counters", counters_table(plugin->counters));
	json_object_set_new(object, "routes", routes_table(plugin));
	return object;
}

json_t *describe_plugin(const struct mu_plugin *plugin)
{
	c_assert(plugin && plugin->name);
	json_t *object = plugin_head(plugin);
	json_t *kinds = json_array(), *elsewhere = json_array();

	for (const struct mu_kind *kind = plugin->kinds; kind && kind->name; kind++) {
		json_t *one = kind_json(kind, plugin->name);
		json_object_set_new(one, "commands", declared_commands(plugin, kind));
		json_array_append_new(kinds, one);
	}
	for (const struct mu_command *row = plugin->commands; row && row->name; row++) {
		const struct mu_kind *kind = plugin->kinds;
		while (kind && kind->name && strcmp(kind->name, row->kind) != 0)
			kind++;
		if (kind && kind->name)
			continue;
		json_t *one = command_json(row);
		set_text(one, "kind", row->kind);
		json_array_append_new(elsewhere, one);
	}
	json_object_set_new(object, "kinds", kinds);
	json_object_set_new(object, "commands", elsewhere); /* on kinds of others */
	return object;
}

json_t *describe_all(void)
{
	json_t *object = json_object(), *plugins = json_array(), *kinds = json_array();
	const struct descriptor *descriptor;
	struct kind *kind;

	for (size_t at = 0; loader_next(&at, &descriptor);)
		json_array_append_new(plugins, plugin_head(&descriptor->plugin));
	for (size_t at = 0; kind_next(&at, &kind);) {
		json_t *one = kind_json(kind->row, kind->plugin);
		json_object_set_new(one, "commands", registered_commands(kind));
		json_array_append_new(kinds, one);
	}
	set_text(object, "version", PACKAGE_VERSION);
	json_object_set_new(object, "abi", json_sprintf("%d.%d", MU_ABI_MAJOR, MU_ABI_MINOR));
	set_text(object, "host", mu_hostname());
	json_object_set_new(object, "globals", schema_describe(conf_global_rows));
	json_object_set_new(object, "plugins", plugins);
	json_object_set_new(object, "kinds", kinds);
	return object;
}
