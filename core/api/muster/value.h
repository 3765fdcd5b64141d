/* muster/value.h: series, samples, batches: the values that travel on the bus.
 *
 * A series is collectd's five names (host, plugin, plugin instance, type, type instance); its type,
 * from types.db, says how many data sources a sample has and of which sort. A batch is the values of
 * one read, or of one push from outside: built by one thread, then immutable and shared. */
#ifndef MUSTER_VALUE_H
#define MUSTER_VALUE_H

#include <muster/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers as on collectd's wire. */
enum mu_ds_type { MU_COUNTER = 0, MU_GAUGE = 1, MU_DERIVE = 2, MU_ABSOLUTE = 3 };

union mu_value {
	uint64_t counter;  /* wraps at 32 or 64 bit */
	double gauge;      /* NAN = unknown */
	int64_t derive;    /* its rate may be negative */
	uint64_t absolute; /* counted since the sample before */
};

struct mu_source {
	const char *name; /* data source: "value", "rx", "shortterm" */
	enum mu_ds_type type;
	double min, max; /* NAN = unbounded */
};

struct mu_type {
	const char *name;
	size_t count; /* 1..63 */
	const struct mu_source *sources;
};

/* The identity of a series. Each name is at most 127 bytes; "" where there is none. Names are cleaned as
 * collectd does: "/" becomes "root", one leading '/' goes, every other '/' becomes '_'. The first '-' of
 * "plugin-instance" ends the plugin, so in the plugin's own name '-' becomes '_'. Host, plugin and type
 * cannot be empty nor begin with a '.'; control bytes other than a tab are refused. */
struct mu_ident {
	const char *host, *plugin, *plugin_instance, *type, *type_instance;
};

struct mu_series;

/* Finds or makes a series; the caller holds a reference. Any thread, takes the series lock: keep the handle
 * rather than ask again. NULL host = this host. 0; -ENOENT when the type is unknown; -EINVAL when a name is
 * empty that may not be, too long, or has a byte it may not have; -ENOSPC past 4 million series. */
int mu_series_get(const struct mu_ident *ident, struct mu_series **out, struct mu_error *error);
/* Only finds: -ENOENT when nobody has reported it. */
int mu_series_find(const struct mu_ident *ident, struct mu_series **out);
struct mu_series *mu_series_ref(struct mu_series *series);
void mu_series_unref(struct mu_series **series);

/* All const after creation, no lock, any thread, as long as a reference is held. */
const struct mu_ident *mu_series_ident(const struct mu_series *series);
const struct mu_type *mu_series_type(const struct mu_series *series);
/* "host/plugin-instance/type-instance", as in PUTVAL and in the path of its file. */
const char *mu_series_name(const struct mu_series *series);
/* Small and dense, for arrays beside the series; given again only after the last unref. */
uint32_t mu_series_index(const struct mu_series *series);

struct mu_last {
	mu_time time;     /* stamp of the newest sample, 0 = none yet */
	mu_time interval; /* span, as its sender said */
	uint32_t count;   /* data sources filled in, at most 63 */
	union mu_value values[63];
	double rates[63]; /* per second; a gauge as it is; NAN = none yet, or out of the type's bounds */
};
/* The newest sample, consistent, from any thread. 0; >0 when there is none yet. */
int mu_series_last_sized(const struct mu_series *series, struct mu_last *out, size_t size);
static inline int mu_series_last(const struct mu_series *series, struct mu_last *out)
{
	return mu_series_last_sized(series, out, sizeof(*out));
}
/* Every series whose name matches (NULL = all), sorted by name, until `each` returns other than 0, which is
 * returned; 0 at the end. The handle is borrowed. Any thread; with many series it takes its time: in `read` or in
 * work, not on a loop. */
int mu_series_each(const char *glob, int (*each)(struct mu_series *series, void *data), void *data);

/* ---- samples, as writers see them ---- */

struct mu_sample {
	struct mu_series *series; /* held by the batch; mu_series_ref to keep it longer */
	mu_time time, interval; /* stamp, span; both above 0 */
	uint32_t count; /* data sources, 1..63 */
	uint32_t flags; /* enum mu_sample_flag */
	const union mu_value *values;
	const double *rates; /* per second; a gauge as it is; NAN = unknown or out of the type's bounds */
};
enum mu_sample_flag {
	/* Not newer than the sample before it: the last value stands, and the rates of all but gauges are NAN. Or its
	 * series timed out on the way and its name is another type's by now: all rates are NAN. */
	MU_SAMPLE_STALE = 1 << 0,
};

