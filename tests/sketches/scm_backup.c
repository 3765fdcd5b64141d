/* scm-backup: copies of repositories, and the proof that each is fresh and whole.
 *
 * A hub makes the copies, its nodes receive them by rsync. An item that is not seen fresh on a node
 * is an alarm, once; the way back to fresh is told as well. */
#include <errno.h>
#include <muster/muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { const char *tag, *shell; };
struct hub {
	const char *name, *folder;
	struct mu_strings select;
	mu_time overage;
	struct { struct node *items; size_t count; } nodes;
};
struct config { struct { struct hub *items; size_t count; } hubs; };

static const struct mu_option node_options[] = {
	MU_OPT_STRING(struct node, tag, .name = "Tag", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED,
	              .help = "as ssh knows it"),
	MU_OPT_STRING(struct node, shell, .name = "Shell", .dflt = "sh"),
	MU_OPT_END
};
static int check_hub(const void *value, struct mu_error *error)
{
	const struct hub *hub = value;

	if (hub->nodes.count > 0)
		return 0;
	mu_error(error, -EINVAL, "hub \"%s\" has no node", hub->name);
	mu_error_remedy(error, "add <Node \"tag\"> to it, or leave the hub out");
	return -EINVAL;
}
static const struct mu_option hub_options[] = {
	MU_OPT_STRING(struct hub, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_STRING(struct hub, folder, .name = "Folder", .flags = MU_REQUIRED,
	              .help = "where its backups lie"),
	MU_OPT_STRINGS(struct hub, select, .name = "Select", .help = "items that count; all when empty"),
	MU_OPT_DURATION(struct hub, overage, .name = "Overage", .dflt = "6h", .unit = "s"),
	MU_OPT_BLOCK(struct hub, nodes, struct node, node_options, .name = "Node"),
	MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_BLOCK(struct config, hubs, struct hub, hub_options, .name = "Hub", .check = check_hub),
	MU_OPT_END
};

static const struct mu_state states[] = {
	{ "ok", MU_OK, "the newest copy is fresh, and its digest is right" },
	{ "transfer", MU_RUNNING, "is being copied" }, { "late", MU_WARN, "has grown too old" },
	{ "broken", MU_FAIL, "the digest is wrong, or the archive cannot be read" },
	{ "unreachable", MU_UNKNOWN, "the node does not answer: nothing is known" }, MU_STATE_END
};
static const struct mu_attr attrs[] = {
	{ .name = "hub", .type = MU_STRING }, { .name = "state", .type = MU_ENUM },
	{ .name = "reason", .type = MU_STRING }, { .name = "age", .type = MU_DURATION, .unit = "s" },
	{ .name = "size", .type = MU_SIZE, .unit = "bytes" }, MU_ATTR_END
};
static const struct mu_kind kinds[] = {
	{ .name = "backup", .plural = "backups", .help = "the newest copy of a repository on a node",
		.attrs = attrs,
	  .states = states, .reason = "reason", .columns = "state age size reason" },
	MU_KIND_END
};
enum { TRANSFERS, LOST };
static const struct mu_counter counters[] = {
	[TRANSFERS] = { .name = "transfers" }, [LOST] = { .name = "lines-lost" }, MU_COUNTER_END
};

/* One rsync to one node; it goes on while the daemon is upgraded, and is found again by its key. */
struct transfer {
	const struct hub *hub;
	struct mu_child *child;
	struct mu_job *job;
	char id[256];
};
struct backup { struct mu_timer look; };

static void transfer_show(struct mu_instance *self, struct transfer *t, const char *state, const char *reason)
{
	mu_object_put(self, "backup", t->id, json_pack("{s:s, s:s, s:s}", "hub", t->hub->name, "state", state,
	                                               "reason", reason));
}

/* rsync --info=progress2 says "  1,234,567  42%  1.2MB/s …". */
static int transfer_output(struct mu_instance *self, struct mu_child *child, int stream, const char *bytes,
                           size_t length)
{
	struct transfer *t = mu_child_data(child);
	char line[256];
	const char *p = line;
	uint64_t percent;

	snprintf(line, sizeof(line), "%.*s", (int)length, bytes);
	while (*p && *p != ' ')
		p++;
	if (stream == 1 && t->job && mu_scan_u64(&p, &percent) == 0 && *p == '%')
		mu_job_progress(t->job, (double)percent / 100, "%s", line);
	else if (stream == 2)
		mu_log(self, MU_LOG_WARNING, "%s: %s", t->id, line);
	return 0;
}
static void transfer_exited(struct mu_instance *self, struct mu_child *child, const struct mu_exit *how)
{
	struct transfer *t = mu_child_data(child);
	bool good = how->known && !how->step && how->code == 0 && how->signal == 0;

	transfer_show(self, t, good ? "ok" : "broken", good ? "" : "rsync failed");
	mu_event_object(self, good ? MU_OKAY : MU_FAILURE, "backup", t->id, good
	                ? "%s is there" : "%s was not copied", t->id);
	if (t->job)
		mu_job_end(&t->job, good ? 0 : -EIO, NULL, NULL);
	mu_child_release(&t->child);
	free(t);
}
static const struct mu_child_ops transfer_ops = MU_CHILD_OPS(.output = transfer_output,
                                                             .exited = transfer_exited);

static void transfer_cancel(struct mu_instance *self, struct mu_job *job)
{
	struct transfer *t = mu_job_data(job);

	(void)self;
	mu_child_signal(t->child, SIGTERM, true); /* `exited` ends the job */
}

static const struct hub *hub_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->hubs.count; i++)
		if (strcmp(c->hubs.items[i].name, name) == 0)
			return &c->hubs.items[i];
	return NULL;
}

