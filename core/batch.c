/* batch: values in a row. What cannot be right is left out, counted, and told once for each plugin and type,
 * for a plugin that is wrong is wrong at every interval. */
#include "batch.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus.h"
#include "log.h"
#include "types.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { COMPLAINTS_MAX = 1000, BAD_HOST = 1, BAD_PLUGIN = 2, BAD_INSTANCE = 4, ANY_KIND = -1 };

static uint64_t error_count, untold_count; /* atomic */
static pthread_mutex_t complaints_mutex = PTHREAD_MUTEX_INITIALIZER; /* "complaints" */
static struct map complaints; /* "plugin/type" of those told */

uint64_t batch_errors(void)
{
	return __atomic_load_n(&error_count, __ATOMIC_RELAXED);
}

uint64_t batch_errors_untold(void)
{
	return __atomic_load_n(&untold_count, __ATOMIC_RELAXED);
}

/* ---- complaints ---- */

/* Is it the first about this? Past 1,000 nobody reads on. */
static bool complaint_is_new(const char *plugin, const char *type)
{
	char key[2 * SERIES_NAME_SIZE + 2];
	static char told;

	text_printf(key, sizeof(key), "%s/%.130s", plugin, type);
	pthread_mutex_lock(&complaints_mutex);
	bool full = complaints.count >= COMPLAINTS_MAX;
	bool is_new = !full && map_put(&complaints, key, &told) == NULL;
	bool untold = full && !map_get(&complaints, key);
	pthread_mutex_unlock(&complaints_mutex);
	if (untold)
		__atomic_add_fetch(&untold_count, 1, __ATOMIC_RELAXED);
	return is_new;
}

/* Counts, and says what was wrong when it is the first time. Returns `code`. */
static int complain(const struct mu_batch *batch, const char *type, const char *type_instance, int code,
                    const char *what)
{
	c_assert(code < 0 && type);
	__atomic_add_fetch(&error_count, 1, __ATOMIC_RELAXED);
	if (!complaint_is_new(batch->plugin, type))
		return code;
	struct mu_error error = { 0 };
	if (!what) {
		struct mu_ident ident = { batch->host, batch->plugin, batch->instance, type, type_instance };
		struct mu_series *series;
		if (mu_series_get(&ident, &series, &error) == 0)
			mu_series_unref(&series); /* loaded meanwhile */
		what = error.what[0] ? error.what : strerror(-code);
	}
	log_line(MU_LOG_WARNING, batch->maker, "values of %s, type %.130s, are left out: %s%s%s",
	         batch->plugin, type, what, error.remedy[0] ? "; " : "", error.remedy);
	return code;
}

/* ---- what stays until changed ---- */

static bool is_building(const struct mu_batch *batch)
{
	return batch && batch->count == 1 && batch->bytes == 0;
}

/* A name that cannot be makes every value refused that would bear it. */
static void sticky_set(struct mu_batch *batch, char to[SERIES_NAME_SIZE], const char *name, uint32_t bit,
                       bool may_be_empty)
{
	c_assert(is_building(batch));
	batch->bad &= ~bit;
	if (strcmp(to, name) == 0)
		return;
	int length = series_clean(to, name, bit == BAD_PLUGIN);
	if (length < 0 || (!may_be_empty && (length == 0 || to[0] == '.'))) {
		to[0] = '\0';
		batch->bad |= bit;
	}
}

void mu_batch_host(struct mu_batch *batch, const char *host)
{
	sticky_set(batch, batch->host, host && *host ? host : mu_hostname(), BAD_HOST, false);
}

void mu_batch_plugin(struct mu_batch *batch, const char *plugin)
{
	c_assert(plugin);
	sticky_set(batch, batch->plugin, plugin, BAD_PLUGIN, false);
}

void mu_batch_instance(struct mu_batch *batch, const char *plugin_instance)
{
	sticky_set(batch, batch->instance, plugin_instance ? plugin_instance : "", BAD_INSTANCE, true);
}

void mu_batch_time(struct mu_batch *batch, mu_time time)
{
	c_assert(is_building(batch));
	batch->time = time > 0 ? time : clock_real(); /* as collectd: no time is now */
}

void mu_batch_interval(struct mu_batch *batch, mu_time interval)
{
	c_assert(is_building(batch));
	if (interval > 0)
		batch->interval = interval;
}

/* ---- values ---- */

static void batch_grow(struct mu_batch *batch, size_t values)
{
	if (batch->sample_count == batch->sample_cap) {
		batch->sample_cap *= 2;
		batch->head.samples = mem_grow(batch->head.samples, batch->sample_cap, sizeof(struct mu_sample));
	}
	while (batch->value_count + values > batch->value_cap) {
		batch->value_cap *= 2;
		batch->values = mem_grow(batch->values, batch->value_cap, sizeof(union mu_value));
	}
}

