/* call: who may ask what of whom; one answer, whatever happens to either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "call.h"
#include "kind.h"
#include "object.h"

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
static const struct mu_attr attrs[] = { { .name = "n", .type = MU_INT },
					{ .name = "mail", .type = MU_STRING, .flags = MU_PERSONAL },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					MU_ATTR_END };
static const struct mu_kind kinds[] = {
	{ .name = "worker", .plural = "workers", .aliases = "clients", .attrs = attrs, .states = states },
	MU_KIND_END
};

struct args {
	const char *reason, *password;
	int64_t times;
};
static const struct mu_option args[] = {
	MU_OPT_STRING(struct args, reason, .name = "reason", .dflt = "none"),
	MU_OPT_STRING(struct args, password, .name = "password", .flags = MU_SECRET),
	MU_OPT_INT(struct args, times, .name = "times", .min = 1, .max = 5, .dflt = "1"), MU_OPT_END
};

/* What the owner saw, and the call that it holds. */
static struct {
	int runs, gones, rooms;
	struct mu_call *held[8];
	size_t held_count;
	char ids[256];
	char user[32], source[64], reason[32];
	int64_t times;
	bool given, dry_run;
	mu_time left;
	int role;
} saw;

static void note(struct mu_call *call)
{
	const struct args *a = mu_call_args(call);
	size_t count;
	const char *const *ids = mu_call_ids(call, &count);

	saw.runs++;
	struct str words = { 0 };
	for (size_t i = 0; i < count; i++)
		str_printf(&words, "%s%s", i ? " " : "", ids[i]);
	text_copy(saw.ids, sizeof(saw.ids), str_text(&words));
	str_fini(&words);
	if (count == 0)
		assert_null(mu_call_id(call));
	else
		assert_ptr_equal(mu_call_id(call), ids[0]);
	text_copy(saw.user, sizeof(saw.user), mu_call_user(call));
	text_copy(saw.source, sizeof(saw.source), mu_call_source(call));
	text_copy(saw.reason, sizeof(saw.reason), a->reason ? a->reason : "");
	saw.times = a->times;
	saw.given = mu_call_given(call, "reason");
	saw.dry_run = mu_call_dry_run(call);
	saw.left = mu_call_left(call);
	saw.role = mu_call_role(call);
	assert_null(mu_call_match(call));
}

static void run_poke(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_reply_text(call, "%s poked by %s", mu_call_id(call) ? mu_call_id(call) : mu_name(self),
		      mu_call_user(call));
}

static void run_change(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_object_put(self, "worker", mu_call_id(call), json_pack("{s:i}", "n", saw.runs));
	mu_reply(call, NULL);
}

static void run_delete(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_object_delete(self, "worker", mu_call_id(call));
	mu_reply_text(call, "deleted for the %d. time", saw.runs);
}

static void gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	saw.gones++;
	assert_ptr_equal(mu_call_data(call), &saw);
}

static void run_hold(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	note(call);
	mu_call_set_data(call, &saw);
	mu_call_on_gone(call, gone);
	saw.held[saw.held_count++] = call;
}

static void run_fail(struct mu_instance *self, struct mu_call *call)
{
	struct mu_error error = { 0 };

	(void)self;
	note(call);
	if (strcmp(saw.reason, "zero") == 0) {
		mu_reply_error(call, 0, "with no code");
		return;
	}
	mu_error(&error, -EPROTO, "it spoke in tongues");
	mu_error_remedy(&error, "ask in English");
	mu_reply_failure(call, &error);
}

static void run_busy(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	clock_advance(5 * MU_SEC);
	mu_reply(call, NULL);
}

static void run_twice(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_reply_text(call, "first");
	mu_reply_text(call, "second");
	mu_reply_error(call, -EIO, "third");
}

static void room(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
	saw.rooms++;
}

static void run_stream(struct mu_instance *self, struct mu_call *call)
{
	run_hold(self, call);
	mu_call_on_room(call, room);
}

