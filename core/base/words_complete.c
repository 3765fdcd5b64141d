/* words_complete: what the last word of a line could become.
 *
 * The words before it decide what may stand there, the letters already typed what is left of that. Ids
 * are not in the tables, so they are answered by their kind, for the caller to ask the daemon. */
#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/str.h"
#include "base/words.h"
#include "base/words_table.h"

#include <string.h>

struct completion {
	const json_t *described, *kind, *command, *args;
	const char *prefix; /* the last word so far */
	const char *const *words;
	size_t count; /* of the words before it, options left out */
	json_t *out;
};

static void offer(struct completion *completion, const char *word, const char *help)
{
	c_assert(completion->out);
	if (!word || !*word || !text_starts(word, completion->prefix))
		return;
	json_t *entry = json_object();
	json_set_text(entry, "word", word);
	json_set_text(entry, "help", help ? help : "");
	json_array_append_new(completion->out, entry);
}

/* before + word + after */
static void offer_joined(struct completion *completion, const char *before, const char *word,
			 const char *after, const char *help)
{
	struct str text = { 0 };

	str_printf(&text, "%s%s%s", before, word, after);
	offer(completion, str_text(&text), help);
	str_fini(&text);
}

/* Ids of a kind; `before` ("worker=") belongs before each. */
static void offer_ids(struct completion *completion, const char *kind, const char *before)
{
	json_t *entry = json_object();

	json_set_text(entry, "kind", kind);
	if (*before)
		json_set_text(entry, "before", before);
	json_array_append_new(completion->out, entry);
}

static void offer_choices(struct completion *completion, const json_t *choices, const char *before,
			  const char *help)
{
	for (size_t i = 0; i < json_array_size(choices); i++) {
		const json_t *choice = json_array_get(choices, i);
		const char *sentence = json_get_text(choice, "sentence");
		if (json_is_string(choice))
			offer_joined(completion, before, json_string_value(choice), "", help);
		else
			offer_joined(completion, before, words_name(choice), "", sentence ? sentence : help);
	}
}

/* The values of a row, each behind `before`. */
static void offer_values(struct completion *completion, const json_t *row, const char *before)
{
	const char *type = json_get_text(row, "type"), *kind = json_get_text(row, "kind");
	const char *help = json_get_text(row, "help");
	bool attr = words_row(json_object_get(completion->kind, "attrs"), words_name(row)) == row;

	if (kind)
		offer_ids(completion, kind, before);
	if (attr && words_is(row, "state"))
		offer_choices(completion, json_object_get(completion->kind, "states"), before, help);
	offer_choices(completion, json_object_get(row, "choices"), before, help);
	if (type && strcmp(type, "bool") == 0) {
		offer_joined(completion, before, "true", "", help);
		offer_joined(completion, before, "false", "", help);
	}
}

static void offer_names(struct completion *completion, const json_t *rows, const char *after)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		offer_joined(completion, "", words_name(row), after, json_get_text(row, "help"));
	}
}

/* Is "name=…" among the words before? */
static bool given(const struct completion *completion, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < completion->count; i++)
		if (strncmp(completion->words[i], name, length) == 0 && completion->words[i][length] == '=')
			return true;
	return false;
}

static void complete_kind(struct completion *completion)
{
	const json_t *kinds = json_object_get(completion->described, "kinds");

	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const json_t *kind = json_array_get(kinds, i), *aliases = json_object_get(kind, "aliases");
		const char *help = json_get_text(kind, "help"), *plural = json_get_text(kind, "plural");
		/* one word a kind, unless another of its names is what is being typed */
		if (text_starts(words_name(kind), completion->prefix)) {
			offer(completion, words_name(kind), help);
			continue;
		}
		offer(completion, plural, help);
		for (size_t j = 0; j < json_array_size(aliases); j++)
			offer(completion, json_string_value(json_array_get(aliases, j)), help);
	}
	offer_names(completion, json_object_get(words_kind(completion->described, "daemon"), "commands"), "");
}

static void complete_condition(struct completion *completion)
{
	struct words_condition condition;
	const json_t *attrs = json_object_get(completion->kind, "attrs");

	if (words_condition(completion->prefix, &condition)) {
		char before[80];
		text_printf(before, sizeof(before), "%s%s", condition.attr, condition.op);
		const json_t *row = words_row(attrs, condition.attr);
		if (row)
			offer_values(completion, row, before);
		return;
	}
	offer_names(completion, attrs, "=");
}

