/* test_layout: the archives that collectd 5.12 makes, by numbers taken from its files. */
#include "layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

static struct layout_options options;
static struct layout layout;

static void make(mu_time interval)
{
	layout_make(&options, interval, &layout);
}

static void assert_rra(size_t at, enum layout_cf cf, uint32_t per_row, uint32_t rows)
{
	assert_true(at < layout.rra_count);
	assert_int_equal(layout.rras[at].cf, cf);
	assert_int_equal(layout.rras[at].pdp_per_row, per_row);
	assert_int_equal(layout.rras[at].rows, rows);
}

static void every_ten_seconds(void **state)
{
	(void)state;
	static const uint32_t want[][2] = {
		{ 1, 1200 }, { 7, 1235 }, { 50, 1210 }, { 223, 1202 }, { 2635, 1201 }
	};

	layout_defaults(&options);
	make(10 * MU_SEC);
	assert_int_equal(layout.step, 10);
	assert_int_equal(layout.heartbeat, 20);
	assert_int_equal(layout.rra_count, 15);
	for (size_t i = 0; i < 5; i++)
		for (unsigned cf = 0; cf < 3; cf++)
			assert_rra(3 * i + cf, (enum layout_cf)cf, want[i][0], want[i][1]);
}

static void every_second(void **state)
{
	(void)state;
	layout_defaults(&options);
	make(MU_SEC);
	assert_int_equal(layout.step, 1);
	assert_int_equal(layout.heartbeat, 2);
	assert_rra(0, LAYOUT_AVERAGE, 1, 3600);
	assert_rra(3, LAYOUT_AVERAGE, 72, 1200);
	assert_rra(6, LAYOUT_AVERAGE, 504, 1200);
	assert_rra(9, LAYOUT_AVERAGE, 2232, 1200);
	assert_rra(14, LAYOUT_MAX, 26352, 1200);
}

static void intervals_are_cut_to_seconds(void **state)
{
	(void)state;
	layout_defaults(&options);
	make(1500 * MU_MS);
	assert_int_equal(layout.step, 1);
	assert_int_equal(layout.heartbeat, 3);
	/* where collectd makes no file at all */
	make(100 * MU_MS);
	assert_int_equal(layout.step, 1);
	assert_int_equal(layout.heartbeat, 2);
	make(0);
	assert_int_equal(layout.step, 1);
	make(INT64_MAX);
	assert_true(layout.step > 0 && layout.heartbeat >= layout.step);
}

/* A span shorter than what the rows cover is stretched; collectd makes several of the same, and so do we. */
static void long_steps_stretch_short_spans(void **state)
{
	(void)state;
	layout_defaults(&options);
	make(300 * MU_SEC);
	assert_rra(0, LAYOUT_AVERAGE, 1, 1200);
	assert_rra(3, LAYOUT_AVERAGE, 1, 1200);
	assert_rra(6, LAYOUT_AVERAGE, 1, 2016);
	assert_rra(9, LAYOUT_AVERAGE, 7, 1276);
	assert_rra(12, LAYOUT_AVERAGE, 87, 1212);
}

static void options_override(void **state)
{
	(void)state;
	layout_defaults(&options);
	options.step = 60;
	make(10 * MU_SEC);
	assert_int_equal(layout.step, 60);
	assert_int_equal(layout.heartbeat, 120);
	options.heartbeat = 600;
	make(10 * MU_SEC);
	assert_int_equal(layout.heartbeat, 600);
	options.step = 0;
	options.rows = 100;
	options.cfs = 1u << LAYOUT_LAST;
	options.span_count = 0;
	assert_int_equal(layout_add_span(&options, 86400), 0);
	assert_int_equal(layout_add_span(&options, 3600), 0);
	assert_int_equal(layout_add_span(&options, 7200), 0);
	make(10 * MU_SEC);
	assert_int_equal(layout.rra_count, 3);
	assert_rra(0, LAYOUT_LAST, 1, 360);
	assert_rra(1, LAYOUT_LAST, 7, 103);
	assert_rra(2, LAYOUT_LAST, 86, 101);
	for (size_t i = 3; i < LAYOUT_SPANS; i++)
		assert_int_equal(layout_add_span(&options, 1), 0);
	assert_int_equal(layout_add_span(&options, 1), -ENOSPC);
}

static void words_of_rrdcreate(void **state)
{
	(void)state;
	char text[LAYOUT_TEXT];
	struct mu_source source = { .name = "value", .type = MU_DERIVE, .min = 0, .max = NAN };

	layout_defaults(&options);
	make(10 * MU_SEC);
	assert_int_equal(layout_source_text(text, &layout, &source), 0);
	assert_string_equal(text, "DS:value:DERIVE:20:0.000000:U");
	source = (struct mu_source){ .name = "shortterm", .type = MU_GAUGE, .min = NAN, .max = 5000 };
	assert_int_equal(layout_source_text(text, &layout, &source), 0);
	assert_string_equal(text, "DS:shortterm:GAUGE:20:U:5000.000000");
	source = (struct mu_source){ .name = "a", .type = MU_COUNTER, .min = -1.7e308, .max = INFINITY };
	assert_int_equal(layout_source_text(text, &layout, &source), 0);
	assert_non_null(strstr(text, "DS:a:COUNTER:20:-1699999"));
	source =
		(struct mu_source){ .name = "twenty_bytes_of_name", .type = MU_ABSOLUTE, .min = 0, .max = 1 };
	assert_int_equal(layout_source_text(text, &layout, &source), -ENAMETOOLONG);
	layout_rra_text(text, &options, &layout.rras[4]);
	assert_string_equal(text, "RRA:MIN:0.1000000000:7:1235");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ten_seconds),
		cmocka_unit_test(every_second),
		cmocka_unit_test(intervals_are_cut_to_seconds),
		cmocka_unit_test(long_steps_stretch_short_spans),
		cmocka_unit_test(options_override),
		cmocka_unit_test(words_of_rrdcreate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
