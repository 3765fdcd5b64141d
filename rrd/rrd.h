/* rrd: the writer of history: what its files share. All of it on the instance's loop but what is said to be
 * the worker's. */
#ifndef RRD_RRD_H
#define RRD_RRD_H

#include <muster/muster.h>

#include "cache.h"
#include "file.h"
#include "layout.h"

#define JOBS      2  /* writes to the disk at a time */
#define JOB_FILES 64 /* files a job: one stuck disk holds up no more */

struct rrd_options {
	const char *data_dir;
	mu_time cache_timeout, cache_flush, random_timeout;
	double writes_per_second, xff;
	int64_t step, heartbeat, rows;
	struct mu_strings spans, cfs;
	bool async, statistics;
	uint64_t limit;
};

enum rrd_counter {
	COUNT_VALUES,
	COUNT_UPDATES,
	COUNT_CREATED,
	COUNT_FOLDED,
	COUNT_PAST,
	COUNT_DROPPED,
	COUNT_LOST,
	COUNT_ERRORS,
	LEVEL_PENDING,
	LEVEL_BYTES,
	LEVEL_QUEUE,
};

/* One piece of work: files one after the other. */
struct job_item {
	struct entry *entry;
	struct mu_series *series; /* held: the entry may take up another one meanwhile */
	mu_time interval;
	bool first;
	struct file_result result;
};
struct job {
	struct mu_work work;
	struct rrd *rrd;
	bool busy, slow; /* slow: said to hang */
	bool cut;        /* atomic: end after the file at hand */
	mu_time started;
	size_t count;
	struct job_item items[JOB_FILES];
};

/* Files that fail, by cause: a person hears of the first one and of the last, not of each. */
struct report {
	uint32_t failing[CAUSES];
	bool said[CAUSES];
	mu_time said_at[CAUSES];
	char status[160];
};

struct flush;

struct rrd {
	struct mu_instance *self;
	struct cache cache;
	struct layout_options layout; /* const after start: worker threads read it */
	char *data_dir;               /* so is this */
	struct job jobs[JOBS];
	struct report report;
	struct mu_timer tick, pace, deadline;
	mu_time allowed; /* WritesPerSecond: the next file of the ordinary queue */
	uint64_t dropped_counted;
	size_t waits; /* of all open flush calls */
	bool stopping, overdue, told;
};

/* ---- writer.c: jobs ---- */
/* Starts what can be started. */
void writer_pump(struct rrd *rrd);
bool writer_is_busy(const struct rrd *rrd);
/* Past the deadline: jobs end after the file at hand, no other begins. */
void writer_cut(struct rrd *rrd);
/* An event, when a job has hung for long. */
void writer_watch(struct rrd *rrd);

/* ---- report.c ---- */
/* `result` NULL: a value was found too old because the file is ahead of the clock. */
void report_failed(struct rrd *rrd, struct entry *entry, enum cause before, const struct file_result *result);
void report_cleared(struct rrd *rrd, enum cause before);
void report_levels(struct rrd *rrd);

/* ---- flush.c: the command ---- */
void flush_run(struct mu_instance *self, struct mu_call *call);
void flush_settled(struct cache *cache, struct wait *waits, bool written);

/* ---- rrd.c ---- */
/* After anything that may have been the last thing to wait for. */
void rrd_progress(struct rrd *rrd);

#endif
