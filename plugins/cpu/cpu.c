/* cpu: where each CPU's time goes: user, system, idle and the rest.
 *
 * Reads /proc/stat. By default the kernel's own tick counters go out as type "cpu", one series a CPU and
 * state, as collectd does; every aggregation is of type "percent", out of the ticks between two reads. */
#include "cpu_stat.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <muster/plugin.h>
#include <stdio.h>
#include <stdlib.h>

struct cpu {
	const char *root;
	bool by_cpu, by_state, percent, count, guest, subtract;
};

#define TEXT_MIN ((size_t)16 << 10) /* some 150 CPUs */
#define TEXT_MAX ((size_t)2 << 20)

struct cpu_reader {
	struct mu_file file;
	char *text;
	size_t text_size;
	struct cpu_ticks *now, *before; /* before: by CPU number, states 0 where it was not there */
	size_t room, count;
};

static const struct mu_option options[] = {
	MU_OPT_BOOL(struct cpu, by_cpu, .name = "ReportByCpu", .dflt = "true",
		    .help = "one series a CPU; else the sum of all, in percent"),
	MU_OPT_BOOL(struct cpu, by_state, .name = "ReportByState", .dflt = "true",
		    .help = "one series a state; else all that is not idle as \"active\", in percent"),
	MU_OPT_BOOL(struct cpu, percent, .name = "ValuesPercentage", .dflt = "false",
		    .help = "percent in place of ticks, where nothing is summed up"),
	MU_OPT_BOOL(struct cpu, count, .name = "ReportNumCpu", .dflt = "false",
		    .help = "how many CPUs there are"),
	MU_OPT_BOOL(struct cpu, guest, .name = "ReportGuestState", .dflt = "false",
		    .help = "guest and guest_nice as states of their own"),
	MU_OPT_BOOL(struct cpu, subtract, .name = "SubtractGuestState", .dflt = "true",
		    .help = "with ReportGuestState: take guest time out of user and nice"),
	MU_OPT_STRING(struct cpu, root, .name = "Root", .dflt = "/proc",
		      .help = "folder with the file stat; tests point it at a fixture"),
	MU_OPT_END
};

/* The order in which collectd sends them. */
static const enum cpu_state order[CPU_STATES] = {
	CPU_USER,    CPU_SYSTEM, CPU_WAIT, CPU_NICE,  CPU_INTERRUPT,
	CPU_SOFTIRQ, CPU_STEAL,  CPU_IDLE, CPU_GUEST, CPU_GUEST_NICE
};

static size_t state_count(const struct cpu *c)
{
	return c->guest ? CPU_STATES : CPU_GUEST;
}

static int grow_text(struct cpu_reader *r)
{
	size_t size = r->text_size ? r->text_size * 2 : TEXT_MIN;

	if (size > TEXT_MAX)
		return -EFBIG;
	char *text = realloc(r->text, size);
	if (!text)
		return -ENOMEM;
	r->text = text;
	r->text_size = size;
	return 0;
}

static int grow_room(struct cpu_reader *r)
{
	size_t room = r->room ? r->room * 4 : 32;

	assert(room <= (size_t)CPU_MAX * 4);
	struct cpu_ticks *now = realloc(r->now, room * sizeof(*now));
	if (!now)
		return -ENOMEM;
	r->now = now;
	r->room = room;
	return 0;
}

/* Fills now[0..count). */
static int look(struct cpu_reader *r, const char *root)
{
	for (;;) {
		if (!r->text || !r->now) {
			int grown = r->text ? grow_room(r) : grow_text(r);
			if (grown < 0)
				return grown;
			continue;
		}
		int got = mu_file_read(&r->file, r->text, r->text_size, "%s/stat", root);
		if (got < 0 && got != -EFBIG)
			return got;
		got = cpu_stat_parse(r->text, got >= 0, r->now, r->room, &r->count);
		/* Only a text that was cut among its CPUs is read again; what follows them is of no use
		 * here. */
		if (got == -EFBIG)
			got = grow_text(r);
		else if (got == 1 && r->count == r->room && r->room < CPU_MAX)
			got = grow_room(r);
		else
			return got < 0 ? got : 0;
		if (got < 0)
			return got;
	}
}

