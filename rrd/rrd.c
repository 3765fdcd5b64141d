/* rrd: values into RRD files, as collectd's rrdtool plugin names and lays them out.
 *
 * Nothing here waits for a disk. Values pile up by file in the cache; when a file is due its values go to a
 * worker thread, all in one call to librrd. A few large writes in place of many small ones is what makes
 * ten thousand series cheap. */
#include "rrd.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_TIME   (900 * MU_MS)
#define STOP_GRACE  (70 * MU_MS) /* for the file at hand */
#define CLOCK_GRACE 2            /* s */

static int check_spans(const void *value, struct mu_error *error)
{
	const struct mu_strings *spans = value;

	for (size_t i = 0; i < spans->count; i++) {
		const char *p = spans->items[i];
		uint64_t seconds;

		if (mu_scan_u64(&p, &seconds) < 0 || *p || seconds < 1 || seconds > INT32_MAX)
			return mu_error(error, -EINVAL, "\"%s\" is no number of seconds", spans->items[i]);
	}
	return 0;
}

static int cf_of(const char *name)
{
	for (unsigned cf = 0; cf < LAYOUT_CFS; cf++)
		if (strcmp(name, layout_cf_name((enum layout_cf)cf)) == 0)
			return (int)cf;
	return -EINVAL;
}

static int check_cfs(const void *value, struct mu_error *error)
{
	const struct mu_strings *cfs = value;

	for (size_t i = 0; i < cfs->count; i++)
		if (cf_of(cfs->items[i]) < 0)
			return mu_error(error, -EINVAL, "\"%s\" is none of AVERAGE, MIN, MAX, LAST",
					cfs->items[i]);
	return 0;
}

static const struct mu_option options[] = {
	MU_OPT_STRING(struct rrd_options, data_dir, .name = "DataDir", .dflt = "rrd",
		      .help = "folder of the files; from BaseDir when it does not begin with a slash"),
	MU_OPT_DURATION(struct rrd_options, cache_timeout, .name = "CacheTimeout", .dflt = "45",
			.max = 604800, .unit = "s",
			.help = "how long values may wait for more of their file; 0 = not at all"),
	MU_OPT_DURATION(struct rrd_options, cache_flush, .name = "CacheFlush", .max = 31622400, .unit = "s",
			.help = "accepted; no value waits longer than CacheTimeout and RandomTimeout say"),
	MU_OPT_DURATION(struct rrd_options, random_timeout, .name = "RandomTimeout", .max = 604800,
			.unit = "s",
			.help = "each wait is longer or shorter by up to this; at most CacheTimeout"),
	MU_OPT_DOUBLE(struct rrd_options, writes_per_second, .name = "WritesPerSecond", .dflt = "0",
		      .max = 1e6, .unit = "files/s",
		      .help = "no more files than this, but for flush and stop; 0 = no limit"),
	MU_OPT_INT(struct rrd_options, step, .name = "StepSize", .dflt = "0", .max = 31622400, .unit = "s",
		   .help = "step of new files; 0 = the interval of their values"),
	MU_OPT_INT(struct rrd_options, heartbeat, .name = "HeartBeat", .dflt = "0", .max = 31622400,
		   .unit = "s", .help = "heartbeat of new files; 0 = twice the step or interval"),
	MU_OPT_INT(struct rrd_options, rows, .name = "RRARows", .dflt = "1200", .min = 1, .max = 1000000,
		   .help = "rows of each archive of new files, at least"),
	MU_OPT_STRINGS(
		struct rrd_options, spans, .name = "RRATimespan", .max = LAYOUT_SPANS, .unit = "s",
		.check = check_spans,
		.help = "what the archives of new files cover; none = 3600 86400 604800 2678400 31622400"),
	MU_OPT_STRINGS(struct rrd_options, cfs, .name = "RRAType", .max = LAYOUT_CFS, .check = check_cfs,
		       .help = "their consolidation functions; none = AVERAGE MIN MAX"),
	MU_OPT_DOUBLE(struct rrd_options, xff, .name = "XFF", .dflt = "0.1", .max = 0.9999999999,
		      .help = "part of a row's time that may be unknown"),
	MU_OPT_BOOL(struct rrd_options, async, .name = "CreateFilesAsync", .dflt = "true",
		    .help = "accepted; files are never made where that holds up others"),
	MU_OPT_BOOL(struct rrd_options, statistics, .name = "CollectStatistics", .dflt = "true",
		    .help = "accepted; the counters are always there"),
	MU_OPT_SIZE(struct rrd_options, limit, .name = "PendingLimit", .dflt = "64M", .min = 65536,
		    .max = 1e12, .unit = "bytes",
		    .help = "memory of values that wait; past it the oldest go, counted"),
	MU_OPT_END
};

