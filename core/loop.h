/* loop: one libuv loop with an inbox and one heap of timers.
 *
 * The main loop runs on the process's first thread; every other one on a thread of its own. Nothing but posting
 * is done to a loop from outside. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <muster/base.h>
#include <muster/loop.h>
#include <uv.h>

#include "base/heap.h"
#include "base/list.h"

struct loop;

struct loop_timer { /* the core's own; embed, zeroed */
	struct heap_node node;
	struct loop *loop;
	void (*fired)(struct loop_timer *timer);
	struct mu_instance *instance; /* whose time it is: charged when it is slow; NULL = the core's */
};

/* Main first; at most 32 loops. loop_find makes it if there is none of that name. */
struct loop *loop_main_init(void);
struct loop *loop_main(void);
struct loop *loop_find(const char *name);
const char *loop_name(const struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);
/* Runs main until loop_main_quit. */
void loop_main_run(void);
void loop_main_quit(void);
/* Ends every loop but main and joins the threads; those that do not end within `wait` are disowned: returns how many. */
int loop_stop_all(int64_t wait_ns);
void loop_main_fini(void);

/* Any thread. `msg->to` NULL: the core's own, run(NULL, msg). FIFO per sender. Never runs at once. */
void loop_post(struct loop *loop, struct mu_msg *msg);
/* A message of the core's that carries nothing: allocated here. */
void loop_call(struct loop *loop, void (*fn)(void *data), void *data);
/* The same on behalf of an instance, which it holds until then and whose time it is. */
void loop_call_for(struct mu_instance *instance, void (*fn)(void *data), void *data);
bool loop_is_current(const struct loop *loop);
struct loop *loop_current(void); /* NULL on a worker thread */

/* Loop's thread. */
int64_t loop_now(struct loop *loop); /* monotonic; stands still within a callback */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_ns,
                      void (*fired)(struct loop_timer *timer));
void loop_timer_stop(struct loop_timer *timer);

/* Tests: one turn without waiting: due timers and what is in the inbox. Returns what it ran. */
size_t loop_turn(struct loop *loop);
/* After clock_advance: every loop looks at its timers again. Any thread. */
void loop_kick_all(void);

/* Loops measure themselves: a callback over 20 ms is counted, and charged to its instance. */
struct loop_stats {
	uint64_t turns, messages, timers, slow;
	int64_t slowest_ns;
};
void loop_stats(const struct loop *loop, struct loop_stats *out);
void loop_each(void (*fn)(struct loop *loop, void *data), void *data); /* main loop */

/* ---- addresses of instances (loop_ref.c) ---- */
struct mu_ref {
	uint32_t count; /* atomic */
	struct loop *loop;
	struct mu_instance *instance; /* loop's thread only; NULL once it has ended */
};
struct mu_ref *ref_new(struct loop *loop, struct mu_instance *instance);
void ref_end(struct mu_ref *ref); /* loop's thread: from here on messages are dropped */

/* ---- timers of instances (loop_timer.c): cancelled when it ends; loop's thread ---- */
void timer_cancel_all(struct mu_instance *instance);

#endif
