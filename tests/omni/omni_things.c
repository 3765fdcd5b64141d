/* omni_things: the published kind: an attribute of every type, objects of the configuration and by command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "omni.h"

enum { THINGS_AT_ONCE = 20000 };

/* ---- tables ---- */

static const struct mu_state states[] = {
	{ "idle", MU_OK, "has nothing to do" },
	{ "busy", MU_RUNNING, "was poked, and comes to rest by itself" },
	{ "broken", MU_FAIL, "needs a person" },
	{ "worn", MU_WARN, "will need a person" },
	{ "asleep", MU_PAUSED, "was put to sleep" },
	{ "lost", MU_UNKNOWN, "nobody knows" },
	{ "queued", MU_WAIT, "waits for its turn" },
	MU_STATE_END
};

static const struct mu_attr attrs[] = {
	{ .name = "title", .type = MU_STRING, .flags = MU_EDITABLE, .help = "what it is called" },
	{ .name = "reason", .type = MU_STRING, .help = "why it is in its state" },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time", .help = "in this state since" },
	{ .name = "weight", .type = MU_INT, .flags = MU_EDITABLE, .max = 1000, .unit = "kg", .help = "how heavy" },
	{ .name = "share", .type = MU_DOUBLE, .flags = MU_EDITABLE, .max = 100, .unit = "percent", .help = "of all" },
	{ .name = "lease", .type = MU_DURATION, .flags = MU_EDITABLE, .unit = "s", .help = "how long it stays" },
	{ .name = "bytes", .type = MU_SIZE, .flags = MU_EDITABLE, .unit = "bytes", .help = "how large" },
	{ .name = "open", .type = MU_BOOL, .flags = MU_EDITABLE, .help = "for everyone" },
	{ .name = "colour", .type = MU_ENUM, .flags = MU_EDITABLE, .choices = omni_colours, .help = "one of three" },
	{ .name = "tags", .type = MU_STRINGS, .flags = MU_EDITABLE, .help = "words about it" },
	{ .name = "password", .type = MU_STRING, .flags = MU_SECRET | MU_EDITABLE, .help = "shown to nobody" },
	{ .name = "email", .type = MU_STRING, .flags = MU_PERSONAL | MU_EDITABLE, .label = "e-mail",
	  .help = "of its owner" },
	{ .name = "extra", .type = MU_BLOCK, .flags = MU_HIDDEN, .help = "anything" },
	{ .name = "parent", .type = MU_STRING, .kind = "thing", .help = "the thing it belongs to" },
	MU_ATTR_END
};

const struct mu_kind omni_thing_kind = {
	.name = "thing", .plural = "things", .aliases = "stuff gadgets", .help = "something that omni keeps",
	.attrs = attrs, .states = states, .title = "title", .reason = "reason", .since = "since", .parent = "parent",
	.columns = "state title weight colour parent",
};

/* What add and edit take. */
struct thing_args {
	const char *id, *title, *password, *email, *parent;
	int64_t weight;
	double share;
	mu_time lease;
	uint64_t bytes;
	bool open;
	int colour, state;
	struct mu_strings tags;
};
static const char *const state_names[] = { "idle", "busy", "broken", "worn", "asleep", "lost", "queued", NULL };

#define THING_ROWS                                                                                                 \
	MU_OPT_STRING(struct thing_args, title, .name = "title", .dflt = "untitled", .help = "what it is called"), \
	MU_OPT_ENUM(struct thing_args, state, .name = "state", .dflt = "idle", .choices = state_names),            \
	MU_OPT_INT(struct thing_args, weight, .name = "weight", .dflt = "1", .max = 1000, .unit = "kg"),           \
	MU_OPT_DOUBLE(struct thing_args, share, .name = "share", .max = 100, .unit = "percent"),                   \
	MU_OPT_DURATION(struct thing_args, lease, .name = "lease", .dflt = "1h", .unit = "s"),                     \
	MU_OPT_SIZE(struct thing_args, bytes, .name = "bytes", .unit = "bytes"),                                   \
	MU_OPT_BOOL(struct thing_args, open, .name = "open"),                                                      \
	MU_OPT_ENUM(struct thing_args, colour, .name = "colour", .dflt = "red", .choices = omni_colours),          \
	MU_OPT_STRINGS(struct thing_args, tags, .name = "tags", .max = 8),                                         \
	MU_OPT_STRING(struct thing_args, password, .name = "password", .flags = MU_SECRET),                        \
	MU_OPT_STRING(struct thing_args, email, .name = "email"),                                                  \
	MU_OPT_STRING(struct thing_args, parent, .name = "parent", .kind = "thing")

