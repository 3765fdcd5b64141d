/* job: what outlives its call: its object, its progress, its end, and who may end it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "base/json.h"
#include "kind.h"
#include "object.h"

static struct {
	struct mu_job *job;
	int cancels, starts;
	bool end_at_stop;
} saw;

static void cancel(struct mu_instance *self, struct mu_job *job)
{
	(void)self;
	assert_ptr_equal(mu_job_data(job), &saw);
	saw.cancels++;
}

static void run_visit(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	saw.starts++;
	saw.job = mu_job_start(call, &saw, "visit %s", "everyone");
}

static void crawler_stop(struct mu_instance *self)
{
	if (saw.end_at_stop)
		mu_job_end(&saw.job, -ECANCELED, NULL, "put away");
	mu_stopped(self);
}

static const struct mu_kind kinds[] = { { .name = "site", .plural = "sites" }, MU_KIND_END };
static const struct mu_command commands[] = { { .kind = "site",
						.name = "visit",
						.effect = MU_CHANGE,
						.flags = MU_ON_KIND | MU_LONG,
						.run = run_visit },
					      MU_COMMAND_END };
static const struct mu_plugin crawler = MU_PLUGIN_INIT(crawler, .kinds = kinds, .commands = commands,
						       .stop = crawler_stop);

static struct mu_instance *owner;

static int up(void **state)
{
	(void)state;
	memset(&saw, 0, sizeof(saw));
	ask_up();
	ask_start_self();
	owner = ask_start(&crawler);
	return 0;
}

static int down(void **state)
{
	(void)state;
	ask_down();
	return 0;
}

static void pass(mu_time span)
{
	clock_advance(span);
	core_settle();
}

/* The job's object, as get shows it. */
static json_t *get(const char *id)
{
	struct asked asked;

	ask_one(&asked, "job", "get", id);
	asked_ok(&asked);
	return asked.json;
}

static void assert_state(const char *id, const char *state, const char *sentence)
{
	json_t *job = get(id);

	assert_string_equal(json_get_text(job, "state"), state);
	if (sentence)
		assert_string_equal(json_get_text(job, "sentence"), sentence);
	json_decref(job);
}

static double progress(const char *id)
{
	json_t *job = get(id);
	const json_t *value = json_object_get(job, "progress");
	double number = value ? json_number_value(value) : NAN;

	json_decref(job);
	return number;
}

/* Begins one by a call; its id. */
static const char *begin(void)
{
	static char id[64];
	struct asked asked;

	ask_one(&asked, "site", "visit", NULL);
	asked_ok(&asked);
	assert_true(strlen(asked_text(&asked, "job")) < sizeof(id));
	memccpy(id, asked_text(&asked, "job"), 0, sizeof(id));
	assert_string_equal(asked_text(&asked, "message"), "visit everyone");
	asked_free(&asked);
	return id;
}

static void test_from_begin_to_end(void **state)
{
	(void)state;
	const char *id = begin();
	json_t *job = get(id);
	assert_string_equal(json_get_text(job, "title"), "visit everyone");
	assert_string_equal(json_get_text(job, "state"), "running");
	assert_string_equal(json_get_text(job, "who"), "ada");
	assert_string_equal(json_get_text(job, "plugin"), "crawler");
	assert_string_equal(json_get_text(job, "command"), "site.visit");
	assert_null(json_object_get(job, "progress"));
	assert_null(json_object_get(job, "until"));
	assert_true(json_number_value(json_object_get(job, "since")) == 1700000000.0);
	json_decref(job);

	mu_job_progress(saw.job, 0.25, "is at %d", 25);
	core_settle();
	assert_true(progress(id) == 0.25);
	assert_state(id, "running", "is at 25");
	mu_job_end(&saw.job, 0, json_pack("{s:i}", "sites", 7), "all were at home");
	assert_null(saw.job);
	core_settle();
	job = get(id);
	assert_string_equal(json_get_text(job, "state"), "done");
	assert_string_equal(json_get_text(job, "sentence"), "all were at home");
	assert_int_equal(json_get_int(json_object_get(job, "result"), "sites", 0), 7);
	assert_true(json_number_value(json_object_get(job, "progress")) == 1);
	assert_non_null(json_object_get(job, "until"));
	json_decref(job);
}

static bool seen_before_answer;

static void changed(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	(void)self, (void)sub;
	seen_before_answer |= change->what == MU_CHANGE_PUT;
}

static void answered(struct mu_instance *self, const struct mu_result *result, void *data)
{
	(void)self;
	*(int *)data = result->code == 0 && seen_before_answer;
}

static void test_the_object_is_there_before_the_answer(void **state)
{
	struct mu_request request = MU_REQUEST(.kind = "site", .verb = "visit");
	int good = 0;

	(void)state;
	seen_before_answer = false;
	struct mu_object_sub *sub = mu_objects_subscribe(ask_instance(), "job", changed, NULL);
	core_settle();
	mu_call(ask_instance(), &request, answered, &good);
	core_settle();
	assert_int_equal(good, 1);
	mu_objects_unsubscribe(&sub);
	mu_job_end(&saw.job, 0, NULL, NULL);
	core_settle();
}

static void test_five_times_a_second(void **state)
{
	(void)state;
	const char *id = begin();
	uint64_t before = kind_find("job")->sequence;
	for (int i = 0; i < 1000; i++) {
		mu_job_progress(saw.job, i / 1000.0, NULL);
		pass(MU_MS);
	}
	uint64_t sent = kind_find("job")->sequence - before;
	assert_true(sent >= 5 && sent <= 6);
	pass(200 * MU_MS);
	assert_true(progress(id) == 0.999); /* the last is never lost */
	mu_job_progress(saw.job, 7, NULL);
	pass(200 * MU_MS);
	assert_true(progress(id) == 1);
	mu_job_progress(saw.job, NAN, NULL);
	pass(200 * MU_MS);
	assert_true(isnan(progress(id)));
	mu_job_end(&saw.job, 0, NULL, NULL);
	core_settle();
}

