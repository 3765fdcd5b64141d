/* job_kind: jobs as objects: the table, what main keeps of each, and the verbs. Main loop. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "call.h"
#include "instance.h"
#include "job_parts.h"
#include "object.h"
#include "self.h"

enum { KEPT_MAX = 1000 };

static const struct mu_state states[] = { [JOB_RUNNING] = { "running", MU_RUNNING, "is under way" },
					  [JOB_DONE] = { "done", MU_OK, "came to its end" },
					  [JOB_FAILED] = { "failed", MU_FAIL, "did not come to its end" },
					  [JOB_CANCELLED] = { "cancelled", MU_PAUSED,
							      "was ended by somebody" },
					  MU_STATE_END };
static const struct mu_attr attrs[] = {
	{ .name = "state", .type = MU_ENUM, .help = "whether it is under way, and how it ended" },
	{ .name = "title", .type = MU_STRING, .help = "what it does" },
	{ .name = "progress",
	  .type = MU_DOUBLE,
	  .min = 0,
	  .max = 1,
	  .help = "how much is done; absent when unknown" },
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
	.name = "job",
	.plural = "jobs",
	.help = "something that takes longer than a call may",
	.attrs = attrs,
	.states = states,
	.title = "title",
	.reason = "sentence",
	.since = "since",
	.columns = "state title progress sentence who since",
};

static uint32_t prefix;     /* differs for each life of the daemon */
static uint32_t serial;     /* atomic */
static uint32_t open_count; /* atomic */
static struct map jobs;
static struct list open_jobs = { &open_jobs, &open_jobs }, kept = { &kept, &kept }; /* oldest first */
static size_t kept_count;

bool job_enter(char id[32])
{
	if (__atomic_add_fetch(&open_count, 1, __ATOMIC_RELAXED) > JOB_OPEN_MAX) {
		__atomic_sub_fetch(&open_count, 1, __ATOMIC_RELAXED);
		return false;
	}
	text_printf(id, 32, "%08" PRIx32 "-%" PRIu32, prefix,
		    __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
	return true;
}

/* ---- the object ---- */

static void set_time(json_t *json, const char *key, mu_time time)
{
	if (time)
		json_object_set_new(json, key, json_real(mu_seconds(time)));
}

static void job_show(const struct mu_job *job)
{
	c_assert(loop_is_current(loop_main()));
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
		json_object_set_new(json, "result",
				    json_loadb(job->result->text, job->result->length,
					       JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	object_put_now(self_instance(), job_kind.name, job->id, json);
}

static void job_forget(struct mu_job *job)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(job->state != JOB_RUNNING);
	map_del(&jobs, job->id);
	list_remove(&job->node);
	kept_count--;
	if (self_instance())
		object_put_now(self_instance(), job_kind.name, job->id, NULL);
	job_unref(job);
}

static void job_finish(struct mu_job *job, int code)
{
	c_assert(loop_is_current(loop_main()));
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

/* ---- news of the owner ---- */

static void job_take_news(struct mu_job *job, struct job_msg *m)
{
	job->shown_done = m->done;
	if (m->sentence) {
		free(job->shown_sentence);
		job->shown_sentence = m->sentence;
		m->sentence = NULL;
	}
}

void job_arrived(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(loop_is_current(loop_main()));
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
	c_assert(mu_on_loop(self));
	struct job_cancel_msg *m = container_of(msg, struct job_cancel_msg, msg);

	if (!m->job->over && m->job->cancel)
		m->job->cancel(self, m->job);
	cancel_drop(msg);
}

/* NULL, or why not. */
static const char *cancel_one(struct mu_job *job)
{
	c_assert(loop_is_current(loop_main()));
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
	c_assert(one && what);
	size_t count, done = 0;
	const char *const *ids = mu_call_ids(call, &count);
	json_t *failed = json_array();
	const char *why = NULL;

	for (size_t i = 0; i < count; i++) {
		struct mu_job *job = map_get(&jobs, ids[i]);
		const char *no = job ? one(job) : "there is no such job any more";
		if (no)
			json_array_append_new(failed, json_pack("{s:s, s:i, s:s}", "id", ids[i], "code",
								-EBUSY, "sentence", no));
		why = no ? no : why;
		done += !no;
	}
	if (done == 0 && count > 0) {
		mu_reply_error(call, -EBUSY, "job %s: %s", ids[0], why);
		json_decref(failed);
		return;
	}
	json_t *result = json_object();
	json_object_set_new(result, "message",
			    json_sprintf("%zu job%s %s", done, done == 1 ? "" : "s", what));
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

const struct mu_command job_commands[] = { { .kind = "job",
					     .name = "cancel",
					     .title = "Cancel",
					     .help = "ask it to end soon",
					     .effect = MU_INTERRUPT,
					     .flags = MU_BULK,
					     .run = run_cancel },
					   { .kind = "job",
					     .name = "forget",
					     .title = "Forget",
					     .help = "take one that has ended out of the list",
					     .effect = MU_DESTROY,
					     .flags = MU_BULK,
					     .run = run_forget },
					   MU_COMMAND_END };

/* ---- life ---- */

void job_init(void)
{
	c_assert(jobs.count == 0);
	prefix = (uint32_t)(clock_real() / MU_SEC);
	__atomic_store_n(&serial, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&open_count, 0, __ATOMIC_RELAXED);
}

void job_instance_gone(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(instance);
	if (instance->is == INSTANCE_STOPPING)
		return;
	list_each_safe (node, &open_jobs) {
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
