/* cpu_stat: what /proc/stat says of each CPU, and the shares between two such looks. Pure: text and numbers
 * in, numbers out. */
#ifndef CPU_STAT_H
#define CPU_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the columns of proc(5). */
enum cpu_state {
	CPU_USER,
	CPU_NICE,
	CPU_SYSTEM,
	CPU_IDLE,
	CPU_WAIT,
	CPU_INTERRUPT,
	CPU_SOFTIRQ,
	CPU_STEAL,
	CPU_GUEST,      /* is counted in user as well */
	CPU_GUEST_NICE, /* is counted in nice as well */
	CPU_STATES
};
/* As collectd writes it in a type instance. */
const char *cpu_state_name(enum cpu_state state);

#define CPU_MAX 8192 /* CPUs with a higher number are left out */

struct cpu_ticks {
	uint32_t number; /* the N of "cpuN": those that are off line leave gaps */
	uint32_t states; /* how many columns this kernel has: 4..CPU_STATES */
	uint64_t ticks[CPU_STATES];
};

/* Reads the lines "cpuN …" at the top of /proc/stat into `cpus`, in their order. `whole` = the text was not
 * cut. 0; 1 = as far as there was room or numbers stay below CPU_MAX; -EINVAL when it is no such text;
 * -EFBIG when the text was cut before the last of these lines. *count is right in every case. */
int cpu_stat_parse(const char *text, bool whole, struct cpu_ticks *cpus, size_t room, size_t *count);

/* Takes guest time out of user and nice, where the kernel put it too. */
void cpu_stat_subtract_guest(struct cpu_ticks *cpu);

/* Adds the ticks between two looks to `spent`; a state that went backwards (iowait does) counts as none. */
void cpu_stat_add_spent(const struct cpu_ticks *before, const struct cpu_ticks *after,
			uint64_t spent[CPU_STATES]);

/* Percent of all that was spent, per state. `guest`: guest states are states of their own and part of the
 * whole. Returns 100 less idle; NAN, and all shares NAN, when nothing was spent. */
double cpu_stat_shares(const uint64_t spent[CPU_STATES], bool guest, double shares[CPU_STATES]);

#endif