static void put_cpu_name(struct mu_batch *out, uint32_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "%" PRIu32, number);
	mu_batch_instance(out, name);
}

static void put_ticks(const struct cpu *c, struct mu_batch *out, const struct cpu_ticks *cpu)
{
	put_cpu_name(out, cpu->number);
	for (size_t i = 0; i < state_count(c); i++)
		if (order[i] < cpu->states)
			mu_derive(out, "cpu", cpu_state_name(order[i]), (int64_t)cpu->ticks[order[i]]);
}

/* `states` = how many columns the kernel has. */
static void put_shares(const struct cpu *c, struct mu_batch *out, const uint64_t spent[CPU_STATES],
		       uint32_t states)
{
	double shares[CPU_STATES];
	double active = cpu_stat_shares(spent, c->guest && c->subtract, shares);

	if (isnan(active))
		return; /* nothing has passed since the read before */
	if (!c->by_state) {
		mu_gauge(out, "percent", "active", active);
		return;
	}
	for (size_t i = 0; i < state_count(c); i++)
		if (order[i] < states)
			mu_gauge(out, "percent", cpu_state_name(order[i]), shares[order[i]]);
}

/* Percent: each CPU against its own look before, one by one or as a sum. A CPU that was just switched on
 * waits for its second look. */
static int put_percent(const struct cpu *c, struct cpu_reader *r, struct mu_batch *out)
{
	uint64_t sum[CPU_STATES] = { 0 };
	uint32_t states = 0;

	if (!r->before)
		r->before = calloc(CPU_MAX, sizeof(*r->before));
	if (!r->before)
		return -ENOMEM;
	for (size_t i = 0; i < r->count; i++) {
		const struct cpu_ticks *now = &r->now[i];
		struct cpu_ticks *before = &r->before[now->number];
		uint64_t spent[CPU_STATES] = { 0 };

		assert(now->number < CPU_MAX);
		if (before->states > 0) {
			cpu_stat_add_spent(before, now, c->by_cpu ? spent : sum);
			states = now->states;
		}
		if (before->states > 0 && c->by_cpu) {
			put_cpu_name(out, now->number);
			put_shares(c, out, spent, now->states);
		}
		*before = *now;
	}
	if (!c->by_cpu) {
		mu_batch_instance(out, "");
		put_shares(c, out, sum, states);
	}
	return 0;
}

static int cpu_read(struct mu_instance *self, struct mu_batch *out)
{
	const struct cpu *c = mu_config(self);
	struct cpu_reader *r = mu_reader(self);

	int got = look(r, c->root);
	if (got < 0)
		return got;
	if (c->count) {
		mu_batch_instance(out, "");
		mu_gauge(out, "count", "", (double)r->count);
	}
	for (size_t i = 0; i < r->count && c->guest && c->subtract; i++)
		cpu_stat_subtract_guest(&r->now[i]);
	if (!c->by_cpu || !c->by_state || c->percent)
		return put_percent(c, r, out);
	for (size_t i = 0; i < r->count; i++)
		put_ticks(c, out, &r->now[i]);
	return 0;
}

static void cpu_reader_fini(struct mu_instance *self)
{
	struct cpu_reader *r = mu_reader(self);

	mu_file_close(&r->file);
	free(r->text);
	free(r->now);
	free(r->before);
}

MU_PLUGIN(cpu, .about = "time of each CPU by state", .config_size = sizeof(struct cpu),
	  .reader_size = sizeof(struct cpu_reader), .options = options, .read = cpu_read,
	  .reader_fini = cpu_reader_fini);
