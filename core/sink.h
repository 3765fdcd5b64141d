/* sink: one who writes: a bounded queue of batches between main, which fills it, and the loop of its owner.
 *
 * Main pushes, the owner's loop drains; the mutex ("sink", a leaf) is held for a few words at a time, never
 * in a callback. What differs between a writer and a subscription are two functions. */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include <muster/loop.h>
#include <pthread.h>

#include "base/list.h"
#include "bus.h"

struct sink {
	struct list node; /* bus.c's, main's */
	bool on_bus;      /* likewise: gets what comes, and the bus has a reference */
	uint32_t count;   /* references; atomic */
	struct mu_instance *owner; /* for main to compare; not to be looked into */
	struct mu_ref *to;
	char name[192];
	size_t limit; /* bytes */
	bool newest, quiet; /* quiet: no events */
	bool owned; /* the owner has a reference of its own */
	/* Owner's loop: hand it over. */
	void (*deliver)(struct sink *sink, struct mu_instance *self, const struct mu_batch *batch);
	/* Main, under the mutex: how many of its values are a loss to this sink? NULL = all. */
	uint64_t (*matching)(const struct sink *sink, const struct mu_batch *batch);
	void (*release)(struct sink *sink); /* after the last reference: frees it */
	bool closed; /* atomic */

	pthread_mutex_t mutex;
	const struct mu_batch **ring;
	size_t head, waiting, cap;
	size_t bytes;
	bool posted; /* the wake is under way, and holds a reference */
	bool losing; /* and the event has been told */
	int64_t lost_at;
	uint64_t batches, values, lost;
	struct mu_msg wake;
};

/* One reference. `release` must call sink_fini. */
void sink_init(struct sink *sink, struct mu_instance *owner, size_t limit, bool newest);
void sink_fini(struct sink *sink);
void sink_ref(struct sink *sink);
void sink_unref(struct sink *sink);
/* Main. Takes a reference on the batch if it is kept. An empty queue takes a batch of any size. */
void sink_push(struct sink *sink, const struct mu_batch *batch);
/* Owner's loop: hands over all that waits, at once: the last thing before the owner stops. */
void sink_drain(struct sink *sink, struct mu_instance *self);
void sink_close(struct sink *sink); /* any thread: nothing is delivered from here on */
bool sink_is_closed(const struct sink *sink);
uint64_t sink_lost(struct sink *sink);
void sink_stats(struct sink *sink, struct sink_stats *out);

struct sink *sink_new_writer(struct mu_instance *instance);

#endif
