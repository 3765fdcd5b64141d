/* conf_parse: a configuration's text to a tree. Pure; including files is the business of conf. */
#ifndef BASE_CONF_PARSE_H
#define BASE_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct str;

struct conf_arg {
	const char *text;
	bool quoted;
};

struct conf_node {
	const char *key;
	struct conf_arg *args;
	size_t arg_count;
	bool block;
	struct conf_node *children, *last; /* of a block, in order */
	struct conf_node *next;
	const char *file; /* as given to conf_parse; shared */
	int line;
};

struct conf_problem {
	int line;
	char what[200];   /* "closing </Plugin> does not match <LoadPlugin> of line 4" */
	char remedy[200]; /* what was expected, or "" */
};

/* The statements of one file as a list (*first), all in the arena. 0; -EINVAL + problem. Bounds: 64 levels,
 * 1,000,000 nodes, 4,096 arguments a line, 1 MiB a word: beyond is -E2BIG with a sentence. */
int conf_parse(struct arena *arena, const char *file, const char *text, size_t length,
               struct conf_node **first, struct conf_problem *problem);
/* Canonical text of a node and all below, without file and line: equal text = same meaning. */
void conf_node_write(struct str *out, const struct conf_node *node, int depth);

#endif
