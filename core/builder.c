/* builder: makes batches, and remembers.
 *
 * What a plugin reports comes in the same order each time, so after the handle of one value the builder
 * expects the handle that followed it last time: five comparisons of equal words instead of a hash, a lock
 * and a look-up. A push whose batches begin and end anywhere in its round is followed just as well, since the
 * place is kept from batch to batch and every round is known by its first value. */
#include "batch.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"

#include <stdlib.h>
#include <string.h>

enum {
	MEMORY_MAX = 65536,       /* handles */
	SWEEP = 16,               /* looked at in each batch, for those that are unlinked */
	SPARES = 4,               /* blocks kept for the batches to come */
	SPARE_BYTES_MAX = 262144, /* a larger one is freed */
	SAMPLES_FIRST = 16,
};
#define INTERVAL_CORE (10 * MU_SEC)

struct mu_builder {
	uint32_t count; /* atomic: the maker's, and one for each batch */
	struct mu_instance *self;
	char plugin[SERIES_NAME_SIZE], maker[128];
	struct mu_series **memory; /* with a reference each; NULL where one was unlinked */
	size_t known, cap, next;   /* next: where the coming value is expected */
	size_t swept;
	uint64_t asked;
	size_t samples, values;         /* of the batch before */
	struct mu_batch *spare[SPARES]; /* atomic, each */
};

/* ---- memory ---- */

static void builder_forget(struct mu_builder *builder)
{
	for (size_t i = 0; i < builder->known; i++)
		mu_series_unref(&builder->memory[i]);
	free(builder->memory);
	builder->memory = NULL;
	builder->known = builder->cap = builder->next = builder->swept = 0;
}

/* Takes the reference. */
static void builder_remember(struct mu_builder *builder, size_t at, struct mu_series *series)
{
	c_assert(at <= builder->known);
	if (at == MEMORY_MAX)
		at = 0;
	if (at == builder->cap) {
		builder->cap = builder->cap ? builder->cap * 2 : SAMPLES_FIRST;
		builder->memory = mem_grow(builder->memory, builder->cap, sizeof(struct mu_series *));
	}
	if (at == builder->known) {
		builder->memory[at] = NULL;
		builder->known++;
	}
	mu_series_unref(&builder->memory[at]);
	builder->memory[at] = series;
	builder->next = at + 1;
}

/* Handles of what is no longer reported would keep it in memory for ever. */
static void builder_sweep(struct mu_builder *builder)
{
	size_t look = builder->known < SWEEP ? builder->known : SWEEP;

	for (size_t i = 0; i < look; i++) {
		if (builder->swept >= builder->known)
			builder->swept = 0;
		struct mu_series **series = &builder->memory[builder->swept++];
		if (*series && series_is_unlinked(*series))
			mu_series_unref(series);
	}
}

static bool is_it(const struct mu_series *series, const struct mu_batch *batch, const char *type,
		  const char *type_instance)
{
	if (!series)
		return false;
	const struct mu_ident *ident = &series->ident;
	return strcmp(ident->type_instance, type_instance) == 0 && strcmp(ident->type, type) == 0 &&
	       strcmp(ident->plugin_instance, batch->instance) == 0 &&
	       strcmp(ident->plugin, batch->plugin) == 0 && strcmp(ident->host, batch->host) == 0;
}

/* The place in memory of the value, or `known` when it is not where it could be: the next, the same as before
 * (one series with several times), or the first of a new round. Nothing may be there. */
static size_t builder_place(const struct mu_builder *builder, const struct mu_batch *batch, const char *type,
			    const char *type_instance)
{
	size_t next = builder->next;

	c_assert(next <= builder->known);
	if (next < builder->known && is_it(builder->memory[next], batch, type, type_instance))
		return next;
	if (next > 0 && is_it(builder->memory[next - 1], batch, type, type_instance))
		return next - 1;
	if (builder->known > 0 && is_it(builder->memory[0], batch, type, type_instance))
		return 0;
	/* what the round began with has ended: behind its last one it is learnt anew, or it would grow for ever */
	if (next == builder->known && next > 0 && !builder->memory[0])
		return 0;
	return builder->known;
}

int builder_find(struct mu_batch *batch, const char *type, const char *type_instance, struct mu_series **out)
{
	struct mu_builder *builder = batch->builder;
	char clean[SERIES_NAME_SIZE];

	c_assert(builder && out);
	c_assert(type && type_instance);
	if (strchr(type_instance, '/') && series_clean(clean, type_instance, false) >= 0)
		type_instance = clean;
	size_t at = builder_place(builder, batch, type, type_instance);
	if (at < builder->known && builder->memory[at] && !series_is_unlinked(builder->memory[at])) {
		*out = mu_series_ref(builder->memory[at]);
		builder->next = at + 1;
		return 0;
	}
	struct mu_ident ident = { batch->host, batch->plugin, batch->instance, type, type_instance };
	int r = mu_series_get(&ident, out, NULL);
	builder->asked++;
	if (r == 0)
		builder_remember(builder, at < builder->known ? at : builder->next, mu_series_ref(*out));
	return r;
}

