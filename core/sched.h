/* sched: what is due: every instance's `read`, aligned to the clock.
 *
 * A read is due at whole multiples of its interval since the epoch (plus its jitter); one at a time; a tick that finds
 * the one before still running is an overrun and is counted. Past its deadline a read is disowned, never cancelled; one
 * that no worker had time to begin is an overrun too, and no error of its plugin. Main loop. */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include <stdint.h>

struct mu_instance;

void sched_add(struct mu_instance *instance);    /* running from now on */
void sched_remove(struct mu_instance *instance); /* a read in flight goes on, and its values are kept */
/* The first multiple of `interval` after `real`, plus `offset`. Pure. */
int64_t sched_next(int64_t real, int64_t interval, int64_t offset);
/* How long a failing read waits: doubles to max, 0 failures = interval. Pure. */
int64_t sched_backoff(int64_t interval, uint32_t failures, int64_t max);
/* `-T`: reads each once, now, and calls `done` when all have answered or are past their deadline. */
void sched_read_once(void (*done)(void *data), void *data);

#endif