static void complete_list(struct completion *completion)
{
	const json_t *attrs = json_object_get(completion->kind, "attrs");

	if (text_starts(completion->prefix, "sort=")) {
		for (size_t i = 0; i < json_array_size(attrs); i++)
			offer_joined(completion, "sort=", words_name(json_array_get(attrs, i)), "",
				     json_get_text(json_array_get(attrs, i), "help"));
		return;
	}
	complete_condition(completion);
	if (!given(completion, "sort"))
		offer(completion, "sort=", "order by this attribute; sort=-… for the largest first");
	if (!given(completion, "limit"))
		offer(completion, "limit=", "at most so many, up to 1000");
	if (!given(completion, "after"))
		offer(completion, "after=", "the next page: what the last one gave as \"next\"");
}

/* The next required argument of a command that takes no id: its values may stand alone. */
static void complete_positional(struct completion *completion, size_t taken)
{
	for (size_t i = 0; i < json_array_size(completion->args); i++) {
		const json_t *row = json_array_get(completion->args, i);
		if (!words_flag(row, "required") || given(completion, words_name(row)))
			continue;
		if (taken-- == 0) {
			offer_values(completion, row, "");
			return;
		}
	}
}

static void complete_rest(struct completion *completion, size_t next)
{
	const char *equal = strchr(completion->prefix, '=');
	size_t positional = 0;

	for (size_t i = 0; equal && i < json_array_size(completion->args); i++) {
		const json_t *row = json_array_get(completion->args, i);
		size_t length = (size_t)(equal - completion->prefix);
		if (strlen(words_name(row)) == length && text_starts(completion->prefix, words_name(row))) {
			char before[128];
			text_printf(before, sizeof(before), "%s=", words_name(row));
			offer_values(completion, row, before);
			return;
		}
	}
	for (size_t i = next; i < completion->count; i++)
		positional += strchr(completion->words[i], '=') == NULL;
	if (!words_takes_id(completion->command))
		complete_positional(completion, positional);
	else if (positional == 0 || words_flag(completion->command, "bulk"))
		offer_ids(completion, words_name(completion->kind), "");
	for (size_t i = 0; i < json_array_size(completion->args); i++) {
		const json_t *row = json_array_get(completion->args, i);
		const char *type = json_get_text(row, "type");
		bool many = type && (strcmp(type, "strings") == 0 || strcmp(type, "block") == 0);
		if (many || !given(completion, words_name(row)))
			offer_joined(completion, "", words_name(row), "=", json_get_text(row, "help"));
	}
}

static void complete_option(struct completion *completion)
{
	if (!completion->command || words_flag(completion->command, "dry_run"))
		offer(completion, "--dry-run", "say what would be done, and do nothing");
	if (!completion->command || words_flag(completion->command, "bulk"))
		offer(completion, "--match", "instead of ids: all with attr=value");
	offer(completion, "--deadline=", "how long to wait for the answer, like 10s");
	offer(completion, "--key=", "the same key again gets the first answer again");
}

static void complete(struct completion *completion, const char *option)
{
	struct words_problem problem;
	struct words_target target;

	if (completion->count > 0)
		completion->kind = words_kind(completion->described, completion->words[0]);
	bool known = completion->count > 0 && (!completion->kind || completion->count > 1) &&
		     words_target(completion->described, completion->words, completion->count, &target,
				  &problem) == 0;
	if (known) {
		completion->kind = target.kind;
		completion->command = target.command;
		completion->args = json_object_get(target.command, "args");
	}
	if (option) {
		if (strcmp(option, "--match") == 0)
			complete_condition(completion);
	} else if (completion->prefix[0] == '-' && completion->prefix[1] == '-') {
		complete_option(completion);
	} else if (completion->count == 0) {
		complete_kind(completion);
	} else if (completion->count == 1 && completion->kind && !known) {
		offer_names(completion, json_object_get(completion->kind, "commands"), "");
	} else if (known && words_is(completion->command, "list")) {
		complete_list(completion);
	} else if (known) {
		complete_rest(completion, target.next);
	}
}

json_t *words_complete(const json_t *described, const char *const *words, size_t count)
{
	struct words_problem problem;
	struct words_line line;
	struct arena arena;
	struct completion completion = { .described = described, .prefix = "", .out = json_array() };

	c_assert(words || count == 0);
	arena_init(&arena);
	if (count > 0)
		completion.prefix = words[count - 1];
	const char *option = words_open_option(words, count);
	size_t before = count > 0 ? count - 1 : 0;
	if (option)
		before--; /* the option itself waits for the last word */
	if (words_line_read(&arena, words, before, &line, &problem) == 0) {
		completion.words = line.words;
		completion.count = line.count;
		complete(&completion, option);
	}
	arena_fini(&arena);
	return completion.out;
}
