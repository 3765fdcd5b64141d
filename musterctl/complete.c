/* complete: the words that could come next, for a shell. What cannot be found out is left out: a completion
 * that complains is worse than none. */
#include "complete.h"

#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/words.h"
#include "connection.h"
#include "value.h"

enum { IDS_MAX = 200 };
#define WAIT_NS INT64_C(2000000000)

static const char *const own_words[] = { "help",      "--json", "--socket", "--no-color",
					 "--timeout", "--help", "--version" };

static void add_line(struct str *out, const char *before, const char *word)
{
	text_safe(out, before);
	text_safe(out, word);
	str_add_byte(out, '\n');
}

/* The ids of a kind that begin with `typed`. */
static void add_ids(struct str *out, struct connection *connection, const char *kind, const char *before,
		    const char *typed)
{
	struct reply reply;
	json_t *item;
	size_t i;
	json_t *request = json_pack("{s:s, s:s, s:{s:i, s:[{s:s, s:s, s:o}]}}", "kind", kind, "verb", "list",
				    "args", "limit", IDS_MAX, "where", "attr", "id", "op", "~", "value",
				    json_sprintf("%s*", typed));

	c_assert(request);
	if (connection_call(connection, request, WAIT_NS, NULL, NULL, &reply) == 0) {
		json_array_foreach (json_object_get(reply.result, "items"), i, item) {
			const char *id = json_get_text(item, "id");
			if (id && text_starts(id, typed))
				add_line(out, before, id);
		}
		reply_fini(&reply);
	}
	json_decref(request);
}

void complete_print(struct str *out, struct connection *connection, const json_t *described,
		    const char *const *words, size_t count)
{
	const char *typed = count ? words[count - 1] : "";
	json_t *found = words_complete(described, words, count), *entry;
	size_t i;

	c_assert(out && found);
	json_array_foreach (found, i, entry) {
		const char *word = json_get_text(entry, "word"), *kind = json_get_text(entry, "kind");
		const char *before = json_get_text(entry, "before");
		if (word)
			add_line(out, "", word);
		else if (kind && connection)
			add_ids(out, connection, kind, before ? before : "",
				typed + (before ? strlen(before) : 0));
	}
	json_decref(found);
	for (i = 0; i < sizeof(own_words) / sizeof(own_words[0]); i++)
		if (typed[0] && text_starts(own_words[i], typed) && (own_words[i][0] == '-' || count <= 1))
			add_line(out, "", own_words[i]);
}
