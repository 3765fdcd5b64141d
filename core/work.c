/* work: what an instance gives to a worker thread, and hears back from on its loop.
 *
 * The worker that returns and the deadline meet in the pool, which says who was first. A disowned item has two holders,
 * loop and worker, and goes with the last of them. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "instance.h"
#include "loop.h"
#include "pool.h"

struct mu_work_core {
	struct pool_task task;
	struct mu_msg msg;
	struct list node; /* in instance->works */
	struct loop_timer deadline;
	struct mu_work *owner;
	struct mu_instance *instance; /* held */
	struct config *config;
	uint32_t holders; /* atomic */
	int status;
	bool counted; /* in instance->working */
};

static void work_drop(struct mu_work_core *work, bool disowned)
{
	struct mu_instance *instance = work->instance;

	if (__atomic_sub_fetch(&work->holders, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (disowned)
		work->owner->free(work->owner);
	config_unref(&work->config);
	free(work);
	instance_release(instance);
}

/* On the loop: the plugin hears of it, and an instance that waits for its last work may end. */
static void work_tell(struct mu_work_core *work, int status)
{
	struct mu_work *owner = work->owner;
	struct mu_instance *instance = work->instance;

	c_assert(loop_is_current(instance->loop));
	loop_timer_stop(&work->deadline);
	list_remove(&work->node);
	if (work->counted)
		__atomic_sub_fetch(instance->working, 1, __ATOMIC_RELAXED);
	work->counted = false;
	owner->done(instance, owner, status);
	instance_loop_settle(instance);
}

static void work_on_finished(struct mu_instance *self, struct mu_msg *msg)
{
	struct mu_work_core *work = container_of(msg, struct mu_work_core, msg);

	(void)self;
	work->owner->core = NULL;
	work_tell(work, work->status);
	work_drop(work, false);
}

static void work_run(struct pool_task *task)
{
	struct mu_work_core *work = container_of(task, struct mu_work_core, task);

	instance_thread_config(work->instance, work->config);
	work->owner->run(work->owner);
	instance_thread_config(NULL, NULL);
	if (!pool_returned(task)) {
		loop_post(work->instance->loop, &work->msg);
		return;
	}
	__atomic_sub_fetch(work->instance->hung, 1, __ATOMIC_RELAXED);
	work_drop(work, true);
}

static void work_overdue(struct loop_timer *timer)
{
	struct mu_work_core *work = container_of(timer, struct mu_work_core, deadline);
	struct mu_instance *instance = work->instance;

	if (pool_withdraw(
		    &work->task)) { /* no worker had time for it; its owner cannot know, and waits for `free` */
		work_tell(work, -ETIMEDOUT);
		work_drop(work, true);
		return;
	}
	__atomic_add_fetch(&work->holders, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(instance->hung, 1, __ATOMIC_RELAXED);
	if (!pool_disown(&work->task)) { /* it has just returned: its message is on the way */
		__atomic_sub_fetch(instance->hung, 1, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&work->holders, 1, __ATOMIC_RELAXED);
		return;
	}
	mu_event(instance, MU_WARNING, "work of %s has not returned in time and is no longer waited for",
		 instance->name);
	work_tell(work, -ETIMEDOUT);
	work_drop(work, true);
}

/* 0, or why it does not begin. */
static int work_admit(struct mu_instance *self, struct mu_work_core *work)
{
	if (self->stop_said)
		return -ECANCELED;
	bool full = __atomic_add_fetch(self->working, 1, __ATOMIC_RELAXED) > INSTANCE_WORK_MAX;
	if (!full && __atomic_load_n(self->hung, __ATOMIC_RELAXED) < INSTANCE_HUNG_MAX) {
		work->counted = true;
		return 0;
	}
	__atomic_sub_fetch(self->working, 1, __ATOMIC_RELAXED);
	if (__atomic_fetch_add(&self->work_refused, 1, __ATOMIC_RELAXED) == 0)
		mu_event(self, MU_WARNING,
			 full ? "%s has %d work items under way, and more are refused"
			      : "%s has %d work items that hang, and more are refused",
			 self->name, full ? INSTANCE_WORK_MAX : INSTANCE_HUNG_MAX);
	return -EBUSY;
}

void mu_work_start(struct mu_instance *self, struct mu_work *owner)
{
	c_assert(mu_on_loop(self) && owner->run && owner->done && !owner->core);
	c_assert(!owner->deadline || owner->free);
	struct mu_work_core *work = mem_alloc(sizeof(*work));

	owner->core = work;
	work->holders = 1;
	work->owner = owner;
	work->instance = self;
	work->config = config_ref(self->config);
	work->task.run = work_run;
	work->task.lane = POOL_WORK;
	work->msg.run = work_on_finished;
	instance_hold(self);
	list_add(&self->works, &work->node);
	work->status = work_admit(self, work);
	if (work->status < 0) {
		loop_post(self->loop, &work->msg);
		return;
	}
	if (owner->deadline)
		loop_timer_start(self->loop, &work->deadline, owner->deadline, work_overdue);
	pool_submit(&work->task);
}

const void *mu_work_config(const struct mu_work *work)
{
	return work->core->config->data;
}

void work_cancel_all(struct mu_instance *instance)
{
	list_each_safe (node, &instance->works) {
		struct mu_work_core *work = list_entry(node, struct mu_work_core, node);
		if (!pool_withdraw(&work->task))
			continue;
		work->status = -ECANCELED;
		loop_timer_stop(&work->deadline);
		loop_post(instance->loop, &work->msg);
	}
}
