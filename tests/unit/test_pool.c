/* pool: grows while all are busy, withdraws what has not begun, and replaces threads that are disowned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/check.h"
#include "pool.h"

#define CAP 4

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

static int setup(void **state)
{
	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_grows_to_its_cap_and_no_further, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_disowned_thread_is_replaced, setup, teardown),
		cmocka_unit_test_setup(test_what_waits_is_run_before_the_end, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
