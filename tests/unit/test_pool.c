/* pool: grows while all are busy, withdraws what has not begun, replaces threads that are disowned, lets reads go before
 * work, and lives with fewer threads than it wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <muster/event.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/check.h"
#include "fake_core.h"
#include "pool.h"

#define CAP 4

/* In front of the library's: no more threads than these. */
static int births = INT_MAX; /* atomic */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *data)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return __atomic_fetch_sub(&births, 1, __ATOMIC_RELAXED) > 0 ? real(thread, attr, run, data) : EAGAIN;
}

struct job {
	struct pool_task task;
	sem_t begun, go, over;
	bool disowned;
};

static void job_run(struct pool_task *task)
{
	struct job *job = container_of(task, struct job, task);

	sem_post(&job->begun);
	sem_wait(&job->go);
	job->disowned = pool_returned(task);
	sem_post(&job->over);
}

static void job_init(struct job *job)
{
	*job = (struct job){ .task.run = job_run };
	sem_init(&job->begun, 0, 0);
	sem_init(&job->go, 0, 0);
	sem_init(&job->over, 0, 0);
}

static struct job *job_submit(struct job *job, enum pool_lane lane)
{
	job_init(job);
	job->task.lane = lane;
	pool_submit(&job->task);
	return job;
}

static void job_end(struct job *job)
{
	sem_post(&job->go);
	sem_wait(&job->over);
}

