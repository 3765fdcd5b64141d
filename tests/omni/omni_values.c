/* omni_values: values of every sort, made and taken; events taken; series and objects looked at as a front end does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "omni.h"

/* ---- made: a read ---- */

/* One value of each sort, and more names than one. */
static void put_all(struct mu_batch *out, struct reader *reader)
{
	union mu_value three[] = { { .gauge = 1.5 }, { .gauge = 2.5 }, { .gauge = 3.5 } };
	union mu_value traffic[] = { { .derive = (int64_t)reader->steps * 100 },
				     { .derive = (int64_t)reader->steps * 10 } };
	union mu_value one = { .gauge = (double)reader->steps };

	mu_gauge(out, "gauge", "pi", 3.14159);
	mu_derive(out, "derive", "steps", (int64_t)reader->steps * 5);
	mu_counter(out, "counter", "laps", reader->steps * 7);
	mu_absolute(out, "absolute", "drops", 3);
	mu_values(out, "load", "", three, MU_ARRAY_LEN(three));
	mu_put(out, reader->series, &one, 1);
	mu_batch_instance(out, "plot");
	mu_values(out, "if_octets", "path", traffic, MU_ARRAY_LEN(traffic));
	mu_batch_plugin(out, "greenhouse");
	mu_batch_host(out, "elsewhere");
	mu_gauge(out, "percent", "humid", 60);
}

int omni_read(struct mu_instance *self, struct mu_batch *out)
{
	const struct config *config = mu_config(self);
	struct reader *reader = mu_reader(self);
	struct mu_ident ident = {
		.plugin = "omni", .plugin_instance = "held", .type = "gauge", .type_instance = "steps"
	};

	omni_wait_while_there(config->hang_file);
	reader->steps++;
	if (!reader->series && mu_series_get(&ident, &reader->series, NULL) < 0)
		return -ENOENT;
	put_all(out, reader);
	return config->fail_file && access(config->fail_file, F_OK) == 0 ? -EIO : 0;
}

void omni_reader_fini(struct mu_instance *self)
{
	struct reader *reader = mu_reader(self);

	mu_series_unref(&reader->series);
}

/* ---- made: a push ---- */

struct flood_args {
	int64_t batches, values;
	bool at_once;
	const char *prefix;
	mu_time step;
};
static const struct mu_option flood_rows[] = {
	MU_OPT_INT(struct flood_args, batches, .name = "batches", .dflt = "1", .min = 1, .max = 100000),
	MU_OPT_INT(struct flood_args, values, .name = "values", .dflt = "1", .min = 1, .max = 100000,
	           .help = "in each batch, of so many series"),
	MU_OPT_BOOL(struct flood_args, at_once, .name = "at_once", .help = "builds all of them before it sends the first"),
	MU_OPT_STRING(struct flood_args, prefix, .name = "prefix", .dflt = "flood", .help = "of their type instances"),
	MU_OPT_DURATION(struct flood_args, step, .name = "step", .dflt = "1ms", .unit = "s", .help = "between stamps"),
	MU_OPT_END
};

static void on_room(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);

	omni->rooms++;
}

static size_t flood_batch(struct mu_batch *batch, const struct flood_args *args)
{
	char name[64];
	size_t full = 0;

	mu_batch_plugin(batch, "flood");
	mu_batch_interval(batch, 10 * MU_SEC);
	for (int64_t i = 0; i < args->values; i++) {
		snprintf(name, sizeof(name), "%.40s-%" PRId64, args->prefix, i);
		full += mu_gauge(batch, "gauge", name, (double)i) == -ENOSPC;
	}
	return full;
}

struct flood {
	json_int_t admitted, paused, refused, full;
};

static void flood_send(struct flood *flood, struct mu_batch **batch)
{
	int r = mu_batch_send(batch);

	flood->admitted += r >= 0;
	flood->paused += r == 1;
	flood->refused += r < 0;
}

static void run_flood(struct mu_instance *self, struct mu_call *call)
{
	const struct flood_args *args = mu_call_args(call);
	struct omni *omni = mu_state(self);
	struct mu_batch **batches = calloc((size_t)args->batches, sizeof(struct mu_batch *));
	struct flood flood = { 0 };
	mu_time start = mu_time_real() - args->batches * args->step;

	if (!batches)
		abort();
	for (int64_t i = 0; i < args->batches; i++) {
		batches[i] = mu_builder_begin(omni->builder);
		mu_batch_time(batches[i], start + i * args->step);
		flood.full += (json_int_t)flood_batch(batches[i], args);
		if (!args->at_once)
			flood_send(&flood, &batches[i]);
	}
	for (int64_t i = 0; args->at_once && i < args->batches; i++)
		flood_send(&flood, &batches[i]);
	free(batches);
	mu_reply(call, json_pack("{s:I, s:I, s:I, s:I}", "admitted", flood.admitted, "paused", flood.paused,
				 "refused", flood.refused, "full", flood.full));
}

