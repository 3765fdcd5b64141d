/* self_daemon: the kind "daemon", which has one object, and the verbs on the whole: status, reload, restart, describe. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
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

#define DAEMON_ID "musterd"

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

/* [{"plugin","change","words"}] → what a dry run answers, and the message of a real one. */
static json_t *as_sentences(const json_t *differences)
{
	json_t *sentences = json_array(), *row;
	size_t i;

	json_array_foreach(differences, i, row) {
		const char *change = json_get_text(row, "change"), *words = json_get_text(row, "words");
		json_array_append_new(sentences, json_pack("{s:s, s:s?, s:o}", "kind", "plugin", "id",
		                                           json_get_text(row, "plugin"), "sentence",
		                                           json_sprintf("%s: %s", change ? change : "", words ? words : "")));
	}
	return sentences;
}

static void run_reload(struct mu_instance *self, struct mu_call *call)
{
	static struct conf_report report;
	json_t *differences = NULL;

	(void)self;
	memset(&report, 0, sizeof(report));
	if (daemon_reload(mu_call_dry_run(call), &differences, &report) < 0) {
		mu_reply_failure(call, &report.errors[0]);
		return;
	}
	json_t *sentences = as_sentences(differences);
	size_t count = json_array_size(differences);
	json_decref(differences);
	if (mu_call_dry_run(call)) {
		mu_reply(call, sentences);
		return;
	}
	mu_reply(call, json_pack("{s:o, s:o}", "message",
	                         count ? json_sprintf("the configuration was read; %zu changed", count)
	                               : json_string("the configuration was read; nothing has changed"),
	                         "changes", sentences));
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
	  .flags = MU_ON_KIND | MU_DRY_RUN,
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
