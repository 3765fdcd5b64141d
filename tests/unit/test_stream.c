/* stream: filled in parts and in bytes, the oldest goes, what is missing is told where it is missing, and the series that
 * a slow caller watches come through the same queue. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ask.h"
#include "base/json.h"
#include "batch.h"
#include "bus.h"
#include "call.h"
#include "call_parts.h"
#include "fake_core.h"

enum { PARTS = 100, BYTES = 4000 };

static struct mu_call *talking;

static void count_gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	talking = NULL;
	mu_reply(call, NULL);
}

static void run_count(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	talking = call;
	mu_call_on_gone(call, count_gone);
	stream_open(call, PARTS, BYTES);
}

static const struct mu_kind kinds[] = { { .name = "counting", .plural = "countings", .help = "numbers" }, MU_KIND_END };
static const struct mu_command commands[] = {
	{ .kind = "counting", .name = "count", .title = "Count", .help = "up", .effect = MU_LOOK,
	  .flags = MU_ON_KIND | MU_STREAM, .run = run_count },
	MU_COMMAND_END
};
static const struct mu_plugin counting = MU_PLUGIN_INIT(counting, .kinds = kinds, .commands = commands);

/* ---- all parts, rather than the last of them ---- */

struct heard {
	json_t *parts;
	bool over;
	struct mu_pending *pending;
};

static void hear(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct heard *heard = data;
	char error[256];

	(void)self;
	heard->over = !result->part;
	if (result->part)
		json_array_append_new(heard->parts, json_parse(result->json, result->json_length, error));
}

static void listen_to(struct heard *heard, const char *kind, const char *verb, json_t *args)
{
	struct mu_request request = MU_REQUEST(.kind = kind, .verb = verb, .args = args);

	*heard = (struct heard){ .parts = json_array() };
	heard->pending = mu_call(ask_instance(), &request, hear, heard);
	core_settle();
	assert_false(heard->over);
}

static void hang_up(struct heard *heard)
{
	mu_pending_cancel(&heard->pending);
	core_settle();
	json_decref(heard->parts);
}

static void credit(struct heard *heard, uint32_t parts)
{
	mu_pending_credit(heard->pending, parts);
	core_settle();
}

static json_int_t said(const struct heard *heard, size_t at, const char *key)
{
	return json_get_int(json_array_get(heard->parts, at), key, -1);
}

static struct heard counted;
static uint64_t lost_before, bugs_before;

static void say(int from, int to)
{
	for (int i = from; i < to; i++)
		assert_int_equal(stream_send(talking, json_pack("{s:i}", "n", i)), 0);
	core_settle();
}

static uint64_t bugs(void)
{
	struct call_stats stats;

	call_stats(&stats);
	return stats.bugs;
}

static int begin(void **state)
{
	(void)state;
	ask_up();
	ask_start(&counting);
	listen_to(&counted, "counting", "count", NULL);
	assert_non_null(talking);
	lost_before = stream_lost();
	bugs_before = bugs();
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(bugs(), bugs_before);
	hang_up(&counted);
	assert_null(talking);
	ask_down();
	return 0;
}

static void test_what_waits_comes_when_there_is_room(void **state)
{
	(void)state;
	say(0, CALL_CREDIT + PARTS);
	assert_int_equal(json_array_size(counted.parts), CALL_CREDIT);
	credit(&counted, 10);
	assert_int_equal(json_array_size(counted.parts), CALL_CREDIT + 10);
	credit(&counted, 1000);
	assert_int_equal(json_array_size(counted.parts), CALL_CREDIT + PARTS);
	for (int i = 0; i < CALL_CREDIT + PARTS; i++)
		assert_int_equal(said(&counted, (size_t)i, "n"), i);
	assert_int_equal(stream_lost(), lost_before);
}

