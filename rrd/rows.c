/* rows: one block of 64-bit words a file, grown by half and given back when rows leave: twenty thousand
 * files wait at a time, so nothing here may cost more than the values themselves. */
#include "rows.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t width(const struct rows *rows)
{
	return (size_t)rows->sources + 1;
}

static uint64_t *row_at(const struct rows *rows, uint32_t row)
{
	assert(row < rows->count);
	return rows->words + (size_t)row * width(rows);
}

static union mu_value value_of(uint64_t word)
{
	union mu_value value;

	_Static_assert(sizeof(value) == sizeof(word), "a value is 64 bits");
	memcpy(&value, &word, sizeof(value));
	return value;
}

static uint64_t word_of(union mu_value value)
{
	uint64_t word;

	memcpy(&word, &value, sizeof(word));
	return word;
}

void rows_fini(struct rows *rows)
{
	assert(rows);
	free(rows->words);
	free(rows->folded);
	*rows = (struct rows){ .count = 0 };
}

/* Room for `room` rows, no fewer than there are. */
static int set_room(struct rows *rows, uint32_t room)
{
	assert(room >= rows->count && rows->sources > 0);
	if (room == 0) {
		free(rows->words);
		rows->words = NULL;
		rows->room = 0;
		return 0;
	}
	uint64_t *words = realloc(rows->words, (size_t)room * width(rows) * sizeof(*words));
	if (!words)
		return -ENOMEM;
	rows->words = words;
	rows->room = room;
	return 0;
}

/* Into the newest row. */
static int fold(struct rows *rows, const struct mu_type *type, const union mu_value *values)
{
	uint64_t *row = row_at(rows, rows->count - 1);

	if (!rows->folded)
		rows->folded = calloc(rows->sources, sizeof(*rows->folded));
	if (!rows->folded)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows->sources; i++) {
		union mu_value held = value_of(row[1 + i]);

		if (!rows->folding)
			rows->folded[i] = isnan(held.gauge) ? 0u : 1u;
		switch (type->sources[i].type) {
		case MU_GAUGE:
			if (isnan(values[i].gauge))
				break;
			rows->folded[i]++;
			if (rows->folded[i] == 1)
				held = values[i];
			else
				held.gauge += (values[i].gauge - held.gauge) / rows->folded[i];
			break;
		case MU_ABSOLUTE:
			held.absolute += values[i].absolute;
			break;
		case MU_COUNTER:
		case MU_DERIVE:
			held = values[i];
			break;
		}
		row[1 + i] = word_of(held);
	}
	rows->folding = true;
	return ROWS_FOLDED;
}

int rows_add(struct rows *rows, int64_t second, const struct mu_type *type, const union mu_value *values)
{
	assert(rows && type && values);
	assert(second > 0 && type->count > 0);
	assert(rows->count == 0 || rows->sources == type->count);
	if (rows->count > 0 && second < rows_last(rows))
		return ROWS_PAST;
	if (rows->count > 0 && second == rows_last(rows))
		return fold(rows, type, values);
	if (rows->count == UINT32_MAX / 2)
		return -ENOMEM;
	if (rows->count == 0 && rows->sources != type->count)
		rows_fini(rows);
	rows->sources = (uint32_t)type->count;
	if (rows->count == rows->room) {
		int r = set_room(rows, rows->room < 4 ? rows->room + 1 : rows->room + rows->room / 2);
		if (r < 0)
			return r;
	}
	rows->count++;
	rows->folding = false;
	uint64_t *row = row_at(rows, rows->count - 1);
	row[0] = (uint64_t)second;
	for (uint32_t i = 0; i < rows->sources; i++)
		row[1 + i] = word_of(values[i]);
	return 0;
}

int64_t rows_second(const struct rows *rows, uint32_t row)
{
	assert(rows);
	return (int64_t)row_at(rows, row)[0];
}

union mu_value rows_value(const struct rows *rows, uint32_t row, uint32_t source)
{
	assert(rows && source < rows->sources);
	return value_of(row_at(rows, row)[1 + source]);
}

