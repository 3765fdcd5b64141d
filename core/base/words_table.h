/* words_table: what the described tables say, by name; shared by words and words_complete. All is borrowed
 * from the JSON of describe; one of another shape may give nonsense, but crashes nothing. */
#ifndef BASE_WORDS_TABLE_H
#define BASE_WORDS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct words_problem;

#define WORDS_NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* By name, plural or alias, without regard to case; NULL. */
const json_t *words_kind(const json_t *described, const char *word);
const json_t *words_command(const json_t *kind, const char *verb); /* NULL */
const json_t *words_row(const json_t *rows, const char *name);     /* of args or attrs; NULL */
/* An argument of a command; for "list" also those that it always has. */
const json_t *words_arg(const json_t *command, const char *name);
bool words_flag(const json_t *object, const char *name);
bool words_takes_id(const json_t *command);
bool words_is(const json_t *object, const char *name); /* its "name" */
const char *words_name(const json_t *object);          /* never NULL */

/* The words without the options among them. */
struct words_line {
	const char **words;
	size_t count, literal; /* from `literal` on, behind "--", no word is key=value */
	const char **matches;
	size_t match_count;
	bool dry_run;
	const char *key, *deadline;
};
int words_line_read(struct arena *arena, const char *const *words, size_t count, struct words_line *out,
                    struct words_problem *problem);
/* Does the last of `words` stand where an option's value is due? The option's name, or NULL. */
const char *words_open_option(const char *const *words, size_t count);

/* KIND VERB at the start of a line: VERB alone is one of "daemon", KIND alone its list. */
struct words_target {
	const json_t *kind, *command;
	size_t next; /* where the rest begins */
};
int words_target(const json_t *described, const char *const *words, size_t count, struct words_target *out,
                 struct words_problem *problem);

/* "cpu>=5" cut into attribute, operator and value; false when it is none. */
struct words_condition {
	char attr[64];
	const char *op, *value; /* op: = != < <= > >= ~ */
};
bool words_condition(const char *word, struct words_condition *out);

/* A word as the JSON that a row of this type wants. New reference; NULL + problem. */
json_t *words_value(const json_t *row, const char *word, struct words_problem *problem);
/* The same to compare an attribute with: durations as seconds, sizes as bytes. */
json_t *words_attr_value(const json_t *kind, const struct words_condition *condition,
                         struct words_problem *problem);
bool words_seconds(const char *word, double *seconds); /* a duration */

__attribute__((format(printf, 2, 3))) int words_fail(struct words_problem *problem, const char *what, ...);
__attribute__((format(printf, 2, 3))) void words_remedy(struct words_problem *problem, const char *how, ...);
/* The remedy "did you mean …?" when `best` is there. Whether it was. */
bool words_suggest(struct words_problem *problem, const char *best);

#endif
