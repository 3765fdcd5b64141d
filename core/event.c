/* event: from any thread to main, where each gets its number; into the ring, the history, and to all who listen.
 *
 * The log has the line at once, from the thread that says it, so that it is there even when main stands still. The number
 * goes on from the newest in the store; until the store has been asked, events wait for theirs, in order. */
#include "event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "event_node.h"
#include "instance.h"
#include "log.h"
#include "loop.h"
#include "self.h"
#include "store.h"

enum { WORDS_SIZE = 1024, BATCH_MAX = 256 };
#define RETRY_AFTER (30 * MU_SEC)

static struct {
	bool up;
	bool numbering;       /* `last` is known */
	bool flush_posted;
	uint64_t last;        /* number */
	struct mu_store *store;
	struct event_node *ring[EVENT_RING];
	size_t ring_count, ring_next;
	struct list early;    /* without a number */
	struct list history;  /* to be written */
	size_t early_count, history_count;
	struct loop_timer retry;
	uint64_t unkept;      /* not in the history: the store was full or broken for too long */
} room;
static uint32_t on_the_way; /* atomic */
static uint64_t dropped;    /* atomic */

/* ---- nodes ---- */

const char *const event_severities[] = { "failure", "warning", "okay", "info", NULL };

const char *event_severity_name(uint32_t severity)
{
	switch (severity) {
	case MU_FAILURE:
		return event_severities[0];
	case MU_WARNING:
		return event_severities[1];
	case MU_OKAY:
		return event_severities[2];
	default:
		return event_severities[3];
	}
}

struct event_node *event_node_ref(struct event_node *node)
{
	check(__atomic_add_fetch(&node->count, 1, __ATOMIC_RELAXED) > 1);
	return node;
}

void event_node_unref(struct event_node **node)
{
	check(*node);
	if (__atomic_sub_fetch(&(*node)->count, 1, __ATOMIC_ACQ_REL) == 0)
		free(*node);
	*node = NULL;
}

static const char *text_put(char **at, const char *text)
{
	if (!text)
		return NULL;
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);
	*at += size;
	return copy;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static struct event_node *node_new(const struct mu_event *event)
{
	struct event_node *node = mem_alloc(sizeof(*node) + text_size(event->plugin) + text_size(event->words) +
	                                    text_size(event->series) + text_size(event->kind) + text_size(event->id));
	char *at = node->text;

	node->count = 1;
	node->event = *event;
	node->event.plugin = text_put(&at, event->plugin);
	node->event.words = text_put(&at, event->words);
	node->event.series = text_put(&at, event->series);
	node->event.kind = text_put(&at, event->kind);
	node->event.id = text_put(&at, event->id);
	return node;
}

json_t *event_json(const struct mu_event *event)
{
	char id[24];
	json_t *json = json_object();

	text_printf(id, sizeof(id), "%" PRIu64, event->number);
	json_object_set_new(json, "id", json_string(id));
	json_object_set_new(json, "number", json_integer((json_int_t)event->number));
	json_object_set_new(json, "time", json_real((double)event->time / 1e9));
	json_set_text(json, "severity", event_severity_name(event->severity));
	json_set_text(json, "plugin", event->plugin);
	json_set_text(json, "words", event->words);
	json_set_text(json, "series", event->series);
	json_set_text(json, "about_kind", event->kind);
	json_set_text(json, "about_id", event->id);
	return json;
}

/* ---- saying it: any thread ---- */

static enum mu_level severity_level(uint32_t severity)
{
	switch (severity) {
	case MU_FAILURE:
		return MU_LOG_ERROR;
	case MU_WARNING:
		return MU_LOG_WARNING;
	case MU_OKAY:
		return MU_LOG_NOTICE;
	default:
		return MU_LOG_INFO;
	}
}

static void event_arrive(struct mu_instance *self, struct mu_msg *msg);

