/* event_kind: events as a kind: its tables, its pages, its verbs, and the tables of the core's store.
 *
 * A page is answered from memory when the newest thousand can fill it, else from the store: by number, newest
 * first, so that `after` is a number and nothing is counted or skipped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/slurp.h"
#include "base/str.h"
#include "event.h"
#include "event_node.h"
#include "object.h"
#include "store.h"

static void event_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query);
static void event_get(struct mu_instance *self, struct mu_call *call, const char *id);

/* ---- tables ---- */

static const struct mu_attr attrs[] = {
	{ .name = "number", .type = MU_INT, .flags = MU_HIDDEN, .help = "rising; goes on over restarts" },
	{ .name = "time", .type = MU_DOUBLE, .unit = "time", .help = "when it happened" },
	{ .name = "severity",
	  .type = MU_ENUM,
	  .choices = event_severities,
	  .help = "failure and warning want a person; okay says that it is well again; info is worth keeping" },
	{ .name = "plugin", .type = MU_STRING, .kind = "plugin", .help = "who says so" },
	{ .name = "words", .type = MU_STRING, .help = "what happened" },
	{ .name = "series",
	  .type = MU_STRING,
	  .flags = MU_HIDDEN,
	  .kind = "series",
	  .help = "the series it is about" },
	{ .name = "about_kind",
	  .type = MU_STRING,
	  .flags = MU_HIDDEN,
	  .help = "the kind of the object it is about" },
	{ .name = "about_id", .type = MU_STRING, .flags = MU_HIDDEN, .help = "that object's id" },
	MU_ATTR_END
};

const struct mu_kind event_kind = {
	.name = "event",
	.plural = "events",
	.aliases = "notifications",
	.flags = MU_SERVED,
	.help = "something that happened and that a person may want to know",
	.attrs = attrs,
	.title = "words",
	.since = "time",
	.columns = "time severity plugin words",
	.list = event_list,
	.get = event_get,
};

static const struct mu_option follow_args[] = {
	MU_OPT_ENUM(struct event_follow_args, severity, .name = "severity", .choices = event_severities,
		    .dflt = "info", .help = "only these and worse ones"),
	MU_OPT_STRING(struct event_follow_args, plugin, .name = "plugin", .kind = "plugin",
		      .help = "only from plugins that match this glob"),
	MU_OPT_INT(struct event_follow_args, recent, .name = "recent", .min = 0, .max = 1000, .dflt = "10",
		   .unit = "events", .help = "how many of those that were to begin with"),
	MU_OPT_END
};

const struct mu_command event_commands[] = {
	{ .kind = "event",
	  .name = "follow",
	  .title = "Follow",
	  .help = "each event as it happens",
	  .effect = MU_LOOK,
	  .role = MU_VIEWER,
	  .flags = MU_ON_KIND | MU_STREAM,
	  .args = follow_args,
	  .args_size = sizeof(struct event_follow_args),
	  .run = event_follow },
	MU_COMMAND_END,
};

/* Whoever inserts need not think of trimming: a trigger keeps the newest 100,000 of each. */
const struct mu_migration event_migrations[] = {
	{ 1,
	  "CREATE TABLE event (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, severity INTEGER NOT NULL,"
	  " plugin TEXT NOT NULL, words TEXT NOT NULL, series TEXT, kind TEXT, id TEXT);"
	  "CREATE TRIGGER event_trim AFTER INSERT ON event WHEN new.number % 100 = 0 BEGIN"
	  " DELETE FROM event WHERE number <= new.number - 100000; END;"
	  "CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, user TEXT,"
	  " source TEXT, kind TEXT, verb TEXT, ids TEXT, args TEXT, code INTEGER, outcome TEXT);"
	  "CREATE TRIGGER audit_trim AFTER INSERT ON audit WHEN new.number % 100 = 0 BEGIN"
	  " DELETE FROM audit WHERE number <= new.number - 100000; END;" },
};
const size_t event_migration_count = MU_ARRAY_LEN(event_migrations);

/* ---- a page or one, from the store ---- */

struct event_ask {
	struct mu_store_op op;
	struct mu_call *call;
	struct arena arena;
	struct str sql;
	struct sql_value *values;
	size_t value_count;
	uint32_t limit; /* 0: get one */
	bool more;
	json_t *items;
};