/* ---- batches: building ---- */

struct mu_batch;

/* For values that come from outside a read. `self` is named in errors and counters. The builder
 * keeps the handles of the batch before it: batches of like content cost no string work. */
struct mu_builder;
struct mu_builder *mu_builder_new(struct mu_instance *self);
void mu_builder_free(struct mu_builder **builder);
struct mu_batch *mu_builder_begin(struct mu_builder *builder);

/* Sticky until changed. Defaults: this host, the plugin's name, "", the time of the read, the
 * instance's interval. Strings are copied. A host of NULL or "", an instance of NULL, an interval that is
 * not above 0 mean the default or what stood before; a time that is not above 0 means now. */
void mu_batch_host(struct mu_batch *batch, const char *host);
void mu_batch_plugin(struct mu_batch *batch, const char *plugin);
void mu_batch_instance(struct mu_batch *batch, const char *plugin_instance);
void mu_batch_time(struct mu_batch *batch, mu_time time);
void mu_batch_interval(struct mu_batch *batch, mu_time interval);

/* One value of a type with one data source. A wrong type name, sort or count is counted, logged once
 * by the core, and leaves the batch as it was: 0, -ENOENT, -EINVAL, -ENOSPC (batch full at 65,536). */
int mu_gauge(struct mu_batch *batch, const char *type, const char *type_instance, double value);
int mu_derive(struct mu_batch *batch, const char *type, const char *type_instance, int64_t value);
int mu_counter(struct mu_batch *batch, const char *type, const char *type_instance, uint64_t value);
int mu_absolute(struct mu_batch *batch, const char *type, const char *type_instance, uint64_t value);
/* All data sources of a type, in the order of types.db. */
int mu_values(struct mu_batch *batch, const char *type, const char *type_instance,
              const union mu_value *values, size_t count);
/* The same with a handle at hand: no string work at all. */
int mu_put(struct mu_batch *batch, struct mu_series *series, const union mu_value *values, size_t count);

/* Gives a batch of mu_builder_begin to the bus; *batch becomes NULL in every case. 0 admitted;
 * 1 admitted, but stop reading until `room` is called on your loop (see mu_on_room);
 * -ENOBUFS refused whole: the sender is to be told. */
int mu_batch_send(struct mu_batch **batch);
void mu_batch_drop(struct mu_batch **batch);
void mu_on_room(struct mu_instance *self, void (*room)(struct mu_instance *self));

/* ---- batches: reading (writers, on their loop) ---- */

/* The head of every batch; the core's. */
struct mu_batch_head {
	struct mu_sample *samples;
	size_t stride; /* bytes from one to the next: more than sizeof, should samples have grown */
};
size_t mu_batch_count(const struct mu_batch *batch);
/* `index` < mu_batch_count; in the order they were put. */
static inline const struct mu_sample *mu_batch_sample(const struct mu_batch *batch, size_t index)
{
	const struct mu_batch_head *head = (const struct mu_batch_head *)(const void *)batch;

	return (const struct mu_sample *)(const void *)((const char *)head->samples + index * head->stride);
}
const struct mu_batch *mu_batch_ref(const struct mu_batch *batch);
void mu_batch_unref(const struct mu_batch **batch);

/* Series by glob over their names, as they arrive: `got` runs on your loop with only the samples that match,
 * valid until it returns. No first picture: ask series.list for that. `limit` > 0 bytes may wait; then the newest
 * win and the loss is counted. Ends with the instance. */
struct mu_value_sub;
struct mu_value_sub *mu_values_subscribe(struct mu_instance *self, const char *glob, size_t limit,
                                         void (*got)(struct mu_instance *self, struct mu_value_sub *sub,
                                                     const struct mu_sample *const *samples, size_t count),
                                         void *data);
void *mu_value_sub_data(const struct mu_value_sub *sub);
/* Samples this subscription lost so far because its owner was slow. */
uint64_t mu_value_sub_lost(const struct mu_value_sub *sub);
void mu_values_unsubscribe(struct mu_value_sub **sub);

/* This host's name as it stands in identifiers. */
const char *mu_hostname(void);

#ifdef __cplusplus
}
#endif
#endif
