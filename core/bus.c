/* bus: from whoever measures to whoever writes.
 *
 * One way, in three hands: any thread admits (a few atomic words), main computes rates and keeps last values,
 * and gives each sink a reference; the sinks are on their own. What waits for main is bounded in bytes: above
 * the soft limit senders are asked to stop reading their sockets, above the hard one they are refused. Reads
 * are always admitted, for there is one at a time of each instance. */
#include "bus.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "instance.h"
#include "loop.h"
#include "sink.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { AHEAD = 8 }; /* samples whose series are fetched into the cache before their turn */

struct promise {
	struct promise *next;
	struct mu_ref *to;
	struct mu_msg msg;
};

static struct list sinks; /* main's */
static struct list ended; /* main's: subscriptions whose owner is stopping and may still use its handle */
static bool running;      /* main's */
static struct bus_stats stats; /* main's; but refused and waiting_bytes, which are atomic */
static size_t soft_limit = 16 << 20, hard_limit = 64 << 20; /* atomic */

static pthread_mutex_t promises_mutex = PTHREAD_MUTEX_INITIALIZER; /* "promises": a leaf */
static struct promise *promises;                                   /* one an instance at most */
static size_t promise_count; /* atomic, so that main need not lock for each batch */

/* ---- room ---- */

static void promise_free(struct promise *promise)
{
	c_assert(promise && promise->to);
	mu_ref_unref(&promise->to);
	free(promise);
}

static void promise_run(struct mu_instance *self, struct mu_msg *msg)
{
	promise_free(container_of(msg, struct promise, msg));
	if (self->room)
		self->room(self);
}

static void promise_drop(struct mu_msg *msg)
{
	promise_free(container_of(msg, struct promise, msg));
}

static bool has_room(void)
{
	return __atomic_load_n(&stats.waiting_bytes, __ATOMIC_SEQ_CST) <=
	       __atomic_load_n(&soft_limit, __ATOMIC_RELAXED) / 2;
}

static void promises_keep(void)
{
	pthread_mutex_lock(&promises_mutex);
	struct promise *list = promises;
	promises = NULL;
	__atomic_store_n(&promise_count, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&promises_mutex);
	while (list) {
		struct promise *next = list->next;
		mu_post(list->to, &list->msg);
		list = next;
	}
}

