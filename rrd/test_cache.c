/* test_cache: on a clock in the test's hand: what waits how long, what goes first, what is dropped when it
 * is too much, and what becomes of failed writes. */
#include "test_series.h"

#include "cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH INT64_C(1700000000)

static const struct mu_source one[] = { { "value", MU_GAUGE, NAN, NAN } };
static const struct mu_type gauge = { "gauge", 1, one };
static const struct mu_source three[] = { { "a", MU_GAUGE, NAN, NAN },
					  { "b", MU_GAUGE, NAN, NAN },
					  { "c", MU_GAUGE, NAN, NAN } };
static const struct mu_type load = { "load", 3, three };

static struct mu_series series[4000];
static struct cache cache;
static mu_time now; /* monotonic; the wall clock is EPOCH + now */
static size_t forgotten, written, unwritten;

static void on_settled(struct cache *of, struct wait *waits, bool good)
{
	assert_ptr_equal(of, &cache);
	for (; waits; waits = waits->next)
		(*(good ? &written : &unwritten))++;
}

static void on_forgotten(struct cache *of, struct entry *entry)
{
	assert_ptr_equal(of, &cache);
	assert_non_null(entry->series);
	forgotten++;
}

static void begin(mu_time timeout)
{
	const struct cache_options options = { .timeout = timeout, .limit = 1 << 20 };

	for (uint32_t i = 0; i < MU_ARRAY_LEN(series); i++) {
		series[i] = (struct mu_series){ .index = i, .type = &gauge };
		snprintf(series[i].name, sizeof(series[i].name), "h/p/t-%u", i);
	}
	now = 100 * MU_SEC;
	forgotten = written = unwritten = 0;
	fake_refs = 0;
	cache_init(&cache, &options, now);
	cache.settled = on_settled;
	cache.forgotten = on_forgotten;
}

static void end(void)
{
	cache_fini(&cache);
	assert_int_equal(fake_refs, 0);
}

static enum cache_added add_at(uint32_t i, mu_time time, mu_time interval)
{
	const union mu_value values[3] = { { .gauge = 1 }, { .gauge = 2 }, { .gauge = 3 } };
	const struct mu_sample sample = { .series = &series[i],
					  .time = time,
					  .interval = interval,
					  .count = (uint32_t)series[i].type->count,
					  .values = values };

	return cache_add(&cache, &sample, now);
}

static enum cache_added add(uint32_t i)
{
	return add_at(i, EPOCH * MU_SEC + now, MU_SEC);
}

static struct entry *take(void)
{
	return cache_take(&cache, true, EPOCH + now / MU_SEC, now);
}

/* Takes the only one there is, and writes it. */
static uint32_t write_one(uint32_t i)
{
	struct entry *entry = take();

	assert_non_null(entry);
	assert_ptr_equal(entry->series, &series[i]);
	assert_int_equal(entry->state, ENTRY_BUSY);
	uint32_t count = entry->flight.count;
	assert_int_equal(cache_give_back(&cache, entry, CAUSE_NONE, now), 0);
	return count;
}

static struct entry *entry_of(uint32_t i)
{
	struct entry *entry = cache_find(&cache, series[i].name);

	assert_non_null(entry);
	return entry;
}

static void pass(mu_time span)
{
	now += span;
	cache_tick(&cache, now);
}

static void the_first_value_goes_at_once(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	assert_int_equal(add(7), CACHE_NEW);
	assert_int_equal(cache.queue_length, 1);
	assert_int_equal(write_one(7), 1);
	pass(MU_SEC);
	add(7);
	assert_int_equal(entry_of(7)->state, ENTRY_WAITING);
	assert_null(take());
	end();
}

static void later_values_wait_for_each_other(void **state)
{
	(void)state;
	int writes = 0, values = 0;

	begin(45 * MU_SEC);
	for (int second = 0; second < 1000; second++, pass(MU_SEC)) {
		add(3);
		for (struct entry *entry; (entry = take()); writes++) {
			values += (int)entry->flight.count;
			cache_give_back(&cache, entry, CAUSE_NONE, now);
		}
	}
	/* the first, one after a part of the time, then one in 46 s or so */
	assert_in_range(writes, 21, 25);
	assert_in_range(values, 1000 - 46, 1000);
	end();
}

