/* self_series: the kind "series", served out of the directory of series: list and get by glob, watch, put. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/plaintext.h"
#include "base/slurp.h"
#include "batch.h"
#include "bus.h"
#include "instance.h"
#include "object.h"
#include "self.h"
#include "series.h"
#include "stream.h"

static const struct mu_attr attrs[] = {
	{ .name = "host", .type = MU_STRING, .flags = MU_HIDDEN, .help = "the first of its five names" },
	{ .name = "plugin", .type = MU_STRING, .flags = MU_HIDDEN },
	{ .name = "plugin_instance", .type = MU_STRING, .flags = MU_HIDDEN },
	{ .name = "type", .type = MU_STRING, .flags = MU_HIDDEN, .help = "of types.db" },
	{ .name = "type_instance", .type = MU_STRING, .flags = MU_HIDDEN },
	{ .name = "time", .type = MU_DOUBLE, .unit = "time", .help = "of the newest sample" },
	{ .name = "interval", .type = MU_DURATION, .unit = "s", .help = "between samples, as their sender says" },
	{ .name = "values", .type = MU_BLOCK, .help = "the newest sample: data source and value as it came" },
	{ .name = "rates", .type = MU_BLOCK, .help = "the same per second; a gauge as it is" },
	MU_ATTR_END
};

static json_t *value_json(enum mu_ds_type type, union mu_value value)
{
	switch (type) {
	case MU_COUNTER:
	case MU_ABSOLUTE:
		return json_integer((json_int_t)value.counter);
	case MU_DERIVE:
		return json_integer((json_int_t)value.derive);
	case MU_GAUGE:
		break;
	}
	return json_number(value.gauge);
}

static json_t *sample_json(const struct mu_series *series, mu_time time, mu_time interval, uint32_t count,
                           const union mu_value *values, const double *rates)
{
	const struct mu_type *type = mu_series_type(series);
	json_t *object = json_object(), *raw = json_object(), *rate = json_object();

	json_set_text(object, "id", mu_series_name(series));
	json_object_set_new(object, "time", json_real(round(mu_seconds(time) * 1e3) / 1e3));
	json_object_set_new(object, "interval", json_real(mu_seconds(interval)));
	for (uint32_t i = 0; i < count; i++) {
		json_object_set_new(raw, type->sources[i].name, value_json(type->sources[i].type, values[i]));
		json_object_set_new(rate, type->sources[i].name, json_number(rates[i]));
	}
	json_object_set_new(object, "values", raw);
	json_object_set_new(object, "rates", rate);
	return object;
}

static json_t *series_json(const struct mu_series *series)
{
	const struct mu_ident *ident = mu_series_ident(series);
	struct mu_last *last = mem_alloc(sizeof(*last));
	json_t *object;

	if (mu_series_last(series, last) == 0)
		object = sample_json(series, last->time, last->interval, last->count, last->values, last->rates);
	else
		object = json_pack("{s:s}", "id", mu_series_name(series));
	json_set_text(object, "host", ident->host);
	json_set_text(object, "plugin", ident->plugin);
	json_set_text(object, "plugin_instance", ident->plugin_instance);
	json_set_text(object, "type", ident->type);
	json_set_text(object, "type_instance", ident->type_instance);
	free(last);
	return object;
}

/* The glob of the names, when that is all that is asked: no JSON is then made for those that do not match. */
static const char *query_glob(const struct mu_query *query)
{
	for (size_t i = 0; i < query->where_count; i++)
		if (strcmp(query->where[i].attr, "id") == 0 &&
		    (query->where[i].op == MU_GLOB || query->where[i].op == MU_EQ))
			return query->where[i].value;
	return NULL;
}

