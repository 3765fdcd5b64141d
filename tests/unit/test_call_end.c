/* test_call_end: time that runs out, callers who hang up, and owners that end: one answer, whatever happens to either side. */
#include "call_up.h"

/* ---- time ---- */

static void test_a_deadline_says_outcome_unknown(void **state)
{
	struct asked asked;
	struct mu_request request = hold();
	struct call_stats before = stats_now();

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	assert_int_equal(saw.runs, 1);
	pass(2999 * MU_MS);
	assert_int_equal(asked.dones, 0);
	assert_int_equal(mu_call_left(saw.held[0]), MU_MS);
	pass(MU_MS);
	asked_failed(&asked, -ETIMEDOUT, "outcome unknown");
	assert_null(strstr(asked.error.what, "failed"));
	assert_int_equal(saw.gones, 1);
	assert_true(mu_call_left(saw.held[0]) <= 0);
	assert_int_equal(stats_now().expired - before.expired, 1);
	assert_int_equal(stats_now().open, 1); /* its owner still owes an answer */
	/* and gives it */
	mu_reply_text(saw.held[0], "late");
	core_settle();
	assert_int_equal(asked.dones, 1);
	assert_int_equal(stats_now().late_replies - before.late_replies, 1);
	assert_int_equal(stats_now().open, 0);
}

static void test_the_callers_own_deadline(void **state)
{
	struct asked asked;
	struct mu_request request = hold();

	(void)state;
	request.deadline = 20 * MU_SEC;
	ask_begin(&asked, &request);
	core_settle();
	pass(19 * MU_SEC);
	assert_int_equal(asked.dones, 0);
	pass(MU_SEC);
	asked_failed(&asked, -ETIMEDOUT, "outcome unknown");
	mu_reply(saw.held[0], NULL);
	core_settle();
}

static void test_many_expire_and_are_answered_late(void **state)
{
	static struct asked asked[6];
	struct mu_request request = hold();
	struct call_stats before = stats_now();

	(void)state;
	for (size_t i = 0; i < 6; i++)
		ask_begin(&asked[i], &request);
	core_settle();
	mu_reply_text(saw.held[0], "in time");
	core_settle();
	pass(4 * MU_SEC);
	for (size_t i = 1; i < 6; i++) {
		asked_failed(&asked[i], -ETIMEDOUT, "outcome unknown");
		mu_reply_text(saw.held[i], "late");
	}
	asked_ok(&asked[0]);
	asked_free(&asked[0]);
	core_settle();
	assert_int_equal(saw.gones, 5);
	assert_int_equal(stats_now().late_replies - before.late_replies, 5);
}

static void test_what_comes_too_late_is_not_begun(void **state)
{
	struct asked busy, asked;
	struct mu_request request = hold();

	(void)state;
	/* the first keeps the owner's loop for longer than the second can wait */
	ask_begin(&busy, &MU_REQUEST(.kind = "worker", .verb = "busy"));
	ask_begin(&asked, &request);
	core_settle();
	assert_int_equal(saw.runs, 0);
	assert_int_equal(asked.dones, 1);
	assert_int_equal(asked.code, -ETIMEDOUT);
	assert_int_equal(stats_now().open, 0);
	asked_free(&busy);
}

static void test_hanging_up(void **state)
{
	struct asked asked;
	struct mu_request request = hold();

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	mu_pending_cancel(&asked.pending);
	assert_null(asked.pending);
	mu_pending_cancel(&asked.pending);
	core_settle();
	assert_int_equal(saw.gones, 1);
	assert_int_equal(asked.dones, 0);
	mu_reply_text(saw.held[0], "to nobody");
	core_settle();
	assert_int_equal(asked.dones, 0);
	assert_int_equal(stats_now().open, 0);
	/* before anybody has seen it */
	ask_begin(&asked, &request);
	mu_pending_cancel(&asked.pending);
	core_settle();
	assert_int_equal(asked.dones, 0);
	assert_int_equal(saw.gones, 2);
	mu_reply(saw.held[1], NULL);
	core_settle();
}

static void done_cancel(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct mu_pending **pending = data;

	(void)self;
	assert_false(result->part);
	mu_pending_cancel(pending); /* harmless in the last one */
	assert_null(*pending);
}

static void test_hanging_up_in_the_last_answer(void **state)
{
	struct mu_pending *pending;
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "look");

	(void)state;
	pending = mu_call(ask_instance(), &request, done_cancel, &pending);
	core_settle();
	assert_null(pending);
}

/* ---- ends ---- */

