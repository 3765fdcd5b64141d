/* sched: what is due when: pure, and with real instances on the clock that the test holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <semaphore.h>

#include "base/check.h"
#include "base/clock.h"
#include "core_up.h"
#include "pool.h"
#include "sched.h"

static void test_next_is_a_whole_multiple(void **state)
{
	static const struct {
		int64_t real, interval, offset, next;
	} table[] = {
		{ 0, 10, 0, 10 }, { 1, 10, 0, 10 }, { 9, 10, 0, 10 }, { 10, 10, 0, 20 }, { 11, 10, 3, 13 },
		{ 13, 10, 3, 23 }, { 2, 10, 3, 3 }, { -1, 10, 0, 0 }, { -10, 10, 0, 0 }, { 7, 1, 0, 8 },
	};
	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(table); i++)
		assert_int_equal(sched_next(table[i].real, table[i].interval, table[i].offset), table[i].next);
}

static void test_backoff_doubles_to_its_cap(void **state)
{
	(void)state;
	assert_int_equal(sched_backoff(10, 0, 100), 10);
	assert_int_equal(sched_backoff(10, 1, 100), 20);
	assert_int_equal(sched_backoff(10, 3, 100), 80);
	assert_int_equal(sched_backoff(10, 4, 100), 100);
	assert_int_equal(sched_backoff(10, 4000000000u, 100), 100);
	assert_int_equal(sched_backoff(200, 5, 100), 200); /* never more often than asked */
}

/* ---- instances ---- */

static sem_t hang;
static int fast_reads, slow_reads, result;

static int fast_read(struct mu_instance *self, struct mu_batch *out)
{
	(void)self;
	(void)out;
	__atomic_add_fetch(&fast_reads, 1, __ATOMIC_RELAXED);
	return result;
}

static int slow_read(struct mu_instance *self, struct mu_batch *out)
{
	(void)self;
	(void)out;
	__atomic_add_fetch(&slow_reads, 1, __ATOMIC_RELAXED);
	while (sem_wait(&hang) < 0)
		;
	return 0;
}

static const struct mu_plugin fast = MU_PLUGIN_INIT(fast, .read = fast_read);
static const struct mu_plugin slow = MU_PLUGIN_INIT(slow, .read = slow_read);

static int setup(void **state)
{
	(void)state;
	core_up();
	sem_init(&hang, 0, 0);
	fast_reads = slow_reads = result = 0;
	return 0;
}

static void stop_all(void)
{
	struct mu_instance *instance;
	for (size_t at = 0; instance_next(&at, &instance);)
		instance_stop(instance, MU_STOP_END);
	core_settle();
}

static void second(void)
{
	clock_advance(MU_SEC);
	core_settle();
}

static void test_reads_come_at_each_interval(void **state)
{
	struct mu_instance *instance;

	(void)state;
	instance = core_instance(&fast, 2 * MU_SEC);
	instance_start(instance);
	core_settle();
	assert_int_equal(instance->is, INSTANCE_RUNNING);
	for (int i = 0; i < 10; i++)
		second();
	assert_int_equal(fast_reads, 5);
	assert_int_equal(instance->read.reads, 5);
	assert_int_equal(instance->read.overruns, 0);
	stop_all();
	for (int i = 0; i < 4; i++)
		second();
	assert_int_equal(fast_reads, 5);
	core_down();
}

static const struct mu_plugin aside = MU_PLUGIN_INIT(aside, .read = fast_read);

/* The real time of the next read, found to a tenth of a second. */
static int64_t next_read(void)
{
	for (int before = fast_reads; fast_reads == before;) {
		clock_advance(MU_SEC / 10);
		core_settle();
	}
	return clock_real();
}

