/* event_node: one event as event.c, event_fan.c and event_kind.c hand it around: immutable once it has its
 * number, counted, and shared by the ring, the history and all who are told. */
#ifndef CORE_EVENT_NODE_H
#define CORE_EVENT_NODE_H

#include <jansson.h>
#include <muster/event.h>
#include <muster/loop.h>

#include "base/list.h"

struct mu_call;
struct mu_instance;
struct mu_store;

struct event_node {
	uint32_t count; /* references; atomic */
	struct mu_msg msg; /* on its way to main */
	struct list node;  /* main: waits for its number, then for the history */
	struct mu_event event;
	char text[]; /* the strings of `event` */
};
struct event_node *event_node_ref(struct event_node *node);
void event_node_unref(struct event_node **node); /* any thread */
void event_nodes_unref(struct list *list);
/* The attributes of kind "event", and "id". */
json_t *event_json(const struct mu_event *event);

#define EVENT_RING 1000         /* kept in memory */
#define EVENT_WAITING_MAX 10000 /* on their way to main; without a number; not yet in the history: each */

/* ---- main loop ---- */
/* The newest first: at 0. NULL behind the last. */
const struct event_node *event_ring_at(size_t at);

/* The history (event_history.c). */
void event_history_init(void);
void event_history_fini(void);
/* Asks for the newest number there, 0 when there is none or it cannot be read, and takes events from now
 * on. */
void event_history_open(struct mu_store *store, void (*known)(uint64_t newest));
void event_history_add(struct event_node *node); /* takes the reference */
uint64_t event_history_unkept(void);
/* The core's store, or NULL while there is none; what was to be written is handed in first. */
struct mu_store *event_store_flush(void);
void event_store_close(const struct mu_instance *owner); /* NULL: whosever it is */

/* Those who are told (event_fan.c). */
void event_fan_out(struct event_node *node);
void event_fan_fini(void);
uint64_t event_fan_dropped(void);
void event_follow(struct mu_instance *self, struct mu_call *call);
struct event_follow_args {
	int severity; /* index into event_severities: this or worse */
	const char *plugin; /* glob */
	int64_t recent;
};
extern const char *const event_severities[]; /* failure warning okay info; ended by NULL */

#endif
