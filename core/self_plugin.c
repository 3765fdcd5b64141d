/* self_plugin: the kind "plugin": every configured instance, its state, what it costs, and the verbs on it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "bus.h"
#include "counters.h"
#include "daemon.h"
#include "daemon_load.h"
#include "instance.h"
#include "loader.h"
#include "log.h"
#include "route.h"
#include "self.h"

static const struct mu_attr attrs[] = {
	{ .name = "plugin", .type = MU_STRING, .help = "what it is an instance of" },
	{ .name = "reason", .type = MU_STRING, .help = "why it is in this state, or what it says of itself" },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time", .help = "in this state since" },
	{ .name = "interval", .type = MU_DURATION, .unit = "s", .help = "time between two reads" },
	{ .name = "reads", .type = MU_INT, .help = "reads so far" },
	{ .name = "read_ms", .type = MU_DOUBLE, .unit = "ms", .help = "time the last read took" },
	{ .name = "errors", .type = MU_INT, .help = "reads that failed" },
	{ .name = "overruns", .type = MU_INT, .help = "ticks left out because the read before still ran" },
	{ .name = "hung", .type = MU_INT, .help = "reads that were no longer waited for" },
	{ .name = "lost", .type = MU_INT, .help = "values that its queue had no room for" },
	{ .name = "loop", .type = MU_STRING, .help = "the loop it lives on" },
	{ .name = "slow", .type = MU_INT, .flags = MU_HIDDEN, .help = "callbacks that took over 20 ms" },
	{ .name = "about", .type = MU_STRING, .flags = MU_HIDDEN, .help = "what the plugin does" },
	{ .name = "file", .type = MU_STRING, .flags = MU_HIDDEN, .help = "where it was loaded from" },
	{ .name = "newer_on_disk", .type = MU_BOOL, .flags = MU_HIDDEN,
	  .help = "the file has changed since: `musterctl restart` takes the new one" },
	{ .name = "counters", .type = MU_BLOCK, .flags = MU_HIDDEN, .help = "what it counts about itself" },
	MU_ATTR_END
};

static void plugin_set_reads(json_t *object, const struct mu_instance *instance)
{
	const struct read_state *r = &instance->read;

	if (!instance->plugin->read)
		return;
	json_object_set_new(object, "interval", json_real(mu_seconds(instance->interval)));
	json_object_set_new(object, "reads", json_integer((json_int_t)r->reads));
	json_object_set_new(object, "read_ms", json_real(round((double)r->last_ns / 1e3) / 1e3));
	json_object_set_new(object, "errors", json_integer((json_int_t)r->errors));
	json_object_set_new(object, "overruns", json_integer((json_int_t)r->overruns));
	json_object_set_new(object, "hung", json_integer((json_int_t)r->hung));
}

static void plugin_set_lost(json_t *object, const struct mu_instance *instance)
{
	struct sink_stats sink;
	uint64_t lost = 0;

	if (!instance->plugin->write)
		return;
	for (size_t at = 0; bus_sink_next(&at, &sink);)
		if (strcmp(sink.name, instance->name) == 0)
			lost += sink.lost;
	json_object_set_new(object, "lost", json_integer((json_int_t)lost));
}

static const char *plugin_reason(const struct mu_instance *instance)
{
	static char words[700];

	if (instance->is == INSTANCE_FAILED || instance->is == INSTANCE_ABANDONED) {
		error_print(words, sizeof(words), &instance->error);
		return words;
	}
	if (instance->read.last_error[0])
		return instance->read.last_error;
	if (instance->status[0])
		return instance->status;
	if (instance->is == INSTANCE_RUNNING && instance->plugin->routes && !route_provided())
		return "waits for a plugin that serves HTTP to show its routes";
	return NULL;
}

static json_t *plugin_json(const struct mu_instance *instance)
{
	json_t *object = json_object();

	json_set_text(object, "state", instance_state_name(instance->is));
	json_set_text(object, "plugin", instance->plugin->name);
	json_set_text(object, "reason", plugin_reason(instance));
	json_object_set_new(object, "since", json_real(mu_seconds(instance->since)));
	plugin_set_reads(object, instance);
	plugin_set_lost(object, instance);
	json_set_text(object, "loop", loop_name(instance->loop));
	json_object_set_new(object, "slow",
	                    json_integer((json_int_t)__atomic_load_n(&instance->slow, __ATOMIC_RELAXED)));
	json_set_text(object, "about", instance->plugin->about);
	json_set_text(object, "file", instance->descriptor->path[0] ? instance->descriptor->path : NULL);
	if (loader_seen_newer(instance->descriptor))
		json_object_set_new(object, "newer_on_disk", json_true());
	if (instance->counter_count > 0)
		json_object_set_new(object, "counters", counters_json(instance));
	return object;
}

/* ---- verbs: each is answered when its instances have settled, with what became of them ---- */

