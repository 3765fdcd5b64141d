/* kind: the directory of kinds and verbs: whose they are, what they may be called, and what is left when
 * their owners end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "base/str.h"
#include "command.h"
#include "kind.h"

static void answer(struct mu_instance *self, struct mu_call *call)
{
	mu_reply_text(call, "%s", mu_name(self));
}

static void serve_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	(void)self, (void)query;
	mu_reply(call, json_pack("{s:[]}", "items"));
}

static void serve_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	(void)self;
	mu_reply(call, json_pack("{s:s}", "id", id));
}

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
static const struct mu_attr attrs[] = { { .name = "pid", .type = MU_INT },
					{ .name = "since", .type = MU_DOUBLE },
					MU_ATTR_END };
static const struct mu_kind worker_kinds[] = { { .name = "worker",
						 .plural = "workers",
						 .aliases = "clients  machines",
						 .attrs = attrs,
						 .states = states,
						 .since = "since" },
					       MU_KIND_END };
static const struct mu_command worker_commands[] = {
	{ .kind = "worker", .name = "poke", .effect = MU_CHANGE, .flags = MU_ON_KIND, .run = answer },
	MU_COMMAND_END
};
static const struct mu_plugin worker = MU_PLUGIN_INIT(farm, .kinds = worker_kinds,
						      .commands = worker_commands);

/* Stands alone: registered, but not in the directory of instances. */
static struct mu_instance *alone(struct mu_instance *instance, const struct mu_plugin *plugin)
{
	memset(instance, 0, sizeof(*instance));
	instance->plugin = plugin;
	text_copy(instance->name, sizeof(instance->name), plugin->name);
	return instance;
}

static int try_add(const struct mu_kind *kinds, const struct mu_command *commands, struct mu_error *error)
{
	const struct mu_plugin plugin = MU_PLUGIN_INIT(other, .kinds = kinds, .commands = commands);
	struct mu_instance instance;

	memset(error, 0, sizeof(*error));
	int r = kind_add_instance(alone(&instance, &plugin), error);
	if (r == 0)
		kind_remove_instance(&instance);
	return r;
}

static size_t count_kinds(void)
{
	struct kind *kind;
	size_t count = 0;

	for (size_t at = 0; kind_next(&at, &kind);)
		count++;
	return count;
}

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

static void test_words(void **state)
{
	(void)state;
	ask_start(&worker);
	struct kind *kind = kind_find("worker");
	assert_non_null(kind);
	assert_ptr_equal(kind_find("workers"), kind);
	assert_ptr_equal(kind_find("clients"), kind);
	assert_ptr_equal(kind_find("machines"), kind);
	assert_null(kind_find("client"));
	assert_null(kind_find(NULL));
	assert_string_equal(kind_nearest("wroker"), "worker");
	assert_null(kind_nearest("zebra"));
	assert_string_equal(kind->plugin, "farm");
}

static void test_attributes_in_order_state_first(void **state)
{
	(void)state;
	size_t at = 0;

	assert_string_equal(kind_attr_next(worker_kinds, &at)->name, "state");
	assert_string_equal(kind_attr_next(worker_kinds, &at)->name, "pid");
	assert_string_equal(kind_attr_next(worker_kinds, &at)->name, "since");
	assert_null(kind_attr_next(worker_kinds, &at));
	assert_int_equal(kind_attr(worker_kinds, "state")->type, MU_ENUM);
	assert_null(kind_attr(worker_kinds, "nothing"));
	assert_int_equal(kind_state(worker_kinds, "down")->tone, MU_FAIL);
	assert_null(kind_state(worker_kinds, "sideways"));
}

static void test_conflicts_leave_nothing(void **state)
{
	struct mu_error error;

	(void)state;
	ask_start(&worker);
	size_t before = count_kinds();
	const struct mu_kind name[] = { { .name = "fine", .plural = "fines" },
					{ .name = "clients", .plural = "c" },
					MU_KIND_END };
	assert_int_equal(try_add(name, NULL, &error), -EEXIST);
	assert_non_null(strstr(error.what, "kind worker of plugin farm"));
	assert_null(kind_find("fine"));
	const struct mu_kind alias[] = { { .name = "nurse", .plural = "nurses", .aliases = "x workers" },
					 MU_KIND_END };
	assert_int_equal(try_add(alias, NULL, &error), -EEXIST);
	const struct mu_command verb[] = {
		{ .kind = "worker", .name = "poke", .effect = MU_LOOK, .run = answer }, MU_COMMAND_END
	};
	const struct mu_kind fine[] = { { .name = "fine", .plural = "fines" }, MU_KIND_END };
	assert_int_equal(try_add(fine, verb, &error), -EEXIST);
	assert_non_null(strstr(error.what, "worker.poke is plugin farm's"));
	assert_null(kind_find("fine"));
	assert_int_equal(count_kinds(), before);
	assert_int_equal(try_add(fine, NULL, &error), 0);
	assert_int_equal(count_kinds(), before);
}

