/* object: things as immutable, counted bytes, and who looks at them.
 *
 * An owner encodes on its own loop; main compares, stamps sequence and version, keeps (published) or passes on (served),
 * and hands every subscriber the same bytes. */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <muster/kind.h>

struct kind;
struct mu_instance;

struct object_bytes {
	uint32_t count; /* atomic */
	uint32_t length;
	char text[]; /* JSON of the attributes, NUL at its end */
};
struct object_bytes *object_bytes_ref(struct object_bytes *bytes);
void object_bytes_unref(struct object_bytes **bytes);

struct object {
	char *id;
	struct kind *kind;
	struct mu_instance *owner;
	uint64_t version;
	struct object_bytes *bytes;
};
/* Main loop. */
struct object *object_find(struct kind *kind, const char *id);
/* The core's own objects go through mu_object_put like everyone's. */
void object_instance_gone(struct mu_instance *instance); /* its objects; its subscriptions */
/* A published kind's page: where, sort, limit, after: as the "list" of every kind answers. Keyset by id (or sort attribute + id). */
json_t *object_list(struct kind *kind, const struct mu_query *query);
/* Does the object fulfil all conditions? Pure over (row, attributes, id). */
bool object_matches(const struct mu_kind *row, const char *id, const json_t *attrs, const struct mu_query *query);
/* attributes + "kind", "id", "version": as list and get show it. New reference. */
json_t *object_json(const struct object *object);
/* Checks attributes against the table, dropping what is not in it: returns how many were dropped. Pure. */
size_t object_check_attrs(const struct mu_kind *row, json_t *attrs, char complaint[160]);
bool object_id_valid(const char *id);

#endif
