/* object_list: where, sort and pages of published objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "kind.h"
#include "object.h"

static const struct mu_state states[] = {
	{ "queued", MU_WAIT, "waits" },  { "active", MU_RUNNING, "runs" },
	{ "failed", MU_FAIL, "failed" }, { "overdue", MU_WARN, "should have" },
	{ "done", MU_OK, "is done" },    MU_STATE_END
};
static const char *const sizes[] = { "small", "middle", "large", NULL };
static const struct mu_attr attrs[] = { { .name = "name", .type = MU_STRING },
					{ .name = "n", .type = MU_INT },
					{ .name = "load", .type = MU_DOUBLE },
					{ .name = "lease", .type = MU_DURATION },
					{ .name = "bytes", .type = MU_SIZE },
					{ .name = "on", .type = MU_BOOL },
					{ .name = "tags", .type = MU_STRINGS },
					{ .name = "size", .type = MU_ENUM, .choices = sizes },
					{ .name = "mail", .type = MU_STRING, .flags = MU_PERSONAL },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					{ .name = "extra", .type = MU_BLOCK },
					MU_ATTR_END };
static const struct mu_kind kinds[] = {
	{ .name = "task", .plural = "tasks", .attrs = attrs, .states = states }, MU_KIND_END
};
static const struct mu_plugin farm = MU_PLUGIN_INIT(farm, .kinds = kinds);

static struct mu_instance *owner;
static struct kind *kind;

static json_t *parse(const char *text)
{
	char why[256];
	json_t *json = json_parse(text, strlen(text), why);

	if (!json)
		fail_msg("%s: %s", text, why);
	return json;
}

static void put(const char *id, const char *attributes)
{
	assert_int_equal(mu_object_put(owner, "task", id, parse(attributes)), 0);
	core_settle();
}

/* The page that these arguments give. */
static json_t *list_as(const char *args, enum mu_role role)
{
	struct arena arena;
	struct mu_query query;
	struct mu_error error = { 0 };
	json_t *json = parse(args);

	arena_init(&arena);
	if (command_query(&arena, kinds, json, &query, &error) < 0)
		fail_msg("%s: %s", args, error.what);
	json_t *page = object_list(kind, &query, role);
	arena_fini(&arena);
	json_decref(json);
	return page;
}

/* The ids of the page, blank-separated. */
static const char *ids(const char *args)
{
	static char text[4096];
	struct str words = { 0 };
	json_t *page = list_as(args, MU_OPERATOR);

	for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++) {
		const json_t *item = json_array_get(json_object_get(page, "items"), i);
		str_printf(&words, "%s%s", i ? " " : "", json_get_text(item, "id"));
		assert_string_equal(json_get_text(item, "kind"), "task");
		assert_true(json_get_int(item, "version", 0) >= 1);
	}
	json_decref(page);
	text_copy(text, sizeof(text), str_text(&words));
	str_fini(&words);
	return text;
}

/* The same with one condition. */
static const char *where(const char *attr, const char *op, const char *value)
{
	char args[256];

	snprintf(args, sizeof(args), "{\"where\": [{\"attr\": \"%s\", \"op\": \"%s\", \"value\": %s}]}", attr,
		 op, value);
	return ids(args);
}

static int up(void **state)
{
	(void)state;
	ask_up();
	owner = ask_start(&farm);
	kind = kind_find("task");
	put("a",
	    "{\"state\": \"done\", \"name\": \"Ada\", \"n\": 3, \"load\": 0.5, \"lease\": 90, \"bytes\": 4096,"
	    " \"on\": true, \"tags\": [\"x\", \"y\"], \"size\": \"small\", \"mail\": \"a@b\", \"token\": \"t\"}");
	put("b",
	    "{\"state\": \"failed\", \"name\": \"bob, \\\"the\\\" {1}\", \"n\": 20, \"load\": 10, \"lease\": 600,"
	    " \"bytes\": 1048576, \"on\": false, \"tags\": [], \"size\": \"large\", \"extra\": {\"n\": [1, {\"n\": 9}]}}");
	put("c", "{\"state\": \"queued\", \"n\": -1, \"size\": \"middle\"}");
	put("d", "{}");
	return 0;
}

static int down(void **state)
{
	(void)state;
	ask_down();
	return 0;
}

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(where("name", "eq", "\"Ada\""), "a");
	assert_string_equal(where("name", "ne", "\"Ada\""), "b c d");
	assert_string_equal(where("name", "glob", "\"*{1}\""), "b");
	assert_string_equal(where("name", "lt", "\"b\""), "a");
	assert_string_equal(where("name", "ge", "\"b\""), "b");
	assert_string_equal(where("id", "glob", "\"[a-c]\""), "a b c");
	assert_string_equal(where("id", "gt", "\"b\""), "c d");
	assert_string_equal(where("name", "eq", "\"ada\""), "");
}

