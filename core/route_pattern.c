/* route_pattern: "/task/{id}/log": the grammar of routes, and whether a path fits. Pure. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "route.h"

enum { PATTERN_MAX = 255 };

static const char literal_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-";
static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

struct segment {
	const char *text; /* behind its slash; of a parameter, behind the brace */
	size_t length;
	bool param, rest;
	const char *next; /* "/…" or "" */
};

/* `at` stands on a slash. False when what follows is no segment of a pattern. */
static bool segment_read(const char *at, struct segment *out)
{
	c_assert(*at == '/');
	*out = (struct segment){ .text = at + 1 };
	if (at[1] != '{') {
		out->length = strspn(out->text, literal_bytes);
		out->next = out->text + out->length;
	} else {
		out->param = true;
		out->text++;
		out->length = strspn(out->text, name_bytes);
		const char *end = out->text + out->length;
		out->rest = *end == '*';
		end += out->rest;
		if (*end != '}' || (out->text[0] >= '0' && out->text[0] <= '9'))
			return false;
		out->next = end + 1;
	}
	return out->length > 0 && (*out->next == '/' || *out->next == '\0');
}

static bool same_name(const struct segment *a, const struct segment *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool is_dots(const struct segment *s)
{
	return !s->param && s->length <= 2 && strspn(s->text, ".") >= s->length;
}

/* NULL, or what is wrong with it. */
static const char *find_fault(const char *pattern)
{
	struct segment seen[ROUTE_PARAMS_MAX], segment;
	size_t count = 0;

	if (strcmp(pattern, "/") == 0)
		return NULL;
	if (pattern[0] != '/' || strnlen(pattern, PATTERN_MAX + 1) > PATTERN_MAX)
		return "it begins with a slash and has at most 255 bytes";
	for (const char *at = pattern; *at; at = segment.next) {
		if (!segment_read(at, &segment) || is_dots(&segment))
			return "a segment is letters, digits and . _ ~ -, or {name}";
		if (segment.rest && *segment.next)
			return "{name*} takes all that remains, so it stands last";
		if (!segment.param)
			continue;
		if (count == ROUTE_PARAMS_MAX)
			return "it has more than 8 parameters";
		for (size_t i = 0; i < count; i++)
			if (same_name(&seen[i], &segment))
				return "two of its parameters have one name";
		seen[count++] = segment;
	}
	return NULL;
}

int route_check_pattern(const char *pattern, struct mu_error *error)
{
	const char *fault = pattern ? find_fault(pattern) : "it is not there";

	if (!fault)
		return 0;
	return mu_error(error, -EINVAL, "\"%.100s\" is no path for a route: %s", pattern ? pattern : "",
			fault);
}

/* A path that climbs is for nobody. */
static bool path_climbs(const char *path)
{
	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		size_t length = strcspn(at + 1, "/");
		if ((length == 1 || length == 2) && strspn(at + 1, ".") >= length)
			return true;
	}
	return false;
}

static void take_param(struct route_param params[8], size_t *count, const struct segment *segment,
		       const char *value, size_t length)
{
	c_assert(*count < ROUTE_PARAMS_MAX);
	params[(*count)++] = (struct route_param){ segment->text, value, segment->length, length };
}

bool route_match(const char *pattern, const char *path, struct route_param params[8], size_t *count)
{
	struct segment segment;

	c_assert(pattern && path && params && count);
	*count = 0;
	if (path[0] != '/' || path_climbs(path))
		return false;
	if (strcmp(pattern, "/") == 0)
		return path[1] == '\0';
	for (; *pattern; pattern = segment.next) {
		if (*path != '/' || !segment_read(pattern, &segment))
			return false;
		size_t length = strcspn(path + 1, "/");
		if (segment.rest) {
			take_param(params, count, &segment, path + 1, strlen(path + 1));
			return true;
		}
		if (segment.param && length > 0)
			take_param(params, count, &segment, path + 1, length);
		else if (segment.param || length != segment.length ||
			 memcmp(path + 1, segment.text, length) != 0)
			return false;
		path += 1 + length;
	}
	return *path == '\0';
}

bool route_same_shape(const char *a, const char *b)
{
	struct segment one, two;

	c_assert(a && b);
	while (*a && *b) {
		if (!segment_read(a, &one) || !segment_read(b, &two))
			return strcmp(a, b) == 0; /* both are "/" */
		if (one.param != two.param || one.rest != two.rest || (!one.param && !same_name(&one, &two)))
			return false;
		a = one.next;
		b = two.next;
	}
	return *a == *b;
}
