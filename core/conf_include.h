/* conf_include: a configuration file and all that it includes, as one list of statements. */
#ifndef CORE_CONF_INCLUDE_H
#define CORE_CONF_INCLUDE_H

#include "conf_schema.h"

/* The statements in the order in which they count, includes in the place of their lines; in the arena. 0;
 * -EINVAL when the report got an error: what could be read is in *first all the same. */
int conf_read(struct arena *arena, const char *path, struct conf_node **first, struct conf_report *report);

enum { CONF_INCLUDE_DEPTH = 8 };

#endif