int64_t rows_first(const struct rows *rows)
{
	return rows->count > 0 ? rows_second(rows, 0) : 0;
}

int64_t rows_last(const struct rows *rows)
{
	return rows->count > 0 ? rows_second(rows, rows->count - 1) : 0;
}

size_t rows_bytes(const struct rows *rows)
{
	assert(rows);
	return (size_t)rows->room * width(rows) * sizeof(uint64_t) +
	       (rows->folded ? rows->sources * sizeof(*rows->folded) : 0);
}

void rows_drop(struct rows *rows, uint32_t count)
{
	assert(rows && count <= rows->count);
	if (count == 0)
		return;
	rows->count -= count;
	memmove(rows->words, rows->words + count * width(rows), rows->count * width(rows) * sizeof(uint64_t));
	/* A smaller block cannot fail in earnest; if it does, the larger one stays. */
	(void)set_room(rows, rows->count);
	if (rows->count == 0)
		rows_fini(rows);
}

void rows_take(struct rows *from, struct rows *to, int64_t keep_from)
{
	assert(from && to && from != to);
	assert(to->count == 0);
	uint32_t count = from->count;

	while (count > 0 && rows_second(from, count - 1) >= keep_from)
		count--;
	rows_fini(to);
	if (count == 0)
		return;
	if (count == from->count) {
		*to = *from;
		*from = (struct rows){ .count = 0 };
		return;
	}
	/* Few rows stay, one as a rule: they are copied, and the block goes with the many. */
	struct rows kept = { .sources = from->sources };
	if (set_room(&kept, from->count - count) < 0)
		return;
	kept.count = from->count - count;
	memcpy(kept.words, from->words + count * width(from), kept.count * width(from) * sizeof(uint64_t));
	kept.folded = from->folded;
	kept.folding = from->folding;
	*to = *from;
	to->count = count;
	to->folded = NULL;
	to->folding = false;
	*from = kept;
}

int rows_put_back(struct rows *rows, struct rows *older)
{
	assert(rows && older && rows != older);
	if (rows->count == 0) {
		rows_fini(rows);
		*rows = *older;
		*older = (struct rows){ .count = 0 };
		return 0;
	}
	assert(older->count == 0 || older->sources == rows->sources);
	assert(older->count == 0 || rows_last(older) < rows_first(rows));
	if (older->count > 0 && older->room < older->count + rows->count) {
		int r = set_room(older, older->count + rows->count);
		if (r < 0)
			return r;
	}
	if (older->count > 0) {
		memcpy(older->words + older->count * width(older), rows->words,
		       rows->count * width(rows) * sizeof(uint64_t));
		free(rows->words);
		rows->words = older->words;
		rows->room = older->room;
		rows->count += older->count;
		older->words = NULL;
	}
	rows_fini(older);
	return 0;
}

size_t rows_text(char *text, size_t size, const struct rows *rows, uint32_t row, const struct mu_type *type)
{
	const uint64_t *words = row_at(rows, row);
	size_t length = 0;

	assert(text && size > 0);
	assert(type && type->count == rows->sources);
	/* rrdupdate takes a counter and a derive as whole numbers only. */
	for (uint32_t i = 0; i <= rows->sources; i++) {
		union mu_value value = value_of(words[i]);
		char *at = length < size ? text + length : NULL;
		size_t room = length < size ? size - length : 0;
		int n;

		if (i == 0)
			n = snprintf(at, room, "%" PRIu64, words[0]);
		else if (type->sources[i - 1].type == MU_GAUGE && !isfinite(value.gauge))
			n = snprintf(at, room, ":U");
		else if (type->sources[i - 1].type == MU_GAUGE)
			n = snprintf(at, room, ":%.15g", value.gauge);
		else if (type->sources[i - 1].type == MU_DERIVE)
			n = snprintf(at, room, ":%" PRId64, value.derive);
		else
			n = snprintf(at, room, ":%" PRIu64, value.counter);
		assert(n > 0);
		length += (size_t)n;
	}
	return length;
}