static void writes_of_many_files_spread(void **state)
{
	(void)state;
	uint32_t most = 0;

	begin(45 * MU_SEC);
	for (int second = 0; second < 200; second++, pass(MU_SEC)) {
		uint32_t writes = 0;

		for (uint32_t i = 0; i < 900; i++)
			add(i);
		for (struct entry *entry; (entry = take()); writes++)
			cache_give_back(&cache, entry, CAUSE_NONE, now);
		if (second > 0 && writes > most)
			most = writes;
	}
	assert_in_range(most, 20, 45); /* of 900 files: twenty a second on average */
	end();
}

static void without_timeout_every_value_is_queued(void **state)
{
	(void)state;
	begin(0);
	for (int second = 0; second < 10; second++, pass(MU_SEC)) {
		add(0);
		assert_int_equal(write_one(0), 1);
	}
	/* while one is being written the next wait together, and go at once */
	add(0);
	struct entry *entry = take();
	pass(MU_SEC);
	add(0);
	pass(MU_SEC);
	add(0);
	assert_int_equal(entry->state, ENTRY_BUSY);
	assert_null(take());
	cache_give_back(&cache, entry, CAUSE_NONE, now);
	assert_int_equal(write_one(0), 2);
	assert_null(take());
	end();
}

static void random_timeout_moves_each_wait(void **state)
{
	(void)state;
	mu_time least = INT64_MAX, most = 0;

	begin(100 * MU_SEC);
	cache.options.spread = 30 * MU_SEC;
	add(0);
	write_one(0);
	for (int i = 0; i < 200; i++) {
		pass(MU_SEC);
		add(0);
		mu_time window = entry_of(0)->window;
		if (i > 0) {
			least = window < least ? window : least;
			most = window > most ? window : most;
		}
		pass(200 * MU_SEC);
		write_one(0);
	}
	assert_in_range(least, 70 * MU_SEC, 75 * MU_SEC);
	assert_in_range(most, 125 * MU_SEC, 130 * MU_SEC);
	end();
}

static void values_from_the_past_do_not_pile_up(void **state)
{
	(void)state;
	uint32_t most = 0;

	begin(45 * MU_SEC);
	for (int64_t i = 0; i < 5000; i++) {
		add_at(1, (EPOCH - 100000 + i * 10) * MU_SEC, 10 * MU_SEC);
		for (struct entry *entry; (entry = take());) {
			most = entry->flight.count > most ? entry->flight.count : most;
			cache_give_back(&cache, entry, CAUSE_NONE, now);
		}
	}
	assert_in_range(most, 2, 7);
	end();
}

static void old_and_equal_seconds(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	assert_int_equal(add_at(0, 10 * MU_SEC + 1, MU_SEC), CACHE_NEW);
	assert_int_equal(add_at(0, 10 * MU_SEC + 999 * MU_MS, MU_SEC), CACHE_FOLDED);
	assert_int_equal(add_at(0, 9 * MU_SEC, MU_SEC), CACHE_PAST);
	assert_int_equal(write_one(0), 1);
	assert_int_equal(add_at(0, 10 * MU_SEC + 999 * MU_MS, MU_SEC), CACHE_PAST);
	assert_int_equal(add_at(0, 0, MU_SEC), CACHE_PAST);
	assert_int_equal(add_at(0, -5 * MU_SEC, MU_SEC), CACHE_PAST);
	end();
}

