/* test_batch: what goes into a batch and what is left out; and that a builder which has seen a round before
 * asks for no series again. */
#include "batch.h"
#include "base/clock.h"
#include "base/str.h"
#include "bus.h"
#include "fake_core.h"
#include "instance.h"
#include "loop.h"
#include "types.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOW (1700000000 * MU_SEC)

static const struct mu_plugin plugin = MU_PLUGIN_INIT(maker);
static struct mu_instance maker = { .plugin = &plugin, .name = "maker:x", .interval = 10 * MU_SEC };

static int setup(void **state)
{
	(void)state;
	fake_types("gauge value:GAUGE:U:U\npercent value:GAUGE:0:100.1\ncpu value:DERIVE:0:U\n"
	           "counter value:COUNTER:U:U\nabsolute value:ABSOLUTE:0:U\n"
	           "load s:GAUGE:0:5000, m:GAUGE:0:5000, l:GAUGE:0:5000\n");
	clock_hold(1000 * MU_SEC, NOW);
	series_init("here");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	series_fini();
	types_fini();
	clock_release();
	return 0;
}

static void name_is(const struct mu_batch *batch, size_t i, const char *name)
{
	assert_true(i < mu_batch_count(batch));
	assert_string_equal(mu_series_name(mu_batch_sample(batch, i)->series), name);
}

static void values_in_a_row(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_batch *batch = mu_builder_begin(builder);
	const union mu_value load[] = { { .gauge = 1 }, { .gauge = 2 }, { .gauge = 3 } };

	(void)state;
	assert_int_equal(mu_gauge(batch, "gauge", "a", 1.5), 0);
	assert_int_equal(mu_values(batch, "load", NULL, load, 3), 0);
	assert_int_equal(mu_derive(batch, "cpu", "user", -7), 0);
	mu_batch_host(batch, "there");
	mu_batch_plugin(batch, "other-one");
	mu_batch_instance(batch, "/var/log");
	mu_batch_time(batch, 5 * MU_SEC);
	mu_batch_interval(batch, 60 * MU_SEC);
	assert_int_equal(mu_counter(batch, "counter", "", UINT64_MAX), 0);
	mu_batch_host(batch, NULL);
	mu_batch_instance(batch, NULL);
	mu_batch_time(batch, 0);
	mu_batch_interval(batch, 0);
	assert_int_equal(mu_absolute(batch, "absolute", "a/b", 12), 0);
	batch_finish(batch);

	const struct mu_sample *samples = mu_batch_sample(batch, 0);
	assert_int_equal(mu_batch_count(batch), 5);
	assert_ptr_equal(mu_batch_sample(batch, 4), samples + 4);
	name_is(batch, 0, "here/maker/gauge-a");
	name_is(batch, 1, "here/maker/load");
	name_is(batch, 2, "here/maker/cpu-user");
	name_is(batch, 3, "there/other_one-var_log/counter");
	name_is(batch, 4, "here/other_one/absolute-a_b");
	assert_float_equal(samples[0].values[0].gauge, 1.5, 0);
	assert_float_equal(samples[1].values[2].gauge, 3, 0);
	assert_int_equal(samples[1].count, 3);
	assert_int_equal(samples[2].values[0].derive, -7);
	assert_true(samples[3].values[0].counter == UINT64_MAX);
	assert_int_equal(samples[4].values[0].absolute, 12);
	assert_int_equal(samples[0].time, NOW);
	assert_int_equal(samples[0].interval, 10 * MU_SEC);
	assert_int_equal(samples[3].time, 5 * MU_SEC);
	assert_int_equal(samples[3].interval, 60 * MU_SEC);
	assert_int_equal(samples[4].time, NOW);
	assert_int_equal(samples[4].interval, 60 * MU_SEC);
	assert_true(batch->bytes > 5 * sizeof(struct mu_sample));
	assert_string_equal(batch->maker, "maker:x");
	mu_batch_drop(&batch);
	assert_null(batch);
	mu_builder_free(&builder);
	assert_null(builder);
	mu_builder_free(&builder);
}

static void a_flood_of_complaints_is_counted(void **state)
{
	struct mu_builder *builder = builder_new(NULL, "muster");
	struct mu_batch *batch = builder_begin(builder, NOW, MU_SEC);
	uint64_t errors = batch_errors(), untold = batch_errors_untold();
	char type[16];

	(void)state;
	fake_log.count = 0;
	for (int i = 0; i < 1500; i++) {
		snprintf(type, sizeof(type), "no%d", i);
		assert_int_equal(mu_gauge(batch, type, "", 1), -ENOENT);
	}
	assert_in_range(fake_log.count, 900, 1000); /* some were told by the tests before */
	assert_int_equal(batch_errors() - errors, 1500);
	assert_int_equal(batch_errors_untold() - untold, 1500 - fake_log.count);
	mu_batch_drop(&batch);
	mu_builder_free(&builder);
}

