/* test_describe: one plugin's tables as JSON, without a daemon. */
#include "describe.h"

#include "base/str.h"
#include "loader.h"

#include <muster/muster.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

struct probe {
	const char *root;
};
static const struct mu_option options[] = {
	MU_OPT_STRING(struct probe, root, .name = "Root", .dflt = "/proc"), MU_OPT_END
};
static const char *const colours[] = { "red", "green", NULL };
static const struct mu_attr attrs[] = {
	{ .name = "colour", .type = MU_ENUM, .choices = colours, .flags = MU_EDITABLE | MU_HIDDEN },
	{ .name = "owner",
	  .type = MU_STRING,
	  .flags = MU_PERSONAL | MU_SECRET,
	  .label = "Owner",
	  .kind = "user" },
	{ .name = "share", .type = MU_DOUBLE, .max = 100, .unit = "percent", .help = "how much of it" },
	MU_ATTR_END
};
static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not run" },
					  MU_STATE_END };
static const struct mu_kind kinds[] = { { .name = "thing",
					  .plural = "things",
					  .aliases = "gizmo  widget",
					  .attrs = attrs,
					  .states = states,
					  .title = "owner",
					  .columns = "state share" },
					MU_KIND_END };

static void run(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
}

static const struct mu_command commands[] = {
	{ .kind = "thing",
	  .name = "stop",
	  .effect = MU_INTERRUPT,
	  .flags = MU_BULK | MU_DRY_RUN,
	  .role = MU_ADMIN,
	  .deadline = 1500 * MU_MS,
	  .args = options,
	  .args_size = sizeof(struct probe),
	  .run = run },
	{ .kind = "plugin", .name = "praise", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = run },
	MU_COMMAND_END
};
static const struct mu_counter counters[] = { { .name = "stops" },
					      { .name = "open", .type = "gauge", .help = "open now" },
					      MU_COUNTER_END };

static void handle(struct mu_instance *self, struct mu_http *http)
{
	(void)self, (void)http;
}

static const struct mu_route routes[] = {
	{ .method = "GET", .path = "/thing/{id}", .handle = handle, .flags = MU_ROUTE_OPEN }, MU_ROUTE_END
};
static const struct mu_plugin probe = MU_PLUGIN_INIT(
	probe, .about = "feels", .aliases = "feeler", .options = options, .config_size = sizeof(struct probe),
	.kinds = kinds, .commands = commands, .counters = counters, .routes = routes);

/* "kinds/0/states/1/tone" in JSON, as text or compact JSON. */
static const char *at(const json_t *json, const char *path)
{
	static char text[512];
	char part[64];

	while (json && *path) {
		size_t length = strcspn(path, "/");
		text_printf(part, sizeof(part), "%.*s", (int)length, path);
		path += length + (path[length] == '/');
		if (!json_is_array(json)) {
			json = json_object_get(json, part);
			continue;
		}
		json = json_array_get(json, (size_t)(part[0] - '0'));
	}
	if (!json)
		return "(none)";
	if (json_is_string(json))
		return json_string_value(json);
	size_t n = json_dumpb(json, text, sizeof(text) - 1, JSON_COMPACT | JSON_ENCODE_ANY);
	text[n < sizeof(text) ? n : 0] = '\0';
	return text;
}

static void a_plugin_is_described_whole(void **state)
{
	static const struct {
		const char *path, *value;
	} cases[] = {
		{ "name", "probe" },
		{ "about", "feels" },
		{ "aliases", "[\"feeler\"]" },
		{ "options/0/default", "/proc" },
		{ "counters/0/type", "derive" },
		{ "counters/1/help", "open now" },
		{ "routes/0/path", "/thing/{id}" },
		{ "routes/0/open", "true" },
		{ "routes/0/role", "viewer" },
		{ "kinds/0/name", "thing" },
		{ "kinds/0/plugin", "probe" },
		{ "kinds/0/aliases", "[\"gizmo\",\"widget\"]" },
		{ "kinds/0/columns", "[\"state\",\"share\"]" },
		{ "kinds/0/title", "owner" },
		{ "kinds/0/reason", "(none)" },
		{ "kinds/0/served", "(none)" },
		{ "kinds/0/attrs/0/name", "state" },
		{ "kinds/0/attrs/0/choices", "[\"up\",\"down\"]" },
		{ "kinds/0/attrs/1/flags", "[\"editable\",\"hidden\"]" },
		{ "kinds/0/attrs/1/choices", "[\"red\",\"green\"]" },
		{ "kinds/0/attrs/2/flags", "[\"personal\",\"secret\"]" },
		{ "kinds/0/attrs/2/label", "Owner" },
		{ "kinds/0/attrs/2/kind", "user" },
		{ "kinds/0/attrs/3/max", "100.0" },
		{ "kinds/0/states/1/tone", "fail" },
		{ "kinds/0/states/0/sentence", "runs" },
		{ "kinds/0/commands/0/name", "list" },
		{ "kinds/0/commands/1/name", "get" },
		{ "kinds/0/commands/2/name", "stop" },
		{ "kinds/0/commands/2/role", "admin" },
		{ "kinds/0/commands/2/effect", "interrupt" },
		{ "kinds/0/commands/2/bulk", "true" },
		{ "kinds/0/commands/2/dry_run", "true" },
		{ "kinds/0/commands/2/stream", "(none)" },
		{ "kinds/0/commands/2/deadline", "1.5" },
		{ "kinds/0/commands/2/args/0/name", "Root" },
		{ "commands/0/kind", "plugin" },
		{ "commands/0/role", "viewer" },
		{ "commands/0/on_kind", "true" },
		{ "commands/0/deadline", "10.0" },
	};
	json_t *json = describe_plugin(&loader_builtin(&probe)->plugin);

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++)
		if (strcmp(at(json, cases[i].path), cases[i].value) != 0)
			fail_msg("%s is %s", cases[i].path, at(json, cases[i].path));
	json_decref(json);
}

static void numbers_have_names(void **state)
{
	(void)state;
	assert_string_equal(describe_role(MU_OPERATOR), "operator");
	assert_string_equal(describe_role(0), "unknown");
	assert_string_equal(describe_effect(MU_DESTROY), "destroy");
	assert_string_equal(describe_effect(9), "unknown");
	assert_string_equal(describe_tone(MU_PAUSED), "paused");
	assert_string_equal(describe_tone(0), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_is_described_whole),
		cmocka_unit_test(numbers_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
