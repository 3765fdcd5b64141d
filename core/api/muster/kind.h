/* muster/kind.h: objects: things with attributes that others may look at.
 *
 * A kind belongs to one plugin, its objects to the instance that put them. A *published* kind is held
 * by the core (at most 10,000 objects); a *served* one stays with its owner, who answers list and get
 * and puts only what changes. The tables say all that a generic page, REST, musterctl and the console
 * need; when something is missing there, it is a column that is missing here. */
#ifndef MUSTER_KIND_H
#define MUSTER_KIND_H

#include <jansson.h>
#include <muster/base.h>
#include <muster/option.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much a state needs a person; the order of sorting and of roll-up. */
enum mu_tone { MU_FAIL = 1, MU_UNKNOWN, MU_WARN, MU_RUNNING, MU_OK, MU_WAIT, MU_PAUSED };

struct mu_state {
	const char *name;     /* as the state machine prints it: "backoff" */
	uint32_t tone;        /* enum mu_tone */
	const char *sentence; /* "died, and waits before the next start" */
};

enum mu_attr_flag {
	MU_EDITABLE = 1 << 8,  /* the kind's "edit" command takes it */
	MU_PERSONAL = 1 << 9,  /* about a person: shown to those signed in, erased with them */
	MU_HIDDEN = 1 << 10,   /* not a default column, shown in the detail */
	/* MU_SECRET of option.h: hidden until revealed, and the reveal is audited */
};

struct mu_attr {
	const char *name;
	uint32_t type;  /* enum mu_option_type; MU_ENUM travels as its name, MU_DURATION as seconds,
	                 * MU_STRINGS as array, MU_BLOCK as any JSON */
	uint32_t flags;
	double min, max; /* inclusive, in the attribute's unit; 0,0 = any; a positive min with max 0 = no upper bound */
	const char *unit; /* "s", "bytes", "percent"; "time" = seconds since the epoch */
	const char *label; /* NULL: the name */
	const char *help;
	const char *kind; /* the value is the id of an object of this kind: a link */
	const char *const *choices;
};
#define MU_ATTR_END { .name = NULL }
#define MU_STATE_END { .name = NULL }

struct mu_call;

/* What a list asks for. All of it is checked against the kind's attributes before it arrives. */
struct mu_condition {
	const char *attr;
	enum { MU_EQ = 1, MU_NE, MU_LT, MU_LE, MU_GT, MU_GE, MU_GLOB } op;
	const char *value; /* as words; compare numbers as numbers where attr's type is one */
	void *reserved[2]; /* zero */
};
struct mu_query {
	const struct mu_condition *where; /* all must hold */
	size_t where_count;
	const char *sort; /* attribute; NULL = the owner's order */
	bool descending;
	uint32_t limit;    /* 1..1,000 objects */
	const char *after; /* the `next` of the page before, NULL = from the start */
};

enum mu_kind_flag {
	MU_SERVED = 1 << 0,
};

struct mu_kind {
	const char *name;    /* "worker"; [a-z][a-z0-9_-]* */
	const char *plural;  /* "workers" */
	const char *aliases; /* blank-separated: "clients machines"; NULL */
	const char *help;    /* one line: what such a thing is */
	uint32_t flags;      /* enum mu_kind_flag */
	const struct mu_attr *attrs;
	const struct mu_state *states; /* of the attribute "state", which then needs no row in attrs; NULL: none */
	/* Which attributes play a part, NULL where none does. */
	const char *title, *reason, *since, *parent;
	const char *columns; /* blank-separated default columns; NULL: all not hidden */
	/* Served kinds: both required. On the owner's loop; answer by mu_reply: list with
	 * {"items": [object…], "next": "…" or null, "total": n or null}, get with the object, each an object
	 * of attributes with "id", and with "version" (rising with each change of the object, from 1) if the owner
	 * counts: else the core writes 0. A missing one with mu_reply_error(call, -ENOENT, …). */
	void (*list)(struct mu_instance *self, struct mu_call *call, const struct mu_query *query);
	void (*get)(struct mu_instance *self, struct mu_call *call, const char *id);
};
#define MU_KIND_END { .name = NULL }

/* The object as it now is: every attribute, not only what changed (an "id" in it is passed over). Takes `attrs`.
 * Owner's loop. An id is 1..255 bytes of printable UTF-8 without blanks; an attribute that is not in the table, or has
 * another type, is dropped, counted and logged once. A secret's value does not leave the owner. 0; -EINVAL on the id;
 * -EEXIST another instance of the plugin has put it; -ENOSPC: a published kind is full (an event says so once). Equal
 * content is not a change and costs nobody anything. */
int mu_object_put(struct mu_instance *self, const char *kind, const char *id, json_t *attrs);
/* Gone. 0; -ENOENT. All objects of an instance go when it ends. */
int mu_object_delete(struct mu_instance *self, const char *kind, const char *id);

/* ---- looking at others' objects: front ends, and plugins that react ---- */

struct mu_change {
	const char *kind, *id;
	uint64_t epoch, sequence; /* per kind; a new epoch = forget all you know of it */
	uint64_t version;         /* of the object: rising with each change, from 1 */
	enum { MU_CHANGE_SNAPSHOT = 1, /* part of the first picture */
	       MU_CHANGE_SYNCED,       /* the picture is whole, at this sequence; id NULL */
	       MU_CHANGE_PUT, MU_CHANGE_DELETE,
	       MU_CHANGE_RESET } what; /* the owner went or came back; id NULL */
	const char *json; /* the attributes as text, NULL where there are none; immutable */
	size_t json_length;
};
struct mu_object_sub;
/* Snapshot, MU_CHANGE_SYNCED, then each change, in one order, on your loop. A served kind has an empty
 * snapshot. `kind` is a glob over kind names. Slow readers: newest per object wins. */
struct mu_object_sub *mu_objects_subscribe(struct mu_instance *self, const char *kind,
                                           void (*changed)(struct mu_instance *self, struct mu_object_sub *sub,
                                                           const struct mu_change *change),
                                           void *data);
void *mu_object_sub_data(const struct mu_object_sub *sub);
void mu_objects_unsubscribe(struct mu_object_sub **sub);

#ifdef __cplusplus
}
#endif
#endif