static const struct mu_command commands[] = {
	{ .kind = "worker",
	  .name = "poke",
	  .effect = MU_CHANGE,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "look",
	  .effect = MU_LOOK,
	  .flags = MU_ID_OPTIONAL,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "many",
	  .effect = MU_INTERRUPT,
	  .flags = MU_BULK | MU_DRY_RUN,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "new",
	  .effect = MU_CHANGE,
	  .role = MU_ADMIN,
	  .flags = MU_ON_KIND,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "change",
	  .effect = MU_CHANGE,
	  .args_size = sizeof(struct args),
	  .run = run_change },
	{ .kind = "worker",
	  .name = "delete",
	  .effect = MU_DESTROY,
	  .args_size = sizeof(struct args),
	  .run = run_delete },
	{ .kind = "worker",
	  .name = "hold",
	  .effect = MU_CHANGE,
	  .flags = MU_ON_KIND,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .deadline = 3 * MU_SEC,
	  .run = run_hold },
	{ .kind = "worker",
	  .name = "fail",
	  .effect = MU_LOOK,
	  .flags = MU_ON_KIND,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_fail },
	{ .kind = "worker", .name = "busy", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = run_busy },
	{ .kind = "worker", .name = "twice", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = run_twice },
	{ .kind = "worker",
	  .name = "stream",
	  .effect = MU_LOOK,
	  .flags = MU_ON_KIND | MU_STREAM,
	  .args_size = sizeof(struct args),
	  .run = run_stream },
	MU_COMMAND_END
};

/* When it stops it answers what it holds, if it is told to. */
static bool answers_at_stop, stops_in_silence;
static void farm_stop(struct mu_instance *self)
{
	if (stops_in_silence)
		return;
	for (size_t i = 0; answers_at_stop && i < saw.held_count; i++)
		mu_reply_text(saw.held[i], "I stop");
	mu_stopped(self);
}
static const struct mu_plugin farm = MU_PLUGIN_INIT(farm, .kinds = kinds, .commands = commands,
						    .stop = farm_stop);

static void never(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
	saw.runs++;
}

/* It never answers. */
static const struct mu_kind wall_kinds[] = { { .name = "wall", .plural = "walls" }, MU_KIND_END };
static const struct mu_command wall_commands[] = {
	{ .kind = "wall", .name = "ask", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = never },
	MU_COMMAND_END
};
static const struct mu_plugin wall = MU_PLUGIN_INIT(wall, .kinds = wall_kinds, .commands = wall_commands);

static struct mu_instance *owner;

static int up(void **state)
{
	(void)state;
	memset(&saw, 0, sizeof(saw));
	answers_at_stop = stops_in_silence = false;
	ask_up();
	owner = ask_start(&farm);
	for (int i = 0; i < 3; i++) {
		char id[] = { (char)('a' + i), '\0' };
		mu_object_put(
			owner, "worker", id,
			json_pack("{s:s, s:i, s:s}", "state", i == 1 ? "down" : "up", "n", i, "mail", "a@b"));
	}
	core_settle();
	return 0;
}

static int down(void **state)
{
	struct call_stats stats;

	(void)state;
	ask_down();
	call_stats(&stats);
	assert_int_equal(stats.open, 0);
	return 0;
}

static void pass(mu_time span)
{
	clock_advance(span);
	core_settle();
}

static struct call_stats stats_now(void)
{
	struct call_stats stats;
	call_stats(&stats);
	return stats;
}

static struct mu_request hold(void)
{
	return MU_REQUEST(.kind = "worker", .verb = "hold");
}

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

/* ---- list and get ---- */

static void test_list_and_get_of_a_published_kind(void **state)
{
	struct asked asked;
	json_t *words = json_pack("{s:[{s:s, s:s}], s:i}", "where", "attr", "state", "value", "up", "limit",
				  1);
	struct mu_request request = MU_REQUEST(.kind = "workers", .verb = "list", .args = words, .role = MU_VIEWER);

	(void)state;
	ask(&asked, &request);
	asked_ok(&asked);
	assert_int_equal(json_get_int(asked.json, "total", 0), 2);
	assert_string_equal(asked_text(&asked, "next"), "a");
	const json_t *item = json_array_get(json_object_get(asked.json, "items"), 0);
	assert_string_equal(json_get_text(item, "mail"), OBJECT_MASK);
	asked_free(&asked);
	json_decref(words);

	ask_one(&asked, "worker", "get", "b");
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "id"), "b");
	assert_string_equal(asked_text(&asked, "kind"), "worker");
	assert_string_equal(asked_text(&asked, "mail"), "a@b");
	assert_int_equal(json_get_int(asked.json, "n", -1), 1);
	asked_free(&asked);
	ask_one(&asked, "worker", "get", NULL);
	asked_failed(&asked, -EINVAL, "needs the id");
	ask_one(&asked, "worker", "list", "a");
	asked_failed(&asked, -EINVAL, "takes no id");
	words = json_pack("{s:s}", "after", "a b");
	ask(&asked, &MU_REQUEST(.kind = "worker", .verb = "list", .args = words));
	asked_failed(&asked, -EINVAL, "after");
	json_decref(words);
}

