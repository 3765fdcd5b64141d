/* conf_schema: statements + rows → a typed struct.
 *
 * Two passes over the statements of a block: the first finds each one's row and counts, so that arrays
 * are made once and exactly; the second fills. An error never stops it: a person who corrects a file
 * wants all that is wrong with it in one run. All that is filled lives in the caller's arena, and
 * nothing of it points into the statements. */
#include "conf_word.h"

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mu_error *conf_report_error(struct conf_report *report)
{
	static __thread struct mu_error beyond;

	c_assert(report);
	size_t at = report->error_count++;
	struct mu_error *error = at < MU_ARRAY_LEN(report->errors) ? &report->errors[at] : &beyond;
	*error = (struct mu_error){ 0 };
	return error;
}

struct mu_error *conf_report_warning(struct conf_report *report)
{
	static __thread struct mu_error beyond;

	c_assert(report);
	size_t at = report->warning_count++;
	struct mu_error *error = at < MU_ARRAY_LEN(report->warnings) ? &report->warnings[at] : &beyond;
	*error = (struct mu_error){ 0 };
	return error;
}

/* What is known of one row while its block is filled. */
struct row_state {
	const struct conf_node *last; /* the statement that gave the value */
	size_t count;                 /* words of MU_STRINGS, blocks of MU_BLOCK */
	size_t filled;
	struct map keys; /* MU_UNIQUE: those seen → the block */
	bool bad;
};

struct fill {
	struct arena *arena;
	struct conf_report *report;
	size_t errors;
};

/* One block being filled. */
struct frame {
	struct fill *fill;
	const struct mu_option *rows;
	struct row_state *states;
	unsigned char *out;
	const struct conf_node *block;
	const char *what; /* "plugin cpu" */
};

MU_PRINTF(3, 4)
static struct mu_error *complain(struct fill *fill, const struct conf_node *at, const char *what, ...)
{
	struct mu_error *error = conf_report_error(fill->report);
	char text[sizeof(error->what)];
	va_list args;

	fill->errors++;
	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	mu_error(error, -EINVAL, "%s", text);
	if (at)
		mu_error_where(error, "%s:%d", at->file, at->line);
	return error;
}

static struct mu_error *complain_error(struct fill *fill, const struct conf_node *at,
				       const struct mu_error *why)
{
	struct mu_error *error = conf_report_error(fill->report);

	c_assert(fill && why);
	c_assert(why->what[0]);
	fill->errors++;
	*error = *why;
	if (at)
		mu_error_where(error, "%s:%d", at->file, at->line);
	return error;
}

/* ---- first pass: which row is it, and how many ---- */

static size_t find_row(const struct mu_option *rows, const char *key)
{
	size_t i = 0;

	c_assert(rows && key);
	while (rows[i].name && !text_equal_nocase(rows[i].name, key))
		i++;
	return i;
}

static void complain_unknown(struct frame *frame, const struct conf_node *node)
{
	struct mu_error *error = complain(frame->fill, node, "unknown %s \"%.60s\" in %s",
					  node->block ? "block" : "option", node->key, frame->what);

	row_remedy_names(frame->rows, node->key, "options", false, error);
}

/* Has the statement the shape that its row wants? */
static bool shape_fits(struct frame *frame, const struct mu_option *row, const struct conf_node *node)
{
	char expected[200];

	c_assert(row->name && node->key);
	if (row->flags & MU_KEY) {
		struct mu_error *error = complain(frame->fill, node, "\"%s\" is the argument of %s itself",
						  row->name, frame->what);
		if (frame->block)
			mu_error_remedy(error, "write <%s \"...\"> in line %d", frame->block->key,
					frame->block->line);
		return false;
	}
	row_expected(row, expected, sizeof(expected));
	if (node->block != (row->type == MU_BLOCK)) {
		mu_error_remedy(complain(frame->fill, node, "\"%s\" in %s is %s", row->name, frame->what,
					 node->block ? "no block" : "a block"),
				node->block ? "write %s and a value: %s" : "write <%s> ... </%s>", row->name,
				node->block ? expected : row->name);
		return false;
	}
	if (node->arg_count == 0 && !node->block) {
		mu_error_remedy(complain(frame->fill, node, "option \"%s\" in %s has no value", row->name,
					 frame->what),
				"expected %s", expected);
		return false;
	}
	if (node->arg_count > 1 && row->type != MU_BLOCK && row->type != MU_STRINGS) {
		mu_error_remedy(complain(frame->fill, node,
					 "option \"%s\" in %s has %zu values and takes one", row->name,
					 frame->what, node->arg_count),
				"expected %s; a text with blanks stands in double quotes", expected);
		return false;
	}
	return true;
}

