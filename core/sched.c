/* sched: see sched.h. Each instance has a timer on the monotonic clock that is set to the next multiple of its interval
 * on the wall clock; when the wall clock steps, all are set anew, once. */
#include "sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "batch.h"
#include "bus.h"
#include "conf.h"
#include "daemon.h"
#include "event.h"
#include "instance.h"
#include "pool.h"

#define STEP_NS        (1 * MU_SEC)
#define EARLY_NS       (10 * MU_MS)
#define DEADLINE_LEAST (10 * MU_SEC)

struct read_task {
	struct pool_task task;
	struct mu_msg msg;
	struct loop_timer deadline;
	struct mu_instance *instance; /* held */
	struct config *config;
	struct mu_batch *batch;
	int64_t took;
	int result;
	bool disowned; /* main's */
	bool unread;   /* likewise: no worker had time for it */
};

static int64_t clock_offset; /* real - mono at the last look; 0 = not looked yet */
static struct {
	size_t waiting;
	void (*done)(void *data);
	void *data;
} once;

static void sched_arm(struct mu_instance *instance);

/* ---- pure ---- */

int64_t sched_next(int64_t real, int64_t interval, int64_t offset)
{
	c_assert(interval > 0);
	int64_t since = real - offset;
	int64_t whole = since - (since % interval + interval) % interval;
	return whole + interval + offset;
}

int64_t sched_backoff(int64_t interval, uint32_t failures, int64_t max)
{
	int64_t wait = interval;

	while (failures-- > 0 && wait < max)
		wait *= 2;
	return wait > max && max > interval ? max : wait;
}

/* ---- one read ---- */

static void read_run(struct pool_task *task)
{
	struct read_task *read = container_of(task, struct read_task, task);
	struct mu_instance *instance = read->instance;
	int64_t began = clock_mono();

	instance_thread_config(instance, read->config);
	read->result = instance->plugin->read(instance, read->batch);
	instance_thread_config(NULL, NULL);
	read->took = clock_mono() - began;
	if (pool_returned(task))
		mu_batch_drop(&read->batch);
	else
		bus_submit(read->batch, true);
	loop_post(loop_main(), &read->msg);
}

static void read_failed(struct mu_instance *instance, int result)
{
	struct read_state *r = &instance->read;

	r->errors++;
	text_printf(r->last_error, sizeof(r->last_error), "%s", strerror(-result));
	if (r->failures++ > 0)
		return;
	mu_event(instance, MU_WARNING, "%s cannot be read: %s; it is tried again, more and more rarely",
		 instance->name, r->last_error);
}

static void read_worked(struct mu_instance *instance)
{
	struct read_state *r = &instance->read;

	if (r->failures > 0)
		mu_event(instance, MU_OKAY, "%s can be read again, after %u failures", instance->name,
			 r->failures);
	r->failures = 0;
	r->last_error[0] = '\0';
}

/* It never began: the workers were busy with others, and nothing is known of its plugin. */
static void read_missed(struct mu_instance *instance)
{
	instance->read.overruns++;
	text_printf(instance->read.last_error, sizeof(instance->read.last_error),
		    "no worker had time to read it");
}

static void read_measure(struct read_state *r, int64_t took)
{
	r->reads++;
	r->last_ns = took;
	r->total_ns += took;
}

static void once_answered(void)
{
	if (once.waiting > 0 && --once.waiting == 0)
		once.done(once.data);
}

static void read_done(struct mu_instance *unused, struct mu_msg *msg)
{
	struct read_task *read = container_of(msg, struct read_task, msg);
	struct mu_instance *instance = read->instance;
	struct read_state *r = &instance->read;

	(void)unused;
	loop_timer_stop(&read->deadline);
	r->task = NULL;
	if (!read->unread)
		read_measure(r, read->took);
	if (read->disowned) {
		__atomic_sub_fetch(instance->hung, 1, __ATOMIC_RELAXED);
		mu_event(instance, MU_OKAY, "the read of %s that hung has returned after %.1f s",
			 instance->name, mu_seconds(read->took));
	} else {
		once_answered();
	}
	uint32_t before = r->failures;
	if (read->unread)
		read_missed(instance);
	else if (read->result < 0)
		read_failed(instance, read->result);
	else
		read_worked(instance);
	if (r->failures != before && r->listed)
		sched_arm(instance); /* later than the next tick, or at it again */
	if (read->disowned || read->unread || r->reads == 1 || (r->reads & 15) == 0 || r->failures == 1)
		instance_changed(instance);
	config_unref(&read->config);
	free(read);
	instance_release(instance);
}

