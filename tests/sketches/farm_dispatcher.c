/* farm-dispatcher: hands tasks to workers, and believes only what is on disk.
 *
 * A worker asks by HTTP and is answered after the commit, so that no answer promises what a crash can
 * take back. Tasks are served from the store: there may be a million of them. */
#include <errno.h>
#include <muster/muster.h>
#include <stdlib.h>
#include <string.h>

struct task_type { const char *name; mu_time lease; };
struct config {
	mu_time worker_timeout;
	struct { struct task_type *items; size_t count; } types;
};
static const struct mu_option type_options[] = {
	MU_OPT_STRING(struct task_type, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_DURATION(struct task_type, lease, .name = "Lease", .dflt = "10min", .unit = "s",
	                .help = "a task not heard of for so long goes back to the queue"),
	MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_DURATION(struct config, worker_timeout, .name = "WorkerTimeout", .dflt = "1min", .min = 1,
	                .max = 3600),
	MU_OPT_BLOCK(struct config, types, struct task_type, type_options, .name = "TaskType"),
	MU_OPT_END
};

static const struct mu_state task_states[] = {
	{ "queued", MU_WAIT, "waits for a worker" }, { "active", MU_RUNNING, "is leased to a worker" },
	{ "completed", MU_OK, "is done" }, { "failed", MU_FAIL, "failed on three workers" }, MU_STATE_END
};
static const struct mu_state worker_states[] = {
	{ "awake", MU_OK, "asks for tasks" }, { "offline", MU_WARN, "has not been heard of" }, MU_STATE_END
};
static const struct mu_attr task_attrs[] = {
	{ .name = "state", .type = MU_ENUM }, { .name = "type", .type = MU_STRING },
	{ .name = "worker", .type = MU_STRING, .kind = "worker" }, MU_ATTR_END
};
static const struct mu_attr worker_attrs[] = {
	{ .name = "state", .type = MU_ENUM }, { .name = "seen", .type = MU_DOUBLE, .unit = "time" },
	{ .name = "address", .type = MU_STRING, .flags = MU_HIDDEN }, MU_ATTR_END
};

struct farm { struct mu_store *store; struct mu_timer expiry; };
/* One store operation and whom it answers: a worker's exchange or a front end's call. */
struct ask {
	struct mu_store_op op;
	struct mu_http *http;
	struct mu_call *call;
	json_t *answer;
	int64_t task, after;
	uint32_t limit;
	char worker[64], state[16];
};
static const struct mu_migration migrations[] = {
	{ 1,
		"CREATE TABLE task (id INTEGER PRIMARY KEY, type TEXT, state TEXT, worker TEXT, "
	  "lease INTEGER, body TEXT);"
	     "CREATE INDEX task_state ON task (state, id);" },
};

/* -- on the store's thread -- */
static int row_task(const struct mu_row *row, void *data)
{
	json_t *task = json_pack("{s:o, s:s, s:s?, s:s?}", "id", json_sprintf("%" PRId64, mu_row_i64(row, 0)),
	                         "state",
	                         mu_row_text(row, 1), "type", mu_row_text(row, 2), "worker", mu_row_text(row,
	                                                                                                 3));

	return json_array_append_new(data, task);
}
static int run_list(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = (struct ask *)op; /* its first member */

	return mu_sql(db, "SELECT id, state, type, worker FROM task WHERE id > ? ORDER BY id LIMIT ?",
	              row_task,
	              ask->answer, "ii", ask->after, (int64_t)ask->limit);
}
static int run_lease(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = (struct ask *)op;

	return mu_sql(db,
	              "UPDATE task SET state = 'active', worker = ? WHERE id = (SELECT min(id) FROM task WHERE "
	              "state = 'queued') RETURNING id, state, type, worker", row_task, ask->answer, "s",
	              ask->worker);
}
static int run_finish(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = (struct ask *)op;
	int changed = mu_sql(db, "UPDATE task SET state = ? WHERE id = ? AND worker = ? AND state = 'active'",
	                     NULL, NULL,
	                     "sis", ask->state, ask->task, ask->worker);

	return changed == 0 ? -ESTALE : changed < 0 ? changed : 0;
}

/* -- on the loop, after the commit -- */
static void ask_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct ask *ask = (struct ask *)op;
	json_t *first = json_array_get(ask->answer, 0);

	if (status >= 0 && first && ask->http)
		mu_object_put(self, "task", json_string_value(json_object_get(first, "id")),
		              json_incref(first));
	if (ask->call && status < 0)
		mu_reply_error(ask->call, status, "the farm's store does not answer");
	else if (ask->call)
		mu_reply(ask->call, json_pack("{s:O, s:n, s:n}", "items", ask->answer, "next", "total"));
	else if (status == -ESTALE)
		mu_http_problem(ask->http, 409, "lease lost", "task %" PRId64 " is another's now: drop it",
		                ask->task);
	else if (status < 0)
		mu_http_problem(ask->http, 503, "store not ready", "ask again in a minute");
	else
		mu_http_reply_json(ask->http, 200, json_incref(ask->answer));
	json_decref(ask->answer);
	free(ask);
}
static struct ask *ask_new(int (*run)(struct sqlite3 *, struct mu_store_op *))
{
	struct ask *ask = calloc(1, sizeof(*ask));

