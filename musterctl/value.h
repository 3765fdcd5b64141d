/* value: one attribute's value as a person reads it. Pure but for the time zone. */
#ifndef MUSTERCTL_VALUE_H
#define MUSTERCTL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* `attr` as described (may be NULL): "type" and "unit" say what a number means. */
void value_text(struct str *out, const json_t *attr, const json_t *value);
bool value_is_number(const json_t *attr); /* set flush right */
/* "3 d 4 h", "250 ms"; two units at most. */
void value_duration(struct str *out, double seconds);
/* "2026-11-26 12:04:31", local. */
void value_time(struct str *out, double seconds);
/* "1.5 MiB" */
void value_bytes(struct str *out, double bytes);

/* Text that comes from anywhere: what a terminal would obey becomes '?', a line end a blank. */
void text_safe(struct str *out, const char *text);
/* Columns that a text takes on a terminal. */
size_t text_width(const char *text);
/* The longest beginning that takes at most `width` columns, in bytes. */
size_t text_fit(const char *text, size_t width);

#define NO_VALUE "\xe2\x80\x93" /* – */

#endif
