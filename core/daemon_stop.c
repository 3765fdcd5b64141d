/* daemon_stop: the order in which instances stop: no more reads; what only measures, in reverse start order, each after the one
 * before it; then the writers, so that all those values reach them; the core last. Who takes too long is not waited for.
 *
 * Writers come after the readers wherever they stand in the configuration: in plain reverse order a writer that was loaded
 * last would be gone before the last values come. */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ctl.h"
#include "daemon.h"
#include "instance.h"
#include "sched.h"

#define PATIENCE    (100 * MU_MS) /* with one that stands in the way of the next */
#define READERS_ALL (600 * MU_MS) /* with all of them */

static struct {
	struct mu_instance **order; /* held */
	size_t count, at;           /* order[at] is the next to be told */
	struct mu_instance *self;
	enum mu_stop_reason why;
	int64_t began;
	struct loop_timer patience; /* armed: order[at - 1] is waited for */
	void (*done)(void);
} stop;

static void stop_go_on(void);

static void on_patience_over(struct loop_timer *timer)
{
	(void)timer;
	stop_go_on();
}

static bool is_waited_for(struct mu_instance *instance)
{
	if (instance_is_settled(instance))
		loop_timer_stop(&stop.patience);
	return heap_has(&stop.patience.node);
}

static bool all_settled_before(size_t at)
{
	while (at > 0)
		if (!instance_is_settled(stop.order[--at]))
			return false;
	return true;
}

static void stop_one(struct mu_instance *instance)
{
	int64_t left = READERS_ALL - (clock_mono() - stop.began);

	if (instance == stop.self)
		ctl_close();
	else if (!instance->plugin->write && left > 0)
		loop_timer_start(loop_main(), &stop.patience, left < PATIENCE ? left : PATIENCE,
				 on_patience_over);
	instance_stop(instance, stop.why);
}

/* Called after each change of an instance, and when patience is over. */
static void stop_go_on(void)
{
	while (stop.at < stop.count) {
		struct mu_instance *next = stop.order[stop.at];
		if (stop.at > 0 && is_waited_for(stop.order[stop.at - 1]))
			return;
		if (next == stop.self && !all_settled_before(stop.at))
			return;
		stop.at++;
		stop_one(next);
	}
	if (stop.done && instance_is_settled(stop.self)) {
		void (*done)(void) = stop.done;
		stop.done = NULL;
		done();
	}
}

static void add_all(struct mu_instance *const *started, size_t count, bool writers)
{
	while (count-- > 0) {
		struct mu_instance *instance = started[count];
		if (instance == stop.self || !!instance->plugin->write != writers)
			continue;
		instance_hold(instance);
		stop.order[stop.count++] = instance;
	}
}

void daemon_stop_instances(struct mu_instance *self, enum mu_stop_reason why, void (*done)(void))
{
	c_assert(loop_is_current(loop_main()) && !stop.order);
	struct mu_instance **started, *instance;
	size_t count = 0;

	for (size_t at = 0; instance_next(&at, &instance); count++)
		sched_remove(instance);
	started = mem_array(count, sizeof(struct mu_instance *));
	stop.order = mem_array(count, sizeof(struct mu_instance *));
	count = 0;
	for (size_t at = 0; instance_next(&at, &instance);)
		started[count++] = instance;
	stop.self = self;
	stop.why = why;
	stop.done = done;
	stop.began = clock_mono();
	add_all(started, count, false);
	add_all(started, count, true);
	instance_hold(self);
	stop.order[stop.count++] = self;
	free(started);
	instance_watch(stop_go_on);
	stop_go_on();
}

void daemon_stop_fini(void)
{
	loop_timer_stop(&stop.patience);
	while (stop.count > 0)
		instance_release(stop.order[--stop.count]);
	free(stop.order);
	stop.order = NULL;
}
