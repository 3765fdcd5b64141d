/* omni_talk: the kind "probe", which shows what omni has seen, and commands by which it talks: to other plugins, to itself,
 * to those who have ended, to the log and to people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "omni.h"

/* ---- what it has seen ---- */

static const struct mu_attr attrs[] = {
	{ .name = "lives", .type = MU_INT, .help = "how often it was started" },
	{ .name = "greeting", .type = MU_STRING, .help = "of its newest options" },
	MU_ATTR_END
};
const struct mu_kind omni_probe_kind = {
	.name = "probe", .plural = "probes", .help = "what omni has seen", .attrs = attrs,
};

static json_t *seen_json(const struct seen *seen)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "snapshot", (json_int_t)seen->snapshot,
			 "synced", (json_int_t)seen->synced, "put", (json_int_t)seen->put, "deleted",
			 (json_int_t)seen->deleted, "reset", (json_int_t)seen->reset, "gaps",
			 (json_int_t)seen->gaps, "sequence", (json_int_t)seen->sequence, "last", seen->last);
}

static json_t *config_json(const struct config *config)
{
	json_t *json = json_pack("{s:s, s:s, s:I, s:f, s:f, s:I, s:s, s:b, s:i, s:I}", "greeting",
				 config->greeting, "anchor", config->anchor, "level",
				 (json_int_t)config->level, "share", config->share, "period",
				 mu_seconds(config->period), "room", (json_int_t)config->room, "colour",
				 omni_colours[config->colour], "loud", config->loud, "password_length",
				 (int)(config->password ? strlen(config->password) : 0), "gardens",
				 (json_int_t)config->gardens.count);
	json_t *tags = json_array();

	for (size_t i = 0; i < config->tags.count; i++)
		json_array_append_new(tags, json_string(config->tags.items[i]));
	json_object_set_new(json, "tags", tags);
	return json;
}

static void run_look(struct mu_instance *self, struct mu_call *call)
{
	const struct omni *omni = mu_state(self);
	json_t *json = json_object();

#define NUMBER(name, value) json_object_set_new(json, name, json_integer((json_int_t)(value)))
	NUMBER("lives", omni_lives());
	NUMBER("reconfigured", omni->reconfigured);
	NUMBER("pulses", omni->pulses);
	NUMBER("things", json_object_size(omni->things));
	NUMBER("write_batches", omni->write_batches);
	NUMBER("write_samples", omni->write_samples);
	NUMBER("write_stale", omni->write_stale);
	NUMBER("events", omni->events);
	NUMBER("rooms", omni->rooms);
	NUMBER("gone", omni->said_gone);
	NUMBER("late", mu_counter_value(self, OMNI_LATE));
	NUMBER("dropped", mu_counter_value(self, OMNI_DROPPED));
	NUMBER("watched", omni->watched);
	NUMBER("watch_lost", omni->values ? mu_value_sub_lost(omni->values) : 0);
	NUMBER("requests", omni->requests);
#undef NUMBER
	json_object_set_new(json, "last_event", json_string(omni->last_event));
	json_object_set_new(json, "seen", seen_json(&omni->seen));
	json_object_set_new(json, "config", config_json(mu_config(self)));
	json_object_set_new(json, "same_config", json_boolean(omni->config_at_start == mu_config(self)));
	json_object_set_new(json, "on_loop", json_boolean(mu_on_loop(self)));
	json_object_set_new(json, "has_uv", json_boolean(mu_loop_uv(self) != NULL));
	json_object_set_new(json, "interval", json_real(mu_seconds(mu_interval(self))));
	json_object_set_new(json, "name", json_string(mu_name(self)));
	json_object_set_new(json, "plugin", json_string(mu_plugin_name(self)));
	json_object_set_new(json, "base_dir", json_string(mu_base_dir()));
	json_object_set_new(json, "host", json_string(mu_hostname()));
	mu_reply(call, json);
}

/* ---- calls to others ---- */