static void test_jitter_is_one_offset_for_each_name(void **state)
{
	static const struct mu_plugin *const plugins[] = { &fast, &aside };
	int64_t offset[MU_ARRAY_LEN(plugins)];

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(plugins); i++) {
		struct mu_instance *instance = core_instance(plugins[i], 10 * MU_SEC);
		instance->jitter = 10 * MU_SEC;
		instance_start(instance);
		core_settle();
		int64_t first = next_read();
		assert_int_equal(next_read() - first, 10 * MU_SEC);
		offset[i] = first % (10 * MU_SEC);
		instance_stop(instance, MU_STOP_REMOVED);
		core_settle();
	}
	assert_int_not_equal(offset[0], offset[1]);
	stop_all();
	core_down();
}

static bool slow_began(void *data)
{
	return __atomic_load_n(&slow_reads, __ATOMIC_RELAXED) == *(int *)data;
}

static void tick(void)
{
	clock_advance(MU_SEC);
	while (loop_turn(loop_main()) > 0)
		;
}

static bool fast_did(void *data)
{
	return __atomic_load_n(&fast_reads, __ATOMIC_RELAXED) >= *(int *)data;
}

static bool fast_idle(void *data)
{
	return ((struct mu_instance *)data)->read.task == NULL;
}

static void test_a_hung_read_costs_the_others_no_tick(void **state)
{
	struct mu_instance *good, *bad;
	int one = 1;

	(void)state;
	good = core_instance(&fast, MU_SEC);
	bad = core_instance(&slow, MU_SEC);
	instance_start(good);
	instance_start(bad);
	core_settle();
	for (int i = 1; i <= 12; i++) {
		tick();
		core_until(fast_did, &i);
		core_until(fast_idle, good);
	}
	core_until(slow_began, &one);
	assert_int_equal(good->read.overruns, 0);
	assert_int_equal(bad->read.hung, 1); /* after 10 s */
	assert_int_equal(*bad->hung, 1);
	assert_true(bad->read.overruns >= 9);
	sem_post(&hang);
	core_until(fast_idle, bad);
	assert_int_equal(*bad->hung, 0);
	tick(); /* and it is read again */
	int two = 2;
	core_until(slow_began, &two);
	sem_post(&hang);
	core_until(fast_idle, bad);
	stop_all();
	core_down();
}

static void test_failures_back_off_and_recover(void **state)
{
	struct mu_instance *instance;

	(void)state;
	result = -EIO;
	instance = core_instance(&fast, MU_SEC);
	instance_start(instance);
	core_settle();
	for (int i = 0; i < 31; i++)
		second();
	assert_in_range(fast_reads, 4, 6); /* at 1, 3, 7, 15 and 31 s instead of 31 times */
	assert_int_equal(instance->read.errors, fast_reads);
	result = 0;
	for (int i = 0; i < 40; i++)
		second();
	assert_int_equal(instance->read.failures, 0);
	int before = fast_reads;
	second();
	second();
	assert_int_equal(fast_reads, before + 2);
	stop_all();
	core_down();
}

static void test_a_step_of_the_clock_realigns_once(void **state)
{
	struct mu_instance *instance;

	(void)state;
	instance = core_instance(&fast, 10 * MU_SEC);
	instance_start(instance);
	core_settle();
	for (int i = 0; i < 10; i++)
		second();
	assert_int_equal(fast_reads, 1);
	clock_step_real(4 * MU_SEC); /* the wall clock now ends in 4 */
	for (int i = 0; i < 10; i++)
		second(); /* still due ten seconds after the last, at 14: then it is seen */
	assert_int_equal(fast_reads, 2);
	for (int i = 0; i < 6; i++)
		second();
	assert_int_equal(fast_reads, 3);
	assert_int_equal(clock_real() % (10 * MU_SEC), 0);
	stop_all();
	core_down();
}

/* ---- with the workers busy ---- */

struct item {
	struct mu_work work;
	int status; /* 1 = not yet done */
};

static void item_run(struct mu_work *work)
{
	(void)work;
	while (sem_wait(&hang) < 0)
		;
}

