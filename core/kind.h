/* kind: the directory of kinds.
 *
 * A kind is of one plugin; several instances of it share the kind, unless it is served, which one instance
 * alone can be. Main writes the directory and reads it without a lock; what an owner must know at once
 * when it puts an object (is the kind full, whose is the id) is asked on the owner's loop, under the lock
 * with which main writes. */
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
	struct map objects;  /* id → struct object; published kinds */
	struct map commands; /* verb → struct command */
	struct map ids;      /* under the lock: id → the instance that put it; published kinds */
	uint64_t refused;    /* objects too many; under the lock */
	uint64_t bad_attrs;  /* attributes outside the table */
	bool full_told, bad_told;
};
struct kind_owner {
	struct list node;
	struct mu_instance *instance;
};
#define KIND_OBJECTS_MAX 10000
#define KIND_NAME_MAX    63

/* ---- main loop ---- */
void kind_init(void);
void kind_fini(void);
/* All kinds and commands of an instance, before its start. -EEXIST: another plugin's kind or verb has the
 * name; -EBUSY: served by another instance. Nothing is left behind on error. The rows make sense: the loader has
 * seen to it. */
int kind_add_instance(struct mu_instance *instance, struct mu_error *error);
void kind_remove_instance(
	struct mu_instance *instance);    /* its objects go; subscribers hear MU_CHANGE_RESET */
struct kind *kind_find(const char *word); /* name, plural or alias */
bool kind_next(size_t *at, struct kind **out);
bool kind_owned_by(const struct kind *kind, const struct mu_instance *instance);
/* The kind whose word is nearest to this one, for the error; NULL. */
const char *kind_nearest(const char *word);

/* ---- any thread, no lock: const tables ---- */

/* The row of a plugin's own kind: for mu_object_put on its loop. */
const struct mu_kind *kind_row(const struct mu_instance *instance, const char *name);
const struct mu_attr *kind_attr(const struct mu_kind *row, const char *name);
/* Every attribute in the order of its table; "state" comes first when it has states and no row of its own.
 * NULL at the end. */
const struct mu_attr *kind_attr_next(const struct mu_kind *row, size_t *at);
const struct mu_state *kind_state(const struct mu_kind *row, const char *name);
bool kind_has_word(const struct mu_kind *row, const char *word); /* its name, plural or one of its aliases */

/* ---- an owner's loop; take the lock ---- */

/* May the instance put this id? 0; -ENOSPC the kind is full; -EEXIST another instance put it; -ECANCELED
 * the kind is not, or no longer, this instance's. */
int kind_admit(const struct mu_kind *row, struct mu_instance *instance, const char *id);
/* 0; -ENOENT, -ECANCELED. */
int kind_dismiss(const struct mu_kind *row, struct mu_instance *instance, const char *id);

#endif