static const struct mu_option add_rows[] = {
	MU_OPT_STRING(struct thing_args, id, .name = "id", .flags = MU_REQUIRED, .help = "a new name"),
	THING_ROWS, MU_OPT_END
};
static const struct mu_option edit_rows[] = { THING_ROWS, MU_OPT_END };

/* ---- one thing ---- */

json_t *omni_would(const char *kind, const char *id, const char *sentence)
{
	return json_pack("{s:s, s:s, s:s}", "kind", kind, "id", id, "sentence", sentence);
}

/* Takes `thing`. */
static int thing_put(struct mu_instance *self, const char *id, json_t *thing)
{
	struct omni *omni = mu_state(self);
	int r = mu_object_put(self, "thing", id, json_deep_copy(thing));

	if (r < 0) {
		json_decref(thing);
		return r;
	}
	json_object_set_new(omni->things, id, thing);
	mu_level(self, OMNI_THINGS, (int64_t)json_object_size(omni->things));
	return 0;
}

static int thing_delete(struct mu_instance *self, const char *id)
{
	struct omni *omni = mu_state(self);
	int r = mu_object_delete(self, "thing", id);

	json_object_del(omni->things, id);
	mu_level(self, OMNI_THINGS, (int64_t)json_object_size(omni->things));
	return r;
}

static int thing_state(struct mu_instance *self, const char *id, const char *state, const char *reason)
{
	const struct omni *omni = mu_state(self);
	json_t *thing = json_deep_copy(json_object_get(omni->things, id));

	if (!thing)
		return -ENOENT;
	json_object_set_new(thing, "state", json_string(state));
	json_object_set_new(thing, "reason", json_string(reason));
	json_object_set_new(thing, "since", json_real(mu_seconds(mu_time_real())));
	return thing_put(self, id, thing);
}

/* `all`: also what was not given, as its default. Takes `value`. */
static void take(json_t *thing, const struct mu_call *call, bool all, const char *name, json_t *value)
{
	if (value && (all || mu_call_given(call, name)))
		json_object_set(thing, name, value);
	json_decref(value);
}

static json_t *strings_json(const struct mu_strings *strings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < strings->count; i++)
		json_array_append_new(array, json_string(strings->items[i]));
	return array;
}

static void thing_take(json_t *thing, const struct mu_call *call, bool all)
{
	const struct thing_args *args = mu_call_args(call);

	take(thing, call, all, "title", json_string(args->title));
	take(thing, call, all, "state", json_string(state_names[args->state]));
	take(thing, call, all, "weight", json_integer(args->weight));
	take(thing, call, all, "share", json_real(args->share));
	take(thing, call, all, "lease", json_real(mu_seconds(args->lease)));
	take(thing, call, all, "bytes", json_integer((json_int_t)args->bytes));
	take(thing, call, all, "open", json_boolean(args->open));
	take(thing, call, all, "colour", json_string(omni_colours[args->colour]));
	take(thing, call, all, "tags", strings_json(&args->tags));
	take(thing, call, all, "password", args->password ? json_string(args->password) : NULL);
	take(thing, call, all, "email", args->email ? json_string(args->email) : NULL);
	take(thing, call, all, "parent", args->parent ? json_string(args->parent) : NULL);
}

/* ---- those of the configuration ---- */

static int plant_put(struct mu_instance *self, const char *parent, const struct plant *plant)
{
	char id[520];

	snprintf(id, sizeof(id), "%s/%s", parent, plant->name);
	return thing_put(self, id,
			 json_pack("{s:s, s:s, s:I, s:f, s:o, s:s}", "state", "idle", "title", plant->name,
				   "weight", (json_int_t)plant->count, "share", plant->height, "tags",
				   strings_json(&plant->tags), "parent", parent));
}

static int bed_put(struct mu_instance *self, const struct garden *garden, const struct bed *bed)
{
	char id[256];

	snprintf(id, sizeof(id), "%s/%s", garden->name, bed->name);
	int r = thing_put(self, id,
			  json_pack("{s:s, s:s, s:s, s:{s:f}}", "state", "idle", "title", bed->name, "parent",
				    garden->name, "extra", "width", bed->width));
	for (size_t i = 0; r == 0 && i < bed->plants.count; i++)
		r = plant_put(self, id, &bed->plants.items[i]);
	return r;
}

