/* object_list: where, sort and pages over published objects.
 *
 * Objects are kept as text. Of each, only the attributes that the query names are read; whole ones are
 * decoded for the page alone. A page ends with a key (the sort's value and the id), not a number, so that
 * objects that come and go between two pages neither repeat nor hide others. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slurp.h"
#include "base/str.h"
#include "kind.h"
#include "loop.h"
#include "object.h"

/* ---- one attribute out of the bytes ---- */

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* Behind the value at `p`, in compact text. */
static const char *skip_value(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '"') {
			p = skip_string(p) - 1;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (depth-- == 0)
				return p;
		} else if (*p == ',' && depth == 0) {
			return p;
		}
	}
	return p;
}

/* The member as JSON; NULL when it is absent. Names of attributes need no escapes. */
static json_t *pick(const struct object_bytes *bytes, const char *name)
{
	c_assert(bytes && name);
	size_t length = strlen(name);

	c_assert(bytes->text[0] == '{');
	for (const char *p = bytes->text + 1; *p == '"'; p++) {
		const char *key = p + 1, *value = skip_string(p);
		if (*value++ != ':')
			return NULL;
		p = skip_value(value);
		if ((size_t)(value - 2 - key) == length && memcmp(key, name, length) == 0)
			return json_loadb(value, (size_t)(p - value), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (*p != ',')
			return NULL;
	}
	return NULL;
}

/* ---- comparing ---- */

static int rank_of(const struct mu_kind *row, const struct mu_attr *attr, const char *word)
{
	int i = 0;

	if (row->states && strcmp(attr->name, "state") == 0) {
		const struct mu_state *state = kind_state(row, word);
		return state ? (int)state->tone : MU_PAUSED + 1;
	}
	while (attr->choices && attr->choices[i] && strcmp(attr->choices[i], word) != 0)
		i++;
	return i;
}

static int compare_numbers(double a, double b)
{
	return a < b ? -1 : a > b;
}

/* By rank alone: two states of one tone are equal to `<=`. */
static int compare_ranks(const struct mu_kind *row, const struct mu_attr *attr, const char *a, const char *b)
{
	return rank_of(row, attr, a) - rank_of(row, attr, b);
}

/* Two values of one attribute, NULL: absent, which comes last. */
static int compare_values(const struct mu_kind *row, const struct mu_attr *attr, const json_t *a,
			  const json_t *b)
{
	c_assert(row && attr);
	if (!a || !b)
		return !a - !b;
	if (json_is_integer(a) && json_is_integer(b))
		return (json_integer_value(a) > json_integer_value(b)) -
		       (json_integer_value(a) < json_integer_value(b));
	if (json_is_number(a) && json_is_number(b))
		return compare_numbers(json_number_value(a), json_number_value(b));
	if (json_is_boolean(a) && json_is_boolean(b))
		return json_is_true(a) - json_is_true(b);
	if (!json_is_string(a) || !json_is_string(b))
		return (int)json_typeof(a) - (int)json_typeof(b);
	int r = attr->type == MU_ENUM ? compare_ranks(row, attr, json_string_value(a), json_string_value(b))
				      : 0;
	return r ? r : strcmp(json_string_value(a), json_string_value(b));
}

/* ---- conditions ---- */

static bool order_fits(int order, int op)
{
	switch (op) {
	case MU_EQ:
		return order == 0;
	case MU_NE:
		return order != 0;
	case MU_LT:
		return order < 0;
	case MU_LE:
		return order <= 0;
	case MU_GT:
		return order > 0;
	case MU_GE:
		return order >= 0;
	default:
		return false;
	}
}

static bool text_fits(const char *text, const struct mu_condition *c)
{
	return c->op == MU_GLOB ? mu_glob(c->value, text) : order_fits(strcmp(text, c->value), c->op);
}

static bool number_fits(const json_t *value, const struct mu_condition *c)
{
	const char *p = c->value;
	int64_t whole;
	double number;

	if (json_is_integer(value) && scan_i64(&p, &whole) == 0 && !*p)
		return order_fits((json_integer_value(value) > whole) - (json_integer_value(value) < whole),
				  c->op);
	p = c->value;
	if (scan_double(&p, &number) < 0)
		return false;
	return order_fits(compare_numbers(json_number_value(value), number), c->op);
}

static bool name_fits(const struct mu_kind *row, const struct mu_attr *attr, const char *name,
		      const struct mu_condition *c)
{
	if (c->op == MU_EQ || c->op == MU_NE || c->op == MU_GLOB)
		return text_fits(name, c);
	return order_fits(compare_ranks(row, attr, name, c->value), c->op);
}

/* One of the texts is it; for MU_NE none is. */
static bool texts_fit(const json_t *texts, const struct mu_condition *c)
{
	struct mu_condition one = *c;

	if (c->op == MU_NE)
		one.op = MU_EQ;
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		if (text && text_fits(text, &one))
			return c->op != MU_NE;
	}
	return c->op == MU_NE;
}

static bool condition_fits(const struct mu_kind *row, const char *id, const json_t *attrs,
			   const struct mu_condition *c)
{
	c_assert(id && c->attr && c->value);
	if (strcmp(c->attr, "id") == 0)
		return text_fits(id, c);
	const struct mu_attr *attr = kind_attr(row, c->attr);
	const json_t *value = json_object_get(attrs, c->attr);
	if (!attr || !value || json_is_null(value))
		return c->op == MU_NE;
	if (json_is_number(value))
		return number_fits(value, c);
	if (json_is_boolean(value))
		return text_fits(json_is_true(value) ? "true" : "false", c);
	if (json_is_array(value))
		return texts_fit(value, c);
	if (!json_is_string(value))
		return false;
	return attr->type == MU_ENUM ? name_fits(row, attr, json_string_value(value), c)
				     : text_fits(json_string_value(value), c);
}

