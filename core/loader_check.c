/* loader_check: do a plugin's tables agree with each other?
 *
 * What is wrong here was wrong when the plugin was written, so each refusal names the row for its author.
 * After it the rest of the core, and every front end, may believe the tables without looking again. */
#include "loader_parts.h"

#include "base/check.h"
#include "base/str.h"
#include "conf_word.h"
#include "kind.h"
#include "route.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define LARGE  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

MU_PRINTF(2, 3) static int refuse(struct mu_error *error, const char *what, ...)
{
	struct str text = { 0 };
	va_list args;

	va_start(args, what);
	str_vprintf(&text, what, args);
	va_end(args);
	mu_error(error, -ENOEXEC, "%s", str_text(&text));
	mu_error_remedy(error, "this is a mistake in the plugin's tables; its author can correct it");
	str_fini(&text);
	return -ENOEXEC;
}

/* [a-z][a-z0-9_-]* of at most 63 bytes; with `large` also capitals. */
static bool name_valid(const char *name, bool large)
{
	if (!name || !strchr(large ? SMALL LARGE : SMALL, name[0]) || !name[0])
		return false;
	size_t length = strspn(name, large ? SMALL LARGE DIGITS "_-" : SMALL DIGITS "_-");
	return name[length] == '\0' && length < 64;
}

/* ---- options and arguments ---- */

static size_t member_size(const struct mu_option *row)
{
	static const size_t sizes[] = {
		[MU_STRING] = sizeof(char *),
		[MU_BOOL] = sizeof(bool),
		[MU_INT] = sizeof(int64_t),
		[MU_DOUBLE] = sizeof(double),
		[MU_DURATION] = sizeof(mu_time),
		[MU_SIZE] = sizeof(uint64_t),
		[MU_ENUM] = sizeof(int),
		[MU_STRINGS] = sizeof(struct mu_strings),
		[MU_BLOCK] = sizeof(struct block_items),
	};

	c_assert(row->type >= MU_STRING && row->type <= MU_BLOCK);
	return sizes[row->type];
}

