/* fuzz_route: a pattern, a line end, a path: what is a pattern must match within the path and terminate. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_match(const char *pattern, const char *path)
{
	struct route_param params[ROUTE_PARAMS_MAX];
	size_t count;

	if (!route_match(pattern, path, params, &count))
		return;
	c_assert(path[0] == '/');
	c_assert(count <= ROUTE_PARAMS_MAX);
	for (size_t i = 0; i < count; i++) {
		c_assert(params[i].name > pattern &&
		      params[i].name + params[i].name_length < pattern + strlen(pattern));
		c_assert(params[i].value > path &&
		      params[i].value + params[i].value_length <= path + strlen(path));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *path = strchr(text, '\n');
	if (path)
		*path++ = '\0';
	else
		path = text;
	if (route_check_pattern(text, NULL) == 0) {
		/* a pattern takes itself when it has no parameters, and always its own shape */
		struct route_param params[ROUTE_PARAMS_MAX];
		size_t count;
		c_assert(strchr(text, '{') || route_match(text, text, params, &count));
		c_assert(route_same_shape(text, text));
		try_match(text, path);
	}
	free(text);
	return 0;
}
