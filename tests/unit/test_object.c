/* object: put, compare, keep; and subscriptions: one picture, then every change, however slow the reader
 * is. */
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
#include "kind.h"
#include "object.h"

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
static const char *const colours[] = { "red", "blue", NULL };
static const struct mu_attr attrs[] = { { .name = "name", .type = MU_STRING },
					{ .name = "pid", .type = MU_INT },
					{ .name = "load", .type = MU_DOUBLE },
					{ .name = "on", .type = MU_BOOL },
					{ .name = "tags", .type = MU_STRINGS },
					{ .name = "colour", .type = MU_ENUM, .choices = colours },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					{ .name = "extra", .type = MU_BLOCK },
					MU_ATTR_END };
static void serve_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	(void)self, (void)query;
	mu_reply(call, json_pack("{s:[]}", "items"));
}
static void serve_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self;
	mu_reply_error(call, -ENOENT, "no %s", id);
}
static const struct mu_kind kinds[] = {
	{ .name = "worker", .plural = "workers", .attrs = attrs, .states = states }, MU_KIND_END
};
static const struct mu_kind task_kinds[] = { { .name = "task",
					       .plural = "tasks",
					       .flags = MU_SERVED,
					       .attrs = attrs,
					       .list = serve_list,
					       .get = serve_get },
					     MU_KIND_END };
static const struct mu_plugin farm = MU_PLUGIN_INIT(farm, .kinds = kinds);
static const struct mu_plugin tasks = MU_PLUGIN_INIT(tasks, .kinds = task_kinds);

/* What a subscription heard, as text: "snapshot worker/a@1 …". */
struct heard {
	struct str words;
	size_t count, snapshots, resets, synced;
	uint64_t sequence;
	const char *kind; /* of the last */
	char last[512];
	int leave_at; /* unsubscribes inside the callback of this change */
	struct mu_object_sub *sub;
};

static void changed(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	static const char *const names[] = { "?", "snapshot", "synced", "put", "delete", "reset" };
	struct heard *heard = mu_object_sub_data(sub);

	assert_ptr_equal(self, ask_instance());
	heard->count++;
	heard->snapshots += change->what == MU_CHANGE_SNAPSHOT;
	heard->resets += change->what == MU_CHANGE_RESET;
	heard->synced += change->what == MU_CHANGE_SYNCED;
	if (change->what == MU_CHANGE_RESET || heard->kind != change->kind)
		heard->sequence = 0;
	heard->kind = change->kind;
	assert_true(change->sequence >= heard->sequence);
	heard->sequence = change->sequence;
	if (change->json) {
		assert_int_equal(strlen(change->json), change->json_length);
		text_copy(heard->last, sizeof(heard->last), change->json);
	}
	if (heard->words.len < 4096)
		str_printf(&heard->words, "%s %s/%s@%d ", names[change->what], change->kind,
			   change->id ? change->id : "", (int)change->version);
	if (heard->leave_at && (int)heard->count == heard->leave_at)
		mu_objects_unsubscribe(&heard->sub);
}

static void look(struct heard *heard, const char *glob)
{
	memset(heard, 0, sizeof(*heard));
	heard->sub = mu_objects_subscribe(ask_instance(), glob, changed, heard);
}

static void assert_heard(struct heard *heard, const char *words)
{
	core_settle();
	assert_string_equal(str_text(&heard->words), words);
	str_clear(&heard->words);
}

static void leave(struct heard *heard)
{
	mu_objects_unsubscribe(&heard->sub);
	assert_null(heard->sub);
	core_settle();
	str_fini(&heard->words);
}

static struct mu_instance *owner;
static struct kind *kind;

static int put(const char *id, const char *attributes)
{
	char why[256];
	json_t *json = json_parse(attributes, strlen(attributes), why);

	assert_non_null(json);
	return mu_object_put(owner, "worker", id, json);
}

static int up(void **state)
{
	(void)state;
	ask_up();
	owner = ask_start(&farm);
	kind = kind_find("worker");
	return 0;
}

static int down(void **state)
{
	(void)state;
	ask_down();
	return 0;
}

/* ---- putting ---- */

