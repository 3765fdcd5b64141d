/* daemon_reload: from one configuration to another: only what changed is touched. The new one is loaded and checked
 * whole first, so a bad file changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "call.h"
#include "daemon.h"
#include "daemon_load.h"
#include "event.h"
#include "instance.h"
#include "loader.h"
#include "log.h"
#include "self.h"
#include "series.h"

static const struct conf_plugin *conf_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
		if (strcmp(conf->plugins[i].name, name) == 0)
			return &conf->plugins[i];
	return NULL;
}

static const enum mu_level levels[] = { MU_LOG_ERROR, MU_LOG_WARNING, MU_LOG_NOTICE, MU_LOG_INFO,
					MU_LOG_DEBUG };

void daemon_apply_globals(const struct conf *conf)
{
	const struct conf_globals *globals = &conf->globals;

	c_assert((size_t)globals->log_level < MU_ARRAY_LEN(levels));
	log_level(levels[globals->log_level]);
	int r = log_open(globals->log_file && globals->log_file[0] ? globals->log_file : NULL);
	if (r < 0)
		log_line(MU_LOG_ERROR, "muster",
			 "the log file \"%s\" cannot be opened: %s; the log stays where it is",
			 globals->log_file, strerror(-r));
	series_timeout_factor(globals->timeout);
}

void daemon_plugins_start(const struct conf *conf, bool readers_only)
{
	for (size_t i = 0; i < conf->count; i++) {
		const struct mu_plugin *plugin = &conf->plugins[i].descriptor->plugin;
		if (readers_only && !plugin->read)
			continue;
		instance_start(instance_new(conf->plugins[i].descriptor, &conf->plugins[i]));
	}
}

static void apply_one(const struct conf_difference *difference, const struct conf *after)
{
	struct mu_instance *instance = instance_find(difference->name);
	const struct conf_plugin *plugin = conf_find(after, difference->name);

	if (difference->globals)
		return; /* all at once, before */
	switch (difference->change) {
	case CONF_ADDED:
		if (plugin && !instance)
			instance_start(instance_new(plugin->descriptor, plugin));
		else if (plugin && instance != self_instance())
			instance_restart(instance,
					 plugin); /* the reload before lets it go, and it has not gone yet */
		break;
	case CONF_REMOVED:
		if (instance)
			instance_remove(instance);
		break;
	case CONF_RECONFIGURED:
		if (instance && plugin)
			instance_reconfigure(instance, plugin);
		break;
	case CONF_RESTARTED:
		if (instance && plugin)
			instance_renew(instance, plugin);
		break;
	case CONF_SAME:
	case CONF_LATER:
		break;
	}
}

static json_t *sentence_json(const struct conf_difference *difference)
{
	const struct mu_instance *instance = difference->globals ? NULL : instance_find(difference->name);
	bool keeps = difference->change == CONF_RECONFIGURED || difference->change == CONF_RESTARTED;
	const char *change = conf_change_name(difference->change), *words = difference->words;

	c_assert(words && difference->change != CONF_SAME);
	if (instance && instance->parked && keeps)
		change = "changed";
	return json_pack("{s:s, s:s, s:o}", "kind", difference->globals ? "daemon" : "plugin", "id",
			 difference->globals ? DAEMON_ID : difference->name, "sentence",
			 json_sprintf("%s%s%s%s", change, words[0] ? ": " : "", words,
				      instance && instance->parked && keeps
					      ? "; it was told to stop, and stays so"
					      : ""));
}

static json_t *differences_json(const struct conf_difference *differences, size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++)
		if (differences[i].change != CONF_SAME)
			json_array_append_new(rows, sentence_json(&differences[i]));
	return rows;
}

/* ---- what the file is told to be ---- */

static size_t kept(size_t count, size_t room)
{
	return count < room ? count : room;
}

static void log_report(const struct conf_report *report)
{
	for (size_t i = 0; i < kept(report->warning_count, MU_ARRAY_LEN(report->warnings)); i++)
		log_error(MU_LOG_WARNING, "muster", &report->warnings[i]);
	for (size_t i = 0; i < kept(report->error_count, MU_ARRAY_LEN(report->errors)); i++)
		log_error(MU_LOG_ERROR, "muster", &report->errors[i]);
}

static void append_sentence(json_t *sentences, const struct mu_error *error)
{
	char text[1024];

	error_print(text, sizeof(text), error);
	json_array_append_new(sentences, json_pack("{s:s}", "sentence", text));
}

json_t *daemon_report_warnings(const struct conf_report *report)
{
	json_t *sentences = json_array();

	for (size_t i = 0; i < kept(report->error_count, MU_ARRAY_LEN(report->errors)); i++)
		append_sentence(sentences, &report->errors[i]);
	for (size_t i = 0; i < kept(report->warning_count, MU_ARRAY_LEN(report->warnings)); i++)
		append_sentence(sentences, &report->warnings[i]);
	return sentences;
}

