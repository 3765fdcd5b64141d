/* self_daemon: the kind "daemon", which has one object, and the verbs on the whole: status, reload, restart, describe. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "bus.h"
#include "call.h"
#include "daemon.h"
#include "describe.h"
#include "instance.h"
#include "pool.h"
#include "self.h"
#include "series.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const struct mu_state states[] = {
	{ "running", MU_OK, "all that is configured runs" },
	{ "degraded", MU_WARN, "at least one plugin has failed; the others go on" },
	MU_STATE_END
};

static const struct mu_attr attrs[] = {
	{ .name = "host", .type = MU_STRING, .help = "this host's name in identifiers" },
	{ .name = "reason", .type = MU_STRING, .help = "which plugins have failed" },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time", .help = "running since" },
	{ .name = "release", .type = MU_STRING, .help = "of musterd" },
	{ .name = "pid", .type = MU_INT, .help = "its process" },
	{ .name = "plugins", .type = MU_INT, .help = "instances that run" },
	{ .name = "failed", .type = MU_INT, .help = "instances that failed" },
	{ .name = "series", .type = MU_INT, .help = "series known now" },
	{ .name = "values", .type = MU_INT, .help = "samples that passed the bus" },
	{ .name = "lost", .type = MU_INT, .help = "samples that a writer had no room for" },
	{ .name = "refused", .type = MU_INT, .help = "samples refused because the bus was full" },
	{ .name = "calls", .type = MU_INT, .help = "calls opened so far" },
	{ .name = "workers", .type = MU_INT, .help = "worker threads now" },
	{ .name = "configuration", .type = MU_STRING, .help = "the file it was started with" },
	MU_ATTR_END
};

static void count_plugins(json_t *object)
{
	struct mu_instance *instance;
	char failed[256] = "";
	size_t running = 0, bad = 0;

	for (size_t at = 0; instance_next(&at, &instance);) {
		running += instance->is == INSTANCE_RUNNING;
		if (instance->is != INSTANCE_FAILED && instance->is != INSTANCE_ABANDONED)
			continue;
		size_t used = strlen(failed);
		snprintf(failed + used, sizeof(failed) - used, "%s%s", bad++ ? ", " : "failed: ", instance->name);
	}
	json_set_text(object, "state", bad ? "degraded" : "running");
	json_set_text(object, "reason", bad ? failed : NULL);
	json_object_set_new(object, "plugins", json_integer((json_int_t)running));
	json_object_set_new(object, "failed", json_integer((json_int_t)bad));
}

static void count_values(json_t *object)
{
	struct bus_stats bus;
	struct sink_stats sink;
	uint64_t lost = 0;

	bus_stats(&bus);
	for (size_t at = 0; bus_sink_next(&at, &sink);)
		lost += sink.lost;
	json_object_set_new(object, "series", json_integer((json_int_t)series_count()));
	json_object_set_new(object, "values", json_integer((json_int_t)bus.values));
	json_object_set_new(object, "lost", json_integer((json_int_t)lost));
	json_object_set_new(object, "refused", json_integer((json_int_t)bus.refused));
}

static json_t *daemon_json(void)
{
	json_t *object = json_object();
	struct call_stats calls;
	struct pool_stats pool;

	call_stats(&calls);
	pool_stats(&pool);
	count_plugins(object);
	json_set_text(object, "host", mu_hostname());
	json_object_set_new(object, "since", json_real(mu_seconds(daemon_started())));
	json_set_text(object, "release", PACKAGE_VERSION);
	json_object_set_new(object, "pid", json_integer(getpid()));
	count_values(object);
	json_object_set_new(object, "calls", json_integer((json_int_t)calls.opened));
	json_object_set_new(object, "workers", json_integer((json_int_t)pool.threads));
	json_set_text(object, "configuration", daemon_conf() ? daemon_conf()->path : NULL);
	return object;
}

void self_daemon_changed(void)
{
	if (self_instance())
		mu_object_put(self_instance(), "daemon", DAEMON_ID, daemon_json());
}

/* ---- verbs ---- */