static int setup(void **state)
{
	(void)state;
	births = INT_MAX;
	fake_event.count = 0;
	pool_init(CAP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(pool_fini(5LL * 1000000000), 0);
	return 0;
}

static void test_grows_to_its_cap_and_no_further(void **state)
{
	struct job jobs[CAP + 2];
	struct pool_stats stats;

	(void)state;
	for (int i = 0; i < CAP + 2; i++) {
		job_init(&jobs[i]);
		pool_submit(&jobs[i].task);
	}
	for (int i = 0; i < CAP; i++)
		sem_wait(&jobs[i].begun);
	pool_stats(&stats);
	assert_int_equal(stats.threads, CAP);
	assert_int_equal(stats.waiting, 2);
	assert_true(pool_withdraw(&jobs[CAP + 1].task));
	assert_false(pool_withdraw(&jobs[CAP + 1].task));
	assert_false(pool_withdraw(&jobs[0].task));
	for (int i = 0; i < CAP + 1; i++)
		sem_post(&jobs[i].go);
	for (int i = 0; i < CAP + 1; i++)
		sem_wait(&jobs[i].over);
	assert_false(jobs[0].disowned);
}

static void test_a_disowned_thread_is_replaced(void **state)
{
	struct job hung[CAP], other;
	struct pool_stats stats;

	(void)state;
	for (int i = 0; i < CAP; i++) {
		job_init(&hung[i]);
		pool_submit(&hung[i].task);
		sem_wait(&hung[i].begun);
	}
	job_init(&other);
	pool_submit(&other.task);
	pool_stats(&stats);
	assert_int_equal(stats.waiting, 1);
	assert_true(pool_disown(&hung[0].task));
	sem_wait(&other.begun); /* a new thread took it */
	pool_stats(&stats);
	assert_int_equal(stats.disowned, 1);
	sem_post(&other.go);
	for (int i = 0; i < CAP; i++)
		sem_post(&hung[i].go);
	sem_wait(&other.over);
	for (int i = 0; i < CAP; i++)
		sem_wait(&hung[i].over);
	assert_true(hung[0].disowned);
	assert_false(hung[1].disowned);
	assert_false(pool_disown(&hung[1].task));
	pool_stats(&stats);
	assert_int_equal(stats.disowned, 0);
}

static void test_what_waits_is_run_before_the_end(void **state)
{
	struct job jobs[2 * CAP];

	(void)state;
	for (int i = 0; i < 2 * CAP; i++) {
		job_init(&jobs[i]);
		sem_post(&jobs[i].go);
		pool_submit(&jobs[i].task);
	}
	assert_int_equal(pool_fini(5LL * 1000000000), 0);
	for (int i = 0; i < 2 * CAP; i++)
		assert_int_equal(sem_trywait(&jobs[i].over), 0);
}

/* Of CAP threads one is kept for reads: a thousand items of work that wait do not reach it. */
static void test_a_full_queue_of_work_leaves_reads_their_threads(void **state)
{
	enum { MANY = 1000 };
	static struct job work[MANY];
	struct job reads[2];
	struct pool_stats stats;

	(void)state;
	for (int i = 0; i < MANY; i++)
		job_submit(&work[i], POOL_WORK);
	for (int i = 0; i < CAP - 1; i++)
		sem_wait(&work[i].begun);
	pool_stats(&stats);
	assert_int_equal(stats.threads, CAP - 1);
	assert_int_equal(stats.waiting, MANY - (CAP - 1));
	assert_int_equal(stats.work_waiting, MANY - (CAP - 1));
	for (int i = 0; i < 2; i++) { /* one after the other, on the thread that is kept */
		sem_wait(&job_submit(&reads[i], POOL_READ)->begun);
		job_end(&reads[i]);
	}
	assert_int_equal(sem_trywait(&work[CAP - 1].begun), -1);
	for (int i = 0; i < MANY; i++)
		sem_post(&work[i].go);
	for (int i = 0; i < MANY; i++)
		sem_wait(&work[i].over);
	pool_stats(&stats);
	assert_int_equal(stats.waiting, 0);
}

static void test_reads_go_before_the_work_that_came_first(void **state)
{
	struct job busy[CAP], work, read;

	(void)state;
	for (int i = 0; i < CAP; i++)
		sem_wait(&job_submit(&busy[i], POOL_READ)->begun);
	job_submit(&work, POOL_WORK);
	job_submit(&read, POOL_READ);
	job_end(&busy[0]);
	sem_wait(&read.begun);
	assert_int_equal(sem_trywait(&work.begun), -1);
	job_end(&read);
	sem_wait(&work.begun);
	job_end(&work);
	for (int i = 1; i < CAP; i++)
		job_end(&busy[i]);
}

static void test_work_that_hangs_makes_room_for_the_next(void **state)
{
	struct job work[CAP];

	(void)state;
	for (int i = 0; i < CAP; i++)
		job_submit(&work[i], POOL_WORK);
	for (int i = 0; i < CAP - 1; i++)
		sem_wait(&work[i].begun);
	assert_true(pool_disown(&work[0].task));
	sem_wait(&work[CAP - 1].begun);
	for (int i = CAP; i-- > 0;)
		job_end(&work[i]);
}

static void test_without_new_threads_the_old_ones_do_it_all(void **state)
{
	struct job jobs[CAP];
	struct pool_stats stats;

	(void)state;
	births = 1;
	for (int i = 0; i < CAP; i++)
		job_submit(&jobs[i], POOL_READ);
	sem_wait(&jobs[0].begun);
	pool_stats(&stats);
	assert_int_equal(stats.threads, 1);
	assert_int_equal(stats.waiting, CAP - 1);
	assert_int_equal(stats.unborn, CAP - 1);
	assert_int_equal(fake_event.count, 1); /* told once */
	assert_int_equal(fake_event.level, MU_WARNING);
	for (int i = 0; i < CAP; i++)
		job_end(&jobs[i]);
}

static void test_with_no_thread_at_all_it_is_a_failure(void **state)
{
	struct job jobs[3];
	struct pool_stats stats;

	(void)state;
	births = 0;
	for (int i = 0; i < 2; i++)
		job_submit(&jobs[i], POOL_READ);
	assert_int_equal(fake_event.count, 1);
	assert_int_equal(fake_event.level, MU_FAILURE);
	births = INT_MAX;
	job_submit(&jobs[2], POOL_READ);
	for (int i = 0; i < 3; i++)
		job_end(&jobs[i]);
	pool_stats(&stats);
	assert_int_equal(stats.unborn, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_grows_to_its_cap_and_no_further, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_disowned_thread_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_queue_of_work_leaves_reads_their_threads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_reads_go_before_the_work_that_came_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_work_that_hangs_makes_room_for_the_next, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_without_new_threads_the_old_ones_do_it_all, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_with_no_thread_at_all_it_is_a_failure, setup, teardown),
		cmocka_unit_test_setup(test_what_waits_is_run_before_the_end, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