/* Names are unique and sorted, so the page before ends at a name. */
static size_t series_after(struct mu_series *const *all, size_t count, const char *after)
{
	size_t low = 0, high = count;

	while (after && low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(mu_series_name(all[middle]), after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void series_list(struct mu_instance *self, struct mu_call *call, const struct mu_query *query)
{
	size_t count, at;
	struct mu_series **all = series_match(query_glob(query), &count);
	json_t *items = json_array();
	const char *next = NULL;

	(void)self;
	for (at = series_after(all, count, query->after); at < count; at++) {
		if (json_array_size(items) == query->limit) {
			next = mu_series_name(all[at - 1]);
			break;
		}
		json_t *object = series_json(all[at]);
		if (object_matches(&self_series_kind, mu_series_name(all[at]), object, query))
			json_array_append_new(items, object);
		else
			json_decref(object);
	}
	mu_reply(call, json_pack("{s:o, s:s?, s:o}", "items", items, "next", next, "total",
	                         query->where_count > (query_glob(query) ? 1 : 0) ? json_null()
	                                                                      : json_integer((json_int_t)count)));
	for (size_t i = 0; i < count; i++)
		mu_series_unref(&all[i]);
	free(all);
}

static void series_get(struct mu_instance *self, struct mu_call *call, const char *id)
{
	struct mu_series *series = NULL;
	struct mu_error error = { .code = 0 };

	(void)self;
	if (series_parse(id, mu_hostname(), &series, false, &error) < 0) {
		if (error.code == -EINVAL)
			mu_reply_failure(call, &error);
		else
			mu_reply_error(call, -ENOENT, "nobody has reported the series \"%s\"", id);
		return;
	}
	mu_reply(call, series_json(series));
	mu_series_unref(&series);
}

/* ---- watch ---- */

struct watch_args {
	const char *glob;
};
static const struct mu_option watch_rows[] = {
	MU_OPT_STRING(struct watch_args, glob, .name = "glob", .dflt = "*",
	              .help = "which series: a shell pattern over their names"),
	MU_OPT_END
};

#define WATCH_LIMIT (4 << 20)
enum { WATCH_PARTS = 16384 };

struct watch {
	struct mu_value_sub *sub;
	struct mu_call *call;
	uint64_t lost; /* of the subscription's own queue: so many were told */
	struct list node;
};

static struct list watches = { &watches, &watches };

static void watch_end(struct watch *watch)
{
	mu_values_unsubscribe(&watch->sub);
	list_remove(&watch->node);
	mu_reply(watch->call, NULL);
	free(watch);
}

static void watch_got(struct mu_instance *self, struct mu_value_sub *sub, const struct mu_sample *const *samples,
                      size_t count)
{
	struct watch *watch = mu_value_sub_data(sub);
	uint64_t lost = mu_value_sub_lost(sub);

	(void)self;
	if (lost > watch->lost)
		stream_lose(watch->call, lost - watch->lost);
	watch->lost = lost;
	for (size_t i = 0; i < count; i++) {
		const struct mu_sample *s = samples[i];
		if (stream_send(watch->call, sample_json(s->series, s->time, s->interval, s->count, s->values,
		                                         s->rates)) < 0) {
			watch_end(watch);
			return;
		}
	}
}

static void watch_gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	watch_end(mu_call_data(call));
}

static void run_watch(struct mu_instance *self, struct mu_call *call)
{
	const struct watch_args *args = mu_call_args(call);
	struct watch *watch = mem_alloc(sizeof(*watch));

	watch->call = call;
	list_add(&watches, &watch->node);
	mu_call_set_data(call, watch);
	mu_call_on_gone(call, watch_gone);
	stream_open(call, WATCH_PARTS, WATCH_LIMIT);
	watch->sub = mu_values_subscribe(self, args->glob, WATCH_LIMIT, watch_got, watch);
}

void self_series_stop(void)
{
	list_each_safe (node, &watches)
		watch_end(list_entry(node, struct watch, node));
}

/* ---- put ---- */

struct put_args {
	const char *series, *values;
	mu_time interval;
};
static const struct mu_option put_rows[] = {
	MU_OPT_STRING(struct put_args, series, .name = "series", .flags = MU_REQUIRED, .kind = "series",
	              .help = "host/plugin-instance/type-instance; without a host this one"),
	MU_OPT_STRING(struct put_args, values, .name = "values", .flags = MU_REQUIRED,
	              .help = "time:value[:value…], N for now, U for unknown"),
	MU_OPT_DURATION(struct put_args, interval, .name = "interval", .dflt = "10", .unit = "s", .min = 0.001,
	                .max = 86400 * 366, .help = "when the next one is due"),
	MU_OPT_END
};

static int put_value(const struct mu_source *source, const char *word, union mu_value *out)
{
	const char *p = word;
	int r;

	if (source->type == MU_GAUGE && strcmp(word, "U") == 0) {
		out->gauge = NAN;
		return 0;
	}
	switch (source->type) {
	case MU_GAUGE:
		r = scan_double(&p, &out->gauge);
		break;
	case MU_DERIVE:
		r = scan_i64(&p, &out->derive);
		break;
	case MU_COUNTER:
	case MU_ABSOLUTE:
	default:
		r = scan_u64(&p, &out->counter);
		break;
	}
	return r < 0 || *p ? -EINVAL : 0;
}

static int put_parse(char *text, const struct mu_type *type, mu_time *time, union mu_value *values,
                     struct mu_error *error)
{
	double seconds;
	bool now;
	char *rest, *word;
	size_t count = 0;

	if (plaintext_time(text, &seconds, &now, &rest) < 0)
		return mu_error(error, -EINVAL, "the time before the first \":\" is none: give seconds since the epoch, or N");
	*time = now ? mu_time_real() : (mu_time)(seconds * 1e9);
	while ((word = plaintext_value(&rest))) {
		if (count == type->count || put_value(&type->sources[count], word, &values[count]) < 0)
			return mu_error(error, -EINVAL, "the value \"%s\" does not fit the type %s, which has %zu data source%s",
			                word, type->name, type->count, type->count == 1 ? "" : "s");
		count++;
	}
	if (count != type->count)
		return mu_error(error, -EINVAL, "%zu value%s given; the type %s has %zu data sources", count,
		                count == 1 ? "" : "s", type->name, type->count);
	return 0;
}

static void run_put(struct mu_instance *self, struct mu_call *call)
{
	static struct mu_builder *builder; /* for the life of the process: the core's own */
	const struct put_args *args = mu_call_args(call);
	struct mu_series *series = NULL;
	struct mu_error error = { .code = 0 };
	union mu_value values[63];
	mu_time time = 0;

	if (series_parse(args->series, mu_hostname(), &series, true, &error) < 0) {
		mu_reply_failure(call, &error);
		return;
	}
	char *text = mem_strdup(args->values);
	if (put_parse(text, mu_series_type(series), &time, values, &error) < 0) {
		mu_reply_failure(call, &error);
	} else {
		if (!builder)
			builder = mu_builder_new(self);
		struct mu_batch *batch = builder_begin(builder, time, args->interval);
		mu_put(batch, series, values, mu_series_type(series)->count);
		if (mu_batch_send(&batch) < 0)
			mu_reply_error(call, -ENOBUFS, "the bus is full: the value was not taken; try again later");
		else
			mu_reply_text(call, "1 value was taken for %s", mu_series_name(series));
	}
	free(text);
	mu_series_unref(&series);
}

const struct mu_command self_series_commands[] = {
	{ .kind = "series", .name = "watch", .title = "Watch", .effect = MU_LOOK, .flags = MU_ON_KIND | MU_STREAM,
	  .help = "each sample as it arrives; {\"lost\": n} where a slow reader missed some", .args = watch_rows,
	  .args_size = sizeof(struct watch_args), .run = run_watch },
	{ .kind = "series", .name = "put", .title = "Put", .effect = MU_CHANGE, .flags = MU_ON_KIND,
	  .help = "hands one sample to the bus", .args = put_rows, .args_size = sizeof(struct put_args), .run = run_put },
	MU_COMMAND_END
};

const struct mu_kind self_series_kind = {
	.name = "series", .plural = "series", .help = "what is measured: five names, and its newest sample",
	.flags = MU_SERVED, .attrs = attrs, .columns = "values time interval", .list = series_list, .get = series_get,
};
