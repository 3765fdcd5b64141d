/* command: conditions of a list or match from JSON: what is taken, in which form, and what is refused with
 * which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "kind.h"

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
static const char *const colours[] = { "red", "blue", NULL };
static const struct mu_attr attrs[] = { { .name = "name", .type = MU_STRING },
					{ .name = "n", .type = MU_INT },
					{ .name = "lease", .type = MU_DURATION },
					{ .name = "bytes", .type = MU_SIZE },
					{ .name = "on", .type = MU_BOOL },
					{ .name = "tags", .type = MU_STRINGS },
					{ .name = "colour", .type = MU_ENUM, .choices = colours },
					{ .name = "word", .type = MU_ENUM },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					{ .name = "extra", .type = MU_BLOCK },
					MU_ATTR_END };
static const struct mu_kind kind = { .name = "task", .plural = "tasks", .attrs = attrs, .states = states };

static struct arena arena;
static struct mu_query query;
static struct mu_error error;

static int make(int (*maker)(struct arena *, const struct mu_kind *, const json_t *, struct mu_query *,
			     struct mu_error *),
		const char *text)
{
	char why[256];
	json_t *json = json_parse(text, strlen(text), why);

	if (!json)
		fail_msg("%s: %s", text, why);
	memset(&error, 0, sizeof(error));
	int r = maker(&arena, &kind, json, &query, &error);
	json_decref(json); /* nothing of the query may point into it */
	if (r < 0)
		assert_true(error.what[0] && error.code == r);
	return r;
}

static void taken(const char *text)
{
	if (make(command_query, text) < 0)
		fail_msg("%s: %s", text, error.what);
}

static void refused(const char *text, const char *what)
{
	assert_true(make(command_query, text) < 0);
	if (!strstr(error.what, what))
		fail_msg("%s: \"%s\" does not tell of \"%s\"", text, error.what, what);
}

static int up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void test_nothing_asked(void **state)
{
	(void)state;
	taken("{}");
	assert_int_equal(query.limit, 200);
	assert_int_equal(query.where_count, 0);
	assert_null(query.sort);
	assert_null(query.after);
	assert_false(query.descending);
	assert_int_equal(command_query(&arena, &kind, NULL, &query, &error), 0);
	taken("{\"where\": null, \"sort\": null, \"limit\": null, \"after\": null, \"descending\": null}");
}

static void test_all_of_it(void **state)
{
	(void)state;
	taken("{\"where\": [{\"attr\": \"name\", \"op\": \"glob\", \"value\": \"a*\"}, {\"attr\": \"n\", \"value\": 7}],"
	      " \"sort\": \"lease\", \"descending\": true, \"limit\": 1000, \"after\": \"x\"}");
	assert_int_equal(query.where_count, 2);
	assert_string_equal(query.where[0].attr, "name");
	assert_int_equal(query.where[0].op, MU_GLOB);
	assert_string_equal(query.where[0].value, "a*");
	assert_int_equal(query.where[1].op, MU_EQ);
	assert_string_equal(query.where[1].value, "7");
	assert_string_equal(query.sort, "lease");
	assert_true(query.descending);
	assert_int_equal(query.limit, 1000);
	assert_string_equal(query.after, "x");
	/* as a query string has them */
	taken("{\"limit\": \"20\", \"descending\": \"yes\"}");
	assert_int_equal(query.limit, 20);
	assert_true(query.descending);
}

static void test_every_operator_and_its_sign(void **state)
{
	static const struct {
		const char *word;
		int op;
	} ops[] = { { "eq", MU_EQ }, { "=", MU_EQ },  { "ne", MU_NE },     { "!=", MU_NE }, { "lt", MU_LT },
		    { "<", MU_LT },  { "le", MU_LE }, { "<=", MU_LE },     { "gt", MU_GT }, { ">", MU_GT },
		    { "ge", MU_GE }, { ">=", MU_GE }, { "glob", MU_GLOB }, { "~", MU_GLOB } };
	char text[128];

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(ops); i++) {
		snprintf(text, sizeof(text),
			 "{\"where\": [{\"attr\": \"name\", \"op\": \"%s\", \"value\": \"x\"}]}",
			 ops[i].word);
		taken(text);
		assert_int_equal(query.where[0].op, ops[i].op);
	}
	refused("{\"where\": [{\"attr\": \"name\", \"op\": \"like\", \"value\": \"x\"}]}",
		"\"like\" is no comparison");
	refused("{\"where\": [{\"attr\": \"name\", \"op\": 1, \"value\": \"x\"}]}", "no comparison");
}

static void value(const char *attr, const char *words, const char *normal)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"where\": [{\"attr\": \"%s\", \"value\": %s}]}", attr, words);
	if (normal) {
		taken(text);
		assert_string_equal(query.where[0].value, normal);
	} else {
		refused(text, attr);
	}
}

