/* series: identity, rate and last value of everything that is measured.
 *
 * Identities are immutable, counted, and found under one mutex ("series"). Rate state and last value are
 * written by the main loop alone and read by anyone through a seqlock. */
#ifndef CORE_SERIES_H
#define CORE_SERIES_H

#include <muster/value.h>

struct mu_series {
	uint32_t count;             /* references; atomic */
	uint32_t index;
	uint32_t serial;            /* tells apart those that had the same index in turn; never 0 */
	bool unlinked;              /* atomic: timed out; a new sample finds or makes another */
	const struct mu_type *type;
	/* main's; seq is odd while they change */
	uint32_t seq;
	int64_t time, interval, seen_mono, timeout;
	union mu_value *values;     /* type->count, in the block */
	double *rates;
	uint64_t hash;
	const char *name;           /* into the block's tail */
	struct mu_ident ident;      /* likewise, and into the type */
};

enum {
	SERIES_NAME_SIZE = 128, /* one of the five, with its NUL */
	SERIES_MAX = 4 << 20,   /* more are refused: names come from outside */
};

void series_init(const char *hostname);
void series_fini(void);
void series_hostname(const char *hostname);
void hostname_fini(void);

/* One of the five as collectd writes it: "/" is "root", one leading '/' goes, the others become '_'; in a
 * plugin's name '-' becomes '_' too. Returns its length; -EINVAL when it is longer than 127 bytes or has a
 * control byte other than a tab. */
int series_clean(char to[SERIES_NAME_SIZE], const char *name, bool plugin);
bool series_is_unlinked(const struct mu_series *series); /* any thread */

/* ---- main loop ---- */

/* Keeps the last value and fills `rates` (sample->count of them), which sample->rates points to. Sets
 * MU_SAMPLE_STALE and leaves the last value when the sample is not newer. */
void series_update(struct mu_sample *sample, double *rates, int64_t now_mono);
/* One data source's rate, pure: value against the one before, `dt` ns apart (dt <= 0: first). NAN when it
 * cannot be said. */
double series_rate(enum mu_ds_type type, union mu_value now, union mu_value before, int64_t dt, double min,
                   double max);
/* The one that stands for an unlinked series: found, or made with the same type. Takes the reference on `old`
 * and gives one. NULL (and `old` is kept) when another type has the name by now, or there are too many
 * series. */
struct mu_series *series_relink(struct mu_series *old);
/* Unlinks each whose time-out has passed, telling `gone` first of those that ever had a value. Looks at 4,096
 * a call. */
void series_expire(int64_t now_mono, void (*gone)(struct mu_series *series, void *data), void *data);
/* So many intervals without a sample = timed out; default 2. */
void series_timeout_factor(double intervals);

/* ---- any thread ---- */

size_t series_count(void);
uint64_t series_refused(void); /* past SERIES_MAX */
/* The handles whose name matches (NULL = all), sorted by name, each with a reference: unref each, free the
 * array. Takes the mutex for a slice at a time. NULL when there is none. */
struct mu_series **series_match(const char *glob, size_t *count);
/* "host/plugin-inst/type-inst" to its series; -EINVAL, -ENOENT. Any host must be there unless dflt_host. */
int series_parse(const char *name, const char *dflt_host, struct mu_series **out, bool create,
                 struct mu_error *error);

/* ---- between series.c, series_last.c and series_match.c ---- */

/* A slice of all linked ones from *cursor on, each with a reference; *cursor moves, and begins again at the
 * end. */
size_t series_slice(uint32_t *cursor, size_t look, struct mu_series **out);
void series_unlink(struct mu_series *series); /* main loop */

#endif