/* A value is given a second time: the later one counts, as in collectd, but not in silence. */
static void warn_twice(struct frame *frame, const struct mu_option *row, const struct conf_node *before,
		       const struct conf_node *node)
{
	struct mu_error *warning = conf_report_warning(frame->fill->report);

	c_assert(before != node);
	mu_error(warning, -EEXIST, "option \"%s\" in %s stands here again, after %.60s:%d", row->name,
		 frame->what, before->file, before->line);
	mu_error_where(warning, "%s:%d", node->file, node->line);
	mu_error_remedy(warning, "the later one counts; remove one of them");
}

/* The row's index, or SIZE_MAX when the statement cannot be used. */
static size_t place(struct frame *frame, const struct conf_node *node)
{
	size_t at = find_row(frame->rows, node->key);
	const struct mu_option *row = &frame->rows[at];

	if (!row->name) {
		complain_unknown(frame, node);
		return SIZE_MAX;
	}
	struct row_state *state = &frame->states[at];
	if (!shape_fits(frame, row, node)) {
		state->bad = true;
		return SIZE_MAX;
	}
	if (row->type == MU_BLOCK)
		state->count++;
	else if (row->type == MU_STRINGS)
		state->count += node->arg_count;
	else if (state->last)
		warn_twice(frame, row, state->last, node);
	state->last = node;
	return at;
}

static void make_arrays(struct frame *frame)
{
	for (size_t i = 0; frame->rows[i].name; i++) {
		const struct mu_option *row = &frame->rows[i];
		struct row_state *state = &frame->states[i];
		void *member = frame->out + row->offset;
		if (row->flags & MU_KEY || state->count == 0)
			continue;
		if (row->type == MU_BLOCK) {
			struct block_items *items = member;
			items->items = arena_array(frame->fill->arena, state->count, row->size);
			items->count = state->count;
		} else if (row->type == MU_STRINGS) {
			struct mu_strings *strings = member;
			strings->items = arena_array(frame->fill->arena, state->count + 1, sizeof(char *));
			strings->count = state->count;
		}
	}
}

/* ---- second pass: fill ---- */

static void fill_word(struct frame *frame, const struct mu_option *row, struct row_state *state,
		      const char *word, const struct conf_node *node)
{
	struct mu_error why = { 0 };

	c_assert(word && node);
	if (schema_word(frame->fill->arena, row, word, frame->out + row->offset, &why) < 0) {
		state->bad = true;
		complain_error(frame->fill, node, &why);
	}
}

static void fill_strings(struct frame *frame, const struct mu_option *row, struct row_state *state,
			 const struct conf_arg *args, size_t count)
{
	struct mu_strings *strings = (struct mu_strings *)(void *)(frame->out + row->offset);
	const char **items = (const char **)strings->items;

	c_assert(row->type == MU_STRINGS);
	c_assert(state->filled + count <= strings->count);
	for (size_t i = 0; i < count; i++)
		items[state->filled++] = arena_strdup(frame->fill->arena, args[i].text);
}

/* The row's own check of a value that is good by type and bounds. */
static void ask_row(struct frame *frame, const struct mu_option *row, const void *value,
		    const struct conf_node *at)
{
	struct mu_error why = { 0 };

	c_assert(row && value);
	if (row_ask(row, value, &why) < 0)
		complain_error(frame->fill, at, &why);
}

static void fill_rows(struct fill *fill, const struct mu_option *rows, void *out,
		      const struct conf_node *first, const struct conf_node *block, const char *what);

static void check_unique(struct frame *frame, const struct mu_option *row, struct row_state *state,
			 const struct conf_node *node)
{
	size_t arg = 0;

	c_assert(row->type == MU_BLOCK);
	c_assert(node->block);
	for (const struct mu_option *key = row->options; key->name; key++) {
		if (!(key->flags & MU_KEY))
			continue;
		if (arg < node->arg_count && key->flags & MU_UNIQUE) {
			const char *text = node->args[arg].text;
			const struct conf_node *before = map_put(&state->keys, text, (void *)node);
			if (before)
				mu_error_remedy(complain(frame->fill, node,
							 "there is a second <%s \"%.60s\"> in %s", row->name,
							 text, frame->what),
						"the first one stands in %s:%d; give each its own name",
						before->file, before->line);
		}
		arg++;
	}
}

static void fill_block(struct frame *frame, const struct mu_option *row, struct row_state *state,
		       const struct conf_node *node)
{
	struct block_items *items = (struct block_items *)(void *)(frame->out + row->offset);
	char what[128];

	c_assert(row->type == MU_BLOCK && row->size > 0);
	c_assert(state->filled < items->count);
	void *item = (unsigned char *)items->items + state->filled++ * row->size;
	if (node->arg_count > 0)
		text_printf(what, sizeof(what), "%s \"%.60s\"", row->name, node->args[0].text);
	else
		text_printf(what, sizeof(what), "%s", row->name);
	size_t errors = frame->fill->errors;
	fill_rows(frame->fill, row->options, item, node->children, node, what);
	check_unique(frame, row, state, node);
	if (frame->fill->errors == errors)
		ask_row(frame, row, item, node);
}

