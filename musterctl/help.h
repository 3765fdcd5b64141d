/* help: what the daemon can do, out of its own tables. */
#ifndef MUSTERCTL_HELP_H
#define MUSTERCTL_HELP_H

#include <jansson.h>

#include "print.h"

/* All kinds, one, or one of its commands (NULL: not asked for). 0; -ENOENT: there is none of that name. */
int help_print(struct print *print, const json_t *described, const char *kind, const char *verb);
/* By name, plural or alias. */
const json_t *help_kind(const json_t *described, const char *word);

#endif