static void test_served_by_one_alone(void **state)
{
	static const struct mu_kind kinds[] = { { .name = "task",
						  .plural = "tasks",
						  .flags = MU_SERVED,
						  .list = serve_list,
						  .get = serve_get },
						MU_KIND_END };
	static const struct mu_plugin plugin = MU_PLUGIN_INIT(tasks, .kinds = kinds);
	struct mu_instance second;
	struct mu_error error = { 0 };

	(void)state;
	struct mu_instance *first = ask_start(&plugin);
	assert_ptr_equal(kind_find("task")->server, first);
	assert_int_equal(kind_add_instance(alone(&second, &plugin), &error), -EBUSY);
	assert_true(error.remedy[0] != '\0');
	assert_false(kind_owned_by(kind_find("task"), &second));
}

static void test_instances_share_a_kind(void **state)
{
	struct asked asked;

	(void)state;
	struct mu_instance *first = ask_start(&worker), *second = ask_start_named(&worker, "farm:two");
	struct kind *kind = kind_find("worker");
	assert_true(kind_owned_by(kind, first) && kind_owned_by(kind, second));
	uint64_t epoch = kind->epoch;
	assert_ptr_equal(command_find(kind, "poke")->owner, first);
	ask_one(&asked, "worker", "poke", NULL);
	assert_string_equal(asked_text(&asked, "message"), "farm");
	asked_free(&asked);

	ask_stop(first);
	assert_ptr_equal(kind_find("worker"), kind);
	assert_int_equal(kind->epoch, epoch);
	assert_ptr_equal(command_find(kind, "poke")->owner, second);
	ask_stop(second);
	assert_null(kind_find("worker"));
	assert_null(kind_find("machines"));
}

static void test_a_new_life_is_a_new_epoch(void **state)
{
	(void)state;
	struct mu_instance *first = ask_start(&worker);
	uint64_t epoch = kind_find("worker")->epoch;
	ask_stop(first);
	clock_step_real(-3600 * MU_SEC); /* also when the clock was set back */
	ask_start(&worker);
	assert_true(kind_find("worker")->epoch > epoch);
}

static void test_verbs_wait_for_their_kind(void **state)
{
	static const struct mu_command commands[] = { { .kind = "worker",
							.name = "paint",
							.effect = MU_CHANGE,
							.flags = MU_ON_KIND,
							.run = answer },
						      MU_COMMAND_END };
	static const struct mu_plugin painter = MU_PLUGIN_INIT(painter, .commands = commands);
	struct asked asked;

	(void)state;
	struct mu_instance *paints = ask_start(&painter);
	ask_one(&asked, "worker", "paint", NULL);
	asked_failed(&asked, -ENOENT, "no kind \"worker\"");
	struct mu_instance *farm = ask_start(&worker);
	ask_one(&asked, "worker", "paint", NULL);
	asked_ok(&asked);
	assert_string_equal(asked_text(&asked, "message"), "painter");
	asked_free(&asked);

	ask_stop(farm);
	ask_start(&worker);
	ask_one(&asked, "worker", "paint", NULL);
	asked_ok(&asked);
	asked_free(&asked);
	ask_stop(paints);
	ask_one(&asked, "worker", "paint", NULL);
	asked_failed(&asked, -ENOENT, "no command \"paint\"");
}

static void test_errors_name_what_is_near(void **state)
{
	struct command *command;
	struct mu_error error = { 0 };

	(void)state;
	ask_start(&worker);
	assert_int_equal(command_resolve("workres", "list", &command, &error), -ENOENT);
	assert_non_null(strstr(error.remedy, "\"workers\""));
	assert_int_equal(command_resolve("worker", "pole", &command, &error), -ENOENT);
	assert_non_null(strstr(error.remedy, "\"poke\""));
	assert_int_equal(command_resolve(NULL, NULL, &command, &error), -ENOENT);
	assert_int_equal(command_resolve("worker", NULL, &command, &error), -ENOENT);
	assert_int_equal(command_resolve("machines", "get", &command, &error), 0);
	assert_true(command->generic);
	assert_int_equal(command_role(command->row), MU_VIEWER);
	assert_int_equal(command_role(worker_commands), MU_OPERATOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_words),
		TEST(test_attributes_in_order_state_first),
		TEST(test_conflicts_leave_nothing),
		TEST(test_served_by_one_alone),
		TEST(test_instances_share_a_kind),
		TEST(test_a_new_life_is_a_new_epoch),
		TEST(test_verbs_wait_for_their_kind),
		TEST(test_errors_name_what_is_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