static const struct mu_counter counters[] = {
	[COUNT_VALUES] = { .name = "values", .help = "rows handed to librrd" },
	[COUNT_UPDATES] = { .name = "updates", .help = "calls to librrd for them" },
	[COUNT_CREATED] = { .name = "files-created", .help = "RRD files made" },
	[COUNT_FOLDED] = { .name = "folded", .help = "values that share their second with another" },
	[COUNT_PAST] = { .name = "past", .help = "values not newer than what the file holds" },
	[COUNT_DROPPED] = { .name = "dropped", .help = "values that went for want of memory" },
	[COUNT_LOST] = { .name = "lost", .help = "values that could not be written" },
	[COUNT_ERRORS] = { .name = "errors", .help = "calls to librrd that failed" },
	[LEVEL_PENDING] = { .name = "pending", .type = "gauge", .help = "rows that wait" },
	[LEVEL_BYTES] = { .name = "pending-bytes", .type = "gauge", .help = "their memory" },
	[LEVEL_QUEUE] = { .name = "queue", .type = "gauge", .help = "files to be written now" },
	MU_COUNTER_END
};

static const struct mu_command commands[] = {
	{ .kind = "series",
	  .name = "flush",
	  .title = "Write to disk",
	  .help = "write what waits in memory to the RRD files: of one series, of a glob's, or of all",
	  .role = MU_VIEWER,
	  .effect = MU_LOOK,
	  .flags = MU_ID_OPTIONAL,
	  .run = flush_run },
	MU_COMMAND_END
};

/* ---- configuration ---- */

static void make_layout(const struct rrd_options *from, struct layout_options *to)
{
	layout_defaults(to);
	to->step = from->step;
	to->heartbeat = from->heartbeat;
	to->rows = from->rows;
	to->xff = from->xff;
	if (from->spans.count > 0)
		to->span_count = 0;
	for (size_t i = 0; i < from->spans.count; i++) {
		const char *p = from->spans.items[i];
		uint64_t seconds = 0;
		int r = mu_scan_u64(&p, &seconds);

		assert(r == 0 && seconds > 0);
		if (r < 0 || layout_add_span(to, (int64_t)seconds) < 0)
			break;
	}
	if (from->cfs.count > 0)
		to->cfs = 0;
	for (size_t i = 0; i < from->cfs.count; i++)
		to->cfs |= 1u << cf_of(from->cfs.items[i]);
}

static struct cache_options make_cache_options(const struct rrd_options *from)
{
	return (struct cache_options){ .timeout = from->cache_timeout,
				       .spread = from->random_timeout,
				       .limit = (size_t)from->limit };
}

/* ---- values ---- */

/* The value is older than what we wrote: when that is because the clock went back, say so. */
static void look_at_clock(struct rrd *rrd, const struct mu_sample *sample)
{
	struct entry *entry = cache_find(&rrd->cache, mu_series_name(sample->series));

	mu_count(rrd->self, COUNT_PAST, 1);
	if (!entry || entry->cause != CAUSE_NONE ||
	    entry->last_second <= mu_time_real() / MU_SEC + CLOCK_GRACE)
		return;
	entry->cause = CAUSE_AHEAD;
	report_failed(rrd, entry, CAUSE_NONE, NULL);
}

static void add(struct rrd *rrd, const struct mu_sample *sample, mu_time now)
{
	if (sample->flags & MU_SAMPLE_STALE) {
		look_at_clock(rrd, sample);
		return;
	}
	switch (cache_add(&rrd->cache, sample, now)) {
	case CACHE_NEW:
		break;
	case CACHE_FOLDED:
		mu_count(rrd->self, COUNT_FOLDED, 1);
		break;
	case CACHE_PAST:
		look_at_clock(rrd, sample);
		break;
	case CACHE_REFUSED:
		mu_count(rrd->self, COUNT_DROPPED, 1);
		break;
	}
}

static void rrd_write_batch(struct mu_instance *self, const struct mu_batch *batch)
{
	struct rrd *rrd = mu_state(self);
	size_t count = mu_batch_count(batch);
	mu_time now = mu_now(self);

	for (size_t i = 0; i < count; i++)
		add(rrd, mu_batch_sample(batch, i), now);
	rrd_progress(rrd);
}

/* ---- time ---- */

static void ticked(struct mu_instance *self, struct mu_timer *timer)
{
	struct rrd *rrd = mu_state(self);

	(void)timer;
	cache_tick(&rrd->cache, mu_now(self));
	writer_watch(rrd);
	rrd_progress(rrd);
}