static void test_failed_and_cancelled(void **state)
{
	(void)state;
	const char *id = begin();
	mu_job_end(&saw.job, -EHOSTUNREACH, NULL, "nobody was at %s", "home");
	core_settle();
	assert_state(id, "failed", "nobody was at home");
	id = begin();
	mu_job_end(&saw.job, -EIO, NULL, NULL);
	core_settle();
	assert_state(id, "failed", "Input/output error");

	id = begin();
	struct asked asked;
	ask_one(&asked, "job", "cancel", id);
	asked_failed(&asked, -EBUSY, "no way to end it");
	mu_job_on_cancel(saw.job, cancel);
	core_settle();
	ask_one(&asked, "job", "cancel", id);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "1 job asked to end");
	asked_free(&asked);
	core_settle();
	assert_int_equal(saw.cancels, 1);
	assert_state(id, "running", NULL);
	mu_job_end(&saw.job, -ECANCELED, NULL, "as you wish");
	core_settle();
	assert_state(id, "cancelled", "as you wish");
	ask_one(&asked, "job", "cancel", id);
	asked_failed(&asked, -EBUSY, "ended already");
}

static void test_a_cancel_that_comes_too_late(void **state)
{
	struct asked asked;
	const char *id = begin();

	(void)state;
	mu_job_on_cancel(saw.job, cancel);
	core_settle();
	ask_begin(&asked, &MU_REQUEST(.kind = "job", .verb = "cancel", .ids = &id, .id_count = 1));
	mu_job_end(&saw.job, 0, NULL, "faster");
	core_settle();
	assert_int_equal(saw.cancels, 0);
	assert_int_equal(asked.dones, 1);
	asked_free(&asked);
	assert_state(id, "done", "faster");
}

static void test_forget(void **state)
{
	struct asked asked;
	const char *id = begin();

	(void)state;
	ask_one(&asked, "job", "forget", id);
	asked_failed(&asked, -EBUSY, "under way");
	mu_job_end(&saw.job, 0, NULL, NULL);
	core_settle();
	json_t *match = json_pack("{s:s}", "state", "done");
	ask(&asked, &MU_REQUEST(.kind = "job", .verb = "forget", .match = match));
	json_decref(match);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "1 job forgotten");
	asked_free(&asked);
	ask_one(&asked, "job", "get", id);
	asked_failed(&asked, -ENOENT, "no job");
}

static void test_its_plugin_stops(void **state)
{
	const char *id = begin();

	(void)state;
	ask_stop(owner);
	assert_state(id, "failed", "its plugin stopped");
}

static void test_its_plugin_ends_it_when_it_stops(void **state)
{
	const char *id = begin();

	(void)state;
	saw.end_at_stop = true;
	ask_stop(owner);
	assert_state(id, "cancelled", "put away");
}

static void test_by_the_plugin_itself(void **state)
{
	(void)state;
	struct mu_job *job = mu_job_new(owner, NULL, "tour %d", 1);
	assert_non_null(job);
	core_settle();
	struct asked asked;
	ask_one(&asked, "job", "list", NULL);
	asked_ok(&asked);
	const json_t *one = json_array_get(json_object_get(asked.json, "items"), 0);
	assert_string_equal(json_get_text(one, "title"), "tour 1");
	assert_string_equal(json_get_text(one, "who"), "crawler");
	assert_null(json_object_get(one, "command"));
	asked_free(&asked);
	mu_job_end(&job, 0, NULL, NULL);
	core_settle();
}

static void test_a_thousand_are_the_most(void **state)
{
	static struct mu_job *jobs[1000];
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(jobs); i++)
		assert_non_null(jobs[i] = mu_job_new(owner, NULL, "job %zu", i));
	assert_null(mu_job_new(owner, NULL, "one more"));
	ask_one(&asked, "site", "visit", NULL);
	asked_failed(&asked, -EBUSY, "1000 jobs are under way");
	assert_null(saw.job);
	for (size_t i = 0; i < MU_ARRAY_LEN(jobs); i++)
		mu_job_end(&jobs[i], 0, NULL, NULL);
	core_settle();
	assert_int_equal(kind_find("job")->objects.count, 1000);
	/* of those that have ended the newest thousand are kept */
	begin();
	mu_job_end(&saw.job, 0, NULL, NULL);
	core_settle();
	assert_int_equal(kind_find("job")->objects.count, 1000);
}

static void test_a_result_that_is_too_long(void **state)
{
	static char text[70000];
	const char *id = begin();

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	mu_job_end(&saw.job, 0, json_string(text), "%s", text);
	core_settle();
	json_t *job = get(id);
	assert_null(json_object_get(job, "result"));
	assert_int_equal(strlen(json_get_text(job, "sentence")), 511);
	json_decref(job);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_begin_to_end),
		TEST(test_the_object_is_there_before_the_answer),
		TEST(test_five_times_a_second),
		TEST(test_failed_and_cancelled),
		TEST(test_a_cancel_that_comes_too_late),
		TEST(test_forget),
		TEST(test_its_plugin_stops),
		TEST(test_its_plugin_ends_it_when_it_stops),
		TEST(test_by_the_plugin_itself),
		TEST(test_a_thousand_are_the_most),
		TEST(test_a_result_that_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