static void event_say(struct mu_event *event, const char *format, va_list args)
{
	char words[WORDS_SIZE];

	check(format);
	check(event->severity == MU_FAILURE || event->severity == MU_WARNING || event->severity == MU_OKAY ||
	      event->severity == MU_INFO);
	vsnprintf(words, sizeof(words), format, args);
	for (char *p = words; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' '; /* one sentence is one line */
	event->words = words;
	event->time = clock_real();
	log_line(severity_level(event->severity), event->plugin, "%s", words);
	if (__atomic_add_fetch(&on_the_way, 1, __ATOMIC_RELAXED) > EVENT_WAITING_MAX) {
		__atomic_sub_fetch(&on_the_way, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&dropped, 1, __ATOMIC_RELAXED);
		return;
	}
	struct event_node *node = node_new(event);
	node->msg.run = event_arrive;
	loop_post(loop_main(), &node->msg);
}

static const char *speaker(const struct mu_instance *self)
{
	return self ? self->name : "core";
}

void mu_event(struct mu_instance *self, enum mu_severity severity, const char *words, ...)
{
	struct mu_event event = { .severity = severity, .plugin = speaker(self) };
	va_list args;

	va_start(args, words);
	event_say(&event, words, args);
	va_end(args);
}

void mu_event_object(struct mu_instance *self, enum mu_severity severity, const char *kind, const char *id,
                     const char *words, ...)
{
	struct mu_event event = { .severity = severity, .plugin = speaker(self), .kind = kind, .id = id };
	va_list args;

	check(kind && id);
	va_start(args, words);
	event_say(&event, words, args);
	va_end(args);
}

void mu_event_series(struct mu_instance *self, enum mu_severity severity, const struct mu_series *series,
                     const char *words, ...)
{
	struct mu_event event = { .severity = severity, .plugin = speaker(self), .series = mu_series_name(series) };
	va_list args;

	va_start(args, words);
	event_say(&event, words, args);
	va_end(args);
}

void event_core(enum mu_severity severity, const char *words, ...)
{
	struct mu_event event = { .severity = severity, .plugin = "core" };
	va_list args;

	va_start(args, words);
	event_say(&event, words, args);
	va_end(args);
}

uint64_t event_dropped(void)
{
	return __atomic_load_n(&dropped, __ATOMIC_RELAXED) + event_fan_dropped() + room.unkept;
}

/* ---- history ---- */

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
		int r = mu_sql(db, "INSERT OR REPLACE INTO event (number, time, severity, plugin, words, series, kind, id) "
		               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", NULL, NULL, "iiisssss", (int64_t)e->number, e->time,
		               (int64_t)e->severity, e->plugin, e->words, e->series, e->kind, e->id);
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
	check(loop_is_current(loop_main()));
	/* back to where they came from, the oldest in front; the numbers say where each belongs */
	while (status < 0 && batch->count > 0) {
		struct event_node *node = batch->nodes[--batch->count];
		if (!room.up || !room.store || room.history_count == EVENT_WAITING_MAX) {
			room.unkept++;
			event_node_unref(&node);
			continue;
		}
		struct list *first = room.history.next;
		list_add(first, &node->node); /* before the first */
		room.history_count++;
	}
	if (status < 0 && room.up && room.store)
		loop_timer_start(loop_main(), &room.retry, RETRY_AFTER, history_retry);
	batch_free(op);
}

static void history_flush(void)
{
	while (room.store && !list_empty(&room.history)) {
		struct event_batch *batch = mem_alloc(sizeof(*batch));
		batch->op.run = batch_run;
		batch->op.done = batch_done;
		batch->op.free = batch_free;
		struct list *node;
		while (batch->count < BATCH_MAX && (node = list_pop(&room.history))) {
			batch->nodes[batch->count++] = list_entry(node, struct event_node, node);
			room.history_count--;
		}
		mu_store_write(room.store, &batch->op);
	}
}

static void history_flush_turn(void *data)
{
	(void)data;
	room.flush_posted = false;
	if (room.up)
		history_flush();
}

/* Takes the reference. Those of one turn of the loop are written together. */
static void history_add(struct event_node *node)
{
	if (room.history_count == EVENT_WAITING_MAX) {
		room.unkept++;
		event_node_unref(&node);
		return;
	}
	list_add(&room.history, &node->node);
	room.history_count++;
	if (room.flush_posted || heap_has(&room.retry.node))
		return;
	room.flush_posted = true;
	loop_call(loop_main(), history_flush_turn, NULL);
}

