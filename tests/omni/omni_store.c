/* omni_store: what must not be lost: two migrations, writes that succeed, fail and conflict, reads a page at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "omni.h"

static const struct mu_migration migrations[] = {
	{ 1, "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT);" },
	{ 2, "ALTER TABLE memory ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;"
	     "ALTER TABLE memory ADD COLUMN weight REAL;"
	     "ALTER TABLE memory ADD COLUMN raw BLOB;" },
};

int omni_store_start(struct mu_instance *self, struct mu_error *error)
{
	struct omni *omni = mu_state(self);

	omni->store = mu_store_open(self, migrations, MU_ARRAY_LEN(migrations), error);
	return omni->store ? 0 : error->code;
}

struct memory_args {
	const char *key, *value, *after;
	int64_t limit;
	bool once, fail;
};
static const struct mu_option remember_rows[] = {
	MU_OPT_STRING(struct memory_args, key, .name = "key", .flags = MU_REQUIRED, .help = "what to call it"),
	MU_OPT_STRING(struct memory_args, value, .name = "value", .flags = MU_REQUIRED, .help = "what to keep"),
	MU_OPT_BOOL(struct memory_args, once, .name = "once", .help = "an error when it is known already"),
	MU_OPT_BOOL(struct memory_args, fail, .name = "fail", .help = "is written, and then taken back"),
	MU_OPT_END
};
static const struct mu_option recall_rows[] = {
	MU_OPT_STRING(struct memory_args, key, .name = "key", .flags = MU_REQUIRED, .help = "what it was called"),
	MU_OPT_END
};
static const struct mu_option page_rows[] = {
	MU_OPT_STRING(struct memory_args, after, .name = "after", .dflt = "", .help = "the last key of the page before"),
	MU_OPT_INT(struct memory_args, limit, .name = "limit", .dflt = "10", .min = 1, .max = 1000, .help = "keys a page"),
	MU_OPT_END
};

/* One operation and whom it answers. It may run when its instance has ended, and the call's arguments with it: it has
 * its own. */
struct ask {
	struct mu_store_op op;
	struct mu_call *call;
	struct memory_args args;
	char *key, *value, *after;
	json_t *rows;
	int64_t last_id;
};

/* ---- store thread ---- */

static int row_memory(const struct mu_row *row, void *data)
{
	size_t size;
	const char *raw = mu_row_blob(row, 4, &size);

	return json_array_append_new(
		data, json_pack("{s:s, s:s?, s:I, s:f, s:s%}", "key", mu_row_text(row, 0), "value",
				mu_row_text(row, 1), "stamp", (json_int_t)mu_row_i64(row, 2), "weight",
				mu_row_double(row, 3), "raw", raw ? raw : "", raw ? size : (size_t)0));
}

static int run_write(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);
	const struct memory_args *args = &ask->args;
	int r = mu_sql(
		db,
		args->once ? "INSERT INTO memory (key, value, stamp, weight, raw) VALUES (?, ?, ?, ?, ?)"
			   : "REPLACE INTO memory (key, value, stamp, weight, raw) VALUES (?, ?, ?, ?, ?)",
		NULL, NULL, "ssidb", args->key, args->value, mu_time_real(), 0.5, args->value,
		strlen(args->value));

	ask->last_id = mu_sql_last_id(db);
	return r >= 0 && args->fail ? -ECANCELED : r;
}

static int run_read(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);

	return mu_sql(db, "SELECT key, value, stamp, weight, raw FROM memory WHERE key = ?", row_memory,
		      ask->rows, "s", ask->args.key);
}

static int run_page(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);

	return mu_sql(db,
		      "SELECT key, value, stamp, weight, raw FROM memory WHERE key > ? ORDER BY key LIMIT ?",
		      row_memory, ask->rows, "si", ask->args.after, ask->args.limit);
}

static int run_drop(struct sqlite3 *db, struct mu_store_op *op)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);

	return mu_sql(db, "DELETE FROM memory WHERE key = ?", NULL, NULL, "s", ask->args.key);
}

/* ---- loop ---- */

static void ask_free(struct mu_store_op *op)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);

	json_decref(ask->rows);
	free(ask->key);
	free(ask->value);
	free(ask->after);
	free(ask);
}

static void ask_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct ask *ask = MU_CONTAINER(op, struct ask, op);

	(void)self;
	if (status < 0)
		mu_reply_error(ask->call, status, "the memory does not take it: %s", strerror(-status));
	else
		mu_reply(ask->call, json_pack("{s:i, s:O}", "count", status, "rows", ask->rows));
	ask_free(op);
}

static char *copied(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

static struct ask *ask_new(struct mu_call *call, int (*run)(struct sqlite3 *db, struct mu_store_op *op))
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		abort();
	ask->op = (struct mu_store_op){ .run = run, .done = ask_done, .free = ask_free };
	ask->call = call;
	ask->args = *(const struct memory_args *)mu_call_args(call);
	ask->args.key = ask->key = copied(ask->args.key);
	ask->args.value = ask->value = copied(ask->args.value);
	ask->args.after = ask->after = copied(ask->args.after);
	ask->rows = json_array();
	return ask;
}

