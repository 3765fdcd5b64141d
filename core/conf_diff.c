/* conf_diff: what a reload would do, said before it is done.
 *
 * Canonical texts are compared, not structs: equal text is equal meaning, whatever comments and blanks did.
 * Only names of options are told, never values, for some are secret. */
#include "conf.h"

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "instance.h"
#include "loader.h"

#include <string.h>

enum { NAMES_TOLD = 4 };

const char *conf_change_name(enum conf_change change)
{
	static const char *const names[] = {
		[CONF_SAME] = "same",           [CONF_ADDED] = "added",
		[CONF_REMOVED] = "removed",     [CONF_RECONFIGURED] = "reconfigured",
		[CONF_RESTARTED] = "restarted", [CONF_LATER] = "later",
	};

	c_assert(change >= CONF_SAME && change <= CONF_LATER);
	return names[change];
}

/* ---- which statements differ ---- */

/* The statement of the outermost level that *text begins with, cut out into `one`; false at the end. */
static bool next_statement(const char **text, struct str *one)
{
	const char *start = *text, *p = start;
	bool block = *p == '<';

	c_assert(text && *text);
	c_assert(one);
	if (!*p)
		return false;
	for (;;) {
		const char *line = p;
		p = strchrnul(p, '\n');
		p += *p == '\n';
		if (!block || !*p || (line != start && text_starts(line, "</")))
			break;
	}
	str_clear(one);
	str_add_n(one, start, (size_t)(p - start));
	*text = p;
	return true;
}

/* "<Watcher "web">" → Watcher */
static void statement_key(const char *statement, char *key, size_t size)
{
	c_assert(statement && size > 0);
	statement += *statement == '<';
	size_t length = strcspn(statement, " >\n");
	text_printf(key, size, "%.*s", (int)(length < size ? length : size - 1), statement);
}

/* How often each statement stands there; the map's values are numbers. */
static uintptr_t count_of(const struct map *counts, const char *statement)
{
	return (uintptr_t)map_get(counts, statement);
}

static void count_statements(struct map *counts, const char *text)
{
	struct str one = { 0 };

	while (next_statement(&text, &one))
		map_put(counts, str_text(&one), (void *)(count_of(counts, str_text(&one)) + 1));
	str_fini(&one);
}

struct names {
	struct map seen;
	struct str list;
	size_t count;
};

static void add_name(struct names *names, const char *statement)
{
	char key[80];

	c_assert(names && statement);
	statement_key(statement, key, sizeof(key));
	if (map_put(&names->seen, key, names))
		return;
	names->count++;
	if (names->count <= NAMES_TOLD)
		str_printf(&names->list, "%s%s", names->count > 1 ? ", " : "", key);
}

/* Statements of `text` that are not, or not as often, in `other`. */
static void add_differing(struct names *names, const char *text, const char *other)
{
	struct map counts = { 0 };
	struct str one = { 0 };

	count_statements(&counts, other);
	while (next_statement(&text, &one)) {
		uintptr_t count = count_of(&counts, str_text(&one));
		if (count == 0)
			add_name(names, str_text(&one));
		else if (count == 1)
			map_del(&counts, str_text(&one));
		else
			map_put(&counts, str_text(&one), (void *)(count - 1));
	}
	str_fini(&one);
	map_fini(&counts);
}

/* "options Root, Interval changed"; the order alone counts too. */
static const char *changed_words(struct arena *arena, const char *before, const char *after)
{
	struct names names = { 0 };

	c_assert(before && after);
	add_differing(&names, after, before);
	add_differing(&names, before, after);
	const char *words;
	if (names.count == 0)
		words = "the order of its options changed";
	else if (names.count > NAMES_TOLD)
		words = arena_printf(arena, "options %s and %zu more changed", str_text(&names.list),
				     names.count - NAMES_TOLD);
	else
		words = arena_printf(arena, "option%s %s changed", names.count > 1 ? "s" : "",
				     str_text(&names.list));
	map_fini(&names.seen);
	str_fini(&names.list);
	return words;
}

/* ---- plugins ---- */

static const char *load_words(struct arena *arena, const struct conf_plugin *before,
			      const struct conf_plugin *after)
{
	struct str list = { 0 };
	const char *loops[2] = { before->loop ? before->loop : "", after->loop ? after->loop : "" };

	c_assert(before->load_text && after->load_text);
	if (before->interval != after->interval)
		str_add(&list, ", Interval");
	if (before->jitter != after->jitter)
		str_add(&list, ", Jitter");
	if (before->read_deadline != after->read_deadline)
		str_add(&list, ", Deadline");
	if (strcmp(loops[0], loops[1]) != 0)
		str_add(&list, ", Loop");
	const char *words = arena_printf(arena, "%s changed", list.len ? str_text(&list) + 2 : "LoadPlugin");
	str_fini(&list);
	return words;
}

static void compare_plugin(struct arena *arena, const struct conf_plugin *before,
			   const struct conf_plugin *after, struct conf_difference *out)
{
	c_assert(before->config && after->config);
	out->name = arena_strdup(arena, after->name);
	out->words = "";
	if (before->descriptor != after->descriptor && before->refused) {
		out->change = CONF_RESTARTED;
		out->words = "its file can be loaded now";
	} else if (before->descriptor != after->descriptor) {
		out->change = CONF_RESTARTED;
		out->words = "it is another plugin now";
	} else if (strcmp(before->load_text, after->load_text) != 0) {
		out->change = CONF_RESTARTED;
		out->words = load_words(arena, before, after);
	} else if (strcmp(before->config->text, after->config->text) != 0) {
		out->change = after->descriptor->plugin.reconfigure ? CONF_RECONFIGURED : CONF_RESTARTED;
		out->words = changed_words(arena, before->config->text, after->config->text);
	} else {
		out->change = CONF_SAME;
	}
}

