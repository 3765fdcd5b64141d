/* daemon_once: the runs that print something and end: -t, --describe, -T. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon.h"
#include "describe.h"
#include "instance.h"
#include "loader.h"
#include "log.h"
#include "loop.h"
#include "sched.h"
#include "self.h"
#include "series.h"
#include "types.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#ifndef MUSTER_PLUGINDIR
#define MUSTER_PLUGINDIR "/usr/lib/muster"
#endif

void daemon_print_report(const struct conf_report *report)
{
	char text[1024];
	size_t errors = MU_ARRAY_LEN(report->errors), warnings = MU_ARRAY_LEN(report->warnings);

	for (size_t i = 0; i < report->warning_count && i < warnings; i++) {
		error_print(text, sizeof(text), &report->warnings[i]);
		fprintf(stderr, "warning: %s\n", text);
	}
	for (size_t i = 0; i < report->error_count && i < errors; i++) {
		error_print(text, sizeof(text), &report->errors[i]);
		fprintf(stderr, "error: %s\n", text);
	}
	if (report->error_count > errors)
		fprintf(stderr, "error: and %zu more\n", report->error_count - errors);
}

int daemon_test(const struct daemon_arguments *arguments)
{
	static struct conf_report report;
	char text[1024];

	struct conf *conf = conf_load(arguments->conf_file, &report);
	daemon_print_report(&report);
	if (!conf || report.error_count > 0) {
		conf_free(&conf);
		return 1;
	}
	for (size_t i = 0; i < conf->globals.types_db.count; i++) {
		struct mu_error error = { .code = 0 };
		if (types_load(conf->globals.types_db.items[i], &error) == 0)
			continue;
		error_print(text, sizeof(text), &error);
		fprintf(stderr, "error: %s\n", text);
		conf_free(&conf);
		return 1;
	}
	printf("The configuration %s is good: %zu plugins.\n", conf->path, conf->count);
	conf_free(&conf);
	return 0;
}

/* Every plugin of the folder, loaded or not, so that the manual and the completion know all. */
static void describe_folder(const char *folder, json_t *plugins)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char name[256];
		const struct descriptor *descriptor;
		char *dot = strrchr(names[i]->d_name, '.');
		if (dot && strcmp(dot, ".so") == 0) {
			text_copy(name, sizeof(name), names[i]->d_name);
			name[dot - names[i]->d_name] = '\0';
			struct mu_error error = { .code = 0 };
			if (loader_load(folder, name, &descriptor, &error) == 0)
				json_array_append_new(plugins, describe_plugin(&descriptor->plugin));
			else
				log_error(MU_LOG_WARNING, "describe", &error);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

int daemon_describe(const struct daemon_arguments *arguments)
{
	static struct conf_report report;
	struct conf *conf = conf_load(arguments->conf_file, &report);
	json_t *plugins = json_array();
	struct conf_globals globals = { .plugin_dir = NULL };

	json_array_append_new(plugins, describe_plugin(&self_descriptor()->plugin));
	if (conf)
		globals = conf->globals;
	else
		daemon_print_report(&report);
	describe_folder(conf ? globals.plugin_dir : MUSTER_PLUGINDIR, plugins);
	json_t *all = json_pack("{s:s, s:o, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "abi",
				json_sprintf("%d.%d", MU_ABI_MAJOR, MU_ABI_MINOR), "globals",
				schema_describe(conf_global_rows), "lifecycle", instance_table_json(),
				"plugins", plugins);
	char *text = json_dumps(all, JSON_INDENT(1));
	bool told = text && puts(text) >= 0 && fflush(stdout) == 0;
	if (!told)
		fputs("musterd: the tables could not be written.\n", stderr);
	free(text);
	json_decref(all);
	if (conf)
		conf_free(&conf);
	return told ? 0 : 1;
}

/* ---- -T ---- */

static void print_series(const struct mu_series *series)
{
	struct mu_last *last = mem_alloc(sizeof(*last));
	const struct mu_type *type = mu_series_type(series);

	if (mu_series_last(series, last) == 0) {
		printf("PUTVAL \"%s\" interval=%.3f %.3f", mu_series_name(series), mu_seconds(last->interval),
		       mu_seconds(last->time));
		for (uint32_t i = 0; i < last->count; i++) {
			enum mu_ds_type ds = type->sources[i].type;
			if (ds == MU_GAUGE && isnan(last->values[i].gauge))
				printf(":U");
			else if (ds == MU_GAUGE)
				printf(":%.15g", last->values[i].gauge);
			else if (ds == MU_DERIVE)
				printf(":%" PRIi64, last->values[i].derive);
			else
				printf(":%" PRIu64, last->values[i].counter);
		}
		putchar('\n');
	}
	free(last);
}

static void read_once_print(void *unused)
{
	size_t count;
	struct mu_series **all = series_match(NULL, &count);

	(void)unused;
	for (size_t i = 0; i < count; i++) {
		print_series(all[i]);
		mu_series_unref(&all[i]);
	}
	free(all);
	fflush(stdout);
	daemon_stop();
}

/* The batches were posted to main before the answers of the reads, so they have been seen. */
static void read_once_done(void *unused)
{
	(void)unused;
	loop_call(loop_main(), read_once_print, NULL);
}

static void read_once_when_started(void)
{
	static bool begun;
	struct mu_instance *instance;

	for (size_t at = 0; instance_next(&at, &instance);)
		if (instance->is == INSTANCE_STARTING)
			return;
	if (begun)
		return;
	begun = true;
	sched_read_once(read_once_done, NULL);
}

void daemon_read_once(void)
{
	instance_watch(read_once_when_started);
	read_once_when_started();
}
