/* pool: see pool.h. One mutex ("pool") and one condition for queues and figures; a task costs two short turns under it,
 * against the file or resolver that it was submitted for. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "event.h"

#define CAP_DEFAULT 64
#define STACK_SIZE  (256 * 1024)
#define IDLE_S      60 /* well over an Interval, so that readers do not come and go with each tick */

struct lane {
	struct pool_task *first, **last;
	size_t waiting, running, most; /* running: those that are waited for */
};

enum shortage { ENOUGH, FEWER, NONE }; /* of threads, when one cannot be started */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct lane lanes[POOL_LANES];
	size_t cap, threads, idle, disowned;
	uint64_t unborn;        /* threads that could not be started */
	enum shortage shortage; /* what was told */
	bool closing;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Work leaves a quarter of the threads to reads: however much there is of it, a read finds one. */
static size_t work_most(size_t cap)
{
	size_t kept = cap / 4 ? cap / 4 : 1;

	return cap > kept ? cap - kept : 1;
}

void pool_init(size_t cap)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.work, &attr);
	pthread_cond_init(&pool.ended, &attr);
	pthread_condattr_destroy(&attr);
	pool.cap = cap ? cap : CAP_DEFAULT;
	memset(pool.lanes, 0, sizeof(pool.lanes));
	for (size_t i = 0; i < POOL_LANES; i++)
		pool.lanes[i].last = &pool.lanes[i].first;
	pool.lanes[POOL_READ].most =
		SIZE_MAX; /* of reads one an instance is under way: threads are their bound */
	pool.lanes[POOL_WORK].most = work_most(pool.cap);
	pool.threads = pool.idle = pool.disowned = 0;
	pool.unborn = 0;
	pool.shortage = ENOUGH;
	pool.closing = false;
}

static void pool_until(struct timespec *until, int64_t ns)
{
	clock_gettime(CLOCK_MONOTONIC, until);
	until->tv_sec += (until->tv_nsec + ns) / 1000000000;
	until->tv_nsec = (until->tv_nsec + ns) % 1000000000;
}

/* ---- queues; under the lock ---- */

static struct lane *lane_of(const struct pool_task *task)
{
	c_assert(task->lane < POOL_LANES);
	return &pool.lanes[task->lane];
}

static void lane_remove(struct lane *lane, struct pool_task **at)
{
	struct pool_task *task = *at;

	c_assert(lane->waiting > 0);
	*at = task->next;
	if (!*at)
		lane->last = at;
	task->next = NULL;
	lane->waiting--;
}

/* Whose first may begin, reads before work. */
static struct lane *lane_due(void)
{
	for (size_t i = 0; i < POOL_LANES; i++)
		if (pool.lanes[i].first && pool.lanes[i].running < pool.lanes[i].most)
			return &pool.lanes[i];
	return NULL;
}

/* How many of those that wait could begin now, were there threads. */
static size_t tasks_due(void)
{
	size_t due = 0;

	for (size_t i = 0; i < POOL_LANES; i++) {
		const struct lane *lane = &pool.lanes[i];
		size_t room = lane->most > lane->running ? lane->most - lane->running : 0;
		due += lane->waiting < room ? lane->waiting : room;
	}
	return due;
}

/* ---- threads ---- */

/* Under the lock. NULL: this thread may go home. */
static struct pool_task *pool_take(void)
{
	struct timespec until;
	struct lane *lane;

	pool_until(&until, IDLE_S * 1000000000LL);
	pool.idle++;
	while (!(lane = lane_due()) && !pool.closing)
		if (pthread_cond_timedwait(&pool.work, &pool.lock, &until) == ETIMEDOUT) {
			lane = lane_due();
			break;
		}
	pool.idle--;
	if (!lane)
		return NULL;
	struct pool_task *task = lane->first;
	lane_remove(lane, &lane->first);
	lane->running++;
	__atomic_store_n(&task->started, clock_mono(), __ATOMIC_RELEASE);
	return task;
}

static void *pool_thread(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&pool.lock);
	c_assert(pool.idle > 0);
	pool.idle--; /* it was born idle */
	for (struct pool_task *task; (task = pool_take());) {
		pthread_mutex_unlock(&pool.lock);
		task->run(task); /* may free it */
		pthread_mutex_lock(&pool.lock);
	}
	pool.threads--;
	pthread_cond_signal(&pool.ended);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* Signals stay with the main thread. */