struct mu_store *event_store_flush(void)
{
	check(loop_is_current(loop_main()));
	history_flush();
	return room.store;
}

/* ---- numbers ---- */

const struct event_node *event_ring_at(size_t at)
{
	check(loop_is_current(loop_main()));
	if (at >= room.ring_count)
		return NULL;
	return room.ring[(room.ring_next + EVENT_RING - 1 - at) % EVENT_RING];
}

static void ring_put(struct event_node *node)
{
	struct event_node **slot = &room.ring[room.ring_next];

	if (*slot)
		event_node_unref(slot);
	else
		room.ring_count++;
	*slot = event_node_ref(node);
	room.ring_next = (room.ring_next + 1) % EVENT_RING;
}

/* Takes the reference. */
static void event_number(struct event_node *node)
{
	check(room.numbering);
	node->event.number = ++room.last;
	ring_put(node);
	event_fan_out(node);
	if (self_instance()) {
		char id[24];
		text_printf(id, sizeof(id), "%" PRIu64, node->event.number);
		mu_object_put(self_instance(), event_kind.name, id, event_json(&node->event));
	}
	if (room.store)
		history_add(node);
	else
		event_node_unref(&node);
}

static void event_arrive(struct mu_instance *self, struct mu_msg *msg)
{
	struct event_node *node = MU_CONTAINER(msg, struct event_node, msg);

	(void)self;
	check(loop_is_current(loop_main()));
	__atomic_sub_fetch(&on_the_way, 1, __ATOMIC_RELAXED);
	if (room.up && room.numbering) {
		event_number(node);
	} else if (room.up && room.early_count < EVENT_WAITING_MAX) {
		list_add(&room.early, &node->node);
		room.early_count++;
	} else {
		__atomic_add_fetch(&dropped, 1, __ATOMIC_RELAXED);
		event_node_unref(&node);
	}
}

static void numbering_start(uint64_t last)
{
	struct list *node;

	check(!room.numbering);
	room.last = last;
	room.numbering = true;
	while ((node = list_pop(&room.early))) {
		room.early_count--;
		event_number(list_entry(node, struct event_node, node));
	}
}

struct newest_ask {
	struct mu_store_op op;
	int64_t number;
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
	if (room.up && !room.numbering)
		numbering_start(status < 0 || ask->number < 0 ? 0 : (uint64_t)ask->number);
	newest_free(op);
}

/* ---- life ---- */

void event_init(void)
{
	check(loop_is_current(loop_main()) && !room.up);
	memset(&room, 0, sizeof(room));
	list_init(&room.early);
	list_init(&room.history);
	room.up = true;
}

void event_store(struct mu_store *store)
{
	check(loop_is_current(loop_main()) && room.up && !room.store);
	if (!store) {
		if (!room.numbering)
			numbering_start(0);
		return;
	}
	room.store = store;
	struct newest_ask *ask = mem_alloc(sizeof(*ask));
	ask->op.run = newest_run;
	ask->op.done = newest_done;
	ask->op.free = newest_free;
	mu_store_read(store, &ask->op);
}

static void list_unref(struct list *list)
{
	for (struct list *at; (at = list_pop(list));) {
		struct event_node *node = list_entry(at, struct event_node, node);
		event_node_unref(&node);
	}
}

/* What waits is handed in; what happens later is only in the log. */
void event_store_close(const struct mu_instance *owner)
{
	check(loop_is_current(loop_main()));
	if (!room.store || (owner && store_owner(room.store) != owner))
		return;
	history_flush();
	room.store = NULL;
	loop_timer_stop(&room.retry);
	check(room.history_count == 0);
}

void event_fini(void)
{
	check(loop_is_current(loop_main()));
	event_fan_fini();
	event_store_close(NULL);
	list_unref(&room.history);
	list_unref(&room.early);
	for (size_t i = 0; i < EVENT_RING; i++)
		if (room.ring[i])
			event_node_unref(&room.ring[i]);
	room.up = false;
	room.numbering = false;
}