static void test_values_in_one_form(void **state)
{
	(void)state;
	value("n", "\"12\"", "12");
	value("n", "-3", "-3");
	value("n", "\"12x\"", NULL);
	value("n", "\"\"", NULL);
	value("n", "\"nan\"", NULL);
	value("n", "\"inf\"", NULL);
	value("n", "true", NULL);
	value("n", "[1]", NULL);
	value("n", "{}", NULL);
	value("n", "null", NULL);
	value("lease", "\"10min\"", "600");
	value("lease", "\"100ms\"", "0.10000000000000001");
	value("lease", "90", "90");
	value("lease", "\"soon\"", NULL);
	value("bytes", "\"64K\"", "65536");
	value("bytes", "\"64Q\"", NULL);
	value("on", "true", "true");
	value("on", "\"Yes\"", "true");
	value("on", "\"off\"", "false");
	value("on", "\"maybe\"", NULL);
	value("on", "1", NULL);
	value("name", "3", "3");
	value("name", "false", "false");
	value("state", "\"down\"", "down");
	value("state", "\"dwon\"", NULL);
	assert_non_null(strstr(error.remedy, "\"down\""));
	value("colour", "\"blue\"", "blue");
	value("colour", "\"blu\"", NULL);
	value("word", "\"whatever\"", "whatever");
	value("id", "\"a\"", "a");
}

static void test_what_makes_no_sense(void **state)
{
	(void)state;
	refused("[]", "an object");
	refused("{\"where\": {}}", "an array");
	refused("{\"where\": [1]}", "each entry");
	refused("{\"where\": [{\"value\": 1}]}", "each entry");
	refused("{\"where\": [{\"attr\": \"n\", \"vaule\": 1}]}", "\"vaule\"");
	refused("{\"where\": [{\"attr\": \"n\"}]}", "n is compared with");
	refused("{\"where\": [{\"attr\": \"nmae\", \"value\": 1}]}", "no attribute \"nmae\"");
	assert_non_null(strstr(error.remedy, "\"name\""));
	refused("{\"where\": [{\"attr\": \"token\", \"op\": \"glob\", \"value\": \"s*\"}]}", "secret");
	refused("{\"where\": [{\"attr\": \"extra\", \"value\": \"s\"}]}", "no single value");
	refused("{\"where\": [{\"attr\": \"on\", \"op\": \"lt\", \"value\": true}]}", "no order");
	refused("{\"where\": [{\"attr\": \"tags\", \"op\": \"ge\", \"value\": \"x\"}]}", "no order");
	refused("{\"where\": [{\"attr\": \"n\", \"op\": \"glob\", \"value\": \"1*\"}]}", "no pattern");
	refused("{\"sort\": 1}", "name of an attribute");
	refused("{\"sort\": \"nmae\"}", "no attribute");
	refused("{\"sort\": \"token\"}", "secret");
	refused("{\"sort\": \"tags\"}", "no order");
	refused("{\"limit\": 0}", "from 1 to 1000");
	refused("{\"limit\": 1001}", "from 1 to 1000");
	refused("{\"limit\": \"many\"}", "from 1 to 1000");
	refused("{\"limit\": -1}", "from 1 to 1000");
	refused("{\"descending\": 1}", "true or false");
	refused("{\"after\": 1}", "`next`");
	refused("{\"page\": 2}", "no argument \"page\"");
}

static void test_bounds(void **state)
{
	struct str text = { 0 };

	(void)state;
	str_add(&text, "{\"where\": [");
	for (int i = 0; i < 65; i++)
		str_printf(&text, "%s{\"attr\": \"n\", \"value\": 1}", i ? "," : "");
	str_add(&text, "]}");
	assert_int_equal(make(command_query, str_text(&text)), -E2BIG);
	str_clear(&text);
	str_add(&text, "{\"after\": \"");
	for (int i = 0; i < 2000; i++)
		str_add(&text, "x");
	str_add(&text, "\"}");
	assert_int_equal(make(command_query, str_text(&text)), -EINVAL);
	str_fini(&text);
}

static void test_a_match(void **state)
{
	(void)state;
	assert_int_equal(
		make(command_match,
		     "{\"state\": \"down\", \"n>=\": 3, \"name~\": \"a*\", \"n!=\": 7, \"id\": \"x\"}"),
		0);
	assert_int_equal(query.where_count, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct mu_condition *c = &query.where[i];
		if (strcmp(c->attr, "state") == 0 || strcmp(c->attr, "id") == 0)
			assert_int_equal(c->op, MU_EQ);
		else if (strcmp(c->attr, "name") == 0)
			assert_int_equal(c->op, MU_GLOB);
		else
			assert_int_equal(c->op, strcmp(c->value, "3") == 0 ? MU_GE : MU_NE);
	}
	assert_int_equal(make(command_match, "{}"), -EINVAL); /* all of them is never meant by nothing */
	assert_int_equal(make(command_match, "[]"), -EINVAL);
	assert_int_equal(make(command_match, "{\"nmae\": 1}"), -EINVAL);
	assert_int_equal(make(command_match, "{\"=\": 1}"), -EINVAL);
	assert_int_equal(make(command_match, "{\"token\": \"x\"}"), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_asked),
		TEST(test_all_of_it),
		TEST(test_every_operator_and_its_sign),
		TEST(test_values_in_one_form),
		TEST(test_what_makes_no_sense),
		TEST(test_bounds),
		TEST(test_a_match),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
