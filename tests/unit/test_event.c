/* test_event: numbers that go on, pages from memory and from the store, followers and listeners that do not
 * keep up. */
#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "core_up.h"
#include "event_node.h"
#include "log.h"
#include "loop.h"
#include "store.h"
#include "stream.h"

/* ---- a plugin that has what the core's own instance has of events, and one that listens ---- */

static struct mu_store *store;
static size_t heard;
static uint64_t heard_last;

static int owner_start(struct mu_instance *self, struct mu_error *error)
{
	store = mu_store_open(self, event_migrations, event_migration_count, error);
	if (!store)
		return error->code;
	event_store(store);
	return 0;
}

static struct mu_kind kinds[2];
static struct mu_command commands[2];
static const struct mu_plugin owner_plugin = MU_PLUGIN_INIT(owner, .kinds = kinds, .commands = commands,
							    .start = owner_start);

static void listener_event(struct mu_instance *self, const struct mu_event *event)
{
	(void)self;
	assert_true(event->number > heard_last);
	heard++;
	heard_last = event->number;
}
static const struct mu_plugin listener_plugin = MU_PLUGIN_INIT(listener, .event = listener_event);
static const struct mu_plugin caller_plugin = MU_PLUGIN_INIT(caller, .about = "asks");

static struct mu_instance *owner, *listener, *caller;

static bool is_true(void *data)
{
	return *(bool *)data;
}

static int begin(void **state)
{
	(void)state;
	kinds[0] = event_kind;
	commands[0] = event_commands[0];
	core_up();
	assert_int_equal(log_open("/dev/null"), 0);
	owner = core_instance(&owner_plugin, MU_SEC);
	listener = core_instance(&listener_plugin, MU_SEC);
	caller = core_instance(&caller_plugin, MU_SEC);
	instance_start(caller);
	core_settle();
	return 0;
}

static int end(void **state)
{
	(void)state;
	instance_stop(owner, MU_STOP_END);
	instance_stop(caller, MU_STOP_END);
	instance_stop(listener, MU_STOP_END);
	core_settle();
	core_down();
	return 0;
}

/* ---- asking ---- */

struct answer {
	bool come;
	int code;
	json_t *json;
	json_t *parts;
	struct mu_pending *pending;
};

static void answered(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct answer *answer = data;
	char error[256];

	assert_ptr_equal(self, caller);
	json_t *json = result->json ? json_parse(result->json, result->json_length, error) : NULL;
	if (result->part) {
		json_array_append_new(answer->parts, json);
		return;
	}
	answer->json = json;
	answer->code = result->code;
	answer->come = true;
}

/* ' stands for " */
static struct answer *ask_open(const char *verb, const char *id, const char *args)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	char error[256], *text = strdup(args);

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *json = json_parse(text, strlen(text), error);
	assert_non_null(json);
	answer->parts = json_array();
	answer->pending = mu_call(caller,
				  &MU_REQUEST(.kind = "event",
					      .verb = verb,
					      .ids = id ? &id : NULL,
					      .id_count = id != NULL,
					      .args = json,
					      .source = "test"),
				  answered, answer);
	json_decref(json);
	free(text);
	return answer;
}

static struct answer *ask(const char *verb, const char *id, const char *args)
{
	struct answer *answer = ask_open(verb, id, args);

	core_until(is_true, &answer->come);
	return answer;
}

static void answer_free(struct answer *answer)
{
	json_decref(answer->json);
	json_decref(answer->parts);
	free(answer);
}

static json_int_t number_at(const json_t *items, size_t at)
{
	return json_integer_value(json_object_get(json_array_get(items, at), "number"));
}

static size_t count_of(const char *args)
{
	struct answer *answer = ask("list", NULL, args);

	assert_int_equal(answer->code, 0);
	size_t count = json_array_size(json_object_get(answer->json, "items"));
	answer_free(answer);
	return count;
}

static uint64_t newest(void)
{
	const struct event_node *node = event_ring_at(0);
	return node ? node->event.number : 0;
}

static bool newest_is(void *data)
{
	return newest() == *(uint64_t *)data;
}

static void wait_for_newest(uint64_t number)
{
	core_until(newest_is, &number);
}

/* ---- tests, in this order: each begins where the one before it ended ---- */

