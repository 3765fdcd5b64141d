/* conf_word: what the files of conf_schema share: members, bounds, and sentences about them. */
#ifndef CORE_CONF_WORD_H
#define CORE_CONF_WORD_H

#include "conf_schema.h"

/* MU_BLOCK's member, whatever the item's type is. */
struct block_items {
	void *items;
	size_t count;
};

enum { ROWS_MAX = 512, ROW_DEPTH_MAX = 8 };

size_t row_count(const struct mu_option *rows); /* NULL: 0 */
bool row_has_bounds(const struct mu_option *row);
/* -ERANGE with a sentence "Interval is 0, and must be from 1 s to 3600 s". `what` names the row's place:
 * "option", "argument". */
int row_check_bounds(const struct mu_option *row, double value, const char *what, struct mu_error *error);
/* The bounds of a member that is filled. */
int row_check_member(const struct mu_option *row, const void *member, const char *what,
		     struct mu_error *error);
/* The row's own check, if it has one: 0, or <0 with a sentence in any case. */
int row_ask(const struct mu_option *row, const void *value, struct mu_error *error);
/* What a value of that row looks like: "a duration as in 10s, 100ms or 5min". */
void row_expected(const struct mu_option *row, char *text, size_t size);
/* Says in `error` which word was meant, and lists the rows when they are few; key rows only `with_keys`. */
void row_remedy_names(const struct mu_option *rows, const char *word, const char *list_of, bool with_keys,
		      struct mu_error *error);
/* Blank-separated words, quoted where they hold blanks: the default of a MU_STRINGS row. */
int word_split(struct arena *arena, const char *text, struct mu_strings *out);

#endif