uint64_t builder_asked(const struct mu_builder *builder)
{
	c_assert(builder);
	return builder->asked;
}

/* ---- blocks ---- */

static void batch_free(struct mu_batch *batch)
{
	free(batch->head.samples);
	free(batch->values);
	free(batch->rates);
	free(batch);
}

static void builder_unref(struct mu_builder *builder)
{
	uint32_t before = __atomic_fetch_sub(&builder->count, 1, __ATOMIC_ACQ_REL);

	c_assert(before > 0);
	if (before > 1)
		return;
	builder_forget(builder);
	for (size_t i = 0; i < SPARES; i++)
		if (builder->spare[i])
			batch_free(builder->spare[i]);
	free(builder);
}

void builder_recycle(struct mu_batch *batch)
{
	struct mu_builder *builder = batch->builder;

	c_assert(builder && batch->count == 0);
	for (size_t i = 0; batch && batch->bytes <= SPARE_BYTES_MAX && i < SPARES; i++) {
		struct mu_batch *none = NULL;
		if (__atomic_compare_exchange_n(&builder->spare[i], &none, batch, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED)) {
			batch = NULL;
			break;
		}
	}
	if (batch)
		batch_free(batch);
	builder_unref(builder);
}

static struct mu_batch *batch_new(const struct mu_builder *builder)
{
	struct mu_batch *batch = mem_alloc(sizeof(*batch));

	batch->head.stride = sizeof(struct mu_sample);
	batch->sample_cap = builder->samples > SAMPLES_FIRST ? builder->samples : SAMPLES_FIRST;
	batch->value_cap = builder->values > SAMPLES_FIRST ? builder->values : SAMPLES_FIRST;
	batch->head.samples = mem_grow(NULL, batch->sample_cap, sizeof(struct mu_sample));
	batch->values = mem_grow(NULL, batch->value_cap, sizeof(union mu_value));
	return batch;
}

static struct mu_batch *builder_block(struct mu_builder *builder)
{
	for (size_t i = 0; i < SPARES; i++) {
		struct mu_batch *batch = __atomic_exchange_n(&builder->spare[i], NULL, __ATOMIC_ACQUIRE);
		if (batch)
			return batch;
	}
	return batch_new(builder);
}

/* ---- the maker's ---- */

struct mu_builder *builder_new(struct mu_instance *self, const char *plugin)
{
	struct mu_builder *builder = mem_alloc(sizeof(*builder));

	c_assert(self || plugin);
	builder->count = 1;
	builder->self = self;
	if (!plugin)
		plugin = self->plugin->name;
	c_assert(series_clean(builder->plugin, plugin, true) > 0);
	text_copy(builder->maker, sizeof(builder->maker), self ? self->name : "muster");
	return builder;
}

struct mu_batch *builder_begin(struct mu_builder *builder, mu_time time, mu_time interval)
{
	c_assert(builder && time > 0);
	c_assert(interval > 0);
	builder_sweep(builder);
	struct mu_batch *batch = builder_block(builder);
	c_assert(batch->count == 0 && batch->sample_count == 0);
	__atomic_add_fetch(&builder->count, 1, __ATOMIC_RELAXED);
	batch->count = 1;
	batch->self = builder->self;
	batch->builder = builder;
	batch->time = time;
	batch->interval = interval;
	batch->bad = 0;
	batch->bytes = 0;
	text_copy(batch->host, sizeof(batch->host), mu_hostname());
	text_copy(batch->plugin, sizeof(batch->plugin), builder->plugin);
	batch->instance[0] = '\0';
	text_copy(batch->maker, sizeof(batch->maker), builder->maker);
	return batch;
}

struct mu_builder *mu_builder_new(struct mu_instance *self)
{
	c_assert(self);
	return builder_new(self, NULL);
}

struct mu_batch *mu_builder_begin(struct mu_builder *builder)
{
	c_assert(builder);
	return builder_begin(builder, clock_real(), builder->self ? builder->self->interval : INTERVAL_CORE);
}

void mu_builder_free(struct mu_builder **builder)
{
	c_assert(builder);
	if (!*builder)
		return;
	/* batches under way may outlive it; the handles need not */
	builder_forget(*builder);
	(*builder)->self = NULL;
	builder_unref(*builder);
	*builder = NULL;
}
