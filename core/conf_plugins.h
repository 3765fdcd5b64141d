/* conf_plugins: LoadPlugin and <Plugin> → the instances of a configuration. */
#ifndef CORE_CONF_PLUGINS_H
#define CORE_CONF_PLUGINS_H

#include "conf.h"

/* Fills conf->plugins from the statements of the top level (others are passed over); conf->globals are
 * filled. Errors go to the report. */
void conf_plugins(struct conf *conf, const struct conf_node *first, struct conf_report *report);
/* The shorter ways to say where a statement stands. */
struct mu_error *conf_error_at(struct conf_report *report, const struct conf_node *node, const char *what,
			       ...) MU_PRINTF(3, 4);
struct mu_error *conf_warning_at(struct conf_report *report, const struct conf_node *node, const char *what,
				 ...) MU_PRINTF(3, 4);

#define CONF_INTERVAL_MIN 0.01
#define CONF_INTERVAL_MAX 31536000 /* a year */

#endif
