/* loop: inbox, addresses, timers on the clock that the test holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop.h"

struct note {
	struct mu_msg msg;
	int number;
};

static int seen[64], seen_count;

static void note_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct note *note = container_of(msg, struct note, msg);
	(void)self;
	seen[seen_count++] = note->number;
	free(note);
}

static void note_drop(struct mu_msg *msg)
{
	struct note *note = container_of(msg, struct note, msg);
	seen[seen_count++] = -note->number;
	free(note);
}

static struct note *note_new(int number)
{
	struct note *note = mem_alloc(sizeof(*note));
	note->msg.run = note_run;
	note->msg.drop = note_drop;
	note->number = number;
	return note;
}

static int setup(void **state)
{
	(void)state;
	clock_hold(100 * MU_SEC, 1700000000 * MU_SEC);
	loop_main_init();
	seen_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(loop_stop_all(MU_SEC), 0);
	loop_main_fini();
	clock_release();
	return 0;
}

static void test_posts_run_later_and_in_order(void **state)
{
	(void)state;
	for (int i = 1; i <= 5; i++)
		loop_post(loop_main(), &note_new(i)->msg);
	assert_int_equal(seen_count, 0);
	assert_int_equal(loop_turn(loop_main()), 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(seen[i], i + 1);
}

static int inside, nested;

static void post_again(struct mu_instance *self, struct mu_msg *msg);

static void post_one_more(void)
{
	struct note *note = note_new(seen_count + 10);
	note->msg.run = post_again;
	loop_post(loop_main(), &note->msg);
}

static void post_again(struct mu_instance *self, struct mu_msg *msg)
{
	nested += inside;
	inside = 1;
	note_run(self, msg);
	if (seen_count < 3)
		post_one_more();
	inside = 0;
}

static void test_a_post_from_a_callback_never_runs_inside_it(void **state)
{
	(void)state;
	struct note *note = note_new(1);
	note->msg.run = post_again;
	loop_post(loop_main(), &note->msg);
	while (loop_turn(loop_main()) > 0)
		;
	assert_int_equal(seen_count, 3);
	assert_int_equal(nested, 0);
}

static void test_a_message_to_one_that_has_ended_is_dropped(void **state)
{
	(void)state;
	struct mu_ref *ref = ref_new(loop_main(), NULL);
	mu_post(ref, &note_new(7)->msg);
	mu_ref_unref(&ref); /* the message holds the address */
	assert_null(ref);
	loop_turn(loop_main());
	assert_int_equal(seen_count, 1);
	assert_int_equal(seen[0], -7);
}

static struct loop_timer timers[4];

static void timer_seen(struct loop_timer *timer)
{
	seen[seen_count++] = (int)(timer - timers);
}

static void test_timers_fire_when_the_clock_says_so(void **state)
{
	(void)state;
	loop_timer_start(loop_main(), &timers[2], 3 * MU_SEC, timer_seen);
	loop_timer_start(loop_main(), &timers[0], 1 * MU_SEC, timer_seen);
	loop_timer_start(loop_main(), &timers[1], 2 * MU_SEC, timer_seen);
	loop_timer_start(loop_main(), &timers[3], 2 * MU_SEC, timer_seen);
	assert_int_equal(loop_turn(loop_main()), 0);
	clock_advance(MU_SEC - 1);
	assert_int_equal(loop_turn(loop_main()), 0);
	clock_advance(1);
	assert_int_equal(loop_turn(loop_main()), 1);
	loop_timer_stop(&timers[3]);
	clock_advance(10 * MU_SEC);
	loop_turn(loop_main());
	assert_int_equal(seen_count, 3);
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[1], 1);
	assert_int_equal(seen[2], 2);
}

static int rearmed;
static void timer_again(struct loop_timer *timer)
{
	rearmed++;
	loop_timer_start(loop_main(), timer, 0, timer_again);
}

static void test_a_timer_of_zero_does_not_starve_the_loop(void **state)
{
	(void)state;
	rearmed = 0;
	loop_timer_start(loop_main(), &timers[0], 0, timer_again);
	loop_turn(loop_main());
	assert_int_equal(rearmed, 1);
	loop_turn(loop_main());
	assert_int_equal(rearmed, 2);
	loop_timer_stop(&timers[0]);
}

/* ---- from loop to loop, for real ---- */

#define SENDERS 4
#define EACH    20000

static int counts[SENDERS];
static int last[SENDERS];
static int out_of_order;
static uint32_t left; /* atomic */

struct sent {
	struct mu_msg msg;
	int sender, number;
};

static void quit(void *unused)
{
	(void)unused;
	loop_main_quit();
}

static void sent_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct sent *sent = container_of(msg, struct sent, msg);
	(void)self;
	counts[sent->sender]++;
	out_of_order += sent->number != last[sent->sender] + 1;
	last[sent->sender] = sent->number;
	free(sent);
	if (__atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) == 0)
		loop_call(loop_main(), quit, NULL);
}

static struct loop *other;

static void *sender(void *data)
{
	int me = (int)(intptr_t)data;
	for (int i = 1; i <= EACH; i++) {
		struct sent *sent = mem_alloc(sizeof(*sent));
		sent->msg.run = sent_run;
		sent->sender = me;
		sent->number = i;
		loop_post(other, &sent->msg);
	}
	return NULL;
}

static void test_many_senders_lose_nothing_and_keep_their_order(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	clock_release();
	left = SENDERS * EACH;
	other = loop_find("other");
	assert_ptr_not_equal(other, loop_main());
	assert_ptr_equal(other, loop_find("other"));
	for (intptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, (void *)i), 0);
	loop_main_run();
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(counts[i], EACH);
	assert_int_equal(out_of_order, 0);
}

static int fired_late;
static void quit_timer(struct loop_timer *timer)
{
	fired_late = clock_mono() < timer->node.key;
	loop_main_quit();
}

static void test_a_timer_wakes_a_sleeping_loop_and_never_early(void **state)
{
	(void)state;
	clock_release();
	fired_late = -1;
	loop_timer_start(loop_main(), &timers[0], 3 * MU_MS + 300 * MU_US, quit_timer);
	loop_main_run();
	assert_int_equal(fired_late, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_posts_run_later_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_post_from_a_callback_never_runs_inside_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_message_to_one_that_has_ended_is_dropped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_timers_fire_when_the_clock_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_timer_of_zero_does_not_starve_the_loop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_many_senders_lose_nothing_and_keep_their_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_timer_wakes_a_sleeping_loop_and_never_early, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
