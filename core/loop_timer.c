/* loop_timer: a plugin's timers. The plugin embeds one pointer; what stands behind it is the core's and lives while
 * the timer is armed, so that the ABI need not know our heap, and an ended instance leaves none behind. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "instance.h"
#include "loop.h"

struct mu_timer_core {
	struct loop_timer timer;
	struct list node; /* in instance->timers */
	struct mu_instance *self;
	struct mu_timer *owner;
	void (*fired)(struct mu_instance *self, struct mu_timer *timer);
};

static void timer_free(struct mu_timer_core *timer)
{
	timer->owner->core = NULL;
	list_remove(&timer->node);
	free(timer);
}

static void timer_fired(struct loop_timer *loop_timer)
{
	struct mu_timer_core *timer = container_of(loop_timer, struct mu_timer_core, timer);
	struct mu_instance *self = timer->self;
	struct mu_timer *owner = timer->owner;
	void (*fired)(struct mu_instance *, struct mu_timer *) = timer->fired;

	timer_free(timer);
	instance_hold(self);
	fired(self, owner);
	instance_release(self);
}

void mu_timer_start(struct mu_instance *self, struct mu_timer *timer, mu_time after,
		    void (*fired)(struct mu_instance *self, struct mu_timer *timer))
{
	c_assert(mu_on_loop(self) && fired);
	if (!self->ref->instance)
		return; /* it has said that it is stopped: nothing of it runs any more */
	if (!timer->core) {
		timer->core = mem_alloc(sizeof(*timer->core));
		timer->core->self = self;
		timer->core->owner = timer;
		timer->core->timer.instance = self;
		list_add(&self->timers, &timer->core->node);
	}
	c_assert(timer->core->self == self);
	timer->core->fired = fired;
	loop_timer_start(self->loop, &timer->core->timer, after, timer_fired);
}

void mu_timer_stop(struct mu_timer *timer)
{
	if (!timer->core)
		return;
	loop_timer_stop(&timer->core->timer);
	timer_free(timer->core);
}

bool mu_timer_armed(const struct mu_timer *timer)
{
	return timer->core != NULL;
}

void timer_cancel_all(struct mu_instance *instance)
{
	c_assert(loop_is_current(instance->loop));
	while (!list_empty(&instance->timers))
		mu_timer_stop(list_entry(instance->timers.next, struct mu_timer_core, node)->owner);
}
