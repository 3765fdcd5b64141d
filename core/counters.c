/* counters: the daemon's own figures as series of the plugin "muster": muster/… of the rooms, muster-<instance>/… of each
 * instance. One batch an interval, made on main, where all of it can be read. */
#include "counters.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "batch.h"
#include "bus.h"
#include "call.h"
#include "ctl.h"
#include "daemon.h"
#include "event.h"
#include "instance.h"
#include "log.h"
#include "loader.h"
#include "log.h"
#include "loop.h"
#include "object.h"
#include "pool.h"
#include "self.h"
#include "series.h"
#include "store.h"
#include "stream.h"

static struct loop_timer tick;
static struct mu_builder *builder;

/* ---- figures: where they stand, and what they are called ---- */

struct figure {
	const char *type, *name; /* of types.db; "derive" = it only grows */
	size_t at, size;         /* in the struct it is of: an unsigned number of 4 or 8 bytes */
};
#define FIGURE(of, type, name, member)                                                                       \
	{                                                                                                    \
		type, name, offsetof(of, member), sizeof(((of *)0)->member)                                  \
	}

static void put_figures(struct mu_batch *batch, const void *of, const struct figure *figures, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct figure *f = &figures[i];
		const void *at = (const char *)of + f->at;

		c_assert(f->size == sizeof(uint64_t) || f->size == sizeof(uint32_t));
		uint64_t value = f->size == sizeof(uint64_t) ? __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED)
		                                             : __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
		if (strcmp(f->type, "derive") == 0)
			mu_derive(batch, f->type, f->name, (int64_t)value);
		else
			mu_gauge(batch, f->type, f->name, (double)value);
	}
}

/* ---- of the rooms ---- */

struct rooms {
	struct bus_stats bus;
	struct call_stats calls;
	struct object_stats objects;
	struct pool_stats pool;
	struct store_stats store;
	struct log_stats log;
	struct ctl_stats ctl;
	uint64_t series, series_refused, values_wrong, values_wrong_untold;
	uint64_t events_dropped, stream_lost, audit_lost;
};

static const struct figure room_figures[] = {
	FIGURE(struct rooms, "derive", "batches", bus.batches),
	FIGURE(struct rooms, "derive", "values", bus.values),
	FIGURE(struct rooms, "derive", "values_refused", bus.refused),
	FIGURE(struct rooms, "derive", "values_stale", bus.stale),
	FIGURE(struct rooms, "derive", "values_wrong", values_wrong),
	FIGURE(struct rooms, "derive", "values_wrong_untold", values_wrong_untold),
	FIGURE(struct rooms, "bytes", "bus_waiting", bus.waiting_bytes),
	FIGURE(struct rooms, "gauge", "series", series),
	FIGURE(struct rooms, "derive", "series_refused", series_refused),
	FIGURE(struct rooms, "derive", "events_dropped", events_dropped),
	FIGURE(struct rooms, "derive", "stream_parts_lost", stream_lost),
	FIGURE(struct rooms, "derive", "audit_lost", audit_lost),
	FIGURE(struct rooms, "derive", "calls", calls.opened),
	FIGURE(struct rooms, "derive", "calls_failed", calls.failed),
	FIGURE(struct rooms, "derive", "calls_expired", calls.expired),
	FIGURE(struct rooms, "derive", "calls_refused", calls.refused),
	FIGURE(struct rooms, "derive", "replies_late", calls.late_replies),
	FIGURE(struct rooms, "derive", "replies_wrong", calls.bugs),
	FIGURE(struct rooms, "gauge", "calls_open", calls.open),
	FIGURE(struct rooms, "derive", "object_puts", objects.puts),
	FIGURE(struct rooms, "derive", "object_puts_equal", objects.equal),
	FIGURE(struct rooms, "derive", "object_deletes", objects.deletes),
	FIGURE(struct rooms, "derive", "object_resyncs", objects.resyncs),
	FIGURE(struct rooms, "derive", "objects_refused", objects.refused),
	FIGURE(struct rooms, "derive", "object_attrs_dropped", objects.bad_attrs),
	FIGURE(struct rooms, "gauge", "object_subscriptions", objects.subscriptions),
	FIGURE(struct rooms, "gauge", "workers", pool.threads),
	FIGURE(struct rooms, "gauge", "workers_busy", pool.busy),
	FIGURE(struct rooms, "gauge", "workers_disowned", pool.disowned),
	FIGURE(struct rooms, "derive", "workers_not_started", pool.unborn),
	FIGURE(struct rooms, "queue_length", "pool", pool.waiting),
	FIGURE(struct rooms, "queue_length", "work", pool.work_waiting),
	FIGURE(struct rooms, "queue_length", "store", store.waiting),
	FIGURE(struct rooms, "derive", "store_groups", store.groups),
	FIGURE(struct rooms, "derive", "store_failed", store.failed),
	FIGURE(struct rooms, "derive", "store_refused", store.refused),
	FIGURE(struct rooms, "queue_length", "log", log.waiting),
	FIGURE(struct rooms, "derive", "log_lines", log.lines),
	FIGURE(struct rooms, "derive", "log_lost", log.lost),
	FIGURE(struct rooms, "gauge", "ctl_clients", ctl.clients),
	FIGURE(struct rooms, "derive", "ctl_clients_refused", ctl.clients_refused),
	FIGURE(struct rooms, "derive", "ctl_clients_cut", ctl.clients_cut),
	FIGURE(struct rooms, "derive", "ctl_lines_refused", ctl.lines_refused),
};

