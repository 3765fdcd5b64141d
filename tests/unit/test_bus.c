/* test_bus: from a builder through main to writers: rates on the way, and what becomes of those who have ended. */
#include "bus_up.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(values_reach_every_writer_with_rates),
		each(an_empty_batch_goes_nowhere),
		each(a_stale_sample_is_marked_and_counted),
		each(an_unlinked_series_is_replaced_on_the_way),
		each(a_series_whose_type_has_changed_meanwhile),
		each(what_waits_for_one_that_ended_is_dropped),
		each(what_waits_is_written_before_the_stop),
		each(batches_that_main_never_met),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
