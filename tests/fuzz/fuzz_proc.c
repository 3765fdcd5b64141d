/* fuzz_proc: any text through the parsers of /proc/stat, /proc/loadavg and /proc/meminfo. */
#include "../../plugins/cpu/cpu_stat.h"
#include "../../plugins/load/load_avg.h"
#include "../../plugins/memory/memory_info.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_stat(const char *text)
{
	static struct cpu_ticks cpus[64];
	size_t count = 99, cut = 99;

	int r = cpu_stat_parse(text, true, cpus, 64, &count);
	assert(count <= 64 && r != -EFBIG);
	for (size_t i = 0; i < count; i++) {
		uint64_t spent[CPU_STATES] = { 0 };
		double shares[CPU_STATES];
		struct cpu_ticks none = { .number = cpus[i].number };

		assert(cpus[i].number < CPU_MAX && cpus[i].states >= 4 && cpus[i].states <= CPU_STATES);
		cpu_stat_add_spent(&none, &cpus[i], spent);
		double active = cpu_stat_shares(spent, i % 2, shares);
		assert(isnan(active) || (active >= -1e-6 && active <= 100.000001));
		cpu_stat_subtract_guest(&cpus[i]);
	}
	cpu_stat_parse(text, false, cpus, 64, &cut);
	assert(cut <= count);
}

static void fuzz_loadavg(const char *text)
{
	struct load_avg load;

	if (load_avg_parse(text, &load) == 0)
		assert(load.shortterm >= 0 && load.midterm >= 0 && load.longterm >= 0 &&
		       isfinite(load.longterm));
}

static void fuzz_meminfo(const char *text)
{
	struct memory_info info;
	double all = 0;

	if (memory_info_parse(text, &info) < 0)
		return;
	for (unsigned i = 0; i < MEMORY_PARTS; i++)
		if (info.known & 1u << i && info.bytes[i] > 0)
			all += memory_info_percent(&info, (enum memory_part)i);
	assert(all < 1e-9 || fabs(all - 100) < 1e-6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_stat(text);
	fuzz_loadavg(text);
	fuzz_meminfo(text);
	free(text);
	return 0;
}
