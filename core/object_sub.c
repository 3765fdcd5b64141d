/* object_sub: who looks at objects: a snapshot, then every change, in one queue a subscription.
 *
 * Main pushes, the subscriber's loop takes. In the queue the newest of an object wins and moves to the
 * end, so that sequences rise for who reads it. One that is so slow that OBJECT_SUB_MAX objects wait loses
 * its queue, and is shown all anew when it comes back to look. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"
#include "kind.h"
#include "object.h"

enum { DELIVER_MAX = 512 }; /* changes a turn: a first picture is long, and others live on the loop */

struct change {
	struct list node;
	const char *kind; /* the row's name */
	int what;
	uint64_t epoch, sequence, version;
	struct object_bytes *bytes;
	bool newest; /* stands in sub->newest */
	char id[];   /* "" = none */
};

struct mu_object_sub {
	uint32_t count; /* atomic: the loop's, main's, and that of a message on its way */
	struct mu_instance *self;
	struct mu_ref *home;
	char *glob;
	void (*changed)(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change);
	void *data;

	/* its loop's */
	struct list mine;  /* in loop_subs */
	struct list taken; /* struct change: being delivered */
	bool ended;
	uint64_t round;

	/* main's */
	struct list node; /* in subs */

	/* both, under the lock */
	pthread_mutex_t lock;
	struct list queue; /* struct change */
	struct map newest; /* kind and id → the change of that object in the queue */
	bool posted, lost;
	bool asked; /* lost, and main knows that it may be shown all anew */
	struct mu_msg msg;
};

static struct list subs = { &subs, &subs };
static size_t sub_count;
static uint64_t resyncs;
/* The subscriptions of those who live on this thread's loop. */
static _Thread_local struct list loop_subs;
static _Thread_local uint64_t flush_round;

/* ---- memory ---- */

static struct change *change_new(struct kind *kind, int what, const char *id, uint64_t version,
				 struct object_bytes *bytes)
{
	size_t length = strlen(id);
	struct change *change = mem_alloc(sizeof(*change) + length + 1);

	change->kind = kind->row->name;
	change->what = what;
	change->epoch = kind->epoch;
	change->sequence = kind->sequence;
	change->version = version;
	change->bytes = object_bytes_ref(bytes);
	memcpy(change->id, id, length);
	return change;
}

static void change_free(struct change *change)
{
	list_remove(&change->node);
	object_bytes_unref(&change->bytes);
	free(change);
}

static void changes_free(struct list *changes)
{
	while (!list_empty(changes))
		change_free(list_entry(changes->next, struct change, node));
}

