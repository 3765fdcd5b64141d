/* daemon: every subsystem and the order of start and stop, as one table; reload; signals. */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include <jansson.h>
#include <muster/base.h>
#include <muster/plugin.h>

#include "conf.h"

struct mu_call;

/* The exit code: 0; 1 the configuration or the start failed; 2 the command line is wrong. */
MU_EXPORT int daemon_main(int argc, char **argv);

/* ---- the command line (daemon_args.c) ---- */
struct daemon_arguments {
	const char *conf_file, *pid_file; /* NULL = the default, the configuration's */
	bool foreground, no_base_dir;
	bool test;      /* -t */
	bool read_once; /* -T */
	bool describe;
	char **argv;    /* for restart by exec */
};
/* 0 go on; else daemon_main returns it less one: 1 = help or version was printed, 3 = usage. */
int daemon_arguments(int argc, char **argv, struct daemon_arguments *out);

/* ---- one-shot runs (daemon_once.c) ---- */
int daemon_test(const struct daemon_arguments *arguments);     /* -t */
int daemon_describe(const struct daemon_arguments *arguments); /* --describe */
void daemon_read_once(void); /* -T: reads all once they have started, prints, and ends the daemon */
/* Every problem of a configuration, a line each, to stderr. */
void daemon_print_report(const struct conf_report *report);

/* ---- going to the background (daemon_fork.c) ---- */
/* The parent waits for the child's word, prints nothing more, and exits; the child returns. */
void daemon_fork(void);
void daemon_fork_std(void);     /* first of all: nothing else may become descriptor 0, 1 or 2 */
void daemon_fork_ready(bool good); /* the child's word; nothing when it never forked */
void daemon_notify(const char *state); /* sd_notify(3): "READY=1" … */
int daemon_pid_write(const char *path, struct mu_error *error);
void daemon_pid_remove(void);

/* What this host calls itself (daemon_host.c). */
void daemon_host(const struct conf_globals *globals, char *name, size_t size);

/* ---- the running daemon; main loop ---- */
const struct conf *daemon_conf(void); /* NULL before it runs */
mu_time daemon_started(void);         /* real */
void daemon_stop(void);               /* orderly, then exit */
/* The order of it (daemon_stop.c): `done` when the core has stopped; what does not answer is not waited for. */
void daemon_stop_instances(struct mu_instance *self, enum mu_stop_reason why, void (*done)(void));
void daemon_stop_fini(void);
void daemon_restart(void);            /* orderly, then exec of the program now on disk */
void daemon_tick(void);               /* the core's beat: series that time out */

bool daemon_is_stopping(void);

/* ---- reload (daemon_reload.c): a worker reads (daemon_load.c), main compares and applies ---- */
/* `done` is called once: with what was (or, dry, would be) done as [{"kind","id","sentence"}], its own to free; or
 * with NULL: the running configuration is untouched, and the report says why. -EBUSY with a sentence. */
int daemon_reload(bool dry_run, void (*done)(json_t *changes, const struct conf_report *report, void *data), void *data,
                  struct mu_error *error);
/* SIGHUP: a reload now, or once more after the one that is under way. */
void daemon_reload_soon(void);
/* [{"sentence"}], as a person should see them: what is odd, and the plugins whose file was refused. */
json_t *daemon_report_warnings(const struct conf_report *report);
/* A configuration that cannot be used, to whoever asked for it: all errors, not only the first. */
void daemon_reply_report(struct mu_call *call, const struct conf_report *report);
struct conf *daemon_conf_swap(struct conf *after); /* returns the one before */
void daemon_apply_globals(const struct conf *conf); /* those that take effect while it runs */
void daemon_plugins_start(const struct conf *conf, bool readers_only);
/* By a person's wish. -ENOENT. Reload: restarts it with its part of `conf`, the file as it is now. */
int daemon_plugin_start(const char *name, struct mu_error *error);
int daemon_plugin_stop(const char *name, struct mu_error *error);
int daemon_plugin_reload(const char *name, const struct conf *conf, struct mu_error *error);

#endif
