/* test_cpu: the text of /proc/stat in all its lengths, shares of time, and which series each option makes. */
#include "../../tests/lib/fake_read.h"

#include "cpu_stat.h"

#include <errno.h>
#include <math.h>

static struct cpu_ticks cpus[CPU_MAX];
static size_t count;

static int parse(const char *text)
{
	memset(cpus, 0, sizeof(cpus));
	return cpu_stat_parse(text, true, cpus, CPU_MAX, &count);
}

#define TWO_CPUS                                                                                             \
	"cpu  110 20 50 1000 30 4 6 8 12 2\n"                                                                \
	"cpu0 100 10 30 600 20 3 5 7 9 1\n"                                                                  \
	"cpu1 10 10 20 400 10 1 1 1 3 1\n"                                                                   \
	"intr 12345 0 0 0\nctxt 99\nbtime 1700000000\n"

static void lines_of_each_cpu(void **state)
{
	(void)state;
	assert_int_equal(parse(TWO_CPUS), 0);
	assert_int_equal(count, 2);
	assert_int_equal(cpus[0].number, 0);
	assert_int_equal(cpus[0].states, CPU_STATES);
	assert_int_equal(cpus[0].ticks[CPU_USER], 100);
	assert_int_equal(cpus[0].ticks[CPU_NICE], 10);
	assert_int_equal(cpus[0].ticks[CPU_SYSTEM], 30);
	assert_int_equal(cpus[0].ticks[CPU_IDLE], 600);
	assert_int_equal(cpus[0].ticks[CPU_WAIT], 20);
	assert_int_equal(cpus[0].ticks[CPU_INTERRUPT], 3);
	assert_int_equal(cpus[0].ticks[CPU_SOFTIRQ], 5);
	assert_int_equal(cpus[0].ticks[CPU_STEAL], 7);
	assert_int_equal(cpus[0].ticks[CPU_GUEST], 9);
	assert_int_equal(cpus[0].ticks[CPU_GUEST_NICE], 1);
	assert_int_equal(cpus[1].number, 1);
}

static void old_kernels_have_fewer_columns(void **state)
{
	(void)state;
	assert_int_equal(parse("cpu  1 2 3 4\ncpu0 1 2 3 4\n"), 0);
	assert_int_equal(count, 1);
	assert_int_equal(cpus[0].states, 4);
	assert_int_equal(parse("cpu 1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7\n"), 0);
	assert_int_equal(cpus[0].states, 7);
	/* and one that is newer than us */
	assert_int_equal(parse("cpu0 1 2 3 4 5 6 7 8 9 10 11 12\n"), 0);
	assert_int_equal(cpus[0].states, CPU_STATES);
}

static void cpus_that_are_off_leave_gaps(void **state)
{
	(void)state;
	assert_int_equal(parse("cpu 1 1 1 1\ncpu0 1 1 1 1\ncpu7 1 1 1 1\n"), 0);
	assert_int_equal(count, 2);
	assert_int_equal(cpus[1].number, 7);
}

static void a_cut_text_is_no_number(void **state)
{
	(void)state;
	const char *text = "cpu  11 2 3 4\ncpu0 11 2 3 4\ncpu1 22 2 3 45";

	assert_int_equal(cpu_stat_parse(text, false, cpus, CPU_MAX, &count), -EFBIG);
	assert_int_equal(count, 1);
	assert_int_equal(cpu_stat_parse(TWO_CPUS "intr 1 2", false, cpus, CPU_MAX, &count), 0);
	assert_int_equal(count, 2);
	/* without a line end, but whole */
	assert_int_equal(cpu_stat_parse(text, true, cpus, CPU_MAX, &count), 0);
	assert_int_equal(count, 2);
}

static void what_is_no_stat_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"\n",
		"intr 1 2 3\n",
		"cpu",
		"cpu\n",
		"cpux 1 2 3 4\n",
		"cpu0\n",
		"cpu0 1 2 3\n",
		"cpu0 a b c d\n",
		"cpu0 1 2 3 -4\n",
		"cpu-1 1 2 3 4\n",
		"cpu0 99999999999999999999999 1 1 1\n",
		"cpu99999999999999999999999 1 1 1 1\n",
		"cpu0\n1 2 3 4\n",
	};

	for (size_t i = 0; i < MU_ARRAY_LEN(texts); i++)
		assert_int_equal(parse(texts[i]), -EINVAL);
}

