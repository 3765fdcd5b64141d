/* writer: takes entries out of the cache, a list at a time, and lets the pool's threads write them.
 * Whatever hangs there, hangs there: the loop goes on, and the cache's limit bounds what piles up. */
#include "rrd.h"

#include <assert.h>
#include <string.h>

#define HANGS (30 * MU_SEC)

/* ---- worker thread ---- */

static void run(struct mu_work *work)
{
	struct job *job = link_owner(work, struct job, work);
	const struct rrd *rrd = job->rrd;

	for (size_t i = 0; i < job->count; i++) {
		struct job_item *item = &job->items[i];

		if (__atomic_load_n(&job->cut, __ATOMIC_RELAXED))
			return;
		const struct file_task task = {
			.data_dir = rrd->data_dir,
			.name = mu_series_name(item->series),
			.type = mu_series_type(item->series),
			.layout = &rrd->layout,
			.interval = item->interval,
			.rows = &item->entry->flight,
			.now = mu_time_real() / MU_SEC,
			.first = item->first,
		};
		file_write(&task, &item->result);
	}
}

/* ---- loop ---- */

static void take_back(struct rrd *rrd, struct job_item *item)
{
	struct entry *entry = item->entry;
	const struct file_result *result = &item->result;
	enum cause before = entry->cause;

	uint32_t lost = cache_give_back(&rrd->cache, entry, result->cause, mu_now(rrd->self));
	mu_series_unref(&item->series);
	if (result->created)
		mu_count(rrd->self, COUNT_CREATED, 1);
	if (result->cause == CAUSE_NONE) {
		mu_count(rrd->self, COUNT_UPDATES, 1);
		mu_count(rrd->self, COUNT_VALUES, result->written);
		mu_count(rrd->self, COUNT_PAST, result->past);
		report_cleared(rrd, before);
		return;
	}
	if (rrd->overdue && result->cause == CAUSE_BUSY)
		return; /* it was cut off; what it holds is told as a sum */
	mu_count(rrd->self, COUNT_ERRORS, 1);
	mu_count(rrd->self, COUNT_LOST, lost);
	report_failed(rrd, entry, before, result);
}

static void done(struct mu_instance *self, struct mu_work *work, int status)
{
	struct job *job = link_owner(work, struct job, work);
	struct rrd *rrd = job->rrd;

	assert(rrd->self == self && job->busy);
	(void)status; /* what was not run still has the result it began with */
	for (size_t i = 0; i < job->count; i++)
		take_back(rrd, &job->items[i]);
	if (job->slow)
		mu_event(self, MU_OKAY, "writing RRD files goes on after %" PRId64 " s",
			 (mu_now(self) - job->started) / MU_SEC);
	job->busy = job->slow = false;
	job->count = 0;
	rrd_progress(rrd);
}

static void add_item(struct job *job, struct entry *entry, bool first)
{
	struct job_item *item = &job->items[job->count++];

	assert(job->count <= JOB_FILES);
	*item = (struct job_item){
		.entry = entry,
		.series = mu_series_ref(entry->series),
		.interval = entry->interval,
		.first = first,
		.result = { .cause = CAUSE_BUSY },
	};
}

/* How many files of the ordinary queue may go now. */
static size_t allowance(struct rrd *rrd, mu_time now)
{
	const struct rrd_options *options = mu_config(rrd->self);

	if (options->writes_per_second <= 0)
		return JOB_FILES;
	if (now < rrd->allowed)
		return 0;
	/* A quarter of a second's files at a time keeps the timer quiet. */
	double some = options->writes_per_second / 4;
	return some < 1 ? 1 : some > JOB_FILES ? JOB_FILES : (size_t)some;
}

static void charge(struct rrd *rrd, size_t files, mu_time now)
{
	const struct rrd_options *options = mu_config(rrd->self);

	if (options->writes_per_second <= 0 || files == 0)
		return;
	if (rrd->allowed < now)
		rrd->allowed = now;
	rrd->allowed += (mu_time)((double)files * (double)MU_SEC / options->writes_per_second);
}

static bool fill(struct rrd *rrd, struct job *job, mu_time now)
{
	size_t ordinary = 0, allowed = allowance(rrd, now);
	int64_t second = mu_time_real() / MU_SEC;

	job->count = 0;
	while (job->count < JOB_FILES) {
		bool urgent = !link_empty(&rrd->cache.urgent);
		struct entry *entry = cache_take(&rrd->cache, ordinary < allowed, second, now);
		if (!entry)
			break;
		ordinary += !urgent;
		add_item(job, entry, !entry->looked);
		entry->looked = true;
	}
	charge(rrd, ordinary, now);
	return job->count > 0;
}

static void paced(struct mu_instance *self, struct mu_timer *timer)
{
	(void)timer;
	writer_pump(mu_state(self));
}

void writer_pump(struct rrd *rrd)
{
	mu_time now = mu_now(rrd->self);

	assert(mu_on_loop(rrd->self));
	for (size_t i = 0; i < JOBS && !rrd->overdue; i++) {
		struct job *job = &rrd->jobs[i];

		if (job->busy)
			continue;
		if (!fill(rrd, job, now))
			break;
		job->rrd = rrd;
		job->busy = true;
		job->cut = false;
		job->started = now;
		job->work = (struct mu_work){ .run = run, .done = done };
		mu_work_start(rrd->self, &job->work);
	}
	if (!link_empty(&rrd->cache.queued) && rrd->allowed > now && !mu_timer_armed(&rrd->pace) &&
	    !rrd->overdue)
		mu_timer_start(rrd->self, &rrd->pace, rrd->allowed - now, paced);
}

bool writer_is_busy(const struct rrd *rrd)
{
	for (size_t i = 0; i < JOBS; i++)
		if (rrd->jobs[i].busy)
			return true;
	return false;
}

void writer_cut(struct rrd *rrd)
{
	assert(rrd->stopping);
	rrd->overdue = true;
	for (size_t i = 0; i < JOBS; i++)
		__atomic_store_n(&rrd->jobs[i].cut, true, __ATOMIC_RELAXED);
}

void writer_watch(struct rrd *rrd)
{
	mu_time now = mu_now(rrd->self);

	for (size_t i = 0; i < JOBS; i++) {
		struct job *job = &rrd->jobs[i];

		if (!job->busy || job->slow || now - job->started < HANGS)
			continue;
		job->slow = true;
		mu_event(rrd->self, MU_FAILURE,
			 "writing RRD files to %s hangs; values wait in memory until then", rrd->data_dir);
	}
}
