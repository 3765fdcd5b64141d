/* test_call: who may ask what of whom, and one answer. */
#include "call_up.h"

/* ---- what may be asked ---- */

static void test_one_call(void **state)
{
	struct asked asked;
	const char *id = "b";
	json_t *words = json_pack("{s:s, s:i}", "reason", "bored", "times", 3);

	(void)state;
	ask(&asked, &MU_REQUEST(.kind = "clients",
				.verb = "poke",
				.ids = &id,
				.id_count = 1,
				.args = words,
				.user = "ada",
				.role = MU_ADMIN,
				.source = "192.0.2.7",
				.deadline = 5 * MU_SEC));
	json_decref(words);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "b poked by ada");
	assert_string_equal(saw.ids, "b");
	assert_string_equal(saw.source, "192.0.2.7");
	assert_string_equal(saw.reason, "bored");
	assert_int_equal(saw.times, 3);
	assert_true(saw.given);
	assert_int_equal(saw.role, MU_ADMIN);
	assert_int_equal(saw.left, 5 * MU_SEC);
	asked_free(&asked);
}

static void test_defaults(void **state)
{
	struct asked asked;

	(void)state;
	ask_one(&asked, "worker", "look", NULL);
	asked_ok(&asked);
	asked_free(&asked);
	assert_string_equal(saw.ids, "");
	assert_string_equal(saw.reason, "none");
	assert_false(saw.given);
	assert_int_equal(saw.times, 1);
	assert_int_equal(saw.role, MU_OPERATOR);
	assert_string_equal(saw.source, "plugin asker");
	assert_int_equal(saw.left, 10 * MU_SEC);
}

static void test_roles(void **state)
{
	struct asked asked;
	const char *id = "a";

	(void)state;
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "poke", .ids = &id, .id_count = 1, .role = MU_VIEWER));
	asked_failed(&asked, -EACCES, "worker.poke needs the role operator; you are viewer");
	assert_string_equal(asked.error.remedy, "ask an admin, or run it as the user of the daemon");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "new", .role = MU_OPERATOR));
	asked_failed(&asked, -EACCES, "needs the role admin");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "look", .role = MU_VIEWER));
	asked_ok(&asked);
	asked_free(&asked);
	assert_int_equal(saw.runs, 1);
}

static void test_ids_and_their_number(void **state)
{
	struct asked asked;
	const char *ids[] = { "a", "b" }, *far[] = { "a", "x" }, *wrong = "a b";

	(void)state;
	ask_one(&asked, "worker", "poke", NULL);
	asked_failed(&asked, -EINVAL, "worker.poke needs the id of worker");
	ask_one(&asked, "worker", "hold", "a");
	asked_failed(&asked, -EINVAL, "takes no id");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "poke", .ids = ids, .id_count = 2));
	asked_failed(&asked, -EINVAL, "takes one id, and 2 were given");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "many", .ids = ids, .id_count = 2));
	asked_ok(&asked);
	asked_free(&asked);
	assert_string_equal(saw.ids, "a b");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "many", .ids = far, .id_count = 2));
	asked_failed(&asked, -ENOENT, "there is no worker \"x\"");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "poke", .ids = &wrong, .id_count = 1));
	asked_failed(&asked, -EINVAL, "is no id");
	ask_one(&asked, "worker", "look", "b");
	asked_ok(&asked);
	asked_free(&asked);
	assert_string_equal(saw.ids, "b");
	assert_int_equal(saw.runs, 2);
}

static void test_an_unknown_id_names_the_nearest(void **state)
{
	struct asked asked;

	(void)state;
	mu_object_put(owner, "worker", "webserver", json_object());
	core_settle();
	ask_one(&asked, "worker", "poke", "websrever");
	asked_failed(&asked, -ENOENT, "websrever");
	assert_string_equal(asked.error.remedy, "did you mean \"webserver\"?");
	ask_one(&asked, "worker", "get", "websrever");
	asked_failed(&asked, -ENOENT, "websrever");
}

static void test_too_many_ids(void **state)
{
	struct asked asked;
	static const char *ids[10001];

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(ids); i++)
		ids[i] = "a";
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "many", .ids = ids, .id_count = MU_ARRAY_LEN(ids)));
	asked_failed(&asked, -E2BIG, "10,000 ids");
}

static void test_a_match(void **state)
{
	struct asked asked;
	json_t *up = json_pack("{s:s}", "state", "up"), *none = json_pack("{s:i}", "n>", 7),
	       *wrong = json_pack("{s:i}", "m", 7);
	const char *id = "a";
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "many", .match = up);

	(void)state;
	ask(&asked, &request);
	asked_ok(&asked);
	asked_free(&asked);
	assert_string_equal(saw.ids, "a c");
	request.match = none;
	ask(&asked, &request);
	asked_failed(&asked, -ENOENT, "no worker fulfils the match");
	request.match = wrong;
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "no attribute \"m\"");
	request = MU_REQUEST(.kind = "worker", .verb = "poke", .match = up);
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "no match");
	request = MU_REQUEST(.kind = "worker", .verb = "many", .match = up, .ids = &id, .id_count = 1);
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "not both");
	json_decref(up);
	json_decref(none);
	json_decref(wrong);
	assert_int_equal(saw.runs, 1);
}

static void test_arguments(void **state)
{
	struct asked asked;
	json_t *big = json_pack("{s:i}", "times", 6), *unknown = json_pack("{s:i}", "tmies", 6),
	       *array = json_array();
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "look", .args = big);

	(void)state;
	ask(&asked, &request);
	asked_failed(&asked, -ERANGE, "times");
	request.args = unknown;
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "tmies");
	request.args = array;
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "an object");
	request = MU_REQUEST(.kind = "worker", .verb = "new", .args = big, .role = MU_ADMIN);
	ask(&asked, &request);
	asked_failed(&asked, -EINVAL, "takes no arguments");
	assert_non_null(strstr(asked.error.remedy, "leave \""));
	json_decref(big);
	json_decref(unknown);
	json_decref(array);
	assert_int_equal(saw.runs, 0);
}

