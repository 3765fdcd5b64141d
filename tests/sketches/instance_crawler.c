/* instance-crawler: visits the instances of a software out in the world, and counts them.
 *
 * Hosts register themselves; each is visited once a period. Names are resolved in work, for that
 * blocks; transfers run on the plugin's own loop. */
#include <errno.h>
#include <muster/muster.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct uv_loop_s;

struct field { const char *name, *label; int sum; bool chart; };
struct config {
	mu_time period;
	int64_t parallel;
	struct mu_strings endpoints;
	struct { struct field *items; size_t count; } fields;
};
static const char *const sums[] = { "none", "sum", "avg", "min", "max", NULL };
static const struct mu_option field_options[] = {
	MU_OPT_STRING(struct field, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_STRING(struct field, label, .name = "Label", .help = "as pages call it"),
	MU_OPT_ENUM(struct field, sum, .name = "Aggregation", .choices = sums, .dflt = "none"),
	MU_OPT_BOOL(struct field, chart, .name = "Chart"),
	MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_DURATION(struct config, period, .name = "Period", .dflt = "1d", .min = 60, .max = 2592000,
	                .unit = "s"),
	MU_OPT_INT(struct config, parallel, .name = "Parallel", .dflt = "16", .min = 1, .max = 64),
	MU_OPT_STRINGS(struct config, endpoints, .name = "Endpoint",
	               .help = "path below the instance's address"),
	MU_OPT_BLOCK(struct config, fields, struct field, field_options, .name = "Field"),
	MU_OPT_END
};

static const struct mu_state states[] = {
	{ "pending", MU_WAIT, "registered, and not visited yet" }, { "alive", MU_OK,
		"answered the last visit" },
	{ "failing", MU_WARN, "did not answer, and is tried again later" }, { "dead", MU_FAIL,
		"silent for a week" },
	{ "disabled", MU_PAUSED, "asked not to be visited" }, MU_STATE_END
};
static const struct mu_attr attrs[] = {
	{ .name = "state", .type = MU_ENUM }, { .name = "url", .type = MU_STRING },
	{ .name = "email", .type = MU_STRING, .flags = MU_EDITABLE | MU_PERSONAL | MU_HIDDEN },
	{ .name = "took", .type = MU_DURATION, .unit = "s" }, { .name = "data", .type = MU_BLOCK,
		.flags = MU_HIDDEN },
	MU_ATTR_END
};

struct crawler {
	struct uv_loop_s *uv;
		/* the real one hangs curl's sockets on it by uv_poll, its time-outs on a mu_timer */
	struct mu_store *store;
	struct mu_builder *values;
	struct mu_timer tour;
};
enum { VISITS, OPEN };
static const struct mu_counter counters[] = {
	[VISITS] = { .name = "visits" }, [OPEN] = { .name = "open", .type = "gauge" }, MU_COUNTER_END
};

/* One visit: looked up on a worker, fetched on the loop, written to the store. */
struct visit {
	struct mu_work work;
	struct mu_store_op op;
	struct mu_job *job; /* NULL when the tour made it */
	mu_time began;
	int failure;
	bool cancelled;
	char id[40], host[256];
};

static const struct mu_migration migrations[] = {
	{ 1, "CREATE TABLE instance (uuid TEXT PRIMARY KEY, url TEXT, email TEXT, state TEXT);" },
	{ 2,
		"CREATE TABLE visit (uuid TEXT, time INTEGER, took REAL, failure INTEGER, "
	  "PRIMARY KEY (uuid, time));" },
};

static int visit_store(struct sqlite3 *db, struct mu_store_op *op)
{
	struct visit *v = (struct visit *)((char *)op - offsetof(struct visit, op));
	int r = mu_sql(db, "INSERT INTO visit VALUES (?, ?, ?, ?)", NULL, NULL, "sidi", v->id, mu_time_real(),
	               (double)(mu_time_mono() - v->began) / 1e9, (int64_t)v->failure);

	return r < 0 ? r : 0;
}
static void visit_stored(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct visit *v = (struct visit *)((char *)op - offsetof(struct visit, op));
	struct crawler *crawler = mu_state(self);
	struct mu_batch *batch = mu_builder_begin(crawler->values);
	double took = (double)(mu_now(self) - v->began) / 1e9;

	mu_batch_host(batch, v->host);
	mu_gauge(batch, "response_time", "visit", v->failure ? NAN : took);
	if (mu_batch_send(&batch) != 0)
		mu_log(self, MU_LOG_DEBUG, "the bus is full: %s goes without a sample", v->id);
	mu_object_put(self, "instance", v->id, json_pack("{s:s, s:s, s:f}", "state", v->failure
	                                                 ? "failing" : "alive",
	                                                 "url", v->host, "took", took));
	if (v->failure)
		mu_event_object(self, MU_WARNING, "instance", v->id, "%s: %s", v->host,
		                gai_strerror(v->failure));
	if (v->job)
		mu_job_end(&v->job, v->cancelled ? -ECANCELED : v->failure ? -EHOSTUNREACH : status, NULL,
		           "visited %s", v->host);
	mu_level(self, OPEN, mu_counter_value(self, OPEN) - 1);
	free(v);
}

/* Worker thread. A hung resolver is disowned at the deadline, so the visit is on the heap. */
static void visit_resolve(struct mu_work *work)
{
	struct visit *v = (struct visit *)work; /* its first member */
	struct addrinfo *found = NULL;

	v->failure = getaddrinfo(v->host, "https", &(struct addrinfo){ .ai_socktype = SOCK_STREAM }, &found);
	if (found)
		freeaddrinfo(found);
}
static void visit_resolved(struct mu_instance *self, struct mu_work *work, int status)
{
	struct visit *v = (struct visit *)work;
	struct crawler *crawler = mu_state(self);

	if (status < 0)
		mu_level(self, OPEN, mu_counter_value(self, OPEN) - 1);
	if (status < 0) { /* ETIMEDOUT: the struct is still its worker's, and freed by `free` */
		if (v->job)
			mu_job_end(&v->job, status, NULL, "the name was not resolved");
		if (status != -ETIMEDOUT)
			free(v);
		return;
	}
	mu_count(self, VISITS, 1);
	if (v->job)
		mu_job_progress(v->job, 0.5, "fetches from %s", v->host);
	v->op = (struct mu_store_op){ .run = visit_store, .done = visit_stored };
		/* the real one fetches first */
	mu_store_write(crawler->store, &v->op);
}
static void visit_free(struct mu_work *work)
{
	free(work);
}
static struct visit *visit_new(struct mu_instance *self, const char *id)
{
	struct visit *v = calloc(1, sizeof(*v));

	memccpy(v->id, id, 0, sizeof(v->id) - 1);
	memccpy(v->host, id, 0, sizeof(v->host) - 1); /* the real one reads it from the store */
	v->began = mu_now(self);
	v->work = (struct mu_work){ .run = visit_resolve, .done = visit_resolved, .deadline = 10 * MU_SEC,
		.free = visit_free };
	return v;
}

static void visit_cancel(struct mu_instance *self, struct mu_job *job)
{
	struct visit *v = mu_job_data(job);

	(void)self;
	v->cancelled = true; /* and the real one closes the transfer */
}
static void instance_crawl(struct mu_instance *self, struct mu_call *call)
{
	struct visit *v = visit_new(self, mu_call_id(call));

	v->job = mu_job_start(call, v, "visit %s", v->host);
	if (!v->job) {
		free(v);
		return;
	}
	mu_job_on_cancel(v->job, visit_cancel);
	mu_level(self, OPEN, mu_counter_value(self, OPEN) + 1);
	mu_work_start(self, &v->work);
}
static const struct mu_command commands[] = {
	{ .kind = "instance", .name = "crawl", .title = "Crawl now", .help = "visit it now",
		.effect = MU_CHANGE,
	  .flags = MU_LONG, .run = instance_crawl },
	MU_COMMAND_END
};

/* The real ones read pages of the store, as farm-dispatcher does for its tasks. */
static void instance_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	(void)self;
	mu_reply(call, json_pack("{s:[], s:n, s:i}", "items", "next", "total", query->limit > 0 ? 0 : -1));
}
static void instance_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self;
	mu_reply_error(call, -ENOENT, "no instance \"%s\"", id);
}
static const struct mu_kind kinds[] = {
	{ .name = "instance", .plural = "instances", .aliases = "servers",
		.help = "an installation out in the world",
	  .flags = MU_SERVED, .attrs = attrs, .states = states, .title = "url", .columns = "state url took",
	  .list = instance_list, .get = instance_get },
	MU_KIND_END
};

static void crawler_tour(struct mu_instance *self, struct mu_timer *timer)
{
	const struct config *c = mu_config(self);

	mu_timer_start(self, timer, c->period / 1000, crawler_tour); /* a thousandth of all, each time */
}
static int crawler_start(struct mu_instance *self, struct mu_error *error)
{
	struct crawler *crawler = mu_state(self);

	crawler->uv = mu_loop_uv(self);
	crawler->values = mu_builder_new(self);
	crawler->store = mu_store_open(self, migrations, MU_ARRAY_LEN(migrations), error);
	crawler_tour(self, &crawler->tour);
	return crawler->store ? 0 : error->code;
}
static void crawler_stop(struct mu_instance *self)
{
	struct crawler *crawler = mu_state(self);

	mu_builder_free(&crawler->values);
	mu_stopped(self);
}

MU_PLUGIN(instance-crawler, .about = "counts the instances of a software", .loop = "net", .flags = MU_SINGLE,
          .config_size = sizeof(struct config), .state_size = sizeof(struct crawler), .options = options,
          	.kinds = kinds,
          .commands = commands, .counters = counters, .start = crawler_start, .stop = crawler_stop);