static void test_an_owner_that_stops(void **state)
{
	struct asked asked;
	struct mu_request request = hold();

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	ask_stop(owner);
	asked_failed(&asked, -ECANCELED, "cancelled: its plugin stopped");
	assert_int_equal(saw.gones, 1);
	assert_int_equal(stats_now().open, 0);
}

static void test_an_owner_that_answers_while_it_stops(void **state)
{
	struct asked asked;
	struct mu_request request = hold();
	uint64_t late = stats_now().late_replies;

	(void)state;
	answers_at_stop = true;
	ask_begin(&asked, &request);
	core_settle();
	ask_stop(owner);
	asked_failed(&asked, -ECANCELED, "cancelled");
	assert_int_equal(stats_now().late_replies - late, 1);
	assert_int_equal(stats_now().open, 0);
}

static void never_told(struct mu_instance *self, const struct mu_result *result, void *data)
{
	(void)self, (void)result, (void)data;
	fail();
}

static void test_an_owner_that_was_given_up(void **state)
{
	struct asked asked;
	struct mu_request request = hold();
	uint64_t late = stats_now().late_replies;

	(void)state;
	stops_in_silence = true;
	ask_begin(&asked, &request);
	core_settle();
	/* it calls as well, and is never told */
	struct mu_instance *mute = ask_start(&wall);
	struct mu_pending *pending = mu_call(owner, &MU_REQUEST(.kind = "wall", .verb = "ask"),
					     never_told, NULL);
	core_settle();
	ask_stop(owner);
	asked_failed(&asked, -ECANCELED, "its plugin stopped");
	pass(MU_SEC);
	assert_int_equal(owner->is, INSTANCE_ABANDONED);
	assert_int_equal(stats_now().open, 1); /* to the wall */
	ask_stop(mute);
	/* what it holds is good as long as it holds it */
	mu_reply_text(saw.held[0], "at last");
	mu_pending_cancel(&pending);
	assert_int_equal(mu_object_put(owner, "worker", "a", json_object()), -ECANCELED);
	mu_stopped(owner);
	core_settle();
	assert_int_equal(stats_now().late_replies - late, 1);
	instance_release(owner); /* the hold that is kept for good in the daemon */
}

static void test_an_ended_owner_is_asked_no_more(void **state)
{
	struct asked asked, on_its_way;
	struct mu_request request = hold();

	(void)state;
	ask_begin(&on_its_way, &request);
	ask_stop(owner);
	assert_int_equal(on_its_way.dones, 1);
	assert_true(on_its_way.code == -ECANCELED || on_its_way.code == -ENOENT);
	ask_one(&asked, "worker", "hold", NULL);
	asked_failed(&asked, -ENOENT, "no kind \"worker\"");
}

static void test_a_caller_that_ends(void **state)
{
	static struct asked asked;
	struct mu_request request = hold();

	(void)state;
	ask_begin_as(ask_other(), &asked, &request);
	core_settle();
	ask_stop(ask_other());
	assert_int_equal(asked.dones, 0);
	assert_int_equal(saw.gones, 1);
	mu_reply_text(saw.held[0], "to nobody");
	core_settle();
	assert_int_equal(asked.dones, 0);
}

static void test_an_answer_on_its_way_to_one_that_ends(void **state)
{
	static struct asked asked;
	struct mu_request request = hold();

	(void)state;
	ask_begin_as(ask_other(), &asked, &request);
	core_settle();
	mu_reply_text(saw.held[0], "almost");
	ask_stop(ask_other());
	assert_true(asked.dones <= 1);
	asked_free(&asked);
}

static void test_the_daemon_stops(void **state)
{
	struct asked asked, later;
	struct mu_request request = hold();

	(void)state;
	ask_begin(&asked, &request);
	core_settle();
	call_cancel_all("the daemon stops");
	core_settle();
	asked_failed(&asked, -ECANCELED, "cancelled: the daemon stops");
	ask_begin(&later, &request);
	core_settle();
	asked_failed(&later, -ECANCELED, "the daemon stops");
	assert_int_equal(saw.gones, 1);
	mu_reply(saw.held[0], NULL);
	core_settle();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_deadline_says_outcome_unknown),
		TEST(test_the_callers_own_deadline),
		TEST(test_many_expire_and_are_answered_late),
		TEST(test_what_comes_too_late_is_not_begun),
		TEST(test_hanging_up),
		TEST(test_hanging_up_in_the_last_answer),
		TEST(test_an_owner_that_stops),
		TEST(test_an_owner_that_answers_while_it_stops),
		TEST(test_an_owner_that_was_given_up),
		TEST(test_an_ended_owner_is_asked_no_more),
		TEST(test_a_caller_that_ends),
		TEST(test_an_answer_on_its_way_to_one_that_ends),
		TEST(test_the_daemon_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
