/* sink: the queue of one who writes.
 *
 * Only main pushes, so a queue that is looked at, left for a moment and looked at again can only have become
 * shorter. A drain hands over a bounded share and posts itself again, so that a long queue does not hold up
 * its loop. */
#include "sink.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "event.h"
#include "instance.h"

#include <stdlib.h>

enum { WRITE_LIMIT = 16 << 20, DRAIN_BYTES = 1 << 20, RING_FIRST = 8 };
#define RECOVERED_NS (10 * MU_SEC) /* so long without a loss */

static void sink_wake_run(struct mu_instance *self, struct mu_msg *msg);
static void sink_wake_drop(struct mu_msg *msg);

void sink_init(struct sink *sink, struct mu_instance *owner, size_t limit, bool newest)
{
	c_assert(sink && owner);
	c_assert(owner->ref);
	sink->count = 1;
	sink->owner = owner;
	sink->to = mu_self_ref(owner);
	sink->limit = limit;
	sink->newest = newest;
	sink->wake.run = sink_wake_run;
	sink->wake.drop = sink_wake_drop;
	c_assert(pthread_mutex_init(&sink->mutex, NULL) == 0);
}

void sink_ref(struct sink *sink)
{
	c_assert(__atomic_fetch_add(&sink->count, 1, __ATOMIC_RELAXED) > 0);
}

void sink_unref(struct sink *sink)
{
	uint32_t before = __atomic_fetch_sub(&sink->count, 1, __ATOMIC_ACQ_REL);

	c_assert(before > 0);
	if (before == 1)
		sink->release(sink);
}

void sink_close(struct sink *sink)
{
	__atomic_store_n(&sink->closed, true, __ATOMIC_RELEASE);
}

bool sink_is_closed(const struct sink *sink)
{
	return __atomic_load_n(&sink->closed, __ATOMIC_ACQUIRE);
}

/* ---- the ring; under the mutex ---- */

static void ring_put(struct sink *sink, const struct mu_batch *batch)
{
	if (sink->waiting == sink->cap) {
		size_t cap = sink->cap ? sink->cap * 2 : RING_FIRST;
		const struct mu_batch **ring = mem_array(cap, sizeof(*ring));
		for (size_t i = 0; i < sink->waiting; i++)
			ring[i] = sink->ring[(sink->head + i) & (sink->cap - 1)];
		free(sink->ring);
		sink->ring = ring;
		sink->cap = cap;
		sink->head = 0;
	}
	sink->ring[(sink->head + sink->waiting++) & (sink->cap - 1)] = batch;
	sink->bytes += batch->bytes;
}

static const struct mu_batch *ring_pop(struct sink *sink)
{
	if (sink->waiting == 0)
		return NULL;
	const struct mu_batch *batch = sink->ring[sink->head];
	sink->head = (sink->head + 1) & (sink->cap - 1);
	sink->waiting--;
	c_assert(sink->bytes >= batch->bytes);
	sink->bytes -= batch->bytes;
	return batch;
}

static void ring_empty(struct sink *sink)
{
	const struct mu_batch *batch, *victim;

	do {
		pthread_mutex_lock(&sink->mutex);
		batch = ring_pop(sink);
		pthread_mutex_unlock(&sink->mutex);
		victim = batch;
		mu_batch_unref(&victim);
	} while (batch);
}

void sink_fini(struct sink *sink)
{
	c_assert(sink->count == 0);
	ring_empty(sink);
	free(sink->ring);
	mu_ref_unref(&sink->to);
	pthread_mutex_destroy(&sink->mutex);
}

/* ---- main's side ---- */

/* Counts a batch that this sink will not see. True when it is the first loss after a good time. */
static bool sink_lose(struct sink *sink, const struct mu_batch *batch)
{
	bool first = !sink->losing;

	sink->lost += sink->matching ? sink->matching(sink, batch) : batch->sample_count;
	sink->losing = true;
	sink->lost_at = clock_mono();
	return first;
}

