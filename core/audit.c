/* audit: every changing call: who, from where, what, outcome. A line in the log, and a row in the core's
 * store.
 *
 * Rows are written without waiting; until the store is open they wait here. When it cannot be written, the
 * log still has the line, and the loss is counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/slurp.h"
#include "base/str.h"
#include "call_parts.h"
#include "instance.h"
#include "log.h"
#include "object.h"
#include "self.h"
#include "store.h"

enum { WAITING_MAX = 1000 };

static struct mu_store *store;
static bool awaited; /* nobody has said yet whether there is one */
static struct list waiting = { &waiting, &waiting };
static size_t waiting_count;
static uint64_t lost;

/* ---- writing ---- */

struct audit_row {
	struct mu_store_op op;
	struct list node; /* in waiting */
	struct arena arena;
	int64_t time, code;
	const char *user, *source, *kind, *verb, *ids, *args, *outcome;
};

static int row_run(struct sqlite3 *db, struct mu_store_op *op)
{
	const struct audit_row *row = MU_CONTAINER(op, struct audit_row, op);

	return mu_sql(db,
		      "INSERT INTO audit (time, user, source, kind, verb, ids, args, code, outcome) "
		      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      NULL, NULL, "issssssis", row->time, row->user, row->source, row->kind, row->verb,
		      row->ids, row->args, row->code, row->outcome);
}

static void row_free(struct mu_store_op *op)
{
	struct audit_row *row = MU_CONTAINER(op, struct audit_row, op);

	arena_fini(&row->arena);
	free(row);
}

static void row_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	(void)self;
	if (status < 0) {
		lost++;
		log_line(MU_LOG_ERROR, "muster", "the audit cannot be written: %s", strerror(-status));
	}
	row_free(op);
}

static void row_lose(struct audit_row *row)
{
	lost++;
	row_free(&row->op);
}

static void row_write(struct audit_row *row)
{
	c_assert(loop_is_current(loop_main()));
	if (awaited && waiting_count < WAITING_MAX) {
		list_add(&waiting, &row->node);
		waiting_count++;
	} else if (store && self_instance()) {
		mu_store_write(store, &row->op);
	} else {
		row_lose(row);
	}
}

static struct audit_row *next_waiting(void)
{
	struct list *first = list_pop(&waiting);

	if (!first)
		return NULL;
	c_assert(waiting_count > 0);
	waiting_count--;
	return list_entry(first, struct audit_row, node);
}

void audit_init(void)
{
	store = NULL;
	awaited = true;
}

void audit_fini(void)
{
	struct audit_row *row;

	while ((row = next_waiting()))
		row_free(&row->op);
	store = NULL;
}

void audit_store(struct mu_store *opened)
{
	c_assert(loop_is_current(loop_main()));
	struct audit_row *row;

	store = opened;
	awaited = false;
	while ((row = next_waiting()))
		if (store)
			mu_store_write(store, &row->op);
		else
			row_lose(row);
}

void audit_call(const char *user, const char *source, const char *kind, const char *verb, const char *ids,
		const char *args, int code, const char *outcome)
{
	c_assert(user && kind && verb);
	c_assert(outcome);
	struct audit_row *row = mem_alloc(sizeof(*row));

	arena_init(&row->arena);
	row->op.run = row_run;
	row->op.done = row_done;
	row->op.free = row_free;
	row->time = clock_real();
	row->code = code;
	row->user = arena_strdup(&row->arena, user);
	row->source = arena_strdup(&row->arena, source ? source : "");
	row->kind = arena_strdup(&row->arena, kind);
	row->verb = arena_strdup(&row->arena, verb);
	row->ids = arena_strdup(&row->arena, ids ? ids : "");
	row->args = arena_strdup(&row->arena, args ? args : "");
	row->outcome = arena_strdup(&row->arena, outcome);
	log_line(MU_LOG_INFO, "audit", "%s from %s: %s.%s %s%s%s: %s", row->user, row->source, row->kind,
		 row->verb, row->ids, row->args[0] ? " " : "", row->args, row->outcome);
	row_write(row);
}

