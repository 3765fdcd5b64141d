/* test_bus: from a builder through main to writers and subscriptions: rates on the way, both kinds of full
 * queue, who is told to wait and to go on, and what becomes of those who have ended. */
#include "bus.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "fake_core.h"
#include "instance.h"
#include "loop.h"
#include "types.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW (1700000000 * MU_SEC)

/* A writer that notes down what it gets. */
struct writer {
	struct mu_instance instance;
	struct mu_plugin plugin;
	struct str got; /* "name=rate " of each */
	size_t batches, values, turns_of_room;
	mu_time newest;
	uint64_t mixed_up; /* values that came before one that was sent earlier */
};

static struct mu_builder *builder;

static void write_down(struct mu_instance *self, const struct mu_batch *batch)
{
	struct writer *writer = container_of(self, struct writer, instance);

	writer->batches++;
	for (size_t i = 0; i < mu_batch_count(batch); i++) {
		const struct mu_sample *sample = mu_batch_sample(batch, i);
		writer->values++;
		writer->newest = sample->time;
		if (writer->got.len < 4096)
			str_printf(&writer->got, "%s=%g ", mu_series_name(sample->series),
			           sample->rates[0]);
	}
}

static struct writer *writer_new(const char *name, struct loop *loop)
{
	struct writer *writer = mem_alloc(sizeof(*writer));

	writer->plugin = (struct mu_plugin)MU_PLUGIN_INIT(writer, .write = write_down);
	writer->instance.plugin = &writer->plugin;
	text_copy(writer->instance.name, sizeof(writer->instance.name), name);
	writer->instance.interval = 10 * MU_SEC;
	writer->instance.loop = loop;
	writer->instance.ref = ref_new(loop, &writer->instance);
	writer->instance.is = INSTANCE_RUNNING;
	return writer;
}

static size_t turn(void)
{
	return loop_turn(loop_main());
}

/* As an instance ends that lives on main. */
static void writer_end(struct writer **writer)
{
	ref_end((*writer)->instance.ref);
	(*writer)->instance.is = INSTANCE_STOPPED;
	bus_instance_gone(&(*writer)->instance);
	while (turn() > 0)
		;
	mu_ref_unref(&(*writer)->instance.ref);
	str_fini(&(*writer)->got);
	free(*writer);
	*writer = NULL;
}

static const char *got(struct writer *writer)
{
	static char text[4200];

	text_copy(text, sizeof(text), str_text(&writer->got));
	str_clear(&writer->got);
	return text;
}