/* Takes the reference, also when it is refused. */
static int batch_append(struct mu_batch *batch, struct mu_series *series, int kind,
                        const union mu_value *values, size_t count)
{
	const char *wrong = NULL;
	int code = -EINVAL;

	c_assert(values || count == 0);
	if (count != series->type->count)
		wrong = "the type has another number of data sources";
	else if (kind != ANY_KIND && (int)series->type->sources[0].type != kind)
		wrong = "the type is of another kind";
	else if (batch->sample_count == BATCH_SAMPLES_MAX || batch->value_count + count > BATCH_VALUES_MAX) {
		wrong = "the batch is full";
		code = -ENOSPC;
	}
	if (wrong) {
		complain(batch, series->type->name, series->ident.type_instance, code, wrong);
		mu_series_unref(&series);
		return code;
	}
	batch_grow(batch, count);
	struct mu_sample *sample = &batch->head.samples[batch->sample_count++];
	*sample = (struct mu_sample){
		.series = series, .time = batch->time, .interval = batch->interval, .count = (uint32_t)count
	};
	memcpy(batch->values + batch->value_count, values, count * sizeof(*values));
	batch->value_count += count;
	return 0;
}

static int batch_value(struct mu_batch *batch, const char *type, const char *type_instance, int kind,
                       const union mu_value *values, size_t count)
{
	struct mu_series *series;

	c_assert(is_building(batch));
	c_assert(type);
	if (!type_instance)
		type_instance = "";
	if (batch->bad)
		return complain(batch, type, type_instance, -EINVAL,
		                "the host, plugin or instance has a name that cannot be");
	int r = builder_find(batch, type, type_instance, &series);
	if (r < 0)
		return complain(batch, type, type_instance, r, NULL);
	return batch_append(batch, series, kind, values, count);
}

int mu_gauge(struct mu_batch *batch, const char *type, const char *type_instance, double value)
{
	return batch_value(batch, type, type_instance, MU_GAUGE, &(union mu_value){ .gauge = value }, 1);
}

int mu_derive(struct mu_batch *batch, const char *type, const char *type_instance, int64_t value)
{
	return batch_value(batch, type, type_instance, MU_DERIVE, &(union mu_value){ .derive = value }, 1);
}

int mu_counter(struct mu_batch *batch, const char *type, const char *type_instance, uint64_t value)
{
	return batch_value(batch, type, type_instance, MU_COUNTER, &(union mu_value){ .counter = value }, 1);
}

int mu_absolute(struct mu_batch *batch, const char *type, const char *type_instance, uint64_t value)
{
	return batch_value(batch, type, type_instance, MU_ABSOLUTE, &(union mu_value){ .absolute = value },
	                   1);
}

int mu_values(struct mu_batch *batch, const char *type, const char *type_instance,
              const union mu_value *values, size_t count)
{
	return batch_value(batch, type, type_instance, ANY_KIND, values, count);
}

int mu_put(struct mu_batch *batch, struct mu_series *series, const union mu_value *values, size_t count)
{
	c_assert(is_building(batch));
	c_assert(series);
	return batch_append(batch, mu_series_ref(series), ANY_KIND, values, count);
}

/* ---- its way ---- */

void batch_finish(struct mu_batch *batch)
{
	size_t at = 0;

	c_assert(is_building(batch));
	if (batch->rate_cap < batch->value_count) {
		batch->rate_cap = batch->value_cap;
		batch->rates = mem_grow(batch->rates, batch->rate_cap, sizeof(double));
	}
	for (size_t i = 0; i < batch->sample_count; i++) {
		struct mu_sample *sample = &batch->head.samples[i];
		sample->values = batch->values + at;
		sample->rates = batch->rates + at;
		at += sample->count;
	}
	c_assert(at == batch->value_count);
	batch->self = NULL;
	batch->bytes = sizeof(*batch) + batch->sample_cap * sizeof(struct mu_sample) +
	               batch->value_cap * sizeof(union mu_value) + batch->rate_cap * sizeof(double);
}

int mu_batch_send(struct mu_batch **batch)
{
	c_assert(batch && is_building(*batch));
	struct mu_batch *it = *batch;
	struct mu_instance *self = it->self;

	*batch = NULL;
	int r = bus_submit(it, false);
	if (r == 1 && self)
		bus_promise_room(self);
	return r;
}

void mu_batch_drop(struct mu_batch **batch)
{
	c_assert(batch);
	if (*batch)
		mu_batch_unref((const struct mu_batch **)batch);
}

const struct mu_batch *mu_batch_ref(const struct mu_batch *batch)
{
	c_assert(batch && batch->bytes > 0);
	c_assert(__atomic_fetch_add(&((struct mu_batch *)batch)->count, 1, __ATOMIC_RELAXED) > 0);
	return batch;
}

void mu_batch_unref(const struct mu_batch **batch)
{
	c_assert(batch);
	struct mu_batch *it = (struct mu_batch *)*batch;

	*batch = NULL;
	if (!it)
		return;
	uint32_t before = __atomic_fetch_sub(&it->count, 1, __ATOMIC_ACQ_REL);
	c_assert(before > 0);
	if (before > 1)
		return;
	for (size_t i = 0; i < it->sample_count; i++)
		mu_series_unref(&it->head.samples[i].series);
	it->sample_count = it->value_count = 0;
	builder_recycle(it);
}

size_t mu_batch_count(const struct mu_batch *batch)
{
	c_assert(batch);
	return batch->sample_count;
}
