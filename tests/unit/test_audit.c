/* audit: what changed something is written down: who, from where, what, outcome; and can be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/json.h"
#include "call.h"
#include "object.h"

struct words {
	const char *name, *password;
	struct {
		struct words *items;
		size_t count;
	} more;
};
static const struct mu_option more_rows[] = { MU_OPT_STRING(struct words, password, .name = "password",
							    .flags = MU_SECRET),
					      MU_OPT_STRING(struct words, name, .name = "name"), MU_OPT_END };
static const struct mu_option rows[] = {
	MU_OPT_STRING(struct words, name, .name = "name"),
	MU_OPT_STRING(struct words, password, .name = "password", .flags = MU_SECRET),
	MU_OPT_BLOCK(struct words, more, struct words, more_rows, .name = "more"), MU_OPT_END
};

static void run(struct mu_instance *self, struct mu_call *call)
{
	const struct words *words = mu_call_args(call);

	(void)self;
	if (words->name && strcmp(words->name, "bad") == 0)
		mu_reply_error(call, -EIO, "it broke");
	else
		mu_reply(call, NULL);
}

static const struct mu_kind kinds[] = { { .name = "door", .plural = "doors" }, MU_KIND_END };
static const struct mu_command commands[] = {
	{ .kind = "door",
	  .name = "open",
	  .effect = MU_CHANGE,
	  .flags = MU_BULK | MU_DRY_RUN,
	  .args = rows,
	  .args_size = sizeof(struct words),
	  .run = run },
	{ .kind = "door", .name = "look", .effect = MU_LOOK, .args_size = sizeof(struct words), .run = run },
	MU_COMMAND_END
};
static const struct mu_plugin house = MU_PLUGIN_INIT(house, .kinds = kinds, .commands = commands);

static struct mu_instance *owner;

static int up(void **state)
{
	(void)state;
	ask_up();
	return 0;
}

static int down(void **state)
{
	(void)state;
	ask_down();
	return 0;
}

static void up_house(void)
{
	ask_start_self();
	owner = ask_start(&house);
	mu_object_put(owner, "door", "front", json_object());
	mu_object_put(owner, "door", "back", json_object());
	core_settle();
}

static void open_door(const char *args, uint32_t role, bool dry_run)
{
	struct asked asked;
	const char *ids[] = { "front", "back" };
	char why[256];
	json_t *json = json_parse(args, strlen(args), why);

	assert_non_null(json);
	ask(&asked, &MU_REQUEST(.kind = "door",
				.verb = "open",
				.ids = ids,
				.id_count = 2,
				.args = json,
				.user = "ada",
				.source = "192.0.2.7",
				.role = role,
				.dry_run = dry_run));
	json_decref(json);
	asked_free(&asked);
}

/* The page of the audit, and its only entry. */
static json_t *list(const char *args, size_t expected)
{
	struct asked asked;
	char why[256];
	json_t *json = json_parse(args, strlen(args), why);

	assert_non_null(json);
	ask(&asked, &MU_REQUEST(.kind = "audit", .verb = "list", .args = json, .role = MU_VIEWER));
	json_decref(json);
	asked_ok(&asked);
	assert_int_equal(json_array_size(json_object_get(asked.json, "items")), expected);
	return asked.json;
}

static const json_t *item(const json_t *page, size_t i)
{
	return json_array_get(json_object_get(page, "items"), i);
}

static void test_what_is_written(void **state)
{
	(void)state;
	up_house();
	open_door(
		"{\"name\": \"x\", \"password\": \"s3\", \"more\": [{\"password\": \"s4\", \"name\": \"y\"}]}",
		0, false);
	json_t *page = list("{}", 1);
	const json_t *one = item(page, 0);
	assert_string_equal(json_get_text(one, "user"), "ada");
	assert_string_equal(json_get_text(one, "source"), "192.0.2.7");
	assert_string_equal(json_get_text(one, "about"), "door");
	assert_string_equal(json_get_text(one, "kind"), "audit");
	assert_string_equal(json_get_text(one, "verb"), "open");
	assert_string_equal(json_get_text(one, "ids"), "front back");
	assert_string_equal(json_get_text(one, "outcome"), "done");
	assert_int_equal(json_get_int(one, "code", 7), 0);
	assert_true(json_number_value(json_object_get(one, "time")) >= 1700000000.0);
	assert_null(strstr(json_get_text(one, "args"), "s3"));
	assert_null(strstr(json_get_text(one, "args"), "s4"));
	assert_non_null(strstr(json_get_text(one, "args"), OBJECT_MASK));
	assert_non_null(strstr(json_get_text(one, "args"), "\"y\""));
	json_decref(page);
}

