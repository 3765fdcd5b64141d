/* command: the registry of verbs, and the check of a call's words against a row. Main loop.
 *
 * Every kind has "list" and "get", made here. list takes where (array of {"attr","op","value"}), sort,
 * descending, limit (1..1000, default 200), after; get takes an id. A verb may be declared on another
 * plugin's kind: it waits until that kind is there. */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <muster/command.h>
#include <muster/kind.h>

#include "base/arena.h"
#include "base/list.h"

struct kind;
struct mu_instance;

struct command {
	const struct mu_command *row;
	struct kind *kind; /* NULL while nobody declares it */
	struct mu_instance
		*owner; /* oldest instance that declares it; a call with an id goes to the object's owner */
	bool generic;   /* list, get: answered by call.c */
	const char *plugin; /* who declares it; NULL: generic */
	struct list owners; /* struct kind_owner, oldest first */
	struct list node;
};
struct command *command_find(struct kind *kind, const char *verb); /* NULL */
/* The nearest verb or kind, for the error. */
int command_resolve(const char *kind, const char *verb, struct command **out, struct mu_error *error);
enum mu_role command_role(const struct mu_command *row); /* with the default filled in */
/* Where conditions and the rest of a list or match → mu_query in the arena, checked against the kind's
 * attributes. */
int command_query(struct arena *arena, const struct mu_kind *row, const json_t *args, struct mu_query *out,
		  struct mu_error *error);
int command_match(struct arena *arena, const struct mu_kind *row, const json_t *match, struct mu_query *out,
		  struct mu_error *error);
extern const struct mu_command command_list_row, command_get_row;

/* ---- for kind.c ---- */
/* -EEXIST: another plugin has the verb. */
int command_check_instance(const struct mu_instance *instance, struct mu_error *error);
void command_add_instance(struct mu_instance *instance);
void command_remove_instance(struct mu_instance *instance);
void command_kind_added(struct kind *kind);   /* list, get, and the verbs that waited for it */
void command_kind_removed(struct kind *kind); /* others' verbs wait again */

#endif
