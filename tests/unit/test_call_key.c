/* test_call_key: the same key is the same call; and streams. */
#include "call_up.h"

/* ---- keys ---- */

static struct mu_request keyed(const char *verb, const char *const *id, const char *key)
{
	return MU_REQUEST(.kind = "worker", .verb = verb, .ids = id, .id_count = 1, .key = key);
}

static void test_a_key_does_it_once(void **state)
{
	struct asked asked;
	const char *id = "b", *other = "c";
	struct mu_request request = keyed("delete", &id, "k1");

	(void)state;
	for (int i = 0; i < 3; i++) {
		ask(&asked, &request);
		asked_ok(&asked); /* although it is not there any more */
		assert_string_equal(asked_text(&asked, "message"), "deleted for the 1. time");
		asked_free(&asked);
	}
	assert_int_equal(saw.runs, 1);
	/* another's key is another key */
	request.user = "bob";
	ask(&asked, &request);
	asked_failed(&asked, -ENOENT, "\"b\"");
	request = keyed("delete", &other, "k1");
	ask(&asked, &request);
	asked_failed(&asked, -EEXIST, "another call's");
	assert_int_equal(saw.runs, 1);
}

static void test_a_key_is_forgotten_in_time(void **state)
{
	struct asked asked;
	const char *id = "b";
	struct mu_request request = keyed("change", &id, "k2");

	(void)state;
	ask(&asked, &request);
	asked_free(&asked);
	pass(10 * MU_MIN - MU_SEC);
	ask(&asked, &request);
	asked_free(&asked);
	assert_int_equal(saw.runs, 1);
	pass(MU_SEC);
	ask(&asked, &request);
	asked_free(&asked);
	assert_int_equal(saw.runs, 2);
}

static void test_two_with_one_key_wait_together(void **state)
{
	struct asked first, second;
	struct mu_request request = hold();

	(void)state;
	request.key = "k3";
	ask_begin(&first, &request);
	core_settle();
	ask_begin_as(ask_other(), &second, &request);
	core_settle();
	assert_int_equal(saw.runs, 1);
	mu_pending_cancel(&first.pending);
	core_settle();
	assert_int_equal(saw.gones, 0); /* somebody still waits */
	mu_reply_text(saw.held[0], "once");
	core_settle();
	assert_int_equal(first.dones, 0);
	asked_ok(&second);
	assert_string_equal(asked_text(&second, "message"), "once");
	asked_free(&second);
}

static void test_a_key_tells_how_the_unknown_ended(void **state)
{
	struct asked first, second;
	struct mu_request request = hold();

	(void)state;
	request.key = "k4";
	ask_begin(&first, &request);
	core_settle();
	pass(4 * MU_SEC);
	asked_failed(&first, -ETIMEDOUT, "outcome unknown");
	assert_non_null(strstr(first.error.remedy, "same key"));
	ask_begin(&second, &request);
	core_settle();
	assert_int_equal(second.dones, 0);
	assert_int_equal(saw.runs, 1);
	mu_reply_text(saw.held[0], "it is done");
	core_settle();
	asked_ok(&second);
	asked_free(&second);
}

static void test_keys_have_a_bound(void **state)
{
	struct asked asked;
	char key[16];
	const char *id = "b";
	struct mu_request request = keyed("change", &id, key);

	(void)state;
	for (int i = 0; i <= CALL_KEYS_MAX; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		ask(&asked, &request);
		asked_free(&asked);
	}
	assert_int_equal(saw.runs, CALL_KEYS_MAX + 1);
	snprintf(key, sizeof(key), "n1");
	ask(&asked, &request);
	asked_free(&asked);
	assert_int_equal(saw.runs, CALL_KEYS_MAX + 1); /* still known */
	snprintf(key, sizeof(key), "n0");
	ask(&asked, &request);
	asked_free(&asked);
	assert_int_equal(saw.runs, CALL_KEYS_MAX + 2); /* the oldest was forgotten */
}

/* ---- streams ---- */

static void test_a_stream(void **state)
{
	struct asked asked;
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "stream");

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	pass(MU_HOUR); /* begun, and silent for long */
	assert_int_equal(asked.dones, 0);
	for (int i = 1; i <= 64; i++)
		assert_int_equal(mu_reply_part(saw.held[0], json_pack("{s:i}", "i", i)), i == 64);
	core_settle();
	assert_int_equal(asked.parts, 64);
	assert_int_equal(json_get_int(asked.json, "i", 0), 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(mu_reply_part(saw.held[0], json_integer(i)), 1);
	uint64_t bugs = stats_now().bugs;
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(0)), -ENOBUFS);
	assert_int_equal(stats_now().bugs - bugs, 1);
	core_settle();
	assert_int_equal(saw.rooms, 0);
	mu_pending_credit(asked.pending, 64);
	core_settle();
	assert_int_equal(saw.rooms, 0); /* it had overdrawn as much */
	mu_pending_credit(asked.pending, 2);
	core_settle();
	assert_int_equal(saw.rooms, 1);
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(1)), 0);
	mu_reply_text(saw.held[0], "the end");
	core_settle();
	assert_int_equal(asked.parts, 129);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "the end");
	asked_free(&asked);
}

static void test_a_stream_that_nobody_hears(void **state)
{
	struct asked asked;
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "stream");

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(1)), 0);
	core_settle();
	mu_pending_cancel(&asked.pending);
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(2)), 0); /* cannot know yet */
	core_settle();
	assert_int_equal(asked.parts, 1);
	assert_int_equal(saw.gones, 1);
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(3)), -EPIPE);
	mu_reply(saw.held[0], NULL);
	core_settle();
	asked_free(&asked);
}

static void test_parts_of_what_is_no_stream(void **state)
{
	struct asked asked;
	struct mu_request request = hold();

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	assert_int_equal(mu_reply_part(saw.held[0], json_integer(1)), -EINVAL);
	mu_reply(saw.held[0], NULL);
	core_settle();
	assert_int_equal(asked.parts, 0);
	asked_free(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_key_does_it_once),
		TEST(test_a_key_is_forgotten_in_time),
		TEST(test_two_with_one_key_wait_together),
		TEST(test_a_key_tells_how_the_unknown_ended),
		TEST(test_keys_have_a_bound),
		TEST(test_a_stream),
		TEST(test_a_stream_that_nobody_hears),
		TEST(test_parts_of_what_is_no_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