static void events_wait_for_their_number(void **state)
{
	(void)state;
	event_core(MU_WARNING, "the first %s", "of all");
	mu_event_object(owner, MU_FAILURE, "worker", "w1", "broke\nin two");
	core_settle();
	assert_null(event_ring_at(0)); /* nobody knows yet where numbers go on */
	instance_start(owner);
	wait_for_newest(2);
	const struct mu_event *event = &event_ring_at(0)->event;
	assert_string_equal(event->words, "broke in two");
	assert_string_equal(event->plugin, "owner");
	assert_string_equal(event->kind, "worker");
	assert_string_equal(event->id, "w1");
	assert_int_equal(event->time, 1700000000 * MU_SEC);
	assert_string_equal(event_ring_at(1)->event.words, "the first of all");
	assert_string_equal(event_ring_at(1)->event.plugin, "core");
	assert_null(event_ring_at(2));
}

static void numbers_go_on_over_a_restart(void **state)
{
	(void)state;
	instance_stop(owner, MU_STOP_END);
	core_settle();
	event_fini();
	event_init();
	event_core(MU_INFO, "a new life");
	instance_start(owner);
	instance_start(listener);
	wait_for_newest(3);
	assert_null(event_ring_at(1));
	owner = instance_find("owner");
	assert_int_equal(count_of("{}"), 3); /* the older ones are in the store only */
}

static void all_pages_are_all_events(void **state)
{
	json_int_t expected;
	size_t pages = 0;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		clock_advance(MU_MS);
		mu_event(i % 3 ? owner : caller, i % 5 ? MU_INFO : MU_FAILURE, "number %d", i);
		if (i % 100 == 0)
			core_settle();
	}
	core_settle();
	expected = (json_int_t)newest();
	assert_int_equal(expected, 1503);
	char args[96] = "{'limit':400}";
	for (bool more = true; more; pages++) {
		struct answer *answer = ask("list", NULL, args);
		assert_int_equal(answer->code, 0);
		const json_t *items = json_object_get(answer->json, "items");
		for (size_t i = 0; i < json_array_size(items); i++)
			assert_int_equal(number_at(items, i), expected--);
		const char *next = json_get_text(answer->json, "next");
		more = next != NULL;
		if (more)
			text_printf(args, sizeof(args), "{'limit':400,'after':'%s'}", next);
		answer_free(answer);
	}
	assert_int_equal(expected, 0);
	assert_int_equal(pages, 4);
	/* the oldest first, which the ring cannot answer */
	struct answer *answer = ask("list", NULL, "{'limit':5,'sort':'time'}");
	assert_int_equal(number_at(json_object_get(answer->json, "items"), 0), 1);
	assert_string_equal(json_get_text(answer->json, "next"), "5");
	answer_free(answer);
}

