/* batch: the values of one read or one push: built by one thread, finished by main, then immutable and shared.
 *
 * A builder outlives its batches: it keeps the handles of the one before, and the nth value with equal names takes
 * the nth handle, with no look-up and no lock. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <muster/value.h>

struct mu_instance;

struct mu_batch {
	uint32_t count; /* references; atomic */
	struct mu_instance *self; /* the maker: only while it is being built */
	struct mu_builder *builder;
	struct mu_sample *samples;
	size_t sample_count, sample_cap;
	union mu_value *values; /* all samples' values, in a row; samples point into it once finished */
	double *rates;          /* as many */
	size_t value_count, value_cap;
	mu_time time, interval; /* sticky defaults while building */
	/* host, plugin and plugin instance, sticky */
	char host[128], plugin[128], instance[128];
	size_t bytes; /* what it costs a queue */
	char maker[128]; /* instance's name */
	struct mu_msg *msg;
};

struct mu_builder *builder_new(struct mu_instance *self, const char *plugin); /* NULL self: the core */
struct mu_batch *builder_begin(struct mu_builder *builder, mu_time time, mu_time interval);
/* Builder's thread: fixes pointers; from here on only main may touch it. */
void batch_finish(struct mu_batch *batch);

#endif
