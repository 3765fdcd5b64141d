/* words_table: what the described tables say, by name. */
#include "base/words_table.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/words.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* ---- sentences ---- */

int words_fail(struct words_problem *problem, const char *what, ...)
{
	va_list args;
	struct str text = { 0 };

	c_assert(problem && what);
	va_start(args, what);
	str_vprintf(&text, what, args);
	va_end(args);
	text_copy(problem->what, sizeof(problem->what), str_text(&text));
	text_clean(problem->what);
	problem->remedy[0] = '\0';
	str_fini(&text);
	return -EINVAL;
}

void words_remedy(struct words_problem *problem, const char *how, ...)
{
	va_list args;
	struct str text = { 0 };

	c_assert(problem && how);
	va_start(args, how);
	str_vprintf(&text, how, args);
	va_end(args);
	text_copy(problem->remedy, sizeof(problem->remedy), str_text(&text));
	text_clean(problem->remedy);
	str_fini(&text);
}

bool words_suggest(struct words_problem *problem, const char *best)
{
	if (best)
		words_remedy(problem, "did you mean \"%s\"?", best);
	return best != NULL;
}

/* ---- look-ups ---- */

const char *words_name(const json_t *object)
{
	const char *name = json_get_text(object, "name");
	return name ? name : "";
}

bool words_is(const json_t *object, const char *name)
{
	c_assert(name);
	return strcmp(words_name(object), name) == 0;
}

bool words_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool words_takes_id(const json_t *command)
{
	return !words_flag(command, "on_kind");
}

static bool kind_answers_to(const json_t *kind, const char *word)
{
	const char *plural = json_get_text(kind, "plural");
	const json_t *aliases = json_object_get(kind, "aliases");

	if (text_equal_nocase(words_name(kind), word) || (plural && text_equal_nocase(plural, word)))
		return true;
	for (size_t i = 0; i < json_array_size(aliases); i++) {
		const char *alias = json_string_value(json_array_get(aliases, i));
		if (alias && text_equal_nocase(alias, word))
			return true;
	}
	return false;
}

const json_t *words_kind(const json_t *described, const char *word)
{
	const json_t *kinds = json_object_get(described, "kinds");

	c_assert(word);
	if (!*word)
		return NULL;
	/* a kind's own name goes before another's alias */
	const json_t *own = words_row(kinds, word);
	for (size_t i = 0; !own && i < json_array_size(kinds); i++)
		if (kind_answers_to(json_array_get(kinds, i), word))
			own = json_array_get(kinds, i);
	return own;
}

const json_t *words_row(const json_t *rows, const char *name)
{
	c_assert(name);
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (words_is(json_array_get(rows, i), name))
			return json_array_get(rows, i);
	return NULL;
}

const json_t *words_command(const json_t *kind, const char *verb)
{
	return words_row(json_object_get(kind, "commands"), verb);
}

const json_t *words_arg(const json_t *command, const char *name)
{
	return words_row(json_object_get(command, "args"), name);
}

/* ---- options among the words ---- */

static const char *const option_names[] = { "--dry-run", "--key", "--deadline", "--match" };

enum { OPTION_COUNT = 4 };

/* The option that `word` names, with or without "=value"; -1. */
static int option_find(const char *word)
{
	size_t length = strcspn(word, "=");

	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_names[i]) == length && strncmp(option_names[i], word, length) == 0)
			return i;
	return -1;
}

static int option_unknown(const char *word, struct words_problem *problem)
{
	struct nearest nearest;

	words_fail(problem, "unknown option \"%s\"", word);
	nearest_init(&nearest, word);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		nearest_try(&nearest, option_names[i]);
	if (!words_suggest(problem, nearest_best(&nearest)))
		words_remedy(problem, "there are --dry-run, --key=K, --deadline=10s and --match attr=value; "
				      "behind \"--\" every word is taken as it is");
	return -EINVAL;
}

static int option_take(struct words_line *line, int option, const char *value, struct words_problem *problem)
{
	c_assert(option >= 0 && option < OPTION_COUNT);
	c_assert(option == 0 || value);
	switch (option) {
	case 0:
		if (value)
			return words_fail(problem, "--dry-run takes no value");
		line->dry_run = true;
		return 0;
	case 1:
		line->key = value;
		break;
	case 2:
		line->deadline = value;
		break;
	default:
		line->matches[line->match_count++] = value;
		break;
	}
	return *value ? 0 : words_fail(problem, "%s needs a value", option_names[option]);
}

