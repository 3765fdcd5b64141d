/* layout: what a new file holds: its step, its data sources and its archives, by collectd's rule, so that
 * graphs and scripts made for collectd's files read ours. Pure. */
#ifndef RRD_LAYOUT_H
#define RRD_LAYOUT_H

#include <muster/value.h>

#define LAYOUT_SPANS 32 /* time spans */
#define LAYOUT_RRAS  (LAYOUT_SPANS * 4)

enum layout_cf { LAYOUT_AVERAGE, LAYOUT_MIN, LAYOUT_MAX, LAYOUT_LAST, LAYOUT_CFS };
const char *layout_cf_name(enum layout_cf cf);

struct layout_options {
	int64_t step, heartbeat; /* seconds; 0 = from the interval */
	int64_t rows;            /* no archive has fewer: the width of a graph */
	double xff;
	size_t span_count;
	int64_t spans[LAYOUT_SPANS]; /* seconds, rising */
	uint32_t cfs;                /* bit 1 << cf */
};
/* collectd's defaults. */
void layout_defaults(struct layout_options *options);
/* Another span, kept in order. 0; -ENOSPC. */
int layout_add_span(struct layout_options *options, int64_t seconds);

struct layout_rra {
	enum layout_cf cf;
	uint32_t pdp_per_row, rows;
};
struct layout {
	uint32_t step, heartbeat;
	size_t rra_count;
	struct layout_rra rras[LAYOUT_RRAS];
};
/* RRD time is whole seconds: an interval below one second gives a step of one. */
void layout_make(const struct layout_options *options, mu_time interval, struct layout *layout);

/* As rrdcreate(1) takes them; 0; -ENAMETOOLONG when librrd would refuse the source's name. */
#define LAYOUT_TEXT 512
int layout_source_text(char text[LAYOUT_TEXT], const struct layout *layout, const struct mu_source *source);
void layout_rra_text(char text[LAYOUT_TEXT], const struct layout_options *options,
		     const struct layout_rra *rra);

#endif
