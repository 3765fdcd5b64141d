/* daemon: every subsystem and the order of start and stop, as one table; reload; signals. */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include <muster/base.h>

#include "conf.h"

struct daemon_arguments {
	const char *conf_file, *pid_file; /* NULL = the configuration's */
	bool foreground, no_base_dir;
	bool test;      /* -t */
	bool read_once; /* -T */
	bool describe;
	char **argv;    /* for restart by exec */
};
/* The exit code. */
MU_EXPORT int daemon_main(int argc, char **argv);

/* Main loop. */
const struct conf *daemon_conf(void);
mu_time daemon_started(void); /* real */
/* 0 and what was (or, dry, would be) done as [{"plugin","change","words"}]; <0 the running configuration is untouched. */
int daemon_reload(bool dry_run, json_t **differences, struct conf_report *report);
void daemon_stop(void);    /* orderly, then exit */
void daemon_restart(void); /* orderly, then exec of itself */
/* Stops or starts one instance by the user's wish. -ENOENT. */
int daemon_plugin_start(const char *name, struct mu_error *error);
int daemon_plugin_stop(const char *name, struct mu_error *error);
int daemon_plugin_reload(const char *name, struct mu_error *error); /* restarts it with its part of the file as it is now */

#endif
