/* daemon_reload: from one configuration to another: only what changed is touched. The new one is loaded and checked
 * whole first, so a bad file changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "daemon.h"
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

static const enum mu_level levels[] = { MU_LOG_ERROR, MU_LOG_WARNING, MU_LOG_NOTICE, MU_LOG_INFO, MU_LOG_DEBUG };

void daemon_apply_globals(const struct conf *conf)
{
	const struct conf_globals *globals = &conf->globals;

	c_assert((size_t)globals->log_level < MU_ARRAY_LEN(levels));
	log_level(levels[globals->log_level]);
	int r = log_open(globals->log_file && globals->log_file[0] ? globals->log_file : NULL);
	if (r < 0)
		log_line(MU_LOG_ERROR, "muster", "the log file \"%s\" cannot be opened: %s; the log stays where it is",
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

	switch (difference->change) {
	case CONF_ADDED:
		if (plugin && !instance)
			instance_start(instance_new(plugin->descriptor, plugin));
		else if (plugin && instance != self_instance())
			instance_restart(instance, plugin); /* the reload before lets it go, and it has not gone yet */
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
			instance_restart(instance, plugin);
		break;
	case CONF_SAME:
		break;
	}
}

static json_t *differences_json(const struct conf_difference *differences, size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++)
		if (differences[i].change != CONF_SAME)
			json_array_append_new(rows, json_pack("{s:s, s:s, s:s?}", "plugin", differences[i].name, "change",
			                                      conf_change_name(differences[i].change), "words",
			                                      differences[i].words));
	return rows;
}

static void log_report(const struct conf_report *report)
{
	for (size_t i = 0; i < report->warning_count && i < MU_ARRAY_LEN(report->warnings); i++)
		log_error(MU_LOG_WARNING, "muster", &report->warnings[i]);
	for (size_t i = 0; i < report->error_count && i < MU_ARRAY_LEN(report->errors); i++)
		log_error(MU_LOG_ERROR, "muster", &report->errors[i]);
}

int daemon_reload(bool dry_run, json_t **out, struct conf_report *report)
{
	struct conf *before = (struct conf *)daemon_conf(), *after = conf_load(before->path, report);
	size_t count;

	if (!dry_run)
		log_report(report);
	if (!after) {
		if (!dry_run)
			event_core(MU_WARNING, "the configuration was not reloaded: %s", report->errors[0].what);
		return report->errors[0].code < 0 ? report->errors[0].code : -EINVAL;
	}
	struct conf_difference *differences = conf_diff(before, after, &count);
	*out = differences_json(differences, count);
	if (dry_run) {
		conf_free(&after);
		return 0;
	}
	daemon_conf_swap(after);
	daemon_apply_globals(after);
	for (size_t i = 0; i < count; i++)
		apply_one(&differences[i], after);
	conf_free(&before);
	event_core(MU_INFO, "the configuration was reloaded: %zu changes", json_array_size(*out));
	return 0;
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

int daemon_plugin_reload(const char *name, struct mu_error *error)
{
	static struct conf_report report;
	struct mu_instance *instance = wanted(name, error);

	if (!instance)
		return error->code;
	memset(&report, 0, sizeof(report));
	struct conf *now = conf_load(daemon_conf()->path, &report);
	if (!now) {
		*error = report.errors[0];
		return error->code;
	}
	const struct conf_plugin *plugin = conf_find(now, name);
	if (plugin)
		instance_restart(instance, plugin);
	else
		mu_error(error, -ENOENT, "the configuration no longer has \"%s\"", name);
	if (!plugin)
		mu_error_remedy(error, "`musterctl reload` takes the whole configuration over");
	conf_free(&now);
	return plugin ? 0 : error->code;
}
