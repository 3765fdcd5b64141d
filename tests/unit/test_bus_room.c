/* test_bus_room: full queues: what is refused, what is lost, and who is told to wait and to go on. */
#include "bus_up.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(a_full_queue_refuses_what_comes),
		each(a_full_queue_of_newest_wins),
		each(an_empty_queue_takes_a_batch_of_any_size),
		each(a_long_queue_is_drained_by_shares),
		each(senders_are_asked_to_wait_then_refused_then_told),
		each(a_promise_is_kept_at_once_when_there_is_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