static int row_event(const struct mu_row *row, void *data)
{
	struct event_ask *ask = data;
	struct mu_event event = {
		.number = (uint64_t)mu_row_i64(row, 0),
		.time = mu_row_i64(row, 1),
		.severity = (uint32_t)mu_row_i64(row, 2),
		.plugin = mu_row_text(row, 3),
		.words = mu_row_text(row, 4),
		.series = mu_row_text(row, 5),
		.kind = mu_row_text(row, 6),
		.id = mu_row_text(row, 7),
	};

	if (ask->limit && json_array_size(ask->items) == ask->limit) {
		ask->more = true;
		return 1;
	}
	json_array_append_new(ask->items, event_json(&event));
	return 0;
}

static int ask_run(struct sqlite3 *db, struct mu_store_op *op)
{
	struct event_ask *ask = MU_CONTAINER(op, struct event_ask, op);
	int r = sql_run(db, str_text(&ask->sql), row_event, ask, ask->values, ask->value_count);
	return r < 0 ? r : 0;
}

static void ask_free(struct mu_store_op *op)
{
	struct event_ask *ask = MU_CONTAINER(op, struct event_ask, op);

	json_decref(ask->items);
	str_fini(&ask->sql);
	arena_fini(&ask->arena);
	free(ask);
}

/* Takes `items`. */
static void reply_page(struct mu_call *call, json_t *items, bool more)
{
	const json_t *last = more ? json_array_get(items, json_array_size(items) - 1) : NULL;

	c_assert(!more || last);
	json_t *next = last ? json_incref(json_object_get(last, "id")) : json_null();
	mu_reply(call, json_pack("{s:o, s:o, s:n}", "items", items, "next", next, "total"));
}

static void ask_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct event_ask *ask = MU_CONTAINER(op, struct event_ask, op);

	(void)self;
	if (status < 0)
		mu_reply_error(ask->call, status, "the history of events cannot be read: %s",
			       strerror(-status));
	else if (ask->limit)
		reply_page(ask->call, json_incref(ask->items), ask->more);
	else if (json_array_size(ask->items) == 0)
		mu_reply_error(ask->call, -ENOENT, "there is no such event, or it is older than the history");
	else
		mu_reply(ask->call, json_incref(json_array_get(ask->items, 0)));
	ask_free(op);
}

static struct event_ask *ask_new(struct mu_call *call, size_t values)
{
	struct event_ask *ask = mem_alloc(sizeof(*ask));

	c_assert(call);
	ask->op.run = ask_run;
	ask->op.done = ask_done;
	ask->op.free = ask_free;
	ask->call = call;
	ask->items = json_array();
	arena_init(&ask->arena);
	ask->values = arena_array(&ask->arena, values ? values : 1, sizeof(*ask->values));
	str_add(&ask->sql,
		"SELECT number, time, severity, plugin, words, series, kind, id FROM event WHERE 1");
	return ask;
}

/* ---- conditions → SQL ---- */

static const char *column_of(const char *attr)
{
	if (strcmp(attr, "id") == 0)
		return "CAST(number AS TEXT)"; /* an id is text; who means the number says so */
	if (strcmp(attr, "about_kind") == 0)
		return "kind";
	if (strcmp(attr, "about_id") == 0)
		return "id";
	for (const struct mu_attr *row = attrs; row->name; row++)
		if (strcmp(row->name, attr) == 0)
			return row->name;
	return NULL;
}

static const char *operator_of(int op)
{
	switch (op) {
	case MU_EQ:
		return "=";
	case MU_NE:
		return "<>";
	case MU_LT:
		return "<";
	case MU_LE:
		return "<=";
	case MU_GT:
		return ">";
	case MU_GE:
		return ">=";
	default:
		return "GLOB";
	}
}

static int64_t severity_number(const char *name)
{
	for (int i = 0; event_severities[i]; i++)
		if (strcmp(event_severities[i], name) == 0)
			return 1 << i;
	return 0;
}

/* Numbers are compared as numbers, and a glob sees what a person sees. */
static void ask_where(struct event_ask *ask, const struct mu_condition *condition)
{
	const char *column = column_of(condition->attr);
	struct sql_value *value = &ask->values[ask->value_count++];
	bool glob = condition->op == MU_GLOB;

	c_assert(condition->value && condition->op >= MU_EQ && condition->op <= MU_GLOB);
	const char *p = condition->value;
	double number;

	c_assert(column); /* the call was checked against the table */
	if (strcmp(column, "severity") == 0) {
		if (glob)
			column =
				"CASE severity WHEN 1 THEN 'failure' WHEN 2 THEN 'warning' WHEN 4 THEN 'okay'"
				" ELSE 'info' END";
		else
			*value = (struct sql_value){ .type = 'i',
						     .integer = severity_number(condition->value) };
	} else if (!glob && strcmp(column, "time") == 0) {
		*value = (struct sql_value){ .type = 'd',
					     .real = scan_double(&p, &number) == 0 ? number : 0 };
		column = "time / 1e9";
	} else if (!glob && strcmp(column, "number") == 0) {
		*value = (struct sql_value){ .type = 'd',
					     .real = scan_double(&p, &number) == 0 ? number : 0 };
	}
	if (!value->type)
		*value = (struct sql_value){ .type = 's',
					     .bytes = arena_strdup(&ask->arena, condition->value) };
	/* an attribute that is not there is different from every value */
	if (condition->op == MU_NE)
		str_printf(&ask->sql, " AND (%s IS NULL OR %s <> ?)", column, column);
	else
		str_printf(&ask->sql, " AND %s %s ?", column, operator_of((int)condition->op));
}

