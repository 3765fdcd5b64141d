/* conf_lex: the words of a configuration file, in collectd's syntax.
 *
 * Pure: text in, tokens out; no files. A key is [0-9A-Za-z_]+. An argument is quoted ("\x" is x; may go on
 * over a line that ends in '\', leading blanks of the next removed), bare ([0-9A-Za-z_]+ and the other bytes that
 * numbers, addresses, paths and durations need: . : / + - % * ? , @ [ ] ), a number (decimal, 0x…) or one of true yes on
 * false no off. '#' starts a comment at a word's start; '\' at the end of a line continues it.
 * Source: collectd.conf(5) as described in field/collectd.md, section 3 of the design notes. */
#ifndef BASE_CONF_LEX_H
#define BASE_CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum conf_token {
	CONF_END = 0,
	CONF_WORD,    /* bare: key, number, boolean, address; the parser and the rows tell which */
	CONF_QUOTED,
	CONF_OPEN,    /* < */
	CONF_CLOSE,   /* </ */
	CONF_GT,      /* > */
	CONF_EOL,
	CONF_BAD,     /* lex.error says what */
};

struct arena;
struct conf_lex {
	const char *at, *end;
	int line;           /* of the token just given, from 1 */
	const char *text;   /* WORD, QUOTED: in the arena, unescaped */
	size_t length;      /* text may hold no NUL: that is CONF_BAD */
	char error[200];
	struct arena *arena;
	int next_line;
};

void conf_lex_init(struct conf_lex *lex, struct arena *arena, const char *text, size_t length);
enum conf_token conf_lex_next(struct conf_lex *lex);

#endif