static void sub_unref(struct mu_object_sub *sub)
{
	if (__atomic_sub_fetch(&sub->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	c_assert(!list_linked(&sub->node) && !list_linked(&sub->mine));
	changes_free(&sub->queue);
	changes_free(&sub->taken);
	map_fini(&sub->newest);
	pthread_mutex_destroy(&sub->lock);
	mu_ref_unref(&sub->home);
	free(sub->glob);
	free(sub);
}

static void sub_ref(struct mu_object_sub *sub)
{
	c_assert(__atomic_add_fetch(&sub->count, 1, __ATOMIC_RELAXED) > 1);
}

/* ---- its loop: taking ---- */

static void sub_resync(void *data);

/* What waits moves to the loop's own list. */
static bool sub_take(struct mu_object_sub *sub)
{
	c_assert(mu_on_loop(sub->self));
	pthread_mutex_lock(&sub->lock);
	bool lost = sub->lost && !sub->asked;
	sub->asked |= lost;
	while (!list_empty(&sub->queue)) {
		struct list *first = list_pop(&sub->queue);
		list_entry(first, struct change, node)->newest = false;
		list_add(&sub->taken, first);
	}
	map_fini(&sub->newest);
	pthread_mutex_unlock(&sub->lock);
	if (lost) {
		sub_ref(sub);
		loop_call(loop_main(), sub_resync, sub);
	}
	return !list_empty(&sub->taken);
}

static void sub_tell(struct mu_object_sub *sub, const struct change *change)
{
	c_assert(!sub->ended && change->kind);
	struct mu_change told = {
		.kind = change->kind,
		.id = change->id[0] ? change->id : NULL,
		.epoch = change->epoch,
		.sequence = change->sequence,
		.version = change->version,
		.json = change->bytes ? change->bytes->text : NULL,
		.json_length = change->bytes ? change->bytes->length : 0,
	};

	told.what = (__typeof__(told.what))change->what;
	sub->changed(sub->self, sub, &told);
}

/* Delivers what is taken, at most `limit`. */
static void sub_deliver(struct mu_object_sub *sub, size_t limit)
{
	for (size_t i = 0; i < limit && !sub->ended && !list_empty(&sub->taken); i++) {
		struct change *change = list_entry(list_pop(&sub->taken), struct change, node);
		sub_tell(sub, change);
		change_free(change);
	}
	if (sub->ended)
		changes_free(&sub->taken);
}

/* Under the lock. */
static void sub_post(struct mu_object_sub *sub)
{
	if (sub->posted)
		return;
	sub->posted = true;
	sub_ref(sub);
	mu_post(sub->home, &sub->msg);
}

static void sub_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct mu_object_sub *sub = container_of(msg, struct mu_object_sub, msg);

	pthread_mutex_lock(&sub->lock);
	sub->posted = false;
	pthread_mutex_unlock(&sub->lock);
	c_assert(!self || self == sub->self);
	if (!sub->ended) {
		if (!list_empty(&sub->taken) || sub_take(sub))
			sub_deliver(sub, DELIVER_MAX);
		pthread_mutex_lock(&sub->lock);
		if (!sub->ended &&
		    (!list_empty(&sub->taken) || !list_empty(&sub->queue) || (sub->lost && !sub->asked)))
			sub_post(sub);
		pthread_mutex_unlock(&sub->lock);
	}
	sub_unref(sub);
}

static void sub_drop(struct mu_msg *msg)
{
	sub_unref(container_of(msg, struct mu_object_sub, msg));
}

static struct mu_object_sub *next_unflushed(struct mu_instance *instance)
{
	if (!loop_subs.next)
		return NULL;
	list_each (node, &loop_subs) {
		struct mu_object_sub *sub = list_entry(node, struct mu_object_sub, mine);
		if (sub->self == instance && sub->round != flush_round)
			return sub;
	}
	return NULL;
}

void object_sub_flush(struct mu_instance *instance)
{
	struct mu_object_sub *sub;

	c_assert(instance && mu_on_loop(instance));
	flush_round++;
	/* any of them may end in a callback: each is found anew */
	while ((sub = next_unflushed(instance))) {
		sub->round = flush_round;
		sub_ref(sub);
		sub_deliver(sub, SIZE_MAX);
		if (!sub->ended && sub_take(sub))
			sub_deliver(sub, SIZE_MAX);
		sub_unref(sub);
	}
}

/* ---- main: pushing ---- */

static bool sub_wants(const struct mu_object_sub *sub, const struct kind *kind)
{
	return mu_glob(sub->glob, kind->row->name);
}

/* Under the lock. */
static void sub_push(struct mu_object_sub *sub, struct change *change)
{
	list_add(&sub->queue, &change->node);
	sub_post(sub);
}

static void make_key(char key[KIND_NAME_MAX + 258], const char *kind, const char *id)
{
	c_assert(text_printf(key, KIND_NAME_MAX + 258, "%s %s", kind, id));
}

/* Under the lock: too much waits; who comes to look asks for all anew. */
static void sub_lose(struct mu_object_sub *sub)
{
	changes_free(&sub->queue);
	map_fini(&sub->newest);
	sub->lost = true;
	resyncs++;
	sub_post(sub);
}

static void sub_change(struct mu_object_sub *sub, struct change *change)
{
	char key[KIND_NAME_MAX + 258];

	make_key(key, change->kind, change->id);
	pthread_mutex_lock(&sub->lock);
	if (sub->lost) {
		change_free(change);
	} else if (sub->newest.count >= OBJECT_SUB_MAX && !map_get(&sub->newest, key)) {
		change_free(change);
		sub_lose(sub);
	} else {
		struct change *before = map_put(&sub->newest, key, change);
		if (before)
			change_free(before);
		change->newest = true;
		sub_push(sub, change);
	}
	pthread_mutex_unlock(&sub->lock);
}

void object_sub_change(struct kind *kind, const char *id, int what, uint64_t version,
		       struct object_bytes *bytes)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(kind && id && id[0]);
	list_each (node, &subs) {
		struct mu_object_sub *sub = list_entry(node, struct mu_object_sub, node);
		if (sub_wants(sub, kind))
			sub_change(sub, change_new(kind, what, id, version, bytes));
	}
}

/* Under the lock: what waits of this kind has no meaning any more. */
static void sub_forget_kind(struct mu_object_sub *sub, const char *kind)
{
	char key[KIND_NAME_MAX + 258];

	list_each_safe (node, &sub->queue) {
		struct change *change = list_entry(node, struct change, node);
		if (strcmp(change->kind, kind) != 0)
			continue;
		if (change->newest) {
			make_key(key, kind, change->id);
			map_del(&sub->newest, key);
		}
		change_free(change);
	}
}

void object_sub_reset(struct kind *kind, bool back)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(kind);
	list_each (node, &subs) {
		struct mu_object_sub *sub = list_entry(node, struct mu_object_sub, node);
		if (!sub_wants(sub, kind))
			continue;
		pthread_mutex_lock(&sub->lock);
		if (!sub->lost) {
			sub_forget_kind(sub, kind->row->name);
			sub_push(sub, change_new(kind, MU_CHANGE_RESET, "", 0, NULL));
			if (back)
				sub_push(sub, change_new(kind, MU_CHANGE_SYNCED, "", 0, NULL));
		}
		pthread_mutex_unlock(&sub->lock);
	}
}

