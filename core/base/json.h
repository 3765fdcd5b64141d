/* json: the few things that jansson leaves to its users. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

struct str;

/* One value, nothing behind it; rejects duplicate keys and more than 64 levels of nesting. NULL on error, with
 * a sentence that names line and column in `error` (256 bytes). */
json_t *json_parse(const char *text, size_t length, char error[256]);
/* Appends compact text, keys in the order they were put. NaN and infinities cannot be in a json_t. */
void json_write(struct str *out, const json_t *json);
char *json_text(const json_t *json, size_t *length); /* the caller frees */
json_t *json_number(double value); /* a NaN or infinity becomes null */
/* The member as text, or NULL when it is absent or no string; the other getters alike with `other`. */
const char *json_get_text(const json_t *object, const char *key);
int64_t json_get_int(const json_t *object, const char *key, int64_t other);
/* "set if not NULL" */
void json_set_text(json_t *object, const char *key, const char *text);

#endif