static void test_numbers_as_numbers(void **state)
{
	(void)state;
	assert_string_equal(where("n", "lt", "20"), "a c");
	assert_string_equal(where("n", ">=", "\"3\""), "a b");
	assert_string_equal(where("n", "eq", "3.0"), "a");
	assert_string_equal(where("n", "ne", "3"), "b c d");
	assert_string_equal(where("n", "gt", "2.5"), "a b");
	assert_string_equal(where("load", "le", "0.5"), "a");
	assert_string_equal(where("load", ">", "9"), "b");
	assert_string_equal(where("lease", ">=", "\"10min\""), "b");
	assert_string_equal(where("lease", "=", "90"), "a");
	assert_string_equal(where("bytes", "<", "\"1M\""), "a");
	assert_string_equal(where("bytes", "=", "\"4K\""), "a");
}

static void test_booleans_and_lists(void **state)
{
	(void)state;
	assert_string_equal(where("on", "eq", "true"), "a");
	assert_string_equal(where("on", "eq", "\"no\""), "b");
	assert_string_equal(where("on", "ne", "true"), "b c d");
	assert_string_equal(where("tags", "eq", "\"y\""), "a");
	assert_string_equal(where("tags", "ne", "\"y\""), "b c d");
	assert_string_equal(where("tags", "glob", "\"*\""), "a");
}

static void test_states_by_their_need(void **state)
{
	(void)state;
	assert_string_equal(where("state", "eq", "\"failed\""), "b");
	assert_string_equal(where("state", "ne", "\"failed\""), "a c d");
	assert_string_equal(where("state", "le", "\"overdue\""), "b");
	assert_string_equal(where("state", "gt", "\"done\""), "c");
	assert_string_equal(where("state", "glob", "\"*ed\""), "b c");
	assert_string_equal(where("size", "ge", "\"middle\""), "b c");
	assert_string_equal(ids("{\"sort\": \"state\"}"), "b a c d");
	assert_string_equal(ids("{\"sort\": \"state\", \"descending\": true}"), "c a b d");
	assert_string_equal(ids("{\"sort\": \"size\"}"), "a c b d");
}

static void test_all_conditions_hold(void **state)
{
	(void)state;
	assert_string_equal(
		ids("{\"where\": [{\"attr\": \"n\", \"op\": \"gt\", \"value\": 0}, {\"attr\": \"on\", \"value\": false}]}"),
		"b");
	assert_string_equal(ids("{\"where\": []}"), "a b c d");
	assert_string_equal(ids("{}"), "a b c d");
}

static void test_sort(void **state)
{
	(void)state;
	assert_string_equal(ids("{\"sort\": \"n\"}"), "c a b d");
	assert_string_equal(ids("{\"sort\": \"n\", \"descending\": true}"), "b a c d");
	assert_string_equal(ids("{\"sort\": \"name\"}"), "a b c d");
	assert_string_equal(ids("{\"sort\": \"on\"}"), "b a c d");
	assert_string_equal(ids("{\"sort\": \"id\", \"descending\": true}"), "d c b a");
	assert_string_equal(ids("{\"descending\": true, \"limit\": 2}"), "d c");
}

/* Every page after the other, by `next`; the ids in a row. */
static size_t walk(const char *more, char *text, size_t size, size_t expect_total)
{
	char *after = NULL;
	size_t pages = 0;

	text[0] = '\0';
	do {
		struct str args = { 0 };
		str_printf(&args, "{\"limit\": 3%s", more);
		if (after) {
			json_t *token = json_string(after);
			char *quoted = json_text(token, NULL);
			str_printf(&args, ", \"after\": %s", quoted);
			free(quoted);
			json_decref(token);
		}
		str_add(&args, "}");
		json_t *page = list_as(str_text(&args), MU_OPERATOR);
		str_fini(&args);
		free(after);
		const char *next = json_get_text(page, "next");
		after = next ? strdup(next) : NULL;
		assert_int_equal(json_get_int(page, "total", -1), expect_total);
		for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++) {
			strncat(text, json_get_text(json_array_get(json_object_get(page, "items"), i), "id"),
				size - strlen(text) - 1);
			strncat(text, " ", size - strlen(text) - 1);
		}
		json_decref(page);
		pages++;
	} while (after);
	return pages;
}