static void run_spill(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);
	struct mu_batch *batch = mu_builder_begin(omni->builder);
	json_t *json = json_object();

	json_object_set_new(json, "no_type", json_integer(mu_gauge(batch, "no_such_type", "x", 1)));
	json_object_set_new(json, "wrong_sort", json_integer(mu_derive(batch, "gauge", "x", 1)));
	json_object_set_new(json, "wrong_count", json_integer(mu_gauge(batch, "load", "x", 1)));
	json_object_set_new(json, "good", json_integer(mu_gauge(batch, "gauge", "spilled", 1)));
	mu_batch_drop(&batch); /* and with it the good one */
	mu_reply(call, json);
}

/* ---- taken ---- */

static void dawdle(mu_time span)
{
	struct timespec pause = { .tv_sec = span / MU_SEC, .tv_nsec = span % MU_SEC };

	if (span > 0)
		nanosleep(&pause, NULL);
}

void omni_write(struct mu_instance *self, const struct mu_batch *batch)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);

	omni->write_batches++;
	omni->write_samples += mu_batch_count(batch);
	for (size_t i = 0; i < mu_batch_count(batch); i++)
		omni->write_stale += mu_batch_sample(batch, i)->flags & MU_SAMPLE_STALE ? 1 : 0;
	const struct mu_batch *kept = mu_batch_ref(batch);
	dawdle(config->write_delay);
	mu_batch_unref(&kept);
}

void omni_event(struct mu_instance *self, const struct mu_event *event)
{
	struct omni *omni = mu_state(self);

	omni->events++;
	snprintf(omni->last_event, sizeof(omni->last_event), "%.200s", event->words);
}

static void on_samples(struct mu_instance *self, struct mu_value_sub *sub,
		       const struct mu_sample *const *samples, size_t count)
{
	struct omni *omni = mu_value_sub_data(sub);
	const struct config *config = mu_config(self);

	for (size_t i = 0; i < count; i++)
		omni->watched += mu_glob(config->watch_series ? config->watch_series : "*",
					 mu_series_name(samples[i]->series));
}

static void count_order(struct seen *seen, const struct mu_change *change)
{
	if (change->what == MU_CHANGE_PUT || change->what == MU_CHANGE_DELETE)
		seen->gaps += change->epoch != seen->epoch || change->sequence != seen->sequence + 1;
	seen->epoch = change->epoch;
	seen->sequence = change->sequence;
}

static void on_change(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	struct omni *omni = mu_object_sub_data(sub);
	struct seen *seen = &omni->seen;

	(void)self;
	count_order(seen, change);
	switch (change->what) {
	case MU_CHANGE_SNAPSHOT:
		seen->snapshot++;
		break;
	case MU_CHANGE_SYNCED:
		seen->synced++;
		break;
	case MU_CHANGE_PUT:
		seen->put++;
		break;
	case MU_CHANGE_DELETE:
		seen->deleted++;
		break;
	case MU_CHANGE_RESET:
		seen->reset++;
		break;
	}
	snprintf(seen->last, sizeof(seen->last), "%.60s", change->id ? change->id : "");
}

/* ---- its own part of a life ---- */

void omni_values_start(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);

	omni->builder = mu_builder_new(self);
	mu_on_room(self, on_room);
	if (config->watch_series)
		omni->values = mu_values_subscribe(self, config->watch_series, 64 << 10, on_samples, omni);
	if (config->watch_kind)
		omni->objects = mu_objects_subscribe(self, config->watch_kind, on_change, omni);
}

void omni_values_end(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);

	if (omni->values)
		mu_values_unsubscribe(&omni->values);
	if (omni->objects)
		mu_objects_unsubscribe(&omni->objects);
	mu_builder_free(&omni->builder);
}

const struct mu_command omni_value_commands[] = {
	{ .kind = "probe", .name = "flood", .title = "Flood", .help = "pushes values to the bus", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = flood_rows, .args_size = sizeof(struct flood_args), .deadline = 60 * MU_SEC,
	  .run = run_flood },
	{ .kind = "probe", .name = "spill", .title = "Spill", .help = "values that are refused, and one thrown away",
	  .effect = MU_CHANGE, .flags = MU_ON_KIND, .run = run_spill },
	MU_COMMAND_END
};
