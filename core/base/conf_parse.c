/* conf_parse: a configuration's text to a tree.
 *
 *   file      = { [ option | block ] EOL }
 *   option    = key argument { argument }
 *   block     = "<" key { argument } ">" EOL { [ option | block ] EOL } "</" key ">"
 *
 * The open blocks are a stack of known height, so that no text can make the parser recurse. The first
 * error ends it: what follows a broken line would only be guessed at.
 * Source: collectd.conf(5). */
#include "base/conf_parse.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/conf_lex.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 64, NODES = 1000000, ARGS = 4096, WORD = 1 << 20, SHOWN = 40 };

struct conf_parser {
	struct conf_lex lex;
	enum conf_token token;
	struct conf_problem *problem;
	const char *file;
	struct conf_node *open[LEVELS]; /* blocks, the innermost last */
	size_t depth, nodes;
	struct conf_node *first, *last; /* outside of any block */
	struct conf_arg *args;          /* of the line at hand */
	size_t arg_count, arg_cap;
};

__attribute__((format(printf, 4, 5))) static int fail(struct conf_parser *parser, int code, int line,
						      const char *what, ...)
{
	va_list args;
	struct str text = { 0 };

	va_start(args, what);
	str_vprintf(&text, what, args);
	va_end(args);
	parser->problem->line = line;
	text_copy(parser->problem->what, sizeof(parser->problem->what), str_text(&text));
	str_fini(&text);
	c_assert(code < 0);
	return code;
}

__attribute__((format(printf, 2, 3))) static void remedy(struct conf_parser *parser, const char *how, ...)
{
	va_list args;
	struct str text = { 0 };

	va_start(args, how);
	str_vprintf(&text, how, args);
	va_end(args);
	text_copy(parser->problem->remedy, sizeof(parser->problem->remedy), str_text(&text));
	str_fini(&text);
}

/* The next token. A bad one, and a word that is too long, are errors wherever they stand. */
static int advance(struct conf_parser *parser)
{
	parser->token = conf_lex_next(&parser->lex);
	if (parser->token == CONF_BAD) {
		bool quote = *parser->lex.at == '"';
		fail(parser, -EINVAL, parser->lex.line, "%s", parser->lex.error);
		remedy(parser, "%s",
		       quote ? "add the closing \", or end the line with \\ to go on in the next"
			     : "put the word in double quotes");
		return -EINVAL;
	}
	if (parser->lex.length > WORD)
		return fail(parser, -E2BIG, parser->lex.line, "a word of %zu bytes; at most %d are allowed",
			    parser->lex.length, WORD);
	return 0;
}

/* What stands there, for a sentence. */
static const char *token_words(const struct conf_parser *parser)
{
	switch (parser->token) {
	case CONF_END:
		return "the end of the file";
	case CONF_EOL:
		return "the end of the line";
	case CONF_WORD:
		return arena_printf(parser->lex.arena, "\"%.*s\"", SHOWN, parser->lex.text);
	case CONF_QUOTED:
		return "a quoted text";
	case CONF_OPEN:
		return "\"<\"";
	case CONF_CLOSE:
		return "\"</\"";
	case CONF_GT:
		return "\">\"";
	case CONF_BAD:
		break;
	}
	return "something else";
}

static bool is_key(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
		      *p == '_'))
			return false;
	return *text != '\0';
}

/* The token is a key: the name of an option or a block. */
static int expect_key(struct conf_parser *parser, const char *of)
{
	if (parser->token == CONF_WORD && is_key(parser->lex.text))
		return 0;
	fail(parser, -EINVAL, parser->lex.line, "%s is not the name of %s", token_words(parser), of);
	remedy(parser, "a name is made of letters, digits and \"_\", without quotes");
	return -EINVAL;
}

/* The token ends the line. */
static int expect_eol(struct conf_parser *parser, const char *behind)
{
	if (parser->token == CONF_EOL || parser->token == CONF_END)
		return 0;
	fail(parser, -EINVAL, parser->lex.line, "%s stands behind %s in the same line", token_words(parser),
	     behind);
	remedy(parser, "begin a new line there");
	return -EINVAL;
}