static void test_outcomes(void **state)
{
	(void)state;
	up_house();
	open_door("{\"name\": \"bad\"}", 0, false);
	open_door("{}", MU_VIEWER, false);    /* refused: written as well */
	open_door("{}", 0, true);             /* only tried */
	open_door("{\"nmae\": 1}", 0, false); /* never got so far */
	struct asked asked;
	ask_one(&asked, "door", "look", "front");
	asked_free(&asked);
	json_t *page = list("{}", 2);
	assert_non_null(strstr(json_get_text(item(page, 0), "outcome"), "needs the role operator"));
	assert_int_equal(json_get_int(item(page, 0), "code", 0), -EACCES);
	assert_string_equal(json_get_text(item(page, 1), "outcome"), "it broke");
	assert_int_equal(json_get_int(item(page, 1), "code", 0), -EIO);
	json_decref(page);
}

static void test_a_match_and_long_words(void **state)
{
	static char long_name[6000];
	struct asked asked;
	json_t *match = json_pack("{s:s}", "id", "front");

	(void)state;
	up_house();
	for (size_t i = 0; i + 2 < sizeof(long_name); i += 2)
		memcpy(long_name + i, "\xc3\xbc", 2);
	json_t *args = json_pack("{s:s}", "name", long_name);
	ask(&asked, &MU_REQUEST(.kind = "door", .verb = "open", .match = match, .args = args));
	asked_ok(&asked);
	asked_free(&asked);
	json_decref(match);
	json_decref(args);
	json_t *page = list("{}", 1);
	assert_string_equal(json_get_text(item(page, 0), "ids"), "match {\"id\":\"front\"}");
	size_t length = strlen(json_get_text(item(page, 0), "args"));
	assert_true(length > 4000 && length < 4110);
	json_decref(page);
}

static void test_what_happens_before_the_store_waits(void **state)
{
	(void)state;
	uint64_t lost = audit_lost();
	for (int i = 0; i < 1005; i++)
		audit_call("root", "start", "daemon", "reload", NULL, NULL, 0, "done");
	assert_int_equal(audit_lost() - lost, 5); /* bounded, and counted */
	up_house();
	json_t *page = list("{\"limit\": 1000}", 1000);
	json_decref(page);
}

static void test_pages_newest_first(void **state)
{
	char id[16];

	(void)state;
	up_house();
	for (int i = 1; i <= 25; i++) {
		snprintf(id, sizeof(id), "o%d", i);
		audit_call(i % 2 ? "ada" : "bob", "test", "door", "open", id, NULL, 0, "done");
	}
	json_t *page = list("{\"limit\": 10}", 10);
	assert_string_equal(json_get_text(item(page, 0), "ids"), "o25");
	assert_string_equal(json_get_text(page, "next"), "16");
	json_decref(page);
	page = list("{\"limit\": 10, \"after\": \"16\"}", 10);
	assert_string_equal(json_get_text(item(page, 0), "ids"), "o15");
	json_decref(page);
	page = list("{\"limit\": 10, \"after\": \"6\"}", 5);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
	page = list("{\"sort\": \"time\", \"limit\": 3}", 3);
	assert_string_equal(json_get_text(item(page, 2), "ids"), "o3");
	json_decref(page);
	page = list("{\"where\": [{\"attr\": \"user\", \"value\": \"bob\"}], \"limit\": 5}", 5);
	assert_string_equal(json_get_text(item(page, 4), "ids"), "o16");
	json_decref(page);
	page = list("{\"where\": [{\"attr\": \"id\", \"value\": \"7\"}]}", 1);
	assert_string_equal(json_get_text(item(page, 0), "ids"), "o7");
	json_decref(page);
}

static void test_one_entry(void **state)
{
	struct asked asked;

	(void)state;
	up_house();
	audit_call("ada", "test", "door", "open", "front", "{}", -EIO, "it broke");
	ask_one(&asked, "audit", "get", "1");
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "outcome"), "it broke");
	asked_free(&asked);
	ask_one(&asked, "audit", "get", "2");
	asked_failed(&asked, -ENOENT, "no entry 2");
	ask_one(&asked, "audit", "get", "first");
	asked_failed(&asked, -ENOENT, "has a number");
	json_t *args = json_pack("{s:s}", "sort", "user");
	ask(&asked, &MU_REQUEST(.kind = "audit", .verb = "list", .args = args));
	asked_failed(&asked, -EINVAL, "by time only");
	json_object_set_new(args, "after", json_string("x"));
	json_object_del(args, "sort");
	ask(&asked, &MU_REQUEST(.kind = "audit", .verb = "list", .args = args));
	asked_failed(&asked, -EINVAL, "`next`");
	json_decref(args);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_written),        TEST(test_outcomes),
		TEST(test_a_match_and_long_words), TEST(test_what_happens_before_the_store_waits),
		TEST(test_pages_newest_first),     TEST(test_one_entry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