static void test_equal_content_is_no_change(void **state)
{
	struct object_stats before, after;

	(void)state;
	object_stats(&before);
	assert_int_equal(put("a", "{\"pid\": 7, \"state\": \"up\"}"), 0);
	core_settle();
	struct object *object = object_find(kind, "a");
	assert_string_equal(object->bytes->text, "{\"state\":\"up\",\"pid\":7}");
	assert_int_equal(object->version, 1);
	assert_int_equal(kind->sequence, 1);
	/* another order, an id, and nothing for what is absent */
	put("a", "{\"id\": \"a\", \"state\": \"up\", \"name\": null, \"pid\": 7}");
	core_settle();
	assert_int_equal(object->version, 1);
	assert_int_equal(kind->sequence, 1);
	assert_int_equal(kind->bad_attrs, 0);
	put("a", "{\"state\": \"down\", \"pid\": 7}");
	core_settle();
	assert_int_equal(object->version, 2);
	assert_int_equal(kind->sequence, 2);
	object_stats(&after);
	assert_int_equal(after.puts - before.puts, 2);
	assert_int_equal(after.equal - before.equal, 1);
}

static void test_never_at_once(void **state)
{
	(void)state;
	assert_int_equal(put("a", "{}"), 0);
	assert_null(object_find(kind, "a"));
	core_settle();
	assert_non_null(object_find(kind, "a"));
}

static void test_what_the_table_does_not_know_is_dropped(void **state)
{
	static const char *const bad[] = {
		"{\"what\": 1}",           "{\"name\": 1}",   "{\"pid\": \"1\"}",          "{\"pid\": 1.5}",
		"{\"load\": true}",        "{\"on\": 1}",     "{\"tags\": \"a\"}",         "{\"tags\": [1]}",
		"{\"colour\": \"green\"}", "{\"colour\": 1}", "{\"state\": \"sideways\"}",
	};
	char complaint[160], why[256];

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(bad); i++) {
		json_t *json = json_parse(bad[i], strlen(bad[i]), why);
		assert_int_equal(object_check_attrs(kinds, json, complaint), 1);
		assert_int_equal(json_object_size(json), 0);
		assert_true(complaint[0] != '\0');
		json_decref(json);
	}
	put("a",
	    "{\"what\": 1, \"pid\": \"x\", \"load\": 3, \"colour\": \"red\", \"tags\": [\"x\"], \"extra\": {\"a\": [1]}}");
	core_settle();
	assert_string_equal(object_find(kind, "a")->bytes->text,
			    "{\"load\":3,\"tags\":[\"x\"],\"colour\":\"red\",\"extra\":{\"a\":[1]}}");
	assert_int_equal(kind->bad_attrs, 2);
	assert_true(kind->bad_told);
}

static void test_secrets_never_leave_the_owner(void **state)
{
	static struct heard heard;

	(void)state;
	look(&heard, "*");
	put("a", "{\"token\": \"s3cret\", \"name\": \"x\"}");
	core_settle();
	assert_string_equal(heard.last, "{\"name\":\"x\",\"token\":\"" OBJECT_MASK "\"}");
	leave(&heard);
}

static void test_ids(void **state)
{
	char longest[257] = { 0 };

	(void)state;
	memset(longest, 'x', 255);
	assert_int_equal(put(longest, "{}"), 0);
	longest[255] = 'x';
	assert_int_equal(put(longest, "{}"), -EINVAL);
	assert_int_equal(put("", "{}"), -EINVAL);
	assert_int_equal(put("a b", "{}"), -EINVAL);
	assert_int_equal(put("a\n", "{}"), -EINVAL);
	assert_int_equal(put("\xff", "{}"), -EINVAL);
	assert_int_equal(put("d\xc3\xbcne/1:2", "{}"), 0);
	assert_int_equal(mu_object_put(owner, "nothing", "a", json_object()), -EINVAL);
	assert_int_equal(mu_object_put(owner, "worker", "a", json_array()), -EINVAL);
	assert_int_equal(mu_object_put(owner, "worker", "a", NULL), -EINVAL);
	core_settle();
	assert_int_equal(kind->objects.count, 2);
}