static int setup(void **state)
{
	(void)state;
	fake_types("gauge value:GAUGE:U:U\npercent value:GAUGE:0:100.1\ncpu value:DERIVE:0:U\n"
	           "load s:GAUGE:0:5000, m:GAUGE:0:5000, l:GAUGE:0:5000\n");
	clock_hold(1000 * MU_SEC, NOW);
	series_init("here");
	loop_main_init();
	bus_init();
	builder = builder_new(NULL, "core");
	fake_event = (struct fake_told){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mu_builder_free(&builder);
	bus_limits(16 << 20, 64 << 20);
	bus_fini();
	assert_int_equal(loop_stop_all(5 * MU_SEC), 0);
	loop_main_fini();
	series_fini();
	types_fini();
	clock_release();
	return 0;
}

/* One batch of so many gauges, all of one second. */
static int send_gauges(const char *instance, size_t count, bool force)
{
	struct mu_batch *batch = builder_begin(builder, clock_real(), 10 * MU_SEC);

	clock_advance(MU_MS);
	mu_batch_instance(batch, instance);
	for (size_t i = 0; i < count; i++) {
		char name[16];
		text_printf(name, sizeof(name), "%zu", i);
		assert_int_equal(mu_gauge(batch, "gauge", name, (double)i), 0);
	}
	return bus_submit(batch, force);
}

static int send_cpu(int64_t value)
{
	struct mu_batch *batch = builder_begin(builder, clock_real(), 10 * MU_SEC);

	assert_int_equal(mu_derive(batch, "cpu", "user", value), 0);
	return bus_submit(batch, true);
}

static struct sink_stats sink(size_t at)
{
	struct sink_stats stats = { 0 };

	assert_true(bus_sink_next(&at, &stats));
	return stats;
}

/* ---- the way ---- */

static void values_reach_every_writer_with_rates(void **state)
{
	struct writer *a = writer_new("a", loop_main()), *b = writer_new("b", loop_main());
	struct bus_stats stats;
	struct mu_last last;
	struct mu_series *series;

	(void)state;
	bus_add_writer(&a->instance);
	bus_add_writer(&b->instance);
	send_cpu(1000);
	assert_string_equal(got(a), "");
	bus_stats(&stats);
	assert_true(stats.waiting_bytes > 0);
	turn(); /* main */
	turn(); /* the writers */
	assert_string_equal(got(a), "here/core/cpu-user=nan ");
	assert_string_equal(got(b), "here/core/cpu-user=nan ");
	clock_advance(10 * MU_SEC);
	send_cpu(1500);
	turn();
	turn();
	assert_string_equal(got(a), "here/core/cpu-user=50 ");
	assert_int_equal(series_parse("here/core/cpu-user", NULL, &series, false, NULL), 0);
	assert_int_equal(mu_series_last(series, &last), 0);
	assert_float_equal(last.rates[0], 50, 0);
	mu_series_unref(&series);

	bus_stats(&stats);
	assert_int_equal(stats.batches, 2);
	assert_int_equal(stats.values, 2);
	assert_int_equal(stats.waiting_bytes, 0);
	assert_int_equal(stats.sinks, 2);
	assert_string_equal(sink(1).name, "b");
	assert_int_equal(sink(1).values, 2);
	assert_int_equal(sink(1).lost, 0);
	assert_int_equal(sink(1).limit, 16 << 20);
	size_t at = 2;
	struct sink_stats none;
	assert_false(bus_sink_next(&at, &none));
	writer_end(&a);
	writer_end(&b);
	bus_stats(&stats);
	assert_int_equal(stats.sinks, 0);
}

static void an_empty_batch_goes_nowhere(void **state)
{
	struct bus_stats stats;

	(void)state;
	assert_int_equal(bus_submit(builder_begin(builder, NOW, MU_SEC), false), 0);
	assert_int_equal(turn(), 0);
	bus_stats(&stats);
	assert_int_equal(stats.batches, 0);
}

static void a_stale_sample_is_marked_and_counted(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct bus_stats stats;

	(void)state;
	bus_add_writer(&a->instance);
	send_cpu(10);
	send_cpu(20); /* the clock stands still */
	turn();
	turn();
	assert_string_equal(got(a), "here/core/cpu-user=nan here/core/cpu-user=nan ");
	bus_stats(&stats);
	assert_int_equal(stats.stale, 1);
	writer_end(&a);
}

static void an_unlinked_series_is_replaced_on_the_way(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct mu_series *old, *now;

	(void)state;
	bus_add_writer(&a->instance);
	send_cpu(10);
	turn();
	assert_int_equal(series_parse("here/core/cpu-user", NULL, &old, false, NULL), 0);
	clock_advance(20 * MU_SEC);
	send_cpu(20); /* with the old handle, which times out meanwhile */
	series_expire(clock_mono(), NULL, NULL);
	assert_true(series_is_unlinked(old));
	turn();
	turn();
	assert_int_equal(series_parse("here/core/cpu-user", NULL, &now, false, NULL), 0);
	assert_ptr_not_equal(old, now);
	struct mu_last last;
	assert_int_equal(mu_series_last(now, &last), 0);
	assert_int_equal(last.values[0].derive, 20);
	assert_int_equal(mu_series_last(old, &last), 0);
	assert_int_equal(last.values[0].derive, 10);
	assert_string_equal(got(a), "here/core/cpu-user=nan here/core/cpu-user=nan ");
	mu_series_unref(&old);
	mu_series_unref(&now);
	writer_end(&a);
}

static void a_series_whose_type_has_changed_meanwhile(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct mu_series *now;
	struct bus_stats stats;

	(void)state;
	bus_add_writer(&a->instance);
	send_cpu(10);
	turn();
	clock_advance(20 * MU_SEC);
	send_cpu(20);
	series_expire(clock_mono(), NULL, NULL);
	fake_types("cpu a:GAUGE:0:U, b:GAUGE:0:U\n");
	assert_int_equal(series_parse("here/core/cpu-user", NULL, &now, true, NULL), 0);
	assert_int_equal(mu_series_type(now)->count, 2);
	turn();
	turn();
	bus_stats(&stats);
	assert_int_equal(stats.stale, 1);
	struct mu_last last;
	assert_true(mu_series_last(now, &last) > 0);
	mu_series_unref(&now);
	writer_end(&a);
}

/* ---- full queues ---- */

static void a_full_queue_refuses_what_comes(void **state)
{
	struct writer *slow = writer_new("slow", loop_main()), *other = writer_new("other", loop_main());

	(void)state;
	slow->plugin.write_limit = 10000;
	bus_add_writer(&slow->instance);
	bus_add_writer(&other->instance);
	for (int i = 0; i < 50; i++)
		send_gauges("x", 10, true);
	turn(); /* main fills the queues before any writer has its turn */
	struct sink_stats stats = sink(0);
	assert_true(stats.lost > 0 && stats.lost < 500);
	assert_true(stats.waiting_bytes <= 10000);
	assert_int_equal(fake_event.count, 1);
	assert_int_equal(fake_event.level, MU_WARNING);
	assert_non_null(strstr(fake_event.words, "slow"));
	turn();
	assert_int_equal(slow->values, 500 - stats.lost);
	assert_int_equal(slow->newest, NOW + (mu_time)(slow->batches - 1) * MU_MS); /* the first ones */
	assert_int_equal(other->values, 500); /* nobody else's trouble */
	assert_int_equal(sink(1).lost, 0);

	/* it loses again: no second event; it has had no loss for ten seconds: one that says so */
	for (int i = 0; i < 50; i++)
		send_gauges("x", 10, true);
	turn();
	turn();
	assert_int_equal(fake_event.count, 1);
	uint64_t lost = sink(0).lost;
	clock_advance(9 * MU_SEC);
	send_gauges("x", 10, true);
	turn();
	turn();
	assert_int_equal(fake_event.count, 1);
	clock_advance(1 * MU_SEC);
	send_gauges("x", 10, true);
	turn();
	turn();
	assert_int_equal(fake_event.count, 2);
	assert_int_equal(fake_event.level, MU_OKAY);
	assert_int_equal(sink(0).lost, lost);
	assert_int_equal(sink(0).waiting_bytes, 0);
	assert_int_equal(sink(0).values + lost, 1020);
	writer_end(&slow);
	writer_end(&other);
}

static void a_full_queue_of_newest_wins(void **state)
{
	struct writer *slow = writer_new("slow", loop_main());

	(void)state;
	slow->plugin.write_limit = 10000;
	slow->plugin.write_newest = true;
	bus_add_writer(&slow->instance);
	for (int i = 0; i < 50; i++)
		send_gauges("x", 10, true);
	turn();
	assert_true(sink(0).lost > 0);
	assert_int_equal(fake_event.count, 1);
	turn();
	assert_int_equal(slow->values + sink(0).lost, 500);
	assert_int_equal(slow->newest, NOW + 49 * MU_MS);
	writer_end(&slow);
}

static void an_empty_queue_takes_a_batch_of_any_size(void **state)
{
	struct writer *slow = writer_new("slow", loop_main());

	(void)state;
	slow->plugin.write_limit = 100;
	bus_add_writer(&slow->instance);
	send_gauges("x", 1000, true);
	send_gauges("x", 1, true);
	turn();
	turn();
	assert_int_equal(slow->values, 1000);
	assert_int_equal(sink(0).lost, 1);
	writer_end(&slow);
}

static void a_long_queue_is_drained_by_shares(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct loop_stats before, after;

	(void)state;
	bus_add_writer(&a->instance);
	for (int i = 0; i < 100; i++)
		send_gauges("x", 1000, true);
	loop_stats(loop_main(), &before);
	while (turn() > 0)
		;
	loop_stats(loop_main(), &after);
	assert_int_equal(a->values, 100000);
	/* the batches themselves, and a wake for each MiB of them */
	size_t wakes = (size_t)(after.messages - before.messages) - 100;
	assert_in_range(wakes, 5, 20);
	assert_int_equal(a->newest, NOW + 99 * MU_MS);
	writer_end(&a);
}

/* ---- those who have ended ---- */

static void end_here(void *data)
{
	struct writer *writer = data;

	ref_end(writer->instance.ref);
}

static void stop_here(void *data)
{
	struct writer *writer = data;
	struct sink *queue = bus_take_writer(&writer->instance);

	assert_non_null(queue);
	assert_int_equal(writer->values, 0);
	bus_drain_writer(&writer->instance, queue);
	assert_int_equal(writer->values, 3);
}

static void what_waits_for_one_that_ended_is_dropped(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct mu_series *series;

	(void)state;
	bus_add_writer(&a->instance);
	send_gauges("x", 3, true);
	loop_call(loop_main(), end_here, a); /* between main and the writer's turn */
	turn();
	turn();
	assert_int_equal(a->values, 0);
	send_gauges("x", 3, true); /* main has not heard of it yet */
	turn();
	turn();
	assert_int_equal(a->values, 0);
	bus_instance_gone(&a->instance);
	assert_int_equal(series_parse("here/core-x/gauge-0", NULL, &series, false, NULL), 0);
	assert_int_equal(series->count, 3); /* the table, the builder, ours: no batch holds it any more */
	mu_series_unref(&series);
	writer_end(&a);
}

static void what_waits_is_written_before_the_stop(void **state)
{
	struct writer *a = writer_new("a", loop_main());

	(void)state;
	assert_null(bus_take_writer(&a->instance));
	bus_add_writer(&a->instance);
	for (int i = 0; i < 100; i++)
		send_gauges("x", 1000, true);
	turn();
	assert_true(a->values < 100000); /* a share has been handed over */
	a->instance.is = INSTANCE_STOPPING;
	struct sink *queue = bus_take_writer(&a->instance);
	assert_non_null(queue);
	assert_null(bus_take_writer(&a->instance));
	bus_instance_gone(&a->instance);
	send_gauges("x", 3, true); /* too late for this one */
	bus_drain_writer(&a->instance, queue);
	assert_int_equal(a->values, 100000);
	turn();
	assert_int_equal(a->values, 100000);
	writer_end(&a);

	/* with something in the queue, and its wake under way */
	a = writer_new("a", loop_main());
	bus_add_writer(&a->instance);
	send_gauges("x", 3, true);
	loop_call(loop_main(), stop_here, a);
	turn();
	assert_int_equal(a->values, 3);
	writer_end(&a);
}

static void batches_that_main_never_met(void **state)
{
	(void)state;
	send_gauges("x", 3, true);
	bus_fini();
	turn();
	bus_init();
	struct bus_stats stats;
	bus_stats(&stats);
	assert_int_equal(stats.values, 0);
	assert_int_equal(stats.waiting_bytes, 0);
}

/* ---- admission ---- */

static void has_room(struct mu_instance *self)
{
	container_of(self, struct writer, instance)->turns_of_room++;
}

static int send_as(struct mu_builder *from, size_t count)
{
	struct mu_batch *batch = mu_builder_begin(from);

	for (size_t i = 0; i < count; i++)
		mu_gauge(batch, "gauge", "x", 1);
	int r = mu_batch_send(&batch);
	assert_null(batch);
	return r;
}

static void senders_are_asked_to_wait_then_refused_then_told(void **state)
{
	struct writer *door = writer_new("door", loop_main()), *other = writer_new("other", loop_main());
	struct mu_builder *from = mu_builder_new(&door->instance),
			  *from_other = mu_builder_new(&other->instance);
	struct bus_stats stats;
	int r = 0, admitted = 0, asked = 0;

	(void)state;
	mu_on_room(&door->instance, has_room);
	bus_limits(20000, 40000);
	while ((r = send_as(from, 10)) >= 0) {
		admitted++;
		asked += r;
		assert_true(admitted < 1000);
	}
	assert_int_equal(r, -ENOBUFS);
	assert_true(asked > 1 && asked < admitted);
	bus_stats(&stats);
	assert_int_equal(stats.refused, 10);
	assert_true(stats.waiting_bytes <= 40000);
	send_as(from_other, 1); /* of those that were refused too, or asked, each is on its own */
	assert_int_equal(send_gauges("x", 1000, true), 0); /* a read is never refused */
	assert_int_equal(door->turns_of_room, 0);
	turn(); /* main takes all */
	turn(); /* and tells */
	assert_int_equal(door->turns_of_room, 1); /* once, however often it was asked */
	assert_int_equal(other->turns_of_room, 0);
	assert_int_equal(send_as(from, 10), 0);
	while (turn() > 0)
		;
	assert_int_equal(door->turns_of_room, 1);

	/* a promise to one that has ended */
	while (send_as(from, 10) == 0)
		;
	mu_builder_free(&from);
	mu_builder_free(&from_other);
	writer_end(&door);
	writer_end(&other);
}

static void a_promise_is_kept_at_once_when_there_is_room(void **state)
{
	struct writer *door = writer_new("door", loop_main());

	(void)state;
	mu_on_room(&door->instance, has_room);
	bus_promise_room(&door->instance); /* main was faster */
	turn();
	assert_int_equal(door->turns_of_room, 1);
	/* one that is still open when the bus ends */
	bus_limits(1, 1 << 20);
	send_gauges("x", 10, true);
	bus_promise_room(&door->instance);
	bus_promise_room(&door->instance);
	bus_fini();
	bus_init();
	writer_end(&door);
}

/* ---- subscriptions ---- */

struct listener {
	struct writer *writer;
	struct mu_value_sub *sub;
	struct str got;
	size_t calls, values, largest;
	bool leave;
};

static void hear(struct mu_instance *self, struct mu_value_sub *sub, const struct mu_sample *const *samples,
                 size_t count)
{
	struct listener *listener = mu_value_sub_data(sub);

	assert_ptr_equal(self, &listener->writer->instance);
	assert_ptr_equal(sub, listener->sub);
	assert_true(count > 0);
	listener->calls++;
	listener->values += count;
	if (count > listener->largest)
		listener->largest = count;
	for (size_t i = 0; i < count && listener->got.len < 1000; i++)
		str_printf(&listener->got, "%s ", mu_series_name(samples[i]->series));
	if (listener->leave)
		mu_values_unsubscribe(&listener->sub);
}

/* Posts to a loop of one's own are made from there. */
static struct listener listen_to(struct writer *writer, const char *glob, size_t limit,
                                 struct listener *listener)
{
	*listener = (struct listener){ .writer = writer };
	listener->sub = mu_values_subscribe(&writer->instance, glob, limit, hear, listener);
	return *listener;
}

static void only_what_matches_is_handed_over(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener some, all, none;

	(void)state;
	listen_to(a, "*/gauge-1", 1 << 20, &some);
	listen_to(a, "*", 1 << 20, &all);
	listen_to(a, "nothing*", 1 << 20, &none);
	for (int i = 0; i < 3; i++) {
		send_gauges("x", 3, true);
		send_gauges("y", 3, true);
	}
	turn();
	turn();
	assert_int_equal(all.values, 18);
	assert_int_equal(none.calls, 0);
	assert_int_equal(some.values, 6);
	assert_true(text_starts(str_text(&some.got), "here/core-x/gauge-1 here/core-y/gauge-1 "));
	assert_int_equal(mu_value_sub_lost(some.sub), 0);
	mu_values_unsubscribe(&all.sub);
	assert_null(all.sub);
	send_gauges("x", 3, true);
	turn();
	turn();
	assert_int_equal(all.values, 18);
	assert_int_equal(some.values, 7);
	str_fini(&some.got);
	str_fini(&all.got);
	writer_end(&a); /* the others end with it */
}

static void many_at_a_time_but_not_too_many(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener all;

	(void)state;
	listen_to(a, "here*", 1 << 20, &all);
	send_gauges("x", 2500, true);
	turn();
	turn();
	assert_int_equal(all.values, 2500);
	assert_int_equal(all.largest, 1024);
	assert_int_equal(all.calls, 3);
	str_fini(&all.got);
	writer_end(&a);
}

static void one_may_leave_while_it_is_called(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener all;

	(void)state;
	listen_to(a, "*", 1 << 20, &all);
	all.leave = true;
	send_gauges("x", 2500, true);
	send_gauges("x", 1, true);
	turn();
	turn();
	assert_int_equal(all.calls, 1);
	assert_null(all.sub);
	turn();
	struct bus_stats stats;
	bus_stats(&stats);
	assert_int_equal(stats.sinks, 0);
	str_fini(&all.got);
	writer_end(&a);
}

static void a_handle_is_good_until_its_owner_has_stopped(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener one, other;
	struct bus_stats stats;

	(void)state;
	listen_to(a, "*", 1 << 20, &one);
	listen_to(a, "*", 1 << 20, &other);
	turn();
	a->instance.is = INSTANCE_STOPPING;
	bus_instance_gone(&a->instance);
	bus_stats(&stats);
	assert_int_equal(stats.sinks, 0);
	send_gauges("x", 3, true);
	turn();
	assert_int_equal(one.values, 0);
	/* as `stop` may do; the other is left to the core */
	assert_int_equal(mu_value_sub_lost(one.sub), 0);
	mu_values_unsubscribe(&one.sub);
	turn();
	writer_end(&a);
}

static void a_verdict_is_not_inherited(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener some;
	struct mu_series *series;

	(void)state;
	listen_to(a, "*/core-yes/*", 1 << 20, &some);
	send_gauges("no", 1, true);
	turn();
	turn();
	assert_int_equal(some.values, 0);
	/* its index goes to another */
	assert_int_equal(series_parse("here/core-no/gauge-0", NULL, &series, false, NULL), 0);
	uint32_t index = mu_series_index(series);
	mu_series_unref(&series);
	mu_builder_free(&builder);
	builder = builder_new(NULL, "core");
	clock_advance(MU_HOUR);
	series_expire(clock_mono(), NULL, NULL);
	send_gauges("yes", 1, true);
	assert_int_equal(series_parse("here/core-yes/gauge-0", NULL, &series, false, NULL), 0);
	assert_int_equal(mu_series_index(series), index);
	mu_series_unref(&series);
	turn();
	turn();
	assert_int_equal(some.values, 1);
	str_fini(&some.got);
	writer_end(&a);
}

static void a_loss_is_counted_in_what_matches(void **state)
{
	struct writer *a = writer_new("a", loop_main());
	struct listener some;

	(void)state;
	listen_to(a, "*/gauge-1", 10000, &some);
	send_gauges("x", 10, true);
	turn();
	turn();
	assert_int_equal(some.values, 1);
	for (int i = 0; i < 50; i++)
		send_gauges(i & 1 ? "x" : "y", 10, true);
	turn();
	uint64_t lost = mu_value_sub_lost(some.sub);
	assert_true(lost > 0);
	turn();
	assert_int_equal(some.values + lost, 51);
	assert_int_equal(fake_event.count, 0); /* its own business */
	str_fini(&some.got);
	writer_end(&a);
}

/* ---- threads ---- */

enum { SENDERS = 2, SENT_BATCHES = 300, SENT_VALUES = 50 };

struct sender {
	pthread_t thread;
	struct mu_builder *builder;
	int number;
};

static void *send_on(void *data)
{
	struct sender *sender = data;

	for (int i = 0; i < SENT_BATCHES; i++) {
		struct mu_batch *batch = builder_begin(sender->builder, NOW + i * MU_SEC, MU_SEC);
		char name[16];
		text_printf(name, sizeof(name), "%d", sender->number);
		mu_batch_instance(batch, name);
		for (int j = 0; j < SENT_VALUES; j++) {
			text_printf(name, sizeof(name), "%d", j);
			mu_derive(batch, "cpu", name, (int64_t)i * 100);
		}
		bus_submit(batch, true);
	}
	return NULL;
}

static uint64_t received; /* atomic */

static void write_and_check(struct mu_instance *self, const struct mu_batch *batch)
{
	struct writer *writer = container_of(self, struct writer, instance);

	for (size_t i = 0; i < mu_batch_count(batch); i++) {
		const struct mu_sample *sample = mu_batch_sample(batch, i);
		bool first = sample->time == NOW;
		/* a hundred a second, and in order, or it could not be computed */
		if (first ? !isnan(sample->rates[0])
		          : !(sample->rates[0] >= 100 && sample->rates[0] <= 100))
			writer->mixed_up++;
	}
	__atomic_add_fetch(&received, mu_batch_count(batch), __ATOMIC_RELAXED);
}

static void hear_and_count(struct mu_instance *self, struct mu_value_sub *sub,
                           const struct mu_sample *const *samples, size_t count)
{
	(void)self;
	(void)sub;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(samples[i]->count, 1);
	__atomic_add_fetch(&received, count, __ATOMIC_RELAXED);
}

static void subscribe_there(void *data)
{
	struct writer *writer = data;

	mu_values_subscribe(&writer->instance, "*/cpu-7", 1 << 24, hear_and_count, NULL);
}

static void end_there(void *data)
{
	struct writer *writer = data;

	ref_end(writer->instance.ref);
	__atomic_store_n(&writer->instance.is, INSTANCE_STOPPED, __ATOMIC_RELEASE);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void threads_send_and_write_at_once(void **state)
{
	struct writer *writers[2] = { writer_new("w0", loop_find("one")),
		                      writer_new("w1", loop_find("two")) };
	struct sender senders[SENDERS] = { 0 };
	const uint64_t whole = SENDERS * SENT_BATCHES * SENT_VALUES, some = SENDERS * SENT_BATCHES;

	(void)state;
	received = 0;
	for (size_t i = 0; i < 2; i++) {
		writers[i]->plugin.write = write_and_check;
		bus_add_writer(&writers[i]->instance);
		loop_call(writers[i]->instance.loop, subscribe_there, writers[i]);
	}
	struct bus_stats stats;
	do { /* both have joined */
		turn();
		bus_stats(&stats);
	} while (stats.sinks < 4);
	for (int i = 0; i < SENDERS; i++) {
		senders[i].builder = builder_new(NULL, "sender");
		senders[i].number = i;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_on, &senders[i]), 0);
	}
	while (__atomic_load_n(&received, __ATOMIC_RELAXED) < 2 * (whole + some))
		if (turn() == 0)
			nap();
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		mu_builder_free(&senders[i].builder);
	}
	assert_int_equal(received, 2 * (whole + some));
	for (size_t i = 0; i < 2; i++) {
		loop_call(writers[i]->instance.loop, end_there, writers[i]);
		while (__atomic_load_n(&writers[i]->instance.is, __ATOMIC_ACQUIRE) != INSTANCE_STOPPED)
			nap();
		assert_int_equal(writers[i]->mixed_up, 0);
		bus_instance_gone(&writers[i]->instance);
	}
	assert_int_equal(loop_stop_all(5 * MU_SEC), 0);
	for (size_t i = 0; i < 2; i++) {
		mu_ref_unref(&writers[i]->instance.ref);
		str_fini(&writers[i]->got);
		free(writers[i]);
	}
}

#define each(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(values_reach_every_writer_with_rates),
		each(an_empty_batch_goes_nowhere),
		each(a_stale_sample_is_marked_and_counted),
		each(an_unlinked_series_is_replaced_on_the_way),
		each(a_series_whose_type_has_changed_meanwhile),
		each(a_full_queue_refuses_what_comes),
		each(a_full_queue_of_newest_wins),
		each(an_empty_queue_takes_a_batch_of_any_size),
		each(a_long_queue_is_drained_by_shares),
		each(what_waits_for_one_that_ended_is_dropped),
		each(what_waits_is_written_before_the_stop),
		each(batches_that_main_never_met),
		each(senders_are_asked_to_wait_then_refused_then_told),
		each(a_promise_is_kept_at_once_when_there_is_room),
		each(only_what_matches_is_handed_over),
		each(many_at_a_time_but_not_too_many),
		each(one_may_leave_while_it_is_called),
		each(a_handle_is_good_until_its_owner_has_stopped),
		each(a_verdict_is_not_inherited),
		each(a_loss_is_counted_in_what_matches),
		each(threads_send_and_write_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
