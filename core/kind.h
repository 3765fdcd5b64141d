/* kind: the directory of kinds. Main loop.
 *
 * A kind is of one plugin; several instances of it share the kind, unless it is served, which one instance alone can be. */
#ifndef CORE_KIND_H
#define CORE_KIND_H

#include <muster/kind.h>

#include "base/list.h"
#include "base/map.h"

struct mu_instance;

struct kind {
	const struct mu_kind *row;
	const char *plugin;         /* owner's plugin name */
	struct mu_instance *server; /* of a served kind */
	struct list owners;         /* struct kind_owner: the instances that declare it, oldest first */
	uint64_t epoch, sequence;
	struct map objects;         /* id → struct object; published kinds */
	struct map commands;        /* verb → struct command */
	uint64_t refused, bad_attrs; /* counters: too many objects, attributes outside the table */
	bool full_told;
};
struct kind_owner {
	struct list node;
	struct mu_instance *instance;
};
#define KIND_OBJECTS_MAX 10000

void kind_init(void);
void kind_fini(void);
/* All kinds and commands of an instance, before its start. -EEXIST: another plugin's kind or verb has the name; -EBUSY: served
 * by another instance. Nothing is left behind on error. */
int kind_add_instance(struct mu_instance *instance, struct mu_error *error);
void kind_remove_instance(struct mu_instance *instance); /* its objects go; subscribers hear MU_CHANGE_RESET */
struct kind *kind_find(const char *word); /* name, plural or alias */
bool kind_next(size_t *at, struct kind **out);
/* The row of a plugin's own kind: for mu_object_put on its loop; no lock, const tables. */
const struct mu_kind *kind_row(const struct mu_instance *instance, const char *name);
const struct mu_attr *kind_attr(const struct mu_kind *row, const char *name);

#endif