static void test_delete(void **state)
{
	(void)state;
	put("a", "{}");
	assert_int_equal(mu_object_delete(owner, "worker", "a"), 0);
	assert_int_equal(mu_object_delete(owner, "worker", "a"), -ENOENT);
	assert_int_equal(mu_object_delete(owner, "worker", "b"), -ENOENT);
	assert_int_equal(mu_object_delete(owner, "nothing", "b"), -ENOENT);
	assert_int_equal(put("a", "{\"pid\": 2}"), 0);
	core_settle();
	assert_int_equal(object_find(kind, "a")->version, 1);
	assert_int_equal(kind->sequence, 3);
}

static void test_ten_thousand_are_full(void **state)
{
	struct object_stats before, after;
	char id[16];

	(void)state;
	object_stats(&before);
	for (int i = 0; i < KIND_OBJECTS_MAX; i++) {
		snprintf(id, sizeof(id), "w%d", i);
		assert_int_equal(put(id, "{}"), 0);
	}
	/* told at once, before main has seen a single one */
	assert_int_equal(put("more", "{}"), -ENOSPC);
	assert_int_equal(put("more", "{}"), -ENOSPC);
	assert_int_equal(put("w5", "{\"pid\": 5}"), 0);
	core_settle();
	assert_int_equal(kind->objects.count, KIND_OBJECTS_MAX);
	assert_int_equal(object_find(kind, "w5")->version, 2);
	assert_int_equal(kind->refused, 2);
	object_stats(&after);
	assert_int_equal(after.refused - before.refused, 2);
	assert_true(kind->full_told);
	assert_int_equal(mu_object_delete(owner, "worker", "w7"), 0);
	assert_int_equal(put("more", "{}"), 0);
	assert_int_equal(put("even-more", "{}"), -ENOSPC);
	core_settle();
	assert_int_equal(kind->objects.count, KIND_OBJECTS_MAX);
	assert_non_null(object_find(kind, "more"));
}

static void test_an_id_is_of_one_instance(void **state)
{
	(void)state;
	struct mu_instance *first = owner, *second = ask_start_named(&farm, "farm:two");
	assert_int_equal(put("a", "{}"), 0);
	owner = second;
	assert_int_equal(put("a", "{}"), -EEXIST);
	assert_int_equal(mu_object_delete(second, "worker", "a"), -ENOENT);
	assert_int_equal(put("b", "{}"), 0);
	/* given up by the first, free for the second at once */
	assert_int_equal(mu_object_delete(first, "worker", "a"), 0);
	assert_int_equal(put("a", "{\"pid\": 2}"), 0);
	core_settle();
	assert_ptr_equal(object_find(kind, "a")->owner, second);
	ask_stop(first);
	assert_int_equal(kind->objects.count, 2);
	assert_int_equal(kind->ids.count, 2);
}

static void test_what_an_ended_instance_put_goes(void **state)
{
	static struct heard heard;

	(void)state;
	struct mu_instance *first = owner, *second = ask_start_named(&farm, "farm:two");
	put("a", "{}");
	owner = second;
	put("b", "{}");
	look(&heard, "worker");
	core_settle();
	assert_int_equal(heard.snapshots, 2);
	str_clear(&heard.words);
	ask_stop(first);
	assert_heard(&heard, "delete worker/a@2 ");
	ask_stop(second);
	assert_heard(&heard, "reset worker/@0 ");
	leave(&heard);
}

/* ---- subscriptions ---- */

static void test_a_picture_then_each_change(void **state)
{
	static struct heard heard;

	(void)state;
	put("a", "{\"pid\": 1}");
	put("a", "{\"pid\": 2}");
	core_settle();
	look(&heard, "work*");
	put("b", "{}");
	assert_heard(&heard, "snapshot worker/a@2 synced worker/@0 put worker/b@1 ");
	put("a", "{\"pid\": 3}");
	core_settle();
	mu_object_delete(owner, "worker", "a");
	put("b", "{}");
	assert_heard(&heard, "put worker/a@3 delete worker/a@4 ");
	assert_int_equal(heard.sequence, kind->sequence);
	leave(&heard);
	put("c", "{}");
	core_settle();
	assert_int_equal(heard.count, 5);
}