static void run_remember(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);

	mu_store_write(omni->store, &ask_new(call, run_write)->op);
}

static void run_forget(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);

	mu_store_write(omni->store, &ask_new(call, run_drop)->op);
}

static void run_recall(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);

	mu_store_read(omni->store, &ask_new(call, run_read)->op);
}

static void run_memories(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);

	mu_store_read(omni->store, &ask_new(call, run_page)->op);
}

/* A read that writes: must come back as -EROFS. */
static void run_cheat(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);

	mu_store_read(omni->store, &ask_new(call, run_write)->op);
}

/* ---- more than may wait ---- */

struct hoard_args {
	int64_t count;
};
static const struct mu_option hoard_rows[] = {
	MU_OPT_INT(struct hoard_args, count, .name = "count", .flags = MU_REQUIRED, .min = 1, .max = 1000000,
	           .help = "writes handed in at once"),
	MU_OPT_END
};

struct hoard { /* what all of its writes share; the last one frees it */
	struct mu_call *call;
	int64_t open, done, busy, other;
};
struct hoarded {
	struct mu_store_op op;
	struct hoard *hoard;
	int64_t number;
};

static int run_hoarded(struct sqlite3 *db, struct mu_store_op *op)
{
	char key[32];

	snprintf(key, sizeof(key), "hoard-%" PRId64, MU_CONTAINER(op, struct hoarded, op)->number % 100);
	return mu_sql(db, "REPLACE INTO memory (key, value) VALUES (?, 'x')", NULL, NULL, "s", key);
}

static void hoarded_free(struct mu_store_op *op)
{
	struct hoarded *hoarded = MU_CONTAINER(op, struct hoarded, op);

	if (__atomic_sub_fetch(&hoarded->hoard->open, 1, __ATOMIC_ACQ_REL) == 0)
		free(hoarded->hoard);
	free(hoarded);
}

static void hoarded_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct hoard *hoard = MU_CONTAINER(op, struct hoarded, op)->hoard;

	(void)self;
	hoard->done += status >= 0;
	hoard->busy += status == -EBUSY;
	hoard->other += status < 0 && status != -EBUSY;
	if (__atomic_load_n(&hoard->open, __ATOMIC_ACQUIRE) == 1)
		mu_reply(hoard->call, json_pack("{s:I, s:I, s:I}", "done", (json_int_t)hoard->done, "busy",
						(json_int_t)hoard->busy, "other", (json_int_t)hoard->other));
	hoarded_free(op);
}

static void run_hoard(struct mu_instance *self, struct mu_call *call)
{
	const struct hoard_args *args = mu_call_args(call);
	const struct omni *omni = mu_state(self);
	struct hoard *hoard = calloc(1, sizeof(*hoard));
	int64_t count = args->count;

	if (!hoard)
		abort();
	hoard->call = call;
	hoard->open = count;
	for (int64_t i = 0; i < count; i++) {
		struct hoarded *hoarded = calloc(1, sizeof(*hoarded));
		if (!hoarded)
			abort();
		hoarded->op = (struct mu_store_op){ .run = run_hoarded,
						    .done = hoarded_done,
						    .free = hoarded_free };
		hoarded->hoard = hoard;
		hoarded->number = i;
		mu_store_write(omni->store, &hoarded->op);
	}
}

const struct mu_command omni_store_commands[] = {
	{ .kind = "thing", .name = "hoard", .title = "Hoard", .help = "more writes than may wait", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = hoard_rows, .args_size = sizeof(struct hoard_args), .deadline = 60 * MU_SEC,
	  .run = run_hoard },
	{ .kind = "thing", .name = "remember", .title = "Remember", .help = "keeps a value for good", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = remember_rows, .args_size = sizeof(struct memory_args), .run = run_remember },
	{ .kind = "thing", .name = "recall", .title = "Recall", .help = "what was kept", .effect = MU_LOOK,
	  .flags = MU_ON_KIND, .args = recall_rows, .args_size = sizeof(struct memory_args), .run = run_recall },
	{ .kind = "thing", .name = "forget", .title = "Forget", .help = "drops what was kept", .effect = MU_DESTROY,
	  .flags = MU_ON_KIND, .args = recall_rows, .args_size = sizeof(struct memory_args), .run = run_forget },
	{ .kind = "thing", .name = "memories", .title = "Memories", .help = "a page of what was kept", .effect = MU_LOOK,
	  .flags = MU_ON_KIND, .args = page_rows, .args_size = sizeof(struct memory_args), .run = run_memories },
	{ .kind = "thing", .name = "cheat", .title = "Cheat", .help = "writes where only reading is allowed",
	  .effect = MU_CHANGE, .flags = MU_ON_KIND, .args = remember_rows, .args_size = sizeof(struct memory_args),
	  .run = run_cheat },
	MU_COMMAND_END
};