static void put_rooms(struct mu_batch *batch)
{
	struct rooms rooms = {
		.series = series_count(),
		.series_refused = series_refused(),
		.values_wrong = batch_errors(),
		.values_wrong_untold = batch_errors_untold(),
		.events_dropped = event_dropped(),
		.stream_lost = stream_lost(),
		.audit_lost = audit_lost(),
	};

	bus_stats(&rooms.bus);
	call_stats(&rooms.calls);
	object_stats(&rooms.objects);
	pool_stats(&rooms.pool);
	store_stats(&rooms.store);
	log_stats(&rooms.log);
	ctl_stats(&rooms.ctl);
	put_figures(batch, &rooms, room_figures, MU_ARRAY_LEN(room_figures));
}

static void put_loop(struct loop *loop, void *data)
{
	struct mu_batch *batch = data;
	struct loop_stats stats;
	char name[64];

	loop_stats(loop, &stats);
	snprintf(name, sizeof(name), "loop_%s", loop_name(loop));
	mu_batch_instance(batch, name);
	mu_derive(batch, "derive", "turns", (int64_t)stats.turns);
	mu_derive(batch, "derive", "messages", (int64_t)stats.messages);
	mu_derive(batch, "derive", "slow", (int64_t)stats.slow);
	mu_gauge(batch, "duration", "slowest", (double)stats.slowest_ns / 1e9);
}

static void put_rows(struct mu_batch *batch, const struct mu_instance *instance)
{
	for (size_t i = 0; i < instance->counter_count; i++) {
		const struct mu_counter *row = &instance->plugin->counters[i];
		int64_t value = mu_counter_value(instance, i);
		if (!row->type || strcmp(row->type, "derive") == 0)
			mu_derive(batch, "derive", row->name, value);
		else
			mu_gauge(batch, row->type, row->name, (double)value);
	}
}

/* ---- of an instance ---- */

static const struct figure read_figures[] = {
	FIGURE(struct mu_instance, "derive", "reads", read.reads),
	FIGURE(struct mu_instance, "derive", "read_errors", read.errors),
	FIGURE(struct mu_instance, "derive", "overruns", read.overruns),
	FIGURE(struct mu_instance, "derive", "hung", read.hung),
};
static const struct figure instance_figures[] = {
	FIGURE(struct mu_instance, "derive", "slow", slow),
	FIGURE(struct mu_instance, "derive", "work_refused", work_refused),
};
static const struct figure listener_figures[] = {
	FIGURE(struct mu_instance, "derive", "events_lost", events_lost),
};

static void put_instance(struct mu_batch *batch, const struct mu_instance *instance)
{
	mu_batch_instance(batch, instance->name);
	put_figures(batch, instance, instance_figures, MU_ARRAY_LEN(instance_figures));
	if (instance->plugin->event)
		put_figures(batch, instance, listener_figures, MU_ARRAY_LEN(listener_figures));
	if (instance->plugin->read) {
		put_figures(batch, instance, read_figures, MU_ARRAY_LEN(read_figures));
		mu_gauge(batch, "duration", "read", (double)instance->read.last_ns / 1e9);
	}
	put_rows(batch, instance);
}

static void put_sinks(struct mu_batch *batch)
{
	struct sink_stats sink;

	for (size_t at = 0; bus_sink_next(&at, &sink);) {
		mu_batch_instance(batch, sink.name);
		mu_derive(batch, "derive", "queue_written", (int64_t)sink.values);
		mu_derive(batch, "derive", "queue_lost", (int64_t)sink.lost);
		mu_gauge(batch, "bytes", "queue", (double)sink.waiting_bytes);
	}
}

/* What is published says when the next is due, so that it is not missed before. */
static mu_time tick_interval(void)
{
	mu_time interval = daemon_conf()->globals.interval;

	return interval < MU_SEC ? MU_SEC : interval;
}

void counters_publish(void)
{
	struct mu_instance *instance;
	struct mu_batch *batch = builder_begin(builder, mu_time_real(), tick_interval());

	mu_batch_plugin(batch, "muster");
	put_rooms(batch);
	loop_each(put_loop, batch);
	for (size_t at = 0; instance_next(&at, &instance);)
		if (instance->is == INSTANCE_RUNNING && instance != self_instance())
			put_instance(batch, instance);
	put_sinks(batch);
	bus_submit(batch, true); /* at overload exactly these are wanted */
}

json_t *counters_json(const struct mu_instance *instance)
{
	json_t *object = json_object();

	for (size_t i = 0; i < instance->counter_count; i++)
		json_object_set_new(object, instance->plugin->counters[i].name,
		                    json_integer((json_int_t)mu_counter_value(instance, i)));
	return object;
}

static void on_tick(struct loop_timer *timer)
{
	struct mu_instance *instance;

	loop_timer_start(loop_main(), timer, tick_interval(), on_tick);
	if (daemon_conf()->globals.internal_stats)
		counters_publish();
	for (size_t at = 0; instance_next(&at, &instance);)
		instance_changed(instance);
	self_daemon_changed();
	loader_watch();
	daemon_tick();
}

void counters_start(void)
{
	c_assert(loop_is_current(loop_main()));
	if (!builder)
		builder = builder_new(NULL, "muster");
	loop_timer_start(loop_main(), &tick, MU_SEC, on_tick);
}

void counters_stop(void)
{
	loop_timer_stop(&tick);
	if (builder)
		mu_builder_free(&builder);
}
