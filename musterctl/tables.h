/* tables: looking things up in what the daemon described. All borrowed. */
#ifndef MUSTERCTL_TABLES_H
#define MUSTERCTL_TABLES_H

#include <jansson.h>

const json_t *tables_kind(const json_t *described, const char *name);
const json_t *tables_command(const json_t *kind, const char *verb);
const json_t *tables_attr(const json_t *kind, const char *name); /* NULL when it has no row */
const json_t *tables_state(const json_t *kind, const char *name);
/* Names of the default columns, without the id: an array, a new reference. */
json_t *tables_columns(const json_t *kind);
const char *tables_plural(const json_t *kind);

#endif
