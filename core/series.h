/* series: identity, rate and last value of everything that is measured.
 *
 * Identities are immutable, counted, and found under one mutex ("series"). Rate state and last value are written by
 * the main loop alone and read by anyone through a seqlock. */
#ifndef CORE_SERIES_H
#define CORE_SERIES_H

#include <muster/value.h>

struct mu_series {
	struct mu_ident ident;      /* into the block's tail */
	const char *name;           /* likewise */
	const struct mu_type *type;
	uint64_t hash;
	uint32_t count;             /* references; atomic */
	uint32_t index;
	bool unlinked;              /* atomic: timed out; a new sample finds or makes another */
	/* main's; seq is odd while they change */
	uint32_t seq;
	int64_t time, interval, seen_mono, timeout;
	union mu_value *values;     /* type->count, in the block */
	double *rates;
};

void series_init(const char *hostname);
void series_fini(void);
void series_hostname(const char *hostname);
/* Main loop. Computes sample->rates, keeps the last value; sets MU_SAMPLE_STALE and leaves the last value when the
 * sample is not newer. `timeout_factor` intervals without a sample = timed out. */
struct mu_sample;
void series_update(struct mu_sample *sample, double *rates);
/* One data source's rate, pure: value against the one before, `dt` ns apart (dt <= 0: first). NAN when it cannot be said. */
double series_rate(enum mu_ds_type type, union mu_value now, union mu_value before, int64_t dt, double min, double max);
/* Main loop: unlinks each whose time-out has passed, telling `gone` first. Looks at a bounded slice a call. */
void series_expire(int64_t now_mono, void (*gone)(struct mu_series *series, void *data), void *data);
void series_timeout_factor(double intervals); /* default 2 */
size_t series_count(void);
/* A snapshot of handles whose name matches (NULL = all), sorted by name, each with a reference: unref each, free the
 * array. Takes the mutex for the copy. */
struct mu_series **series_match(const char *glob, size_t *count);
/* "host/plugin-inst/type-inst" into its five; -EINVAL. Any host must be there unless dflt_host. */
int series_parse(const char *name, const char *dflt_host, struct mu_series **out, bool create, struct mu_error *error);

#endif
