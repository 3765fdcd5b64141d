/* self: the daemon as a plugin of its own: its kinds (daemon, plugin, series, event, job) and its verbs are rows like
 * everybody's, so no front end knows a core command by name. self.c holds the tables, self_<kind>.c the verbs. */
#ifndef CORE_SELF_H
#define CORE_SELF_H

#include <muster/muster.h>

struct descriptor;

#define DAEMON_ID "musterd" /* the one object of kind "daemon" */

const struct descriptor *self_descriptor(void);
struct mu_instance *self_instance(void); /* the core's own; NULL before it runs */

extern const struct mu_kind self_daemon_kind, self_plugin_kind, self_series_kind;
extern const struct mu_command self_daemon_commands[]; /* status, reload, restart, describe */
extern const struct mu_command self_backup_commands[]; /* backup */
extern const struct mu_command self_plugin_commands[]; /* start, stop, reload */
extern const struct mu_command self_series_commands[]; /* watch, put (list and get: served) */
void self_plugin_changed(struct mu_instance *instance); /* puts its object */
void self_plugin_gone(const char *name);
void self_daemon_changed(void);
void self_backup_stop(void);
void self_series_stop(void); /* ends what is watched */

#endif