struct copy_args { const char *hub, *node; };
static const struct mu_option copy_args[] = {
	MU_OPT_STRING(struct copy_args, hub, .name = "hub", .flags = MU_REQUIRED),
	MU_OPT_STRING(struct copy_args, node, .name = "node", .flags = MU_REQUIRED,
	              .help = "tag of the node"),
	MU_OPT_END
};
static void backup_copy(struct mu_instance *self, struct mu_call *call)
{
	const struct copy_args *args = mu_call_args(call);
	const struct hub *hub = hub_find(mu_config(self), args->hub);
	char to[256];
	const char *argv[] = { "rsync", "-a", "--partial", "--info=progress2", hub ? hub->folder : "", to,
		NULL };
	const struct mu_stream pipe = { .to = MU_STDIO_PIPE };
	struct mu_error error = { 0 };
	struct transfer *t;

	if (!hub) {
		mu_reply_error(call, -ENOENT, "no hub \"%s\"", args->hub);
		return;
	}
	t = calloc(1, sizeof(*t));
	t->hub = hub;
	snprintf(t->id, sizeof(t->id), "%.100s@%.100s", hub->name, args->node);
	snprintf(to, sizeof(to), "%.100s:%.100s", args->node, hub->folder);
	t->child = mu_spawn(self, t->id, &MU_SPAWN(.argv = argv, .umask = 077, .out = &pipe, .err = &pipe, .nice = 10),
	                    &transfer_ops, t, &error);
	if (!t->child) {
		mu_reply_failure(call, &error);
		free(t);
		return;
	}
	mu_count(self, TRANSFERS, 1);
	transfer_show(self, t, "transfer", "");
	t->job = mu_job_start(call, t, "copy %s", t->id);
	if (t->job)
		mu_job_on_cancel(t->job, transfer_cancel);
}
static const struct mu_command commands[] = {
	{ .kind = "backup", .name = "copy", .title = "Copy now", .help = "copy a hub's folder to a node",
	  .effect = MU_CHANGE, .flags = MU_ON_KIND | MU_LONG, .args = copy_args,
	  .args_size = sizeof(struct copy_args),
	  .run = backup_copy },
	MU_COMMAND_END
};

/* A transfer of the life before: its call is long gone, so the plugin starts a job of its own. */
static const struct mu_child_ops *transfer_found(struct mu_instance *self, struct mu_child *child,
                                                 void **data)
{
	char name[256];
	struct transfer *t = calloc(1, sizeof(*t));

	snprintf(t->id, sizeof(t->id), "%s", mu_child_key(child));
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(t->id, "@"), t->id);
	t->hub = hub_find(mu_config(self), name);
	if (!t->hub) {
		free(t);
		return NULL;
	}
	t->child = child;
	t->job = mu_job_new(self, t, "copy %s", t->id);
	*data = t;
	return &transfer_ops;
}
/* The real one lists each node over libssh2, a socket on the loop, and judges the age of every item. */
static void backup_look(struct mu_instance *self, struct mu_timer *timer)
{
	mu_timer_start(self, timer, 10 * MU_MIN, backup_look);
}
/* Only now is it known which transfers still run: none is begun twice. */
static void backup_begin(struct mu_instance *self, int status)
{
	struct backup *backup = mu_state(self);

	if (status < 0)
		mu_status(self, "no shepherd holds transfers: start muster-shepherd");
	backup_look(self, &backup->look);
}
static int backup_start(struct mu_instance *self, struct mu_error *error)
{
	(void)error;
	mu_children_find(self, transfer_found, backup_begin);
	return 0;
}

MU_PLUGIN(scm-backup, .about = "copies of repositories, and the proof that they are good", .loop = "net",
          .config_size = sizeof(struct config), .state_size = sizeof(struct backup), .options = options,
          .kinds = kinds,
          .commands = commands, .counters = counters, .start = backup_start);