static int thread_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	int r = -pthread_create(&thread, &attr, pool_thread, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* Under the lock: a thread for each task that could begin, one at a time. Returns the shortage that is to be told. */
static enum shortage pool_serve(void)
{
	size_t due = tasks_due();

	if (due > 0)
		pthread_cond_signal(&pool.work);
	if (due <= pool.idle || pool.threads - pool.disowned >= pool.cap)
		return ENOUGH;
	if (thread_start() == 0) {
		pool.threads++;
		pool.idle++;
		pool.shortage = ENOUGH;
		return ENOUGH;
	}
	pool.unborn++;
	enum shortage shortage = pool.threads == pool.disowned ? NONE : FEWER;
	if (shortage <= pool.shortage)
		return ENOUGH;
	pool.shortage = shortage;
	return shortage;
}

static void tell_shortage(enum shortage shortage)
{
	if (shortage == NONE)
		event_core(MU_FAILURE,
			   "no worker can be started, and nothing is read: allow this user more processes "
			   "(ulimit -u, TasksMax)");
	else if (shortage == FEWER)
		event_core(MU_WARNING,
			   "no more workers can be started: reads and work wait for those there are; allow "
			   "this user more processes (ulimit -u, TasksMax)");
}

/* ---- tasks ---- */

void pool_submit(struct pool_task *task)
{
	c_assert(task->run && !task->next);
	pthread_mutex_lock(&pool.lock);
	struct lane *lane = lane_of(task);
	task->started = 0;
	task->disowned = task->returned = false;
	*lane->last = task;
	lane->last = &task->next;
	lane->waiting++;
	enum shortage shortage = pool_serve();
	pthread_mutex_unlock(&pool.lock);
	tell_shortage(shortage);
}

bool pool_withdraw(struct pool_task *task)
{
	bool found = false;

	pthread_mutex_lock(&pool.lock);
	struct lane *lane = lane_of(task);
	for (struct pool_task **at = &lane->first; *at; at = &(*at)->next) {
		if (*at != task)
			continue;
		lane_remove(lane, at);
		found = true;
		break;
	}
	pthread_mutex_unlock(&pool.lock);
	return found;
}

bool pool_disown(struct pool_task *task)
{
	enum shortage shortage = ENOUGH;

	pthread_mutex_lock(&pool.lock);
	c_assert(!task->disowned);
	bool first = !task->returned;
	if (first) {
		task->disowned = true;
		pool.disowned++;
		lane_of(task)->running--;
		shortage = pool_serve();
	}
	pthread_mutex_unlock(&pool.lock);
	tell_shortage(shortage);
	return first;
}

bool pool_returned(struct pool_task *task)
{
	pthread_mutex_lock(&pool.lock);
	c_assert(!task->returned);
	task->returned = true;
	bool disowned = task->disowned;
	if (disowned)
		pool.disowned--;
	else
		lane_of(task)->running--; /* what waits for this room is taken by this thread, in a moment */
	pthread_mutex_unlock(&pool.lock);
	return disowned;
}

void pool_stats(struct pool_stats *out)
{
	pthread_mutex_lock(&pool.lock);
	*out = (struct pool_stats){
		.threads = pool.threads,
		.busy = pool.threads - pool.idle,
		.disowned = pool.disowned,
		.work_waiting = pool.lanes[POOL_WORK].waiting,
		.unborn = pool.unborn,
	};
	for (size_t i = 0; i < POOL_LANES; i++)
		out->waiting += pool.lanes[i].waiting;
	pthread_mutex_unlock(&pool.lock);
}

int pool_fini(int64_t wait_ns)
{
	struct timespec until;

	pool_until(&until, wait_ns);
	pthread_mutex_lock(&pool.lock);
	pool.closing = true;
	pthread_cond_broadcast(&pool.work);
	while (pool.threads > 0)
		if (pthread_cond_timedwait(&pool.ended, &pool.lock, &until) == ETIMEDOUT)
			break;
	int left = (int)pool.threads;
	pthread_mutex_unlock(&pool.lock);
	return left;
}
