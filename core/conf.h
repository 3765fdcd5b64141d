/* conf: a configuration: file and includes → globals and plugins, checked whole before anything is touched. */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include <muster/base.h>
#include <muster/option.h>

#include "base/arena.h"
#include "conf_schema.h"

struct config;
struct descriptor;

struct conf_globals {
	const char *base_dir, *pid_file, *plugin_dir;
	struct mu_strings types_db;
	const char *hostname; /* "" = the system's */
	bool fqdn_lookup, auto_load, internal_stats;
	mu_time interval, max_read_interval;
	double timeout; /* intervals */
	const char *control_socket, *control_group; /* "" = BaseDir/musterd.sock; group that may connect, "" = everyone */
	const char *log_file; /* "" = stderr */
	int log_level;        /* index into err warning notice info debug */
	int64_t pool_size;    /* worker threads at most */
};
extern const struct mu_option conf_global_rows[];

struct conf_plugin {
	const char *plugin;   /* as loaded: the descriptor's own name */
	const char *instance; /* of <Plugin x "name">; NULL */
	const char *name;     /* "cpu", "cpu:name" */
	mu_time interval, jitter, read_deadline; /* read_deadline 0 = max(interval, 10 s) */
	const char *loop;     /* NULL = the plugin's own wish */
	const char *file;
	int line;
	const char *load_text; /* canonical LoadPlugin block: changed = restart */
	const struct descriptor *descriptor; /* of a refused plugin: a placeholder with nothing but its name */
	const struct mu_error *refused;      /* why its file cannot be loaded; NULL = it is */
	struct config *config; /* filled; conf's reference */
};

struct conf {
	struct arena arena;
	const char *path;
	struct conf_globals globals;
	const char *globals_text;
	struct conf_plugin *plugins; /* in the order of the file */
	size_t count;
};

/* Reads, includes, fills the globals, loads the plugins' descriptors (a plugin that is already loaded is asked for its tables
 * again, not mapped again), fills every instance's options. NULL when the report has errors, but for refused plugins: a .so
 * that cannot be loaded is one instance that fails, and no reason for the others to stand still. */
struct conf *conf_load(const char *path, struct conf_report *report);
void conf_free(struct conf **conf);

/* Nobody named a PIDFile. */
bool conf_pid_file_is_default(const struct conf_globals *globals);

enum conf_change { CONF_SAME, CONF_ADDED, CONF_REMOVED, CONF_RECONFIGURED, CONF_RESTARTED,
                   CONF_LATER /* takes effect when the daemon restarts */ };
struct conf_difference {
	const char *name;
	bool globals; /* about the daemon's own options, which is no plugin: name "daemon" */
	enum conf_change change;
	const char *words; /* "option Root changed", "Interval changed", in the arena of `after`; "" = nothing to add */
};
/* What a reload from `before` to `after` would do: the globals, those that are taken over while the daemon runs as
 * CONF_RECONFIGURED and the others as CONF_LATER, then an entry a plugin of either. Array in the arena of `after`. */
struct conf_difference *conf_diff(struct conf *before, struct conf *after, size_t *count);
/* Is that global taken over by a reload? */
bool conf_global_is_live(const char *name);
const char *conf_change_name(enum conf_change change);

#endif
