/* flush: the command that a grapher gives before it draws: answered when the values of those series that
 * wait in memory are in their files. */
#include "rrd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAITS_MAX 262144               /* of all open calls */
#define WAITS_GLOB (WAITS_MAX / 4 * 3) /* of those that name many: who names one, to draw it, finds room all the same */

/* One open call; each file it waits for counts it down. */
struct flush {
	struct mu_call *call;
	size_t waiting;
	uint64_t flushed, failed;
};

struct flush_wait {
	struct wait wait;
	struct flush *flush;
};

static void answer(struct flush *flush)
{
	json_t *result = json_object();

	assert(flush->waiting == 0);
	json_object_set_new(result, "flushed", json_integer((json_int_t)flush->flushed));
	if (flush->failed > 0)
		json_object_set_new(result, "failed", json_integer((json_int_t)flush->failed));
	mu_reply(flush->call, result);
	free(flush);
}

void flush_settled(struct cache *cache, struct wait *waits, bool written)
{
	struct rrd *rrd = link_owner(cache, struct rrd, cache);
	struct wait *next;

	for (; waits; waits = next) {
		struct flush_wait *wait = link_owner(waits, struct flush_wait, wait);
		struct flush *flush = wait->flush;

		next = waits->next;
		assert(flush->waiting > 0 && rrd->waits > 0);
		rrd->waits--;
		if (written)
			flush->flushed++;
		else
			flush->failed++;
		if (--flush->waiting == 0)
			answer(flush);
		free(wait);
	}
}

/* false when there are `most` or more already. */
static bool wait_for(struct rrd *rrd, struct flush *flush, struct entry *entry, size_t most)
{
	if (rrd->waits >= most)
		return false;
	struct flush_wait *wait = calloc(1, sizeof(*wait));
	if (!wait)
		return false;
	wait->flush = flush;
	flush->waiting++;
	rrd->waits++;
	cache_flush(&rrd->cache, entry, &wait->wait, mu_now(rrd->self));
	return true;
}

/* Every entry that `glob` names (NULL = every one) and that has something to write. */
static bool wait_for_all(struct rrd *rrd, struct flush *flush, const char *glob)
{
	struct entry *entry;
	size_t at = 0;

	while ((entry = cache_next(&rrd->cache, &at)))
		if (cache_has(entry) && (!glob || mu_glob(glob, entry->name)) &&
		    !wait_for(rrd, flush, entry, WAITS_GLOB))
			return false;
	return true;
}

void flush_run(struct mu_instance *self, struct mu_call *call)
{
	struct rrd *rrd = mu_state(self);
	const char *glob = mu_call_id(call);
	struct entry *entry = glob ? cache_find(&rrd->cache, glob) : NULL;
	struct flush *flush = calloc(1, sizeof(*flush));
	bool all = true;

	if (!flush || rrd->stopping) {
		free(flush);
		mu_reply_error(call, -ESHUTDOWN, "the writer of RRD files stops; it writes what it has");
		return;
	}
	flush->call = call;
	flush->waiting = 1; /* ours, so that nothing is answered before the last one is on the list */
	if (entry && cache_has(entry))
		all = wait_for(rrd, flush, entry, WAITS_MAX);
	else if (!entry && (!glob || strpbrk(glob, "*?[\\")))
		all = wait_for_all(rrd, flush, glob);
	writer_pump(rrd);
	if (!all)
		flush->failed++;
	if (--flush->waiting == 0)
		answer(flush);
}
