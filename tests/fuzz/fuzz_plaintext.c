/* fuzz_plaintext: a line of the socket, cut into words, and each word into all that it could be. */
#include "base/check.h"
#include "base/mem.h"
#include "base/plaintext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_word(const char *word)
{
	char *copy = mem_strdup(word), *key, *value, *values;
	struct plaintext_ident id;
	double time;
	bool now;

	if (plaintext_ident(copy, NULL, &id) == 0)
		c_assert(strlen(id.host) < 128 && strlen(id.type_instance) < 128 && id.plugin[0] && id.type[0]);
	else
		c_assert(strcmp(copy, word) == 0);
	free(copy);
	copy = mem_strdup(word);
	if (plaintext_ident(copy, "host", &id) == 0)
		c_assert(!strchr(id.plugin, '-') && !strchr(id.type, '-') && !strchr(id.plugin_instance, '/'));
	free(copy);
	copy = mem_strdup(word);
	if (plaintext_time(copy, &time, &now, &values) == 0) {
		size_t count = 0;
		c_assert(time >= 0);
		while (plaintext_value(&values))
			count++;
		c_assert(count >= 1);
	}
	free(copy);
	copy = mem_strdup(word);
	if (plaintext_option(copy, &key, &value))
		c_assert(key[0] && strlen(key) + 1 + strlen(value) == strlen(word));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = mem_alloc(size + 1), *p = line, *word;
	bool bad;

	if (size)
		memcpy(line, data, size);
	while ((word = plaintext_word(&p, &bad)))
		try_word(word);
	c_assert(bad || *p == '\0');
	free(line);
	return 0;
}