static void item_done(struct mu_instance *self, struct mu_work *work, int status)
{
	(void)self;
	container_of(work, struct item, work)->status = status;
}

static size_t items_with(const struct item *items, size_t count, int status)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += items[i].status == status;
	return found;
}

static const struct mu_plugin industrious = MU_PLUGIN_INIT(industrious, .about = "works");
enum { ITEMS = INSTANCE_WORK_MAX + 76 };
static struct item items[ITEMS];

static bool items_over(void *unused)
{
	(void)unused;
	return items_with(items, ITEMS, 1) == 0;
}

static void test_work_of_one_keeps_nobody_from_being_read(void **state)
{
	struct mu_instance *good, *busy;

	(void)state;
	good = core_instance(&fast, MU_SEC);
	busy = core_instance(&industrious, MU_SEC);
	instance_start(good);
	instance_start(busy);
	core_settle();
	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = (struct item){ .work = { .run = item_run, .done = item_done }, .status = 1 };
		mu_work_start(busy, &items[i].work);
	}
	for (int i = 1; i <= 12; i++) {
		tick();
		core_until(fast_did, &i);
		core_until(fast_idle, good);
	}
	assert_int_equal(good->read.overruns, 0);
	assert_int_equal(good->read.errors, 0);
	assert_int_equal(items_with(items, ITEMS, -EBUSY), 76);
	assert_int_equal(busy->work_refused, 76);
	assert_int_equal(*busy->working, INSTANCE_WORK_MAX);
	for (int i = 0; i < INSTANCE_WORK_MAX; i++)
		sem_post(&hang);
	core_until(items_over, NULL);
	assert_int_equal(items_with(items, ITEMS, 0), INSTANCE_WORK_MAX);
	assert_int_equal(*busy->working, 0);
	stop_all();
	core_down();
}

static void busy_run(struct pool_task *task)
{
	while (sem_wait(&hang) < 0)
		;
	pool_returned(task);
}

static void test_a_read_that_nobody_had_time_for_is_no_error(void **state)
{
	struct pool_task busy[8] = { 0 }; /* every worker of core_up */
	struct mu_instance *good;

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(busy); i++) {
		busy[i].run = busy_run;
		pool_submit(&busy[i]);
	}
	good = core_instance(&fast, MU_SEC);
	instance_start(good);
	while (loop_turn(loop_main()) > 0)
		;
	for (int i = 0; i < 11; i++)
		tick();
	core_until(fast_idle, good);
	assert_int_equal(fast_reads, 0);
	assert_int_equal(good->read.reads, 0);
	assert_int_equal(good->read.errors, 0);
	assert_int_equal(good->read.failures, 0);
	assert_int_equal(good->read.overruns, 11); /* ten ticks while it waited, and itself */
	assert_string_equal(good->read.last_error, "no worker had time to read it");
	for (size_t i = 0; i < MU_ARRAY_LEN(busy); i++)
		sem_post(&hang);
	second(); /* at the very next tick */
	assert_int_equal(fast_reads, 1);
	assert_int_equal(good->read.reads, 1);
	assert_string_equal(good->read.last_error, "");
	stop_all();
	core_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_is_a_whole_multiple),
		cmocka_unit_test(test_backoff_doubles_to_its_cap),
		cmocka_unit_test_setup(test_reads_come_at_each_interval, setup),
		cmocka_unit_test_setup(test_jitter_is_one_offset_for_each_name, setup),
		cmocka_unit_test_setup(test_a_hung_read_costs_the_others_no_tick, setup),
		cmocka_unit_test_setup(test_failures_back_off_and_recover, setup),
		cmocka_unit_test_setup(test_a_step_of_the_clock_realigns_once, setup),
		cmocka_unit_test_setup(test_work_of_one_keeps_nobody_from_being_read, setup),
		cmocka_unit_test_setup(test_a_read_that_nobody_had_time_for_is_no_error, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
