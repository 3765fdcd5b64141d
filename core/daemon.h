/* daemon: every subsystem and the order of start and stop, as one table; reload; signals. */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include <jansson.h>
#include <muster/base.h>

#include "conf.h"

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
void daemon_fork(bool stay);    /* stay: in this folder, which paths of the command line begin from */
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
void daemon_restart(void);            /* orderly, then exec of the program now on disk */
void daemon_tick(void);               /* the core's beat: series that time out */

/* ---- reload (daemon_reload.c) ---- */
/* 0 and what was (or, dry, would be) done as [{"plugin","change","words"}]; <0 the running configuration is untouched. */
int daemon_reload(bool dry_run, json_t **differences, struct conf_report *report);
struct conf *daemon_conf_swap(struct conf *after); /* returns the one before */
void daemon_apply_globals(const struct conf *conf); /* those that take effect while it runs */
void daemon_plugins_start(const struct conf *conf, bool readers_only);
/* By a person's wish. -ENOENT. Reload: restarts it with its part of the file as it is now. */
int daemon_plugin_start(const char *name, struct mu_error *error);
int daemon_plugin_stop(const char *name, struct mu_error *error);
int daemon_plugin_reload(const char *name, struct mu_error *error);

#endif