static void test_viewers_cannot_ask_about_persons(void **state)
{
	struct asked asked;
	json_t *by = json_pack("{s:[{s:s, s:s}]}", "where", "attr", "mail", "value", "a@b"),
	       *sorted = json_pack("{s:s}", "sort", "mail");
	struct mu_request request = MU_REQUEST(.kind = "worker", .verb = "list", .args = by, .role = MU_VIEWER);

	(void)state;
	ask(&asked, &request);
	asked_failed(&asked, -EACCES, "about a person");
	request.args = sorted;
	ask(&asked, &request);
	asked_failed(&asked, -EACCES, "about a person");
	request.role = MU_OPERATOR;
	ask(&asked, &request);
	asked_ok(&asked);
	asked_free(&asked);
	json_decref(by);
	json_decref(sorted);
}

/* A million of which none is kept: each page is computed. */
enum { MILLION = 1000000 };
static bool answers_nonsense;

static void million_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	json_t *items = json_array();
	long from = query->after ? strtol(query->after, NULL, 10) : 0;

	(void)self;
	if (answers_nonsense) {
		mu_reply(call, items);
		return;
	}
	for (long i = from; i < from + query->limit && i < MILLION; i++)
		json_array_append_new(items, json_pack("{s:o, s:I, s:s}", "id", json_sprintf("%ld", i), "n",
						       (json_int_t)i, "token", "s3"));
	json_t *page = json_pack("{s:o}", "items", items);
	if (from + query->limit < MILLION)
		json_object_set_new(page, "next", json_sprintf("%ld", from + query->limit));
	mu_reply(call, page);
}

static void million_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self;
	if (answers_nonsense)
		mu_reply(call, NULL);
	else if (strtol(id, NULL, 10) < MILLION)
		mu_reply(call, json_pack("{s:s, s:s}", "id", id, "mail", "a@b"));
	else
		mu_reply_error(call, -ENOENT, "there is no grain \"%s\"", id);
}

static void million_drop(struct mu_instance *self, struct mu_call *call)
{
	const struct mu_query *match = mu_call_match(call);

	(void)self;
	if (match)
		mu_reply_text(call, "%zu conditions, %s %s", match->where_count, match->where[0].attr,
			      match->where[0].value);
	else
		mu_reply_text(call, "%s", mu_call_id(call));
}

static const struct mu_kind million_kinds[] = { { .name = "grain",
						  .plural = "grains",
						  .flags = MU_SERVED,
						  .attrs = attrs,
						  .list = million_list,
						  .get = million_get },
						MU_KIND_END };
static const struct mu_command million_commands[] = {
	{ .kind = "grain", .name = "drop", .effect = MU_DESTROY, .flags = MU_BULK, .run = million_drop },
	MU_COMMAND_END
};
static const struct mu_plugin million = MU_PLUGIN_INIT(million, .kinds = million_kinds,
						       .commands = million_commands);

static void test_a_million_in_pages(void **state)
{
	struct asked asked;
	json_t *words = json_pack("{s:i}", "limit", 1000);
	struct mu_request request = MU_REQUEST(.kind = "grains", .verb = "list", .args = words);
	size_t pages = 0, items = 0;
	bool more = true;

	(void)state;
	ask_start(&million);
	while (more) {
		ask(&asked, &request);
		asked_ok(&asked);
		const json_t *array = json_object_get(asked.json, "items"), *first = json_array_get(array, 0);
		assert_int_equal(json_get_int(first, "n", -1), items);
		assert_string_equal(json_get_text(first, "kind"), "grain");
		assert_int_equal(json_get_int(first, "version", -1), 0); /* its owner does not count */
		assert_string_equal(json_get_text(first, "token"), OBJECT_MASK);
		assert_true(json_is_null(json_object_get(asked.json, "total")));
		items += json_array_size(array);
		pages++;
		more = !json_is_null(json_object_get(asked.json, "next"));
		json_object_set(words, "after", json_object_get(asked.json, "next"));
		asked_free(&asked);
	}
	json_decref(words);
	assert_int_equal(pages, 1000);
	assert_int_equal(items, MILLION);
}