/* What is still in memory at the end is lost, and is told. */
static void tell_lost(struct rrd *rrd)
{
	if (rrd->cache.rows == 0 || rrd->told)
		return;
	rrd->told = true;
	mu_count(rrd->self, COUNT_LOST, (int64_t)rrd->cache.rows);
	mu_event(rrd->self, MU_FAILURE, "stopped with %" PRIu64 " rows not written to their RRD files%s%s",
		 rrd->cache.rows, *rrd->report.status ? ": " : "", rrd->report.status);
}

static void finish(struct rrd *rrd)
{
	struct mu_instance *self = rrd->self;

	tell_lost(rrd);
	mu_timer_stop(&rrd->tick);
	mu_timer_stop(&rrd->pace);
	mu_timer_stop(&rrd->deadline);
	rrd->cache.forgotten = NULL; /* no good news on the way out */
	cache_fini(&rrd->cache);
	free(rrd->data_dir);
	rrd->data_dir = NULL;
	mu_stopped(self);
}

void rrd_progress(struct rrd *rrd)
{
	writer_pump(rrd);
	report_levels(rrd);
	if (rrd->stopping && !writer_is_busy(rrd) && (rrd->overdue || link_empty(&rrd->cache.urgent))) {
		finish(rrd);
		return;
	}
	if ((cache_is_waiting(&rrd->cache) || writer_is_busy(rrd)) && !mu_timer_armed(&rrd->tick))
		mu_timer_start(rrd->self, &rrd->tick, MU_SEC, ticked);
}

/* ---- life ---- */

static void forgotten(struct cache *cache, struct entry *entry)
{
	report_cleared(link_owner(cache, struct rrd, cache), entry->cause);
}

static int rrd_start(struct mu_instance *self, struct mu_error *error)
{
	const struct rrd_options *from = mu_config(self);
	const struct cache_options cache = make_cache_options(from);
	struct rrd *rrd = mu_state(self);

	file_init();
	rrd->self = self;
	make_layout(from, &rrd->layout);
	int r = *from->data_dir == '/' ? asprintf(&rrd->data_dir, "%s", from->data_dir)
				       : asprintf(&rrd->data_dir, "%s/%s", mu_base_dir(), from->data_dir);
	if (r < 0) {
		rrd->data_dir = NULL;
		return mu_error(error, -ENOMEM, "out of memory");
	}
	cache_init(&rrd->cache, &cache, mu_now(self));
	rrd->cache.settled = flush_settled;
	rrd->cache.forgotten = forgotten;
	return 0;
}

/* Worker threads read folder and layout: those change by a restart. */
static int rrd_reconfigure(struct mu_instance *self, const void *before, const void *after,
			   struct mu_error *error)
{
	const struct rrd_options *was = before, *is = after;
	struct layout_options layout;
	struct rrd *rrd = mu_state(self);

	(void)error;
	make_layout(is, &layout);
	if (strcmp(was->data_dir, is->data_dir) != 0 || memcmp(&layout, &rrd->layout, sizeof(layout)) != 0)
		return 1;
	rrd->cache.options = make_cache_options(is);
	rrd->allowed = 0;
	mu_timer_stop(&rrd->pace);
	rrd_progress(rrd);
	return 0;
}

/* A write hangs: it is not for us to end, and the core will do without. */
static void abandon(struct mu_instance *self, struct mu_timer *timer)
{
	(void)timer;
	tell_lost(mu_state(self));
}

static void overdue(struct mu_instance *self, struct mu_timer *timer)
{
	struct rrd *rrd = mu_state(self);

	writer_cut(rrd);
	mu_timer_start(self, timer, STOP_GRACE, abandon);
	rrd_progress(rrd);
}

static void rrd_stop(struct mu_instance *self)
{
	struct rrd *rrd = mu_state(self);
	struct link *next;

	rrd->stopping = true;
	mu_timer_start(self, &rrd->deadline, STOP_TIME, overdue);
	/* The oldest first: what is lost at the deadline is the least. */
	for (struct link *at = rrd->cache.order.next; at != &rrd->cache.order; at = next) {
		next = at->next;
		cache_flush(&rrd->cache, link_owner(at, struct entry, order), NULL, mu_now(self));
	}
	rrd_progress(rrd);
}

MU_PLUGIN(rrd, .aliases = "rrdtool", .about = "writes values to RRD files", .loop = "rrd", .flags = MU_SINGLE,
	  .config_size = sizeof(struct rrd_options), .state_size = sizeof(struct rrd), .options = options,
	  .commands = commands, .counters = counters, .start = rrd_start, .reconfigure = rrd_reconfigure,
	  .write = rrd_write_batch, .stop = rrd_stop);
