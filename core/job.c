/* job: what outlives its call: an object of kind "job" that the core owns and a plugin feeds.
 *
 * A job's handle lives on its owner's loop, its object on main; what happens to it goes there in messages, in the order in which it
 * happened, and before the reply that names it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "call.h"
#include "call_parts.h"
#include "instance.h"
#include "object.h"
#include "self.h"

enum { OPEN_MAX_JOBS = 1000, KEPT_MAX = 1000, RESULT_MAX = 65536, SENTENCE_SIZE = 512 };
#define PROGRESS_EVERY (200 * MU_MS)

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

static const struct mu_state states[] = {
	[JOB_RUNNING] = { "running", MU_RUNNING, "is under way" },
	[JOB_DONE] = { "done", MU_OK, "came to its end" },
	[JOB_FAILED] = { "failed", MU_FAIL, "did not come to its end" },
	[JOB_CANCELLED] = { "cancelled", MU_PAUSED, "was ended by somebody" },
	MU_STATE_END
};
static const struct mu_attr attrs[] = {
	{ .name = "state", .type = MU_ENUM, .help = "whether it is under way, and how it ended" },
	{ .name = "title", .type = MU_STRING, .help = "what it does" },
	{ .name = "progress", .type = MU_DOUBLE, .min = 0, .max = 1, .help = "how much is done; absent when unknown" },
	{ .name = "sentence", .type = MU_STRING, .help = "where it stands, or how it ended" },
	{ .name = "who", .type = MU_STRING, .help = "who asked for it" },
	{ .name = "since", .type = MU_DOUBLE, .unit = "time", .help = "when it began" },
	{ .name = "until", .type = MU_DOUBLE, .unit = "time", .help = "when it ended" },
	{ .name = "plugin", .type = MU_STRING, .flags = MU_HIDDEN, .kind = "plugin", .help = "who does it" },
	{ .name = "command", .type = MU_STRING, .flags = MU_HIDDEN, .help = "the call that began it" },
	{ .name = "result", .type = MU_BLOCK, .flags = MU_HIDDEN, .help = "what it found out" },
	MU_ATTR_END
};
const struct mu_kind job_kind = {
	.name = "job", .plural = "jobs", .help = "something that takes longer than a call may",
	.attrs = attrs, .states = states, .title = "title", .reason = "sentence", .since = "since",
	.columns = "state title progress sentence who since",
};

struct mu_job {
	uint32_t count; /* atomic: the owner's, main's, those of messages */
	char id[32];
	struct mu_ref *home;
	char *title, *who, *command, *plugin; /* fixed */
	mu_time since;

	/* the owner's loop */
	struct mu_instance *self;
	void *data;
	void (*cancel)(struct mu_instance *self, struct mu_job *job);
	bool over;
	struct mu_timer timer; /* armed: there is news that must wait */
	int64_t sent;          /* monotonic; 0 = never */
	double done;
	char *sentence;

	/* main's */
	struct list node;
	enum job_state state;
	bool can_cancel;
	double shown_done;
	char *shown_sentence;
	mu_time until;
	struct object_bytes *result;
};

static uint32_t prefix; /* differs for each life of the daemon */
static uint32_t serial; /* atomic */
static uint32_t open_count; /* atomic */
static struct map jobs;
static struct list open_jobs = { &open_jobs, &open_jobs }, kept = { &kept, &kept }; /* oldest first */
static size_t kept_count;

/* ---- memory ---- */

static void job_ref(struct mu_job *job)
{
	check(__atomic_add_fetch(&job->count, 1, __ATOMIC_RELAXED) > 1);
}

