/* omni_calls: commands about calls themselves: every type of argument, every way to answer, and not to answer. */
#include <stdlib.h>
#include <string.h>

#include "omni.h"

/* ---- whoever waits ---- */

struct held {
	struct held *next;
	struct mu_call *call;
	struct mu_timer timer;
	struct mu_job *job;
	bool gone;
	int64_t done, count;
	mu_time pause;
};

static struct held *hold(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		abort();
	held->call = call;
	held->next = omni->held;
	omni->held = held;
	if (call)
		mu_call_set_data(call, held);
	return held;
}

static void let_go(struct mu_instance *self, struct held *held)
{
	struct omni *omni = mu_state(self);
	struct held **at = &omni->held;

	while (*at != held)
		at = &(*at)->next;
	*at = held->next;
	mu_timer_stop(&held->timer);
	free(held);
}

void omni_calls_end(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);

	while (omni->held) {
		struct held *held = omni->held;
		if (held->job)
			mu_job_end(&held->job, -ECANCELED, NULL, "its plugin stops");
		else if (held->call)
			mu_reply_error(held->call, -ECANCELED, "omni stops");
		let_go(self, held);
	}
}

static void on_gone(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);
	struct held *held = mu_call_data(call);

	omni->said_gone++;
	held->gone = true;
}

/* ---- every type of argument ---- */

struct echo_args {
	const char *text, *secret, *thing;
	bool flag;
	int64_t whole;
	double real;
	mu_time span;
	uint64_t size;
	int colour;
	struct mu_strings words;
};
static const struct mu_option echo_rows[] = {
	MU_OPT_STRING(struct echo_args, text, .name = "text", .dflt = "nothing", .help = "a text"),
	MU_OPT_STRING(struct echo_args, secret, .name = "secret", .flags = MU_SECRET, .help = "kept out of the audit"),
	MU_OPT_STRING(struct echo_args, thing, .name = "thing", .kind = "thing", .help = "the id of a thing"),
	MU_OPT_BOOL(struct echo_args, flag, .name = "flag", .help = "true or false"),
	MU_OPT_INT(struct echo_args, whole, .name = "whole", .dflt = "-1", .min = -100, .max = 100, .help = "a number"),
	MU_OPT_DOUBLE(struct echo_args, real, .name = "real", .dflt = "0.5", .help = "a real number"),
	MU_OPT_DURATION(struct echo_args, span, .name = "span", .dflt = "1min", .unit = "s", .help = "a duration"),
	MU_OPT_SIZE(struct echo_args, size, .name = "size", .dflt = "1K", .unit = "bytes", .help = "a size"),
	MU_OPT_ENUM(struct echo_args, colour, .name = "colour", .dflt = "blue", .choices = omni_colours),
	MU_OPT_STRINGS(struct echo_args, words, .name = "words", .max = 4, .help = "up to four words"),
	MU_OPT_END
};

static void run_echo(struct mu_instance *self, struct mu_call *call)
{
	const struct echo_args *args = mu_call_args(call);
	json_t *given = json_array(), *words = json_array();

	(void)self;
	for (size_t i = 0; i < MU_ARRAY_LEN(echo_rows) - 1; i++)
		if (mu_call_given(call, echo_rows[i].name))
			json_array_append_new(given, json_string(echo_rows[i].name));
	for (size_t i = 0; i < args->words.count; i++)
		json_array_append_new(words, json_string(args->words.items[i]));
	json_t *result = json_pack("{s:s, s:i, s:s?, s:b, s:I, s:f, s:f, s:I, s:s, s:o, s:o}", "text",
				   args->text, "secret_length",
				   (int)(args->secret ? strlen(args->secret) : 0), "thing", args->thing,
				   "flag", args->flag, "whole", (json_int_t)args->whole, "real", args->real,
				   "span", mu_seconds(args->span), "size", (json_int_t)args->size, "colour",
				   omni_colours[args->colour], "words", words, "given", given);
	json_object_set_new(result, "user", json_string(mu_call_user(call)));
	json_object_set_new(result, "role", json_integer(mu_call_role(call)));
	json_object_set_new(result, "source", json_string(mu_call_source(call)));
	json_object_set_new(result, "left", json_real(mu_seconds(mu_call_left(call))));
	json_object_set_new(result, "id", mu_call_id(call) ? json_string(mu_call_id(call)) : json_null());
	mu_reply(call, result);
}

/* ---- an error ---- */

