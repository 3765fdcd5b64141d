/* daemon_load: a configuration is read by a worker, while main goes on. Main loop. */
#ifndef CORE_DAEMON_LOAD_H
#define CORE_DAEMON_LOAD_H

#include "conf.h"

struct loaded_types {
	char *text;
	size_t length;
};

/* What was read, until `then` returns: it may take `conf` out. */
struct loaded {
	struct conf *conf; /* NULL: the report has errors */
	struct conf_report report;
	struct loaded_types *types; /* of files that the configuration before did not name */
	size_t type_count;
};
void loaded_take_types(const struct loaded *loaded);

/* Reads the running daemon's file anew. `then` is called once; when the daemon stops meanwhile, with the error
 * -ECANCELED. -EBUSY with a sentence: one is being read. */
int daemon_load(void (*then)(struct loaded *loaded, void *data), void *data, struct mu_error *error);
/* When one is being read: true, and `run` is called once after it. */
bool daemon_load_next(void (*run)(void));

#endif