static void job_unref(struct mu_job *job)
{
	if (__atomic_sub_fetch(&job->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	check(!list_linked(&job->node));
	mu_ref_unref(&job->home);
	object_bytes_unref(&job->result);
	free(job->title);
	free(job->who);
	free(job->command);
	free(job->plugin);
	free(job->sentence);
	free(job->shown_sentence);
	free(job);
}

/* ---- main: the object ---- */

static void set_time(json_t *json, const char *key, mu_time time)
{
	if (time)
		json_object_set_new(json, key, json_real(mu_seconds(time)));
}

static void job_show(const struct mu_job *job)
{
	json_t *json = json_object();

	if (!self_instance()) {
		json_decref(json);
		return;
	}
	json_set_text(json, "state", states[job->state].name);
	json_set_text(json, "title", job->title);
	if (!isnan(job->shown_done))
		json_object_set_new(json, "progress", json_real(job->shown_done));
	json_set_text(json, "sentence", job->shown_sentence);
	json_set_text(json, "who", job->who);
	set_time(json, "since", job->since);
	set_time(json, "until", job->until);
	json_set_text(json, "plugin", job->plugin);
	json_set_text(json, "command", job->command);
	if (job->result)
		json_object_set_new(json, "result", json_loadb(job->result->text, job->result->length,
		                                               JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	object_put_now(self_instance(), job_kind.name, job->id, json);
}

static void job_forget(struct mu_job *job)
{
	check(job->state != JOB_RUNNING);
	map_del(&jobs, job->id);
	list_remove(&job->node);
	kept_count--;
	if (self_instance())
		object_put_now(self_instance(), job_kind.name, job->id, NULL);
	job_unref(job);
}

static void job_finish(struct mu_job *job, int code)
{
	job->state = code == 0 ? JOB_DONE : code == -ECANCELED ? JOB_CANCELLED : JOB_FAILED;
	job->until = clock_real();
	if (code == 0)
		job->shown_done = 1;
	list_remove(&job->node);
	list_add(&kept, &job->node);
	kept_count++;
	__atomic_sub_fetch(&open_count, 1, __ATOMIC_RELAXED);
	job_show(job);
	while (kept_count > KEPT_MAX)
		job_forget(list_entry(kept.next, struct mu_job, node));
}

/* ---- from the owner to main ---- */

enum job_news { JOB_BEGUN, JOB_MOVED, JOB_CANCELLABLE, JOB_ENDED };
struct job_msg {
	struct mu_msg msg;
	struct mu_job *job; /* a reference */
	enum job_news news;
	double done;
	char *sentence;
	int code;
	struct object_bytes *result;
};

static void job_take_news(struct mu_job *job, struct job_msg *m)
{
	job->shown_done = m->done;
	if (m->sentence) {
		free(job->shown_sentence);
		job->shown_sentence = m->sentence;
		m->sentence = NULL;
	}
}

static void job_arrived(struct mu_instance *self, struct mu_msg *msg)
{
	struct job_msg *m = container_of(msg, struct job_msg, msg);
	struct mu_job *job = m->job;

	(void)self;
	if (m->news == JOB_BEGUN) {
		job_ref(job);
		map_put(&jobs, job->id, job);
		list_add(&open_jobs, &job->node);
		job_show(job);
	} else if (m->news == JOB_CANCELLABLE) {
		job->can_cancel = true;
	} else if (job->state == JOB_RUNNING && list_linked(&job->node)) {
		job_take_news(job, m);
		job->result = object_bytes_ref(m->result);
		if (m->news == JOB_ENDED)
			job_finish(job, m->code);
		else
			job_show(job);
	}
	object_bytes_unref(&m->result);
	free(m->sentence);
	free(m);
	job_unref(job);
}

static struct job_msg *job_msg_new(struct mu_job *job, enum job_news news)
{
	struct job_msg *m = mem_alloc(sizeof(*m));

	job_ref(job);
	m->job = job;
	m->news = news;
	m->done = job->done;
	m->msg.run = job_arrived;
	return m;
}

/* ---- the owner's loop ---- */

/* NULL gives NULL. Half a letter at a cut is made whole where it becomes JSON. */
MU_PRINTF(1, 0) static char *make_sentence(const char *format, va_list args)
{
	char text[SENTENCE_SIZE];

	if (!format || vsnprintf(text, sizeof(text), format, args) < 0)
		return NULL;
	return mem_strdup(text);
}

static struct mu_job *job_make(struct mu_instance *self, void *data, const char *format, va_list args)
{
	if (__atomic_add_fetch(&open_count, 1, __ATOMIC_RELAXED) > OPEN_MAX_JOBS) {
		__atomic_sub_fetch(&open_count, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	struct mu_job *job = mem_alloc(sizeof(*job));

	job->count = 1;
	text_printf(job->id, sizeof(job->id), "%08" PRIx32 "-%" PRIu32, prefix,
	            __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
	job->self = self;
	job->home = mu_self_ref(self);
	job->data = data;
	job->title = make_sentence(format, args);
	job->plugin = mem_strdup(self->name);
	job->since = clock_real();
	job->done = job->shown_done = NAN;
	return job;
}

struct mu_job *mu_job_new(struct mu_instance *self, void *data, const char *title, ...)
{
	va_list args;

	check(self && mu_on_loop(self));
	check(title);
	va_start(args, title);
	struct mu_job *job = job_make(self, data, title, args);
	va_end(args);
	if (!job)
		return NULL;
	job->who = mem_strdup(self->name);
	loop_post(loop_main(), &job_msg_new(job, JOB_BEGUN)->msg);
	return job;
}

struct mu_job *mu_job_start(struct mu_call *call, void *data, const char *title, ...)
{
	va_list args;

	check(call && call->magic == CALL_MAGIC);
	check(title && mu_on_loop(call->owner));
	va_start(args, title);
	struct mu_job *job = job_make(call->owner, data, title, args);
	va_end(args);
	if (!job) {
		mu_reply_error(call, -EBUSY, "%d jobs are under way, and no more are begun: wait for some to end",
		               OPEN_MAX_JOBS);
		return NULL;
	}
	job->who = mem_strdup(mu_call_user(call));
	job->command = mem_printf("%s.%s", call->kind->name, call->row->name);
	loop_post(loop_main(), &job_msg_new(job, JOB_BEGUN)->msg);
	json_t *result = json_object();
	json_set_text(result, "job", job->id);
	json_set_text(result, "message", job->title);
	mu_reply(call, result);
	return job;
}

void *mu_job_data(const struct mu_job *job)
{
	check(job);
	return job->data;
}

void mu_job_on_cancel(struct mu_job *job, void (*cancel)(struct mu_instance *self, struct mu_job *job))
{
	check(job && mu_on_loop(job->self));
	if (cancel && !job->cancel)
		loop_post(loop_main(), &job_msg_new(job, JOB_CANCELLABLE)->msg);
	job->cancel = cancel;
}

static void job_send(struct mu_job *job)
{
	struct job_msg *m = job_msg_new(job, JOB_MOVED);

	m->sentence = job->sentence;
	job->sentence = NULL;
	job->sent = clock_mono();
	loop_post(loop_main(), &m->msg);
}

static void job_due(struct mu_instance *self, struct mu_timer *timer)
{
	(void)self;
	job_send(container_of(timer, struct mu_job, timer));
}

void mu_job_progress(struct mu_job *job, double done, const char *sentence, ...)
{
	va_list args;

	check(job && mu_on_loop(job->self));
	check(!job->over);
	job->done = isnan(done) ? NAN : done < 0 ? 0 : done > 1 ? 1 : done;
	if (sentence) {
		free(job->sentence);
		va_start(args, sentence);
		job->sentence = make_sentence(sentence, args);
		va_end(args);
	}
	int64_t wait = job->sent ? job->sent + PROGRESS_EVERY - clock_mono() : 0;
	if (wait <= 0 && !mu_timer_armed(&job->timer))
		job_send(job);
	else if (!mu_timer_armed(&job->timer))
		mu_timer_start(job->self, &job->timer, wait, job_due);
}

static struct object_bytes *keep_result(json_t *result)
{
	struct object_bytes *bytes = result ? object_bytes_json(result) : NULL;

	if (bytes && bytes->length > RESULT_MAX)
		object_bytes_unref(&bytes);
	json_decref(result);
	return bytes;
}

void mu_job_end(struct mu_job **job, int code, json_t *result, const char *sentence, ...)
{
	va_list args;

	check(job && *job);
	struct mu_job *ended = *job;
	check(mu_on_loop(ended->self));
	check(!ended->over);
	ended->over = true;
	mu_timer_stop(&ended->timer);

	struct job_msg *m = job_msg_new(ended, JOB_ENDED);
	m->code = code > 0 ? 0 : code;
	m->result = keep_result(result);
	va_start(args, sentence);
	m->sentence = make_sentence(sentence, args);
	va_end(args);
	if (!m->sentence && code < 0)
		m->sentence = mem_strdup(strerror(-code));
	loop_post(loop_main(), &m->msg);
	job_unref(ended);
	*job = NULL;
}

/* ---- verbs ---- */

struct job_cancel_msg {
	struct mu_msg msg;
	struct mu_job *job; /* a reference */
};

static void cancel_drop(struct mu_msg *msg)
{
	struct job_cancel_msg *m = container_of(msg, struct job_cancel_msg, msg);

	job_unref(m->job);
	free(m);
}

static void cancel_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct job_cancel_msg *m = container_of(msg, struct job_cancel_msg, msg);

	if (!m->job->over && m->job->cancel)
		m->job->cancel(self, m->job);
	cancel_drop(msg);
}

/* NULL, or why not. */
static const char *cancel_one(struct mu_job *job)
{
	if (job->state != JOB_RUNNING)
		return "it has ended already";
	if (!job->can_cancel)
		return "its plugin offers no way to end it";
	struct job_cancel_msg *m = mem_alloc(sizeof(*m));
	job_ref(job);
	m->job = job;
	m->msg.run = cancel_run;
	m->msg.drop = cancel_drop;
	mu_post(job->home, &m->msg);
	return NULL;
}

static const char *forget_one(struct mu_job *job)
{
	if (job->state == JOB_RUNNING)
		return "it is under way";
	job_forget(job);
	return NULL;
}

/* Does it to each, and tells how many, and which not. */
static void do_each(struct mu_call *call, const char *(*one)(struct mu_job *job), const char *what)
{
	size_t count, done = 0;
	const char *const *ids = mu_call_ids(call, &count);
	json_t *failed = json_array();
	const char *why = NULL;

	for (size_t i = 0; i < count; i++) {
		struct mu_job *job = map_get(&jobs, ids[i]);
		const char *no = job ? one(job) : "there is no such job any more";
		if (no)
			json_array_append_new(failed, json_pack("{s:s, s:i, s:s}", "id", ids[i], "code", -EBUSY,
			                                        "sentence", no));
		why = no ? no : why;
		done += !no;
	}
	if (done == 0 && count > 0) {
		mu_reply_error(call, -EBUSY, "job %s: %s", ids[0], why);
		json_decref(failed);
		return;
	}
	json_t *result = json_object();
	json_object_set_new(result, "message", json_sprintf("%zu job%s %s", done, done == 1 ? "" : "s", what));
	if (json_array_size(failed) > 0)
		json_object_set(result, "failed", failed);
	json_decref(failed);
	mu_reply(call, result);
}

static void run_cancel(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	do_each(call, cancel_one, "asked to end");
}

static void run_forget(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	do_each(call, forget_one, "forgotten");
}

const struct mu_command job_commands[] = {
	{ .kind = "job", .name = "cancel", .title = "Cancel", .help = "ask it to end soon", .effect = MU_INTERRUPT,
	  .flags = MU_BULK, .run = run_cancel },
	{ .kind = "job", .name = "forget", .title = "Forget", .help = "take one that has ended out of the list",
	  .effect = MU_DESTROY, .flags = MU_BULK, .run = run_forget },
	MU_COMMAND_END
};

/* ---- life ---- */

void job_init(void)
{
	check(jobs.count == 0);
	prefix = (uint32_t)(clock_real() / MU_SEC);
	__atomic_store_n(&serial, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&open_count, 0, __ATOMIC_RELAXED);
}

void job_instance_gone(struct mu_instance *instance)
{
	check(instance);
	if (instance->is == INSTANCE_STOPPING)
		return;
	list_each_safe(node, &open_jobs) {
		struct mu_job *job = list_entry(node, struct mu_job, node);
		if (job->self != instance)
			continue;
		free(job->shown_sentence);
		job->shown_sentence = mem_strdup("its plugin stopped");
		job_finish(job, -ESHUTDOWN);
		/* one that was given up may still use its handle */
		if (instance->is != INSTANCE_ABANDONED)
			job_unref(job);
	}
}

static void let_go(struct list *list)
{
	while (!list_empty(list)) {
		struct mu_job *job = list_entry(list->next, struct mu_job, node);
		map_del(&jobs, job->id);
		list_remove(&job->node);
		job_unref(job);
	}
}

void job_fini(void)
{
	let_go(&open_jobs);
	let_go(&kept);
	kept_count = 0;
	map_fini(&jobs);
}
