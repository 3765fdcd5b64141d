/* process-supervisor: keeps programs running, and says what became of each.
 *
 * A watcher is a recipe of the configuration, a process its life. The key of a child is the id of its
 * process, so a new daemon finds its children by name and starts only what is missing. */
#include <errno.h>
#include <muster/muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct limit { const char *resource; uint64_t most; };
struct watcher {
	const char *name, *user;
	struct mu_strings command, env;
	int64_t stop_signal;
	mu_time grace;
	struct { struct limit *items; size_t count; } limits;
};
struct config { struct { struct watcher *items; size_t count; } watchers; };

static const struct mu_option limit_options[] = {
	MU_OPT_STRING(struct limit, resource, .name = "Resource", .flags = MU_KEY | MU_UNIQUE,
	              .help = "nofile, core …"),
	MU_OPT_SIZE(struct limit, most, .name = "Most", .help = "soft and hard"),
	MU_OPT_END
};
static const struct mu_option watcher_options[] = {
	MU_OPT_STRING(struct watcher, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_STRINGS(struct watcher, command, .name = "Command", .flags = MU_REQUIRED, .min = 1, .max = 60),
	MU_OPT_STRINGS(struct watcher, env, .name = "Env", .max = 60,
	               .help = "NAME=value; there are no others"),
	MU_OPT_STRING(struct watcher, user, .name = "User", .help = "account it runs as"),
	MU_OPT_INT(struct watcher, stop_signal, .name = "StopSignal", .dflt = "15", .min = 1, .max = 64),
	MU_OPT_DURATION(struct watcher, grace, .name = "Grace", .dflt = "30s", .unit = "s",
	                .help = "before KILL"),
	MU_OPT_BLOCK(struct watcher, limits, struct limit, limit_options, .name = "Limit"),
	MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_BLOCK(struct config, watchers, struct watcher, watcher_options, .name = "Watcher"),
	MU_OPT_END
};

enum state { STARTING, RUNNING, STOPPING, BACKOFF };
static const struct mu_state states[] = {
	[STARTING] = { "starting", MU_WAIT, "was asked for, and has no pid yet" },
	[RUNNING] = { "running", MU_OK, "runs" },
	[STOPPING] = { "stopping", MU_WAIT, "has its stop signal, and its time of grace" },
	[BACKOFF] = { "backoff", MU_FAIL, "died, and waits before the next start" },
	MU_STATE_END
};
static const struct mu_attr attrs[] = {
	{ .name = "state", .type = MU_ENUM },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time" },
	{ .name = "pid", .type = MU_INT },
	{ .name = "reason", .type = MU_STRING, .help = "how the last life ended" },
	MU_ATTR_END
};
static const struct mu_kind kinds[] = {
	{ .name = "process", .plural = "processes", .help = "a program that is kept running", .attrs = attrs,
	  .states = states, .reason = "reason", .since = "since", .columns = "state pid since reason" },
	MU_KIND_END
};
enum { STARTS, DEATHS };
static const struct mu_counter counters[] = {
	[STARTS] = { .name = "starts" }, [DEATHS] = { .name = "deaths" }, MU_COUNTER_END
};

struct process {
	struct mu_timer timer; /* in BACKOFF the next start, in STOPPING the KILL */
	const struct watcher *watcher;
	struct mu_child *child;
	enum state state;
	uint32_t deaths; /* in a row */
	char reason[64];
};
struct supervisor { struct process *items; size_t count; struct mu_timer found; };

static struct process *process_find(struct mu_instance *self, const char *name)
{
	struct supervisor *s = mu_state(self);

	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].watcher->name, name) == 0)
			return &s->items[i];
	return NULL;
}

static void process_enter(struct mu_instance *self, struct process *p, enum state state)
{
	p->state = state;
	mu_object_put(self, "process", p->watcher->name,
	              json_pack("{s:s, s:f, s:s, s:I}", "state", states[state].name,
	                        "since", (double)mu_time_real() / 1e9, "reason", p->reason,
	                        "pid", (json_int_t)(p->child ? mu_child_pid(p->child) : 0)));
}

static void child_started(struct mu_instance *self, struct mu_child *child)
{
	mu_count(self, STARTS, 1);
	process_enter(self, mu_child_data(child), RUNNING);
}
/* The real one writes to the process's own log, and answers 1 while the disk is behind. */
static int child_output(struct mu_instance *self, struct mu_child *child, int stream, const char *bytes,
                        size_t length)
{
	mu_log(self, stream == 2 ? MU_LOG_NOTICE : MU_LOG_INFO, "%s: %.*s", mu_child_key(child), (int)length,
	       bytes);
	return 0;
}
static void process_start(struct mu_instance *self, struct mu_timer *timer);
static void child_exited(struct mu_instance *self, struct mu_child *child, const struct mu_exit *how)
{
	struct process *p = mu_child_data(child);
	bool asked = p->state == STOPPING;

	mu_count(self, DEATHS, 1);
	if (how->step)
		snprintf(p->reason, sizeof(p->reason), "never ran: %s: %s", how->step, strerror(how->error));
	else
		snprintf(p->reason, sizeof(p->reason), "%s %d", how->signal ? "signal" : "exit",
		         how->signal ? how->signal : how->code);
	mu_child_release(&p->child);
	p->deaths = asked ? 0 : p->deaths + 1;
	process_enter(self, p, BACKOFF);
	if (!asked)
		mu_event_object(self, MU_WARNING, "process", p->watcher->name, "%s died: %s",
		                p->watcher->name, p->reason);
	mu_timer_start(self, &p->timer, asked ? 0 : MU_SEC << (p->deaths < 6 ? p->deaths : 6), process_start);
}
static const struct mu_child_ops child_ops = MU_CHILD_OPS(.started = child_started, .output = child_output,
                                                          .exited = child_exited);