struct ask_args {
	const char *kind, *verb, *id, *args, *match, *key;
	int64_t hang_up, credit;
	mu_time deadline;
	bool dry_run, viewer;
};
static const struct mu_option ask_rows[] = {
	MU_OPT_STRING(struct ask_args, kind, .name = "kind", .flags = MU_REQUIRED, .help = "of which kind"),
	MU_OPT_STRING(struct ask_args, verb, .name = "verb", .flags = MU_REQUIRED, .help = "what to do"),
	MU_OPT_STRING(struct ask_args, id, .name = "id", .help = "with which object"),
	MU_OPT_STRING(struct ask_args, args, .name = "args", .dflt = "{}", .help = "a JSON object"),
	MU_OPT_STRING(struct ask_args, match, .name = "match", .help = "a JSON object, instead of the id"),
	MU_OPT_STRING(struct ask_args, key, .name = "key", .help = "idempotency key"),
	MU_OPT_INT(struct ask_args, hang_up, .name = "hang_up", .help = "after so many parts; 0 = never"),
	MU_OPT_INT(struct ask_args, credit, .name = "credit", .dflt = "1", .help = "parts more for each part"),
	MU_OPT_DURATION(struct ask_args, deadline, .name = "deadline", .dflt = "0", .unit = "s"),
	MU_OPT_BOOL(struct ask_args, dry_run, .name = "dry_run", .help = "only say what would happen"),
	MU_OPT_BOOL(struct ask_args, viewer, .name = "viewer", .help = "for one who may only look"),
	MU_OPT_END
};

struct ask {
	struct mu_call *call;
	struct mu_pending *pending;
	uint64_t parts;
};

static void ask_end(struct ask *ask, int code, json_t *answer, const char *what)
{
	mu_reply(ask->call, json_pack("{s:i, s:I, s:o, s:s}", "code", code, "parts", (json_int_t)ask->parts,
				      "result", answer ? answer : json_null(), "what", what));
	free(ask);
}

static void on_answer(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct ask *ask = data;
	const struct ask_args *args = mu_call_args(ask->call);

	(void)self;
	if (!result->part) {
		json_t *answer = result->json ? json_loadb(result->json, result->json_length, JSON_DECODE_ANY,
							   NULL)
					      : NULL;
		ask_end(ask, result->code, answer, result->error ? result->error->what : "");
		return;
	}
	ask->parts++;
	if (args->hang_up && ask->parts == (uint64_t)args->hang_up) {
		mu_pending_cancel(&ask->pending);
		ask_end(ask, 0, NULL, "hung up");
	} else if (args->credit > 0) {
		mu_pending_credit(ask->pending, (uint32_t)args->credit);
	}
}

static void run_ask(struct mu_instance *self, struct mu_call *call)
{
	const struct ask_args *args = mu_call_args(call);
	json_t *words = json_loads(args->args, 0, NULL),
	       *match = args->match ? json_loads(args->match, 0, NULL) : NULL;
	struct mu_request request = MU_REQUEST(
		.kind = args->kind,
		.verb = args->verb,
		.ids = args->id ? &args->id : NULL,
		.id_count = args->id ? 1 : 0,
		.match = match,
		.args = words,
		.user = mu_call_user(call),
		.source = "plugin omni",
		.key = args->key,
		.role = args->viewer ? MU_VIEWER : mu_call_role(call),
		.deadline = args->deadline,
		.dry_run = args->dry_run);

	if (words) {
		struct ask *ask = calloc(1, sizeof(*ask));
		if (!ask)
			abort();
		ask->call = call;
		ask->pending = mu_call(self, &request, on_answer, ask);
	} else {
		mu_reply_error(call, -EINVAL, "args is no JSON");
	}
	json_decref(words);
	json_decref(match);
}

/* ---- more calls than may be open ---- */