/* Every member lies inside its struct. */
static int check_fit(const struct mu_option *rows, size_t size, const char *of, struct mu_error *error)
{
	c_assert(of);
	for (const struct mu_option *row = rows; row && row->name; row++) {
		if (row->offset > size || member_size(row) > size - row->offset)
			return refuse(error, "the row \"%s\" of %s lies outside of its struct of %zu bytes",
				      row->name, of, size);
		int r = row->type == MU_BLOCK ? check_fit(row->options, row->size, row->name, error) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_options(const struct mu_option *rows, size_t size, const char *of, struct mu_error *error)
{
	struct mu_error why;

	if (schema_check_rows(rows, &why) < 0)
		return refuse(error, "in %s: %s", of, why.what);
	return check_fit(rows, size, of, error);
}

/* ---- kinds ---- */

static const struct mu_attr *find_attr(const struct mu_kind *kind, const char *name)
{
	c_assert(kind && name);
	for (const struct mu_attr *attr = kind->attrs; attr && attr->name; attr++)
		if (strcmp(attr->name, name) == 0)
			return attr;
	return NULL;
}

/* The next of blank-separated words, cut to 64 bytes, which no name has. false: there is none left. */
static bool next_word(const char **p, char word[65])
{
	c_assert(p && *p);
	*p += strspn(*p, " ");
	size_t length = strcspn(*p, " ");
	text_printf(word, 65, "%.*s", (int)(length < 64 ? length : 64), *p);
	*p += length;
	return length > 0;
}

static int check_attr(const struct mu_kind *kind, const struct mu_attr *attr, struct mu_error *error)
{
	bool state = kind->states && strcmp(attr->name, "state") == 0;

	c_assert(attr->name);
	if (!name_valid(attr->name, true))
		return refuse(error, "\"%.60s\" cannot be the name of an attribute of kind %s", attr->name,
			      kind->name);
	if (strcmp(attr->name, "id") == 0 || strcmp(attr->name, "kind") == 0 ||
	    strcmp(attr->name, "version") == 0)
		return refuse(error, "\"%s\" of kind %s is the core's, and no attribute", attr->name,
			      kind->name);
	if (find_attr(kind, attr->name) != attr)
		return refuse(error, "kind %s has two attributes named \"%s\"", kind->name, attr->name);
	if (attr->type < MU_STRING || attr->type > MU_BLOCK)
		return refuse(error, "attribute \"%s\" of kind %s has the unknown type %u", attr->name,
			      kind->name, attr->type);
	if (attr->type == MU_ENUM && !attr->choices && !state)
		return refuse(error, "attribute \"%s\" of kind %s is an enum without choices", attr->name,
			      kind->name);
	if (isnan(attr->min) || isnan(attr->max) ||
	    (attr->min > attr->max && !(attr->min > 0 && attr->max == 0)))
		return refuse(error, "the bounds of attribute \"%s\" of kind %s are the wrong way round",
			      attr->name, kind->name);
	return 0;
}

static int check_states(const struct mu_kind *kind, struct mu_error *error)
{
	c_assert(kind->name);
	for (const struct mu_state *state = kind->states; state && state->name; state++) {
		if (!state->name[0] || strlen(state->name) > 63)
			return refuse(error, "kind %s has a state with a name that is empty or too long",
				      kind->name);
		if (state->tone < MU_FAIL || state->tone > MU_PAUSED)
			return refuse(error, "state \"%s\" of kind %s has the unknown tone %u", state->name,
				      kind->name, state->tone);
		for (const struct mu_state *before = kind->states; before < state; before++)
			if (strcmp(before->name, state->name) == 0)
				return refuse(error, "kind %s has two states named \"%s\"", kind->name,
					      state->name);
	}
	return 0;
}

static int check_part(const struct mu_kind *kind, const char *part, const char *name, struct mu_error *error)
{
	c_assert(part);
	if (!name || strcmp(name, "id") == 0 || find_attr(kind, name))
		return 0;
	if (kind->states && strcmp(name, "state") == 0) /* a kind with states need not write that row */
		return 0;
	return refuse(error, "the %s of kind %s is \"%.60s\", which is none of its attributes", part,
		      kind->name, name);
}

/* Blank-separated names, each of an attribute. */
static int check_columns(const struct mu_kind *kind, struct mu_error *error)
{
	const char *p = kind->columns ? kind->columns : "";
	char name[65];
	int r = 0;

	while (r == 0 && next_word(&p, name))
		r = check_part(kind, "column", name, error);
	return r;
}

/* A name, plural or alias, which no kind before it has. */
static int check_word(const struct mu_plugin *plugin, const struct mu_kind *kind, const char *word,
		      struct mu_error *error)
{
	if (!name_valid(word, false))
		return refuse(error, "\"%.60s\" cannot be the name, plural or alias of a kind", word);
	for (const struct mu_kind *before = plugin->kinds; before < kind; before++)
		if (kind_has_word(before, word))
			return refuse(error, "\"%s\" names two kinds: %s and %s", word, before->name,
				      kind->name);
	return 0;
}

static int check_words(const struct mu_plugin *plugin, const struct mu_kind *kind, struct mu_error *error)
{
	const char *p = kind->aliases ? kind->aliases : "";
	char alias[65];

	c_assert(plugin->kinds <= kind);
	int r = check_word(plugin, kind, kind->name, error);
	if (r == 0 && kind->plural)
		r = check_word(plugin, kind, kind->plural, error);
	while (r == 0 && next_word(&p, alias))
		r = check_word(plugin, kind, alias, error);
	return r;
}

static int check_kind(const struct mu_plugin *plugin, const struct mu_kind *kind, struct mu_error *error)
{
	c_assert(plugin->kinds && kind->name);
	int r = check_words(plugin, kind, error);
	if (r < 0)
		return r;
	if (kind->flags & MU_SERVED && (!kind->list || !kind->get))
		return refuse(error, "kind %s is served, but has no list or no get", kind->name);
	for (const struct mu_attr *attr = kind->attrs; r == 0 && attr && attr->name; attr++)
		r = check_attr(kind, attr, error);
	if (r == 0)
		r = check_states(kind, error);
	if (r == 0)
		r = check_part(kind, "title", kind->title, error);
	if (r == 0)
		r = check_part(kind, "reason", kind->reason, error);
	if (r == 0)
		r = check_part(kind, "since", kind->since, error);
	if (r == 0)
		r = check_part(kind, "parent", kind->parent, error);
	return r == 0 ? check_columns(kind, error) : r;
}

/* ---- commands ---- */

static int check_command(const struct mu_plugin *plugin, const struct mu_command *command,
			 struct mu_error *error)
{
	char of[140];

	c_assert(plugin->commands && command->name);
	if (!command->kind || !name_valid(command->kind, false))
		return refuse(error, "command \"%.60s\" has no kind, or one whose name cannot be",
			      command->name);
	if (!name_valid(command->name, false))
		return refuse(error, "\"%.60s\" cannot be the name of a command", command->name);
	text_printf(of, sizeof(of), "%s.%s", command->kind, command->name);
	if (strcmp(command->name, "list") == 0 || strcmp(command->name, "get") == 0)
		return refuse(error, "command %s is the core's own: every kind has it", of);
	for (const struct mu_command *before = plugin->commands; before < command; before++)
		if (strcmp(before->name, command->name) == 0 && strcmp(before->kind, command->kind) == 0)
			return refuse(error, "there are two commands %s", of);
	if (!command->run)
		return refuse(error, "command %s has no function to run", of);
	if (command->effect < MU_LOOK || command->effect > MU_DESTROY)
		return refuse(error, "command %s has the unknown effect %u", of, command->effect);
	if (command->role > MU_ADMIN)
		return refuse(error, "command %s has the unknown role %u", of, command->role);
	if (command->flags & MU_ON_KIND && command->flags & (MU_BULK | MU_ID_OPTIONAL))
		return refuse(error, "command %s acts on its kind and takes ids all the same", of);
	if (command->deadline < 0)
		return refuse(error, "command %s has a deadline before it began", of);
	return check_options(command->args, command->args_size, of, error);
}

/* ---- the rest ---- */

static int check_pattern(const char *path, struct mu_error *error)
{
	struct mu_error why;

	return route_check_pattern(path, &why) < 0 ? refuse(error, "%s", why.what) : 0;
}

static int check_route(const struct mu_plugin *plugin, const struct mu_route *route, struct mu_error *error)
{
	c_assert(plugin->routes && route->method);
	if (!route->method[0] || strspn(route->method, LARGE) != strlen(route->method))
		return refuse(error, "\"%.30s\" is no HTTP method", route->method);
	int r = check_pattern(route->path, error);
	if (r < 0)
		return r;
	if (!route->handle)
		return refuse(error, "route %s %s has no function to handle it", route->method, route->path);
	if (route->role > MU_ADMIN)
		return refuse(error, "route %s %s has the unknown role %u", route->method, route->path,
			      route->role);
	for (const struct mu_route *before = plugin->routes; before < route; before++)
		if (route_same(before, route))
			return refuse(error, "route %s %s is declared twice", route->method, route->path);
	return 0;
}

static int check_namespace(const struct mu_plugin *plugin, const struct mu_namespace *space,
			   struct mu_error *error)
{
	int r = check_pattern(space->path, error);

	if (r < 0)
		return r;
	if (strchr(space->path, '{'))
		return refuse(error, "namespace %s has parameters, which only routes can have", space->path);
	if (space->role > MU_ADMIN)
		return refuse(error, "namespace %s has the unknown role %u", space->path, space->role);
	for (const struct mu_namespace *before = plugin->namespaces; before < space; before++)
		if (strcmp(before->path, space->path) == 0)
			return refuse(error, "namespace %s is declared twice", space->path);
	return 0;
}

static int check_routes(const struct mu_plugin *plugin, struct mu_error *error)
{
	int r = 0;

	for (const struct mu_route *route = plugin->routes; r == 0 && route && route->method; route++)
		r = check_route(plugin, route, error);
	for (const struct mu_namespace *space = plugin->namespaces; r == 0 && space && space->path; space++)
		r = check_namespace(plugin, space, error);
	return r;
}

static int check_counters(const struct mu_plugin *plugin, struct mu_error *error)
{
	for (const struct mu_counter *counter = plugin->counters; counter && counter->name; counter++) {
		if (!name_valid(counter->name, true))
			return refuse(error, "\"%.60s\" cannot be the name of a counter", counter->name);
		for (const struct mu_counter *before = plugin->counters; before < counter; before++)
			if (strcmp(before->name, counter->name) == 0)
				return refuse(error, "two counters have the name \"%s\"", counter->name);
	}
	return 0;
}

static int check_sizes(const struct mu_plugin *plugin, struct mu_error *error)
{
	const struct {
		const char *name;
		size_t size;
	} blocks[] = { { "config", plugin->config_size },
		       { "state", plugin->state_size },
		       { "reader", plugin->reader_size } };

	for (size_t i = 0; i < MU_ARRAY_LEN(blocks); i++)
		if (blocks[i].size > STATE_BYTES_MAX)
			return refuse(error, "its %s has %zu bytes; at most %d are allowed", blocks[i].name,
				      blocks[i].size, STATE_BYTES_MAX);
	return 0;
}

int loader_check_tables(const struct mu_plugin *plugin, struct mu_error *error)
{
	c_assert(plugin && plugin->size == sizeof(*plugin));
	if (!name_valid(plugin->name, true))
		return refuse(error, "\"%.60s\" cannot be the name of a plugin",
			      plugin->name ? plugin->name : "");
	if (plugin->loop && (!name_valid(plugin->loop, true) || strlen(plugin->loop) > LOOP_NAME_MAX))
		return refuse(error, "\"%.60s\" cannot be the name of a loop: at most %d bytes", plugin->loop,
			      LOOP_NAME_MAX);
	int r = check_sizes(plugin, error);
	if (r == 0)
		r = check_options(plugin->options, plugin->config_size, "its options", error);
	for (const struct mu_kind *kind = plugin->kinds; r == 0 && kind && kind->name; kind++)
		r = check_kind(plugin, kind, error);
	for (const struct mu_command *command = plugin->commands; r == 0 && command && command->name;
	     command++)
		r = check_command(plugin, command, error);
	if (r == 0)
		r = check_routes(plugin, error);
	return r == 0 ? check_counters(plugin, error) : r;
}
