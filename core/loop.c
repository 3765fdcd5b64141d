/* loop: see loop.h. The inbox is a stack that senders push with one compare-and-swap and the loop takes whole, so
 * posting neither locks nor fails; the loop turns it round, which keeps each sender's order. */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "instance.h"
#include "log.h"

#define LOOPS_MAX  32
#define STACK_SIZE (512 * 1024)
#define SLOW_NS    (20 * MU_MS)

struct loop {
	char name[32];
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t alarm;
	pthread_t thread;
	struct mu_msg *inbox; /* atomic: newest first */
	struct heap timers;
	int64_t now;
	uint64_t uv_now;             /* libuv's time when `now` was taken */
	int64_t armed;               /* what the alarm is set to; 0 = not */
	struct mu_instance *charged; /* held: the one on whose behalf the core's message at hand runs */
	struct loop_stats stats;
};

static struct loop *loops[LOOPS_MAX];
static size_t loop_count; /* atomic; grows on main only */
static __thread struct loop *current;

static void loop_arm(struct loop *loop);

int64_t loop_now(struct loop *loop)
{
	uint64_t seen = uv_now(&loop->uv);
	if (clock_held() || seen != loop->uv_now || loop->now == 0) {
		loop->uv_now = seen;
		loop->now = clock_mono();
	}
	return loop->now;
}

/* Written by the loop's own thread alone, read by others. */
static void stat_add(uint64_t *stat)
{
	__atomic_store_n(stat, *stat + 1, __ATOMIC_RELAXED);
}

/* A callback that keeps a loop longer than 20 ms delays all who live there. */
static void loop_charge(struct loop *loop, struct mu_instance *instance, int64_t began)
{
	int64_t took = clock_mono() - began;

	if (took > loop->stats.slowest_ns)
		__atomic_store_n(&loop->stats.slowest_ns, took, __ATOMIC_RELAXED);
	if (took <= SLOW_NS)
		return;
	stat_add(&loop->stats.slow);
	if (instance)
		__atomic_add_fetch(&instance->slow, 1, __ATOMIC_RELAXED);
}

/* ---- inbox ---- */