/* A small limit is answered from the ring, a large one from the store. */
static void same_conditions_same_events(void **state)
{
	static const struct {
		const char *where;
		size_t count;
	} cases[] = {
		{ "{'attr':'severity','op':'=','value':'failure'}", 301 },
		{ "{'attr':'severity','op':'<=','value':'warning'}", 302 },
		{ "{'attr':'severity','op':'!=','value':'info'}", 302 },
		{ "{'attr':'severity','op':'~','value':'*a*'}", 302 },
		{ "{'attr':'plugin','op':'~','value':'c?ller'},{'attr':'severity','op':'=','value':'failure'}",
		  100 },
		{ "{'attr':'words','op':'=','value':'number 700'}", 1 },
		{ "{'attr':'words','op':'~','value':'number 14*'}", 111 },
		{ "{'attr':'number','op':'<','value':'100'}", 99 },
		{ "{'attr':'number','op':'>=','value':'1500'}", 4 },
		{ "{'attr':'id','op':'=','value':'1200'}", 1 },
		{ "{'attr':'time','op':'>','value':'1700000001.499'}", 1 },
		{ "{'attr':'about_kind','op':'=','value':'worker'}", 1 },
		{ "{'attr':'about_kind','op':'!=','value':'worker'},{'attr':'number','op':'<=','value':'10'}",
		  9 },
		{ "{'attr':'series','op':'=','value':'x'}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		struct str args = { 0 };
		str_printf(&args, "{'limit':1000,'where':[%s]}", cases[i].where);
		size_t all = count_of(str_text(&args));
		if (all != cases[i].count)
			fail_msg("%s: %zu events, not %zu", cases[i].where, all, cases[i].count);
		str_clear(&args);
		str_printf(&args, "{'limit':1,'where':[%s]}", cases[i].where);
		assert_int_equal(count_of(str_text(&args)), cases[i].count > 0);
		str_fini(&args);
	}
	struct answer *answer = ask("list", NULL, "{'sort':'words'}");
	assert_int_equal(answer->code, -EINVAL);
	answer_free(answer);
	answer = ask("list", NULL, "{'after':'soon'}");
	assert_int_equal(answer->code, -EINVAL);
	answer_free(answer);
}

static void assert_get(const char *id, int code, const char *words)
{
	struct answer *answer = ask("get", id, "{}");

	assert_int_equal(answer->code, code);
	if (words)
		assert_string_equal(json_get_text(answer->json, "words"), words);
	answer_free(answer);
}

static void one_is_found_in_memory_or_in_the_store(void **state)
{
	(void)state;
	assert_get("1503", 0, "number 1499");
	assert_get("504", 0, "number 500");
	assert_get("503", 0, "number 499"); /* the first that the ring has not */
	assert_get("1", 0, "the first of all");
	assert_get("1504", -ENOENT, NULL);
	assert_get("0", -ENOENT, NULL);
	assert_get("x", -EINVAL, NULL);
}

static void a_listener_that_is_slow_loses_the_newest(void **state)
{
	(void)state;
	core_settle();
	size_t before = heard;
	uint64_t dropped = event_dropped();
	for (int i = 0; i < 1200; i++)
		event_core(MU_INFO, "a flood");
	core_settle(); /* all arrive in one turn, and it is told in the next */
	assert_int_equal(heard, before + 1000);
	assert_int_equal(event_dropped(), dropped + 200);
	assert_int_equal(listener->events_lost, 200);
	event_core(MU_INFO, "one more");
	core_settle();
	assert_int_equal(heard, before + 1001);
	assert_int_equal(heard_last, newest());
}

static void more_than_main_can_take_are_dropped(void **state)
{
	(void)state;
	uint64_t before = newest(), dropped = event_dropped();
	size_t told = heard;
	for (int i = 0; i < EVENT_WAITING_MAX + 50; i++)
		event_core(MU_INFO, "a deluge");
	core_settle();
	assert_int_equal(newest(), before + EVENT_WAITING_MAX);
	/* what the listener lost is counted as well */
	assert_int_equal(event_dropped(), dropped + 50 + EVENT_WAITING_MAX - (heard - told));
}

static void a_follower_sees_what_it_asked_for(void **state)
{
	(void)state;
	mu_event(owner, MU_FAILURE, "before");
	mu_event(caller, MU_FAILURE, "not its plugin");
	core_settle();
	struct answer *answer = ask_open("follow", NULL, "{'severity':'warning','plugin':'own*','recent':1}");
	core_settle();
	mu_event(owner, MU_WARNING, "during");
	mu_event(owner, MU_INFO, "not so bad");
	mu_event(caller, MU_FAILURE, "not its plugin");
	core_settle();
	assert_int_equal(json_array_size(answer->parts), 2);
	assert_string_equal(json_get_text(json_array_get(answer->parts, 0), "words"), "before");
	assert_string_equal(json_get_text(json_array_get(answer->parts, 1), "words"), "during");
	assert_string_equal(json_get_text(json_array_get(answer->parts, 1), "severity"), "warning");
	assert_false(answer->come);
	mu_pending_cancel(&answer->pending);
	core_settle();
	mu_event(owner, MU_WARNING, "after");
	core_settle();
	assert_int_equal(json_array_size(answer->parts), 2);
	answer_free(answer);
}

static void a_follower_that_is_slow_is_told_what_it_lost(void **state)
{
	(void)state;
	uint64_t lost = stream_lost();
	struct answer *answer = ask_open("follow", NULL, "{'recent':0}");
	core_settle();
	for (int i = 0; i < 2000; i++) {
		event_core(MU_INFO, "event %d", i);
		if (i % 100 == 0)
			core_settle();
	}
	core_settle();
	assert_int_equal(json_array_size(answer->parts), 64); /* as many as it has given leave for */
	mu_pending_credit(answer->pending, 10000);
	core_settle();
	size_t count = json_array_size(answer->parts);
	assert_int_equal(count, 64 + 1 + 1000);
	assert_string_equal(json_get_text(json_array_get(answer->parts, 63), "words"), "event 63");
	assert_int_equal(json_get_int(json_array_get(answer->parts, 64), "lost", 0), 2000 - 1064);
	assert_string_equal(json_get_text(json_array_get(answer->parts, 65), "words"), "event 1000");
	assert_string_equal(json_get_text(json_array_get(answer->parts, count - 1), "words"), "event 1999");
	assert_int_equal(stream_lost() - lost, 2000 - 1064);
	event_core(MU_INFO, "goes on");
	core_settle();
	assert_string_equal(json_get_text(json_array_get(answer->parts, count), "words"), "goes on");
	mu_pending_cancel(&answer->pending);
	core_settle();
	answer_free(answer);
}

/* ---- the history when there is no room ---- */

struct sql_op {
	struct mu_store_op op;
	const char *sql;
	int64_t value;
	bool done;
};

static int row_value(const struct mu_row *row, void *data)
{
	*(int64_t *)data = mu_row_i64(row, 0);
	return 0;
}

static int sql_run_op(struct sqlite3 *db, struct mu_store_op *op)
{
	struct sql_op *sql = MU_CONTAINER(op, struct sql_op, op);
	int r = mu_sql(db, sql->sql, row_value, &sql->value, NULL);
	return r < 0 ? r : 0;
}

static void sql_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	(void)self;
	assert_int_equal(status, 0);
	MU_CONTAINER(op, struct sql_op, op)->done = true;
}