static int parse_number(const char *text, int64_t *number)
{
	const char *p = text;
	return scan_i64(&p, number) == 0 && *p == '\0' && *number >= 0 ? 0 : -EINVAL;
}

/* ---- list and get ---- */

static bool query_ascending(const struct mu_query *query)
{
	return query->sort && !query->descending;
}

/* Answers from the ring when it can fill the page, or when there is nothing else. */
static bool list_from_ring(struct mu_call *call, const struct mu_query *query, int64_t after, bool all)
{
	json_t *items = json_array();
	bool more = false;
	const struct event_node *node;

	for (size_t at = 0; !more && (node = event_ring_at(at)); at++) {
		if (after > 0 && node->event.number >= (uint64_t)after)
			continue;
		json_t *json = event_json(&node->event);
		if (!object_matches(&event_kind, json_string_value(json_object_get(json, "id")), json, query))
			json_decref(json);
		else if (json_array_size(items) < query->limit)
			json_array_append_new(items, json);
		else {
			json_decref(json);
			more = true;
		}
	}
	if (!more && !all) {
		json_decref(items);
		return false;
	}
	reply_page(call, items, more);
	return true;
}

static void list_from_store(struct mu_store *store, struct mu_call *call, const struct mu_query *query,
			    int64_t after)
{
	struct event_ask *ask = ask_new(call, query->where_count + 1);
	bool ascending = query_ascending(query);

	for (size_t i = 0; i < query->where_count; i++)
		ask_where(ask, &query->where[i]);
	if (after > 0) {
		str_printf(&ask->sql, " AND number %c ?", ascending ? '>' : '<');
		ask->values[ask->value_count++] = (struct sql_value){ .type = 'i', .integer = after };
	}
	ask->limit = query->limit;
	str_printf(&ask->sql, " ORDER BY number%s LIMIT %u", ascending ? "" : " DESC", query->limit + 1);
	mu_store_read(store, &ask->op);
}

static void event_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	int64_t after = 0;

	(void)self;
	c_assert(query->limit >= 1 && query->limit <= 1000);
	if (query->sort && strcmp(query->sort, "time") != 0 && strcmp(query->sort, "number") != 0 &&
	    strcmp(query->sort, "id") != 0) {
		mu_reply_error(call, -EINVAL, "events are sorted by time only, not by \"%s\"", query->sort);
		return;
	}
	if (query->after && parse_number(query->after, &after) < 0) {
		mu_reply_error(call, -EINVAL, "after is the number of an event, not \"%s\"", query->after);
		return;
	}
	struct mu_store *store = event_store_flush();
	if (!query_ascending(query) && list_from_ring(call, query, after, store == NULL))
		return;
	if (store)
		list_from_store(store, call, query, after);
	else
		mu_reply_error(call, -EINVAL, "without a store events are listed newest first only");
}

static void event_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	int64_t number;

	(void)self;
	if (parse_number(id, &number) < 0) {
		mu_reply_error(call, -EINVAL, "an event's id is its number, not \"%s\"", id);
		return;
	}
	const struct event_node *node = event_ring_at(0);
	uint64_t newest = node ? node->event.number : 0;
	node = (uint64_t)number <= newest ? event_ring_at(newest - (uint64_t)number) : NULL;
	if (node) {
		c_assert(node->event.number == (uint64_t)number);
		mu_reply(call, event_json(&node->event));
		return;
	}
	struct mu_store *store = event_store_flush();
	if (!store) {
		mu_reply_error(call, -ENOENT, "there is no event %s", id);
		return;
	}
	struct event_ask *ask = ask_new(call, 1);
	str_add(&ask->sql, " AND number = ?");
	ask->values[ask->value_count++] = (struct sql_value){ .type = 'i', .integer = number };
	mu_store_read(store, &ask->op);
}
