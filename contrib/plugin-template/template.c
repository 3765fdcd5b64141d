/* template: a whole plugin to start from: how many entries a folder has.
 *
 * It has one of everything small: an option with a check of its own, a series, a kind of object with
 * states, a command that works on a worker thread, and a counter. Copy the folder, rename, cut away. */
#include <dirent.h>
#include <errno.h>
#include <muster/muster.h>
#include <stdlib.h>
#include <string.h>

/* What <Plugin template> fills. Const while the plugin runs. */
struct template {
	const char *folder;
	int64_t limit;
};

/* A cleverer check than type and bounds; the core adds file and line to the sentence. */
static int check_folder(const void *value, struct mu_error *error)
{
	const char *folder = *(const char *const *)value;

	if (folder[0] != '/' || strpbrk(folder, " \t") != NULL) {
		mu_error(error, -EINVAL, "\"%s\" is no absolute path without blanks", folder);
		mu_error_remedy(error, "begin it with a /");
		return -EINVAL;
	}
	return 0;
}

static const struct mu_option options[] = {
	MU_OPT_STRING(struct template, folder, .name = "Folder", .dflt = "/tmp", .check = check_folder,
	              .help = "folder whose entries are counted"),
	MU_OPT_INT(struct template, limit, .name = "Limit", .dflt = "1000", .min = 1, .max = 1000000,
	           .help = "with more entries than this the folder is \"full\""),
	MU_OPT_END
};

enum { RECOUNTS };
static const struct mu_counter counters[] = {
	[RECOUNTS] = { .name = "recounts", .help = "times somebody asked for a recount" }, MU_COUNTER_END
};

/* ---- the tool: no muster in it, so a unit test can call it ---- */

/* The entries but . and ..; or a negative errno. */
static int64_t count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	int64_t count = 0;

	if (dir == NULL)
		return -errno;
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			count++;
	closedir(dir);
	return count;
}

/* ---- the series: HOST/template/files-entries, every Interval ---- */

/* On a worker thread: may block, and sees only the configuration and the batch. */
static int template_read(struct mu_instance *self, struct mu_batch *out)
{
	const struct template *config = mu_config(self);
	int64_t count = count_entries(config->folder);

	if (count < 0)
		return (int)count; /* the core says it once, and asks less often */
	return mu_gauge(out, "files", "entries", (double)count);
}

/* ---- the object: one of kind "folder" ---- */

static const struct mu_attr folder_attrs[] = {
	{ .name = "state", .type = MU_ENUM, .help = "is it within the limit?" },
	{ .name = "entries", .type = MU_INT, .help = "entries at the last count" },
	{ .name = "counted", .type = MU_DOUBLE, .unit = "time", .help = "when that was" },
	MU_ATTR_END
};
static const struct mu_state folder_states[] = {
	{ "roomy", MU_OK, "has fewer entries than the limit" },
	{ "full", MU_WARN, "has more entries than the limit" },
	{ "unreadable", MU_FAIL, "cannot be read" },
	MU_STATE_END
};
static const struct mu_kind kinds[] = {
	{ .name = "folder", .plural = "folders", .help = "a folder whose entries are counted",
	  .attrs = folder_attrs, .states = folder_states, .since = "counted" },
	MU_KIND_END
};

/* On the plugin's loop. */
static void put_folder(struct mu_instance *self, int64_t entries)
{
	const struct template *config = mu_config(self);
	const char *state = entries < 0 ? "unreadable" : entries > config->limit ? "full" : "roomy";

	mu_object_put(self, "folder", config->folder,
	              json_pack("{s:s, s:I, s:f}", "state", state, "entries", (json_int_t)(entries < 0 ? 0 : entries),
	                        "counted", (double)mu_time_real() / (double)MU_SEC));
}

/* ---- the command: folder recount ---- */

struct recount {
	struct mu_work work; /* what blocks runs on a worker thread */
	struct mu_call *call; /* NULL: nobody asked, it is the first count */
	int64_t entries;
};

static void recount_run(struct mu_work *work)
{
	struct recount *recount = (struct recount *)work; /* its first member */
	const struct template *config = mu_work_config(work);

	recount->entries = count_entries(config->folder);
}

static void recount_done(struct mu_instance *self, struct mu_work *work, int status)
{
	struct recount *recount = (struct recount *)work;

	if (status == 0)
		put_folder(self, recount->entries);
	if (recount->call != NULL && status < 0)
		mu_reply_error(recount->call, status, "the count was not made");
	else if (recount->call != NULL && recount->entries < 0)
		mu_reply_error(recount->call, (int)recount->entries, "the folder cannot be read");
	else if (recount->call != NULL)
		mu_reply(recount->call, json_pack("{s:I}", "entries", (json_int_t)recount->entries));
	free(recount);
}

static int recount_start(struct mu_instance *self, struct mu_call *call)
{
	struct recount *recount = calloc(1, sizeof(*recount));

	if (recount == NULL)
		return -ENOMEM;
	recount->call = call;
	recount->work.run = recount_run;
	recount->work.done = recount_done;
	mu_work_start(self, &recount->work);
	return 0;
}

/* A call is ours until it is answered, once. */
static void folder_recount(struct mu_instance *self, struct mu_call *call)
{
	mu_count(self, RECOUNTS, 1);
	if (recount_start(self, call) < 0)
		mu_reply_error(call, -ENOMEM, "no memory for a recount");
}

static const struct mu_command commands[] = {
	{ .kind = "folder", .name = "recount", .title = "Recount", .help = "counts the entries now",
	  .effect = MU_CHANGE, .run = folder_recount },
	MU_COMMAND_END
};

/* ---- the plugin ---- */

static int template_start(struct mu_instance *self, struct mu_error *error)
{
	if (recount_start(self, NULL) < 0)
		return mu_error(error, -ENOMEM, "no memory for the first count");
	return 0;
}

MU_PLUGIN(template, .about = "how many entries a folder has",
          .config_size = sizeof(struct template), .options = options, .kinds = kinds, .commands = commands,
          .counters = counters, .start = template_start, .read = template_read);
