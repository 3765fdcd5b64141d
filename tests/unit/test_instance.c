/* instance: the state machine, timers and work of an instance, and what is left when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <semaphore.h>
#include <string.h>

#include "base/clock.h"
#include "conf.h"
#include "core_up.h"

struct state {
	struct mu_timer timer;
	struct mu_work work;
	int number;
};

static struct {
	int started, stopped, fired, ran, done, status, freed, reconfigured;
	int start_result, reconfigure_result;
	bool stop_silent, work_at_start;
	sem_t go;
} t;

static void fired(struct mu_instance *self, struct mu_timer *timer)
{
	t.fired++;
	mu_timer_start(self, timer, MU_SEC, fired);
}

static void work_run(struct mu_work *work)
{
	(void)work;
	__atomic_add_fetch(&t.ran, 1, __ATOMIC_RELAXED);
	while (sem_wait(&t.go) < 0)
		;
}

static void work_done(struct mu_instance *self, struct mu_work *work, int status)
{
	struct state *s = mu_state(self);
	assert_ptr_equal(work, &s->work);
	t.done++;
	t.status = status;
}

static int plugin_start(struct mu_instance *self, struct mu_error *error)
{
	struct state *s = mu_state(self);

	t.started++;
	if (t.start_result < 0)
		return mu_error(error, t.start_result, "there is no sun today");
	mu_timer_start(self, &s->timer, MU_SEC, fired);
	if (t.work_at_start) {
		s->work.run = work_run;
		s->work.done = work_done;
		mu_work_start(self, &s->work);
	}
	return 0;
}

static void plugin_stop(struct mu_instance *self)
{
	t.stopped++;
	if (!t.stop_silent)
		mu_stopped(self);
}

static int plugin_reconfigure(struct mu_instance *self, const void *before, const void *after,
			      struct mu_error *error)
{
	assert_ptr_equal(after, mu_config(self));
	assert_ptr_not_equal(before, after);
	t.reconfigured++;
	if (t.reconfigure_result < 0)
		return mu_error(error, t.reconfigure_result, "not these");
	return t.reconfigure_result;
}

static const struct mu_plugin plugin = MU_PLUGIN_INIT(clockwork, .state_size = sizeof(struct state),
						      .config_size = 16, .start = plugin_start,
						      .stop = plugin_stop, .reconfigure = plugin_reconfigure);

static struct mu_instance *instance;

static int setup(void **state)
{
	(void)state;
	core_up();
	memset(&t, 0, sizeof(t));
	sem_init(&t.go, 0, 0);
	instance = core_instance(&plugin, MU_SEC);
	return 0;
}

static struct mu_instance *now(void)
{
	return instance_find("clockwork");
}

static void test_runs_its_timer_until_it_stops(void **state)
{
	(void)state;
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	instance_start(instance);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	for (int i = 0; i < 3; i++) {
		clock_advance(MU_SEC);
		core_settle();
	}
	assert_int_equal(t.fired, 3);
	instance_stop(instance, MU_STOP_REMOVED);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	assert_int_equal(t.stopped, 1);
	clock_advance(10 * MU_SEC);
	core_settle();
	assert_int_equal(t.fired, 3);
	core_down();
}

static void test_a_refused_start_is_a_state_with_its_reason(void **state)
{
	(void)state;
	t.start_result = -EAGAIN;
	instance_start(instance);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_FAILED);
	assert_string_equal(now()->error.what, "there is no sun today");
	assert_int_equal(t.stopped, 0);
	t.start_result = 0;
	instance_start(now());
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_int_equal(t.started, 2);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	core_down();
}

static void test_one_that_does_not_stop_is_abandoned(void **state)
{
	(void)state;
	t.stop_silent = true;
	instance_start(instance);
	core_settle();
	instance_stop(instance, MU_STOP_REMOVED);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_STOPPING);
	clock_advance(MU_SEC);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_ABANDONED);
	t.stop_silent = false;
	instance_start(now()); /* a new life, beside the one left behind */
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_ptr_not_equal(now(), instance);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	mu_stopped(instance); /* it answers at last, for nobody */
	core_settle();
	instance_release(instance); /* the hold that is kept for good in the daemon */
	core_down();
}

static void test_a_restart_is_a_new_life_in_the_same_place(void **state)
{
	struct mu_ref *old;

	(void)state;
	instance_start(instance);
	core_settle();
	old = mu_self_ref(instance);
	uint64_t serial = now()->serial;
	instance_restart(now(), NULL);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_int_not_equal(now()->serial, serial);
	assert_null(old->instance); /* messages to the old life are dropped */
	assert_int_equal(t.started, 2);
	assert_int_equal(t.stopped, 1);
	mu_ref_unref(&old);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	core_down();
}

static bool work_began(void *data)
{
	(void)data;
	return __atomic_load_n(&t.ran, __ATOMIC_RELAXED) == 1;
}

