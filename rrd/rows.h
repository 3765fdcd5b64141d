/* rows: what waits to go into one file: a row a second, oldest first, folded as it comes, for RRD time is
 * whole seconds. */
#ifndef RRD_ROWS_H
#define RRD_ROWS_H

#include <muster/value.h>

/* Zeroed = empty. */
struct rows {
	uint64_t *words;  /* rows of 1 + sources words: the second, then the values' bits */
	uint32_t *folded; /* gauges in each mean of the newest row; NULL while nothing was folded */
	uint32_t count, room;
	uint32_t sources; /* of a row; 0 while empty */
	bool folding;     /* `folded` speaks of the newest row */
};
void rows_fini(struct rows *rows);

enum { ROWS_FOLDED = 1, ROWS_PAST = 2 };
/* 0 = a new row; ROWS_FOLDED = into the newest row: the mean of gauges, the sum of absolutes, the last of
 * counters and derives; ROWS_PAST = older than the newest row, left out; -ENOMEM. As many values as the
 * type has sources, and the same type for all of a file. `second` > 0. */
int rows_add(struct rows *rows, int64_t second, const struct mu_type *type, const union mu_value *values);

int64_t rows_second(const struct rows *rows, uint32_t row);
union mu_value rows_value(const struct rows *rows, uint32_t row, uint32_t source);
/* Of an empty one: 0. */
int64_t rows_first(const struct rows *rows);
int64_t rows_last(const struct rows *rows);
/* What it costs to hold them. */
size_t rows_bytes(const struct rows *rows);

/* The oldest go, and their memory. */
void rows_drop(struct rows *rows, uint32_t count);
/* All rows but those of `keep_from` and later move from `from` to the empty `to`. */
void rows_take(struct rows *from, struct rows *to, int64_t keep_from);
/* Puts `older`, which was taken before, in front again; `older` is empty then. -ENOMEM, and nothing has
 * changed. */
int rows_put_back(struct rows *rows, struct rows *older);

/* One row as rrdupdate(1) takes it: "1700000000:12:U". Returns its length; text may be cut at `size` like
 * snprintf(3). */
size_t rows_text(char *text, size_t size, const struct rows *rows, uint32_t row, const struct mu_type *type);
#define ROWS_TEXT(sources) (24 + (size_t)(sources)*26) /* room for any row, with its NUL */

#endif