static void fill_node(struct frame *frame, size_t at, const struct conf_node *node)
{
	const struct mu_option *row = &frame->rows[at];
	struct row_state *state = &frame->states[at];

	if (row->type == MU_BLOCK)
		fill_block(frame, row, state, node);
	else if (row->type == MU_STRINGS)
		fill_strings(frame, row, state, node->args, node->arg_count);
	else
		fill_word(frame, row, state, node->args[0].text, node);
}

/* The block's own arguments, in the order of the key rows. */
static void fill_keys(struct frame *frame)
{
	size_t arg = 0, count = frame->block ? frame->block->arg_count : 0;

	for (size_t i = 0; frame->rows[i].name; i++) {
		const struct mu_option *row = &frame->rows[i];
		struct row_state *state = &frame->states[i];
		if (!(row->flags & MU_KEY) || arg >= count)
			continue;
		state->last = frame->block;
		if (row->type == MU_STRINGS) {
			struct mu_strings *strings = (struct mu_strings *)(void *)(frame->out + row->offset);
			strings->items = arena_array(frame->fill->arena, count - arg + 1, sizeof(char *));
			strings->count = count - arg;
			fill_strings(frame, row, state, frame->block->args + arg, count - arg);
			arg = count;
		} else {
			fill_word(frame, row, state, frame->block->args[arg++].text, frame->block);
		}
	}
	if (arg < count)
		mu_error_remedy(complain(frame->fill, frame->block,
					 "the argument \"%.60s\" of %s is one too many",
					 frame->block->args[arg].text, frame->what),
				arg ? "<%s> takes %zu" : "<%s> takes none", frame->block->key, arg);
}

/* Defaults, what is missing, and what is checked of a row as a whole. */
static void finish_row(struct frame *frame, const struct mu_option *row, struct row_state *state)
{
	const struct conf_node *at = state->last ? state->last : frame->block;
	void *member = frame->out + row->offset;
	struct mu_error why = { 0 };

	c_assert(row->name);
	if (state->bad)
		return;
	if (!state->last && row->flags & MU_REQUIRED) {
		char expected[200];
		row_expected(row, expected, sizeof(expected));
		mu_error_remedy(complain(frame->fill, at, "%s \"%s\" is missing in %s",
					 row->flags & MU_KEY ? "the argument" : "option", row->name,
					 frame->what),
				"expected %s", expected);
		return;
	}
	if (!state->last && row->dflt)
		c_assert(schema_word(frame->fill->arena, row, row->dflt, member, NULL) == 0);
	if (!state->last && !row->dflt)
		return;
	if (row->type == MU_STRINGS || row->type == MU_BLOCK) {
		if (row_check_member(row, member, "the value of", &why) < 0) {
			complain_error(frame->fill, at, &why);
			return;
		}
	}
	if (row->type != MU_BLOCK)
		ask_row(frame, row, member, at);
}

static void fill_rows(struct fill *fill, const struct mu_option *rows, void *out,
		      const struct conf_node *first, const struct conf_node *block, const char *what)
{
	size_t count = row_count(rows);
	struct frame frame = { .fill = fill, .rows = rows, .out = out, .block = block, .what = what };
	size_t nodes = 0, at = 0;

	c_assert(out || count == 0);
	for (const struct conf_node *node = first; node; node = node->next)
		nodes++;
	/* not in the arena: that one lives as long as the configuration */
	frame.states = mem_array(count, sizeof(*frame.states));
	size_t *places = mem_array(nodes, sizeof(*places));
	for (const struct conf_node *node = first; node; node = node->next)
		places[at++] = place(&frame, node);
	make_arrays(&frame);
	fill_keys(&frame);
	at = 0;
	for (const struct conf_node *node = first; node; node = node->next, at++)
		if (places[at] != SIZE_MAX)
			fill_node(&frame, places[at], node);
	for (size_t i = 0; i < count; i++) {
		finish_row(&frame, &rows[i], &frame.states[i]);
		map_fini(&frame.states[i].keys);
	}
	free(places);
	free(frame.states);
}

int schema_fill(struct arena *arena, const struct mu_option *rows, void *out, const struct conf_node *first,
		const struct conf_node *block, const char *what, struct conf_report *report)
{
	static const struct mu_option none[] = { MU_OPT_END };
	struct fill fill = { .arena = arena, .report = report };

	c_assert(arena && report);
	c_assert(what);
	fill_rows(&fill, rows ? rows : none, out, first, block, what);
	return fill.errors ? -EINVAL : 0;
}