void loop_post(struct loop *loop, struct mu_msg *msg)
{
	c_assert(loop && msg && msg->run);
	struct mu_msg *head = __atomic_load_n(&loop->inbox, __ATOMIC_RELAXED);
	do
		msg->next = head;
	while (!__atomic_compare_exchange_n(&loop->inbox, &head, msg, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	if (!head)
		uv_async_send(&loop->wake);
}

static void loop_deliver(struct loop *loop, struct mu_msg *msg)
{
	struct mu_ref *to = msg->to;
	int64_t began = clock_mono();

	stat_add(&loop->stats.messages);
	if (!to) {
		loop->charged = NULL;
		msg->run(NULL, msg);
		loop_charge(loop, loop->charged, began);
		if (loop->charged)
			instance_release(loop->charged);
		loop->charged = NULL;
		return;
	}
	struct mu_instance *instance = to->instance;
	if (instance) {
		instance_hold(instance);
		msg->run(instance, msg);
		loop_charge(loop, instance, began);
		instance_release(instance);
	} else if (msg->drop) {
		msg->drop(msg);
	}
	mu_ref_unref(&to);
}

static size_t loop_drain(struct loop *loop)
{
	struct mu_msg *taken = __atomic_exchange_n(&loop->inbox, NULL, __ATOMIC_ACQUIRE);
	struct mu_msg *ordered = NULL;
	size_t ran = 0;

	while (taken) {
		struct mu_msg *next = taken->next;
		taken->next = ordered;
		ordered = taken;
		taken = next;
	}
	while (ordered) {
		struct mu_msg *next = ordered->next;
		ordered->next = NULL;
		loop_deliver(loop, ordered);
		ordered = next;
		ran++;
	}
	return ran;
}

struct loop_call_msg {
	struct mu_msg msg;
	void (*fn)(void *data);
	void *data;
	struct mu_instance *instance; /* held; NULL = the core's */
};

static void loop_call_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct loop_call_msg *call = container_of(msg, struct loop_call_msg, msg);
	(void)self;
	current->charged = call->instance; /* with its hold */
	call->fn(call->data);
	free(call);
}

void loop_call(struct loop *loop, void (*fn)(void *data), void *data)
{
	struct loop_call_msg *call = mem_alloc(sizeof(*call));
	call->msg.run = loop_call_run;
	call->fn = fn;
	call->data = data;
	loop_post(loop, &call->msg);
}

void loop_call_for(struct mu_instance *instance, void (*fn)(void *data), void *data)
{
	struct loop_call_msg *call = mem_alloc(sizeof(*call));

	instance_hold(instance);
	call->msg.run = loop_call_run;
	call->fn = fn;
	call->data = data;
	call->instance = instance;
	loop_post(instance->loop, &call->msg);
}

/* ---- timers ---- */

static size_t loop_fire(struct loop *loop)
{
	int64_t now = loop_now(loop);
	size_t ran = 0;
	/* Only what was armed before this turn: one that arms itself at once waits for the next. */
	uint64_t until = loop->timers.next_order;

	for (struct heap_node *top; (top = heap_top(&loop->timers)) && top->key <= now && top->order < until;
	     ran++) {
		struct loop_timer *timer = container_of(top, struct loop_timer, node);
		int64_t began = clock_mono();
		struct mu_instance *instance = timer->instance; /* the timer may be gone afterwards */
		if (instance)
			instance_hold(instance);
		heap_remove(&loop->timers, top);
		stat_add(&loop->stats.timers);
		timer->fired(timer);
		loop_charge(loop, instance, began);
		if (instance)
			instance_release(instance);
	}
	return ran;
}

static void loop_on_alarm(uv_timer_t *alarm)
{
	struct loop *loop = alarm->data;
	loop->armed = 0;
	stat_add(&loop->stats.turns);
	loop_fire(loop);
	loop_arm(loop);
}

static void loop_on_wake(uv_async_t *wake)
{
	struct loop *loop = wake->data;
	stat_add(&loop->stats.turns);
	loop_drain(loop);
	loop_fire(loop);
	loop_arm(loop);
}

static void loop_arm(struct loop *loop)
{
	struct heap_node *top = heap_top(&loop->timers);

	if (!top || clock_held()) {
		if (loop->armed)
			uv_timer_stop(&loop->alarm);
		loop->armed = 0;
		return;
	}
	if (loop->armed == top->key)
		return;
	int64_t wait = top->key - clock_mono();
	uv_update_time(&loop->uv);
	uv_timer_start(&loop->alarm, loop_on_alarm, wait <= 0 ? 0 : (uint64_t)((wait + MU_MS - 1) / MU_MS),
		       0);
	loop->armed = top->key;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_ns,
		      void (*fired)(struct loop_timer *timer))
{
	c_assert(loop_is_current(loop) && fired);
	int64_t due = loop_now(loop) + (after_ns > 0 ? after_ns : 0);

	timer->loop = loop;
	timer->fired = fired;
	if (heap_has(&timer->node))
		heap_move(&loop->timers, &timer->node, due);
	else
		heap_add(&loop->timers, &timer->node, due);
	loop_arm(loop);
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (!heap_has(&timer->node))
		return;
	c_assert(loop_is_current(timer->loop));
	heap_remove(&timer->loop->timers, &timer->node);
	loop_arm(timer->loop);
}

/* ---- life ---- */

/* NULL: there is no descriptor left for it. */
static struct loop *loop_new(const char *name)
{
	struct loop *loop = mem_alloc(sizeof(*loop));

	text_copy(loop->name, sizeof(loop->name), name);
	if (uv_loop_init(&loop->uv) < 0) {
		free(loop);
		return NULL;
	}
	if (uv_async_init(&loop->uv, &loop->wake, loop_on_wake) < 0) {
		uv_loop_close(&loop->uv);
		free(loop);
		return NULL;
	}
	c_assert(uv_timer_init(&loop->uv, &loop->alarm) == 0);
	loop->wake.data = loop->alarm.data = loop;
	loops[loop_count] = loop;
	__atomic_store_n(&loop_count, loop_count + 1, __ATOMIC_RELEASE);
	return loop;
}

struct loop *loop_main_init(void)
{
	c_assert(loop_count == 0);
	current = loop_new("main");
	c_assert(current); /* the daemon has looked at its limits */
	return current;
}

struct loop *loop_main(void)
{
	return loops[0];
}

static void *loop_thread(void *data)
{
	struct loop *loop = data;
	current = loop;
	pthread_setname_np(pthread_self(), loop->name);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	return NULL;
}

static int loop_run(struct loop *loop)
{
	pthread_attr_t attr;
	sigset_t signals, before;

	c_assert(loop && loop != loop_main());
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&signals);
	pthread_sigmask(SIG_SETMASK, &signals, &before); /* they are the main thread's */
	int r = pthread_create(&loop->thread, &attr, loop_thread, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

/* After its thread has ended: what still waits is dropped, and all is freed. */
static void loop_free(struct loop *loop)
{
	struct loop *was = current;

	current = loop;
	while (loop_drain(loop) > 0)
		;
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->alarm, NULL);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	uv_loop_close(&loop->uv);
	heap_fini(&loop->timers);
	current = was;
	free(loop);
}

struct loop *loop_find(const char *name)
{
	c_assert(loop_is_current(loop_main()));
	if (!name)
		return loop_main();
	for (size_t i = 0; i < loop_count; i++)
		if (strcmp(loops[i]->name, name) == 0)
			return loops[i];
	if (loop_count == LOOPS_MAX)
		return loop_main();

	struct loop *loop = loop_new(name);
	if (loop && loop_run(loop) == 0)
		return loop;
	log_line(MU_LOG_WARNING, "loop",
		 "no thread could be started for the loop \"%s\": its plugins live on the main "
		 "loop; are there too many threads or open files?",
		 name);
	if (loop) {
		__atomic_store_n(&loop_count, loop_count - 1, __ATOMIC_RELEASE);
		loop_free(loop);
	}
	return loop_main();
}

void loop_main_run(void)
{
	uv_run(&loop_main()->uv, UV_RUN_DEFAULT);
}

void loop_main_quit(void)
{
	uv_stop(&loop_main()->uv);
}

static void loop_end(struct mu_instance *self, struct mu_msg *msg)
{
	struct loop *loop = current;
	(void)self;
	free(msg);
	uv_stop(&loop->uv);
}

int loop_stop_all(int64_t wait_ns)
{
	int64_t began = clock_mono();
	int disowned = 0;

	for (size_t i = 1; i < loop_count; i++) {
		struct mu_msg *end = mem_alloc(sizeof(*end));
		end->run = loop_end;
		loop_post(loops[i], end);
	}
	for (size_t i = 1; i < loop_count; i++) {
		int64_t left = wait_ns - (clock_mono() - began);
		disowned += !thread_join(loops[i]->thread, left > 0 ? left : 0);
	}
	if (disowned)
		return disowned;
	while (loop_count > 1) {
		__atomic_store_n(&loop_count, loop_count - 1, __ATOMIC_RELEASE);
		loop_free(loops[loop_count]);
	}
	return 0;
}

void loop_main_fini(void)
{
	c_assert(loop_count == 1);
	loop_free(loops[0]);
	loop_count = 0;
	loops[0] = NULL;
	current = NULL;
}

/* ---- questions ---- */

const char *loop_name(const struct loop *loop)
{
	return loop->name;
}
uv_loop_t *loop_uv(struct loop *loop)
{
	return &loop->uv;
}
bool loop_is_current(const struct loop *loop)
{
	return loop == current;
}
struct loop *loop_current(void)
{
	return current;
}

size_t loop_turn(struct loop *loop)
{
	struct loop *was = current;
	current = loop;
	size_t ran = loop_drain(loop) + loop_fire(loop);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	current = was;
	return ran;
}

void loop_kick_all(void)
{
	size_t count = __atomic_load_n(&loop_count, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < count; i++)
		uv_async_send(&loops[i]->wake);
}

/* Read without a lock from another thread: figures for people, each right by itself. */
void loop_stats(const struct loop *loop, struct loop_stats *out)
{
	out->turns = __atomic_load_n(&loop->stats.turns, __ATOMIC_RELAXED);
	out->messages = __atomic_load_n(&loop->stats.messages, __ATOMIC_RELAXED);
	out->timers = __atomic_load_n(&loop->stats.timers, __ATOMIC_RELAXED);
	out->slow = __atomic_load_n(&loop->stats.slow, __ATOMIC_RELAXED);
	out->slowest_ns = __atomic_load_n(&loop->stats.slowest_ns, __ATOMIC_RELAXED);
}

void loop_each(void (*fn)(struct loop *loop, void *data), void *data)
{
	for (size_t i = 0; i < loop_count; i++)
		fn(loops[i], data);
}
