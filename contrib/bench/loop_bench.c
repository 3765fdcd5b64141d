/* loop_bench: how long a message takes from one loop to another and back, in microseconds. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "loop.h"

#define ROUNDS 20000

static int64_t took[ROUNDS], began;
static int round_number;
static struct loop *other;
static struct mu_msg there, back;

static void round_trip(void)
{
	began = clock_mono();
	loop_post(other, &there);
}

static void on_there(struct mu_instance *self, struct mu_msg *msg)
{
	(void)self;
	(void)msg;
	loop_post(loop_main(), &back);
}

static void on_back(struct mu_instance *self, struct mu_msg *msg)
{
	(void)self;
	(void)msg;
	took[round_number++] = clock_mono() - began;
	if (round_number == ROUNDS)
		loop_main_quit();
	else
		round_trip();
}

static void begin(void *unused)
{
	(void)unused;
	round_trip();
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(void)
{
	loop_main_init();
	other = loop_find("other");
	there.run = on_there;
	back.run = on_back;
	loop_call(loop_main(), begin, NULL);
	loop_main_run();
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	printf("loop to loop and back: p50 %.1f us, p99 %.1f us, %d rounds\n", (double)took[ROUNDS / 2] / 1e3,
	       (double)took[ROUNDS * 99 / 100] / 1e3, ROUNDS);
	loop_stop_all(MU_SEC);
	loop_main_fini();
	return 0;
}