static void too_many_cpus_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(parse("cpu 1 1 1 1\ncpu3 1 1 1 1\ncpu8192 1 1 1 1\ncpu4294967296 1 1 1 1\n"), 1);
	assert_int_equal(count, 1);
	assert_int_equal(cpu_stat_parse(TWO_CPUS, true, cpus, 1, &count), 1);
	assert_int_equal(count, 1);
	assert_int_equal(cpu_stat_parse(TWO_CPUS, true, NULL, 0, &count), 1);
	assert_int_equal(count, 0);
}

static void shares_are_parts_of_the_whole(void **state)
{
	(void)state;
	struct cpu_ticks before = { .states = CPU_STATES }, after = { .states = CPU_STATES };
	uint64_t spent[CPU_STATES] = { 0 };
	double shares[CPU_STATES];

	before.ticks[CPU_WAIT] = 50;
	after.ticks[CPU_USER] = 30;
	after.ticks[CPU_IDLE] = 60;
	after.ticks[CPU_WAIT] = 40; /* backwards */
	after.ticks[CPU_STEAL] = 10;
	after.ticks[CPU_GUEST] = 20;
	cpu_stat_add_spent(&before, &after, spent);
	assert_int_equal(spent[CPU_WAIT], 0);
	assert_true(fabs(cpu_stat_shares(spent, false, shares) - 40.0) < 1e-9);
	assert_true(fabs(shares[CPU_USER] - 30.0) < 1e-9);
	assert_true(fabs(shares[CPU_IDLE] - 60.0) < 1e-9);
	cpu_stat_subtract_guest(&after);
	assert_int_equal(after.ticks[CPU_USER], 10);
	after.ticks[CPU_GUEST_NICE] = 5; /* more than nice: never below nought */
	cpu_stat_subtract_guest(&after);
	assert_int_equal(after.ticks[CPU_NICE], 0);
	memset(spent, 0, sizeof(spent));
	spent[CPU_USER] = 10;
	spent[CPU_IDLE] = 60;
	spent[CPU_GUEST] = 30;
	assert_true(fabs(cpu_stat_shares(spent, true, shares) - 40.0) < 1e-9);
	assert_true(fabs(shares[CPU_GUEST] - 30.0) < 1e-9);
	memset(spent, 0, sizeof(spent));
	assert_true(isnan(cpu_stat_shares(spent, true, shares)));
	assert_true(isnan(shares[CPU_IDLE]));
}

/* ---- the plugin ---- */

static const char *read_text(const char *stat)
{
	int status;

	fake_file("stat", stat);
	const char *text = fake_read(&status);
	assert_int_equal(status, 0);
	return text;
}

static void ticks_by_default(void **state)
{
	(void)state;
	fake_begin();
	assert_string_equal(
		read_text(TWO_CPUS),
		"0/cpu-user 100\n0/cpu-system 30\n0/cpu-wait 20\n0/cpu-nice 10\n0/cpu-interrupt 3\n"
		"0/cpu-softirq 5\n0/cpu-steal 7\n0/cpu-idle 600\n"
		"1/cpu-user 10\n1/cpu-system 20\n1/cpu-wait 10\n1/cpu-nice 10\n1/cpu-interrupt 1\n"
		"1/cpu-softirq 1\n1/cpu-steal 1\n1/cpu-idle 400\n");
	fake_end("stat");
}

static void guests_are_states_when_asked(void **state)
{
	(void)state;
	fake_begin();
	fake_set("ReportGuestState", "true");
	assert_string_equal(
		read_text("cpu0 100 10 30 600 20 3 5 7 9 1\n"),
		"0/cpu-user 91\n0/cpu-system 30\n0/cpu-wait 20\n0/cpu-nice 9\n0/cpu-interrupt 3\n"
		"0/cpu-softirq 5\n0/cpu-steal 7\n0/cpu-idle 600\n0/cpu-guest 9\n0/cpu-guest_nice 1\n");
	fake_set("SubtractGuestState", "false");
	assert_non_null(strstr(read_text("cpu0 100 10 30 600 20 3 5 7 9 1\n"), "0/cpu-user 100\n"));
	fake_end("stat");
}