struct fail_args {
	const char *sentence, *remedy;
	int code;
};
static const char *const codes[] = { "EINVAL", "ENOENT", "EPERM", "EBUSY", "EEXIST", "EIO", NULL };
static const int numbers[] = { -EINVAL, -ENOENT, -EPERM, -EBUSY, -EEXIST, -EIO };
static const struct mu_option fail_rows[] = {
	MU_OPT_ENUM(struct fail_args, code, .name = "code", .dflt = "EINVAL", .choices = codes, .help = "which error"),
	MU_OPT_STRING(struct fail_args, sentence, .name = "sentence", .dflt = "it was asked to fail"),
	MU_OPT_STRING(struct fail_args, remedy, .name = "remedy", .help = "what to do about it"),
	MU_OPT_END
};

static void run_fail(struct mu_instance *self, struct mu_call *call)
{
	const struct fail_args *args = mu_call_args(call);
	struct mu_error error = { .code = 0 };

	(void)self;
	if (!args->remedy) {
		mu_reply_error(call, numbers[args->code], "%s", args->sentence);
		return;
	}
	mu_error(&error, numbers[args->code], "%s", args->sentence);
	mu_error_where(&error, "here");
	mu_error_remedy(&error, "%s", args->remedy);
	mu_reply_failure(call, &error);
}

/* ---- late, and never ---- */

struct late_args {
	mu_time after;
};
static const struct mu_option late_rows[] = {
	MU_OPT_DURATION(struct late_args, after, .name = "after", .dflt = "2s", .unit = "s", .help = "how late"),
	MU_OPT_END
};

static void on_late(struct mu_instance *self, struct mu_timer *timer)
{
	struct held *held = MU_CONTAINER(timer, struct held, timer);

	if (held->gone)
		mu_count(self, OMNI_LATE, 1);
	mu_reply_text(held->call, "late, but here");
	let_go(self, held);
}

static void run_late(struct mu_instance *self, struct mu_call *call)
{
	const struct late_args *args = mu_call_args(call);
	struct held *held = hold(self, call);

	mu_call_on_gone(call, on_gone);
	mu_timer_start(self, &held->timer, args->after, on_late);
}

static void run_never(struct mu_instance *self, struct mu_call *call)
{
	hold(self, call);
	mu_call_on_gone(call, on_gone);
}

/* ---- a stream ---- */

struct tick_args {
	int64_t count;
	mu_time pause;
};
static const struct mu_option tick_rows[] = {
	MU_OPT_INT(struct tick_args, count, .name = "count", .dflt = "5", .min = 0, .max = 1000000, .help = "parts"),
	MU_OPT_DURATION(struct tick_args, pause, .name = "pause", .dflt = "0", .unit = "s", .help = "between them"),
	MU_OPT_END
};

static void tick_end(struct mu_instance *self, struct held *held, const char *how)
{
	mu_reply(held->call, json_pack("{s:s, s:I}", "message", how, "parts", (json_int_t)held->done));
	let_go(self, held);
}

/* As many as there is credit for; `room` or the timer go on. */
static void tick_on(struct mu_instance *self, struct held *held);

static void on_tick(struct mu_instance *self, struct mu_timer *timer)
{
	tick_on(self, MU_CONTAINER(timer, struct held, timer));
}

static void tick_on(struct mu_instance *self, struct held *held)
{
	struct omni *omni = mu_state(self);

	while (held->done < held->count) {
		int r = mu_reply_part(held->call, json_pack("{s:I}", "tick", (json_int_t)held->done + 1));
		if (r < 0) {
			omni->said_gone++;
			tick_end(self, held, "nobody listens");
			return;
		}
		held->done++;
		if (r > 0)
			return;
		if (held->pause > 0) {
			mu_timer_start(self, &held->timer, held->pause, on_tick);
			return;
		}
	}
	tick_end(self, held, "that was all");
}

static void on_room(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);

	omni->rooms++;
	tick_on(self, mu_call_data(call));
}

static void on_tick_gone(struct mu_instance *self, struct mu_call *call)
{
	struct omni *omni = mu_state(self);

	omni->said_gone++;
	tick_end(self, mu_call_data(call), "nobody listens");
}

static void run_tick(struct mu_instance *self, struct mu_call *call)
{
	const struct tick_args *args = mu_call_args(call);
	struct held *held = hold(self, call);

	held->count = args->count;
	held->pause = args->pause;
	mu_call_on_room(call, on_room);
	mu_call_on_gone(call, on_tick_gone);
	tick_on(self, held);
}

/* ---- a job ---- */

