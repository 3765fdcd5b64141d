/* counters: the daemon's own figures as series of the plugin "muster": muster/… of the rooms, muster-<instance>/… of each
 * instance. One batch an interval, made on main, where all of it can be read. */
#include "counters.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "batch.h"
#include "bus.h"
#include "call.h"
#include "daemon.h"
#include "event.h"
#include "instance.h"
#include "loader.h"
#include "log.h"
#include "loop.h"
#include "pool.h"
#include "self.h"
#include "series.h"
#include "store.h"

static struct loop_timer tick;
static struct mu_builder *builder;

static void put_bus(struct mu_batch *batch)
{
	struct bus_stats bus;

	bus_stats(&bus);
	mu_derive(batch, "derive", "batches", (int64_t)bus.batches);
	mu_derive(batch, "derive", "values", (int64_t)bus.values);
	mu_derive(batch, "derive", "values_refused", (int64_t)bus.refused);
	mu_derive(batch, "derive", "values_stale", (int64_t)bus.stale);
	mu_gauge(batch, "bytes", "bus_waiting", (double)bus.waiting_bytes);
	mu_gauge(batch, "gauge", "series", (double)series_count());
	mu_derive(batch, "derive", "events_dropped", (int64_t)event_dropped());
}

static void put_calls(struct mu_batch *batch)
{
	struct call_stats calls;

	call_stats(&calls);
	mu_derive(batch, "derive", "calls", (int64_t)calls.opened);
	mu_derive(batch, "derive", "calls_failed", (int64_t)calls.failed);
	mu_derive(batch, "derive", "calls_expired", (int64_t)calls.expired);
	mu_derive(batch, "derive", "calls_refused", (int64_t)calls.refused);
	mu_derive(batch, "derive", "replies_late", (int64_t)calls.late_replies);
	mu_gauge(batch, "gauge", "calls_open", (double)calls.open);
}

static void put_threads(struct mu_batch *batch)
{
	struct pool_stats pool;
	struct store_stats store;
	struct log_stats lines;

	pool_stats(&pool);
	store_stats(&store);
	log_stats(&lines);
	mu_gauge(batch, "gauge", "workers", (double)pool.threads);
	mu_gauge(batch, "gauge", "workers_busy", (double)pool.busy);
	mu_gauge(batch, "gauge", "workers_disowned", (double)pool.disowned);
	mu_gauge(batch, "queue_length", "pool", (double)pool.waiting);
	mu_gauge(batch, "queue_length", "store", (double)store.waiting);
	mu_gauge(batch, "queue_length", "log", (double)lines.waiting);
	mu_derive(batch, "derive", "log_lost", (int64_t)lines.lost);
	mu_derive(batch, "derive", "store_groups", (int64_t)store.groups);
	mu_derive(batch, "derive", "store_failed", (int64_t)store.failed);
	mu_derive(batch, "derive", "store_refused", (int64_t)store.refused);
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

static void put_instance(struct mu_batch *batch, const struct mu_instance *instance)
{
	mu_batch_instance(batch, instance->name);
	if (instance->plugin->read) {
		mu_derive(batch, "derive", "reads", (int64_t)instance->read.reads);
		mu_derive(batch, "derive", "read_errors", (int64_t)instance->read.errors);
		mu_derive(batch, "derive", "overruns", (int64_t)instance->read.overruns);
		mu_gauge(batch, "duration", "read", (double)instance->read.last_ns / 1e9);
	}
	mu_derive(batch, "derive", "slow", (int64_t)__atomic_load_n(&instance->slow, __ATOMIC_RELAXED));
	put_rows(batch, instance);
}

static void put_sinks(struct mu_batch *batch)
{
	struct sink_stats sink;

	for (size_t at = 0; bus_sink_next(&at, &sink);) {
		mu_batch_instance(batch, sink.name);
		mu_derive(batch, "derive", "written", (int64_t)sink.values);
		mu_derive(batch, "derive", "lost", (int64_t)sink.lost);
		mu_gauge(batch, "bytes", "queue", (double)sink.waiting_bytes);
	}
}

void counters_publish(void)
{
	struct mu_instance *instance;
	struct mu_batch *batch = builder_begin(builder, mu_time_real(), daemon_conf()->globals.interval);

	mu_batch_plugin(batch, "muster");
	put_bus(batch);
	put_calls(batch);
	put_threads(batch);
	loop_each(put_loop, batch);
	for (size_t at = 0; instance_next(&at, &instance);)
		if (instance->is == INSTANCE_RUNNING && instance != self_instance())
			put_instance(batch, instance);
	put_sinks(batch);
	bus_submit(batch, false);
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
	mu_time interval = daemon_conf()->globals.interval;

	loop_timer_start(loop_main(), timer, interval < MU_SEC ? MU_SEC : interval, on_tick);
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
