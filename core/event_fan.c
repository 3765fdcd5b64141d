/* event_fan: who is told of an event: plugins with an `event` callback, and callers of event.follow.
 *
 * Each has a bounded queue of its own. A plugin that does not keep up loses the newest, counted; a follower has a
 * stream (stream.h), and is told how many it lost. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "event.h"
#include "event_node.h"
#include "instance.h"
#include "log.h"
#include "loop.h"
#include "stream.h"

enum { LISTENER_MAX = 1000, FOLLOWER_MAX = 1000, FOLLOWER_BYTES = 1 << 20 };

struct listener {
	struct list node;
	struct mu_instance *instance; /* compared only */
	struct mu_ref *ref;
	uint32_t count;   /* references: the list's, and one a message under way; atomic */
	uint32_t waiting; /* atomic */
	bool told;        /* that it loses events */
};

struct follower {
	struct list node;
	struct mu_instance *owner; /* of the call; compared only */
	struct mu_call *call;
	const struct event_follow_args *args; /* the call's */
};

static struct list listeners = { &listeners, &listeners };
static struct list followers = { &followers, &followers };
static uint64_t dropped; /* main's */

uint64_t event_fan_dropped(void)
{
	return __atomic_load_n(&dropped, __ATOMIC_RELAXED);
}

static void count_drop(void)
{
	__atomic_add_fetch(&dropped, 1, __ATOMIC_RELAXED);
}

/* ---- plugins ---- */

struct telling {
	struct mu_msg msg;
	struct listener *listener;
	struct event_node *node;
};

static void listener_unref(struct listener *listener)
{
	if (__atomic_sub_fetch(&listener->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	mu_ref_unref(&listener->ref);
	free(listener);
}

static void telling_free(struct telling *telling)
{
	__atomic_sub_fetch(&telling->listener->waiting, 1, __ATOMIC_RELAXED);
	listener_unref(telling->listener);
	event_node_unref(&telling->node);
	free(telling);
}

static void telling_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct telling *telling = MU_CONTAINER(msg, struct telling, msg);

	c_assert(self->plugin->event);
	self->plugin->event(self, &telling->node->event);
	telling_free(telling);
}

static void telling_drop(struct mu_msg *msg)
{
	telling_free(MU_CONTAINER(msg, struct telling, msg));
}

static void listener_tell(struct listener *listener, struct event_node *node)
{
	if (__atomic_load_n(&listener->waiting, __ATOMIC_RELAXED) >= LISTENER_MAX) {
		count_drop();
		listener->instance->events_lost++;
		if (!listener->told)
			log_line(MU_LOG_WARNING, "core", "%s does not keep up with events: it misses some",
				 listener->instance->name);
		listener->told = true;
		return;
	}
	listener->told = false;
	struct telling *telling = mem_alloc(sizeof(*telling));
	telling->msg.run = telling_run;
	telling->msg.drop = telling_drop;
	telling->listener = listener;
	telling->node = event_node_ref(node);
	__atomic_add_fetch(&listener->count, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&listener->waiting, 1, __ATOMIC_RELAXED);
	mu_post(listener->ref, &telling->msg);
}

void event_add_listener(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()) && instance->plugin->event);
	struct listener *listener = mem_alloc(sizeof(*listener));
	listener->instance = instance;
	listener->ref = mu_self_ref(instance);
	listener->count = 1;
	list_add(&listeners, &listener->node);
}

/* ---- followers ---- */

static void follower_free(struct follower *follower)
{
	list_remove(&follower->node);
	free(follower);
}

/* The caller is gone, and so is the follower after this. */
static void follower_end(struct follower *follower)
{
	struct mu_call *call = follower->call;
	follower_free(follower);
	mu_reply(call, NULL);
}

static void follower_gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	follower_end(mu_call_data(call));
}

static bool follower_wants(const struct follower *follower, const struct mu_event *event)
{
	const struct event_follow_args *args = follower->args;
	return event->severity <= 1U << args->severity &&
	       (!args->plugin || mu_glob(args->plugin, event->plugin));
}

/* false: the caller is gone, and so is the follower. */
static bool follower_tell(struct follower *follower, const struct mu_event *event)
{
	if (!follower_wants(follower, event) || stream_send(follower->call, event_json(event)) == 0)
		return true;
	follower_end(follower);
	return false;
}

/* The newest `recent` of those that it wants, the oldest of them first. */
static void follower_recent(struct follower *follower, int64_t recent)
{
	const struct event_node *node;
	int64_t found = 0;
	size_t at = 0;

	while (found < recent && (node = event_ring_at(at))) {
		at++;
		found += follower_wants(follower, &node->event);
	}
	while (at-- > 0)
		if (!follower_tell(follower, &event_ring_at(at)->event))
			return;
}

void event_follow(struct mu_instance *self, struct mu_call *call)
{
	c_assert(loop_is_current(loop_main()));
	struct follower *follower = mem_alloc(sizeof(*follower));
	follower->owner = self;
	follower->call = call;
	follower->args = mu_call_args(call);
	c_assert(follower->args);
	list_add(&followers, &follower->node);
	mu_call_set_data(call, follower);
	mu_call_on_gone(call, follower_gone);
	stream_open(call, FOLLOWER_MAX, FOLLOWER_BYTES);
	follower_recent(follower, follower->args->recent);
}

/* ---- everybody ---- */

void event_fan_out(struct event_node *node)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(node->event.number > 0);
	list_each (at, &listeners)
		listener_tell(list_entry(at, struct listener, node), node);
	list_each_safe (at, &followers)
		follower_tell(list_entry(at, struct follower, node), &node->event);
}

void event_instance_gone(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	list_each_safe (at, &listeners) {
		struct listener *listener = list_entry(at, struct listener, node);
		if (listener->instance != instance)
			continue;
		list_remove(&listener->node);
		listener_unref(listener);
	}
	/* one that is stopping still hears from its calls; later they are no more */
	list_each_safe (at, &followers) {
		struct follower *follower = list_entry(at, struct follower, node);
		if (follower->owner == instance && instance->is != INSTANCE_STOPPING)
			follower_free(follower);
	}
	event_store_close(instance);
}

void event_fan_fini(void)
{
	list_each_safe (at, &followers)
		follower_free(list_entry(at, struct follower, node));
	list_each_safe (at, &listeners) {
		struct listener *listener = list_entry(at, struct listener, node);
		list_remove(&listener->node);
		listener_unref(listener);
	}
}