static int64_t sql_now(const char *text)
{
	struct sql_op sql = { .op = { .run = sql_run_op, .done = sql_done }, .sql = text };

	mu_store_write(store, &sql.op);
	core_until(is_true, &sql.done);
	return sql.value;
}

static bool one_failed(void *data)
{
	struct store_stats stats;

	store_stats(&stats);
	return stats.failed > *(uint64_t *)data;
}

static void what_finds_no_room_is_tried_again(void **state)
{
	char words[1000];
	struct store_stats stats;

	(void)state;
	core_settle();
	sql_now("PRAGMA max_page_count = 1"); /* as many as it has */
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	int64_t before = sql_now("SELECT max(number) FROM event");
	for (int i = 0; i < 50; i++)
		event_core(MU_INFO, "%s", words);
	store_stats(&stats);
	core_until(one_failed, &stats.failed);
	core_settle();
	assert_int_equal(sql_now("SELECT max(number) FROM event"), before);
	sql_now("PRAGMA max_page_count = 1000000");
	clock_advance(30 * MU_SEC);
	core_settle();
	/* the trouble is an event itself */
	assert_int_equal(sql_now("SELECT max(number) FROM event"), newest());
	assert_true(newest() >= (uint64_t)before + 51);
	assert_int_equal(sql_now("SELECT count(*) FROM event"), newest());
}

static void the_newest_hundred_thousand_are_kept(void **state)
{
	(void)state;
	sql_now("INSERT INTO event (number, time, severity, plugin, words) VALUES (150000, 0, 8, 'x', 'far ahead')");
	assert_int_equal(sql_now("SELECT count(*) FROM event WHERE number <= 50000"), 0);
	sql_now("INSERT INTO audit (number, time) VALUES (1, 0), (2, 0), (100001, 0), (100100, 0)");
	assert_int_equal(sql_now("SELECT count(*) FROM audit"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_wait_for_their_number),
		cmocka_unit_test(numbers_go_on_over_a_restart),
		cmocka_unit_test(all_pages_are_all_events),
		cmocka_unit_test(same_conditions_same_events),
		cmocka_unit_test(one_is_found_in_memory_or_in_the_store),
		cmocka_unit_test(a_listener_that_is_slow_loses_the_newest),
		cmocka_unit_test(more_than_main_can_take_are_dropped),
		cmocka_unit_test(a_follower_sees_what_it_asked_for),
		cmocka_unit_test(a_follower_that_is_slow_is_told_what_it_lost),
		cmocka_unit_test(what_finds_no_room_is_tried_again),
		cmocka_unit_test(the_newest_hundred_thousand_are_kept),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