struct brew_args {
	int64_t steps;
	mu_time pause;
	bool spoil;
};
static const struct mu_option brew_rows[] = {
	MU_OPT_INT(struct brew_args, steps, .name = "steps", .dflt = "3", .min = 1, .max = 10000, .help = "how many"),
	MU_OPT_DURATION(struct brew_args, pause, .name = "pause", .dflt = "100ms", .unit = "s", .help = "for each"),
	MU_OPT_BOOL(struct brew_args, spoil, .name = "spoil", .help = "fails at its end"),
	MU_OPT_END
};

static void on_step(struct mu_instance *self, struct mu_timer *timer)
{
	struct held *held = MU_CONTAINER(timer, struct held, timer);
	int64_t steps = held->count < 0 ? -held->count : held->count;

	held->done++;
	if (held->done < steps) {
		mu_job_progress(held->job, (double)held->done / (double)steps, "step %" PRId64 " of %" PRId64,
				held->done, steps);
		mu_timer_start(self, &held->timer, held->pause, on_step);
		return;
	}
	if (held->count < 0)
		mu_job_end(&held->job, -EIO, NULL, "the brew is spoiled");
	else
		mu_job_end(&held->job, 0, json_pack("{s:I}", "cups", (json_int_t)steps),
			   "%" PRId64 " cups are ready", steps);
	let_go(self, held);
}

static void on_cancel(struct mu_instance *self, struct mu_job *job)
{
	struct held *held = mu_job_data(job);

	mu_job_end(&held->job, -ECANCELED, NULL, "poured away after %" PRId64 " steps", held->done);
	let_go(self, held);
}

static void brew_begin(struct mu_instance *self, struct held *held, struct mu_job *job, int64_t steps,
		       mu_time pause)
{
	held->job = job;
	held->count = steps;
	held->pause = pause;
	mu_job_on_cancel(job, on_cancel);
	mu_timer_start(self, &held->timer, pause, on_step);
}

static void run_brew(struct mu_instance *self, struct mu_call *call)
{
	const struct brew_args args = *(const struct brew_args *)mu_call_args(call);
	struct held *held = hold(self, NULL);
	struct mu_job *job = mu_job_start(call, held, "brew %" PRId64 " cups", args.steps);

	if (job)
		brew_begin(self, held, job, args.spoil ? -args.steps : args.steps, args.pause);
	else
		let_go(self, held);
}

/* One that nobody asked for. */
static void run_simmer(struct mu_instance *self, struct mu_call *call)
{
	struct held *held = hold(self, NULL);
	struct mu_job *job = mu_job_new(self, held, "simmer");

	if (job)
		brew_begin(self, held, job, 2, 50 * MU_MS);
	else
		let_go(self, held);
	mu_reply_text(call, job ? "simmers" : "too many jobs");
}

const struct mu_command omni_call_commands[] = {
	{ .kind = "probe", .name = "echo", .title = "Echo", .help = "answers what it was asked", .effect = MU_LOOK,
	  .flags = MU_ID_OPTIONAL, .args = echo_rows, .args_size = sizeof(struct echo_args), .run = run_echo },
	{ .kind = "probe", .name = "whisper", .title = "Whisper", .help = "echo, as a change: it is in the audit",
	  .effect = MU_CHANGE, .flags = MU_ON_KIND, .args = echo_rows, .args_size = sizeof(struct echo_args),
	  .run = run_echo },
	{ .kind = "probe", .name = "fail", .title = "Fail", .help = "answers with an error", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = fail_rows, .args_size = sizeof(struct fail_args), .run = run_fail },
	{ .kind = "probe", .name = "late", .title = "Late", .help = "answers, but late", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = late_rows, .args_size = sizeof(struct late_args), .deadline = 500 * MU_MS,
	  .run = run_late },
	{ .kind = "probe", .name = "never", .title = "Never", .help = "does not answer", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .deadline = 500 * MU_MS, .run = run_never },
	{ .kind = "probe", .name = "tick", .title = "Tick", .help = "a stream of numbers", .effect = MU_LOOK,
	  .flags = MU_ON_KIND | MU_STREAM, .args = tick_rows, .args_size = sizeof(struct tick_args), .run = run_tick },
	{ .kind = "probe", .name = "brew", .title = "Brew", .help = "takes its time", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND | MU_LONG, .args = brew_rows, .args_size = sizeof(struct brew_args), .run = run_brew },
	{ .kind = "probe", .name = "simmer", .title = "Simmer", .help = "a job of the plugin's own", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .run = run_simmer },
	MU_COMMAND_END
};
