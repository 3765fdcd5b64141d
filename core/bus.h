/* bus: batches from anywhere to everybody who writes them, each through a queue of its own.
 *
 * All batches pass the main loop, which computes rates and keeps last values; then each sink gets a
 * reference. A sink that is full loses what comes (or, newest-wins, what waits): counted, told once in an
 * event, and nobody else's trouble. */
#ifndef CORE_BUS_H
#define CORE_BUS_H

#include <muster/value.h>

#include "batch.h"

struct mu_instance;
struct sink;
struct sink;

void bus_init(void); /* main loop */
void bus_fini(void);
/* Any thread; takes the batch, which is finished here. As mu_batch_send: 0, 1, -ENOBUFS. `force` (reads):
 * never refused. */
int bus_submit(struct mu_batch *batch, bool force);
/* Any thread: submit returned 1 to this instance; its `room` is called once the backlog is half of soft or
 * less. */
void bus_promise_room(struct mu_instance *self);
/* Main loop. */
void bus_add_writer(struct mu_instance *instance);    /* has a `write` */
/* The writer's queue, off the bus: nothing more comes to it, and what waits is the owner's loop to drain.
 * NULL: none. */
struct sink *bus_take_writer(struct mu_instance *instance);
/* Owner's loop: hands over what waits, and lets go of it. */
void bus_drain_writer(struct mu_instance *self, struct sink *sink);
/* Writer and subscriptions. While it is stopping the handles stay good; called again once it has stopped. */
void bus_instance_gone(struct mu_instance *instance);
/* Bytes admitted and not yet fanned out; above `soft` senders are asked to stop reading, above `hard`
 * refused. */
void bus_limits(size_t soft, size_t hard); /* 16 MiB, 64 MiB */
struct bus_stats {
	uint64_t batches, values, refused, stale; /* refused and stale in values */
	size_t waiting_bytes, sinks;
};
void bus_stats(struct bus_stats *out); /* main loop */
struct sink_stats {
	const char *name;
	uint64_t batches, values, lost; /* handed over; lost in values */
	size_t waiting_bytes, limit;
};
bool bus_sink_next(size_t *at, struct sink_stats *out); /* main loop */

/* ---- between bus.c and value_sub.c; main loop ---- */
void bus_add_sink(struct sink *sink); /* takes the reference */
void bus_remove_sink(struct sink *sink);

#endif
