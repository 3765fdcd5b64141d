/* conf: a configuration: file and includes → globals and plugins.
 *
 * All of it is read, understood and checked before anything that runs is touched, so a reload with a
 * mistake in it changes nothing. Statements of the top level go three ways: globals to their table,
 * LoadPlugin and <Plugin> to conf_plugins, and what only collectd needs is accepted with a sentence that
 * says what happens here instead.
 * Source: collectd.conf(5), "Global options". */
#include "conf.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "conf_include.h"
#include "conf_plugins.h"
#include "instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The build says where things are. */
#ifndef MUSTER_LOCALSTATEDIR
#define MUSTER_LOCALSTATEDIR "/var"
#endif
#ifndef MUSTER_PLUGINDIR
#define MUSTER_PLUGINDIR "/usr/lib/muster"
#endif
#ifndef MUSTER_DATADIR
#define MUSTER_DATADIR "/usr/share/muster"
#endif

static const char *const log_levels[] = { "err", "warning", "notice", "info", "debug", NULL };

/* clang-format off */
const struct mu_option conf_global_rows[] = {
	MU_OPT_STRING(struct conf_globals, base_dir, .name = "BaseDir",
	              .dflt = MUSTER_LOCALSTATEDIR "/lib/muster", .help = "folder of the daemon's state"),
	MU_OPT_STRING(struct conf_globals, pid_file, .name = "PIDFile",
	              .dflt = MUSTER_LOCALSTATEDIR "/run/musterd.pid",
	              .help = "file for the number of the daemon's process"),
	MU_OPT_STRING(struct conf_globals, plugin_dir, .name = "PluginDir", .dflt = MUSTER_PLUGINDIR,
	              .help = "folder of the plugins' .so files"),
	MU_OPT_STRINGS(struct conf_globals, types_db, .name = "TypesDB",
	               .dflt = "\"" MUSTER_DATADIR "/types.db\"",
	               .help = "files that say what the types of values are"),
	MU_OPT_STRING(struct conf_globals, hostname, .name = "Hostname", .dflt = "",
	              .help = "this host's name in identifiers; empty = the system's"),
	MU_OPT_BOOL(struct conf_globals, fqdn_lookup, .name = "FQDNLookup", .dflt = "true",
	            .help = "ask the resolver for the system's full name"),
	MU_OPT_DURATION(struct conf_globals, interval, .name = "Interval", .dflt = "10", .unit = "s",
	                .min = CONF_INTERVAL_MIN, .max = CONF_INTERVAL_MAX,
	                .help = "time between two reads of the plugins loaded below this line"),
	MU_OPT_DURATION(struct conf_globals, max_read_interval, .name = "MaxReadInterval", .dflt = "86400",
	                .unit = "s", .min = 1, .max = CONF_INTERVAL_MAX,
	                .help = "the longest wait of a plugin whose reads fail"),
	MU_OPT_DOUBLE(struct conf_globals, timeout, .name = "Timeout", .dflt = "2", .min = 1, .max = 1000000,
	              .unit = "intervals",
	              .help = "after how many intervals without a value a series is missing"),
	MU_OPT_BOOL(struct conf_globals, auto_load, .name = "AutoLoadPlugin", .dflt = "false",
	            .help = "a <Plugin> block loads its plugin"),
	MU_OPT_BOOL(struct conf_globals, internal_stats, .name = "CollectInternalStats", .dflt = "true",
	            .help = "the daemon's own counters become series: what it did, and what it lost"),
	MU_OPT_STRING(struct conf_globals, control_socket, .name = "ControlSocket", .dflt = "",
	              .help = "path of the control socket; empty = musterd.sock in BaseDir"),
	MU_OPT_STRING(struct conf_globals, control_group, .name = "ControlGroup", .dflt = "",
	              .help = "group that may connect to it; empty = everyone, to look"),
	MU_OPT_STRING(struct conf_globals, log_file, .name = "LogFile", .dflt = "",
	              .help = "file for the log; empty = standard error"),
	MU_OPT_ENUM(struct conf_globals, log_level, .name = "LogLevel", .dflt = "notice",
	            .choices = log_levels, .help = "lines of lesser weight are not written"),
	MU_OPT_INT(struct conf_globals, pool_size, .name = "PoolSize", .dflt = "64", .min = 1, .max = 1024,
	           .unit = "threads", .help = "at most so many workers wait for slow reads"),
	MU_OPT_END
};
/* clang-format on */