static void test_a_full_one_loses_the_oldest_and_says_how_many(void **state)
{
	(void)state;
	say(0, CALL_CREDIT + PARTS + 25);
	assert_int_equal(stream_lost() - lost_before, 25);
	credit(&counted, 2); /* the notice, and one of those that waited */
	assert_int_equal(said(&counted, CALL_CREDIT, "lost"), 25);
	assert_int_equal(said(&counted, CALL_CREDIT + 1, "n"), CALL_CREDIT + 25);
	say(1000, 1003); /* one has room, two others go: told in their place */
	assert_int_equal(stream_lost() - lost_before, 27);
	credit(&counted, 1000);
	assert_int_equal(said(&counted, CALL_CREDIT + 2, "lost"), 2);
	assert_int_equal(said(&counted, CALL_CREDIT + 3, "n"), CALL_CREDIT + 28);
	assert_int_equal(said(&counted, json_array_size(counted.parts) - 1, "n"), 1002);
	assert_int_equal(json_array_size(counted.parts), CALL_CREDIT + 2 + 1 + PARTS);
}

static void test_bytes_are_bounded_as_well(void **state)
{
	char text[1001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say(0, CALL_CREDIT);
	for (int i = 0; i < 10; i++)
		assert_int_equal(stream_send(talking, json_pack("{s:i, s:s}", "n", i, "text", text)), 0);
	assert_int_equal(stream_lost() - lost_before, 7); /* three of them are 4,000 bytes with what is around them */
	credit(&counted, 1000);
	assert_int_equal(said(&counted, CALL_CREDIT, "lost"), 7);
	assert_int_equal(said(&counted, CALL_CREDIT + 1, "n"), 7);
	assert_int_equal(json_array_size(counted.parts), CALL_CREDIT + 1 + 3);
}

static void test_losses_of_others_are_told_too(void **state)
{
	(void)state;
	stream_lose(talking, 5);
	core_settle();
	assert_int_equal(said(&counted, 0, "lost"), 5);
	say(0, CALL_CREDIT - 1);
	stream_lose(talking, 2);
	stream_lose(talking, 3);
	credit(&counted, 1);
	assert_int_equal(said(&counted, CALL_CREDIT, "lost"), 5);
	assert_int_equal(stream_lost() - lost_before, 10);
}

static void test_what_waits_goes_with_its_call(void **state)
{
	(void)state;
	say(0, CALL_CREDIT + PARTS); /* `end` hangs up with a full queue, and the sanitizer sees what stays */
}

/* ---- series.watch ---- */

static void put_samples(struct mu_builder *builder, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct mu_batch *batch = builder_begin(builder, mu_time_real() + i * MU_SEC, MU_SEC);
		mu_gauge(batch, "gauge", "x", i);
		bus_submit(batch, true);
		core_settle();
	}
}

static json_int_t gauge_at(const struct heard *heard, size_t at)
{
	const json_t *values = json_object_get(json_array_get(heard->parts, at), "values");

	return (json_int_t)json_number_value(json_object_get(values, "value"));
}

static void test_a_slow_watcher_of_series_misses_nothing_silently(void **state)
{
	struct heard watched;
	uint64_t before = bugs();

	(void)state;
	fake_types("gauge value:GAUGE:U:U\n");
	ask_start_self();
	struct mu_builder *builder = builder_new(ask_instance(), "test");
	json_t *args = json_pack("{s:s}", "glob", "*/test/gauge-x");
	listen_to(&watched, "series", "watch", args);
	json_decref(args);
	put_samples(builder, 1, 201);
	assert_int_equal(json_array_size(watched.parts), CALL_CREDIT);
	credit(&watched, 1000);
	assert_int_equal(json_array_size(watched.parts), 200);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(gauge_at(&watched, i), (json_int_t)i + 1);
	assert_int_equal(bugs(), before);
	hang_up(&watched);
	mu_builder_free(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_waits_comes_when_there_is_room, begin, end),
		cmocka_unit_test_setup_teardown(test_a_full_one_loses_the_oldest_and_says_how_many, begin, end),
		cmocka_unit_test_setup_teardown(test_bytes_are_bounded_as_well, begin, end),
		cmocka_unit_test_setup_teardown(test_losses_of_others_are_told_too, begin, end),
		cmocka_unit_test_setup_teardown(test_what_waits_goes_with_its_call, begin, end),
		cmocka_unit_test_setup_teardown(test_a_slow_watcher_of_series_misses_nothing_silently, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
