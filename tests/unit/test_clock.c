/* test_clock: held time moves only when told, for every thread; released, it is the kernel's again. */
#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <time.h>

static void held_time_moves_only_when_told(void **state)
{
	(void)state;
	clock_hold(1000, 5000);
	assert_true(clock_held());
	assert_int_equal(clock_mono(), 1000);
	assert_int_equal(clock_real(), 5000);
	assert_int_equal(clock_mono(), 1000);
	clock_advance(7);
	assert_int_equal(clock_mono(), 1007);
	assert_int_equal(clock_real(), 5007);
	clock_release();
}

static void stepping_the_wall_clock_leaves_the_other(void **state)
{
	(void)state;
	clock_hold(1000, 5000);
	clock_step_real(-3600);
	assert_int_equal(clock_mono(), 1000);
	assert_int_equal(clock_real(), 1400);
	clock_release();
}

static void *read_mono(void *out)
{
	*(int64_t *)out = clock_mono();
	return NULL;
}

static void other_threads_see_it(void **state)
{
	pthread_t thread;
	int64_t seen = 0;

	(void)state;
	clock_hold(42, 43);
	assert_int_equal(pthread_create(&thread, NULL, read_mono, &seen), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(seen, 42);
	clock_release();
}

static void released_it_is_the_kernels(void **state)
{
	int64_t before = clock_mono();

	(void)state;
	assert_false(clock_held());
	assert_true(clock_mono() >= before);
	int64_t seconds = clock_real() / 1000000000 - (int64_t)time(NULL);
	assert_true(seconds >= -2 && seconds <= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_time_moves_only_when_told),
		cmocka_unit_test(stepping_the_wall_clock_leaves_the_other),
		cmocka_unit_test(other_threads_see_it),
		cmocka_unit_test(released_it_is_the_kernels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
