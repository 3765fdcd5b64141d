/* omni_grain: the served kind: a million rows that are nowhere, each computed from its number when somebody asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "omni.h"

enum { GRAINS = 1000000, WHERE_MAX = 16 };

struct grain {
	int64_t number, size;
	bool odd, ripe;
	char id[16];
};

static const char *const parities[] = { "even", "odd", NULL };
static const struct mu_state states[] = {
	{ "ripe", MU_OK, "can be ground" },
	{ "green", MU_WAIT, "needs more sun" },
	MU_STATE_END
};
static const struct mu_attr attrs[] = {
	{ .name = "number", .type = MU_INT, .min = 1, .max = GRAINS, .help = "counted from one" },
	{ .name = "size", .type = MU_SIZE, .unit = "bytes", .help = "of its own" },
	{ .name = "parity", .type = MU_ENUM, .choices = parities, .help = "of its number" },
	{ .name = "sack", .type = MU_STRING, .kind = "thing", .help = "the thing it lies in" },
	MU_ATTR_END
};

static void grain_make(struct grain *grain, int64_t number)
{
	grain->number = number;
	grain->size = number * 37 % 4096;
	grain->odd = number % 2 == 1;
	grain->ripe = number % 10 == 0;
	snprintf(grain->id, sizeof(grain->id), "g%07" PRId64, number);
}

/* >0 its number; 0 = not the id of a grain. */
static int64_t grain_number(const char *id)
{
	uint64_t number;
	const char *p = id + 1;

	if (id[0] != 'g' || strlen(id) != 8 || mu_scan_u64(&p, &number) < 0 || *p || number > GRAINS)
		return 0;
	return (int64_t)number;
}

static json_t *grain_json(const struct grain *grain)
{
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "id", grain->id, "number",
			 (json_int_t)grain->number, "size", (json_int_t)grain->size, "parity",
			 parities[grain->odd], "state", grain->ripe ? "ripe" : "green", "sack", "mill");
}

/* ---- conditions ---- */

static bool compare(int op, double left, double right)
{
	switch (op) {
	case MU_EQ:
		return left == right;
	case MU_NE:
		return left != right;
	case MU_LT:
		return left < right;
	case MU_LE:
		return left <= right;
	case MU_GT:
		return left > right;
	case MU_GE:
		return left >= right;
	default:
		return false;
	}
}

static bool holds(const struct grain *grain, const struct mu_condition *condition)
{
	const char *word = NULL, *p = condition->value;
	double number;

	if (strcmp(condition->attr, "id") == 0)
		word = grain->id;
	else if (strcmp(condition->attr, "parity") == 0)
		word = parities[grain->odd];
	else if (strcmp(condition->attr, "state") == 0)
		word = grain->ripe ? "ripe" : "green";
	else if (strcmp(condition->attr, "sack") == 0)
		word = "mill";
	if (word && condition->op == MU_GLOB)
		return mu_glob(condition->value, word);
	if (word)
		return compare(condition->op, strcmp(word, condition->value), 0);
	if (mu_scan_double(&p, &number) < 0)
		return false;
	return compare(condition->op,
		       (double)(strcmp(condition->attr, "size") == 0 ? grain->size : grain->number), number);
}

static bool matches(const struct grain *grain, const struct mu_query *query)
{
	for (size_t i = 0; i < query->where_count; i++)
		if (!holds(grain, &query->where[i]))
			return false;
	return true;
}

/* The numbers that conditions on the number alone leave: most questions need no walk over the million. */
static void narrow(const struct mu_query *query, int64_t *low, int64_t *high)
{
	*low = 1;
	*high = GRAINS;
	for (size_t i = 0; i < query->where_count; i++) {
		const struct mu_condition *c = &query->where[i];
		const char *p = c->value;
		int64_t number = strcmp(c->attr, "id") == 0 && c->op == MU_EQ ? grain_number(c->value) : -1;
		if (strcmp(c->attr, "number") == 0 && mu_scan_i64(&p, &number) < 0)
			continue;
		if (number < 0)
			continue;
		if ((c->op == MU_EQ || c->op == MU_GE || c->op == MU_GT) && number > *low)
			*low = number;
		if ((c->op == MU_EQ || c->op == MU_LE || c->op == MU_LT) && number < *high)
			*high = number;
	}
}

/* ---- list and get ---- */

static json_t *page(const struct mu_query *query, bool *more)
{
	json_t *items = json_array();
	int64_t low, high, after = query->after ? grain_number(query->after) : 0;
	int64_t step = query->descending ? -1 : 1;

	narrow(query, &low, &high);
	int64_t at = query->descending ? high : low;
	if (after && (query->descending ? after - 1 < at : after + 1 > at))
		at = after + step;
	for (*more = false; at >= low && at <= high && !*more; at += step) {
		struct grain grain;
		grain_make(&grain, at);
		if (!matches(&grain, query))
			continue;
		if (json_array_size(items) == query->limit)
			*more = true;
		else
			json_array_append_new(items, grain_json(&grain));
	}
	return items;
}

