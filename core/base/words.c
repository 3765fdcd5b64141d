/* words: words that a person typed → a call, against the tables the daemon describes.
 *
 * Three passes over the line: the options go first; then KIND and VERB choose the row; then every word
 * behind them is an argument when its key is one of the row's, else an id, or, where the command takes
 * no id, the next required argument. What is left open or double is an error with the word that was
 * probably meant. The daemon checks all of it again: this is for the person, not for safety. */
#include "base/words.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"
#include "base/words_table.h"

#include <errno.h>
#include <string.h>

struct builder {
	const json_t *kind, *command, *args; /* the rows */
	json_t *ids, *values, *where, *match;
	bool list;
	struct arena arena;
	struct words_line line;
	struct words_problem *problem;
};

/* The "key" of "key=value" when it could be the name of an argument; NULL. */
static const char *key_of(struct builder *builder, const char *word, const char **value)
{
	const char *equal = strchr(word, '=');
	size_t length = equal ? (size_t)(equal - word) : 0;

	if (length == 0 || strspn(word, WORDS_NAME_BYTES "-") != length)
		return NULL;
	*value = equal + 1;
	return arena_strndup(&builder->arena, word, length);
}

/* ---- arguments ---- */

static int put_strings(struct builder *builder, const char *name, json_t *value)
{
	json_t *array = json_object_get(builder->values, name);

	if (!array) {
		array = json_array();
		json_object_set_new(builder->values, name, array);
	}
	c_assert(json_is_array(array));
	if (json_is_array(value)) {
		json_array_extend(array, value);
		json_decref(value);
	} else {
		json_array_append_new(array, value);
	}
	return 0;
}

static int put_arg(struct builder *builder, const json_t *row, const char *word)
{
	const char *name = words_name(row), *type = json_get_text(row, "type");
	json_t *value = words_value(row, word, builder->problem);

	if (!value)
		return -EINVAL;
	if (type && (strcmp(type, "strings") == 0 || strcmp(type, "block") == 0))
		return put_strings(builder, name, value);
	if (json_object_get(builder->values, name)) {
		json_decref(value);
		return words_fail(builder->problem, "%s is given twice", name);
	}
	json_object_set_new(builder->values, name, value);
	return 0;
}

static const char *nearest_row(const json_t *rows, const char *word)
{
	struct nearest nearest;

	nearest_init(&nearest, word);
	for (size_t i = 0; i < json_array_size(rows); i++)
		nearest_try(&nearest, words_name(json_array_get(rows, i)));
	return nearest_best(&nearest);
}

/* A word behind the verb. 1: it is no argument with a key. */
static int take_keyed(struct builder *builder, const char *word)
{
	const char *value, *key = key_of(builder, word, &value);

	if (!key)
		return 1;
	const json_t *row = words_row(builder->args, key);
	if (row)
		return put_arg(builder, row, value);
	const char *best = nearest_row(builder->args, key);
	if (!best)
		return 1;
	words_fail(builder->problem, "%s %s has no argument \"%s\"", words_name(builder->kind),
		   words_name(builder->command), key);
	words_remedy(builder->problem, "did you mean %s=%s? An id with \"=\" in it goes behind \"--\"", best,
		     value);
	return -EINVAL;
}

static int take_positional(struct builder *builder, const char *word)
{
	const json_t *open = NULL;

	if (words_takes_id(builder->command)) {
		json_t *id = json_string(word);
		if (!id)
			return words_fail(builder->problem, "the id \"%s\" is not UTF-8", word);
		json_array_append_new(builder->ids, id);
		return 0;
	}
	for (size_t i = 0; i < json_array_size(builder->args) && !open; i++) {
		const json_t *row = json_array_get(builder->args, i);
		const char *type = json_get_text(row, "type");
		bool many = type && strcmp(type, "strings") == 0;
		bool alone = type && strcmp(type, "string") == 0 && json_array_size(builder->args) == 1;
		if ((words_flag(row, "required") || alone) &&
		    (many || !json_object_get(builder->values, words_name(row))))
			open = row;
	}
	if (open)
		return put_arg(builder, open, word);
	words_fail(builder->problem, "\"%s\" has no place in %s %s", word, words_name(builder->kind),
		   words_name(builder->command));
	if (json_array_size(builder->args) == 0)
		words_remedy(builder->problem, "the command takes no id and no arguments");
	else
		words_remedy(builder->problem, "its arguments are written like %s=…",
			     words_name(json_array_get(builder->args, 0)));
	return -EINVAL;
}

/* ---- conditions ---- */