int omni_things_start(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);
	int r = 0;

	omni->things = json_object();
	for (size_t i = 0; r == 0 && i < config->gardens.count; i++) {
		const struct garden *garden = &config->gardens.items[i];
		r = thing_put(self, garden->name,
			      json_pack("{s:s, s:s, s:f}", "state", "idle", "title", garden->name, "lease",
					mu_seconds(garden->season)));
		for (size_t j = 0; r == 0 && j < garden->beds.count; j++)
			r = bed_put(self, garden, &garden->beds.items[j]);
	}
	if (r < 0)
		omni_things_end(self);
	return r;
}

void omni_things_end(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);

	json_decref(omni->things);
	omni->things = NULL;
}

/* ---- commands: one thing ---- */

static void run_add(struct mu_instance *self, struct mu_call *call)
{
	const struct thing_args *args = mu_call_args(call);
	const struct omni *omni = mu_state(self);
	json_t *thing = json_pack("{s:f, s:{s:s}}", "since", mu_seconds(mu_time_real()), "extra", "by",
				  mu_call_user(call));

	if (json_object_get(omni->things, args->id)) {
		json_decref(thing);
		mu_reply_error(call, -EEXIST, "there is a thing \"%s\" already", args->id);
		return;
	}
	thing_take(thing, call, true);
	int r = thing_put(self, args->id, thing);
	if (r < 0)
		mu_reply_error(call, r, "thing \"%s\" was not added: %s", args->id, strerror(-r));
	else
		mu_reply(call,
			 json_pack("{s:o, s:{s:s, s:{s:s}}}", "message", json_sprintf("added %s", args->id),
				   "undo", "command", "thing.delete", "args", "id", args->id));
}

static void run_edit(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);
	const char *id = mu_call_id(call);
	json_t *thing = json_deep_copy(json_object_get(omni->things, id));

	if (!thing) {
		mu_reply_error(call, -ENOENT, "there is no thing \"%s\"", id);
		return;
	}
	thing_take(thing, call, false);
	int r = thing_put(self, id, thing);
	if (r < 0)
		mu_reply_error(call, r, "thing \"%s\" was not changed: %s", id, strerror(-r));
	else
		mu_reply_text(call, "changed %s", id);
}

/* ---- commands: several at once ---- */

typedef int act(struct mu_instance *self, const char *id, const struct mu_call *call);

/* Each id of the call, or what would happen to it; what failed stands beside the count of the others. */
static void each(struct mu_instance *self, struct mu_call *call, act *one, const char *would, const char *did)
{
	json_t *sentences = json_array(), *failed = json_array();
	size_t count, done = 0;
	const char *const *ids = mu_call_ids(call, &count);

	for (size_t i = 0; i < count; i++) {
		if (mu_call_dry_run(call)) {
			json_array_append_new(sentences, omni_would("thing", ids[i], would));
			continue;
		}
		int r = one(self, ids[i], call);
		if (r == 0)
			done++;
		else
			json_array_append_new(failed, json_pack("{s:s, s:i, s:s}", "id", ids[i], "code", r,
								"sentence", strerror(-r)));
	}
	if (mu_call_dry_run(call))
		mu_reply(call, json_incref(sentences));
	else
		mu_reply(call, json_pack("{s:o, s:O}", "message", json_sprintf("%s %zu things", did, done),
					 "failed", failed));
	json_decref(sentences);
	json_decref(failed);
}

static int delete_one(struct mu_instance *self, const char *id, const struct mu_call *call)
{
	(void)call;
	return thing_delete(self, id);
}

static void run_delete(struct mu_instance *self, struct mu_call *call)
{
	each(self, call, delete_one, "is deleted for good", "deleted");
}

struct paint_args {
	int colour;
};
static const struct mu_option paint_rows[] = {
	MU_OPT_ENUM(struct paint_args, colour, .name = "colour", .flags = MU_REQUIRED, .choices = omni_colours,
	            .help = "its new colour"),
	MU_OPT_END
};

static int paint_one(struct mu_instance *self, const char *id, const struct mu_call *call)
{
	const struct paint_args *args = mu_call_args(call);
	const struct omni *omni = mu_state(self);
	json_t *thing = json_deep_copy(json_object_get(omni->things, id));

	if (!thing)
		return -ENOENT;
	json_object_set_new(thing, "colour", json_string(omni_colours[args->colour]));
	return thing_put(self, id, thing);
}

