/* instance_state: the life of an instance as a table, state by event. Main loop.
 *
 * What is registered for an instance (kinds, routes) is there from before its start until after its end; what comes to
 * it (values, events, reads) only while it runs. */
#include "base/check.h"
#include "bus.h"
#include "call.h"
#include "conf.h"
#include "event.h"
#include "instance.h"
#include "kind.h"
#include "log.h"
#include "object.h"
#include "route.h"
#include "sched.h"
#include "self.h"
#include "store.h"

#define START_DEADLINE (30 * MU_SEC)
#define STOP_DEADLINE (1 * MU_SEC)

static void (*watcher)(void);

/* ---- what a step does ---- */

static void on_overdue(struct loop_timer *timer)
{
	struct mu_instance *instance = MU_CONTAINER(timer, struct mu_instance, deadline);
	instance_step(instance, INSTANCE_OVERDUE);
}

static void act_start(struct mu_instance *instance)
{
	c_assert(!instance->used);
	instance->used = true;
	loop_timer_start(loop_main(), &instance->deadline, START_DEADLINE, on_overdue);
	if (!instance->refused)
		instance->start_result = kind_add_instance(instance, &instance->start_error);
	if (instance->start_result == 0)
		instance->start_result = route_add_instance(instance, &instance->start_error);
	instance_hold(instance);
	loop_call_for(instance, instance_loop_start, instance);
}

static void act_run(struct mu_instance *instance)
{
	loop_timer_stop(&instance->deadline);
	if (instance->plugin->write)
		bus_add_writer(instance);
	if (instance->plugin->event)
		event_add_listener(instance);
	if (instance->plugin->read)
		sched_add(instance);
	log_line(MU_LOG_INFO, instance->name, "runs");
}

static void quiet(struct mu_instance *instance)
{
	sched_remove(instance);
	call_instance_gone(instance);
	event_instance_gone(instance);
	bus_instance_gone(instance);
	job_instance_gone(instance);
}

static void act_stop(struct mu_instance *instance)
{
	instance->queue = bus_take_writer(instance);
	quiet(instance);
	loop_timer_start(loop_main(), &instance->deadline, STOP_DEADLINE, on_overdue);
	instance_hold(instance);
	loop_call_for(instance, instance_loop_stop, instance);
}

static void unregister(struct mu_instance *instance)
{
	loop_timer_stop(&instance->deadline);
	quiet(instance);
	object_instance_gone(instance);
	route_remove_instance(instance);
	kind_remove_instance(instance);
	store_instance_gone(instance, NULL, NULL);
}

/* Its place in the directory goes to the next life, or to nobody. */
static void settle(struct mu_instance *instance)
{
	if (instance->successor) {
		struct mu_instance *next = instance->successor;
		instance->successor = NULL;
		instance_directory_replace(instance, next);
		if (next->parked)
			instance_changed(next);
		else
			instance_step(next, INSTANCE_START);
	} else if (instance->leaving) {
		instance_directory_remove(instance);
	}
}

static void act_end(struct mu_instance *instance)
{
	unregister(instance);
	log_line(MU_LOG_INFO, instance->name, "stopped");
}

static void act_fail(struct mu_instance *instance)
{
	char words[700];

	unregister(instance);
	error_print(words, sizeof(words), &instance->error);
	mu_event(instance, MU_FAILURE, "plugin %s failed to start: %s", instance->name, words);
}

static void act_abandon(struct mu_instance *instance)
{
	mu_error(&instance->error, -ETIMEDOUT, "did not answer in time and was left behind with its memory");
	mu_error_remedy(&instance->error, "look at what it waits for; `musterctl restart` gives it a new process");
	unregister(instance);
	instance_hold(instance); /* for good: something may still run in it */
	mu_event(instance, MU_FAILURE, "plugin %s %s; %s", instance->name, instance->error.what, instance->error.remedy);
}

static void act_none(struct mu_instance *instance)
{
	(void)instance;
}

/* ---- the table ---- */

struct step {
	void (*act)(struct mu_instance *instance); /* NULL: the event means nothing in this state */
	enum instance_state next;
};

static const struct step table[INSTANCE_STATES][INSTANCE_EVENTS] = {
	[INSTANCE_STOPPED] = {
		[INSTANCE_START] = { act_start, INSTANCE_STARTING },
	},
	[INSTANCE_STARTING] = {
		[INSTANCE_STARTED] = { act_run, INSTANCE_RUNNING },
		[INSTANCE_REFUSED] = { act_fail, INSTANCE_FAILED },
		[INSTANCE_STOP] = { act_none, INSTANCE_STOPPING },
		[INSTANCE_OVERDUE] = { act_abandon, INSTANCE_ABANDONED },
	},
	[INSTANCE_RUNNING] = {
		[INSTANCE_STOP] = { act_stop, INSTANCE_STOPPING },
		[INSTANCE_ENDED] = { act_end, INSTANCE_STOPPED },
	},
	[INSTANCE_STOPPING] = {
		[INSTANCE_STARTED] = { act_stop, INSTANCE_STOPPING },
		[INSTANCE_REFUSED] = { act_end, INSTANCE_STOPPED },
		[INSTANCE_ENDED] = { act_end, INSTANCE_STOPPED },
		[INSTANCE_OVERDUE] = { act_abandon, INSTANCE_ABANDONED },
	},
	[INSTANCE_FAILED] = {
		[INSTANCE_STOP] = { act_none, INSTANCE_STOPPED },
	},
	[INSTANCE_ABANDONED] = {
		[INSTANCE_STOP] = { act_none, INSTANCE_ABANDONED },
	},
};

