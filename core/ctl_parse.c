/* ctl_parse: one line of the control socket to a request. Pure.
 *
 * What is wrong with a line is said with its id, when it has one, so that the client knows which question
 * failed. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/str.h"
#include "ctl.h"

enum { WORD_MAX = 255, CREDIT_MAX = 1000000, DEADLINE_MAX = 7 * 86400 };

enum shape { TEXT, TEXTS, OBJECT, BOOLEAN, SECONDS, WHOLE };

static const struct member {
	const char *name;
	enum shape shape;
} members[] = {
	{ "id", WHOLE },         { "kind", TEXT },      { "verb", TEXT },       { "ids", TEXTS },
	{ "args", OBJECT },      { "match", OBJECT },   { "dry_run", BOOLEAN }, { "key", TEXT },
	{ "deadline", SECONDS }, { "cancel", BOOLEAN }, { "credit", WHOLE },
};

static const struct member *member_find(const char *name)
{
	for (size_t i = 0; i < MU_ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

static bool word_fits(const json_t *value)
{
	size_t length = json_string_length(value);
	return json_is_string(value) && length > 0 && length <= WORD_MAX &&
	       strlen(json_string_value(value)) == length;
}

static bool words_fit(const json_t *value)
{
	size_t i;
	json_t *word;

	if (!json_is_array(value))
		return false;
	json_array_foreach (value, i, word)
		if (!word_fits(word))
			return false;
	return true;
}

/* What it should have been; NULL when it is. */
static const char *shape_missed(const json_t *value, enum shape shape)
{
	switch (shape) {
	case TEXT:
		return word_fits(value) ? NULL : "text of 1 to 255 bytes";
	case TEXTS:
		return words_fit(value) ? NULL : "an array of texts of 1 to 255 bytes";
	case OBJECT:
		return json_is_object(value) ? NULL : "an object";
	case BOOLEAN:
		return json_is_boolean(value) ? NULL : "true or false";
	case SECONDS:
		return json_is_number(value) && json_number_value(value) > 0 &&
				       json_number_value(value) <= DEADLINE_MAX
			       ? NULL
			       : "a number of seconds, at most 604800";
	case WHOLE:
		return json_is_integer(value) && json_integer_value(value) >= 0 ? NULL : "a whole number";
	}
	c_assert(!"a shape");
	return NULL;
}

static int say_unknown(const char *name, struct mu_error *error)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (size_t i = 0; i < MU_ARRAY_LEN(members); i++)
		nearest_try(&nearest, members[i].name);
	mu_error(error, -EINVAL, "a request has no member \"%.100s\"", name);
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"?", nearest_best(&nearest));
	return -EINVAL;
}

static int check_members(json_t *json, struct mu_error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach (json, name, value) {
		const struct member *member = member_find(name);
		if (!member)
			return say_unknown(name, error);
		const char *wanted = shape_missed(value, member->shape);
		if (wanted)
			return mu_error(error, -EINVAL, "\"%s\" of a request must be %s", name, wanted);
	}
	if (!json_object_get(json, "id"))
		return mu_error(error, -EINVAL,
				"a request needs an \"id\": a whole number that its answer will carry");
	return 0;
}

int ctl_parse(const char *line, size_t length, struct ctl_request *out, struct mu_error *error)
{
	char why[256];

	c_assert(line && out);
	*out = (struct ctl_request){ .id = -1 };
	out->json = json_parse(line, length, why);
	if (!out->json)
		return mu_error(error, -EINVAL, "this is no JSON: %s", why);
	if (!json_is_object(out->json)) {
		mu_error(error, -EINVAL, "a request is a JSON object");
		mu_error_remedy(error, "write it like {\"id\": 1, \"kind\": \"plugin\", \"verb\": \"list\"}");
		return -EINVAL;
	}
	out->id = json_get_int(out->json, "id", -1);
	if (out->id < 0)
		out->id = -1;
	int r = check_members(out->json, error);
	if (r < 0)
		return r;
	out->cancel = json_is_true(json_object_get(out->json, "cancel"));
	out->credit = json_get_int(out->json, "credit", 0);
	if (out->credit > CREDIT_MAX)
		return mu_error(error, -EINVAL, "\"credit\" of a request must be at most %d", CREDIT_MAX);
	if (out->cancel || out->credit > 0)
		return 0;
	if (!json_object_get(out->json, "kind") || !json_object_get(out->json, "verb")) {
		mu_error(error, -EINVAL, "a request needs a \"kind\" and a \"verb\"");
		mu_error_remedy(error, "\"daemon\" and \"describe\" show them all");
		return -EINVAL;
	}
	return 0;
}

void ctl_request_fini(struct ctl_request *request)
{
	c_assert(request);
	json_decref(request->json);
	request->json = NULL;
}