uint64_t audit_lost(void)
{
	return lost;
}

/* ---- looking at it ---- */

static void audit_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query);
static void audit_get(struct mu_instance *self, struct mu_call *call, const char *id);

static const struct mu_attr attrs[] = {
	{ .name = "time", .type = MU_DOUBLE, .unit = "time", .help = "when it was answered" },
	{ .name = "user", .type = MU_STRING, .help = "who asked" },
	{ .name = "source", .type = MU_STRING, .help = "from where" },
	{ .name = "about", .type = MU_STRING, .help = "the kind that was acted on" },
	{ .name = "verb", .type = MU_STRING, .help = "what was asked" },
	{ .name = "ids", .type = MU_STRING, .help = "of which objects" },
	{ .name = "args",
	  .type = MU_STRING,
	  .flags = MU_HIDDEN,
	  .help = "with which words; secrets are left out" },
	{ .name = "code", .type = MU_INT, .flags = MU_HIDDEN, .help = "0, or the negative errno" },
	{ .name = "outcome", .type = MU_STRING, .help = "how it ended" },
	MU_ATTR_END
};
const struct mu_kind audit_kind = {
	.name = "audit",
	.plural = "audits",
	.flags = MU_SERVED,
	.help = "a call that changed something",
	.attrs = attrs,
	.title = "verb",
	.reason = "outcome",
	.since = "time",
	.columns = "time user source about verb ids outcome",
	.list = audit_list,
	.get = audit_get,
};

/* A page is looked for among so many rows: the rest is for the next page, which may be asked for at once. */
enum { SCAN_MAX = 20000 };
enum {
	COL_NUMBER,
	COL_TIME,
	COL_USER,
	COL_SOURCE,
	COL_KIND,
	COL_VERB,
	COL_IDS,
	COL_ARGS,
	COL_CODE,
	COL_OUTCOME
};
#define COLUMNS "SELECT number, time, user, source, kind, verb, ids, args, code, outcome FROM audit "

struct audit_ask {
	struct mu_store_op op;
	struct mu_call *call;
	struct arena arena;
	struct mu_query *query; /* NULL: one row */
	int64_t after;
	bool ascending, more;
	int64_t last; /* the row that was looked at last */
	size_t scanned;
	json_t *items;
};

static json_t *row_json(const struct mu_row *row)
{
	static const struct {
		const char *name;
		int column;
	} texts[] = { { "user", COL_USER },      { "source", COL_SOURCE }, { "about", COL_KIND },
		      { "verb", COL_VERB },      { "ids", COL_IDS },       { "args", COL_ARGS },
		      { "outcome", COL_OUTCOME } };
	json_t *item = json_object();

	json_object_set_new(item, "id", json_sprintf("%" PRId64, mu_row_i64(row, COL_NUMBER)));
	json_object_set_new(item, "time", json_real(mu_seconds(mu_row_i64(row, COL_TIME))));
	json_object_set_new(item, "code", json_integer(mu_row_i64(row, COL_CODE)));
	for (size_t i = 0; i < MU_ARRAY_LEN(texts); i++)
		json_set_text(item, texts[i].name, mu_row_text(row, texts[i].column));
	return item;
}

static int ask_row(const struct mu_row *row, void *data)
{
	c_assert(row && data);
	struct audit_ask *ask = data;

	if (ask->query && (json_array_size(ask->items) == ask->query->limit || ask->scanned == SCAN_MAX)) {
		ask->more = true;
		return 1;
	}
	json_t *item = row_json(row);
	ask->last = mu_row_i64(row, COL_NUMBER);
	ask->scanned++;
	if (!ask->query || object_matches(&audit_kind, json_get_text(item, "id"), item, ask->query))
		json_array_append(ask->items, item);
	json_decref(item);
	return 0;
}