struct swarm_args {
	int64_t count;
	mu_time deadline;
};
static const struct mu_option swarm_rows[] = {
	MU_OPT_INT(struct swarm_args, count, .name = "count", .flags = MU_REQUIRED, .min = 1, .max = 100000,
	           .help = "calls that nobody answers"),
	MU_OPT_DURATION(struct swarm_args, deadline, .name = "deadline", .dflt = "1s", .unit = "s", .help = "of each"),
	MU_OPT_END
};
struct swarm {
	struct mu_call *call;
	int64_t open, busy, expired, other;
};

static void on_swarm(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct swarm *swarm = data;

	(void)self;
	swarm->busy += result->code == -EBUSY;
	swarm->expired += result->code == -ETIMEDOUT;
	swarm->other += result->code != -EBUSY && result->code != -ETIMEDOUT;
	if (--swarm->open > 0)
		return;
	mu_reply(swarm->call, json_pack("{s:I, s:I, s:I}", "busy", (json_int_t)swarm->busy, "expired",
					(json_int_t)swarm->expired, "other", (json_int_t)swarm->other));
	free(swarm);
}

static void run_swarm(struct mu_instance *self, struct mu_call *call)
{
	const struct swarm_args *args = mu_call_args(call);
	struct mu_request request = MU_REQUEST(.kind = "probe", .verb = "never", .deadline = args->deadline);
	struct swarm *swarm = calloc(1, sizeof(*swarm));

	if (!swarm)
		abort();
	swarm->call = call;
	swarm->open = args->count;
	for (int64_t i = args->count; i > 0; i--)
		mu_call(self, &request, on_swarm, swarm);
}

/* ---- messages ---- */

struct post_args {
	int64_t count;
	int to;
};
static const char *const addressees[] = { "self", "before", NULL };
static const struct mu_option post_rows[] = {
	MU_OPT_INT(struct post_args, count, .name = "count", .dflt = "1", .min = 1, .max = 1000000, .help = "messages"),
	MU_OPT_ENUM(struct post_args, to, .name = "to", .dflt = "self", .choices = addressees,
	            .help = "to this life, or to the one before"),
	MU_OPT_END
};

struct post { /* what all notes of one call share; the last one frees it */
	struct mu_call *call;
	struct mu_ref *back;
	uint64_t open;    /* atomic */
	uint64_t dropped; /* atomic */
	uint64_t run, disorder;
	bool nested, synchronous;
};
struct note {
	struct mu_msg msg;
	struct post *post;
	uint64_t number;
};

static void post_end(struct mu_instance *self, struct post *post)
{
	if (self)
		mu_reply(post->call, json_pack("{s:I, s:I, s:I, s:b}", "run", (json_int_t)post->run,
					       "dropped", (json_int_t)post->dropped, "disorder",
					       (json_int_t)post->disorder, "synchronous", post->synchronous));
	mu_ref_unref(&post->back);
	free(post);
}

static void note_end(struct mu_instance *self, struct note *note)
{
	struct post *post = note->post;

	free(note);
	if (__atomic_sub_fetch(&post->open, 1, __ATOMIC_ACQ_REL) == 0)
		post_end(self, post);
}

/* The sender ended as well. */
static void note_lost(struct mu_msg *msg)
{
	note_end(NULL, MU_CONTAINER(msg, struct note, msg));
}

static void note_back(struct mu_instance *self, struct mu_msg *msg)
{
	struct note *note = MU_CONTAINER(msg, struct note, msg);

	mu_count(self, OMNI_DROPPED, 1);
	__atomic_add_fetch(&note->post->dropped, 1, __ATOMIC_RELAXED);
	note_end(self, note);
}

/* Any thread: goes back to where it came from. */
static void note_drop(struct mu_msg *msg)
{
	struct note *note = MU_CONTAINER(msg, struct note, msg);

	msg->run = note_back;
	msg->drop = note_lost;
	mu_post(note->post->back, msg);
}

static void note_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct note *note = MU_CONTAINER(msg, struct note, msg);
	struct post *post = note->post;

	post->synchronous |= post->nested;
	post->disorder += note->number != post->run;
	post->run++;
	note_end(self, note);
}