static void read_overdue(struct loop_timer *timer)
{
	struct read_task *read = container_of(timer, struct read_task, deadline);
	struct mu_instance *instance = read->instance;

	if (pool_withdraw(&read->task)) {
		mu_batch_drop(&read->batch);
		read->unread = true;
		loop_post(loop_main(), &read->msg);
		return;
	}
	__atomic_add_fetch(instance->hung, 1, __ATOMIC_RELAXED);
	if (!pool_disown(&read->task)) {
		__atomic_sub_fetch(instance->hung, 1, __ATOMIC_RELAXED);
		return; /* it has just returned */
	}
	read->disowned = true;
	instance->read.hung++;
	text_printf(instance->read.last_error, sizeof(instance->read.last_error), "its read hangs");
	mu_event(instance, MU_WARNING,
		 "the read of %s hangs: after %.1f s it is no longer waited for; other plugins go on", instance->name,
		 mu_seconds(clock_mono() - (read->task.started ? read->task.started : clock_mono())));
	instance_changed(instance);
	once_answered();
}

static mu_time read_deadline(const struct mu_instance *instance)
{
	if (instance->read_deadline > 0)
		return instance->read_deadline;
	return instance->interval > DEADLINE_LEAST ? instance->interval : DEADLINE_LEAST;
}

/* The two clocks are read one after the other: a tick that came a hair early counts as in time, for the stamp of its
 * values, and so that it does not come again. */
static int64_t sched_real(const struct read_state *r)
{
	int64_t now = clock_real();
	return r->next_real > now && r->next_real - now < EARLY_NS ? r->next_real : now;
}

/* Main: false when one is in flight, or too many of the plugin hang. */
static bool read_start(struct mu_instance *instance)
{
	struct read_state *r = &instance->read;

	if (r->task) {
		r->overruns++;
		return false;
	}
	if (__atomic_load_n(instance->hung, __ATOMIC_RELAXED) >= INSTANCE_HUNG_MAX) {
		text_printf(r->last_error, sizeof(r->last_error),
			    "%d reads of this plugin hang: none more is started", INSTANCE_HUNG_MAX);
		r->overruns++;
		return false;
	}
	struct read_task *read = mem_alloc(sizeof(*read));
	r->task = read;
	read->task.run = read_run;
	read->msg.run = read_done;
	read->instance = instance;
	read->config = config_ref(instance->latest);
	if (!r->builder)
		r->builder = builder_new(instance, instance->plugin->name);
	read->batch = builder_begin(r->builder, sched_real(r), instance->interval);
	instance_hold(instance);
	loop_timer_start(loop_main(), &read->deadline, read_deadline(instance), read_overdue);
	pool_submit(&read->task);
	return true;
}

/* ---- when ---- */

/* A tenth of a second here and there is the clock being disciplined; more than one is somebody setting it. */
static void clock_watch(void)
{
	int64_t offset = clock_real() - clock_mono();
	int64_t step = clock_offset ? offset - clock_offset : 0;

	clock_offset = offset;
	if (step <= STEP_NS && step >= -STEP_NS)
		return;
	event_core(MU_WARNING, "the clock was set %s by %.1f s; reads are aligned to it anew",
		   step > 0 ? "forward" : "back", mu_seconds(step > 0 ? step : -step));
	struct mu_instance *instance;
	for (size_t at = 0; instance_next(&at, &instance);)
		if (instance->read.listed)
			sched_arm(instance);
}

static void sched_due(struct loop_timer *timer)
{
	struct mu_instance *instance = MU_CONTAINER(timer, struct mu_instance, read.due);

	clock_watch();
	read_start(instance);
	sched_arm(instance);
}

/* The jitter is drawn once a name, so that it is the same after a restart. */
static int64_t sched_offset(const struct mu_instance *instance)
{
	if (instance->jitter <= 0)
		return 0;
	return (int64_t)(hash_bytes(instance->name, strlen(instance->name), 0) % (uint64_t)instance->jitter);
}

static void sched_arm(struct mu_instance *instance)
{
	struct read_state *r = &instance->read;
	int64_t real = sched_real(r);
	int64_t max = daemon_conf() ? daemon_conf()->globals.max_read_interval : MU_DAY;
	int64_t extra = sched_backoff(instance->interval, r->failures, max) - instance->interval;

	r->next_real = sched_next(real + extra, instance->interval, sched_offset(instance));
	loop_timer_start(loop_main(), &r->due, r->next_real - clock_real(), sched_due);
}

void sched_add(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()) && instance->interval > 0);
	instance->read.listed = true;
	if (!clock_offset)
		clock_watch();
	sched_arm(instance);
}

void sched_remove(struct mu_instance *instance)
{
	if (!instance->read.listed)
		return;
	instance->read.listed = false;
	loop_timer_stop(&instance->read.due);
}

void sched_read_once(void (*done)(void *data), void *data)
{
	struct mu_instance *instance;

	once.done = done;
	once.data = data;
	once.waiting = 1;
	for (size_t at = 0; instance_next(&at, &instance);)
		if (instance->is == INSTANCE_RUNNING && instance->plugin->read && read_start(instance))
			once.waiting++;
	once_answered();
}
