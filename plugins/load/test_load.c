/* test_load: the text of /proc/loadavg, and the series that it makes. */
#include "../../tests/lib/fake_read.h"

#include "load_avg.h"

#include <errno.h>
#include <math.h>

static void three_averages(void **state)
{
	(void)state;
	struct load_avg load;

	assert_int_equal(load_avg_parse("0.20 1.18 4000.12 1/80 11206\n", &load), 0);
	assert_true(fabs(load.shortterm - 0.20) < 1e-12);
	assert_true(fabs(load.midterm - 1.18) < 1e-12);
	assert_true(fabs(load.longterm - 4000.12) < 1e-9);
	assert_int_equal(load_avg_parse("1 2 3\n", &load), 0);
}

static void what_is_no_loadavg_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"\n",
		"0.20",
		"0.20 0.18",
		"0.20 0.18\n",
		"0.20 0.18 0.1",
		"nan 1 1 1/2 3\n",
		"inf 1 1 1/2 3\n",
		"-1 1 1 1/2 3\n",
		"1.2.3 1 1 1/2 3\n",
		"1x 1 1 1/2 3\n",
		"1e999 1 1 1/2 3\n",
		"1\n2\n3\n",
	};
	struct load_avg load = { .shortterm = 7 };

	for (size_t i = 0; i < MU_ARRAY_LEN(texts); i++) {
		assert_int_equal(load_avg_parse(texts[i], &load), -EINVAL);
		assert_true(load.shortterm > 6 && load.shortterm < 8);
	}
}

static void one_series_with_three_sources(void **state)
{
	(void)state;
	int status;

	fake_begin();
	fake_file("loadavg", "0.20 0.18 0.12 1/80 11206\n");
	assert_string_equal(fake_read(&status), "/load 0.2:0.18:0.12\n");
	assert_int_equal(status, 0);
	fake_end("loadavg");
}

static void relative_is_per_cpu(void **state)
{
	(void)state;
	char want[128];
	int status;
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);

	fake_begin();
	fake_set("ReportRelative", "true");
	fake_file("loadavg", "6 3 1.5 1/80 11206\n");
	snprintf(want, sizeof(want), "/load-relative %.6g:%.6g:%.6g\n", 6 / cpus, 3 / cpus, 1.5 / cpus);
	assert_string_equal(fake_read(&status), want);
	assert_int_equal(status, 0);
	fake_end("loadavg");
}

static void trouble_is_passed_up(void **state)
{
	(void)state;
	fake_trouble("loadavg", "nonsense\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_averages),
		cmocka_unit_test(what_is_no_loadavg_is_refused),
		cmocka_unit_test(one_series_with_three_sources),
		cmocka_unit_test(relative_is_per_cpu),
		cmocka_unit_test(trouble_is_passed_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
