/* clock: the two clocks of the process, which a test may hold in its hand.
 *
 * Threads read while a test moves the time, so all that is shared is atomic; the flag is set last and
 * read first, so whoever sees it sees the times that belong to it. */
#include "base/clock.h"
#include "base/check.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic bool held;
static _Atomic int64_t held_mono, held_real;

static int64_t clock_read(clockid_t id)
{
	struct timespec now;
	int r = clock_gettime(id, &now);

	c_assert(r == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_mono(void)
{
	return atomic_load(&held) ? atomic_load(&held_mono) : clock_read(CLOCK_MONOTONIC);
}

int64_t clock_real(void)
{
	return atomic_load(&held) ? atomic_load(&held_real) : clock_read(CLOCK_REALTIME);
}

void clock_hold(int64_t mono, int64_t real)
{
	c_assert(mono >= 0);
	atomic_store(&held_mono, mono);
	atomic_store(&held_real, real);
	atomic_store(&held, true);
}

void clock_advance(int64_t ns)
{
	c_assert(atomic_load(&held));
	c_assert(ns >= 0); /* a monotonic clock does not go back */
	atomic_fetch_add(&held_mono, ns);
	atomic_fetch_add(&held_real, ns);
}

void clock_step_real(int64_t ns)
{
	c_assert(atomic_load(&held));
	atomic_fetch_add(&held_real, ns);
}

bool clock_held(void)
{
	return atomic_load(&held);
}

void clock_release(void)
{
	atomic_store(&held, false);
}