static void what_cannot_be_is_left_out_and_told_once(void **state)
{
	struct mu_builder *builder = builder_new(NULL, "muster");
	struct mu_batch *batch = builder_begin(builder, NOW, MU_SEC);
	const union mu_value two[] = { { .gauge = 1 }, { .gauge = 2 } };
	uint64_t before = batch_errors();
	char name_128[129];

	(void)state;
	memset(name_128, 'n', sizeof(name_128));
	name_128[128] = '\0';
	fake_log.count = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mu_gauge(batch, "perzent", "a", 1), -ENOENT);
		assert_int_equal(fake_log.count, 1);
	}
	assert_non_null(strstr(fake_log.words, "perzent"));
	assert_non_null(strstr(fake_log.words, "did you mean \"percent\"?"));
	assert_int_equal(mu_gauge(batch, "cpu", "a", 1), -EINVAL);
	assert_int_equal(mu_gauge(batch, "load", "", 1), -EINVAL);
	assert_int_equal(mu_values(batch, "load", "", two, 2), -EINVAL);
	assert_int_equal(mu_values(batch, "gauge", "", two, 0), -EINVAL);
	assert_int_equal(mu_gauge(batch, "gauge", name_128, 1), -EINVAL);
	assert_int_equal(mu_gauge(batch, "gauge", "a\nb", 1), -EINVAL);
	mu_batch_host(batch, ".");
	assert_int_equal(mu_gauge(batch, "gauge", "", 1), -EINVAL);
	mu_batch_host(batch, "fine");
	mu_batch_plugin(batch, "");
	assert_int_equal(mu_gauge(batch, "gauge", "", 1), -EINVAL);
	mu_batch_plugin(batch, "fine");
	mu_batch_instance(batch, name_128);
	assert_int_equal(mu_gauge(batch, "gauge", "", 1), -EINVAL);
	assert_int_equal(mu_batch_count(batch), 0);
	mu_batch_instance(batch, "fine");
	assert_int_equal(mu_gauge(batch, "gauge", "", 1), 0);
	assert_int_equal(batch_errors() - before, 12);
	batch_finish(batch);
	name_is(batch, 0, "fine/fine-fine/gauge");
	mu_batch_drop(&batch);
	mu_builder_free(&builder);
}

static void a_handle_goes_in_as_it_is(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_batch *batch = mu_builder_begin(builder);
	struct mu_series *series;
	const union mu_value value = { .gauge = 3 };

	(void)state;
	assert_int_equal(series_parse("h/p-i/gauge-t", NULL, &series, true, NULL), 0);
	assert_int_equal(mu_put(batch, series, &value, 1), 0);
	assert_int_equal(mu_put(batch, series, &value, 2), -EINVAL);
	batch_finish(batch);
	assert_int_equal(mu_batch_count(batch), 1);
	assert_ptr_equal(mu_batch_sample(batch, 0)->series, series);
	assert_int_equal(series->count, 3); /* the table's, ours, the batch's */
	mu_batch_drop(&batch);
	assert_int_equal(series->count, 2);
	mu_series_unref(&series);
	mu_builder_free(&builder);
}

static void a_full_batch_takes_no_more(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_batch *batch = mu_builder_begin(builder);
	struct mu_series *series;
	const union mu_value value = { .gauge = 3 };

	(void)state;
	assert_int_equal(series_parse("h/p-i/gauge-t", NULL, &series, true, NULL), 0);
	for (size_t i = 0; i < BATCH_SAMPLES_MAX; i++)
		assert_int_equal(mu_put(batch, series, &value, 1), 0);
	assert_int_equal(mu_put(batch, series, &value, 1), -ENOSPC);
	assert_int_equal(mu_gauge(batch, "gauge", "x", 1), -ENOSPC);
	batch_finish(batch);
	assert_int_equal(mu_batch_count(batch), BATCH_SAMPLES_MAX);
	assert_float_equal(mu_batch_sample(batch, BATCH_SAMPLES_MAX - 1)->values[0].gauge, 3, 0);
	mu_batch_drop(&batch);
	mu_series_unref(&series);
	mu_builder_free(&builder);
}

/* ---- memory ---- */

/* One batch of gauges named by a text, a letter each. Returns how many series were looked up for it. */
static size_t round_of(struct mu_builder *builder, const char *letters)
{
	struct mu_batch *batch = mu_builder_begin(builder);
	uint64_t before = builder_asked(builder);

	for (size_t i = 0; letters[i]; i++) {
		const char name[] = { letters[i], '\0' };
		assert_int_equal(mu_gauge(batch, "gauge", name, 1), 0);
	}
	batch_finish(batch);
	assert_int_equal(mu_batch_count(batch), strlen(letters));
	for (size_t i = 0; letters[i]; i++)
		assert_int_equal(mu_series_ident(mu_batch_sample(batch, i)->series)->type_instance[0],
		                 letters[i]);
	mu_batch_drop(&batch);
	return (size_t)(builder_asked(builder) - before);
}

static void a_round_seen_before_costs_no_look_up(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);

	(void)state;
	assert_int_equal(round_of(builder, "abcdef"), 6);
	assert_int_equal(round_of(builder, "abcdef"), 0);
	assert_int_equal(round_of(builder, "abcdef"), 0);
	/* it broke off, and came back */
	assert_int_equal(round_of(builder, "abc"), 0);
	assert_int_equal(round_of(builder, "abcdef"), 0);
	/* one has gone: those behind it are learnt anew, once */
	assert_true(round_of(builder, "abdef") > 0);
	assert_int_equal(round_of(builder, "abdef"), 0);
	mu_builder_free(&builder);
}

