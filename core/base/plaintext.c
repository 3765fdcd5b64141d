/* plaintext: collectd's one-line text protocol, cut up in place.
 *
 * Source: collectd-unixsock(5) and collectd-exec(5). Two habits of collectd that its users' scripts may
 * lean on are kept: quotes may open in the middle of a word (message="two words"), and empty fields
 * between colons count for nothing, so that "N::5" is "N:5". */
#include "base/plaintext.h"
#include "base/check.h"
#include "base/slurp.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { PART_LONGEST = 127 };

static bool is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

char *plaintext_word(char **p, bool *bad)
{
	c_assert(p && *p);
	c_assert(bad);
	char *from = *p, *word, *to;
	bool quoted = false;

	*bad = false;
	while (is_blank(*from))
		from++;
	if (!*from) {
		*p = from;
		return NULL;
	}
	for (word = to = from; *from && (quoted || !is_blank(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (*from == '\\' && quoted && from[1])
			from++;
		*to++ = *from;
	}
	*p = *from ? from + 1 : from;
	*to = '\0';
	if (quoted) {
		*bad = true;
		return NULL;
	}
	return word;
}

/* Cuts at `at` (NULL: nowhere) and gives what is behind, or "". */
static char *cut(char *at)
{
	static char none[1];

	if (!at)
		return none;
	*at = '\0';
	return at + 1;
}

static size_t span(const char *from, const char *to)
{
	return to ? (size_t)(to - from) : strlen(from);
}

/* Is there a name, and are name and instance short enough? `dash` is where the instance begins, or NULL. */
static int check_part(const char *part, const char *dash, const char *end)
{
	size_t name = dash ? (size_t)(dash - part) : span(part, end);
	size_t instance = dash ? span(dash + 1, end) : 0;

	if (name == 0)
		return -EINVAL;
	return name > PART_LONGEST || instance > PART_LONGEST ? -ENAMETOOLONG : 0;
}

int plaintext_ident(char *text, const char *dflt_host, struct plaintext_ident *out)
{
	c_assert(text && out);
	char *slash = strchr(text, '/');
	if (!slash)
		return -EINVAL;
	char *slash2 = strchr(slash + 1, '/');
	if (!slash2 && !dflt_host)
		return -EINVAL;
	char *plugin = slash2 ? slash + 1 : text, *plugin_end = slash2 ? slash2 : slash,
	     *type = plugin_end + 1;
	char *plugin_dash = memchr(plugin, '-', (size_t)(plugin_end - plugin)),
	     *type_dash = strchr(type, '-');

	/* all is checked before anything is cut, so that an error can still name the text */
	int r = slash2 ? check_part(text, NULL, slash) : check_part(dflt_host, NULL, NULL);
	if (r == 0)
		r = check_part(plugin, plugin_dash, plugin_end);
	if (r == 0)
		r = check_part(type, type_dash, NULL);
	if (r < 0)
		return r;
	cut(plugin_end);
	if (slash2)
		cut(slash);
	*out = (struct plaintext_ident){
		.host = slash2 ? text : dflt_host,
		.plugin = plugin,
		.plugin_instance = cut(plugin_dash),
		.type = type,
		.type_instance = cut(type_dash),
	};
	return 0;
}

int plaintext_time(char *text, double *time, bool *time_is_now, char **values)
{
	c_assert(text && time);
	c_assert(time_is_now && values);
	char *rest = text, *first = plaintext_value(&rest);
	const char *p = first;
	double value = 0;

	rest += strspn(rest, ":");
	if (!first || !*rest)
		return -EINVAL;
	bool now = strcmp(first, "N") == 0;
	if (!now && (scan_double(&p, &value) < 0 || *p || !isfinite(value) || value < 0))
		return -EINVAL;
	*time = value;
	*time_is_now = now;
	*values = rest;
	return 0;
}

char *plaintext_value(char **p)
{
	c_assert(p && *p);
	char *value = *p + strspn(*p, ":");
	if (!*value) {
		*p = value;
		return NULL;
	}
	char *end = strchrnul(value, ':');
	*p = *end ? end + 1 : end;
	*end = '\0';
	return value;
}

bool plaintext_option(char *word, char **key, char **value)
{
	c_assert(word);
	c_assert(key && value);
	char *p = word;

	while ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
	       *p == '_' || *p == ':')
		p++;
	if (p == word || *p != '=')
		return false;
	*p = '\0';
	*key = word;
	*value = p + 1;
	return true;
}