static void test_pages(void **state)
{
	char text[512];

	(void)state;
	put("e", "{\"n\": 3}");
	put("f", "{\"n\": 3}");
	put("g", "{}");
	assert_int_equal(walk("", text, sizeof(text), 7), 3);
	assert_string_equal(text, "a b c d e f g ");
	assert_int_equal(walk(", \"sort\": \"n\"", text, sizeof(text), 7), 3);
	assert_string_equal(text, "c a e f b d g ");
	assert_int_equal(walk(", \"sort\": \"n\", \"descending\": true", text, sizeof(text), 7), 3);
	assert_string_equal(text, "b f e a c g d ");
	assert_int_equal(walk(", \"sort\": \"name\"", text, sizeof(text), 7), 3);
	assert_string_equal(text, "a b c d e f g ");
	assert_int_equal(walk(", \"where\": [{\"attr\": \"n\", \"value\": 3}]", text, sizeof(text), 3), 1);
	assert_string_equal(text, "a e f ");
}

static void test_a_page_goes_on_where_its_last_has_gone(void **state)
{
	(void)state;
	json_t *page = list_as("{\"limit\": 2, \"sort\": \"n\"}", MU_OPERATOR);
	assert_string_equal(json_get_text(page, "next"), "[3,\"a\"]");
	json_decref(page);
	mu_object_delete(owner, "task", "a");
	put("a2", "{\"n\": 4}");
	put("0", "{\"n\": -9}");
	assert_string_equal(ids("{\"limit\": 2, \"sort\": \"n\", \"after\": \"[3,\\\"a\\\"]\"}"), "a2 b");
	assert_string_equal(ids("{\"limit\": 2, \"after\": \"aa\"}"), "b c");
}

static void test_after_of_another_list(void **state)
{
	(void)state;
	assert_null(list_as("{\"sort\": \"n\", \"after\": \"a\"}", MU_OPERATOR));
	assert_null(list_as("{\"sort\": \"n\", \"after\": \"[3]\"}", MU_OPERATOR));
	assert_null(list_as("{\"sort\": \"n\", \"after\": \"[3, 4]\"}", MU_OPERATOR));
	assert_null(list_as("{\"after\": \"a b\"}", MU_OPERATOR));
	assert_null(list_as("{\"after\": \"\"}", MU_OPERATOR));
}

static void test_what_is_not_for_every_eye(void **state)
{
	(void)state;
	for (int role = MU_VIEWER; role <= MU_ADMIN; role++) {
		json_t *page = list_as("{\"limit\": 1}", (enum mu_role)role);
		const json_t *item = json_array_get(json_object_get(page, "items"), 0);
		assert_string_equal(json_get_text(item, "token"), OBJECT_MASK);
		assert_string_equal(json_get_text(item, "mail"), role == MU_VIEWER ? OBJECT_MASK : "a@b");
		json_decref(page);
	}
}

static void test_ten_thousand(void **state)
{
	char id[16];

	(void)state;
	for (int i = 4; i < KIND_OBJECTS_MAX; i++) {
		snprintf(id, sizeof(id), "t%05d", i);
		json_t *task = json_pack("{s:i, s:s}", "n", (i * 7919) % 10007, "state",
					 i % 3 ? "done" : "queued");
		assert_int_equal(mu_object_put(owner, "task", id, task), 0);
	}
	core_settle();
	json_t *page = list_as(
		"{\"sort\": \"n\", \"limit\": 1000, \"where\": [{\"attr\": \"state\", \"value\": \"done\"}]}",
		MU_VIEWER);
	const json_t *items = json_object_get(page, "items");
	assert_int_equal(json_array_size(items), 1000);
	assert_int_equal(json_get_int(page, "total", 0), 1 + (KIND_OBJECTS_MAX - 4) / 3 * 2);
	for (size_t i = 1; i < 1000; i++)
		assert_true(json_get_int(json_array_get(items, i - 1), "n", 0) <=
			    json_get_int(json_array_get(items, i), "n", 0));
	json_decref(page);
}

static void test_select(void **state)
{
	struct mu_condition condition = { .attr = "n", .op = MU_GT, .value = "0" };
	struct mu_query query = { .where = &condition, .where_count = 1, .limit = 1 };
	size_t count;

	(void)state;
	const struct object **objects = object_select(kind, &query, &count);
	assert_int_equal(count, 2); /* all of them, not a page */
	assert_string_equal(objects[0]->id, "a");
	assert_string_equal(objects[1]->id, "b");
	free(objects);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_texts),
		TEST(test_numbers_as_numbers),
		TEST(test_booleans_and_lists),
		TEST(test_states_by_their_need),
		TEST(test_all_conditions_hold),
		TEST(test_sort),
		TEST(test_pages),
		TEST(test_a_page_goes_on_where_its_last_has_gone),
		TEST(test_after_of_another_list),
		TEST(test_what_is_not_for_every_eye),
		TEST(test_ten_thousand),
		TEST(test_select),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
