/* pool: worker threads for what blocks. Grows while all are busy, up to a cap; idle threads leave after 10 s.
 *
 * A task past its deadline is disowned: its thread no longer counts, and what it holds is kept until it returns. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_task { /* embed; the pool's from submit until run has returned */
	void (*run)(struct pool_task *task); /* worker thread */
	struct pool_task *next;
	int64_t started; /* monotonic, 0 = waits; atomic */
	bool disowned;   /* atomic */
};

void pool_init(size_t cap); /* 0 = 64 */
void pool_submit(struct pool_task *task); /* any thread */
/* Takes a task that has not begun out of the queue: true, and it is the caller's again. */
bool pool_withdraw(struct pool_task *task);
/* Main loop: this one will not be waited for; another thread may take its place. */
void pool_disown(struct pool_task *task);

struct pool_stats {
	size_t threads, busy, waiting, disowned;
};
void pool_stats(struct pool_stats *out);
/* Waits for idle and running threads to end; returns the number disowned or not ended in time. */
int pool_fini(int64_t wait_ns);

#endif
