/* event: from any thread to main, where each gets its number; into the ring, the history, and to all who
 * listen.
 *
 * The log has the line at once, from the thread that says it, so that it is there even when main stands
 * still. The number goes on from the newest in the store; until the store has been asked, events wait for
 * theirs, in order. */
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

enum { WORDS_SIZE = 1024 };

static struct {
	bool up;
	bool numbering; /* `last` is known */
	uint64_t last;  /* number */
	struct event_node *ring[EVENT_RING];
	size_t ring_count, ring_next;
	struct list early; /* without a number */
	size_t early_count;
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
	c_assert(__atomic_add_fetch(&node->count, 1, __ATOMIC_RELAXED) > 1);
	return node;
}

void event_node_unref(struct event_node **node)
{
	c_assert(*node);
	if (__atomic_sub_fetch(&(*node)->count, 1, __ATOMIC_ACQ_REL) == 0)
		free(*node);
	*node = NULL;
}

void event_nodes_unref(struct list *list)
{
	for (struct list *at; (at = list_pop(list));) {
		struct event_node *node = list_entry(at, struct event_node, node);
		event_node_unref(&node);
	}
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
	struct event_node *node = mem_alloc(sizeof(*node) + text_size(event->plugin) +
					    text_size(event->words) + text_size(event->series) +
					    text_size(event->kind) + text_size(event->id));
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

	c_assert(format);
	c_assert(event->severity == MU_FAILURE || event->severity == MU_WARNING ||
		 event->severity == MU_OKAY || event->severity == MU_INFO);
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

	c_assert(kind && id);
	va_start(args, words);
	event_say(&event, words, args);
	va_end(args);
}

void mu_event_series(struct mu_instance *self, enum mu_severity severity, const struct mu_series *series,
		     const char *words, ...)
{
	struct mu_event event = { .severity = severity,
				  .plugin = speaker(self),
				  .series = mu_series_name(series) };
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
	return __atomic_load_n(&dropped, __ATOMIC_RELAXED) + event_fan_dropped() + event_history_unkept();
}

/* ---- numbers ---- */

const struct event_node *event_ring_at(size_t at)
{
	c_assert(loop_is_current(loop_main()));
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
	c_assert(room.numbering);
	node->event.number = ++room.last;
	ring_put(node);
	event_fan_out(node);
	if (self_instance()) {
		char id[24];
		text_printf(id, sizeof(id), "%" PRIu64, node->event.number);
		mu_object_put(self_instance(), event_kind.name, id, event_json(&node->event));
	}
	event_history_add(node);
}

static void event_arrive(struct mu_instance *self, struct mu_msg *msg)
{
	struct event_node *node = MU_CONTAINER(msg, struct event_node, msg);

	(void)self;
	c_assert(loop_is_current(loop_main()));
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

/* Of the history: from here on each gets its number, those that wait first. */
static void newest_known(uint64_t number)
{
	struct list *node;

	if (!room.up || room.numbering)
		return;
	room.last = number;
	room.numbering = true;
	while ((node = list_pop(&room.early))) {
		room.early_count--;
		event_number(list_entry(node, struct event_node, node));
	}
}

/* ---- life ---- */

void event_init(void)
{
	c_assert(loop_is_current(loop_main()) && !room.up);
	memset(&room, 0, sizeof(room));
	list_init(&room.early);
	event_history_init();
	room.up = true;
}

void event_store(struct mu_store *store)
{
	c_assert(loop_is_current(loop_main()) && room.up);
	if (store)
		event_history_open(store, newest_known);
	else
		newest_known(0);
}

void event_fini(void)
{
	c_assert(loop_is_current(loop_main()));
	event_fan_fini();
	event_history_fini();
	event_nodes_unref(&room.early);
	for (size_t i = 0; i < EVENT_RING; i++)
		if (room.ring[i])
			event_node_unref(&room.ring[i]);
	room.up = false;
	room.numbering = false;
}