static void a_second_is_written_when_it_is_over(void **state)
{
	(void)state;
	begin(0);
	add_at(0, EPOCH * MU_SEC + now, 100 * MU_MS);
	assert_null(take());
	assert_int_equal(entry_of(0)->state, ENTRY_WAITING);
	now += 100 * MU_MS;
	assert_int_equal(add_at(0, EPOCH * MU_SEC + now, 100 * MU_MS), CACHE_FOLDED);
	pass(MU_SEC);
	assert_int_equal(write_one(0), 1);
	/* someone who wants to see it gets it now */
	add_at(0, EPOCH * MU_SEC + now, 100 * MU_MS);
	struct wait wait = { NULL };
	cache_flush(&cache, entry_of(0), &wait, now);
	assert_int_equal(write_one(0), 1);
	assert_int_equal(written, 1);
	end();
}

static void flush_goes_before_all_others(void **state)
{
	(void)state;
	struct wait waits[4] = { { NULL } };

	begin(45 * MU_SEC);
	for (uint32_t i = 0; i < 10; i++)
		add(i);
	assert_true(cache_has(entry_of(6)));
	cache_flush(&cache, entry_of(6), &waits[0], now);
	cache_flush(&cache, entry_of(6), &waits[1], now);
	assert_ptr_equal(cache_take(&cache, false, 0, now), entry_of(6));
	assert_null(cache_take(&cache, false, 0, now)); /* no other is urgent */
	/* while it is being written: one more waits for this write, one for the value that comes now */
	assert_true(cache_has(entry_of(6)));
	cache_flush(&cache, entry_of(6), &waits[2], now);
	now += MU_SEC;
	add(6);
	cache_flush(&cache, entry_of(6), &waits[3], now);
	cache_give_back(&cache, entry_of(6), CAUSE_NONE, now);
	assert_int_equal(written, 3);
	assert_int_equal(entry_of(6)->state, ENTRY_URGENT);
	write_one(6);
	assert_int_equal(written, 4);
	assert_false(cache_has(entry_of(6)));
	end();
}

static void failed_writes_are_tried_again(void **state)
{
	(void)state;
	struct wait waits[2] = { { NULL } };
	mu_time wait = MU_SEC;

	begin(45 * MU_SEC);
	add(0);
	cache_flush(&cache, entry_of(0), &waits[0], now);
	for (int i = 0; i < 12; i++) {
		struct entry *entry = take();
		assert_non_null(entry);
		now += MU_SEC;
		add(0);
		assert_int_equal(cache_give_back(&cache, entry, CAUSE_FULL, now), 0);
		assert_int_equal(entry->state, ENTRY_BACKOFF);
		assert_int_equal(entry->cause, CAUSE_FULL);
		assert_int_equal(entry->rows.count, i + 2);
		pass(wait - MU_SEC);
		assert_null(take());
		pass(2 * MU_SEC);
		wait = wait * 2 > 5 * MU_MIN ? 5 * MU_MIN : wait * 2;
	}
	assert_int_equal(unwritten, 1);
	assert_int_equal(write_one(0), 13);
	assert_int_equal(entry_of(0)->failures, 0);
	assert_int_equal(entry_of(0)->state, ENTRY_IDLE);
	/* a flush does not wait for the next try */
	now += MU_SEC;
	add(0);
	cache_flush(&cache, entry_of(0), NULL, now);
	cache_give_back(&cache, take(), CAUSE_IO, now);
	assert_null(take());
	cache_flush(&cache, entry_of(0), &waits[1], now);
	assert_int_equal(write_one(0), 1);
	assert_int_equal(written, 1);
	end();
}

static void values_that_can_never_be_written_go(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	add(0);
	assert_int_equal(cache_give_back(&cache, take(), CAUSE_AHEAD, now), 1);
	assert_int_equal(cache.rows, 0);
	assert_int_equal(entry_of(0)->state, ENTRY_BACKOFF);
	pass(2 * MU_SEC);
	assert_int_equal(entry_of(0)->state, ENTRY_IDLE);
	end();
}