void bus_promise_room(struct mu_instance *self)
{
	c_assert(self && self->ref);
	pthread_mutex_lock(&promises_mutex);
	struct promise *promise = promises;
	while (promise && promise->to != self->ref)
		promise = promise->next;
	if (!promise) {
		promise = mem_alloc(sizeof(*promise));
		promise->to = mu_self_ref(self);
		promise->msg.run = promise_run;
		promise->msg.drop = promise_drop;
		promise->next = promises;
		promises = promise;
		__atomic_add_fetch(&promise_count, 1, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&promises_mutex);
	if (has_room()) /* main may have been through before the promise stood in the list */
		promises_keep();
}

void mu_on_room(struct mu_instance *self, void (*room)(struct mu_instance *self))
{
	c_assert(self);
	self->room = room;
}

/* ---- main's hand ---- */

/* A series that timed out while its sample was on the way: the sample goes to the one that stands for it
 * now. */
static bool sample_relink(struct mu_sample *sample, double *rates)
{
	struct mu_series *series = series_relink(sample->series);

	if (series) {
		sample->series = series;
		return true;
	}
	sample->flags |= MU_SAMPLE_STALE;
	for (size_t i = 0; i < sample->count; i++)
		rates[i] = NAN;
	return false;
}

static void batch_measure(struct mu_batch *batch)
{
	int64_t now = clock_mono();
	double *rates = batch->rates;

	for (size_t i = 0; i < batch->sample_count; i++) {
		struct mu_sample *sample = &batch->head.samples[i];
		if (i + AHEAD < batch->sample_count)
			__builtin_prefetch(&batch->head.samples[i + AHEAD].series->time, 1);
		c_assert(sample->rates == rates);
		if (!series_is_unlinked(sample->series) || sample_relink(sample, rates))
			series_update(sample, rates, now);
		stats.stale += sample->flags & MU_SAMPLE_STALE ? 1 : 0;
		rates += sample->count;
	}
}

static void bus_arrive(struct mu_instance *none, struct mu_msg *msg)
{
	struct mu_batch *batch = container_of(msg, struct mu_batch, msg);
	const struct mu_batch *done = batch;
	size_t bytes = batch->bytes;

	c_assert(!none);
	if (running) {
		batch_measure(batch);
		stats.batches++;
		stats.values += batch->sample_count;
		list_each (node, &sinks)
			sink_push(list_entry(node, struct sink, node), batch);
	}
	mu_batch_unref(&done);
	size_t before = __atomic_fetch_sub(&stats.waiting_bytes, bytes, __ATOMIC_SEQ_CST);
	c_assert(before >= bytes);
	if (__atomic_load_n(&promise_count, __ATOMIC_SEQ_CST) && has_room())
		promises_keep();
}

/* ---- anyone's hand ---- */

int bus_submit(struct mu_batch *batch, bool force)
{
	const struct mu_batch *refused = batch;

	c_assert(batch);
	if (batch->sample_count == 0) {
		mu_batch_unref(&refused);
		return 0;
	}
	batch_finish(batch);
	size_t waiting = __atomic_add_fetch(&stats.waiting_bytes, batch->bytes, __ATOMIC_SEQ_CST);
	if (!force && waiting > __atomic_load_n(&hard_limit, __ATOMIC_RELAXED)) {
		__atomic_sub_fetch(&stats.waiting_bytes, batch->bytes, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&stats.refused, batch->sample_count, __ATOMIC_RELAXED);
		mu_batch_unref(&refused);
		return -ENOBUFS;
	}
	batch->msg = (struct mu_msg){ .run = bus_arrive };
	loop_post(loop_main(), &batch->msg);
	return !force && waiting > __atomic_load_n(&soft_limit, __ATOMIC_RELAXED) ? 1 : 0;
}

void bus_limits(size_t soft, size_t hard)
{
	c_assert(soft > 0 && soft <= hard);
	__atomic_store_n(&soft_limit, soft, __ATOMIC_RELAXED);
	__atomic_store_n(&hard_limit, hard, __ATOMIC_RELAXED);
}

/* ---- sinks ---- */

void bus_add_sink(struct sink *sink)
{
	c_assert(sink && !list_linked(&sink->node));
	c_assert(!sink->on_bus);
	if (running) {
		list_add(&sinks, &sink->node);
		sink->on_bus = true;
		stats.sinks++;
	} else {
		sink_close(sink);
		sink_unref(sink);
	}
}

/* Nothing more comes to it. True when it was on the bus: then the bus's reference is the caller's. */
static bool sink_take(struct sink *sink)
{
	bool was = sink->on_bus;

	list_remove(&sink->node);
	sink->on_bus = false;
	c_assert(!was || stats.sinks > 0);
	stats.sinks -= was;
	return was;
}

void bus_remove_sink(struct sink *sink)
{
	c_assert(sink);
	sink_close(sink);
	if (sink_take(sink))
		sink_unref(sink);
}

void bus_add_writer(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	bus_add_sink(sink_new_writer(instance));
}

struct sink *bus_take_writer(struct mu_instance *instance)
{
	c_assert(instance);
	c_assert(loop_is_current(loop_main()));
	if (!running)
		return NULL;
	list_each (node, &sinks) {
		struct sink *sink = list_entry(node, struct sink, node);
		if (sink->owner != instance || sink->owned)
			continue;
		c_assert(sink_take(sink));
		return sink;
	}
	return NULL;
}

void bus_drain_writer(struct mu_instance *self, struct sink *sink)
{
	c_assert(self && sink);
	c_assert(!sink->on_bus);
	if (!self->stop_said) /* else nothing of it runs any more */
		sink_drain(sink, self);
	sink_close(sink);
	sink_unref(sink);
}

void bus_instance_gone(struct mu_instance *instance)
{
	c_assert(instance);
	c_assert(loop_is_current(loop_main()));
	if (!running)
		return;
	list_each_safe (node, &sinks) {
		struct sink *sink = list_entry(node, struct sink, node);
		if (sink->owner != instance)
			continue;
		bool owned = sink->owned;
		bus_remove_sink(sink);
		if (owned)
			list_add(&ended, &sink->node);
	}
	if (instance->is == INSTANCE_STARTING || instance->is == INSTANCE_RUNNING ||
	    instance->is == INSTANCE_STOPPING)
		return;
	list_each_safe (node, &ended) {
		struct sink *sink = list_entry(node, struct sink, node);
		if (sink->owner != instance)
			continue;
		list_remove(&sink->node);
		/* what an abandoned one still does with its handle must not hit freed memory */
		if (instance->is != INSTANCE_ABANDONED)
			sink_unref(sink);
	}
}

bool bus_sink_next(size_t *at, struct sink_stats *out)
{
	size_t i = 0;

	c_assert(at && out);
	if (!running)
		return false;
	list_each (node, &sinks) {
		if (i++ < *at)
			continue;
		sink_stats(list_entry(node, struct sink, node), out);
		(*at)++;
		return true;
	}
	return false;
}

void bus_stats(struct bus_stats *out)
{
	c_assert(out);
	*out = (struct bus_stats){
		.batches = stats.batches, .values = stats.values, .stale = stats.stale, .sinks = stats.sinks
	};
	out->refused = __atomic_load_n(&stats.refused, __ATOMIC_RELAXED);
	out->waiting_bytes = __atomic_load_n(&stats.waiting_bytes, __ATOMIC_RELAXED);
}

/* ---- life ---- */

void bus_init(void)
{
	c_assert(!running);
	list_init(&sinks);
	list_init(&ended);
	running = true;
}

void bus_fini(void)
{
	c_assert(running);
	running = false;
	while (!list_empty(&sinks))
		bus_remove_sink(list_entry(sinks.next, struct sink, node));
	while (list_pop(&ended))
		; /* of those that never said they had stopped */
	pthread_mutex_lock(&promises_mutex);
	struct promise *list = promises;
	promises = NULL;
	promise_count = 0;
	pthread_mutex_unlock(&promises_mutex);
	while (list) {
		struct promise *next = list->next;
		promise_free(list);
		list = next;
	}
	size_t waiting = stats.waiting_bytes; /* batches that main has yet to meet */
	stats = (struct bus_stats){ .waiting_bytes = waiting };
}
