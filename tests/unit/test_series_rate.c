/* test_series_rate: rates row by row, the last value, and its seqlock under a writer that never rests. */
#include "series_up.h"

/* ---- rates ---- */

#define C(n) { .counter = (n) }
#define G(n) { .gauge = (n) }
#define D(n) { .derive = (n) }
#define A(n) { .absolute = (n) }
#define NONE NAN, NAN

static void rates(void **state)
{
	static const struct {
		const char *what;
		enum mu_ds_type type;
		union mu_value now, before;
		int64_t dt;
		double min, max, rate;
	} rows[] = {
		{ "a gauge is what it is", MU_GAUGE, G(4.5), G(1), MU_SEC, NONE, 4.5 },
		{ "the first as well", MU_GAUGE, G(-1), G(0), 0, NONE, -1 },
		{ "unknown stays so", MU_GAUGE, G(NAN), G(1), MU_SEC, 0, 1, NAN },
		{ "at its bound", MU_GAUGE, G(100), G(1), MU_SEC, 0, 100, 100 },
		{ "above", MU_GAUGE, G(100.5), G(1), MU_SEC, 0, 100, NAN },
		{ "below", MU_GAUGE, G(-1), G(1), MU_SEC, 0, NAN, NAN },
		{ "no greatest", MU_GAUGE, G(1e300), G(1), MU_SEC, 0, NAN, 1e300 },
		{ "endless is above", MU_GAUGE, G(INFINITY), G(1), MU_SEC, 0, 1, NAN },
		{ "counted on", MU_COUNTER, C(150), C(100), 10 * MU_SEC, NONE, 5 },
		{ "stood still", MU_COUNTER, C(100), C(100), 10 * MU_SEC, 0, NAN, 0 },
		{ "wrapped at 32 bit", MU_COUNTER, C(4), C(UINT32_MAX), MU_SEC, NONE, 5 },
		{ "wrapped at 32 bit, from the middle", MU_COUNTER, C(0), C(UINT64_C(4294967286)),
		  10 * MU_SEC, NONE, 1 },
		{ "wrapped at 64 bit", MU_COUNTER, C(4), C(UINT64_MAX), MU_SEC, NONE, 5 },
		{ "over 32 bit there is no wrap at 32", MU_COUNTER, C(UINT64_C(1) << 33), C(UINT32_MAX),
		  MU_SEC, NONE, 4294967297.0 },
		{ "began anew: a jump out of bounds", MU_COUNTER, C(0), C(UINT64_C(1) << 40), MU_SEC, 0, 1e9,
		  NAN },
		{ "a counter's first", MU_COUNTER, C(7), C(0), 0, NONE, NAN },
		{ "a clock that went back", MU_COUNTER, C(7), C(0), -MU_SEC, NONE, NAN },
		{ "up", MU_DERIVE, D(30), D(10), 10 * MU_SEC, NONE, 2 },
		{ "down", MU_DERIVE, D(-10), D(10), 10 * MU_SEC, NONE, -2 },
		{ "down, which may not be", MU_DERIVE, D(0), D(1000), 10 * MU_SEC, 0, NAN, NAN },
		{ "half a second", MU_DERIVE, D(3), D(0), MU_SEC / 2, NONE, 6 },
		{ "the widest step", MU_DERIVE, D(INT64_MAX), D(INT64_MIN), MU_SEC, NONE,
		  18446744073709551616.0 },
		{ "a derive's first", MU_DERIVE, D(3), D(0), 0, NONE, NAN },
		{ "since the one before", MU_ABSOLUTE, A(50), A(1000), 10 * MU_SEC, NONE, 5 },
		{ "since when, at first?", MU_ABSOLUTE, A(50), A(0), 0, NONE, NAN },
		{ "too many", MU_ABSOLUTE, A(5000), A(0), 10 * MU_SEC, 0, 100, NAN },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(rows); i++) {
		double rate = series_rate(rows[i].type, rows[i].now, rows[i].before, rows[i].dt, rows[i].min,
		                          rows[i].max);
		if (isnan(rows[i].rate) ? !isnan(rate)
		                        : !(fabs(rate - rows[i].rate) <= fabs(rows[i].rate) * 1e-12))
			fail_msg("%s: %g, not %g", rows[i].what, rate, rows[i].rate);
	}
}

static int count_up_to(struct mu_series *series, void *data)
{
	size_t *left = data;

	assert_non_null(mu_series_name(series));
	return --*left == 0 ? 7 : 0;
}

static void each_series_is_shown(void **state)
{
	struct mu_series *one = get("h", "p", "", "cpu", "a"), *two = get("h", "p", "", "cpu", "b");
	size_t left = 9;

	(void)state;
	assert_int_equal(mu_series_each("h/p/cpu-*", count_up_to, &left), 0);
	assert_int_equal(left, 7);
	left = 1;
	assert_int_equal(mu_series_each(NULL, count_up_to, &left), 7); /* and none after it */
	assert_int_equal(left, 0);
	mu_series_unref(&one);
	mu_series_unref(&two);
}