/* ---- globals ---- */

/* What a reload does with each row of conf_global_rows. */
static const struct {
	const char *name;
	bool live; /* else it is read once, when the daemon starts */
} globals[] = {
	{ "BaseDir", false },
	{ "PIDFile", false },
	{ "PluginDir", true },
	{ "TypesDB", true },
	{ "Hostname", false },
	{ "FQDNLookup", false },
	{ "Interval", true },
	{ "MaxReadInterval", true },
	{ "Timeout", true },
	{ "AutoLoadPlugin", true },
	{ "CollectInternalStats", true },
	{ "ControlSocket", false },
	{ "ControlGroup", false },
	{ "LogFile", true },
	{ "LogLevel", true },
	{ "PoolSize", false },
};

bool conf_global_is_live(const char *name)
{
	c_assert(name);
	for (size_t i = 0; i < MU_ARRAY_LEN(globals); i++)
		if (strcmp(globals[i].name, name) == 0)
			return globals[i].live;
	check_failed("every global has its row", __FILE__, __LINE__, name);
}

static bool strings_equal(const struct mu_strings *a, const struct mu_strings *b)
{
	c_assert(a && b);
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool member_equal(const struct mu_option *row, const void *a, const void *b)
{
	static const size_t sizes[] = {
		[MU_BOOL] = sizeof(bool),        [MU_INT] = sizeof(int64_t),   [MU_DOUBLE] = sizeof(double),
		[MU_DURATION] = sizeof(mu_time), [MU_SIZE] = sizeof(uint64_t), [MU_ENUM] = sizeof(int),
	};

	c_assert(row->type == MU_STRING || row->type == MU_STRINGS ||
		 (row->type < MU_ARRAY_LEN(sizes) && sizes[row->type]));
	a = (const char *)a + row->offset;
	b = (const char *)b + row->offset;
	if (row->type == MU_STRING)
		return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
	if (row->type == MU_STRINGS)
		return strings_equal(a, b);
	return memcmp(a, b, sizes[row->type]) == 0;
}

/* Types only grow: files that are no longer named stay in use. */
static bool has_left(const struct mu_strings *before, const struct mu_strings *after)
{
	for (size_t i = 0, j; i < before->count; i++) {
		for (j = 0; j < after->count && strcmp(before->items[i], after->items[j]) != 0;)
			j++;
		if (j == after->count)
			return true;
	}
	return false;
}

/* Adds an entry for those globals that are, or are not, taken over while the daemon runs. */
static size_t compare_globals(struct arena *arena, const struct conf_globals *before,
			      const struct conf_globals *after, bool live, struct conf_difference *out)
{
	struct str list = { 0 };

	c_assert(before->base_dir && after->base_dir);
	for (const struct mu_option *row = conf_global_rows; row->name; row++)
		if (conf_global_is_live(row->name) == live && !member_equal(row, before, after))
			str_printf(&list, "%s%s", list.len ? ", " : "", row->name);
	size_t count = list.len > 0;
	bool stay = live && has_left(&before->types_db, &after->types_db);
	if (count > 0)
		*out = (struct conf_difference){
			.name = "daemon",
			.globals = true,
			.change = live ? CONF_RECONFIGURED : CONF_LATER,
			.words = arena_printf(
				arena, "%s changed%s", str_text(&list),
				!live ? "; takes effect when the daemon restarts"
				: stay ? "; types of files that are no longer named stay until the daemon restarts"
				       : ""),
		};
	str_fini(&list);
	return count;
}

static const char *added_words(struct arena *arena, const struct conf_plugin *plugin)
{
	c_assert(arena && plugin);
	if (!plugin->refused)
		return "";
	return arena_printf(arena, "its file cannot be loaded: %s; it will be failed", plugin->refused->what);
}

struct conf_difference *conf_diff(struct conf *before, struct conf *after, size_t *count)
{
	struct map old = { 0 };
	size_t n = 0;

	c_assert(before && after);
	c_assert(count);
	struct arena *arena = &after->arena;
	struct conf_difference *all = arena_array(arena, before->count + after->count + 2, sizeof(*all));
	n += compare_globals(arena, &before->globals, &after->globals, true, &all[n]);
	n += compare_globals(arena, &before->globals, &after->globals, false, &all[n]);
	for (size_t i = 0; i < before->count; i++)
		c_assert(map_put(&old, before->plugins[i].name, &before->plugins[i]) == NULL);
	for (size_t i = 0; i < after->count; i++) {
		const struct conf_plugin *was = map_del(&old, after->plugins[i].name);
		if (was)
			compare_plugin(arena, was, &after->plugins[i], &all[n++]);
		else
			all[n++] = (struct conf_difference){ .name = after->plugins[i].name,
							     .change = CONF_ADDED,
							     .words = added_words(arena,
										  &after->plugins[i]) };
	}
	for (size_t i = 0; i < before->count; i++)
		if (map_get(&old, before->plugins[i].name))
			all[n++] = (struct conf_difference){ .name = arena_strdup(arena,
										  before->plugins[i].name),
							     .change = CONF_REMOVED,
							     .words = "it stops" };
	map_fini(&old);
	*count = n;
	return all;
}
