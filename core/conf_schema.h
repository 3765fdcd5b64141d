/* conf_schema: words + rows → a typed struct. The same for configuration files and for arguments of calls. */
#ifndef CORE_CONF_SCHEMA_H
#define CORE_CONF_SCHEMA_H

#include <jansson.h>
#include <muster/option.h>

#include "base/arena.h"
#include "base/conf_parse.h"

/* The problems of a configuration: all of them, not only the first. */
struct conf_report {
	struct mu_error errors[32];
	size_t error_count; /* may be above 32: only the first are kept */
	size_t refused;     /* of these, how many are plugins whose file was refused: the rest may run without them */
	struct mu_error warnings[32];
	size_t warning_count;
};
struct mu_error *conf_report_error(struct conf_report *report); /* a place to fill; never NULL */
struct mu_error *conf_report_warning(struct conf_report *report);

/* Fills `out` (zeroed, size of the rows' struct) from the statements and, for MU_KEY rows, from `block`'s arguments
 * (NULL: none). Goes on behind an error, so that one run names them all. `what` names the block in sentences: "plugin cpu".
 * Returns 0 or -EINVAL. */
int schema_fill(struct arena *arena, const struct mu_option *rows, void *out, const struct conf_node *first,
                const struct conf_node *block, const char *what, struct conf_report *report);
/* The same from a JSON object; unknown and mistyped members are errors. */
int schema_fill_json(struct arena *arena, const struct mu_option *rows, void *out, const json_t *args,
                     struct mu_error *error);
/* Are the rows themselves sane: known types, unique names, defaults that parse, bounds in order? For the loader. */
int schema_check_rows(const struct mu_option *rows, struct mu_error *error);
/* [{"name","type","required","secret","key","default","min","max","unit","help","choices","kind","options":[…]}] */
json_t *schema_describe(const struct mu_option *rows);
const char *schema_type_name(uint32_t type);
/* One word by its row's type into `out` (the member). Pure. */
int schema_word(struct arena *arena, const struct mu_option *row, const char *word, void *out, struct mu_error *error);
/* "100ms" "10" "1.5h" → ns; "64K" → bytes. Pure. -EINVAL, -ERANGE. */
int schema_duration(const char *word, int64_t *ns);
int schema_size(const char *word, uint64_t *bytes);

#endif
