/* series_up: see series_up.h. */
#include "series_up.h"

int setup(void **state)
{
	static const char text[] =
		"gauge value:GAUGE:U:U\npercent value:GAUGE:0:100.1\ncpu value:DERIVE:0:U\n"
		"counter value:COUNTER:U:U\nabsolute value:ABSOLUTE:0:U\n"
		"load s:GAUGE:0:5000, m:GAUGE:0:5000, l:GAUGE:0:5000\n";

	(void)state;
	fake_types(text);
	clock_hold(1000 * MU_SEC, 1700000000 * MU_SEC);
	series_init("here");
	return 0;
}

int teardown(void **state)
{
	(void)state;
	series_timeout_factor(2);
	series_fini();
	types_fini();
	clock_release();
	return 0;
}

struct mu_series *get(const char *host, const char *plugin, const char *pi, const char *type,
                             const char *ti)
{
	struct mu_ident ident = { host, plugin, pi, type, ti };
	struct mu_series *series;

	assert_int_equal(mu_series_get(&ident, &series, NULL), 0);
	return series;
}

uint32_t put_at(struct mu_series *series, mu_time time, int64_t value, double *rate)
{
	union mu_value raw = { .derive = value };
	struct mu_sample sample = { .series = series,
		                    .time = time,
		                    .interval = 10 * MU_SEC,
		                    .count = 1,
		                    .values = &raw,
		                    .rates = rate };

	series_update(&sample, rate, clock_mono());
	return sample.flags;
}
