/* layout: one archive a time span and consolidation function. A span has at least `rows` rows, so a short
 * one is stretched to what that many steps cover; a long one gets as many steps a row as still leave it
 * that many. */
#include "layout.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *layout_cf_name(enum layout_cf cf)
{
	static const char *const names[LAYOUT_CFS] = { "AVERAGE", "MIN", "MAX", "LAST" };

	assert((unsigned)cf < LAYOUT_CFS);
	return names[cf];
}

void layout_defaults(struct layout_options *options)
{
	static const int64_t spans[] = { 3600, 86400, 604800, 2678400, 31622400 };

	assert(options);
	memset(options, 0,
	       sizeof(*options)); /* also between the members: two of them are compared as memory */
	options->rows = 1200;
	options->xff = 0.1;
	options->cfs = 1u << LAYOUT_AVERAGE | 1u << LAYOUT_MIN | 1u << LAYOUT_MAX;
	options->span_count = MU_ARRAY_LEN(spans);
	memcpy(options->spans, spans, sizeof(spans));
}

int layout_add_span(struct layout_options *options, int64_t seconds)
{
	size_t at = options->span_count;

	assert(options && at <= LAYOUT_SPANS);
	assert(seconds > 0);
	if (at == LAYOUT_SPANS)
		return -ENOSPC;
	for (; at > 0 && options->spans[at - 1] > seconds; at--)
		options->spans[at] = options->spans[at - 1];
	options->spans[at] = seconds;
	options->span_count++;
	return 0;
}

#define INTERVAL_MAX (3660 * MU_DAY) /* ten years; the sender's word is not to be trusted */

static uint32_t seconds_of(int64_t seconds)
{
	return (uint32_t)(seconds < 1 ? 1 : seconds > INT32_MAX ? INT32_MAX : seconds);
}

void layout_make(const struct layout_options *options, mu_time interval, struct layout *layout)
{
	assert(options && layout);
	assert(options->rows > 0 && options->span_count <= LAYOUT_SPANS);
	memset(layout, 0, sizeof(*layout));
	if (interval < MU_SEC)
		interval = MU_SEC;
	if (interval > INTERVAL_MAX)
		interval = INTERVAL_MAX;
	layout->step = seconds_of(options->step > 0 ? options->step : interval / MU_SEC);
	if (options->heartbeat > 0)
		layout->heartbeat = seconds_of(options->heartbeat);
	else if (options->step > 0)
		layout->heartbeat = seconds_of(2 * options->step);
	else
		layout->heartbeat = seconds_of(2 * interval / MU_SEC);

	int64_t full = (int64_t)layout->step * options->rows; /* what `rows` steps cover */
	for (size_t i = 0; i < options->span_count; i++) {
		int64_t span = options->spans[i] < full ? full : options->spans[i];
		int64_t per_row = i == 0 ? 1 : span / full;
		int64_t row = per_row * layout->step;

		for (unsigned cf = 0; cf < LAYOUT_CFS; cf++)
			if (options->cfs & 1u << cf)
				layout->rras[layout->rra_count++] =
					(struct layout_rra){ .cf = (enum layout_cf)cf,
							     .pdp_per_row = seconds_of(per_row),
							     .rows = seconds_of((span + row - 1) / row) };
	}
	assert(layout->rra_count <= LAYOUT_RRAS);
}

static void bound_text(char *text, size_t size, double bound)
{
	if (isnan(bound) || isinf(bound))
		snprintf(text, size, "U");
	else
		snprintf(text, size, "%f", bound);
}

int layout_source_text(char text[LAYOUT_TEXT], const struct layout *layout, const struct mu_source *source)
{
	static const char *const types[] = { [MU_COUNTER] = "COUNTER",
					     [MU_GAUGE] = "GAUGE",
					     [MU_DERIVE] = "DERIVE",
					     [MU_ABSOLUTE] = "ABSOLUTE" };
	char min[336], max[336]; /* %f of the largest double: 309 digits and six behind the point */

	assert(text && layout && source);
	assert((unsigned)source->type < MU_ARRAY_LEN(types));
	bound_text(min, sizeof(min), source->min);
	bound_text(max, sizeof(max), source->max);
	int length = snprintf(text, LAYOUT_TEXT, "DS:%s:%s:%u:%s:%s", source->name, types[source->type],
			      layout->heartbeat, min, max);
	/* DS_NAM_SIZE of librrd is 20 with its NUL. */
	return length < LAYOUT_TEXT && strlen(source->name) <= 19 ? 0 : -ENAMETOOLONG;
}

void layout_rra_text(char text[LAYOUT_TEXT], const struct layout_options *options,
		     const struct layout_rra *rra)
{
	assert(text && options && rra);
	snprintf(text, LAYOUT_TEXT, "RRA:%s:%.10f:%u:%u", layout_cf_name(rra->cf), options->xff,
		 rra->pdp_per_row, rra->rows);
}
