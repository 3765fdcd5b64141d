/* print: answers as text: tables, one thing, a line of a stream. Into a str: who prints it is main's
 * business. */
#ifndef MUSTERCTL_PRINT_H
#define MUSTERCTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct print {
	struct str out;
	bool colour;
	size_t width; /* of the terminal; 0 = lines may be as long as they are */
	const json_t *kind; /* as described; NULL: nothing is known of the objects */
};

/* The kind's default columns, the id first. */
void print_table(struct print *print, const json_t *items);
/* Objects of which nothing is known: the columns are the members of the first. */
void print_rows(struct print *print, const json_t *items);
/* Label and value, a line each. */
void print_object(struct print *print, const json_t *object);
/* The newest sample of a series, a data source a line: "shortterm=0.25", the rate where there is one. */
void print_sample(struct print *print, const json_t *series);
/* Of any command: a message, sentences of a dry run, a job, else as it is. */
void print_result(struct print *print, const json_t *result, bool dry_run);
/* One line. */
void print_part(struct print *print, const json_t *part);
/* An object of a list, as JSON, a line: kind and id first. */
void print_json_object(struct print *print, const json_t *object);
void print_json(struct print *print, const json_t *json);

#endif
