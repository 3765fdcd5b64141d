/* cpu_stat: the kernel counts ticks (USER_HZ, a hundredth of a second) that each CPU spent in each state.
 * Newer kernels have more columns, so a line is as long as it is: four columns at least. */
#include "cpu_stat.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <muster/base.h>
#include <string.h>

const char *cpu_state_name(enum cpu_state state)
{
	static const char *const names[CPU_STATES] = {
		[CPU_USER] = "user",       [CPU_NICE] = "nice",
		[CPU_SYSTEM] = "system",   [CPU_IDLE] = "idle",
		[CPU_WAIT] = "wait",       [CPU_INTERRUPT] = "interrupt",
		[CPU_SOFTIRQ] = "softirq", [CPU_STEAL] = "steal",
		[CPU_GUEST] = "guest",     [CPU_GUEST_NICE] = "guest_nice",
	};

	assert((unsigned)state < CPU_STATES);
	return names[state];
}

/* The columns behind "cpuN". */
static int parse_columns(const char **p, struct cpu_ticks *cpu)
{
	assert(p && *p);
	cpu->states = 0;
	while (cpu->states < CPU_STATES && (**p == ' ' || **p == '\t')) {
		uint64_t ticks;

		if (mu_scan_u64(p, &ticks) < 0)
			break;
		cpu->ticks[cpu->states++] = ticks;
	}
	return cpu->states >= 4 ? 0 : -EINVAL;
}

/* One line that begins with "cpu". 0 = it is in *cpu; 1 = it is the sum of all; 2 = too high a
 * number. */
static int parse_line(const char *line, struct cpu_ticks *cpu)
{
	const char *p = line + 3;
	uint64_t number = 0;
	bool sum = *p == ' ' || *p == '\t';

	assert(strncmp(line, "cpu", 3) == 0);
	if (!sum && mu_scan_u64(&p, &number) < 0)
		return -EINVAL;
	*cpu = (struct cpu_ticks){ .number = (uint32_t)number };
	int r = parse_columns(&p, cpu);
	if (r < 0)
		return r;
	return sum ? 1 : number >= CPU_MAX ? 2 : 0;
}

int cpu_stat_parse(const char *text, bool whole, struct cpu_ticks *cpus, size_t room, size_t *count)
{
	const char *p = text;
	bool left_out = false, more = true;

	assert(text && count);
	assert(cpus || room == 0);
	*count = 0;
	while (more && strncmp(p, "cpu", 3) == 0) {
		const char *line = p;
		struct cpu_ticks cpu;

		more = mu_scan_line(&p);
		/* The last line of a cut text may have lost digits: better no number than a wrong one. */
		if (!more && !whole)
			return -EFBIG;
		int r = parse_line(line, &cpu);
		if (r < 0)
			return r;
		if (r == 0 && *count < room)
			cpus[(*count)++] = cpu;
		else if (r != 1)
			left_out = true;
	}
	if (p == text)
		return -EINVAL;
	return left_out;
}

void cpu_stat_subtract_guest(struct cpu_ticks *cpu)
{
	static const enum cpu_state pairs[2][2] = { { CPU_USER, CPU_GUEST }, { CPU_NICE, CPU_GUEST_NICE } };

	assert(cpu && cpu->states <= CPU_STATES);
	for (size_t i = 0; i < 2; i++) {
		uint64_t *whole = &cpu->ticks[pairs[i][0]], part = cpu->ticks[pairs[i][1]];

		*whole = *whole > part ? *whole - part : 0;
	}
}

void cpu_stat_add_spent(const struct cpu_ticks *before, const struct cpu_ticks *after,
			uint64_t spent[CPU_STATES])
{
	assert(before && after && spent);
	assert(before->number == after->number);
	for (size_t i = 0; i < CPU_STATES; i++)
		if (after->ticks[i] > before->ticks[i])
			spent[i] += after->ticks[i] - before->ticks[i];
}

double cpu_stat_shares(const uint64_t spent[CPU_STATES], bool guest, double shares[CPU_STATES])
{
	double all = 0;

	assert(spent && shares);
	for (size_t i = 0; i < (guest ? CPU_STATES : CPU_GUEST); i++)
		all += (double)spent[i];
	for (size_t i = 0; i < CPU_STATES; i++)
		shares[i] = all > 0 ? 100.0 * (double)spent[i] / all : NAN;
	return all > 0 ? 100.0 * (all - (double)spent[CPU_IDLE]) / all : NAN;
}
