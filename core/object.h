/* object: things as immutable, counted bytes, and who looks at them.
 *
 * An owner encodes on its own loop; main compares, stamps sequence and version, keeps (published) or
 * passes on (served), and hands every subscriber the same bytes. */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <muster/command.h>
#include <muster/kind.h>

struct kind;
struct mu_instance;

struct object_bytes {
	uint32_t count; /* atomic */
	uint32_t length;
	char text[]; /* JSON of the attributes, NUL at its end */
};
struct object_bytes *object_bytes_new(const char *text, size_t length);
struct object_bytes *object_bytes_json(const json_t *json);
struct object_bytes *object_bytes_ref(struct object_bytes *bytes);
void object_bytes_unref(struct object_bytes **bytes);

struct object {
	char *id;
	struct kind *kind;
	struct mu_instance *owner;
	uint64_t version;
	struct object_bytes *bytes;
};

/* ---- main loop ---- */

struct object *object_find(struct kind *kind, const char *id);
const char *object_nearest(struct kind *kind, const char *id); /* NULL when nothing is near */
/* The core's own objects go through mu_object_put like everyone's, but for those that must be there before
 * what main does next: this one is applied at once. `self` lives on main. Takes `attrs`; NULL: deleted. */
int object_put_now(struct mu_instance *self, const char *kind, const char *id, json_t *attrs);
/* Its objects in kinds that others share (the rest goes with kind_remove_instance), and its subscriptions. */
void object_instance_gone(struct mu_instance *instance);
void object_kind_gone(struct kind *kind,
		      struct mu_instance *instance); /* its objects of this kind; NULL: of everyone */
/* A published kind's page: where, sort, limit, after: as the "list" of every kind answers. Keyset by id
 * (or sort attribute + id). Personal attributes are masked for viewers. NULL when `after` is not the
 * `next` of a page with this sort. */
json_t *object_list(struct kind *kind, const struct mu_query *query, enum mu_role role);
/* Those that fulfil all conditions, by id: an array that the caller frees. */
const struct object **object_select(struct kind *kind, const struct mu_query *query, size_t *count);
/* attributes + "kind", "id", "version": as list and get show it. New reference. */
json_t *object_json(const struct object *object);
struct object_stats {
	uint64_t puts, equal, deletes, resyncs;
	uint64_t refused, bad_attrs; /* of full kinds; attributes outside their table */
	size_t subscriptions;
};
void object_stats(struct object_stats *out);

/* ---- any thread ---- */

/* Does the object fulfil all conditions? Pure over (row, attributes, id). */
bool object_matches(const struct mu_kind *row, const char *id, const json_t *attrs,
		    const struct mu_query *query);
/* Checks attributes against the table, dropping what is not in it: returns how many were dropped. Pure. */
size_t object_check_attrs(const struct mu_kind *row, json_t *attrs, char complaint[160]);
/* Canonical bytes: the table's order, secrets masked. `attrs` is checked and changed. Pure. */
struct object_bytes *object_encode(const struct mu_kind *row, json_t *attrs, size_t *dropped,
				   char complaint[160]);
bool object_id_valid(const char *id);
/* What a person of this role may not read becomes "•••": secrets always, personal attributes for viewers. */
void object_mask(const struct mu_kind *row, json_t *item, enum mu_role role);
#define OBJECT_MASK "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

/* ---- between the files of the room (object_sub.c); main loop ---- */
#define OBJECT_SUB_MAX                                                                                       \
	10000 /* distinct objects that may wait for a slow subscriber: past it, it is shown all anew */
void object_sub_change(struct kind *kind, const char *id, int what, uint64_t version,
		       struct object_bytes *bytes);
void object_sub_reset(struct kind *kind,
		      bool back); /* the kind's owner went, or came back with nothing yet */
/* An instance's loop: what waits for its subscriptions is delivered now, so that the answer to a call
 * comes after it. */
void object_sub_flush(struct mu_instance *instance);
void object_sub_gone(struct mu_instance *instance);
size_t object_sub_stats(uint64_t *resyncs);

#endif