static void test_served_kinds_pass_changes_only(void **state)
{
	static struct heard heard;

	(void)state;
	struct mu_instance *server = ask_start(&tasks);
	mu_object_put(server, "task", "1", json_pack("{s:i}", "pid", 1));
	core_settle();
	assert_int_equal(kind_find("task")->objects.count, 0);
	look(&heard, "task");
	assert_heard(&heard, "synced task/@0 ");
	mu_object_put(server, "task", "1", json_pack("{s:i}", "pid", 2));
	core_settle();
	assert_string_equal(heard.last, "{\"pid\":2}");
	assert_int_equal(mu_object_delete(server, "task", "never-seen"), 0);
	assert_heard(&heard, "put task/1@2 delete task/never-seen@3 ");
	leave(&heard);
}

static void test_an_owner_that_comes_back_is_a_reset(void **state)
{
	static struct heard heard;

	(void)state;
	put("a", "{}");
	core_settle();
	look(&heard, "worker");
	assert_heard(&heard, "snapshot worker/a@1 synced worker/@0 ");
	ask_stop(owner);
	assert_heard(&heard, "reset worker/@0 ");
	owner = ask_start(&farm);
	assert_heard(&heard, "reset worker/@0 synced worker/@0 ");
	put("a", "{}");
	assert_heard(&heard, "put worker/a@1 ");
	leave(&heard);
}

static void test_the_newest_of_an_object_wins(void **state)
{
	static struct heard heard;

	(void)state;
	look(&heard, "worker");
	assert_heard(&heard, "synced worker/@0 ");
	put("a", "{\"pid\": 1}");
	put("b", "{\"pid\": 1}");
	put("a", "{\"pid\": 2}");
	mu_object_delete(owner, "worker", "b");
	put("a", "{\"pid\": 3}");
	/* main sees all five before the subscriber's turn comes */
	assert_heard(&heard, "delete worker/b@2 put worker/a@3 ");
	leave(&heard);
}

static void test_what_waits_does_not_outlive_a_reset(void **state)
{
	static struct heard heard;

	(void)state;
	look(&heard, "worker");
	assert_heard(&heard, "synced worker/@0 ");
	object_put_now(owner, "worker", "a", json_object()); /* main has it, the subscriber not yet */
	object_sub_reset(kind, false);
	assert_heard(&heard, "reset worker/@0 ");
	leave(&heard);
}

static void test_a_slow_reader_is_shown_all_anew(void **state)
{
	static struct heard heard;
	struct object_stats before, after;
	char id[16];

	(void)state;
	object_stats(&before);
	struct mu_instance *server = ask_start(&tasks);
	put("a", "{}");
	core_settle();
	look(&heard, "*");
	assert_heard(&heard, "snapshot worker/a@1 synced worker/@0 synced task/@0 ");
	for (int i = 0; i <= OBJECT_SUB_MAX; i++) {
		snprintf(id, sizeof(id), "t%d", i);
		mu_object_put(server, "task", id, json_object());
	}
	put("a", "{\"pid\": 1}");
	heard.count = 0;
	assert_heard(&heard,
		     "reset worker/@0 snapshot worker/a@2 synced worker/@0 reset task/@0 synced task/@0 ");
	assert_int_equal(heard.count, 5);
	object_stats(&after);
	assert_int_equal(after.resyncs - before.resyncs, 1);
	assert_int_equal(after.subscriptions - before.subscriptions, 1);
	put("a", "{\"pid\": 2}");
	assert_heard(&heard, "put worker/a@3 ");
	leave(&heard);
}

static void test_ten_thousand_that_wait_are_not_too_many(void **state)
{
	static struct heard heard;
	char id[16];

	(void)state;
	struct mu_instance *server = ask_start(&tasks);
	look(&heard, "task");
	core_settle();
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < OBJECT_SUB_MAX; i++) {
			snprintf(id, sizeof(id), "t%d", i);
			mu_object_put(server, "task", id, json_pack("{s:i}", "pid", round));
		}
	core_settle();
	assert_int_equal(heard.count, 1 + OBJECT_SUB_MAX);
	assert_int_equal(heard.resets, 0);
	leave(&heard);
}