static void test_the_end_waits_for_work_in_flight(void **state)
{
	(void)state;
	t.work_at_start = true;
	instance_start(instance);
	core_until(work_began, NULL);
	instance_stop(instance, MU_STOP_REMOVED);
	while (loop_turn(loop_main()) > 0)
		;
	assert_int_equal(t.stopped, 1);
	assert_int_equal(now()->is, INSTANCE_STOPPING);
	sem_post(&t.go);
	core_settle();
	assert_int_equal(t.done, 1);
	assert_int_equal(t.status, 0);
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	core_down();
}

static void swap_options(void)
{
	struct conf_plugin conf = { .plugin = "clockwork",
				    .name = "clockwork",
				    .interval = MU_SEC,
				    .load_text = "",
				    .descriptor = now()->descriptor };
	conf.config = config_new(16);
	instance_reconfigure(now(), &conf);
	config_unref(&conf.config);
	core_settle();
}

static void test_new_options_reach_it_without_a_restart(void **state)
{
	(void)state;
	instance_start(instance);
	core_settle();
	swap_options();
	assert_int_equal(t.reconfigured, 1);
	assert_int_equal(t.started, 1);
	t.reconfigure_result = 1; /* "restart me" */
	swap_options();
	assert_int_equal(t.started, 2);
	t.reconfigure_result = -EINVAL;
	swap_options();
	assert_int_equal(t.started, 3);
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	swap_options(); /* told to stop: stays so */
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	core_down();
}

static void test_events_that_mean_nothing_change_nothing(void **state)
{
	(void)state;
	for (int event = 0; event < INSTANCE_EVENTS; event++)
		if (event != INSTANCE_START)
			instance_step(instance, (enum instance_event)event);
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	core_down();
}

/* A reload that changed what stands in LoadPlugin, or with `restart` by a person. */
static void new_load_block(bool person)
{
	struct conf_plugin conf = { .plugin = "clockwork",
				    .name = "clockwork",
				    .interval = 7 * MU_SEC,
				    .load_text = "Interval 7\n",
				    .descriptor = now()->descriptor };
	conf.config = config_new(16);
	if (person)
		instance_restart(now(), &conf);
	else
		instance_renew(now(), &conf);
	config_unref(&conf.config);
}

static void test_a_reload_leaves_stopped_what_was_told_to_stop(void **state)
{
	(void)state;
	instance_start(instance);
	core_settle();
	instance_stop(now(), MU_STOP_REMOVED);
	core_settle();
	const struct mu_instance *before = now();
	new_load_block(false);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	assert_ptr_not_equal(now(), before);
	assert_int_equal(now()->interval, 7 * MU_SEC);
	swap_options();
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	assert_int_equal(now()->interval, MU_SEC); /* of the conf in swap_options */
	assert_int_equal(t.started, 1);
	new_load_block(false);
	instance_start(now());
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_int_equal(now()->interval, 7 * MU_SEC);
	assert_int_equal(t.started, 2);
	new_load_block(false); /* and from here on it follows reloads again */
	core_settle();
	assert_int_equal(t.started, 3);
	instance_stop(now(), MU_STOP_REMOVED);
	core_settle();
	new_load_block(true); /* a person's own word */
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	core_down();
}

static void test_a_reload_while_it_stops(void **state)
{
	(void)state;
	instance_start(instance);
	core_settle();
	instance_stop(now(), MU_STOP_REMOVED);
	assert_int_equal(now()->is, INSTANCE_STOPPING);
	new_load_block(false);
	new_load_block(false);
	core_settle();
	assert_int_equal(now()->is, INSTANCE_STOPPED);
	assert_int_equal(now()->interval, 7 * MU_SEC);
	instance_start(now());
	core_settle();
	instance_stop(now(), MU_STOP_REMOVED);
	new_load_block(false);
	instance_start(now()); /* the last word counts */
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_int_equal(t.started, 3);
	instance_stop(now(), MU_STOP_REMOVED);
	instance_start(now()); /* without a reload between them as well */
	core_settle();
	assert_int_equal(now()->is, INSTANCE_RUNNING);
	assert_int_equal(t.started, 4);
	instance_stop(now(), MU_STOP_END);
	core_settle();
	core_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_runs_its_timer_until_it_stops, setup),
		cmocka_unit_test_setup(test_a_refused_start_is_a_state_with_its_reason, setup),
		cmocka_unit_test_setup(test_one_that_does_not_stop_is_abandoned, setup),
		cmocka_unit_test_setup(test_a_restart_is_a_new_life_in_the_same_place, setup),
		cmocka_unit_test_setup(test_the_end_waits_for_work_in_flight, setup),
		cmocka_unit_test_setup(test_new_options_reach_it_without_a_restart, setup),
		cmocka_unit_test_setup(test_a_reload_leaves_stopped_what_was_told_to_stop, setup),
		cmocka_unit_test_setup(test_a_reload_while_it_stops, setup),
		cmocka_unit_test_setup(test_events_that_mean_nothing_change_nothing, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
