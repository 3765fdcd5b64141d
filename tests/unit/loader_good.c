/* A plugin with one of everything, for test_loader. It calls nothing of the core, so it links without it. */
#include <muster/muster.h>

struct limit {
	const char *name;
	int64_t most;
};
struct good {
	const char *root;
	int64_t count;
	struct {
		struct limit *items;
		size_t count;
	} limits;
};

static const struct mu_option limit_options[] = {
	MU_OPT_STRING(struct limit, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_INT(struct limit, most, .name = "Most", .dflt = "3"), MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_STRING(struct good, root, .name = "Root", .dflt = "/proc", .help = "where to look"),
	MU_OPT_INT(struct good, count, .name = "Count", .min = 1),
	MU_OPT_BLOCK(struct good, limits, struct limit, limit_options, .name = "Limit"), MU_OPT_END
};
static const struct mu_attr attrs[] = {
	{ .name = "state", .type = MU_ENUM },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time" },
	{ .name = "password", .type = MU_STRING, .flags = MU_SECRET | MU_EDITABLE },
	MU_ATTR_END
};
static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not run" },
					  MU_STATE_END };

static void list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	(void)self, (void)call, (void)query;
}

static void get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self, (void)call, (void)id;
}

static const struct mu_kind kinds[] = {
	{ .name = "thing",
	  .plural = "things",
	  .aliases = "gizmo widget",
	  .help = "something",
	  .attrs = attrs,
	  .states = states,
	  .since = "since",
	  .columns = "id state since" },
	{ .name = "far-thing", .plural = "far-things", .flags = MU_SERVED, .list = list, .get = get },
	MU_KIND_END
};

static void run(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
}

struct stop {
	bool hard;
};
static const struct mu_option stop_args[] = { MU_OPT_BOOL(struct stop, hard, .name = "hard"), MU_OPT_END };
static const struct mu_command commands[] = {
	{ .kind = "thing",
	  .name = "stop",
	  .title = "Stop",
	  .effect = MU_INTERRUPT,
	  .flags = MU_BULK,
	  .args = stop_args,
	  .args_size = sizeof(struct stop),
	  .run = run },
	{ .kind = "plugin", .name = "praise", .effect = MU_LOOK, .run = run },
	MU_COMMAND_END
};

static void handle(struct mu_instance *self, struct mu_http *http)
{
	(void)self, (void)http;
}

static const struct mu_route routes[] = { { .method = "GET", .path = "/thing/{id}", .handle = handle },
					  MU_ROUTE_END };
static const struct mu_namespace namespaces[] = { { .path = "/things" }, MU_NAMESPACE_END };
static const struct mu_counter counters[] = { { .name = "stops" }, MU_COUNTER_END };

MU_PLUGIN(good, .about = "one of everything", .aliases = "rrdtool fine", .config_size = sizeof(struct good),
	  .options = options, .kinds = kinds, .commands = commands, .routes = routes,
	  .namespaces = namespaces, .counters = counters);
