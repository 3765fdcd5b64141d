/* fuzz_query: the arguments of a list and a match, as JSON: what is taken must be sound, and must be
 * answerable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "command.h"
#include "kind.h"
#include "object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
static const char *const colours[] = { "red", "blue", NULL };
static const struct mu_attr attrs[] = { { .name = "name", .type = MU_STRING },
					{ .name = "n", .type = MU_INT },
					{ .name = "load", .type = MU_DOUBLE },
					{ .name = "lease", .type = MU_DURATION },
					{ .name = "bytes", .type = MU_SIZE },
					{ .name = "on", .type = MU_BOOL },
					{ .name = "tags", .type = MU_STRINGS },
					{ .name = "colour", .type = MU_ENUM, .choices = colours },
					{ .name = "extra", .type = MU_BLOCK },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					MU_ATTR_END };
static const struct mu_kind kind = { .name = "task", .plural = "tasks", .attrs = attrs, .states = states };

static void check_query(const struct mu_query *query, const json_t *object)
{
	c_assert(query->limit >= 1 && query->limit <= 1000);
	c_assert(query->where_count <= 64);
	c_assert(!query->sort || kind_attr(&kind, query->sort));
	for (size_t i = 0; i < query->where_count; i++) {
		const struct mu_condition *c = &query->where[i];
		c_assert(c->value && c->op >= MU_EQ && c->op <= MU_GLOB);
		c_assert(strcmp(c->attr, "token") != 0);
		c_assert(strcmp(c->attr, "id") == 0 || kind_attr(&kind, c->attr));
	}
	object_matches(&kind, "a", object, query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[256];
	json_t *args = json_parse((const char *)data, size, why);
	struct arena arena;
	struct mu_query query;
	struct mu_error error = { 0 };

	if (!args)
		return 0;
	json_t *object = json_pack("{s:s, s:s, s:i, s:f, s:i, s:i, s:b, s:[s, s], s:s}", "state", "up",
				   "name", "ada", "n", 3, "load", 0.5, "lease", 90, "bytes", 4096, "on", 1,
				   "tags", "x", "y", "colour", "red");
	arena_init(&arena);
	if (command_query(&arena, &kind, args, &query, &error) == 0)
		check_query(&query, object);
	else
		c_assert(error.code < 0 && error.what[0]);
	if (command_match(&arena, &kind, args, &query, &error) == 0)
		check_query(&query, object);
	arena_fini(&arena);
	json_decref(object);
	json_decref(args);
	return 0;
}