struct wished {
	char *id;
	struct mu_error refused; /* code < 0: it was not even begun */
};

struct wish {
	struct list node;
	struct mu_call *call; /* NULL: nobody waits any more */
	struct wished *each;
	size_t count;
	enum instance_state aim; /* what the person wants to see */
	const char *said;
	bool loading; /* the configuration is being read for it */
};
static struct list wishes = { &wishes, &wishes };

static struct wish *wish_new(struct mu_call *call, enum instance_state aim, const char *said)
{
	struct wish *wish = mem_alloc(sizeof(*wish));
	const char *const *ids = mu_call_ids(call, &wish->count);

	wish->call = call;
	wish->aim = aim;
	wish->said = said;
	wish->each = mem_array(wish->count + 1, sizeof(*wish->each));
	for (size_t i = 0; i < wish->count; i++)
		wish->each[i].id = mem_strdup(ids[i]);
	list_add(&wishes, &wish->node);
	return wish;
}

static void wish_free(struct wish *wish)
{
	list_remove(&wish->node);
	for (size_t i = 0; i < wish->count; i++)
		free(wish->each[i].id);
	free(wish->each);
	free(wish);
}

static bool wish_is_settled(const struct wish *wish)
{
	for (size_t i = 0; i < wish->count; i++) {
		const struct mu_instance *instance = instance_find(wish->each[i].id);
		if (instance && !instance_is_settled(instance))
			return false;
	}
	return !wish->loading;
}

/* Did this one come true? */
static bool wished_came_true(const struct wish *wish, struct wished *one)
{
	const struct mu_instance *instance = instance_find(one->id);

	if (one->refused.code < 0)
		return false;
	if (!instance || instance->is == wish->aim)
		return true;
	if (instance->error.what[0])
		one->refused = instance->error;
	else
		mu_error(&one->refused, -EAGAIN, "plugin %s is %s", one->id, instance_state_name(instance->is));
	return false;
}

static json_t *failed_json(const struct wished *one)
{
	char sentence[1024];

	error_print(sentence, sizeof(sentence), &one->refused);
	return json_pack("{s:s, s:i, s:s}", "id", one->id, "code", one->refused.code, "sentence", sentence);
}

static void wish_answer(struct wish *wish)
{
	json_t *failed = json_array(), *result = json_object();
	const struct wished *first = NULL;

	c_assert(wish->call && !wish->loading);
	for (size_t i = 0; i < wish->count; i++) {
		if (wished_came_true(wish, &wish->each[i]))
			continue;
		json_array_append_new(failed, failed_json(&wish->each[i]));
		first = first ? first : &wish->each[i];
	}
	size_t good = wish->count - json_array_size(failed);
	if (wish->count == 1)
		json_object_set_new(result, "message", json_sprintf("plugin %s %s", wish->each[0].id, wish->said));
	else if (good == 0)
		json_object_set_new(result, "message", json_sprintf("none of %zu plugins %s", wish->count, wish->said));
	else
		json_object_set_new(result, "message",
		                    json_sprintf("%zu plugin%s: each %s", good, good == 1 ? "" : "s", wish->said));
	if (first)
		json_object_set(result, "failed", failed);
	if (good == 0 && wish->count == 1)
		mu_reply_failure(wish->call, &first->refused);
	else
		mu_reply(wish->call, json_incref(result));
	json_decref(failed);
	json_decref(result);
	wish_free(wish);
}