	ask->op.run = run;
	ask->op.done = ask_done;
	ask->answer = json_array();
	return ask;
}

static void task_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	struct farm *farm = mu_state(self);
	struct ask *ask = ask_new(run_list);

	ask->call = call;
	ask->limit = query->limit;
	ask->after = query->after ? strtoll(query->after, NULL, 10) : 0;
	mu_store_read(farm->store, &ask->op);
}
static void task_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self; /* the real one reads the row as task_list does */
	mu_reply_error(call, -ENOENT, "no task \"%s\"", id);
}
static const struct mu_kind kinds[] = {
	{ .name = "task", .plural = "tasks", .help = "a piece of a job, for one worker", .flags = MU_SERVED,
	  .attrs = task_attrs, .states = task_states, .list = task_list, .get = task_get },
	{ .name = "worker", .plural = "workers", .aliases = "clients machines",
		.help = "a machine that does tasks",
	  .attrs = worker_attrs, .states = worker_states, .since = "seen" },
	MU_KIND_END
};

/* POST {"worker": "node7"}: a task, leased. The real one checks the worker's own token first. */
static void worker_ask(struct mu_instance *self, struct mu_http *http)
{
	struct farm *farm = mu_state(self);
	size_t length;
	const char *body = mu_http_body(http, &length);
	json_error_t why;
	json_t *json = json_loadb(body, length, JSON_REJECT_DUPLICATES, &why);
	const char *worker = NULL, *state = "completed", *task = mu_http_param(http, "id");
	struct ask *ask;

	if (!json || json_unpack_ex(json, &why, 0, "{s:s, s?s}", "worker", &worker, "state", &state) < 0) {
		mu_http_problem(http, 400, "not the JSON that was expected", "%s", why.text);
	} else if (mu_object_put(self, "worker", worker, json_pack("{s:s, s:f, s:s}", "state", "awake",
	                                                           "seen",
	                         (double)mu_time_real() / 1e9, "address", mu_http_source(http))) < 0) {
		mu_http_problem(http, 400, "not a name for a worker", "at most 255 bytes, and no blanks");
	} else {
		ask = ask_new(task ? run_finish : run_lease);
		ask->http = http;
		ask->task = task ? strtoll(task, NULL, 10) : 0;
		memccpy(ask->worker, worker, 0, sizeof(ask->worker) - 1);
		memccpy(ask->state, state, 0, sizeof(ask->state) - 1);
		mu_store_write(farm->store, &ask->op);
	}
	json_decref(json);
}

/* The log of a worker, as long as it lives; the real one appends it to the task's file. */
static void log_message(struct mu_instance *self, struct mu_http *http, bool binary, const void *bytes,
                        size_t length)
{
	if (binary)
		mu_ws_close(http, 1003, "a log is text");
	else
		mu_log(self, MU_LOG_DEBUG, "%s: %.*s", mu_http_param(http, "id"), (int)length,
		       (const char *)bytes);
}
static void log_open(struct mu_instance *self, struct mu_http *http)
{
	static const struct mu_ws_ops ops = MU_WS_OPS(.message = log_message);

	(void)self;
	mu_ws_accept(http, &ops, NULL, 65536);
}
static const struct mu_route routes[] = {
	{ .method = "POST", .path = "/dispatch/v1/task", .flags = MU_ROUTE_OPEN | MU_ROUTE_FOREIGN,
		.body_max = 4096,
	  .help = "a worker asks for a task", .handle = worker_ask },
	{ .method = "POST", .path = "/dispatch/v1/task/{id}/end", .flags = MU_ROUTE_OPEN | MU_ROUTE_FOREIGN,
	  .body_max = 4096, .help = "a worker ends its task", .handle = worker_ask },
	{ .method = "GET", .path = "/dispatch/v1/task/{id}/log", .flags = MU_ROUTE_OPEN | MU_ROUTE_WEBSOCKET,
		.handle = log_open },
	MU_ROUTE_END
};

/* The real one returns leases that ran out, and tells of workers that fell silent. */
static void farm_expire(struct mu_instance *self, struct mu_timer *timer)
{
	const struct config *c = mu_config(self);

	mu_timer_start(self, timer, c->worker_timeout / 2, farm_expire);
}
static int farm_start(struct mu_instance *self, struct mu_error *error)
{
	struct farm *farm = mu_state(self);

	farm->store = mu_store_open(self, migrations, MU_ARRAY_LEN(migrations), error);
	if (!farm->store)
		return error->code;
	farm_expire(self, &farm->expiry);
	return 0;
}

MU_PLUGIN(farm-dispatcher, .about = "hands tasks to workers", .loop = "farm", .flags = MU_SINGLE,
          .options = options,
          .config_size = sizeof(struct config), .state_size = sizeof(struct farm), .kinds = kinds,
          	.routes = routes,
          .start = farm_start);