static void an_older_plugin_has_less_room(void **state)
{
	struct mu_series *series = get("h", "p", "", "cpu", "");
	struct mu_last last = { .interval = 77 };
	double rate = 0;

	(void)state;
	put_at(series, 100 * MU_SEC, 1000, &rate);
	assert_int_equal(mu_series_last_sized(series, &last, offsetof(struct mu_last, interval)), 0);
	assert_int_equal(last.time, 100 * MU_SEC);
	assert_int_equal(last.interval, 77);
	mu_series_unref(&series);
}

static void the_last_value_is_kept(void **state)
{
	struct mu_series *series = get("h", "p", "", "cpu", "");
	struct mu_last last;
	double rate = 0;

	(void)state;
	assert_true(mu_series_last(series, &last) > 0);
	assert_int_equal(put_at(series, 100 * MU_SEC, 1000, &rate), 0);
	assert_true(isnan(rate));
	assert_int_equal(mu_series_last(series, &last), 0);
	assert_int_equal(last.time, 100 * MU_SEC);
	assert_int_equal(last.interval, 10 * MU_SEC);
	assert_int_equal(last.count, 1);
	assert_int_equal(last.values[0].derive, 1000);
	assert_true(isnan(last.rates[0]));

	assert_int_equal(put_at(series, 110 * MU_SEC, 1050, &rate), 0);
	assert_float_equal(rate, 5, 0);
	/* the same time, and an older one: told so, and the last value stands */
	assert_int_equal(put_at(series, 110 * MU_SEC, 9999, &rate), MU_SAMPLE_STALE);
	assert_true(isnan(rate));
	assert_int_equal(put_at(series, 105 * MU_SEC, 9999, &rate), MU_SAMPLE_STALE);
	mu_series_last(series, &last);
	assert_int_equal(last.values[0].derive, 1050);
	assert_float_equal(last.rates[0], 5, 0);
	/* it goes on from there */
	assert_int_equal(put_at(series, 120 * MU_SEC, 1150, &rate), 0);
	assert_float_equal(rate, 10, 0);
	mu_series_unref(&series);
}

/* ---- the seqlock ---- */

enum { ROUNDS = 200000 };

struct reading {
	struct mu_series *series;
	uint64_t seen;
	bool torn, back;
	bool stop; /* atomic */
};

static void *read_on(void *data)
{
	struct reading *reading = data;
	struct mu_last last;
	mu_time before = 0;

	while (!__atomic_load_n(&reading->stop, __ATOMIC_RELAXED)) {
		if (mu_series_last(reading->series, &last) > 0)
			continue;
		double n = (double)last.time;
		reading->torn |= last.values[0].gauge < n || last.values[0].gauge > n;
		reading->torn |= last.values[1].gauge < n || last.values[2].gauge > n || last.rates[2] < n;
		reading->torn |= last.interval != last.time;
		reading->back |= last.time < before;
		before = last.time;
		reading->seen++;
	}
	return NULL;
}

static void a_reader_never_sees_half_a_value(void **state)
{
	struct reading readings[2] = { 0 };
	struct mu_series *series = get("h", "p", "", "load", "");
	/* bounds would make these unknown */
	const struct mu_source wide[] = { { "s", MU_GAUGE, NAN, NAN },
		                          { "m", MU_GAUGE, NAN, NAN },
		                          { "l", MU_GAUGE, NAN, NAN } };
	const struct mu_type type = { "load", 3, wide };
	pthread_t threads[2];

	(void)state;
	series->type = &type;
	for (size_t i = 0; i < 2; i++) {
		readings[i].series = series;
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
	}
	for (int64_t n = 1; n <= ROUNDS; n++) {
		union mu_value values[3] = { { .gauge = (double)n },
			                     { .gauge = (double)n },
			                     { .gauge = (double)n } };
		double got[3];
		struct mu_sample sample = {
			.series = series, .time = n, .interval = n, .count = 3, .values = values, .rates = got
		};
		series_update(&sample, got, n);
	}
	for (size_t i = 0; i < 2; i++) {
		__atomic_store_n(&readings[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(threads[i], NULL);
		assert_false(readings[i].torn);
		assert_false(readings[i].back);
	}
	struct mu_last last;
	assert_int_equal(mu_series_last(series, &last), 0);
	assert_int_equal(last.time, ROUNDS);
	mu_series_unref(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(rates),
		each(each_series_is_shown),
		each(an_older_plugin_has_less_room),
		each(the_last_value_is_kept),
		each(a_reader_never_sees_half_a_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