static int take_args(struct conf_parser *parser)
{
	parser->arg_count = 0;
	while (parser->token == CONF_WORD || parser->token == CONF_QUOTED) {
		if (parser->arg_count == ARGS)
			return fail(parser, -E2BIG, parser->lex.line, "more than %d arguments in a line",
				    ARGS);
		if (parser->arg_count == parser->arg_cap) {
			parser->arg_cap = parser->arg_cap ? parser->arg_cap * 2 : 16;
			parser->args = mem_grow(parser->args, parser->arg_cap, sizeof(*parser->args));
		}
		parser->args[parser->arg_count++] =
			(struct conf_arg){ .text = parser->lex.text, .quoted = parser->token == CONF_QUOTED };
		int r = advance(parser);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_node(struct conf_parser *parser, const char *key, int line, bool block)
{
	struct conf_node *parent = parser->depth ? parser->open[parser->depth - 1] : NULL;
	struct conf_node **first = parent ? &parent->children : &parser->first;
	struct conf_node **last = parent ? &parent->last : &parser->last;

	if (parser->nodes == NODES)
		return fail(parser, -E2BIG, line, "more than %d options and blocks in one file", NODES);
	if (block && parser->depth == LEVELS) {
		fail(parser, -E2BIG, line, "blocks nested deeper than %d levels", LEVELS);
		return -E2BIG;
	}
	parser->nodes++;
	struct conf_node *node = arena_alloc(parser->lex.arena, sizeof(*node));
	node->key = key;
	node->args = arena_memdup(parser->lex.arena, parser->args, parser->arg_count * sizeof(*node->args));
	node->arg_count = parser->arg_count;
	node->block = block;
	node->file = parser->file;
	node->line = line;
	if (*last)
		(*last)->next = node;
	else
		*first = node;
	*last = node;
	if (block)
		parser->open[parser->depth++] = node;
	return 0;
}

static int parse_option(struct conf_parser *parser)
{
	const char *key = parser->lex.text;
	int line = parser->lex.line;
	int r = expect_key(parser, "an option");

	if (r == 0)
		r = advance(parser);
	if (r == 0)
		r = take_args(parser);
	if (r < 0)
		return r;
	if (parser->token == CONF_OPEN || parser->token == CONF_CLOSE || parser->token == CONF_GT) {
		fail(parser, -EINVAL, parser->lex.line, "%s cannot stand among the arguments of \"%.*s\"",
		     token_words(parser), SHOWN, key);
		remedy(parser,
		       "a block begins and ends in a line of its own; as an argument it needs double quotes");
		return -EINVAL;
	}
	if (parser->arg_count == 0) {
		fail(parser, -EINVAL, line, "the option \"%.*s\" has no argument", SHOWN, key);
		remedy(parser, "write %.*s and a value, or <%.*s> for a block", SHOWN, key, SHOWN, key);
		return -EINVAL;
	}
	return add_node(parser, key, line, false);
}

static int parse_open(struct conf_parser *parser)
{
	int line = parser->lex.line;
	int r = advance(parser);

	if (r == 0)
		r = expect_key(parser, "a block");
	if (r < 0)
		return r;
	const char *key = parser->lex.text;
	r = advance(parser);
	if (r == 0)
		r = take_args(parser);
	if (r < 0)
		return r;
	if (parser->token != CONF_GT) {
		fail(parser, -EINVAL, parser->lex.line, "expected \">\" to end <%.*s> of line %d, found %s",
		     SHOWN, key, line, token_words(parser));
		remedy(parser, "write <%.*s ...> in one line", SHOWN, key);
		return -EINVAL;
	}
	r = add_node(parser, key, line, true);
	if (r == 0)
		r = advance(parser);
	return r < 0 ? r : expect_eol(parser, "\">\"");
}

/* Does `key` close the innermost block? */
static int check_close(struct conf_parser *parser, const char *key, int line)
{
	if (parser->depth == 0) {
		fail(parser, -EINVAL, line, "</%.*s> closes a block that was never opened", SHOWN, key);
		remedy(parser, "remove it, or add <%.*s> above", SHOWN, key);
		return -EINVAL;
	}
	const struct conf_node *top = parser->open[parser->depth - 1];
	if (strcmp(top->key, key) == 0)
		return 0;
	fail(parser, -EINVAL, line, "closing </%.*s> does not match <%.*s> of line %d", SHOWN, key, SHOWN,
	     top->key, top->line);
	remedy(parser, "expected </%.*s>, in the same upper and lower case", SHOWN, top->key);
	return -EINVAL;
}

static int parse_close(struct conf_parser *parser)
{
	int line = parser->lex.line;
	int r = advance(parser);

	if (r == 0)
		r = expect_key(parser, "a block");
	if (r < 0)
		return r;
	const char *key = parser->lex.text;
	r = check_close(parser, key, line);
	if (r == 0)
		r = advance(parser);
	if (r < 0)
		return r;
	if (parser->token != CONF_GT) {
		fail(parser, -EINVAL, parser->lex.line, "expected \">\" behind </%.*s, found %s", SHOWN, key,
		     token_words(parser));
		remedy(parser, "write </%.*s>", SHOWN, key);
		return -EINVAL;
	}
	c_assert(parser->depth > 0);
	parser->depth--;
	r = advance(parser);
	return r < 0 ? r : expect_eol(parser, "\">\"");
}

static int parse_statement(struct conf_parser *parser)
{
	switch (parser->token) {
	case CONF_EOL:
		return 0;
	case CONF_OPEN:
		return parse_open(parser);
	case CONF_CLOSE:
		return parse_close(parser);
	case CONF_WORD:
	case CONF_QUOTED:
	case CONF_GT:
	case CONF_END:
	case CONF_BAD:
		break;
	}
	return parse_option(parser);
}

static int parse_file(struct conf_parser *parser)
{
	int r = advance(parser);

	while (r == 0 && parser->token != CONF_END) {
		r = parse_statement(parser);
		if (r == 0 && parser->token != CONF_END) {
			c_assert(parser->token == CONF_EOL);
			r = advance(parser);
		}
	}
	if (r < 0 || parser->depth == 0)
		return r;
	const struct conf_node *top = parser->open[parser->depth - 1];
	fail(parser, -EINVAL, top->line, "the block <%.*s> opened in line %d is never closed", SHOWN,
	     top->key, top->line);
	remedy(parser, "add </%.*s>", SHOWN, top->key);
	return -EINVAL;
}

/* A NUL byte means that this is no text at all: said once, for the whole of it. */
static int check_text(struct conf_parser *parser)
{
	const char *text = parser->lex.at, *end = parser->lex.end;
	const char *nul = memchr(text, '\0', (size_t)(end - text));
	int line = 1;

	if (!nul)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	fail(parser, -EINVAL, line, "the file holds a NUL byte in line %d", line);
	remedy(parser, "a configuration is plain text: is this the right file?");
	return -EINVAL;
}

int conf_parse(struct arena *arena, const char *file, const char *text, size_t length,
	       struct conf_node **first, struct conf_problem *problem)
{
	struct conf_parser parser = { .problem = problem };

	c_assert(arena && file);
	c_assert(first && problem);
	*problem = (struct conf_problem){ 0 };
	*first = NULL;
	parser.file = arena_strdup(arena, file);
	conf_lex_init(&parser.lex, arena, text, length);
	int r = check_text(&parser);
	if (r == 0)
		r = parse_file(&parser);
	free(parser.args);
	if (r == 0)
		*first = parser.first;
	c_assert((r < 0) == (problem->what[0] != '\0'));
	return r;
}

static void write_arg(struct str *out, const struct conf_arg *arg)
{
	str_add_byte(out, ' ');
	if (!arg->quoted) {
		str_add(out, arg->text);
		return;
	}
	str_add_byte(out, '"');
	for (const char *p = arg->text; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_add_byte(out, '\\');
		str_add_byte(out, *p);
	}
	str_add_byte(out, '"');
}

static void write_indent(struct str *out, int depth)
{
	for (int i = 0; i < depth; i++)
		str_add_byte(out, '\t');
}

void conf_node_write(struct str *out, const struct conf_node *node, int depth)
{
	c_assert(out && node);
	c_assert(depth >= 0 && depth <= LEVELS);
	write_indent(out, depth);
	if (node->block)
		str_add_byte(out, '<');
	str_add(out, node->key);
	for (size_t i = 0; i < node->arg_count; i++)
		write_arg(out, &node->args[i]);
	str_add(out, node->block ? ">\n" : "\n");
	if (!node->block)
		return;
	for (const struct conf_node *child = node->children; child; child = child->next)
		conf_node_write(out, child, depth + 1);
	write_indent(out, depth);
	str_printf(out, "</%s>\n", node->key);
}