static void test_get_and_verbs_of_a_served_kind(void **state)
{
	struct asked asked;
	json_t *match = json_pack("{s:s}", "n>", "12");

	(void)state;
	ask_start(&million);
	ask(&asked, &MU_REQUEST(.kind = "grain",
				.verb = "get",
				.ids = (const char *[]){ "77" },
				.id_count = 1,
				.role = MU_VIEWER));
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "kind"), "grain");
	assert_string_equal(asked_text(&asked, "mail"), OBJECT_MASK);
	asked_free(&asked);
	ask_one(&asked, "grain", "get", "1000000");
	asked_failed(&asked, -ENOENT, "no grain");
	ask_one(&asked, "grain", "drop", "never-checked");
	asked_ok(&asked);
	asked_free(&asked);
	ask(&asked, &MU_REQUEST(.kind = "grain", .verb = "drop", .match = match));
	assert_string_equal(asked_text(&asked, "message"), "1 conditions, n 12");
	asked_free(&asked);
	json_decref(match);
}

static void test_an_owner_that_answers_a_list_with_nonsense(void **state)
{
	struct asked asked;

	(void)state;
	ask_start(&million);
	answers_nonsense = true;
	ask_one(&asked, "grain", "list", NULL);
	asked_failed(&asked, -EIO, "something else");
	ask_one(&asked, "grain", "get", "1");
	asked_failed(&asked, -EIO, "something else");
	answers_nonsense = false;
}

/* ---- on loops of their own ---- */

static int far_done; /* atomic */

static void far_answer(struct mu_instance *self, const struct mu_result *result, void *data)
{
	(void)data;
	assert_true(mu_on_loop(self));
	assert_int_equal(result->code, 0);
	__atomic_add_fetch(&far_done, 1, __ATOMIC_RELEASE);
}

static void far_run(struct mu_instance *self, struct mu_call *call)
{
	assert_true(mu_on_loop(self));
	mu_object_put(self, "far", "x", json_object());
	mu_reply_text(call, "%s", mu_call_user(call));
}

static const struct mu_kind far_kinds[] = { { .name = "far", .plural = "fars" }, MU_KIND_END };
static const struct mu_command far_commands[] = {
	{ .kind = "far", .name = "go", .effect = MU_CHANGE, .flags = MU_ON_KIND, .run = far_run },
	MU_COMMAND_END
};

static int near_start(struct mu_instance *self, struct mu_error *error)
{
	struct mu_request request = MU_REQUEST(.kind = "far", .verb = "go");

	(void)error;
	for (int i = 0; i < 500; i++)
		mu_call(self, &request, far_answer, NULL);
	return 0;
}

static bool all_done(void *data)
{
	(void)data;
	return __atomic_load_n(&far_done, __ATOMIC_ACQUIRE) == 500;
}

static bool is_running(void *data)
{
	return ((struct mu_instance *)data)->is == INSTANCE_RUNNING;
}

static bool is_stopped(void *data)
{
	return ((struct mu_instance *)data)->is == INSTANCE_STOPPED;
}

static void test_across_loops(void **state)
{
	static const struct mu_plugin far = MU_PLUGIN_INIT(far, .loop = "far", .kinds = far_kinds,
							   .commands = far_commands);
	static const struct mu_plugin near = MU_PLUGIN_INIT(near, .loop = "near", .start = near_start);

	(void)state;
	struct mu_instance *owner_there = core_instance(&far, MU_SEC), *caller = core_instance(&near, MU_SEC);
	instance_start(owner_there);
	core_until(is_running, owner_there);
	instance_start(caller);
	core_until(all_done, NULL);
	instance_stop(caller, MU_STOP_END);
	core_until(is_stopped, caller);
	instance_stop(owner_there, MU_STOP_END);
	core_until(is_stopped, owner_there);
	core_settle();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

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
		TEST(test_a_key_does_it_once),
		TEST(test_a_key_is_forgotten_in_time),
		TEST(test_two_with_one_key_wait_together),
		TEST(test_a_key_tells_how_the_unknown_ended),
		TEST(test_keys_have_a_bound),
		TEST(test_nobody_can_take_it_all),
		TEST(test_a_stream),
		TEST(test_a_stream_that_nobody_hears),
		TEST(test_parts_of_what_is_no_stream),
		TEST(test_list_and_get_of_a_published_kind),
		TEST(test_viewers_cannot_ask_about_persons),
		TEST(test_a_million_in_pages),
		TEST(test_get_and_verbs_of_a_served_kind),
		TEST(test_an_owner_that_answers_a_list_with_nonsense),
		TEST(test_across_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