static int check_attr(struct builder *builder, const char *attr)
{
	const json_t *attrs = json_object_get(builder->kind, "attrs");

	if (strcmp(attr, "id") == 0 || words_row(attrs, attr))
		return 0;
	words_fail(builder->problem, "a %s has no attribute \"%s\"", words_name(builder->kind), attr);
	words_suggest(builder->problem, nearest_row(attrs, attr));
	return -EINVAL;
}

static int add_where(struct builder *builder, const struct words_condition *condition)
{
	struct str text = { 0 };

	if (check_attr(builder, condition->attr) < 0)
		return -EINVAL;
	json_t *value = words_attr_value(builder->kind, condition, builder->problem);
	if (!value)
		return -EINVAL;
	if (!json_is_string(value)) { /* a condition travels as words */
		json_write(&text, value);
		json_decref(value);
		value = json_string(str_text(&text));
		str_fini(&text);
	}
	json_array_append_new(builder->where, json_pack("{s:s, s:s, s:o}", "attr", condition->attr, "op",
							condition->op, "value", value));
	return 0;
}

static int add_match(struct builder *builder, const char *word)
{
	struct words_condition condition;
	char key[80];

	if (!words_condition(word, &condition)) {
		words_fail(builder->problem, "\"%s\" is no condition", word);
		words_remedy(builder->problem, "write it like state=running or cpu>=5");
		return -EINVAL;
	}
	if (check_attr(builder, condition.attr) < 0)
		return -EINVAL;
	json_t *value = words_attr_value(builder->kind, &condition, builder->problem);
	if (!value)
		return -EINVAL;
	bool equal = strcmp(condition.op, "=") == 0;
	text_printf(key, sizeof(key), "%s%s", condition.attr, equal ? "" : condition.op);
	json_object_set_new(builder->match, key, value);
	return 0;
}

/* The arguments that every list has, should the tables not say so. */
static json_t *list_value(struct builder *builder, const char *name, const char *word)
{
	int64_t limit;
	const char *p = word;

	if (strcmp(name, "limit") == 0) {
		if (scan_i64(&p, &limit) == 0 && !*p && limit >= 1 && limit <= 1000)
			return json_integer(limit);
		words_fail(builder->problem, "limit: \"%s\" is not a whole number from 1 to 1000", word);
		return NULL;
	}
	if (strcmp(name, "descending") == 0) {
		if (text_has_word("true yes on", word))
			return json_true();
		if (text_has_word("false no off", word))
			return json_false();
		words_fail(builder->problem, "descending: \"%s\" is not true or false", word);
		return NULL;
	}
	if (strcmp(name, "sort") == 0 && check_attr(builder, word) < 0)
		return NULL;
	json_t *value = json_string(word);
	if (!value)
		words_fail(builder->problem, "%s: \"%s\" is not UTF-8", name, word);
	return value;
}

static int take_list_arg(struct builder *builder, const char *name, const char *word)
{
	if (json_object_get(builder->values, name))
		return words_fail(builder->problem, "%s is given twice", name);
	if (strcmp(name, "sort") == 0 && word[0] == '-') {
		word++;
		json_object_set_new(builder->values, "descending", json_true());
	}
	json_t *value = list_value(builder, name, word);
	if (!value)
		return -EINVAL;
	json_object_set_new(builder->values, name, value);
	return 0;
}

static int take_list_word(struct builder *builder, const char *word)
{
	struct words_condition condition;
	const char *kind = words_name(builder->kind);

	if (!words_condition(word, &condition)) {
		words_fail(builder->problem, "\"%s\" is no condition for a list", word);
		words_remedy(builder->problem,
			     "write it like state=running or cpu>=5; one %s is shown by \"%s get %s\"", kind,
			     kind, word);
		return -EINVAL;
	}
	if (strcmp(condition.op, "=") == 0 && text_has_word("sort limit after descending", condition.attr))
		return take_list_arg(builder, condition.attr, condition.value);
	return add_where(builder, &condition);
}

/* ---- the whole ---- */