/* The queue that must be bounded: fill it. */
static void too_much_drops_the_oldest_counted(void **state)
{
	(void)state;
	uint64_t added = 0;

	begin(10000 * MU_SEC);
	for (uint32_t i = 0; i < 100; i++) {
		add(i);
		write_one(i);
	}
	for (int second = 0; second < 2000; second++) {
		pass(MU_SEC);
		for (uint32_t i = 0; i < 100; i++) {
			add(i);
			added++;
			assert_true(cache.bytes <= cache.options.limit);
		}
		for (struct entry *entry; (entry = take());)
			cache_give_back(&cache, entry, CAUSE_IO, now); /* the disk is broken as well */
	}
	assert_true(cache.dropped > 0);
	assert_int_equal(cache.rows + cache.dropped, added);
	/* every series still has its newest values, whoever came first */
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(entry_of(i)->rows.count > 100);
		assert_int_equal(rows_last(&entry_of(i)->rows), EPOCH + now / MU_SEC);
	}
	end();
}

static void what_a_writer_holds_is_not_dropped(void **state)
{
	(void)state;
	struct wait wait = { NULL };

	begin(45 * MU_SEC);
	cache.options.limit = 32;
	add(0);
	struct entry *entry = take();
	add(1); /* 16 bytes each */
	assert_int_equal(cache.bytes, 32);
	cache_flush(&cache, entry_of(1), &wait, now);
	now += MU_SEC;
	assert_int_equal(add(2), CACHE_NEW);
	assert_int_equal(cache.dropped, 1);
	assert_int_equal(unwritten, 1);
	assert_int_equal(entry_of(1)->state, ENTRY_IDLE);
	assert_int_equal(entry->flight.count, 1);
	cache.options.limit = 8;
	assert_int_equal(add(3), CACHE_NEW);
	assert_int_equal(cache.dropped, 3);
	assert_int_equal(cache.rows, 1);
	cache_give_back(&cache, entry, CAUSE_NONE, now);
	end();
}

/* Its series timed out while values wait, and comes back as another one: one file, one entry, no value
 * lost. */
static void a_series_that_comes_back_finds_its_values(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	add(5);
	write_one(5);
	pass(MU_SEC);
	add(5);
	memcpy(series[9].name, series[5].name, sizeof(series[9].name));
	pass(MU_SEC);
	add(9);
	assert_int_equal(cache.entries, 1);
	assert_int_equal(series[5].refs, 0);
	assert_ptr_equal(entry_of(9)->series, &series[9]);
	pass(50 * MU_SEC);
	assert_int_equal(write_one(9), 2);
	/* the index of the one that ended may be given to a stranger */
	snprintf(series[5].name, sizeof(series[5].name), "h/p/stranger");
	add(5);
	assert_int_equal(cache.entries, 2);
	assert_int_equal(write_one(5), 1);
	/* and with another type: what waited in the old one goes, counted */
	pass(MU_SEC);
	add(9);
	memcpy(series[10].name, series[9].name, sizeof(series[10].name));
	series[10].type = &load;
	pass(MU_SEC);
	assert_int_equal(add(10), CACHE_NEW);
	assert_int_equal(cache.dropped, 1);
	assert_int_equal(entry_of(10)->rows.sources, 3);
	end();
}

static void types_that_change_under_a_write(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	add(0);
	struct entry *entry = take();
	memcpy(series[1].name, series[0].name, sizeof(series[1].name));
	series[1].type = &load;
	pass(MU_SEC);
	add(1);
	assert_int_equal(cache_give_back(&cache, entry, CAUSE_FULL, now), 1);
	assert_int_equal(entry->rows.count, 1);
	assert_int_equal(entry->rows.sources, 3);
	end();
}

static void the_idle_are_forgotten(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	for (uint32_t i = 0; i < 100; i++) {
		add(i);
		write_one(i);
	}
	pass(CACHE_IDLE_KEEP - MU_SEC);
	assert_int_equal(cache.entries, 100);
	add(50);
	pass(2 * MU_SEC);
	assert_int_equal(cache.entries, 1);
	assert_int_equal(forgotten, 99);
	assert_int_equal(fake_refs, 1);
	assert_null(cache_find(&cache, series[3].name));
	end();
}