static void process_start(struct mu_instance *self, struct mu_timer *timer)
{
	struct process *p = (struct process *)timer; /* its first member */
	const struct watcher *w = p->watcher;
	const struct mu_stream log = { .to = MU_STDIO_PIPE, .block = true };
	/* A list of the configuration has no NULL at its end. */
	const char *argv[64] = { NULL }, *env[64] = { NULL };
	struct mu_error error = { 0 };

	memcpy(argv, w->command.items, w->command.count * sizeof(*argv));
	memcpy(env, w->env.items, w->env.count * sizeof(*env));
	p->child = mu_spawn(self, w->name, &MU_SPAWN(.argv = argv, .env = env, .user = w->user, .out = &log,
	                                                .err = &log, .cgroup = w->name, .notify = true),
	                    &child_ops, p, &error);
	process_enter(self, p, p->child ? STARTING : BACKOFF);
	if (p->child)
		return;
	mu_log(self, MU_LOG_ERROR, "%s cannot be started: %s", w->name, error.what);
	mu_timer_start(self, &p->timer, MU_MIN, process_start);
}

static void process_kill(struct mu_instance *self, struct mu_timer *timer)
{
	struct process *p = (struct process *)timer;

	if (mu_child_signal(p->child, SIGKILL, true) == 0)
		mu_log(self, MU_LOG_WARNING, "%s did not stop in its time, and was killed", p->watcher->name);
}

static void process_restart(struct mu_instance *self, struct mu_call *call)
{
	json_t *sentences = json_array();
	size_t count;
	const char *const *ids = mu_call_ids(call, &count);

	for (size_t i = 0; i < count; i++) {
		struct process *p = process_find(self, ids[i]);

		if (!p)
			continue;
		json_array_append_new(sentences, json_pack("{s:s, s:s, s:s}", "kind", "process", "id", ids[i],
		                                           "sentence", p->child
		                                           ? "stops, and starts again" : "starts"));
		if (mu_call_dry_run(call) || !p->child)
			continue;
		mu_child_signal(p->child, (int)p->watcher->stop_signal, false);
		process_enter(self, p, STOPPING);
		mu_timer_start(self, &p->timer, p->watcher->grace, process_kill);
	}
	mu_reply(call, sentences);
}
static const struct mu_command commands[] = {
	{ .kind = "process", .name = "restart", .title = "Restart", .help = "stop, and start again",
	  .effect = MU_INTERRUPT, .flags = MU_BULK | MU_DRY_RUN, .run = process_restart },
	MU_COMMAND_END
};

static const struct mu_child_ops *child_found(struct mu_instance *self, struct mu_child *child, void **data)
{
	struct process *p = process_find(self, mu_child_key(child));

	if (!p)
		return NULL; /* its watcher went while we were away; the real one adopts it to stop it */
	p->child = child;
	*data = p;
	process_enter(self, p, RUNNING);
	return &child_ops;
}
/* Told when all that earlier lives left has been found. */
static void start_missing(struct mu_instance *self, int status)
{
	struct supervisor *s = mu_state(self);

	if (status < 0) {
		mu_status(self, "no shepherd holds children: start muster-shepherd");
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		if (!s->items[i].child)
			process_start(self, &s->items[i].timer);
}
static int supervisor_start(struct mu_instance *self, struct mu_error *error)
{
	const struct config *c = mu_config(self);
	struct supervisor *s = mu_state(self);

	s->items = calloc(c->watchers.count + 1, sizeof(*s->items));
	if (!s->items)
		return mu_error(error, -ENOMEM, "no memory for %zu watchers", c->watchers.count);
	for (s->count = 0; s->count < c->watchers.count; s->count++)
		s->items[s->count].watcher = &c->watchers.items[s->count];
	mu_children_find(self, child_found, start_missing);
	return 0;
}
/* The children go on: whoever starts next finds them. */
static void supervisor_stop(struct mu_instance *self)
{
	struct supervisor *s = mu_state(self);

	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].child)
			mu_child_release(&s->items[i].child);
	free(s->items);
	mu_stopped(self);
}

MU_PLUGIN(process-supervisor, .about = "keeps programs running", .flags = MU_SINGLE, .options = options,
          .config_size = sizeof(struct config), .state_size = sizeof(struct supervisor), .kinds = kinds,
          .commands = commands, .counters = counters, .start = supervisor_start, .stop = supervisor_stop);