static int take_rest(struct builder *builder, size_t next)
{
	const struct words_line *line = &builder->line;
	const char **left = arena_array(&builder->arena, line->count + 1, sizeof(*left));
	size_t left_count = 0;

	for (size_t i = next; i < line->count; i++) {
		int r = builder->list        ? take_list_word(builder, line->words[i])
			: i >= line->literal ? 1
					     : take_keyed(builder, line->words[i]);
		if (r < 0)
			return r;
		if (r > 0)
			left[left_count++] = line->words[i];
	}
	/* what has a key is known by now, so that the others fill what is left open */
	for (size_t i = 0; i < left_count; i++) {
		int r = take_positional(builder, left[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < line->match_count; i++) {
		int r = add_match(builder, line->matches[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_required(struct builder *builder)
{
	for (size_t i = 0; !builder->list && i < json_array_size(builder->args); i++) {
		const json_t *row = json_array_get(builder->args, i);
		const char *name = words_name(row), *help = json_get_text(row, "help");
		if (!words_flag(row, "required") || json_object_get(builder->values, name))
			continue;
		words_fail(builder->problem, "%s %s needs %s=…", words_name(builder->kind),
			   words_name(builder->command), name);
		if (help)
			words_remedy(builder->problem, "%s: %s", name, help);
		return -EINVAL;
	}
	return 0;
}

static int check_ids(struct builder *builder)
{
	const char *kind = words_name(builder->kind), *verb = words_name(builder->command);
	size_t ids = json_array_size(builder->ids), matches = json_object_size(builder->match);
	bool bulk = words_flag(builder->command, "bulk");
	struct words_problem *problem = builder->problem;

	if (matches && !bulk)
		return words_fail(problem, "%s %s takes no --match", kind, verb);
	if (matches && ids) {
		words_fail(problem, "ids and --match together");
		words_remedy(problem, "give either, so that it is clear what is meant");
		return -EINVAL;
	}
	if (ids > 1 && !bulk) {
		words_fail(problem, "%s %s takes one id, not %zu", kind, verb, ids);
		return -EINVAL;
	}
	if (builder->line.dry_run && !words_flag(builder->command, "dry_run"))
		return words_fail(problem, "%s %s has no dry run", kind, verb);
	if (ids || matches || !words_takes_id(builder->command) ||
	    words_flag(builder->command, "id_optional"))
		return 0;
	words_fail(problem, "which %s?", kind);
	words_remedy(problem, "write %s %s ID%s; \"%s list\" shows them", kind, verb,
		     bulk ? ", or --match attr=value" : "", kind);
	return -EINVAL;
}

static int add_deadline(struct builder *builder, json_t *request)
{
	const char *word = builder->line.deadline;
	double seconds;

	if (!word)
		return 0;
	if (!words_seconds(word, &seconds) || seconds <= 0) {
		words_fail(builder->problem, "--deadline: \"%s\" is not a span of time", word);
		words_remedy(builder->problem, "write it like 10s, 500ms or 5min");
		return -EINVAL;
	}
	json_object_set_new(request, "deadline", json_real(seconds));
	return 0;
}

/* Moves `part` into the request unless it is empty. */
static void add_part(json_t *request, const char *name, json_t **part)
{
	if (json_array_size(*part) + json_object_size(*part) > 0)
		json_object_set(request, name, *part);
	json_decref(*part);
	*part = NULL;
}

static json_t *build_request(struct builder *builder)
{
	json_t *request = json_object();

	json_set_text(request, "kind", words_name(builder->kind));
	json_set_text(request, "verb", words_name(builder->command));
	if (add_deadline(builder, request) < 0) {
		json_decref(request);
		return NULL;
	}
	add_part(request, "ids", &builder->ids);
	if (json_array_size(builder->where) > 0)
		json_object_set(builder->values, "where", builder->where);
	add_part(request, "args", &builder->values);
	add_part(request, "match", &builder->match);
	if (builder->line.dry_run)
		json_object_set_new(request, "dry_run", json_true());
	json_set_text(request, "key", builder->line.key);
	return request;
}

json_t *words_to_request(const json_t *described, const char *const *words, size_t count,
			 struct words_problem *problem)
{
	struct builder builder = { .problem = problem };
	struct words_target target;
	json_t *request = NULL;

	c_assert(problem);
	*problem = (struct words_problem){ 0 };
	arena_init(&builder.arena);
	builder.ids = json_array();
	builder.values = json_object();
	builder.where = json_array();
	builder.match = json_object();
	int r = words_line_read(&builder.arena, words, count, &builder.line, problem);
	if (r == 0)
		r = words_target(described, builder.line.words, builder.line.count, &target, problem);
	if (r == 0) {
		builder.kind = target.kind;
		builder.command = target.command;
		builder.args = json_object_get(target.command, "args");
		builder.list = words_is(target.command, "list");
		r = take_rest(&builder, target.next);
	}
	if (r == 0)
		r = check_required(&builder);
	if (r == 0)
		r = check_ids(&builder);
	if (r == 0)
		request = build_request(&builder);
	json_decref(builder.ids);
	json_decref(builder.values);
	json_decref(builder.where);
	json_decref(builder.match);
	arena_fini(&builder.arena);
	c_assert(request || problem->what[0]);
	return request;
}
