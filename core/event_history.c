/* event_history: events on their way into the core's store, in groups; and where their numbers go on.
 *
 * What finds no room is tried again later, in order, and bounded: the ring and the log have it meanwhile.
 * Main loop. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "event.h"
#include "event_node.h"
#include "instance.h"
#include "loop.h"
#include "store.h"

enum { BATCH_MAX = 256 };
#define RETRY_AFTER (30 * MU_SEC)

static struct {
	struct mu_store *store; /* NULL: there is none, or no more */
	struct list waiting;    /* to be written */
	size_t count;
	bool flush_posted;
	struct loop_timer retry;
	uint64_t unkept; /* the store was full or broken for too long */
} room;

/* ---- writing ---- */

struct event_batch {
	struct mu_store_op op;
	size_t count;
	struct event_node *nodes[BATCH_MAX];
};

static int batch_run(struct sqlite3 *db, struct mu_store_op *op)
{
	struct event_batch *batch = MU_CONTAINER(op, struct event_batch, op);

	for (size_t i = 0; i < batch->count; i++) {
		const struct mu_event *e = &batch->nodes[i]->event;
		int r = mu_sql(
			db,
			"INSERT OR REPLACE INTO event (number, time, severity, plugin, words, series, kind, id) "
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			NULL, NULL, "iiisssss", (int64_t)e->number, e->time, (int64_t)e->severity, e->plugin,
			e->words, e->series, e->kind, e->id);
		if (r < 0)
			return r;
	}
	return 0;
}

static void batch_free(struct mu_store_op *op)
{
	struct event_batch *batch = MU_CONTAINER(op, struct event_batch, op);

	for (size_t i = 0; i < batch->count; i++)
		event_node_unref(&batch->nodes[i]);
	free(batch);
}

static void history_flush(void);

static void history_retry(struct loop_timer *timer)
{
	(void)timer;
	history_flush();
}

static void batch_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct event_batch *batch = MU_CONTAINER(op, struct event_batch, op);

	(void)self;
	c_assert(loop_is_current(loop_main()));
	/* back to where they came from, the oldest in front; the numbers say where each belongs */
	while (status < 0 && batch->count > 0) {
		struct event_node *node = batch->nodes[--batch->count];
		if (!room.store || room.count == EVENT_WAITING_MAX) {
			room.unkept++;
			event_node_unref(&node);
			continue;
		}
		struct list *first = room.waiting.next;
		list_add(first, &node->node); /* before the first */
		room.count++;
	}
	if (status < 0 && room.store)
		loop_timer_start(loop_main(), &room.retry, RETRY_AFTER, history_retry);
	batch_free(op);
}

static void history_flush(void)
{
	while (room.store && !list_empty(&room.waiting)) {
		struct event_batch *batch = mem_alloc(sizeof(*batch));
		batch->op.run = batch_run;
		batch->op.done = batch_done;
		batch->op.free = batch_free;
		struct list *node;
		while (batch->count < BATCH_MAX && (node = list_pop(&room.waiting))) {
			batch->nodes[batch->count++] = list_entry(node, struct event_node, node);
			room.count--;
		}
		mu_store_write(room.store, &batch->op);
	}
}

static void history_flush_turn(void *data)
{
	(void)data;
	room.flush_posted = false;
	history_flush();
}

/* Those of one turn of the loop are written together. */
void event_history_add(struct event_node *node)
{
	if (!room.store || room.count == EVENT_WAITING_MAX) {
		room.unkept += room.store != NULL;
		event_node_unref(&node);
		return;
	}
	list_add(&room.waiting, &node->node);
	room.count++;
	if (room.flush_posted || heap_has(&room.retry.node))
		return;
	room.flush_posted = true;
	loop_call(loop_main(), history_flush_turn, NULL);
}

struct mu_store *event_store_flush(void)
{
	c_assert(loop_is_current(loop_main()));
	history_flush();
	return room.store;
}

/* ---- where numbers go on ---- */

struct newest_ask {
	struct mu_store_op op;
	int64_t number;
	void (*known)(uint64_t number);
};

static int row_number(const struct mu_row *row, void *data)
{
	*(int64_t *)data = mu_row_i64(row, 0);
	return 0;
}

static int newest_run(struct sqlite3 *db, struct mu_store_op *op)
{
	struct newest_ask *ask = MU_CONTAINER(op, struct newest_ask, op);
	int r = mu_sql(db, "SELECT coalesce(max(number), 0) FROM event", row_number, &ask->number, "");
	return r < 0 ? r : 0;
}

static void newest_free(struct mu_store_op *op)
{
	free(MU_CONTAINER(op, struct newest_ask, op));
}

static void newest_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct newest_ask *ask = MU_CONTAINER(op, struct newest_ask, op);

	(void)self;
	if (status < 0)
		room.store = NULL; /* it has said so itself: this life has no history */
	ask->known(status < 0 || ask->number < 0 ? 0 : (uint64_t)ask->number);
	newest_free(op);
}

/* ---- life ---- */

void event_history_init(void)
{
	c_assert(!room.store);
	memset(&room, 0, sizeof(room));
	list_init(&room.waiting);
}

void event_history_open(struct mu_store *store, void (*known)(uint64_t newest))
{
	c_assert(store && known && !room.store);
	room.store = store;
	struct newest_ask *ask = mem_alloc(sizeof(*ask));
	ask->op.run = newest_run;
	ask->op.done = newest_done;
	ask->op.free = newest_free;
	ask->known = known;
	mu_store_read(store, &ask->op);
}

/* What waits is handed in; what happens later is only in the log. */
void event_store_close(const struct mu_instance *owner)
{
	c_assert(loop_is_current(loop_main()));
	if (!room.store || (owner && store_owner(room.store) != owner))
		return;
	history_flush();
	room.store = NULL;
	loop_timer_stop(&room.retry);
	c_assert(room.count == 0);
}

void event_history_fini(void)
{
	event_store_close(NULL);
	event_nodes_unref(&room.waiting);
}

uint64_t event_history_unkept(void)
{
	return room.unkept;
}