static void a_sleeping_machine_wakes_to_one_turn(void **state)
{
	(void)state;
	begin(45 * MU_SEC);
	for (uint32_t i = 0; i < 100; i++) {
		add(i);
		write_one(i);
	}
	pass(MU_SEC);
	for (uint32_t i = 0; i < 100; i++)
		add(i);
	assert_true(cache_is_waiting(&cache));
	pass(1000 * MU_DAY);
	assert_false(cache_is_waiting(&cache));
	assert_int_equal(cache.queue_length, 100);
	for (uint32_t i = 0; i < 100; i++)
		cache_give_back(&cache, take(), CAUSE_NONE, now);
	end();
}

/* No event may meet a state that has no answer to it: whatever comes, in any order. */
static void any_order_of_things(void **state)
{
	(void)state;
	struct entry *busy[8] = { NULL };
	static struct wait waits[20000];
	uint32_t random = 7;
	size_t used = 0;

	begin(5 * MU_SEC);
	cache.options.limit = 4000;
	cache.options.spread = 2 * MU_SEC;
	for (int step = 0; step < 60000; step++) {
		random = random * 1664525u + 1013904223u;
		uint32_t what = random >> 28, which = (random >> 8) % 40, slot = (random >> 16) % 8;
		struct entry *entry;

		if (what < 8)
			add_at(which, EPOCH * MU_SEC + now, which % 3 ? MU_SEC : 50 * MU_MS);
		else if (what < 10)
			pass((mu_time)(random % 2000) * MU_MS);
		else if (what < 12 && !busy[slot])
			busy[slot] = take();
		else if (what < 14 && busy[slot]) {
			cache_give_back(&cache, busy[slot], (enum cause)(which % CAUSES), now);
			busy[slot] = NULL;
		} else if (what == 14 && (entry = cache_find(&cache, series[which].name)) &&
			   cache_has(entry) && used < MU_ARRAY_LEN(waits))
			cache_flush(&cache, entry, &waits[used++], now);
		assert_true(cache.entries <= 40);
	}
	for (size_t i = 0; i < 8; i++)
		if (busy[i])
			cache_give_back(&cache, busy[i], CAUSE_NONE, now);
	assert_true(used > 100);
	end();
	assert_int_equal(written + unwritten, used);
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	for (unsigned s = 0; s < ENTRY_STATES; s++) {
		assert_true(*entry_state_name((enum entry_state)s));
		assert_int_not_equal(entry_next((enum entry_state)s, ENTRY_COALESCE), -1);
		assert_int_not_equal(entry_next((enum entry_state)s, ENTRY_FLUSH), -1);
	}
	assert_int_equal(entry_next(ENTRY_IDLE, ENTRY_TAKE), -1);
	assert_int_equal(entry_next(ENTRY_BUSY, ENTRY_FAILED), ENTRY_BACKOFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_value_goes_at_once),
		cmocka_unit_test(later_values_wait_for_each_other),
		cmocka_unit_test(writes_of_many_files_spread),
		cmocka_unit_test(without_timeout_every_value_is_queued),
		cmocka_unit_test(random_timeout_moves_each_wait),
		cmocka_unit_test(values_from_the_past_do_not_pile_up),
		cmocka_unit_test(old_and_equal_seconds),
		cmocka_unit_test(a_second_is_written_when_it_is_over),
		cmocka_unit_test(flush_goes_before_all_others),
		cmocka_unit_test(failed_writes_are_tried_again),
		cmocka_unit_test(values_that_can_never_be_written_go),
		cmocka_unit_test(too_much_drops_the_oldest_counted),
		cmocka_unit_test(what_a_writer_holds_is_not_dropped),
		cmocka_unit_test(a_series_that_comes_back_finds_its_values),
		cmocka_unit_test(types_that_change_under_a_write),
		cmocka_unit_test(the_idle_are_forgotten),
		cmocka_unit_test(a_sleeping_machine_wakes_to_one_turn),
		cmocka_unit_test(any_order_of_things),
		cmocka_unit_test(every_state_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