static void run_post(struct mu_instance *self, struct mu_call *call)
{
	const struct post_args *args = mu_call_args(call);
	struct mu_ref *to = args->to ? omni_before() : mu_self_ref(self);
	uint64_t count = (uint64_t)args->count;

	if (!to) {
		mu_reply_error(call, -ENOENT, "this is its first life");
		return;
	}
	struct post *post = calloc(1, sizeof(*post));
	if (!post)
		abort();
	post->call = call;
	post->open = count;
	post->nested = true;
	post->back = mu_self_ref(self);
	for (uint64_t i = 0; i < count; i++) {
		struct note *note = calloc(1, sizeof(*note));
		if (!note)
			abort();
		*note = (struct note){ .msg = { .run = note_run, .drop = note_drop },
				       .post = post,
				       .number = i };
		if (i + 1 == count)
			post->nested = false; /* nobody but us may look at it before this callback returns */
		mu_post(to, &note->msg);
	}
	mu_ref_unref(&to);
}

/* ---- to people ---- */

struct shout_args {
	const char *words;
	int severity, about;
	int64_t count;
};
static const char *const severities[] = { "failure", "warning", "okay", "info", NULL };
static const enum mu_severity severity_numbers[] = { MU_FAILURE, MU_WARNING, MU_OKAY, MU_INFO };
static const char *const subjects[] = { "nothing", "thing", "series", NULL };
static const struct mu_option shout_rows[] = {
	MU_OPT_STRING(struct shout_args, words, .name = "words", .dflt = "something happened"),
	MU_OPT_ENUM(struct shout_args, severity, .name = "severity", .dflt = "warning", .choices = severities),
	MU_OPT_ENUM(struct shout_args, about, .name = "about", .dflt = "nothing", .choices = subjects),
	MU_OPT_INT(struct shout_args, count, .name = "count", .dflt = "1", .min = 1, .max = 100000, .help = "how often"),
	MU_OPT_END
};

static void shout_series(struct mu_instance *self, enum mu_severity severity, const char *words)
{
	struct mu_ident ident = { .plugin = "omni", .type = "gauge", .type_instance = "pi" };
	struct mu_series *series;

	if (mu_series_get(&ident, &series, NULL) < 0)
		return;
	mu_event_series(self, severity, series, "%s", words);
	mu_series_unref(&series);
}

static void run_shout(struct mu_instance *self, struct mu_call *call)
{
	const struct shout_args *args = mu_call_args(call);
	enum mu_severity severity = severity_numbers[args->severity];

	for (int64_t i = 0; i < args->count; i++) {
		if (args->about == 1)
			mu_event_object(self, severity, "thing", "kitchen", "%s", args->words);
		else if (args->about == 2)
			shout_series(self, severity, args->words);
		else
			mu_event(self, severity, "%s", args->words);
	}
	mu_reply_text(call, "shouted");
}

struct say_args {
	const char *sentence;
};
static const struct mu_option say_rows[] = {
	MU_OPT_STRING(struct say_args, sentence, .name = "sentence", .help = "none = all is well"),
	MU_OPT_END
};

static void run_say(struct mu_instance *self, struct mu_call *call)
{
	const struct say_args *args = mu_call_args(call);

	if (args->sentence)
		mu_status(self, "%s", args->sentence);
	else
		mu_status(self, NULL);
	mu_log(self, MU_LOG_NOTICE, "was told to say: %s", args->sentence ? args->sentence : "nothing");
	mu_reply_text(call, "said");
}

/* ---- bad manners ---- */

struct spin_args {
	mu_time span;
};
static const struct mu_option spin_rows[] = {
	MU_OPT_DURATION(struct spin_args, span, .name = "span", .dflt = "50ms", .max = 10, .unit = "s",
	                .help = "how long its loop stands still"),
	MU_OPT_END
};

