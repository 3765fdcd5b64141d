/* series_last: rates and last values, written by main alone and read by anyone.
 *
 * A seqlock: main makes `seq` odd, writes, makes it even; a reader that saw an odd or a changed one reads
 * again. Every word goes by an atomic access, stored with release and loaded with acquire, which orders them
 * without fences. */
#include "series.h"
#include "base/check.h"

#include <math.h>
#include <sched.h>
#include <string.h>

enum { EXPIRE_LOOK = 4096, SPINS = 100 };
#define INTERVAL_UNSAID (10 * MU_SEC)

static double timeout_intervals = 2; /* main's */

/* ---- rates ---- */

static double difference(int64_t now, int64_t before)
{
	int64_t exact;

	return __builtin_sub_overflow(now, before, &exact) ? (double)now - (double)before : (double)exact;
}

/* A counter that is less than before has wrapped: at 32 bit if it had room in them, else at 64. */
static uint64_t counter_difference(uint64_t now, uint64_t before)
{
	if (now < before && before <= UINT32_MAX)
		return now + (UINT64_C(1) << 32) - before;
	return now - before;
}

static double in_bounds(double rate, double min, double max)
{
	return rate < min || rate > max ? NAN : rate; /* a bound that is NAN binds nothing */
}

double series_rate(enum mu_ds_type type, union mu_value now, union mu_value before, int64_t dt, double min,
		   double max)
{
	double change = NAN;

	switch (type) {
	case MU_GAUGE:
		return in_bounds(now.gauge, min, max);
	case MU_COUNTER:
		change = (double)counter_difference(now.counter, before.counter);
		break;
	case MU_DERIVE:
		change = difference(now.derive, before.derive);
		break;
	case MU_ABSOLUTE:
		change = (double)now.absolute;
		break;
	}
	return dt > 0 ? in_bounds(change / ((double)dt / (double)MU_SEC), min, max) : NAN;
}

/* ---- main's side ---- */

void series_timeout_factor(double intervals)
{
	c_assert(intervals > 0);
	timeout_intervals = intervals;
}

static void rates_fill(const struct mu_sample *sample, double *rates, int64_t dt)
{
	const struct mu_series *series = sample->series;

	for (size_t i = 0; i < sample->count; i++) {
		const struct mu_source *source = &series->type->sources[i];
		rates[i] = series_rate(source->type, sample->values[i], series->values[i], dt, source->min,
				       source->max);
	}
}

static void last_store(struct mu_series *series, const struct mu_sample *sample, const double *rates)
{
	uint32_t seq = series->seq;

	c_assert((seq & 1) == 0);
	__atomic_store_n(&series->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&series->time, sample->time, __ATOMIC_RELEASE);
	__atomic_store_n(&series->interval, sample->interval, __ATOMIC_RELEASE);
	for (size_t i = 0; i < sample->count; i++) {
		__atomic_store_n(&series->values[i].counter, sample->values[i].counter, __ATOMIC_RELEASE);
		double rate = rates[i];
		__atomic_store(&series->rates[i], &rate, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&series->seq, seq + 2, __ATOMIC_RELEASE);
}

void series_update(struct mu_sample *sample, double *rates, int64_t now_mono)
{
	struct mu_series *series = sample->series;

	c_assert(series && rates);
	c_assert(sample->count == series->type->count);
	c_assert(sample->time > 0);
	if (series->time > 0 && sample->time <= series->time) {
		/* does not count as seen: after a stamp from the future the series times out and begins
		 * anew */
		sample->flags |= MU_SAMPLE_STALE;
		rates_fill(sample, rates, 0);
		return;
	}
	rates_fill(sample, rates, series->time > 0 ? sample->time - series->time : 0);
	last_store(series, sample, rates);
	int64_t interval = sample->interval > 0 ? sample->interval : INTERVAL_UNSAID;
	double timeout = (double)interval * timeout_intervals;
	series->seen_mono = now_mono;
	series->timeout = timeout < 9e18 ? (int64_t)timeout : INT64_MAX;
}

static bool is_over(const struct mu_series *series, int64_t now_mono)
{
	return now_mono - series->seen_mono >= series->timeout;
}

void series_expire(int64_t now_mono, void (*gone)(struct mu_series *series, void *data), void *data)
{
	static uint32_t cursor;
	static struct mu_series *slice[EXPIRE_LOOK];
	size_t count = series_slice(&cursor, EXPIRE_LOOK, slice);

	c_assert(count <= EXPIRE_LOOK);
	for (size_t i = 0; i < count; i++) {
		if (is_over(slice[i], now_mono)) {
			if (gone && slice[i]->time > 0)
				gone(slice[i], data);
			series_unlink(slice[i]);
		}
		mu_series_unref(&slice[i]);
	}
}

/* ---- anyone's side ---- */

static bool last_load(const struct mu_series *series, struct mu_last *out)
{
	uint32_t seq = __atomic_load_n(&series->seq, __ATOMIC_ACQUIRE);

	if (seq & 1)
		return false;
	out->time = __atomic_load_n(&series->time, __ATOMIC_ACQUIRE);
	out->interval = __atomic_load_n(&series->interval, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < out->count; i++) {
		out->values[i].counter = __atomic_load_n(&series->values[i].counter, __ATOMIC_ACQUIRE);
		__atomic_load(&series->rates[i], &out->rates[i], __ATOMIC_ACQUIRE);
	}
	return __atomic_load_n(&series->seq, __ATOMIC_RELAXED) == seq;
}

static int last_read(const struct mu_series *series, struct mu_last *out)
{
	c_assert(series->type->count <= MU_ARRAY_LEN(out->values));
	out->count = (uint32_t)series->type->count;
	for (unsigned tries = 1; !last_load(series, out); tries++)
		if (tries % SPINS == 0)
			sched_yield(); /* main was interrupted in the middle */
	return out->time > 0 ? 0 : 1;
}

int mu_series_last_sized(const struct mu_series *series, struct mu_last *out, size_t size)
{
	struct mu_last whole;

	c_assert(series && out && size > 0);
	if (size >= sizeof(whole))
		return last_read(series, out);
	int r = last_read(series, &whole);
	memcpy(out, &whole, size);
	return r;
}
