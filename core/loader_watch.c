/* loader_watch: has a plugin's file changed since it was loaded? Asked once a minute by a worker, because a file system may
 * hang; whoever wants to know reads the answer of the last look. */
#include "base/check.h"
#include "base/clock.h"
#include "loader.h"
#include "loop.h"
#include "pool.h"

#define EVERY (60 * MU_SEC)

static struct pool_task task;
static bool under_way; /* atomic */
static int64_t last;   /* main's: monotonic */

static void look(struct pool_task *unused)
{
	const struct descriptor *descriptor;

	(void)unused;
	for (size_t at = 0; loader_next(&at, &descriptor);)
		__atomic_store_n(&((struct descriptor *)(uintptr_t)descriptor)->newer,
				 loader_newer_on_disk(descriptor), __ATOMIC_RELAXED);
	pool_returned(&task);
	__atomic_store_n(&under_way, false, __ATOMIC_RELEASE);
}

void loader_watch(void)
{
	c_assert(loop_is_current(loop_main()));
	int64_t now = clock_mono();

	if ((last && now - last < EVERY) || __atomic_load_n(&under_way, __ATOMIC_ACQUIRE))
		return;
	last = now;
	under_way = true;
	task = (struct pool_task){ .run = look };
	pool_submit(&task);
}

bool loader_seen_newer(const struct descriptor *descriptor)
{
	return __atomic_load_n(&descriptor->newer, __ATOMIC_RELAXED);
}
