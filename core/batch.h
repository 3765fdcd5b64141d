/* batch: the values of one read or one push: built by one thread, finished by main, then immutable and
 * shared.
 *
 * A builder outlives its batches: it keeps the handles of the one before, and the nth value with equal names
 * takes the nth handle, with no look-up and no lock. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <muster/loop.h>
#include <muster/value.h>

#include "series.h"

struct mu_instance;

struct mu_batch {
	struct mu_batch_head head; /* first: plugins read samples by it */
	uint32_t count; /* references; atomic */
	struct mu_instance *self; /* the maker: only while it is being built */
	struct mu_builder *builder;
	size_t sample_count, sample_cap;
	union mu_value *values; /* all samples' values, in a row; samples point into it once finished */
	double *rates;          /* as many */
	size_t value_count, value_cap, rate_cap;
	mu_time time, interval; /* sticky defaults while building */
	/* host, plugin and plugin instance, sticky and clean; the bits of `bad` say which could not be */
	char host[SERIES_NAME_SIZE], plugin[SERIES_NAME_SIZE], instance[SERIES_NAME_SIZE];
	uint32_t bad;
	size_t bytes; /* what it costs a queue; known once it is finished */
	char maker[128]; /* instance's name */
	struct mu_msg msg; /* the bus's */
};

enum {
	BATCH_SAMPLES_MAX = 65536,
	BATCH_VALUES_MAX = 4 * BATCH_SAMPLES_MAX,
};

/* `plugin` NULL: the instance's plugin. `self` NULL: the core. */
struct mu_builder *builder_new(struct mu_instance *self, const char *plugin);
struct mu_batch *builder_begin(struct mu_builder *builder, mu_time time, mu_time interval);
/* How often memory did not know; builder's thread. */
uint64_t builder_asked(const struct mu_builder *builder);
/* Builder's thread: fixes pointers; from here on only main may touch it. */
void batch_finish(struct mu_batch *batch);
/* Values that were refused: unknown type, wrong sort or count, bad name, batch full. Any thread. */
uint64_t batch_errors(void);
/* Of these, those whose sort was not told: 1,000 plugins and types are told. */
uint64_t batch_errors_untold(void);

/* ---- between batch.c and builder.c ---- */

/* The handle for the batch's sticky names and these two, with a reference. 0; as mu_series_get. */
int builder_find(struct mu_batch *batch, const char *type, const char *type_instance, struct mu_series **out);
/* The last reference has gone and the samples are released: keep the block for the next, or free it. */
void builder_recycle(struct mu_batch *batch);

#endif
