/* words_split: a line of text into words, as a shell would.
 *
 * Blanks part words; "…" keeps blanks and knows \" and \\; '…' keeps everything; \ takes the next byte
 * as it is. Nothing is expanded. */
#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/words.h"
#include "base/words_table.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 256 };

static bool is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* One word from *p on, quotes removed. NULL when a quote has no end. */
static char *split_word(const char **p)
{
	struct str word = { 0 };
	const char *at = *p;
	char quote = '\0';

	for (; *at && (quote || !is_blank(*at)); at++) {
		bool escapes = *at == '\\' && at[1] &&
			       (quote == '\0' || (quote == '"' && (at[1] == '"' || at[1] == '\\')));
		if (escapes)
			str_add_byte(&word, *++at);
		else if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		else
			str_add_byte(&word, *at);
	}
	*p = at;
	if (!quote)
		return str_take(&word);
	str_fini(&word);
	return NULL;
}

char **words_split(const char *line, size_t *count, struct words_problem *problem)
{
	c_assert(line && count);
	c_assert(problem);
	char **words = mem_array(WORDS + 1, sizeof(*words));

	*problem = (struct words_problem){ 0 };
	*count = 0;
	for (const char *p = line;;) {
		while (is_blank(*p))
			p++;
		if (!*p)
			return words;
		if (*count == WORDS) {
			words_fail(problem, "more than %d words in a line", WORDS);
			break;
		}
		words[*count] = split_word(&p);
		if (!words[*count]) {
			words_fail(problem, "a quote is never closed");
			words_remedy(problem, "add the closing \" or '");
			break;
		}
		++*count;
	}
	words_free(&words);
	*count = 0;
	return NULL;
}

void words_free(char ***words)
{
	c_assert(words);
	if (!*words)
		return;
	for (size_t i = 0; (*words)[i]; i++)
		free((*words)[i]);
	free(*words);
	*words = NULL;
}