static void test_leaving_inside_a_callback(void **state)
{
	static struct heard heard;

	(void)state;
	put("a", "{}");
	put("b", "{}");
	put("c", "{}");
	core_settle();
	look(&heard, "worker");
	heard.leave_at = 2;
	core_settle();
	assert_int_equal(heard.count, 2);
	assert_null(heard.sub);
	mu_objects_unsubscribe(&heard.sub);
	put("d", "{}");
	core_settle();
	assert_int_equal(heard.count, 2);
	str_fini(&heard.words);
}

static void test_leaving_before_main_has_heard(void **state)
{
	static struct heard heard;

	(void)state;
	put("a", "{}");
	look(&heard, "worker");
	leave(&heard);
	assert_int_equal(heard.count, 0);
}

static void ignore(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	(void)self, (void)change;
	*(int *)mu_object_sub_data(sub) += 1;
}

static void test_one_that_ends_without_leaving(void **state)
{
	struct object_stats stats;
	int count = 0;

	(void)state;
	put("a", "{}");
	mu_objects_subscribe(ask_other(), "*", ignore, &count);
	core_settle();
	assert_int_equal(count, 2);
	put("b", "{}");
	ask_stop(ask_other());
	put("c", "{}");
	core_settle();
	object_stats(&stats);
	assert_int_equal(stats.subscriptions, 0);
	assert_true(count <= 3);
}

/* ---- on a loop of its own ---- */

static int there; /* atomic */

static void count_there(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	(void)sub;
	assert_true(mu_on_loop(self));
	if (change->what == MU_CHANGE_PUT && strcmp(change->id, "last") == 0)
		__atomic_store_n(&there, 1, __ATOMIC_RELEASE);
}

static int far_start(struct mu_instance *self, struct mu_error *error)
{
	(void)error;
	mu_objects_subscribe(self, "*", count_there, NULL);
	return 0;
}

static bool is_there(void *data)
{
	(void)data;
	return __atomic_load_n(&there, __ATOMIC_ACQUIRE);
}

static bool runs(void *data)
{
	return ((struct mu_instance *)data)->is == INSTANCE_RUNNING;
}

static bool stopped(void *data)
{
	return ((struct mu_instance *)data)->is == INSTANCE_STOPPED;
}

static void test_across_loops(void **state)
{
	static const struct mu_plugin far = MU_PLUGIN_INIT(far, .loop = "far", .start = far_start);
	char id[16];

	(void)state;
	struct mu_instance *looks = core_instance(&far, MU_SEC);
	instance_start(looks);
	core_until(runs, looks);
	assert_false(looks->loop == loop_main());
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "w%d", i % 100);
		mu_object_put(owner, "worker", id, json_pack("{s:i}", "pid", i));
		if (i % 50 == 0)
			loop_turn(loop_main());
	}
	put("last", "{}");
	core_until(is_there, NULL);
	instance_stop(looks, MU_STOP_END);
	core_until(stopped, looks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_content_is_no_change),
		TEST(test_never_at_once),
		TEST(test_what_the_table_does_not_know_is_dropped),
		TEST(test_secrets_never_leave_the_owner),
		TEST(test_ids),
		TEST(test_delete),
		TEST(test_ten_thousand_are_full),
		TEST(test_an_id_is_of_one_instance),
		TEST(test_what_an_ended_instance_put_goes),
		TEST(test_a_picture_then_each_change),
		TEST(test_served_kinds_pass_changes_only),
		TEST(test_an_owner_that_comes_back_is_a_reset),
		TEST(test_the_newest_of_an_object_wins),
		TEST(test_what_waits_does_not_outlive_a_reset),
		TEST(test_a_slow_reader_is_shown_all_anew),
		TEST(test_ten_thousand_that_wait_are_not_too_many),
		TEST(test_leaving_inside_a_callback),
		TEST(test_leaving_before_main_has_heard),
		TEST(test_one_that_ends_without_leaving),
		TEST(test_across_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
