/* self_backup: the verb "daemon backup": a copy of every database of the store, as a job. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon.h"
#include "self.h"
#include "store.h"

struct backup_args {
	const char *folder;
};
static const struct mu_option backup_rows[] = {
	MU_OPT_STRING(struct backup_args, folder, .name = "folder",
	              .help = "where the copies go, named from /; backup in BaseDir when it is not given; what is there "
	                      "is replaced"),
	MU_OPT_END
};

/* One at a time. The job is NULL when its owner was stopped meanwhile. */
static struct mu_job *job;
static struct store_copies *copies;

static json_t *files_json(const struct store_copies *all)
{
	json_t *files = json_array();

	for (size_t i = 0; i < all->count; i++) {
		const struct store_copy *copy = &all->copies[i];
		char words[sizeof(copy->error)];
		json_t *row = json_object();
		json_set_text(row, "plugin", copy->name);
		json_set_text(row, "file", copy->file);
		if (copy->error.code == 0) {
			json_object_set_new(row, "bytes", json_integer(copy->bytes));
		} else {
			text_printf(words, sizeof(words), "%s; %s", copy->error.what, copy->error.remedy);
			json_set_text(row, "error", words);
		}
		json_array_append_new(files, row);
	}
	return json_pack("{s:s, s:o}", "folder", all->folder, "files", files);
}

static void end_job(const struct store_copies *all)
{
	const struct mu_error *first = NULL;
	size_t failed = 0;
	int64_t bytes = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct store_copy *copy = &all->copies[i];
		bytes += copy->bytes;
		failed += copy->error.code < 0;
		if (copy->error.code < 0 && !first)
			first = &copy->error;
	}
	if (first)
		mu_job_end(&job, first->code, files_json(all), "%zu of %zu databases were not copied: %s: %s; %s", failed,
		           all->count, first->where, first->what, first->remedy);
	else
		mu_job_end(&job, 0, files_json(all), "%zu database%s copied into %s, %.1f KiB", all->count,
		           all->count == 1 ? " was" : "s were", all->folder, (double)bytes / 1024);
}

/* After each of them. */
static void backup_step(struct store_copies *all)
{
	c_assert(all == copies);
	if (job && all->done < all->count)
		mu_job_progress(job, (double)all->done / (double)all->count, "%zu of %zu are copied", all->done, all->count);
	if (all->done < all->count)
		return;
	if (job)
		end_job(all);
	free(copies);
	copies = NULL;
}

static int backup_folder(const char *asked, char *folder, size_t size, struct mu_error *error)
{
	c_assert(mu_base_dir());
	bool fits = asked && asked[0] ? text_copy(folder, size, asked) : text_printf(folder, size, "%s/backup", mu_base_dir());

	if (fits && folder[0] == '/')
		return 0;
	mu_error(error, -EINVAL, fits ? "the folder \"%.200s\" is not named from /" : "the folder's name is too long: %.200s",
	         folder);
	mu_error_remedy(error, "write it like folder=/var/backups/muster");
	return -EINVAL;
}

static void run_backup(struct mu_instance *self, struct mu_call *call)
{
	const struct backup_args *args = mu_call_args(call);
	struct mu_error error = { .code = 0 };
	char folder[STORE_FOLDER_MAX];

	(void)self;
	if (copies) {
		mu_error(&error, -EBUSY, "a backup into %s is under way", copies->folder);
		mu_error_remedy(&error, "wait for it: \"musterctl job list\" shows it");
	} else {
		backup_folder(args->folder, folder, sizeof(folder), &error);
	}
	if (error.code < 0) {
		mu_reply_failure(call, &error);
		return;
	}
	job = mu_job_start(call, NULL, "backup into %s", folder);
	if (!job)
		return;
	copies = store_copy_all(folder, backup_step);
	if (copies->count == 0)
		backup_step(copies);
}

void self_backup_stop(void)
{
	if (job)
		mu_job_end(&job, -ECANCELED, NULL, "the daemon stops; what is not copied yet is not");
}

const struct mu_command self_backup_commands[] = {
	{ .kind = "daemon", .name = "backup", .title = "Back up", .role = MU_ADMIN, .effect = MU_CHANGE,
	  .flags = MU_ON_KIND | MU_LONG, .args = backup_rows, .args_size = sizeof(struct backup_args),
	  .help = "copies the databases of all plugins, whole and consistent, while everything goes on", .run = run_backup },
	MU_COMMAND_END
};
