/* muster/loop.h: where a plugin's code runs: messages, timers, work.
 *
 * An instance lives on one loop and all its callbacks run there, so it needs no lock. Only `read` and
 * the `run` of a work item are on a worker thread, and they see the configuration, their own memory
 * and nothing else. */
#ifndef MUSTER_LOOP_H
#define MUSTER_LOOP_H

#include <muster/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- messages ---- */

/* The address of an instance: stays valid after the instance has ended. Reference-counted. */
struct mu_ref;
struct mu_ref *mu_self_ref(struct mu_instance *self); /* a new reference */
struct mu_ref *mu_ref_ref(struct mu_ref *ref);
void mu_ref_unref(struct mu_ref **ref);

/* Embedded in the sender's own struct, so that posting cannot fail. Only run and drop are yours to set. Whoever
 * receives it owns it. */
struct mu_msg {
	struct mu_msg *next; /* the inbox's, until run or drop */
	struct mu_ref *to;   /* the inbox's */
	void (*run)(struct mu_instance *self, struct mu_msg *msg);
	void (*drop)(struct mu_msg *msg); /* instead of run when the addressee has ended; any thread */
};
/* Any thread. Never runs anything at once, also to one's own loop: in order, after the caller. */
void mu_post(struct mu_ref *to, struct mu_msg *msg);

/* ---- timers ---- */

/* Embed, zeroed. On the loop only. A stopped instance's timers are cancelled by the core. */
struct mu_timer_core;
struct mu_timer {
	struct mu_timer_core *core; /* the core's; NULL while it is not armed */
};
/* Fires once, `after` (a span; <= 0: at the next turn) from now on the monotonic clock. Arming again moves it. Nothing
 * after mu_stopped. */
void mu_timer_start(struct mu_instance *self, struct mu_timer *timer, mu_time after,
                    void (*fired)(struct mu_instance *self, struct mu_timer *timer));
void mu_timer_stop(struct mu_timer *timer);
bool mu_timer_armed(const struct mu_timer *timer);
/* The monotonic time of this turn of the loop: equal within one callback. */
mu_time mu_now(const struct mu_instance *self);

/* ---- work: what blocks ---- */

/* Embed, zeroed but for run, done, deadline and free. The core holds the instance and its configuration until `done`
 * has returned. */
struct mu_work_core;
struct mu_work {
	/* Worker thread. What it needs is in the struct around it; an instance pointer kept there is good for mu_log,
	 * mu_count and mu_event until run returns, and for nothing else. */
	void (*run)(struct mu_work *work);
	/* On the loop, exactly once. `status` 0; -ECANCELED when the instance stopped first (run may then
	 * never have been called); -EBUSY when too many items of this plugin hang (8), or wait or run (1,024). */
	void (*done)(struct mu_instance *self, struct mu_work *work, int status);
	mu_time deadline; /* span, >= 0; past it the item is an event and is disowned: done(-ETIMEDOUT) comes at
	                   * once, and `free` instead of done when run returns at last. 0 = none */
	void (*free)(struct mu_work *work); /* may be NULL when deadline is 0 */
	struct mu_work_core *core; /* the core's, as the next */
	void *reserved;
};
/* Not again before it is done. */
void mu_work_start(struct mu_instance *self, struct mu_work *work);
/* The configuration as it was when the work was started; worker thread. */
const void *mu_work_config(const struct mu_work *work);

/* ---- the loop itself ---- */

/* For descriptors: uv_poll, uv_pipe, uv_tcp and the like belong to the plugin, which closes them in
 * `stop` before mu_stopped. Not for timers, processes, work or signals. */
struct uv_loop_s *mu_loop_uv(struct mu_instance *self);
/* For asserting. */
bool mu_on_loop(const struct mu_instance *self);

#ifdef __cplusplus
}
#endif
#endif
