/* test_call_list: list and get, of kinds that are published and of those that are served; and calls across loops. */
#include "call_up.h"

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
						  .attrs = worker_attrs,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_and_get_of_a_published_kind),
		TEST(test_viewers_cannot_ask_about_persons),
		TEST(test_a_million_in_pages),
		TEST(test_get_and_verbs_of_a_served_kind),
		TEST(test_an_owner_that_answers_a_list_with_nonsense),
		TEST(test_across_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