static void run_paint(struct mu_instance *self, struct mu_call *call)
{
	each(self, call, paint_one, "gets another colour", "painted");
}

/* ---- commands: a disturbance that ends by itself ---- */

struct poke_args {
	mu_time rest;
};
static const struct mu_option poke_rows[] = {
	MU_OPT_DURATION(struct poke_args, rest, .name = "rest", .dflt = "100ms", .unit = "s", .help = "until it is idle"),
	MU_OPT_END
};

static void on_rest(struct mu_instance *self, struct mu_timer *timer)
{
	const struct omni *omni = mu_state(self);
	json_t *things = json_copy(omni->things), *thing;
	const char *id;

	(void)timer;
	json_object_foreach (things, id, thing) {
		if (strcmp(json_string_value(json_object_get(thing, "state")), "busy") == 0)
			thing_state(self, id, "idle", "came to rest");
	}
	json_decref(things);
}

static void run_poke(struct mu_instance *self, struct mu_call *call)
{
	const struct poke_args *args = mu_call_args(call);
	struct omni *omni = mu_state(self);
	const char *id = mu_call_id(call);

	if (mu_call_dry_run(call)) {
		mu_reply(call, json_pack("[o]", omni_would("thing", id, "is busy for a while")));
	} else if (thing_state(self, id, "busy", "was poked") < 0) {
		mu_reply_error(call, -ENOENT, "there is no thing \"%s\"", id);
	} else {
		mu_timer_start(self, &omni->rest, args->rest, on_rest);
		mu_event_object(self, MU_WARNING, "thing", id, "%s was poked by %s", id, mu_call_user(call));
		mu_reply_text(call, "poked %s", id);
	}
}

/* ---- commands: as many as fit ---- */

struct fill_args {
	int64_t count;
	const char *prefix;
};
static const struct mu_option fill_rows[] = {
	MU_OPT_INT(struct fill_args, count, .name = "count", .flags = MU_REQUIRED, .min = 1, .max = THINGS_AT_ONCE),
	MU_OPT_STRING(struct fill_args, prefix, .name = "prefix", .dflt = "fill-", .help = "before their numbers"),
	MU_OPT_END
};

static void run_fill(struct mu_instance *self, struct mu_call *call)
{
	const struct fill_args *args = mu_call_args(call);
	json_int_t put = 0, full = 0, other = 0;
	char id[128];

	for (int64_t i = 1; i <= args->count; i++) {
		snprintf(id, sizeof(id), "%s%05" PRId64, args->prefix, i);
		int r = thing_put(self, id,
				  json_pack("{s:s, s:s, s:I}", "state", "queued", "title", id, "weight",
					    (json_int_t)(i % 1000)));
		put += r == 0;
		full += r == -ENOSPC;
		other += r < 0 && r != -ENOSPC;
	}
	mu_reply(call, json_pack("{s:I, s:I, s:I}", "put", put, "full", full, "other", other));
}

const struct mu_command omni_thing_commands[] = {
	{ .kind = "thing", .name = "add", .title = "Add", .help = "keeps a new thing", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = add_rows, .args_size = sizeof(struct thing_args), .run = run_add },
	{ .kind = "thing", .name = "edit", .title = "Edit", .help = "changes what is given", .effect = MU_CHANGE,
	  .args = edit_rows, .args_size = sizeof(struct thing_args), .run = run_edit },
	{ .kind = "thing", .name = "delete", .title = "Delete", .help = "for good", .effect = MU_DESTROY,
	  .flags = MU_BULK | MU_DRY_RUN, .run = run_delete },
	{ .kind = "thing", .name = "paint", .title = "Paint", .help = "gives another colour", .effect = MU_CHANGE,
	  .flags = MU_BULK | MU_DRY_RUN, .args = paint_rows, .args_size = sizeof(struct paint_args), .run = run_paint },
	{ .kind = "thing", .name = "poke", .title = "Poke", .help = "disturbs it for a while", .effect = MU_INTERRUPT,
	  .flags = MU_DRY_RUN, .args = poke_rows, .args_size = sizeof(struct poke_args), .run = run_poke },
	{ .kind = "thing", .name = "fill", .title = "Fill", .help = "as many things as are asked for",
	  .effect = MU_CHANGE, .role = MU_ADMIN, .flags = MU_ON_KIND, .args = fill_rows,
	  .args_size = sizeof(struct fill_args), .run = run_fill },
	MU_COMMAND_END
};