static void run_status(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_reply(call, daemon_json());
}

static void run_describe(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_reply(call, describe_all());
}

/* ---- reload: answered when it is done ---- */

struct wait {
	struct mu_call *call; /* NULL: nobody waits any more */
	bool dry_run;
};

/* A dry run answers rows alone, so what is odd is rows as well. */
static void add_warning_rows(json_t *rows, const json_t *warnings)
{
	json_t *one;
	size_t i;

	json_array_foreach(warnings, i, one)
		json_array_append_new(rows, json_pack("{s:s, s:s, s:o}", "kind", "daemon", "id", DAEMON_ID, "sentence",
		                                      json_sprintf("warning: %s", json_get_text(one, "sentence"))));
}

static void reload_done(json_t *changes, const struct conf_report *report, void *data)
{
	struct wait *wait = data;
	struct mu_call *call = wait->call;
	bool dry_run = wait->dry_run;
	size_t count = json_array_size(changes);

	free(wait);
	if (!call) {
		json_decref(changes);
		return;
	}
	if (!changes) {
		daemon_reply_report(call, report);
		return;
	}
	json_t *warnings = daemon_report_warnings(report);
	if (dry_run) {
		add_warning_rows(changes, warnings);
		json_decref(warnings);
		mu_reply(call, changes);
		return;
	}
	mu_reply(call, json_pack("{s:o, s:o, s:o}", "message",
	                         count ? json_sprintf("the configuration was read; %zu changed", count)
	                               : json_string("the configuration was read; nothing has changed"),
	                         "changes", changes, "warnings", warnings));
}

/* What was begun is done all the same. */
static void reload_gone(struct mu_instance *self, struct mu_call *call)
{
	struct wait *wait = mu_call_data(call);

	(void)self;
	wait->call = NULL;
	mu_reply(call, NULL);
}

static void run_reload(struct mu_instance *self, struct mu_call *call)
{
	struct wait *wait = mem_alloc(sizeof(*wait));
	struct mu_error error = { .code = 0 };

	(void)self;
	wait->call = call;
	wait->dry_run = mu_call_dry_run(call);
	if (daemon_reload(wait->dry_run, reload_done, wait, &error) < 0) {
		free(wait);
		mu_reply_failure(call, &error);
		return;
	}
	mu_call_set_data(call, wait);
	mu_call_on_gone(call, reload_gone);
}

static void restart_now(void *unused)
{
	(void)unused;
	daemon_restart();
}

/* Stopping cancels every open call, so this one is answered first: its reply is in main's inbox before the rest. */
static void run_restart(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_reply_text(call, "the daemon stops in order and starts again with the program now on disk");
	loop_call(loop_main(), restart_now, NULL);
}

const struct mu_command self_daemon_commands[] = {
	{ .kind = "daemon", .name = "status", .title = "Status", .effect = MU_LOOK, .flags = MU_ON_KIND,
	  .help = "how the daemon fares", .run = run_status },
	{ .kind = "daemon", .name = "describe", .title = "Describe", .effect = MU_LOOK, .flags = MU_ON_KIND,
	  .help = "every kind, verb, option and counter as JSON", .run = run_describe },
	{ .kind = "daemon", .name = "reload", .title = "Reload", .role = MU_ADMIN, .effect = MU_CHANGE,
	  .flags = MU_ON_KIND | MU_DRY_RUN, .deadline = 40 * MU_SEC,
	  .help = "reads the configuration again; only what changed is reconfigured or restarted", .run = run_reload },
	{ .kind = "daemon", .name = "restart", .title = "Restart", .role = MU_ADMIN, .effect = MU_INTERRUPT,
	  .flags = MU_ON_KIND, .help = "stops in order and executes the program anew", .run = run_restart },
	MU_COMMAND_END
};

const struct mu_kind self_daemon_kind = {
	.name = "daemon", .plural = "daemons", .help = "musterd itself",
	.attrs = attrs, .states = states, .title = "host", .reason = "reason", .since = "since",
	.columns = "state host since release plugins failed series values lost",
};