static void percent_needs_two_reads(void **state)
{
	(void)state;
	fake_begin();
	fake_set("ValuesPercentage", "true");
	assert_string_equal(read_text("cpu0 100 0 0 100\ncpu1 0 0 0 100\n"), "");
	assert_string_equal(read_text("cpu0 125 0 0 175\ncpu1 0 50 0 150\n"),
			    "0/percent-user 25\n0/percent-system 0\n0/percent-nice 0\n0/percent-idle 75\n"
			    "1/percent-user 0\n1/percent-system 0\n1/percent-nice 50\n1/percent-idle 50\n");
	/* nothing has passed; then a CPU is switched on */
	assert_string_equal(read_text("cpu0 125 0 0 175\ncpu1 0 50 0 150\n"), "");
	assert_string_equal(read_text("cpu0 126 0 0 175\ncpu1 0 50 0 150\ncpu2 7 7 7 7\n"),
			    "0/percent-user 100\n0/percent-system 0\n0/percent-nice 0\n0/percent-idle 0\n");
	fake_end("stat");
}

static void sums_are_in_percent(void **state)
{
	(void)state;
	fake_begin();
	fake_set("ReportByCpu", "false");
	fake_set("ReportNumCpu", "true");
	assert_string_equal(read_text("cpu0 100 0 0 100\ncpu1 0 0 0 100\n"), "/count 2\n");
	assert_string_equal(
		read_text("cpu0 125 0 0 175\ncpu1 0 50 0 150\n"),
		"/count 2\n/percent-user 12.5\n/percent-system 0\n/percent-nice 25\n/percent-idle 62.5\n");
	fake_set("ReportByState", "false");
	assert_string_equal(read_text("cpu0 135 0 0 185\ncpu1 0 50 0 170\n"),
			    "/count 2\n/percent-active 25\n");
	fake_set("ReportByCpu", "true");
	assert_string_equal(read_text("cpu0 145 0 0 185\ncpu1 0 50 0 180\n"),
			    "/count 2\n0/percent-active 100\n1/percent-active 0\n");
	fake_end("stat");
}

/* More CPUs than the first buffer and the first table hold, and a line of interrupts that needs no room. */
static void a_huge_machine_grows_its_buffers(void **state)
{
	(void)state;
	const size_t size = 1 << 20;
	char *stat = malloc(size);
	size_t length = 0;

	assert_non_null(stat);
	for (int i = 0; i < 600; i++)
		length += (size_t)snprintf(stat + length, size - length, "cpu%d 1000000 2000000 3000000 %d\n",
					   i, i);
	length += (size_t)snprintf(stat + length, size - length, "intr");
	while (length < size - 8)
		length += (size_t)snprintf(stat + length, size - length, " 0");
	fake_begin();
	const char *text = read_text(stat);
	assert_int_equal(fake_batch.count, 2400);
	assert_non_null(strstr(text, "599/cpu-idle 599\n"));
	fake_end("stat");
	free(stat);
}

static void trouble_is_passed_up(void **state)
{
	(void)state;
	fake_trouble("stat", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_each_cpu),
		cmocka_unit_test(old_kernels_have_fewer_columns),
		cmocka_unit_test(cpus_that_are_off_leave_gaps),
		cmocka_unit_test(a_cut_text_is_no_number),
		cmocka_unit_test(what_is_no_stat_is_refused),
		cmocka_unit_test(too_many_cpus_are_left_out),
		cmocka_unit_test(shares_are_parts_of_the_whole),
		cmocka_unit_test(ticks_by_default),
		cmocka_unit_test(guests_are_states_when_asked),
		cmocka_unit_test(percent_needs_two_reads),
		cmocka_unit_test(sums_are_in_percent),
		cmocka_unit_test(a_huge_machine_grows_its_buffers),
		cmocka_unit_test(trouble_is_passed_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