static const char *const event_names[INSTANCE_EVENTS] = {
	[INSTANCE_START] = "start", [INSTANCE_STARTED] = "started", [INSTANCE_REFUSED] = "refused",
	[INSTANCE_STOP] = "stop", [INSTANCE_ENDED] = "ended", [INSTANCE_OVERDUE] = "overdue",
};

const struct mu_state instance_state_rows[] = {
	[INSTANCE_STOPPED] = { "stopped", MU_PAUSED, "stopped by a person or by the configuration" },
	[INSTANCE_STARTING] = { "starting", MU_RUNNING, "its start callback runs" },
	[INSTANCE_RUNNING] = { "running", MU_OK, "started, and does its work" },
	[INSTANCE_STOPPING] = { "stopping", MU_RUNNING, "closes what it has open" },
	[INSTANCE_FAILED] = { "failed", MU_FAIL, "could not start; the reason stands beside it" },
	[INSTANCE_ABANDONED] = { "abandoned", MU_FAIL, "did not answer in time, and was left behind" },
	MU_STATE_END,
};

const char *instance_state_name(enum instance_state state)
{
	c_assert(state < INSTANCE_STATES);
	return instance_state_rows[state].name;
}

bool instance_is_settled(const struct mu_instance *instance)
{
	return instance->is != INSTANCE_STARTING && instance->is != INSTANCE_STOPPING && !instance->successor;
}

json_t *instance_table_json(void)
{
	json_t *rows = json_array();

	for (int state = 0; state < INSTANCE_STATES; state++)
		for (int event = 0; event < INSTANCE_EVENTS; event++)
			if (table[state][event].act)
				json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "state",
				                                      instance_state_rows[state].name, "event",
				                                      event_names[event], "next",
				                                      instance_state_rows[table[state][event].next].name));
	return rows;
}

void instance_step(struct mu_instance *instance, enum instance_event event)
{
	c_assert(loop_is_current(loop_main()));
	const struct step *step = &table[instance->is][event];

	if (!step->act)
		return;
	instance_hold(instance);
	if (instance->is != step->next)
		instance->since = mu_time_real();
	instance->is = step->next;
	step->act(instance);
	instance_changed(instance);
	if (step->next == INSTANCE_STOPPED || step->next == INSTANCE_FAILED || step->next == INSTANCE_ABANDONED)
		settle(instance);
	if (watcher)
		watcher();
	instance_release(instance);
}

/* ---- what others ask for ---- */

void instance_watch(void (*changed)(void))
{
	watcher = changed;
}

static bool is_at_rest(const struct mu_instance *instance)
{
	return instance->is == INSTANCE_STOPPED || instance->is == INSTANCE_FAILED ||
	       instance->is == INSTANCE_ABANDONED;
}

/* Takes `next`; NULL = none. */
static void succeed(struct mu_instance *instance, struct mu_instance *next)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(!next || (!next->used && next->is == INSTANCE_STOPPED));
	if (instance->successor)
		instance_release(instance->successor);
	instance->successor = next;
}

void instance_start(struct mu_instance *instance)
{
	struct mu_instance *next = instance->successor;

	instance->parked = false;
	if (next)
		next->parked = false; /* it goes with its facts, which are newer */
	else if (instance->used && (is_at_rest(instance) || (instance->is == INSTANCE_STOPPING && !instance->leaving)))
		instance_restart(instance, NULL);
	else
		instance_step(instance, INSTANCE_START);
}

void instance_stop(struct mu_instance *instance, enum mu_stop_reason why)
{
	instance->why = why;
	instance->parked = true;
	succeed(instance, NULL);
	instance_step(instance, INSTANCE_STOP);
}

static void go_over_to(struct mu_instance *instance, struct mu_instance *next)
{
	succeed(instance, next);
	instance->why = MU_STOP_RELOAD;
	if (is_at_rest(instance))
		settle(instance);
	else
		instance_step(instance, INSTANCE_STOP);
}

void instance_restart(struct mu_instance *instance, const struct conf_plugin *conf)
{
	instance->parked = false;
	go_over_to(instance, instance_successor(instance, conf));
}

void instance_renew(struct mu_instance *instance, const struct conf_plugin *conf)
{
	c_assert(conf && conf->config);
	struct mu_instance *next = instance_successor(instance, conf);

	next->parked = instance->parked;
	go_over_to(instance, next);
}

void instance_remove(struct mu_instance *instance)
{
	instance->leaving = true;
	instance->why = MU_STOP_REMOVED;
	succeed(instance, NULL);
	if (is_at_rest(instance))
		settle(instance);
	else
		instance_step(instance, INSTANCE_STOP);
}

void instance_reconfigure(struct mu_instance *instance, const struct conf_plugin *conf)
{
	if (instance->is != INSTANCE_RUNNING || !instance->plugin->reconfigure) {
		/* also one that stops only to start again: its next life was made with options that are old by now */
		instance_renew(instance, conf);
		return;
	}
	instance_loop_reconfigure(instance, conf->config);
	config_unref(&instance->latest);
	instance->latest = config_ref(conf->config);
}

void instance_changed(struct mu_instance *instance)
{
	if (self_instance() && !instance->leaving)
		self_plugin_changed(instance);
}
