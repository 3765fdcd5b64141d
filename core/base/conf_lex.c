/* conf_lex: the words of a configuration file, in collectd's syntax.
 *
 * One token a call, by looking at its first byte. The lexer does not know what is a key and what an
 * argument: a bare word takes every byte that a number, an address, a path or a duration needs, and the
 * parser is the one to say that a key may not have them.
 * A quoted text ends in its own line, or says by '\' that it goes on; so a forgotten quote is found
 * where it was forgotten, and not at the next quote some pages on. */
#include "base/conf_lex.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

#include <string.h>

void conf_lex_init(struct conf_lex *lex, struct arena *arena, const char *text, size_t length)
{
	c_assert(lex && arena);
	c_assert(text || length == 0);
	*lex = (struct conf_lex){ .line = 1, .next_line = 1, .arena = arena };
	lex->at = text ? text : "";
	lex->end = lex->at + length;
}

static bool is_word_byte(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte && strchr("_.:/+-%*?,@[]", byte));
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Length of a line end at p, 0 when there is none. */
static size_t eol_length(const struct conf_lex *lex, const char *p)
{
	if (p < lex->end && *p == '\n')
		return 1;
	return lex->end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static enum conf_token conf_lex_bad_byte(struct conf_lex *lex)
{
	char byte = *lex->at;

	if (byte == '\\')
		text_copy(lex->error, sizeof(lex->error), "a \"\\\" outside quotes may only end a line");
	else if (byte > ' ' && byte < 0x7f)
		text_printf(lex->error, sizeof(lex->error),
			    "the byte \"%c\" cannot stand outside double quotes", byte);
	else
		text_printf(lex->error, sizeof(lex->error),
			    "the byte 0x%02x cannot stand outside double quotes", (unsigned char)byte);
	return CONF_BAD; /* and again at the next call: `at` stays */
}

static enum conf_token conf_lex_word(struct conf_lex *lex)
{
	const char *start = lex->at;

	while (lex->at < lex->end && is_word_byte(*lex->at))
		lex->at++;
	lex->length = (size_t)(lex->at - start);
	c_assert(lex->length > 0);
	lex->text = arena_strndup(lex->arena, start, lex->length);
	return CONF_WORD;
}

/* The closing quote, or NULL where the line or the text ends before it. */
static const char *find_quote(const struct conf_lex *lex, const char *p)
{
	for (; p < lex->end; p++) {
		if (*p == '"')
			return p;
		if (*p == '\n')
			return NULL;
		if (*p != '\\')
			continue;
		size_t eol = eol_length(lex, p + 1);
		p += eol ? eol : 1;
	}
	return NULL;
}

static enum conf_token conf_lex_quoted(struct conf_lex *lex)
{
	const char *p = lex->at + 1, *close = find_quote(lex, p);

	if (!close) {
		text_printf(lex->error, sizeof(lex->error),
			    "the quote that begins in line %d is never closed", lex->line);
		return CONF_BAD;
	}
	if (memchr(p, '\0', (size_t)(close - p))) {
		text_printf(lex->error, sizeof(lex->error), "the quoted text of line %d holds a NUL byte",
			    lex->line);
		return CONF_BAD;
	}
	char *text = arena_alloc(lex->arena, (size_t)(close - p) + 1);
	lex->text = text;
	while (p < close) {
		if (*p != '\\') {
			*text++ = *p++;
			continue;
		}
		size_t eol = eol_length(lex, ++p);
		if (eol == 0) {
			*text++ = *p++;
			continue;
		}
		p += eol;
		lex->next_line++;
		while (*p == ' ' || *p == '\t')
			p++;
	}
	c_assert(p == close);
	lex->length = (size_t)(text - lex->text);
	lex->at = close + 1;
	return CONF_QUOTED;
}

/* Blanks, comments and continued line ends. */
static void conf_lex_skip(struct conf_lex *lex)
{
	while (lex->at < lex->end) {
		size_t eol = *lex->at == '\\' ? eol_length(lex, lex->at + 1) : 0;
		if (eol) {
			lex->at += 1 + eol;
			lex->next_line++;
		} else if (*lex->at == '#') {
			const char *line_end = memchr(lex->at, '\n', (size_t)(lex->end - lex->at));
			lex->at = line_end ? line_end : lex->end;
		} else if (is_blank(*lex->at)) {
			lex->at++;
		} else {
			break;
		}
	}
}

enum conf_token conf_lex_next(struct conf_lex *lex)
{
	c_assert(lex && lex->arena);
	c_assert(lex->at <= lex->end);
	lex->text = NULL;
	lex->length = 0;
	conf_lex_skip(lex);
	lex->line = lex->next_line;
	if (lex->at == lex->end)
		return CONF_END;
	switch (*lex->at) {
	case '\n':
		lex->at++;
		lex->next_line++;
		return CONF_EOL;
	case '<':
		lex->at++;
		if (lex->at < lex->end && *lex->at == '/') {
			lex->at++;
			return CONF_CLOSE;
		}
		return CONF_OPEN;
	case '>':
		lex->at++;
		return CONF_GT;
	case '"':
		return conf_lex_quoted(lex);
	default:
		return is_word_byte(*lex->at) ? conf_lex_word(lex) : conf_lex_bad_byte(lex);
	}
}
