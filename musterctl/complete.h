/* complete: the words that could come next, for a shell. */
#ifndef MUSTERCTL_COMPLETE_H
#define MUSTERCTL_COMPLETE_H

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

struct connection;
/* One a line. `words` is what has been typed, the last of them the one to complete (may be ""). Ids are asked
 * of the daemon. */
void complete_print(struct str *out, struct connection *connection, const json_t *described,
                    const char *const *words, size_t count);

#endif