static int ask_run(struct sqlite3 *db, struct mu_store_op *op)
{
	struct audit_ask *ask = MU_CONTAINER(op, struct audit_ask, op);
	const char *sql = !ask->query      ? COLUMNS "WHERE number = ?"
			  : ask->ascending ? COLUMNS "WHERE number > ? ORDER BY number"
					   : COLUMNS "WHERE number < ? ORDER BY number DESC";
	int r = mu_sql(db, sql, ask_row, ask, "i", ask->after);

	return r < 0 ? r : 0;
}

static void ask_free(struct mu_store_op *op)
{
	struct audit_ask *ask = MU_CONTAINER(op, struct audit_ask, op);

	json_decref(ask->items);
	arena_fini(&ask->arena);
	free(ask);
}

/* The call's own goes when it is cancelled, and the store may be at work then. */
static struct mu_query *copy_query(struct arena *arena, const struct mu_query *query)
{
	c_assert(arena && query);
	struct mu_query *copy = arena_memdup(arena, query, sizeof(*query));
	struct mu_condition *where = arena_array(arena, query->where_count + 1, sizeof(*where));

	for (size_t i = 0; i < query->where_count; i++) {
		where[i] = query->where[i]; /* the attribute's name is the table's, or "id" */
		where[i].value = arena_strdup(arena, query->where[i].value);
	}
	copy->where = where;
	copy->sort = copy->after = NULL;
	return copy;
}

static void ask_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct audit_ask *ask = MU_CONTAINER(op, struct audit_ask, op);

	(void)self;
	if (status < 0)
		mu_reply_error(ask->call, status, "the audit cannot be read: %s", strerror(-status));
	else if (ask->query)
		mu_reply(ask->call,
			 json_pack("{s:O, s:o, s:n}", "items", ask->items, "next",
				   ask->more ? json_sprintf("%" PRId64, ask->last) : json_null(), "total"));
	else if (json_array_size(ask->items) > 0)
		mu_reply(ask->call, json_incref(json_array_get(ask->items, 0)));
	else
		mu_reply_error(ask->call, -ENOENT,
			       "there is no entry %" PRId64 " in the audit, or it is too old", ask->after);
	ask_free(op);
}

static void ask_start(struct mu_call *call, const struct mu_query *query, int64_t after, bool ascending)
{
	c_assert(loop_is_current(loop_main()));
	if (!store) {
		mu_reply_error(call, -EIO, "the audit is not kept: the core's store cannot be opened");
		return;
	}
	struct audit_ask *ask = mem_alloc(sizeof(*ask));

	ask->op.run = ask_run;
	ask->op.done = ask_done;
	ask->op.free = ask_free;
	ask->call = call;
	arena_init(&ask->arena);
	ask->query = query ? copy_query(&ask->arena, query) : NULL;
	ask->after = after;
	ask->ascending = ascending;
	ask->items = json_array();
	mu_store_read(store, &ask->op);
}

static bool parse_number(const char *text, int64_t *number)
{
	return scan_i64(&text, number) == 0 && !*text && *number >= 0;
}

static void audit_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	bool ascending = query->sort && !query->descending;
	int64_t after = ascending ? 0 : INT64_MAX;

	(void)self;
	if (query->sort && strcmp(query->sort, "time") != 0)
		mu_reply_error(call, -EINVAL, "the audit is sorted by time only, not by %s", query->sort);
	else if (query->after && !parse_number(query->after, &after))
		mu_reply_error(call, -EINVAL, "after is the `next` of the page before");
	else
		ask_start(call, query, after, ascending);
}

static void audit_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	int64_t number;

	(void)self;
	if (parse_number(id, &number))
		ask_start(call, NULL, number, false);
	else
		mu_reply_error(call, -ENOENT, "an entry of the audit has a number, not \"%s\"", id);
}