static void test_a_dry_run_where_there_is_one(void **state)
{
	struct asked asked;
	const char *id = "a";

	(void)state;
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "poke", .ids = &id, .id_count = 1, .dry_run = true));
	asked_failed(&asked, -EINVAL, "cannot be tried");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "many", .ids = &id, .id_count = 1, .dry_run = true));
	asked_ok(&asked);
	asked_free(&asked);
	assert_true(saw.dry_run);
}

static void test_ids_of_several_instances(void **state)
{
	struct asked asked;
	const char *ids[] = { "a", "z" };

	(void)state;
	struct mu_instance *second = ask_start_named(&farm, "farm:two");
	mu_object_put(second, "worker", "z", json_object());
	core_settle();
	ask_one(&asked, "worker", "poke", "z");
	asked_ok(&asked);
	asked_free(&asked);
	ask_one(&asked, "worker", "look", NULL);
	assert_string_equal(asked_text(&asked, "message"), "farm poked by ada"); /* the one started first */
	asked_free(&asked);
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "many", .ids = ids, .id_count = 2));
	asked_failed(&asked, -EINVAL, "farm and farm:two");
}

/* ---- answers ---- */

static void test_failures_come_through(void **state)
{
	struct asked asked;
	json_t *zero = json_pack("{s:s}", "reason", "zero");

	(void)state;
	ask_one(&asked, "worker", "fail", NULL);
	asked_failed(&asked, -EPROTO, "it spoke in tongues");
	assert_string_equal(asked.error.remedy, "ask in English");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "fail", .args = zero));
	asked_failed(&asked, -EIO, "with no code");
	json_decref(zero);
	ask_one(&asked, "wroker", "fail", NULL);
	asked_failed(&asked, -ENOENT, "no kind");
}

static void test_a_second_reply_is_a_bug_and_no_more(void **state)
{
	struct asked asked;
	uint64_t bugs = stats_now().bugs;

	(void)state;
	ask_one(&asked, "worker", "twice", NULL);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "first");
	asked_free(&asked);
	core_settle();
	assert_int_equal(asked.dones, 1);
	assert_int_equal(stats_now().bugs - bugs, 2);
}

static void count_puts(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	(void)self;
	if (change->what == MU_CHANGE_PUT && strcmp(change->id, "b") == 0)
		++*(int *)mu_object_sub_data(sub);
}

static struct {
	int puts, puts_when_done;
} order;

static void done_note(struct mu_instance *self, const struct mu_result *result, void *data)
{
	(void)self, (void)data;
	assert_int_equal(result->code, 0);
	assert_string_equal(result->json, "null");
	order.puts_when_done = order.puts;
}

static void test_a_reply_never_precedes_its_change(void **state)
{
	const char *id = "b";
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "change", .ids = &id, .id_count = 1);
	char other[16];

	(void)state;
	struct mu_object_sub *sub = mu_objects_subscribe(ask_instance(), "worker", count_puts, &order.puts);
	core_settle();
	for (int i = 0; i < 20; i++) {
		order.puts = order.puts_when_done = 0;
		/* a long queue before it: the answer waits for all of that */
		for (int k = 0; k < 2000; k++) {
			snprintf(other, sizeof(other), "o%d", k);
			mu_object_put(owner, "worker", other, json_pack("{s:i}", "n", i));
		}
		mu_call(ask_instance(), &request, done_note, NULL);
		core_settle();
		assert_int_equal(order.puts, 1);
		assert_int_equal(order.puts_when_done, 1);
	}
	mu_objects_unsubscribe(&sub);
}

/* ---- quotas ---- */

static void test_nobody_can_take_it_all(void **state)
{
	enum { QUOTA = 4096 };
	static struct asked asked[QUOTA], more, other;
	struct mu_request to_wall = MU_REQUEST(.kind = "wall", .verb = "ask"), to_farm = hold();

	(void)state;
	struct mu_instance *mute = ask_start(&wall);
	for (size_t i = 0; i < QUOTA; i++)
		ask_begin(&asked[i], &to_wall);
	core_settle();
	assert_int_equal(saw.runs, QUOTA);
	ask_begin(&more, &to_farm);
	core_settle();
	asked_failed(&more, -EBUSY, "asker has 4096 calls open");
	ask_begin_as(ask_other(), &other, &to_wall);
	core_settle();
	asked_failed(&other, -EBUSY, "wall owes the answers to 4096 calls");
	ask_begin_as(ask_other(), &other, &MU_REQUEST(.kind = "worker", .verb = "look"));
	core_settle();
	asked_ok(&other);
	asked_free(&other);
	pass(10 * MU_SEC);
	for (size_t i = 0; i < QUOTA; i++)
		asked_failed(&asked[i], -ETIMEDOUT, "outcome unknown");
	assert_int_equal(stats_now().open, QUOTA);
	ask_stop(mute);
	assert_int_equal(stats_now().open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_call),
		TEST(test_defaults),
		TEST(test_roles),
		TEST(test_ids_and_their_number),
		TEST(test_an_unknown_id_names_the_nearest),
		TEST(test_too_many_ids),
		TEST(test_a_match),
		TEST(test_arguments),
		TEST(test_a_dry_run_where_there_is_one),
		TEST(test_ids_of_several_instances),
		TEST(test_failures_come_through),
		TEST(test_a_second_reply_is_a_bug_and_no_more),
		TEST(test_a_reply_never_precedes_its_change),
		TEST(test_nobody_can_take_it_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
