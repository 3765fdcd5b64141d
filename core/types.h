/* types: types.db: what a type's data sources are. Loaded before anything runs; names are never forgotten, so
 * that a pointer to a type is good for ever. The parser is pure. Source: types.db(5), field/collectd.md
 * section 3. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <muster/value.h>

/* Calls `found` for each line's type (valid only during the call). Goes on behind a bad line: `bad` is told
 * of it. Returns the number of good lines. `bad` may be NULL. */
int types_parse(const char *text, size_t length, void (*found)(const struct mu_type *type, void *data),
                void (*bad)(int line, const char *what, void *data), void *data);
/* Adds a file; a later definition replaces (for series made from then on). 0; -errno with error: -EINVAL
 * names the first bad line, and all good lines are loaded none the less. Main, at start and reload. */
int types_load(const char *path, struct mu_error *error);
/* The two halves of it. Any thread: reads a file and checks it, and nothing is changed. `text` is the caller's to free;
 * with -EINVAL it is there as well. */
int types_read(const char *path, char **text, size_t *length, struct mu_error *error);
void types_take(const char *text, size_t length); /* what is good of it */
const struct mu_type *types_find(const char *name); /* NULL; any thread */
const char *types_nearest(const char *name);        /* the type they may have meant, or NULL; any thread */
size_t types_count(void);
void types_fini(void);

/* Do both have the same sources, by number, name, sort and bounds? */
bool types_equal(const struct mu_type *a, const struct mu_type *b);
const char *types_kind_name(enum mu_ds_type kind); /* "GAUGE" */

#endif
