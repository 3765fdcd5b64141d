/* report: a full disk breaks every file at once, and nobody wants to read of each. The first file of a
 * cause is an event that names it; from then on they are counted, until the last of them is well. */
#include "rrd.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define AGAIN        (5 * MU_MIN) /* a cause that comes and goes is said no more often */
#define LOCKED_TRIES 5            /* a grapher may hold a file for a moment */

static void say(struct rrd *rrd, const struct entry *entry, const struct file_result *result)
{
	enum cause cause = entry->cause;
	mu_time now = mu_now(rrd->self);

	if (rrd->report.said[cause] || (cause == CAUSE_LOCKED && entry->failures < LOCKED_TRIES))
		return;
	if (rrd->report.said_at[cause] != 0 && now - rrd->report.said_at[cause] < AGAIN)
		return;
	rrd->report.said[cause] = true;
	rrd->report.said_at[cause] = now;
	mu_event_series(rrd->self, cause == CAUSE_AHEAD ? MU_WARNING : MU_FAILURE, entry->series,
			"RRD file of %s: %s (%s); %s: %s", entry->name, cause_words(cause),
			result && *result->words ? result->words : cause_name(cause),
			cause_keeps(cause) ? "its values are kept for another try"
					   : "its values are left out",
			cause_remedy(cause));
}

/* A sentence for `plugin list`: the cause that most files suffer. */
static void status(struct rrd *rrd)
{
	struct report *report = &rrd->report;
	enum cause worst = CAUSE_NONE;
	char sentence[sizeof(report->status)] = "";

	for (unsigned i = CAUSE_NONE + 1; i < CAUSES; i++)
		if (i != CAUSE_LOCKED && report->failing[i] > (worst ? report->failing[worst] : 0))
			worst = (enum cause)i;
	if (worst != CAUSE_NONE)
		snprintf(sentence, sizeof(sentence), "cannot write %" PRIu32 " file%s: %s",
			 report->failing[worst], report->failing[worst] == 1 ? "" : "s", cause_words(worst));
	if (strcmp(sentence, report->status) == 0)
		return;
	memcpy(report->status, sentence, sizeof(sentence));
	if (*sentence)
		mu_status(rrd->self, "%s", sentence);
	else
		mu_status(rrd->self, NULL);
}

void report_cleared(struct rrd *rrd, enum cause before)
{
	struct report *report = &rrd->report;

	if (before == CAUSE_NONE)
		return;
	assert(report->failing[before] > 0);
	if (--report->failing[before] > 0 || !report->said[before])
		return;
	report->said[before] = false;
	mu_event(rrd->self, MU_OKAY, "no RRD file is held up any more because %s", cause_words(before));
}

void report_failed(struct rrd *rrd, struct entry *entry, enum cause before, const struct file_result *result)
{
	assert(rrd && entry);
	assert(entry->cause != CAUSE_NONE);
	if (before != entry->cause) {
		rrd->report.failing[entry->cause]++;
		report_cleared(rrd, before);
	}
	say(rrd, entry, result);
}

void report_levels(struct rrd *rrd)
{
	mu_level(rrd->self, LEVEL_PENDING, (int64_t)rrd->cache.rows);
	mu_level(rrd->self, LEVEL_BYTES, (int64_t)rrd->cache.bytes);
	mu_level(rrd->self, LEVEL_QUEUE, (int64_t)rrd->cache.queue_length);
	mu_count(rrd->self, COUNT_DROPPED, (int64_t)(rrd->cache.dropped - rrd->dropped_counted));
	rrd->dropped_counted = rrd->cache.dropped;
	status(rrd);
}
