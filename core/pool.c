/* pool: see pool.h. One mutex ("pool") and one condition for queue and figures; a task costs two short turns under it,
 * against the file or resolver that it was submitted for. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "log.h"

#define CAP_DEFAULT 64
#define STACK_SIZE (256 * 1024)
#define IDLE_S 10

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct pool_task *first, **last;
	size_t cap, threads, idle, waiting, disowned;
	bool closing;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

void pool_init(size_t cap)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.work, &attr);
	pthread_cond_init(&pool.ended, &attr);
	pthread_condattr_destroy(&attr);
	pool.first = NULL;
	pool.last = &pool.first;
	pool.cap = cap ? cap : CAP_DEFAULT;
	pool.threads = pool.idle = pool.waiting = pool.disowned = 0;
	pool.closing = false;
}

static void pool_until(struct timespec *until, int64_t ns)
{
	clock_gettime(CLOCK_MONOTONIC, until);
	until->tv_sec += (until->tv_nsec + ns) / 1000000000;
	until->tv_nsec = (until->tv_nsec + ns) % 1000000000;
}

/* Under the lock. NULL: this thread may go home. */
static struct pool_task *pool_take(void)
{
	struct timespec until;

	pool_until(&until, IDLE_S * 1000000000LL);
	pool.idle++;
	while (!pool.first && !pool.closing)
		if (pthread_cond_timedwait(&pool.work, &pool.lock, &until) == ETIMEDOUT)
			break;
	pool.idle--;
	struct pool_task *task = pool.first;
	if (!task)
		return NULL;
	pool.first = task->next;
	if (!pool.first)
		pool.last = &pool.first;
	task->next = NULL;
	pool.waiting--;
	__atomic_store_n(&task->started, clock_mono(), __ATOMIC_RELEASE);
	return task;
}

static void *pool_thread(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&pool.lock);
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

/* Under the lock. Signals stay with the main thread. */
static void pool_grow(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (pthread_create(&thread, &attr, pool_thread, NULL) == 0)
		pool.threads++;
	else if (pool.threads == pool.disowned)
		log_line(MU_LOG_ERROR, "pool", "no worker can be started, and nothing is read: allow this user more "
		         "processes (ulimit -u, TasksMax)");
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void pool_submit(struct pool_task *task)
{
	c_assert(task->run && !task->next);
	pthread_mutex_lock(&pool.lock);
	task->started = 0;
	task->disowned = task->returned = false;
	*pool.last = task;
	pool.last = &task->next;
	pool.waiting++;
	if (pool.waiting > pool.idle && pool.threads - pool.disowned < pool.cap)
		pool_grow();
	pthread_cond_signal(&pool.work);
	pthread_mutex_unlock(&pool.lock);
}

bool pool_withdraw(struct pool_task *task)
{
	bool found = false;

	pthread_mutex_lock(&pool.lock);
	for (struct pool_task **at = &pool.first; *at; at = &(*at)->next) {
		if (*at != task)
			continue;
		*at = task->next;
		if (!*at)
			pool.last = at;
		task->next = NULL;
		pool.waiting--;
		found = true;
		break;
	}
	pthread_mutex_unlock(&pool.lock);
	return found;
}

bool pool_disown(struct pool_task *task)
{
	pthread_mutex_lock(&pool.lock);
	c_assert(!task->disowned);
	bool first = !task->returned;
	if (first) {
		task->disowned = true;
		pool.disowned++;
		if (pool.waiting > pool.idle)
			pool_grow();
	}
	pthread_mutex_unlock(&pool.lock);
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
	pthread_mutex_unlock(&pool.lock);
	return disowned;
}

void pool_stats(struct pool_stats *out)
{
	pthread_mutex_lock(&pool.lock);
	out->threads = pool.threads;
	out->busy = pool.threads - pool.idle;
	out->waiting = pool.waiting;
	out->disowned = pool.disowned;
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