/* What only collectd needs, and what happens here. */
static const struct {
	const char *key, *instead;
} foreign[] = {
	{ "ReadThreads", "workers are started when all are busy, up to PoolSize" },
	{ "WriteThreads", "each writer has a queue of its own, and a thread too if its Loop says so" },
	{ "WriteQueueLimitHigh", "each writer has a bounded queue of its own, and what it loses is counted" },
	{ "WriteQueueLimitLow", "each writer has a bounded queue of its own, and what it loses is counted" },
	{ "PreCacheChain", "filter chains are not supported; every value goes to every writer" },
	{ "PostCacheChain", "filter chains are not supported; every value goes to every writer" },
	{ "Chain", "filter chains are not supported; every value goes to every writer" },
};

static struct mu_error *say_at(struct mu_error *error, const struct conf_node *node, const char *what,
			       va_list args)
{
	struct str text = { 0 };

	c_assert(node && what);
	str_vprintf(&text, what, args);
	mu_error(error, -EINVAL, "%s", str_text(&text));
	mu_error_where(error, "%s:%d", node->file, node->line);
	str_fini(&text);
	return error;
}

struct mu_error *conf_error_at(struct conf_report *report, const struct conf_node *node, const char *what,
			       ...)
{
	va_list args;

	va_start(args, what);
	struct mu_error *error = say_at(conf_report_error(report), node, what, args);
	va_end(args);
	return error;
}

struct mu_error *conf_warning_at(struct conf_report *report, const struct conf_node *node, const char *what,
				 ...)
{
	va_list args;

	va_start(args, what);
	struct mu_error *error = say_at(conf_report_warning(report), node, what, args);
	va_end(args);
	return error;
}

/* ---- the top level ---- */

static bool is_global(const char *key)
{
	c_assert(key);
	for (const struct mu_option *row = conf_global_rows; row->name; row++)
		if (text_equal_nocase(row->name, key))
			return true;
	return false;
}

static const char *foreign_instead(const char *key)
{
	c_assert(key);
	for (size_t i = 0; i < MU_ARRAY_LEN(foreign); i++)
		if (text_equal_nocase(foreign[i].key, key))
			return foreign[i].instead;
	return NULL;
}

static void complain_unknown(const struct conf_node *node, struct conf_report *report)
{
	struct mu_error *error = conf_error_at(report, node, "unknown %s \"%.60s\"",
					       node->block ? "block" : "option", node->key);
	struct nearest nearest;

	c_assert(node && report);
	nearest_init(&nearest, node->key);
	if (!node->block)
		for (const struct mu_option *row = conf_global_rows; row->name; row++)
			nearest_try(&nearest, row->name);
	nearest_try(&nearest, "LoadPlugin");
	nearest_try(&nearest, "Plugin");
	nearest_try(&nearest, "Include");
	const char *best = nearest_best(&nearest);
	if (best)
		mu_error_remedy(error, "did you mean \"%s\"?", best);
	else if (node->block)
		mu_error_remedy(error, "the blocks here are: <LoadPlugin>, <Plugin> and <Include>");
	else
		mu_error_remedy(error, "options of a plugin stand inside <Plugin name> ... </Plugin>");
}

/* Nodes are moved to the globals' list, or stay for conf_plugins. */
struct sorting {
	struct conf_node *globals, **global_tail;
	struct conf_node *others, **other_tail;
	const struct conf_node *read_threads;
	bool pool_size;
};

static void append(struct conf_node ***tail, struct conf_node *node)
{
	c_assert(tail && *tail);
	c_assert(node);
	node->next = NULL;
	**tail = node;
	*tail = &node->next;
}

/* Interval may be set again for the plugins below it; what the globals keep is the last. */
static void drop_earlier(struct sorting *sorting, const char *key)
{
	for (struct conf_node **at = &sorting->globals; *at;) {
		struct conf_node *node = *at;
		if (!text_equal_nocase(node->key, key)) {
			at = &node->next;
			continue;
		}
		*at = node->next;
		if (sorting->global_tail == &node->next)
			sorting->global_tail = at;
	}
}

