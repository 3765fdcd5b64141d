/* words: words that a person typed → a call, against the tables the daemon describes.
 *
 * For musterctl and the console. Pure: the described tables come as JSON (`daemon.describe`), the words as an array.
 *   KIND VERB [ID …] [key=value …] [--dry-run] [--key=K] [--deadline=10s] [--match attr=value]
 * KIND may be singular, plural or an alias; VERB alone (`status`, `reload`) is one of the kind "daemon"; a kind alone
 * is its list. A value is typed by its row; what cannot be right is refused here, with the nearest word. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <jansson.h>
#include <stddef.h>

struct words_problem {
	char what[256], remedy[256];
};

/* A request as ctl takes it: {"kind","verb","ids":[…],"args":{…},"match":{…},"dry_run":…}. NULL + problem. */
json_t *words_to_request(const json_t *described, const char *const *words, size_t count, struct words_problem *problem);
/* Completions of the last word, an array of {"word","help"}; kinds of ids as {"kind": name} for the caller to look up. */
json_t *words_complete(const json_t *described, const char *const *words, size_t count);
/* Splits a line as a shell would: blanks, "…", '…', \. At most 256 words. NULL + problem. */
char **words_split(const char *line, size_t *count, struct words_problem *problem);
void words_free(char ***words);

#endif