int words_line_read(struct arena *arena, const char *const *words, size_t count, struct words_line *out,
		    struct words_problem *problem)
{
	c_assert(arena && out && problem);
	c_assert(words || count == 0);
	*out = (struct words_line){ .literal = SIZE_MAX };
	out->words = arena_array(arena, count + 1, sizeof(*out->words));
	out->matches = arena_array(arena, count + 1, sizeof(*out->matches));
	for (size_t i = 0; i < count; i++) {
		const char *word = words[i];
		if (out->literal != SIZE_MAX || strncmp(word, "--", 2) != 0) {
			out->words[out->count++] = word;
			continue;
		}
		if (!word[2]) {
			out->literal = out->count;
			continue;
		}
		int option = option_find(word);
		if (option < 0)
			return option_unknown(word, problem);
		const char *equal = strchr(word, '='), *value = equal ? equal + 1 : NULL;
		if (!value && option != 0) {
			if (i + 1 == count)
				return words_fail(problem, "%s needs a value", word);
			value = words[++i];
		}
		int r = option_take(out, option, value, problem);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *words_open_option(const char *const *words, size_t count)
{
	const char *open = NULL;

	for (size_t i = 0; i + 1 < count; i++) {
		if (strcmp(words[i], "--") == 0)
			return NULL;
		int option = open ? -1 : option_find(words[i]);
		open = option > 0 && !strchr(words[i], '=') ? option_names[option] : NULL;
	}
	return open;
}

/* ---- KIND VERB ---- */

static void suggest_kind(const json_t *described, const char *word, struct words_problem *problem)
{
	const json_t *kinds = json_object_get(described, "kinds");
	const json_t *verbs = json_object_get(words_kind(described, "daemon"), "commands");
	struct nearest nearest;

	nearest_init(&nearest, word);
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const json_t *kind = json_array_get(kinds, i), *aliases = json_object_get(kind, "aliases");
		nearest_try(&nearest, words_name(kind));
		nearest_try(&nearest, json_get_text(kind, "plural"));
		for (size_t j = 0; j < json_array_size(aliases); j++)
			nearest_try(&nearest, json_string_value(json_array_get(aliases, j)));
	}
	for (size_t i = 0; i < json_array_size(verbs); i++)
		nearest_try(&nearest, words_name(json_array_get(verbs, i)));
	if (words_suggest(problem, nearest_best(&nearest)))
		return;
	struct str names = { 0 };
	for (size_t i = 0; i < json_array_size(kinds); i++)
		str_printf(&names, "%s%s", i ? ", " : "", words_name(json_array_get(kinds, i)));
	words_remedy(problem, "the kinds are: %s", str_text(&names));
	str_fini(&names);
}

static int fail_verb(const json_t *kind, const char *verb, struct words_problem *problem)
{
	const json_t *commands = json_object_get(kind, "commands");
	struct nearest nearest;
	struct str names = { 0 };

	words_fail(problem, "the kind %s has no command \"%s\"", words_name(kind), verb);
	nearest_init(&nearest, verb);
	for (size_t i = 0; i < json_array_size(commands); i++) {
		nearest_try(&nearest, words_name(json_array_get(commands, i)));
		str_printf(&names, "%s%s", i ? ", " : "", words_name(json_array_get(commands, i)));
	}
	if (!words_suggest(problem, nearest_best(&nearest)))
		words_remedy(problem, "its commands are: %s", str_text(&names));
	str_fini(&names);
	return -EINVAL;
}

int words_target(const json_t *described, const char *const *words, size_t count, struct words_target *out,
		 struct words_problem *problem)
{
	c_assert(out && problem);
	c_assert(words || count == 0);
	if (count == 0) {
		words_fail(problem, "there is nothing to do");
		words_remedy(problem, "write a kind and a command, such as \"plugin list\"");
		return -EINVAL;
	}
	*out = (struct words_target){ .kind = words_kind(described, words[0]), .next = 1 };
	if (!out->kind) {
		out->kind = words_kind(described, "daemon");
		out->command = words_command(out->kind, words[0]);
		if (out->command)
			return 0;
		words_fail(problem, "\"%s\" is neither a kind nor a command of the daemon", words[0]);
		suggest_kind(described, words[0], problem);
		return -EINVAL;
	}
	const char *verb = count > 1 ? words[1] : "list";
	out->command = words_command(out->kind, verb);
	if (!out->command)
		return fail_verb(out->kind, verb, problem);
	out->next = count > 1 ? 2 : 1;
	return 0;
}

/* ---- attr=value ---- */

bool words_condition(const char *word, struct words_condition *out)
{
	/* "==" and "~=" as other tools write them */
	static const struct {
		const char *sign, *op;
	} ops[] = { { "!=", "!=" }, { "<=", "<=" }, { ">=", ">=" }, { "==", "=" }, { "~=", "~" },
		    { "=", "=" },   { "<", "<" },   { ">", ">" },   { "~", "~" } };

	c_assert(word && out);
	size_t length = strspn(word, WORDS_NAME_BYTES ".-");
	if (length == 0 || length >= sizeof(out->attr))
		return false;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (text_starts(word + length, ops[i].sign)) {
			memcpy(out->attr, word, length);
			out->attr[length] = '\0';
			out->op = ops[i].op;
			out->value = word + length + strlen(ops[i].sign);
			return true;
		}
	return false;
}
