/* omni_work: what blocks, on a worker: with and without a deadline, and hanging for as long as a file is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "omni.h"

struct work_args {
	const char *file;
	mu_time take, deadline;
	int64_t count;
};
static const struct mu_option work_rows[] = {
	MU_OPT_STRING(struct work_args, file, .name = "file", .help = "hangs while this file is there"),
	MU_OPT_DURATION(struct work_args, take, .name = "take", .dflt = "0", .max = 10, .unit = "s", .help = "how long it takes"),
	MU_OPT_DURATION(struct work_args, deadline, .name = "deadline", .dflt = "0", .unit = "s", .help = "0 = none"),
	MU_OPT_INT(struct work_args, count, .name = "count", .dflt = "1", .min = 1, .max = 1000, .help = "items at once"),
	MU_OPT_END
};

struct batch { /* the items of one call */
	struct mu_call *call;
	int64_t open, done, busy, cancelled, overdue;
	char greeting[64]; /* of the options that the last of them ran with */
};
struct item {
	struct mu_work work;
	struct batch *batch;
	char file[512], greeting[64];
	mu_time take;
};

static void item_run(struct mu_work *work)
{
	struct item *item = MU_CONTAINER(work, struct item, work);
	const struct config *config = mu_work_config(work);
	struct timespec pause = { .tv_sec = item->take / MU_SEC, .tv_nsec = item->take % MU_SEC };

	nanosleep(&pause, NULL);
	omni_wait_while_there(item->file);
	/* read only now: the options must still be there after a reload */
	snprintf(item->greeting, sizeof(item->greeting), "%s", config->greeting);
}

static void item_free(struct mu_work *work)
{
	free(MU_CONTAINER(work, struct item, work));
}

static void batch_end(struct batch *batch)
{
	mu_reply(batch->call, json_pack("{s:I, s:I, s:I, s:I, s:s}", "done", (json_int_t)batch->done, "busy",
					(json_int_t)batch->busy, "cancelled", (json_int_t)batch->cancelled,
					"overdue", (json_int_t)batch->overdue, "greeting", batch->greeting));
	free(batch);
}

static void item_done(struct mu_instance *self, struct mu_work *work, int status)
{
	struct item *item = MU_CONTAINER(work, struct item, work);
	struct batch *batch = item->batch;

	(void)self;
	batch->done += status == 0;
	batch->busy += status == -EBUSY;
	batch->cancelled += status == -ECANCELED;
	batch->overdue += status == -ETIMEDOUT;
	if (status == 0)
		snprintf(batch->greeting, sizeof(batch->greeting), "%s", item->greeting);
	if (status != -ETIMEDOUT) /* else run may still be in it, and `free` comes */
		free(item);
	if (--batch->open == 0)
		batch_end(batch);
}

static void run_work(struct mu_instance *self, struct mu_call *call)
{
	const struct work_args args = *(const struct work_args *)mu_call_args(call);
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		abort();
	batch->call = call;
	batch->open = args.count;
	for (int64_t i = 0; i < args.count; i++) {
		struct item *item = calloc(1, sizeof(*item));
		if (!item)
			abort();
		item->work = (struct mu_work){ .run = item_run,
					       .done = item_done,
					       .deadline = args.deadline,
					       .free = args.deadline ? item_free : NULL };
		item->batch = batch;
		item->take = args.take;
		snprintf(item->file, sizeof(item->file), "%s", args.file ? args.file : "");
		mu_work_start(self, &item->work);
	}
}

const struct mu_command omni_work_commands[] = {
	{ .kind = "probe", .name = "work", .title = "Work", .help = "on a worker thread", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = work_rows, .args_size = sizeof(struct work_args), .run = run_work },
	MU_COMMAND_END
};