void daemon_reply_report(struct mu_call *call, const struct conf_report *report)
{
	json_t *all = json_array();
	size_t count = kept(report->error_count, MU_ARRAY_LEN(report->errors));

	c_assert(count > 0);
	for (size_t i = 0; i < count; i++) {
		json_t *one = json_object();
		json_set_text(one, "what", report->errors[i].what);
		json_set_text(one, "where", report->errors[i].where);
		json_set_text(one, "remedy", report->errors[i].remedy);
		json_array_append_new(all, one);
	}
	if (report->error_count > count) {
		json_t *rest = json_object();
		json_object_set_new(rest, "what",
				    json_sprintf("and %zu more errors", report->error_count - count));
		json_array_append_new(all, rest);
	}
	call_reply_errors(call, &report->errors[0], all);
}

/* ---- the whole configuration ---- */

struct reload {
	bool dry_run;
	void (*done)(json_t *changes, const struct conf_report *report, void *data);
	void *data;
};

static json_t *apply(struct loaded *loaded, bool dry_run)
{
	struct conf *before = (struct conf *)(uintptr_t)daemon_conf(), *after = loaded->conf;
	size_t count;

	c_assert(after && loop_is_current(loop_main()));
	struct conf_difference *differences = conf_diff(before, after, &count);
	json_t *changes = differences_json(differences, count);
	if (dry_run)
		return changes;
	loaded->conf = NULL;
	daemon_conf_swap(after);
	daemon_apply_globals(after);
	loaded_take_types(loaded);
	for (size_t i = 0; i < count; i++)
		apply_one(&differences[i], after);
	conf_free(&before);
	event_core(MU_INFO, "the configuration was reloaded: %zu changes", json_array_size(changes));
	return changes;
}

static void reload_on_loaded(struct loaded *loaded, void *data)
{
	struct reload *reload = data;
	const struct conf_report *report = &loaded->report;
	json_t *changes = NULL;

	if (!reload->dry_run)
		log_report(report);
	if (loaded->conf)
		changes = apply(loaded, reload->dry_run);
	else if (!reload->dry_run && !daemon_is_stopping())
		event_core(MU_WARNING, "the configuration was not reloaded: %s", report->errors[0].what);
	if (reload->done)
		reload->done(changes, report, reload->data);
	else
		json_decref(changes);
	free(reload);
}

int daemon_reload(bool dry_run, void (*done)(json_t *changes, const struct conf_report *report, void *data),
		  void *data, struct mu_error *error)
{
	struct reload *reload = mem_alloc(sizeof(*reload));

	*reload = (struct reload){ .dry_run = dry_run, .done = done, .data = data };
	int r = daemon_load(reload_on_loaded, reload, error);
	if (r < 0)
		free(reload);
	return r;
}

void daemon_reload_soon(void)
{
	struct mu_error error = { .code = 0 };

	if (daemon_load_next(daemon_reload_soon))
		return;
	if (daemon_reload(false, NULL, NULL, &error) < 0)
		event_core(MU_WARNING, "the configuration was not reloaded: %s", error.what);
}

/* ---- one instance, by a person's wish ---- */

static struct mu_instance *wanted(const char *name, struct mu_error *error)
{
	struct mu_instance *instance = instance_find(name);

	if (!instance)
		mu_error(error, -ENOENT, "no plugin instance is called \"%s\"", name);
	else if (instance == self_instance()) {
		mu_error(error, -EINVAL, "\"%s\" is the daemon itself", name);
		mu_error_remedy(error, "use `musterctl restart`, or stop the service");
		return NULL;
	}
	return instance;
}

int daemon_plugin_start(const char *name, struct mu_error *error)
{
	struct mu_instance *instance = wanted(name, error);

	if (!instance)
		return error->code;
	instance_start(instance);
	return 0;
}

int daemon_plugin_stop(const char *name, struct mu_error *error)
{
	struct mu_instance *instance = wanted(name, error);

	if (!instance)
		return error->code;
	instance_stop(instance, MU_STOP_REMOVED);
	return 0;
}

int daemon_plugin_reload(const char *name, const struct conf *conf, struct mu_error *error)
{
	struct mu_instance *instance = wanted(name, error);
	const struct conf_plugin *plugin = conf_find(conf, name);

	if (!instance)
		return error->code;
	if (!plugin) {
		mu_error(error, -ENOENT, "the configuration no longer has \"%s\"", name);
		mu_error_remedy(error, "`musterctl reload` takes the whole configuration over");
		return error->code;
	}
	instance_restart(instance, plugin);
	return 0;
}