/* Under the lock: the picture of every kind it wants. */
static void sub_snapshot(struct mu_object_sub *sub, bool anew)
{
	c_assert(loop_is_current(loop_main()));
	struct kind *kind;
	void *value;

	for (size_t at = 0; kind_next(&at, &kind);) {
		if (!sub_wants(sub, kind))
			continue;
		if (anew)
			sub_push(sub, change_new(kind, MU_CHANGE_RESET, "", 0, NULL));
		for (size_t i = 0; map_next(&kind->objects, &i, NULL, &value);) {
			const struct object *object = value;
			sub_push(sub, change_new(kind, MU_CHANGE_SNAPSHOT, object->id, object->version,
						 object->bytes));
		}
		sub_push(sub, change_new(kind, MU_CHANGE_SYNCED, "", 0, NULL));
	}
}

static void sub_resync(void *data)
{
	struct mu_object_sub *sub = data;

	pthread_mutex_lock(&sub->lock);
	if (sub->lost && list_linked(&sub->node)) {
		sub->lost = sub->asked = false;
		sub_snapshot(sub, true);
	}
	pthread_mutex_unlock(&sub->lock);
	sub_unref(sub);
}

static void sub_join(void *data)
{
	c_assert(loop_is_current(loop_main()));
	struct mu_object_sub *sub = data; /* main's reference */

	list_add(&subs, &sub->node);
	sub_count++;
	pthread_mutex_lock(&sub->lock);
	sub_snapshot(sub, false);
	pthread_mutex_unlock(&sub->lock);
}

static void sub_leave(struct mu_object_sub *sub)
{
	c_assert(loop_is_current(loop_main()));
	if (!list_linked(&sub->node))
		return;
	list_remove(&sub->node);
	c_assert(sub_count > 0);
	sub_count--;
	pthread_mutex_lock(&sub->lock);
	changes_free(&sub->queue);
	map_fini(&sub->newest);
	pthread_mutex_unlock(&sub->lock);
	sub_unref(sub);
}

static void sub_left(void *data)
{
	struct mu_object_sub *sub = data;

	sub_leave(sub);
	sub_unref(sub); /* the loop's */
}

/* Its loop: it has ended without saying so. */
static void sub_abandon(void *data)
{
	c_assert(data);
	struct mu_object_sub *sub = data;

	if (!sub->ended) {
		sub->ended = true;
		list_remove(&sub->mine);
		sub_unref(sub);
	}
	sub_unref(sub);
}

void object_sub_gone(struct mu_instance *instance)
{
	list_each_safe (node, &subs) {
		struct mu_object_sub *sub = list_entry(node, struct mu_object_sub, node);
		if (sub->self != instance)
			continue;
		/* one that was given up may still use it: what it holds stays */
		if (instance->is != INSTANCE_ABANDONED) {
			sub_ref(sub);
			loop_call(instance->loop, sub_abandon, sub);
		}
		sub_leave(sub);
	}
}

size_t object_sub_stats(uint64_t *out)
{
	*out = resyncs;
	return sub_count;
}

/* ---- the subscriber's own calls ---- */

struct mu_object_sub *mu_objects_subscribe(struct mu_instance *self, const char *kind,
					   void (*changed)(struct mu_instance *self,
							   struct mu_object_sub *sub,
							   const struct mu_change *change),
					   void *data)
{
	c_assert(self && mu_on_loop(self));
	c_assert(kind && changed);
	struct mu_object_sub *sub = mem_alloc(sizeof(*sub));

	sub->count = 2; /* the loop's and main's */
	sub->self = self;
	sub->home = mu_self_ref(self);
	sub->glob = mem_strdup(kind);
	sub->changed = changed;
	sub->data = data;
	sub->msg.run = sub_run;
	sub->msg.drop = sub_drop;
	pthread_mutex_init(&sub->lock, NULL);
	list_init(&sub->queue);
	list_init(&sub->taken);
	if (!loop_subs.next)
		list_init(&loop_subs);
	list_add(&loop_subs, &sub->mine);
	loop_call(loop_main(), sub_join, sub);
	return sub;
}

void *mu_object_sub_data(const struct mu_object_sub *sub)
{
	c_assert(sub);
	return sub->data;
}

void mu_objects_unsubscribe(struct mu_object_sub **sub)
{
	c_assert(sub);
	if (!*sub)
		return;
	c_assert(mu_on_loop((*sub)->self));
	c_assert(!(*sub)->ended);
	(*sub)->ended = true;
	list_remove(&(*sub)->mine);
	loop_call(loop_main(), sub_left, *sub);
	*sub = NULL;
}