static void a_round_may_be_cut_anywhere(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);

	(void)state;
	round_of(builder, "abcd");
	round_of(builder, "efg");
	assert_int_equal(round_of(builder, "ab"), 0);
	assert_int_equal(round_of(builder, "cdef"), 0);
	assert_int_equal(round_of(builder, "gabcdefga"), 0);
	/* several times of one series in a row */
	assert_int_equal(round_of(builder, "bbccddee"), 0);
	assert_int_equal(round_of(builder, "ffffgaa"), 0);
	mu_builder_free(&builder);
}

static void what_has_to_be_cleaned_is_known_again(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	uint64_t before = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct mu_batch *batch = mu_builder_begin(builder);
		mu_batch_plugin(batch, "d-f");
		mu_batch_instance(batch, "/");
		mu_gauge(batch, "gauge", "/var/log", 1);
		mu_batch_instance(batch, "/home");
		mu_gauge(batch, "gauge", "/", 1);
		if (i == 0)
			before = builder_asked(builder);
		mu_batch_drop(&batch);
	}
	assert_int_equal(builder_asked(builder), before);
	mu_builder_free(&builder);
}

static void end_series(const char *letter)
{
	struct mu_ident ident = { NULL, "maker", "", "gauge", letter };
	struct mu_series *series;

	assert_int_equal(mu_series_find(&ident, &series), 0);
	series_unlink(series);
	mu_series_unref(&series);
}

static void a_round_whose_series_ended_is_learnt_anew(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);

	(void)state;
	round_of(builder, "abc");
	end_series("a");
	end_series("b");
	end_series("c");
	assert_int_equal(round_of(builder, "abc"), 3);
	assert_int_equal(round_of(builder, "abc"), 0);
	/* only what it begins with */
	end_series("a");
	assert_int_equal(round_of(builder, "abc"), 1);
	assert_int_equal(round_of(builder, "abc"), 0);
	mu_builder_free(&builder);
}

static void an_unlinked_handle_is_not_used_again(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_series *old, *now;
	struct mu_ident ident = { NULL, "maker", "", "gauge", "b" };

	(void)state;
	round_of(builder, "abc");
	assert_int_equal(mu_series_find(&ident, &old), 0);
	series_unlink(old);
	mu_series_unref(&old);
	assert_int_equal(mu_series_find(&ident, &now), -ENOENT);
	assert_int_equal(round_of(builder, "abc"), 1);
	assert_int_equal(mu_series_find(&ident, &now), 0);
	assert_int_equal(round_of(builder, "abc"), 0);
	mu_series_unref(&now);
	mu_builder_free(&builder);
}

static void handles_of_what_has_gone_are_let_go(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_series *gone;

	(void)state;
	round_of(builder, "abcz");
	assert_int_equal(mu_series_find(&(struct mu_ident){ NULL, "maker", "", "gauge", "z" }, &gone), 0);
	assert_int_equal(gone->count, 3); /* the table's, the builder's, ours */
	series_unlink(gone);
	round_of(builder, "abc");
	assert_int_equal(gone->count, 1);
	mu_series_unref(&gone);
	mu_builder_free(&builder);
}

static void blocks_are_used_again(void **state)
{
	struct mu_builder *builder = mu_builder_new(&maker);
	struct mu_batch *batch = mu_builder_begin(builder), *first = batch;

	(void)state;
	for (int i = 0; i < 100; i++)
		mu_gauge(batch, "gauge", "a", 1);
	batch_finish(batch);
	struct mu_sample *samples = batch->head.samples;
	mu_batch_drop(&batch);
	batch = mu_builder_begin(builder);
	assert_ptr_equal(batch, first);
	assert_ptr_equal(batch->head.samples, samples);
	assert_int_equal(mu_batch_count(batch), 0);
	/* a batch may outlive its builder */
	mu_gauge(batch, "gauge", "a", 1);
	batch_finish(batch);
	const struct mu_batch *kept = mu_batch_ref(batch);
	mu_batch_drop(&batch);
	mu_builder_free(&builder);
	name_is(kept, 0, "here/maker/gauge-a");
	mu_batch_unref(&kept);
	assert_null(kept);
	mu_batch_unref(&kept);
}

#define each(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(values_in_a_row),
		each(what_cannot_be_is_left_out_and_told_once),
		each(a_handle_goes_in_as_it_is),
		each(a_full_batch_takes_no_more),
		each(a_round_seen_before_costs_no_look_up),
		each(a_round_may_be_cut_anywhere),
		each(what_has_to_be_cleaned_is_known_again),
		each(a_round_whose_series_ended_is_learnt_anew),
		each(an_unlinked_handle_is_not_used_again),
		each(handles_of_what_has_gone_are_let_go),
		each(blocks_are_used_again),
		cmocka_unit_test(a_flood_of_complaints_is_counted), /* last: it fills what is remembered */
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