static void run_spin(struct mu_instance *self, struct mu_call *call)
{
	const struct spin_args *args = mu_call_args(call);
	struct timespec pause = { .tv_sec = args->span / MU_SEC, .tv_nsec = args->span % MU_SEC };
	mu_time before = mu_now(self), began = mu_time_mono();

	nanosleep(&pause, NULL);
	mu_reply(call, json_pack("{s:f, s:f}", "took", mu_seconds(mu_time_mono() - began), "loop_time",
				 mu_seconds(mu_now(self) - before)));
}

static void run_quit(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);

	mu_reply_text(call, "goes by itself");
	mu_timer_stop(&omni->pulse);
	omni_calls_end(self);
	omni_values_end(self);
	omni_things_end(self);
	mu_stopped(self);
}

/* What the core answers to a plugin that errs. */
static void run_misuse(struct mu_instance *self, struct mu_call *call)
{
	struct mu_error error = { .code = 0 };
	struct mu_series *series = NULL;
	struct mu_ident ident = { .plugin = "omni", .type = "no_such_type" };
	json_t *json = json_object();
	char text[8];

#define TRY(name, expression) json_object_set_new(json, name, json_integer(expression))
	TRY("bad_id", mu_object_put(self, "thing", "two words", json_object()));
	TRY("empty_id", mu_object_put(self, "thing", "", json_object()));
	TRY("unknown_kind", mu_object_put(self, "nothing", "x", json_object()));
	TRY("foreign_kind", mu_object_put(self, "plugin", "x", json_object()));
	TRY("unknown_attr",
	    mu_object_put(self, "thing", "odd",
			  json_pack("{s:s, s:i, s:s}", "state", "idle", "legs", 4, "weight", "heavy")));
	TRY("no_object", mu_object_delete(self, "thing", "nowhere"));
	TRY("no_type", mu_series_get(&ident, &series, &error));
	ident = (struct mu_ident){ .plugin = "omni", .type = "gauge", .type_instance = "never-seen" };
	TRY("not_found", mu_series_find(&ident, &series));
	TRY("no_file", mu_slurp(text, sizeof(text), "/nowhere/%s", "at-all"));
	TRY("too_big", mu_slurp(text, sizeof(text), "/proc/cpuinfo"));
#undef TRY
	json_object_set_new(json, "no_type_says", json_string(error.what));
	mu_reply(call, json);
}

const struct mu_command omni_talk_commands[] = {
	{ .kind = "probe", .name = "look", .title = "Look", .help = "what it has seen", .effect = MU_LOOK,
	  .flags = MU_ON_KIND, .run = run_look },
	{ .kind = "probe", .name = "ask", .title = "Ask", .help = "calls another", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = ask_rows, .args_size = sizeof(struct ask_args), .run = run_ask },
	{ .kind = "probe", .name = "swarm", .title = "Swarm", .help = "more calls than may be open",
	  .effect = MU_CHANGE, .flags = MU_ON_KIND, .args = swarm_rows, .args_size = sizeof(struct swarm_args),
	  .deadline = 60 * MU_SEC, .run = run_swarm },
	{ .kind = "probe", .name = "post", .title = "Post", .help = "messages to a life of its own", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = post_rows, .args_size = sizeof(struct post_args), .run = run_post },
	{ .kind = "probe", .name = "shout", .title = "Shout", .help = "makes events", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = shout_rows, .args_size = sizeof(struct shout_args), .run = run_shout },
	{ .kind = "probe", .name = "say", .title = "Say", .help = "a sentence for plugin list", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = say_rows, .args_size = sizeof(struct say_args), .run = run_say },
	{ .kind = "probe", .name = "spin", .title = "Spin", .help = "holds up its loop", .effect = MU_INTERRUPT,
	  .flags = MU_ON_KIND, .args = spin_rows, .args_size = sizeof(struct spin_args), .run = run_spin },
	{ .kind = "probe", .name = "quit", .title = "Quit", .help = "stops by itself", .effect = MU_INTERRUPT,
	  .flags = MU_ON_KIND, .run = run_quit },
	{ .kind = "probe", .name = "misuse", .title = "Misuse", .help = "errs in every way", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .run = run_misuse },
	MU_COMMAND_END
};
