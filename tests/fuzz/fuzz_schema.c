/* fuzz_schema: any word is a value of its row or refused with a sentence; any statements fill a struct or
 * fill the report. */
#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"
#include "conf_schema.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
	const char *name;
	struct mu_strings words;
	int64_t count;
};
struct all {
	const char *text;
	bool truth;
	int64_t number;
	double real;
	mu_time span;
	uint64_t room;
	int choice;
	struct mu_strings words;
	struct {
		struct item *items;
		size_t count;
	} items;
};

static const char *const choices[] = { "red", "green", "blue", NULL };
static const struct mu_option item_rows[] = {
	MU_OPT_STRING(struct item, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED),
	MU_OPT_STRINGS(struct item, words, .name = "More", .flags = MU_KEY),
	MU_OPT_INT(struct item, count, .name = "Count", .dflt = "1"), MU_OPT_END
};
static const struct mu_option rows[] = {
	MU_OPT_STRING(struct all, text, .name = "Text", .max = 100),
	MU_OPT_BOOL(struct all, truth, .name = "Truth"),
	MU_OPT_INT(struct all, number, .name = "Number", .min = -1000, .max = 1000),
	MU_OPT_DOUBLE(struct all, real, .name = "Real"),
	MU_OPT_DURATION(struct all, span, .name = "Span", .min = 0.001, .max = 86400),
	MU_OPT_SIZE(struct all, room, .name = "Room", .flags = MU_SECRET),
	MU_OPT_ENUM(struct all, choice, .name = "Choice", .choices = choices),
	MU_OPT_STRINGS(struct all, words, .name = "Words", .max = 8),
	MU_OPT_BLOCK(struct all, items, struct item, item_rows, .name = "Item", .max = 4),
	MU_OPT_END
};

static void check_error(const struct mu_error *error)
{
	c_assert(error->code < 0 && error->what[0]);
	c_assert(text_printable(error->what, strlen(error->what)));
	c_assert(text_printable(error->where, strlen(error->where)));
	c_assert(text_printable(error->remedy, strlen(error->remedy)));
}

static void fuzz_words(struct arena *arena, const char *word)
{
	struct all all;
	int64_t ns;
	uint64_t bytes;

	for (const struct mu_option *row = rows; row->name; row++) {
		struct mu_error error = { 0 };
		memset(&all, 0, sizeof(all));
		if (schema_word(arena, row, word, (char *)&all + row->offset, &error) < 0)
			check_error(&error);
	}
	if (schema_duration(word, &ns) == 0)
		c_assert(ns >= 0);
	schema_size(word, &bytes);
}

static void fuzz_statements(struct arena *arena, const char *text, size_t size)
{
	static struct conf_report report;
	struct conf_problem problem;
	struct conf_node *first;
	struct all all = { 0 };

	memset(&report, 0, sizeof(report));
	if (conf_parse(arena, "x", text, size, &first, &problem) < 0)
		return;
	int r = schema_fill(arena, rows, &all, first, NULL, "plugin x", &report);
	c_assert((r < 0) == (report.error_count > 0));
	for (size_t i = 0; i < report.error_count && i < 32; i++)
		check_error(&report.errors[i]);
	if (r < 0)
		return;
	c_assert(all.number >= -1000 && all.number <= 1000);
	c_assert(all.words.count <= 8 && all.items.count <= 4);
	for (size_t i = 0; i < all.items.count; i++)
		c_assert(all.items.items[i].name);
}

static void fuzz_json(struct arena *arena, const char *text, size_t size)
{
	struct mu_error error = { 0 };
	struct all all = { 0 };
	json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		return;
	if (schema_fill_json(arena, rows, &all, json, &error) < 0)
		check_error(&error);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	if (size > 1 << 16)
		return 0;
	arena_init(&arena);
	char *text = arena_strndup(&arena, (const char *)data, size);
	fuzz_words(&arena, text);
	fuzz_statements(&arena, text, size);
	fuzz_json(&arena, text, size);
	arena_fini(&arena);
	return 0;
}
