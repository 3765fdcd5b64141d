/* ask: see ask.h. */
#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "call.h"
#include "conf.h"
#include "counters.h"
#include "loader.h"
#include "self.h"

static struct mu_instance *asker, *other;

static void done(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct asked *asked = data;
	char why[256];

	assert_true(self == asker || self == other);
	json_decref(asked->json);
	asked->json = result->json ? json_parse(result->json, result->json_length, why) : NULL;
	asked->code = result->code;
	if (result->error)
		asked->error = *result->error;
	assert_int_equal(result->code < 0, result->error != NULL);
	assert_int_equal(result->code < 0, result->json == NULL);
	if (result->part) {
		asked->parts++;
	} else {
		asked->dones++;
		asked->pending = NULL;
	}
}

static struct mu_instance *start(struct mu_instance *instance)
{
	instance_start(instance);
	core_settle();
	if (instance->is != INSTANCE_RUNNING)
		fail_msg("%s: %s", instance->name, instance->error.what);
	return instance;
}

struct mu_instance *ask_start(const struct mu_plugin *plugin)
{
	return start(core_instance(plugin, 10 * MU_SEC));
}

struct mu_instance *ask_start_named(const struct mu_plugin *plugin, const char *name)
{
	const struct descriptor *descriptor = loader_find(plugin->name);
	struct conf_plugin conf = { .plugin = plugin->name,
				    .instance = name,
				    .name = name,
				    .interval = 10 * MU_SEC,
				    .load_text = "" };

	conf.descriptor = descriptor ? descriptor : loader_builtin(plugin);
	conf.config = config_new(plugin->config_size);
	struct mu_instance *instance = instance_new(conf.descriptor, &conf);
	config_unref(&conf.config);
	return start(instance);
}

struct mu_instance *ask_start_self(void)
{
	struct conf_plugin conf = {
		.plugin = "muster", .name = "muster", .interval = 10 * MU_SEC, .load_text = ""
	};

	conf.descriptor = self_descriptor();
	conf.config = config_new(0);
	struct mu_instance *instance = instance_new(conf.descriptor, &conf);
	config_unref(&conf.config);
	start(instance);
	counters_stop(); /* they want a configuration, and nobody looks at them here */
	return instance;
}

void ask_stop(struct mu_instance *instance)
{
	instance_stop(instance, MU_STOP_END);
	core_settle();
}

void ask_up(void)
{
	static const struct mu_plugin plugin = MU_PLUGIN_INIT(asker, .about = "asks");

	core_up();
	asker = ask_start(&plugin);
	other = ask_start_named(&plugin, "asker:other");
}

void ask_down(void)
{
	struct mu_instance *instance, *all[64];
	size_t count = 0;

	for (size_t at = 0; instance_next(&at, &instance);)
		all[count++] = instance;
	while (count > 0)
		ask_stop(all[--count]);
	core_down();
}

struct mu_instance *ask_instance(void)
{
	return asker;
}
struct mu_instance *ask_other(void)
{
	return other;
}

void ask_begin_as(struct mu_instance *self, struct asked *asked, const struct mu_request *request)
{
	struct mu_request copy = *request;

	if (!copy.user)
		copy.user = "ada";
	memset(asked, 0, sizeof(*asked));
	asked->pending = mu_call(self, &copy, done, asked);
	assert_non_null(asked->pending);
	assert_int_equal(asked->dones, 0);
}

void ask_begin(struct asked *asked, const struct mu_request *request)
{
	ask_begin_as(asker, asked, request);
}

static bool is_done(void *data)
{
	return ((struct asked *)data)->dones > 0;
}

void ask(struct asked *asked, const struct mu_request *request)
{
	ask_begin(asked, request);
	core_until(is_done, asked);
	assert_int_equal(asked->dones, 1);
}

void ask_one(struct asked *asked, const char *kind, const char *verb, const char *id)
{
	const char *ids[] = { id };

	ask(asked,
	    &MU_REQUEST(.kind = kind, .verb = verb, .ids = ids, .id_count = id && id[0] ? 1 : 0));
}

void asked_free(struct asked *asked)
{
	json_decref(asked->json);
	asked->json = NULL;
}

void asked_ok(const struct asked *asked)
{
	assert_int_equal(asked->dones, 1);
	if (asked->code < 0)
		fail_msg("%d: %s", asked->code, asked->error.what);
	assert_int_equal(asked->code, 0);
}

void asked_failed(const struct asked *asked, int code, const char *part_of_what)
{
	assert_int_equal(asked->dones, 1);
	assert_int_equal(asked->code, code);
	if (!strstr(asked->error.what, part_of_what))
		fail_msg("\"%s\" does not tell of \"%s\"", asked->error.what, part_of_what);
}

const char *asked_text(const struct asked *asked, const char *key)
{
	const char *text = json_get_text(asked->json, key);
	return text ? text : "";
}
