/* types: types.db: what a type's data sources are. Loaded before anything runs; names are never forgotten, so that a
 * pointer to a type is good for ever. The parser is pure. Source: types.db(5), field/collectd.md section 3. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <muster/value.h>

struct conf_problem;

/* Calls `found` for each line's type (valid only during the call). Goes on behind a bad line: `bad` is told of it.
 * Returns the number of good lines. */
int types_parse(const char *text, size_t length, void (*found)(const struct mu_type *type, void *data),
                void (*bad)(int line, const char *what, void *data), void *data);
/* Adds a file; a later definition replaces (for series made from then on). 0; -errno with error. Main, at start and reload. */
int types_load(const char *path, struct mu_error *error);
const struct mu_type *types_find(const char *name); /* NULL; any thread */
size_t types_count(void);
void types_fini(void);

#endif
