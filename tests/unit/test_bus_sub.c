/* test_bus_sub: subscriptions by glob: what they are handed, and what is lost on the way; and threads at once. */
#include "bus_up.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