/* What is being read for it is done all the same. */
static void wish_gone(struct mu_instance *self, struct mu_call *call)
{
	struct wish *wish = mu_call_data(call);

	(void)self;
	wish->call = NULL;
	if (!wish->loading)
		wish_free(wish);
	mu_reply(call, NULL);
}

static void wishes_look(void)
{
	list_each_safe(node, &wishes) {
		struct wish *wish = list_entry(node, struct wish, node);
		if (wish_is_settled(wish))
			wish_answer(wish);
	}
}

static void wish_wait(struct wish *wish)
{
	mu_call_set_data(wish->call, wish);
	mu_call_on_gone(wish->call, wish_gone);
	wishes_look();
}

static void wish_for(struct mu_call *call, int (*act)(const char *name, struct mu_error *error),
                     enum instance_state aim, const char *said)
{
	struct wish *wish = wish_new(call, aim, said);

	wish->loading = true; /* no answer before each was asked */
	for (size_t i = 0; i < wish->count; i++)
		act(wish->each[i].id, &wish->each[i].refused);
	wish->loading = false;
	wish_wait(wish);
}

static void run_start(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	wish_for(call, daemon_plugin_start, INSTANCE_RUNNING, "runs");
}

static void run_stop(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	wish_for(call, daemon_plugin_stop, INSTANCE_STOPPED, "has stopped");
}

static void reload_on_loaded(struct loaded *loaded, void *data)
{
	struct wish *wish = data;

	c_assert(wish->loading);
	for (size_t i = 0; loaded->conf && i < wish->count; i++)
		daemon_plugin_reload(wish->each[i].id, loaded->conf, &wish->each[i].refused);
	wish->loading = false;
	if (loaded->conf && wish->call) {
		wishes_look();
		return;
	}
	if (wish->call)
		daemon_reply_report(wish->call, &loaded->report);
	wish_free(wish);
}

static void run_reload(struct mu_instance *self, struct mu_call *call)
{
	struct wish *wish = wish_new(call, INSTANCE_RUNNING, "has started again, with its configuration as it is now");
	struct mu_error error = { .code = 0 };

	(void)self;
	if (daemon_load(reload_on_loaded, wish, &error) < 0) {
		wish_free(wish);
		mu_reply_failure(call, &error);
		return;
	}
	wish->loading = true;
	wish_wait(wish);
}

/* ---- its objects ---- */

void self_plugin_changed(struct mu_instance *instance)
{
	if (!self_instance())
		return;
	mu_object_put(self_instance(), "plugin", instance->name, plugin_json(instance));
	wishes_look();
}

void self_plugin_gone(const char *name)
{
	if (!self_instance())
		return;
	mu_object_delete(self_instance(), "plugin", name);
	wishes_look();
}

const struct mu_command self_plugin_commands[] = {
	{ .kind = "plugin", .name = "start", .title = "Start", .role = MU_ADMIN, .effect = MU_CHANGE, .flags = MU_BULK,
	  .help = "starts an instance that is stopped or has failed", .run = run_start },
	{ .kind = "plugin", .name = "stop", .title = "Stop", .role = MU_ADMIN, .effect = MU_INTERRUPT, .flags = MU_BULK,
	  .help = "stops an instance until it is started again or the daemon restarts", .run = run_stop },
	{ .kind = "plugin", .name = "reload", .title = "Reload", .role = MU_ADMIN, .effect = MU_INTERRUPT,
	  .flags = MU_BULK, .deadline = 70 * MU_SEC,
	  .help = "restarts an instance with its part of the configuration file as it is now",
	  .run = run_reload },
	MU_COMMAND_END
};

const struct mu_kind self_plugin_kind = {
	.name = "plugin", .plural = "plugins", .help = "one configured plugin: what it does and how it fares",
	.attrs = attrs, .states = instance_state_rows, .title = "plugin", .reason = "reason", .since = "since",
	.columns = "state since interval reads read_ms errors overruns lost reason",
};