void sink_push(struct sink *sink, const struct mu_batch *batch)
{
	bool full = true, told = false, wake = false;

	c_assert(batch->bytes > 0);
	if (sink_is_closed(sink))
		return;
	while (full) {
		const struct mu_batch *oldest = NULL;
		pthread_mutex_lock(&sink->mutex);
		full = sink->waiting > 0 && sink->bytes + batch->bytes > sink->limit;
		if (full && sink->newest)
			oldest = ring_pop(sink);
		if (full) {
			told |= sink_lose(sink, oldest ? oldest : batch);
		} else {
			ring_put(sink, mu_batch_ref(batch));
			wake = !sink->posted;
			sink->posted = true;
		}
		pthread_mutex_unlock(&sink->mutex);
		if (!oldest)
			break;
		mu_batch_unref(&oldest);
	}
	if (told && !sink->quiet)
		event_core(MU_WARNING,
			   "%s does not keep up: its queue of %zu KiB is full, and values are lost to it",
			   sink->name, sink->limit >> 10);
	if (wake) {
		sink_ref(sink);
		mu_post(sink->to, &sink->wake);
	}
}

uint64_t sink_lost(struct sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	uint64_t lost = sink->lost;
	pthread_mutex_unlock(&sink->mutex);
	return lost;
}

void sink_stats(struct sink *sink, struct sink_stats *out)
{
	c_assert(out);
	pthread_mutex_lock(&sink->mutex);
	*out = (struct sink_stats){ .name = sink->name,
				    .batches = sink->batches,
				    .values = sink->values,
				    .lost = sink->lost,
				    .waiting_bytes = sink->bytes,
				    .limit = sink->limit };
	pthread_mutex_unlock(&sink->mutex);
}

/* ---- the owner's side ---- */

/* The next to hand over. NULL when there is none; for a wake this means that it is no longer under way. */
static const struct mu_batch *sink_pop(struct sink *sink, bool wake)
{
	pthread_mutex_lock(&sink->mutex);
	c_assert(!wake || sink->posted);
	const struct mu_batch *batch = ring_pop(sink);
	if (batch) {
		sink->batches++;
		sink->values += batch->sample_count;
	} else if (wake) {
		sink->posted = false;
	}
	pthread_mutex_unlock(&sink->mutex);
	return batch;
}

static size_t sink_hand_over(struct sink *sink, struct mu_instance *self, const struct mu_batch *batch)
{
	size_t bytes = batch->bytes;

	if (!sink_is_closed(sink))
		sink->deliver(sink, self, batch);
	mu_batch_unref(&batch);
	return bytes;
}

void sink_drain(struct sink *sink, struct mu_instance *self)
{
	const struct mu_batch *batch;

	c_assert(self == sink->owner && mu_on_loop(self));
	while ((batch = sink_pop(sink, false)) != NULL)
		sink_hand_over(sink, self, batch);
}

static void sink_recover(struct sink *sink)
{
	uint64_t lost = 0;

	pthread_mutex_lock(&sink->mutex);
	if (sink->losing && sink->bytes <= sink->limit / 2 && clock_mono() - sink->lost_at >= RECOVERED_NS) {
		sink->losing = false;
		lost = sink->lost;
	}
	pthread_mutex_unlock(&sink->mutex);
	if (lost && !sink->quiet)
		event_core(MU_OKAY, "%s keeps up again; %" PRIu64 " values were lost to it since it began",
			   sink->name, lost);
}

static void sink_wake_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct sink *sink = container_of(msg, struct sink, wake);
	const struct mu_batch *batch = NULL;
	size_t done = 0;

	c_assert(self == sink->owner);
	while (done < DRAIN_BYTES && (batch = sink_pop(sink, true)) != NULL)
		done += sink_hand_over(sink, self, batch);
	sink_recover(sink);
	if (done >= DRAIN_BYTES)
		mu_post(sink->to, &sink->wake); /* with the reference it came with */
	else
		sink_unref(sink);
}

static void sink_wake_drop(struct mu_msg *msg)
{
	struct sink *sink = container_of(msg, struct sink, wake);

	sink_close(sink);
	ring_empty(sink);
	sink_unref(sink); /* posted stays true: nobody is there to be woken */
}

/* ---- a plugin's `write` ---- */

static void writer_deliver(struct sink *sink, struct mu_instance *self, const struct mu_batch *batch)
{
	c_assert(sink->owner == self);
	self->plugin->write(self, batch);
}

static void writer_release(struct sink *sink)
{
	sink_fini(sink);
	free(sink);
}

struct sink *sink_new_writer(struct mu_instance *instance)
{
	struct sink *sink = mem_alloc(sizeof(*sink));
	const struct mu_plugin *plugin = instance->plugin;

	c_assert(plugin && plugin->write);
	sink_init(sink, instance, plugin->write_limit ? plugin->write_limit : WRITE_LIMIT,
		  plugin->write_newest);
	text_copy(sink->name, sizeof(sink->name), instance->name);
	sink->deliver = writer_deliver;
	sink->release = writer_release;
	return sink;
}
