/* value_sub: series by glob, as they arrive: a sink that hands over only what matches.
 *
 * A glob is compared once with each series, and the verdict kept beside the series' index together with its
 * serial, so that whoever gets that index next is compared anew. The owner's loop writes verdicts; main reads
 * them, to count a loss exactly. */
#include "sink.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 1024, VERDICTS_FIRST = 256 };

struct mu_value_sub {
	struct sink sink;
	char *glob; /* NULL = all */
	void (*got)(struct mu_instance *self, struct mu_value_sub *sub,
		    const struct mu_sample *const *samples, size_t count);
	void *data;
	uint32_t *verdicts; /* serial << 1 | matches, by index; 0 = not yet. Atomic; grows under the mutex */
	size_t verdict_cap;
	struct mu_msg join, leave; /* to main */
};

static struct mu_value_sub *sub_of(const struct sink *sink)
{
	return container_of(sink, struct mu_value_sub, sink);
}

/* ---- verdicts ---- */

/* What is known: 1, 0; -1 = nothing. */
static int verdict_known(const struct mu_value_sub *sub, const struct mu_series *series)
{
	if (series->index >= sub->verdict_cap)
		return -1;
	uint32_t verdict = __atomic_load_n(&sub->verdicts[series->index], __ATOMIC_RELAXED);
	return verdict >> 1 == series->serial ? (int)(verdict & 1) : -1;
}

static void verdicts_grow(struct mu_value_sub *sub, size_t index)
{
	size_t cap = sub->verdict_cap ? sub->verdict_cap : VERDICTS_FIRST;

	while (cap <= index)
		cap *= 2;
	pthread_mutex_lock(&sub->sink.mutex);
	sub->verdicts = mem_grow(sub->verdicts, cap, sizeof(uint32_t));
	memset(sub->verdicts + sub->verdict_cap, 0, (cap - sub->verdict_cap) * sizeof(uint32_t));
	sub->verdict_cap = cap;
	pthread_mutex_unlock(&sub->sink.mutex);
}

/* Owner's loop. */
static bool sub_wants(struct mu_value_sub *sub, const struct mu_series *series)
{
	if (!sub->glob)
		return true;
	int known = verdict_known(sub, series);
	if (known >= 0)
		return known;
	bool wants = mu_glob(sub->glob, series->name);
	if (series->index >= sub->verdict_cap)
		verdicts_grow(sub, series->index);
	c_assert(series->index < sub->verdict_cap);
	__atomic_store_n(&sub->verdicts[series->index], series->serial << 1 | wants, __ATOMIC_RELAXED);
	return wants;
}

static uint64_t sub_matching(const struct sink *sink, const struct mu_batch *batch)
{
	const struct mu_value_sub *sub = sub_of(sink);
	uint64_t count = 0;

	if (!sub->glob)
		return batch->sample_count;
	for (size_t i = 0; i < batch->sample_count; i++) {
		int known = verdict_known(sub, batch->head.samples[i].series);
		count += known >= 0 ? (uint64_t)known
				    : mu_glob(sub->glob, batch->head.samples[i].series->name);
	}
	return count;
}

/* ---- as a sink ---- */

static void sub_deliver(struct sink *sink, struct mu_instance *self, const struct mu_batch *batch)
{
	struct mu_value_sub *sub = sub_of(sink);
	const struct mu_sample *found[AT_ONCE];
	size_t count = 0;

	for (size_t i = 0; i < batch->sample_count; i++) {
		if (sub_wants(sub, batch->head.samples[i].series))
			found[count++] = &batch->head.samples[i];
		if (count < AT_ONCE)
			continue;
		sub->got(self, sub, found, count);
		count = 0;
		if (sink_is_closed(sink))
			return;
	}
	if (count)
		sub->got(self, sub, found, count);
}

static void sub_release(struct sink *sink)
{
	struct mu_value_sub *sub = sub_of(sink);

	sink_fini(sink);
	free(sub->glob);
	free(sub->verdicts);
	free(sub);
}

/* ---- its life: the owner's loop asks, main does ---- */

static void sub_join(struct mu_instance *none, struct mu_msg *msg)
{
	struct mu_value_sub *sub = container_of(msg, struct mu_value_sub, join);

	c_assert(!none);
	bus_add_sink(&sub->sink);
}

static void sub_leave(struct mu_instance *none, struct mu_msg *msg)
{
	struct mu_value_sub *sub = container_of(msg, struct mu_value_sub, leave);

	c_assert(!none);
	bus_remove_sink(&sub->sink);
	sink_unref(&sub->sink); /* the owner's */
}

struct mu_value_sub *mu_values_subscribe(struct mu_instance *self, const char *glob, size_t limit,
					 void (*got)(struct mu_instance *self, struct mu_value_sub *sub,
						     const struct mu_sample *const *samples, size_t count),
					 void *data)
{
	struct mu_value_sub *sub = mem_alloc(sizeof(*sub));

	c_assert(self && glob);
	c_assert(got && limit > 0);
	c_assert(mu_on_loop(self));
	sink_init(&sub->sink, self, limit, true);
	text_printf(sub->sink.name, sizeof(sub->sink.name), "%s %s", self->name, glob);
	sub->sink.quiet = true; /* its owner can ask: mu_value_sub_lost */
	sub->sink.owned = true;
	sub->sink.deliver = sub_deliver;
	sub->sink.matching = sub_matching;
	sub->sink.release = sub_release;
	sub->glob = strcmp(glob, "*") == 0 ? NULL : mem_strdup(glob);
	sub->got = got;
	sub->data = data;
	sub->join.run = sub_join;
	sub->leave.run = sub_leave;
	sink_ref(&sub->sink); /* one for the bus, one for the owner */
	loop_post(loop_main(), &sub->join);
	return sub;
}

void *mu_value_sub_data(const struct mu_value_sub *sub)
{
	c_assert(sub);
	return sub->data;
}

uint64_t mu_value_sub_lost(const struct mu_value_sub *sub)
{
	c_assert(sub);
	return sink_lost(&((struct mu_value_sub *)sub)->sink);
}

void mu_values_unsubscribe(struct mu_value_sub **sub)
{
	c_assert(sub);
	struct mu_value_sub *it = *sub;

	*sub = NULL;
	if (!it)
		return;
	sink_close(&it->sink);
	loop_post(loop_main(), &it->leave);
}
