/* job: what outlives its call: an object of kind "job" that the core owns and a plugin feeds.
 *
 * A job's handle lives on its owner's loop, its object on main (job_kind.c). What happens to it goes there
 * in messages, in the order in which it happened, and before the reply that names it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "call_parts.h"
#include "instance.h"
#include "job_parts.h"
#include "object.h"

enum { RESULT_MAX = 65536, SENTENCE_SIZE = 512 };
#define PROGRESS_EVERY (200 * MU_MS)

/* ---- memory ---- */

void job_ref(struct mu_job *job)
{
	c_assert(__atomic_add_fetch(&job->count, 1, __ATOMIC_RELAXED) > 1);
}

void job_unref(struct mu_job *job)
{
	if (__atomic_sub_fetch(&job->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	c_assert(!list_linked(&job->node));
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
	c_assert(self && self->ref);
	char id[32];

	if (!job_enter(id))
		return NULL;
	struct mu_job *job = mem_alloc(sizeof(*job));

	job->count = 1;
	memcpy(job->id, id, sizeof(job->id));
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

	c_assert(self && mu_on_loop(self));
	c_assert(title);
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

	c_assert(call && call->magic == CALL_MAGIC);
	c_assert(title && mu_on_loop(call->owner));
	va_start(args, title);
	struct mu_job *job = job_make(call->owner, data, title, args);
	va_end(args);
	if (!job) {
		mu_reply_error(call, -EBUSY,
			       "%d jobs are under way, and no more are begun: wait for some to end",
			       JOB_OPEN_MAX);
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
	c_assert(job);
	return job->data;
}

void mu_job_on_cancel(struct mu_job *job, void (*cancel)(struct mu_instance *self, struct mu_job *job))
{
	c_assert(job && mu_on_loop(job->self));
	if (cancel && !job->cancel)
		loop_post(loop_main(), &job_msg_new(job, JOB_CANCELLABLE)->msg);
	job->cancel = cancel;
}

static void job_send(struct mu_job *job)
{
	c_assert(!job->over && mu_on_loop(job->self));
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

	c_assert(job && mu_on_loop(job->self));
	c_assert(!job->over);
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

	c_assert(job && *job);
	struct mu_job *ended = *job;
	c_assert(mu_on_loop(ended->self));
	c_assert(!ended->over);
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