static void grain_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	bool more;

	(void)self;
	if (query->sort && strcmp(query->sort, "number") != 0) {
		mu_reply_error(call, -ENOTSUP, "grains are sorted by their number alone");
		return;
	}
	if (query->after && !grain_number(query->after)) {
		mu_reply_error(call, -EINVAL, "\"%s\" is not the next of a page before", query->after);
		return;
	}
	json_t *items = page(query, &more), *last = json_array_get(items, json_array_size(items) - 1);
	mu_reply(call, json_pack("{s:o, s:o, s:o}", "items", items, "next",
				 more ? json_incref(json_object_get(last, "id")) : json_null(), "total",
				 query->where_count ? json_null() : json_integer(GRAINS)));
}

static void grain_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	int64_t number = grain_number(id);
	struct grain grain;

	(void)self;
	if (!number) {
		mu_reply_error(call, -ENOENT, "no grain is called \"%s\"", id);
		return;
	}
	grain_make(&grain, number);
	mu_reply(call, grain_json(&grain));
}

const struct mu_kind omni_grain_kind = {
	.name = "grain", .plural = "grains", .help = "one of a million", .flags = MU_SERVED, .attrs = attrs,
	.states = states, .parent = "sack", .columns = "number size parity state", .list = grain_list, .get = grain_get,
};

/* ---- commands ---- */

/* Ids, or a match that only the owner of a served kind can apply. */
static void run_weigh(struct mu_instance *self, struct mu_call *call)
{
	const struct mu_query *match = mu_call_match(call);
	json_int_t found = 0, bytes = 0, missing = 0;
	size_t count;
	struct grain grain;

	(void)self;
	for (int64_t at = 1; match && at <= GRAINS; at++) {
		grain_make(&grain, at);
		found += matches(&grain, match);
		bytes += matches(&grain, match) ? grain.size : 0;
	}
	const char *const *ids = match ? NULL : mu_call_ids(call, &count);
	for (size_t i = 0; ids && i < count; i++) {
		int64_t number = grain_number(ids[i]);
		grain_make(&grain, number);
		found += number > 0;
		missing += number == 0;
		bytes += number ? grain.size : 0;
	}
	mu_reply(call, json_pack("{s:I, s:I, s:I}", "found", found, "bytes", bytes, "missing", missing));
}

/* Only the change is published: the row itself is nowhere. */
static void run_polish(struct mu_instance *self, struct mu_call *call)
{
	int64_t number = grain_number(mu_call_id(call));
	struct grain grain;

	if (!number) {
		mu_reply_error(call, -ENOENT, "no grain is called \"%s\"", mu_call_id(call));
		return;
	}
	grain_make(&grain, number);
	grain.ripe = true;
	mu_object_put(self, "grain", grain.id, grain_json(&grain));
	mu_reply_text(call, "polished %s", grain.id);
}

static void run_crush(struct mu_instance *self, struct mu_call *call)
{
	int r = mu_object_delete(self, "grain", mu_call_id(call));

	if (r < 0)
		mu_reply_error(call, r, "%s cannot be crushed: %s", mu_call_id(call), strerror(-r));
	else
		mu_reply_text(call, "crushed %s", mu_call_id(call));
}

struct ripen_args {
	int64_t count;
};
static const struct mu_option ripen_rows[] = {
	MU_OPT_INT(struct ripen_args, count, .name = "count", .flags = MU_REQUIRED, .min = 1, .max = GRAINS,
	           .help = "so many, from the first"),
	MU_OPT_END
};

static void run_ripen(struct mu_instance *self, struct mu_call *call)
{
	const struct ripen_args *args = mu_call_args(call);
	struct grain grain;

	for (int64_t number = 1; number <= args->count; number++) {
		grain_make(&grain, number);
		grain.ripe = true;
		mu_object_put(self, "grain", grain.id, grain_json(&grain));
	}
	mu_reply_text(call, "%" PRId64 " are ripe", args->count);
}

const struct mu_command omni_grain_commands[] = {
	{ .kind = "grain", .name = "ripen", .title = "Ripen", .help = "many changes at once", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = ripen_rows, .args_size = sizeof(struct ripen_args), .run = run_ripen },
	{ .kind = "grain", .name = "weigh", .title = "Weigh", .help = "how many, and how heavy", .effect = MU_LOOK,
	  .flags = MU_BULK, .run = run_weigh },
	{ .kind = "grain", .name = "polish", .title = "Polish", .help = "makes it ripe", .effect = MU_CHANGE,
	  .run = run_polish },
	{ .kind = "grain", .name = "crush", .title = "Crush", .help = "there is no way back", .effect = MU_DESTROY,
	  .role = MU_ADMIN, .run = run_crush },
	MU_COMMAND_END
};