static void sort_node(struct conf *conf, struct sorting *sorting, struct conf_node *node,
		      struct conf_report *report)
{
	const char *instead = foreign_instead(node->key);

	c_assert(conf && sorting);
	c_assert(node->key);
	if (text_equal_nocase(node->key, "Interval")) {
		drop_earlier(sorting, node->key);
		append(&sorting->global_tail, arena_memdup(&conf->arena, node, sizeof(*node)));
		append(&sorting->other_tail, node); /* its place among the LoadPlugins counts */
	} else if (is_global(node->key)) {
		if (text_equal_nocase(node->key, "PoolSize"))
			sorting->pool_size = true;
		append(&sorting->global_tail, node);
	} else if (text_equal_nocase(node->key, "LoadPlugin") || text_equal_nocase(node->key, "Plugin")) {
		append(&sorting->other_tail, node);
	} else if (instead) {
		if (text_equal_nocase(node->key, "ReadThreads"))
			sorting->read_threads = node;
		mu_error_remedy(conf_warning_at(report, node, "%s has no effect: %s", node->key, instead),
				"the line may be removed");
	} else {
		complain_unknown(node, report);
	}
}

/* Somebody knew that many reads block at once. */
static void take_read_threads(struct conf_globals *globals, const struct sorting *sorting)
{
	struct conf_globals hint = { 0 };
	const struct mu_option *row = conf_global_rows;
	struct arena arena;

	c_assert(globals && sorting);
	if (!sorting->read_threads || sorting->read_threads->arg_count != 1 || sorting->pool_size)
		return;
	while (strcmp(row->name, "PoolSize") != 0)
		row++;
	arena_init(&arena);
	if (schema_word(&arena, row, sorting->read_threads->args[0].text, &hint.pool_size, NULL) == 0 &&
	    hint.pool_size > globals->pool_size)
		globals->pool_size = hint.pool_size;
	arena_fini(&arena);
}

static const char *canonical(struct arena *arena, const struct conf_node *first)
{
	struct str text = { 0 };

	c_assert(arena);
	for (const struct conf_node *node = first; node; node = node->next)
		conf_node_write(&text, node, 0);
	const char *kept = arena_strdup(arena, str_text(&text));
	str_fini(&text);
	return kept;
}

struct conf *conf_load(const char *path, struct conf_report *report)
{
	struct conf *conf = mem_alloc(sizeof(*conf));
	struct sorting sorting = { .global_tail = &sorting.globals, .other_tail = &sorting.others };
	struct conf_node *first;

	c_assert(path && report);
	size_t errors = report->error_count - report->refused;
	arena_init(&conf->arena);
	conf->path = arena_strdup(&conf->arena, path);
	/* half a configuration would be misjudged */
	if (conf_read(&conf->arena, path, &first, report) < 0) {
		conf_free(&conf);
		return NULL;
	}
	for (struct conf_node *node = first, *next; node; node = next) {
		next = node->next;
		sort_node(conf, &sorting, node, report);
	}
	conf->globals_text = canonical(&conf->arena, sorting.globals);
	schema_fill(&conf->arena, conf_global_rows, &conf->globals, sorting.globals, NULL,
		    "the global options", report);
	take_read_threads(&conf->globals, &sorting);
	if (conf->globals.plugin_dir) /* else its line is wrong, and nothing could be loaded */
		conf_plugins(conf, sorting.others, report);
	if (report->error_count - report->refused > errors)
		conf_free(&conf);
	return conf;
}

void conf_free(struct conf **conf)
{
	c_assert(conf);
	if (!*conf)
		return;
	for (size_t i = 0; i < (*conf)->count; i++)
		config_unref(&(*conf)->plugins[i].config);
	arena_fini(&(*conf)->arena);
	free(*conf);
	*conf = NULL;
}

bool conf_pid_file_is_default(const struct conf_globals *globals)
{
	const struct mu_option *row = conf_global_rows;

	while (strcmp(row->name, "PIDFile") != 0)
		row++;
	return globals->pid_file && row->dflt && strcmp(globals->pid_file, row->dflt) == 0;
}