bool object_matches(const struct mu_kind *row, const char *id, const json_t *attrs,
		    const struct mu_query *query)
{
	c_assert(row && id && query);
	for (size_t i = 0; i < query->where_count; i++)
		if (!condition_fits(row, id, attrs, &query->where[i]))
			return false;
	return true;
}

/* The same over bytes, reading only what is asked for. */
static bool bytes_match(const struct object *object, const struct mu_query *query)
{
	if (query->where_count == 0)
		return true;
	json_t *attrs = json_object();
	for (size_t i = 0; i < query->where_count; i++) {
		const char *name = query->where[i].attr;
		json_t *value = json_object_get(attrs, name) ? NULL : pick(object->bytes, name);
		if (value)
			json_object_set_new(attrs, name, value);
	}
	bool fits = object_matches(object->kind->row, object->id, attrs, query);
	json_decref(attrs);
	return fits;
}

/* ---- order ---- */

struct line {
	const struct object *object;
	const char *id;
	json_t *value; /* the sort's; NULL: absent */
};

struct order {
	const struct mu_kind *row;
	const struct mu_attr *attr; /* NULL: by id */
	bool descending;
};

static int compare_lines(const void *a, const void *b, void *data)
{
	const struct line *one = a, *two = b;
	const struct order *order = data;
	int sign = order->descending ? -1 : 1;

	if (order->attr) {
		int r = compare_values(order->row, order->attr, one->value, two->value);
		/* what has no value comes last whichever way it goes */
		if (r)
			return one->value && two->value ? sign * r : r;
	}
	return sign * strcmp(one->id, two->id);
}

static struct line *select_lines(struct kind *kind, const struct mu_query *query, struct order *order,
				 size_t *count)
{
	c_assert(loop_is_current(loop_main()));
	struct line *lines = mem_array(kind->objects.count, sizeof(*lines));
	size_t n = 0;
	void *value;

	*order = (struct order){ kind->row, query->sort ? kind_attr(kind->row, query->sort) : NULL,
				 query->descending };
	for (size_t at = 0; map_next(&kind->objects, &at, NULL, &value);) {
		const struct object *object = value;
		if (!bytes_match(object, query))
			continue;
		lines[n++] = (struct line){ object, object->id,
					    order->attr ? pick(object->bytes, order->attr->name) : NULL };
	}
	qsort_r(lines, n, sizeof(*lines), compare_lines, order);
	*count = n;
	return lines;
}

static void free_lines(struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(lines[i].value);
	free(lines);
}

const struct object **object_select(struct kind *kind, const struct mu_query *query, size_t *count)
{
	struct order order;

	c_assert(kind && query && count);
	struct line *lines = select_lines(kind, query, &order, count);
	const struct object **objects = mem_array(*count, sizeof(*objects));
	for (size_t i = 0; i < *count; i++)
		objects[i] = lines[i].object;
	free_lines(lines, *count);
	return objects;
}

/* ---- pages ---- */

/* `next`: the id; with a sort [value, id] as text, so that it holds also when that object has gone
 * meanwhile. */
static json_t *next_token(const struct order *order, const struct line *last)
{
	if (!order->attr)
		return json_string(last->id);
	json_t *key = json_pack("[O?, s]", last->value, last->id);
	char *text = json_text(key, NULL);
	json_t *token = json_string(text);

	free(text);
	json_decref(key);
	return token;
}

/* The other way round. `hold` owns what the line points to. */
static bool parse_token(const struct order *order, const char *after, struct line *out, json_t **hold)
{
	char why[256];

	*hold = NULL;
	*out = (struct line){ .id = after };
	if (!order->attr)
		return object_id_valid(after);
	*hold = json_parse(after, strlen(after), why);
	json_t *value = json_array_get(*hold, 0);
	out->id = json_string_value(json_array_get(*hold, 1));
	out->value = json_is_null(value) ? NULL : value;
	return json_array_size(*hold) == 2 && out->id;
}

/* The first line behind the token. */
static size_t find_start(const struct line *lines, size_t count, struct order *order,
			 const struct line *token)
{
	c_assert(order && token->id);
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_lines(&lines[middle], token, order) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static json_t *make_page(const struct line *lines, size_t count, size_t from, const struct mu_query *query,
			 const struct order *order, enum mu_role role)
{
	c_assert(from <= count && query->limit > 0);
	size_t end = count - from > query->limit ? from + query->limit : count;
	json_t *items = json_array();

	for (size_t i = from; i < end; i++) {
		json_t *item = object_json(lines[i].object);
		object_mask(order->row, item, role);
		json_array_append_new(items, item);
	}
	json_t *next = end < count ? next_token(order, &lines[end - 1]) : json_null();
	return json_pack("{s:o, s:o, s:I}", "items", items, "next", next, "total", (json_int_t)count);
}

json_t *object_list(struct kind *kind, const struct mu_query *query, enum mu_role role)
{
	struct order order;
	struct line token;
	size_t count, from = 0;
	json_t *hold = NULL, *page = NULL;

	c_assert(kind && query);
	c_assert(query->limit > 0);
	struct line *lines = select_lines(kind, query, &order, &count);
	bool good = !query->after || parse_token(&order, query->after, &token, &hold);
	if (good && query->after)
		from = find_start(lines, count, &order, &token);
	if (good)
		page = make_page(lines, count, from, query, &order, role);
	json_decref(hold);
	free_lines(lines, count);
	return page;
}
