/* plaintext: collectd's one-line text protocol: words, options, PUTVAL's values. Pure.
 *
 * Source: collectd-unixsock(5) as described in field/collectd.md section 3 of the design notes. */
#ifndef BASE_PLAINTEXT_H
#define BASE_PLAINTEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The next word of a line, in place: quotes removed, '\' unescaped inside quotes only. *p moves behind it. NULL at the
 * end; *bad = true on an unfinished quote. */
char *plaintext_word(char **p, bool *bad);
/* "host/plugin[-instance]/type[-instance]" cut up in place into five (instances "" when absent). `host` may be
 * missing only when dflt_host is given. 0; -EINVAL. Each part at most 127 bytes: else -ENAMETOOLONG. */
struct plaintext_ident {
	const char *host, *plugin, *plugin_instance, *type, *type_instance;
};
int plaintext_ident(char *text, const char *dflt_host, struct plaintext_ident *out);
/* "time:value[:value…]": the time part, "N" = now gives *time_is_now; then a pointer to the first value. -EINVAL. */
int plaintext_time(char *text, double *time, bool *time_is_now, char **values);
/* The next of "v:v:v": moves *p. NULL at the end. */
char *plaintext_value(char **p);
/* "key=value" cut in place; false when it is none (key is [0-9A-Za-z_:]+). */
bool plaintext_option(char *word, char **key, char **value);

#endif
