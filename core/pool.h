/* pool: worker threads for what blocks. Grows while all are busy, up to a cap; idle threads leave after 60 s.
 *
 * Reads go before work, and work has at most three quarters of the threads, so that no plugin's work keeps others from
 * being read. The queues are bounded by those who submit: one read an instance, INSTANCE_WORK_MAX work items a plugin.
 *
 * A task past its deadline is disowned: its thread counts no longer against the cap, so that a hung disk does not take
 * the workers of everybody else, and what it holds is kept until it returns. Every function from any thread. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool_lane { POOL_READ, POOL_WORK, POOL_LANES }; /* POOL_READ: the core's own short tasks, too */

struct pool_task { /* embed, zeroed but for run and lane; the pool's from submit until run begins */
	void (*run)(struct pool_task *task); /* worker thread; must call pool_returned when the blocking part is over */
	enum pool_lane lane;
	struct pool_task *next;
	int64_t started; /* monotonic, 0 = waits; atomic */
	bool disowned, returned; /* under the pool's lock, which so decides who was first */
};

void pool_init(size_t cap); /* 0 = 64 */
void pool_submit(struct pool_task *task);
/* Takes a task that has not begun out of the queue: true, and it is the caller's again. */
bool pool_withdraw(struct pool_task *task);
/* This one will not be waited for; another thread may take its place. false: it has returned meanwhile. */
bool pool_disown(struct pool_task *task);
/* From run. true: it was disowned meanwhile. */
bool pool_returned(struct pool_task *task);

struct pool_stats {
	size_t threads, busy, waiting, disowned;
	size_t work_waiting; /* of `waiting` */
	uint64_t unborn;     /* threads that could not be started */
};
void pool_stats(struct pool_stats *out);
/* No new threads; what waits is still run. Returns how many threads had not ended in time. */
int pool_fini(int64_t wait_ns);

#endif
