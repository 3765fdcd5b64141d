/* call_pending: a call from its caller's side: the handle, hanging up, and the answers that arrive.
 *
 * The handle belongs to the caller until its last `done` has returned or it hangs up. Whoever comes first
 * gives that reference back: the last delivery, its drop, the hang-up, or the core when the caller has
 * ended. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "call_parts.h"
#include "instance.h"

/* ---- the handle ---- */

void pending_unref(struct mu_pending *pending)
{
	if (__atomic_sub_fetch(&pending->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	c_assert(!pending->waiter);
	mu_ref_unref(&pending->home);
	free(pending);
}

static void pending_ref(struct mu_pending *pending)
{
	c_assert(__atomic_add_fetch(&pending->count, 1, __ATOMIC_RELAXED) > 1);
}

void pending_let_go(struct mu_pending *pending)
{
	if (__atomic_exchange_n(&pending->held, false, __ATOMIC_ACQ_REL))
		pending_unref(pending);
}

struct mu_pending *mu_call(struct mu_instance *self, const struct mu_request *request,
			   void (*done)(struct mu_instance *self, const struct mu_result *result, void *data),
			   void *data)
{
	c_assert(self && mu_on_loop(self));
	c_assert(request && done);
	struct mu_pending *pending = mem_alloc(sizeof(*pending));
	struct call_waiter *waiter = mem_alloc(sizeof(*waiter));

	pending->count = 2; /* the caller's and the waiter's */
	pending->self = self;
	pending->home = mu_self_ref(self);
	pending->done = done;
	pending->data = data;
	pending->held = true;
	pending->waiter = waiter;
	waiter->pending = pending;
	waiter->request = call_request_new(self, request);
	waiter->msg.run = call_arrived;
	loop_post(loop_main(), &waiter->msg);
	return pending;
}

void mu_pending_credit(struct mu_pending *pending, uint32_t parts)
{
	c_assert(pending && mu_on_loop(pending->self));
	if (pending->over || parts == 0)
		return;
	struct call_credit *credit = mem_alloc(sizeof(*credit));

	pending_ref(pending);
	credit->pending = pending;
	credit->parts = parts;
	credit->msg.run = call_credited;
	loop_post(loop_main(), &credit->msg);
}

void mu_pending_cancel(struct mu_pending **pending)
{
	c_assert(pending);
	struct mu_pending *hung_up = *pending;
	*pending = NULL;
	/* inside its last `done` there is nothing left to hang up */
	if (!hung_up || hung_up->over)
		return;
	c_assert(mu_on_loop(hung_up->self));
	hung_up->over = true;
	pending_ref(hung_up);
	loop_call(loop_main(), call_hung_up, hung_up);
	pending_let_go(hung_up);
}

/* ---- deliveries ---- */

struct delivery {
	struct mu_msg msg;
	struct mu_pending *pending;
	struct call_answer *answer;
};

static void delivery_free(struct delivery *delivery)
{
	if (!delivery->answer->part)
		pending_let_go(delivery->pending);
	pending_unref(delivery->pending);
	call_answer_unref(&delivery->answer);
	free(delivery);
}

static void delivery_run(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(mu_on_loop(self));
	struct delivery *delivery = container_of(msg, struct delivery, msg);
	struct mu_pending *pending = delivery->pending;
	const struct call_answer *answer = delivery->answer;

	/* the changes that the call made are told first */
	if (!pending->over)
		object_sub_flush(self);
	if (!pending->over) {
		const struct mu_result result = {
			.code = answer->error.code,
			.part = answer->part,
			.json = answer->bytes ? answer->bytes->text : NULL,
			.json_length = answer->bytes ? answer->bytes->length : 0,
			.error = answer->error.code < 0 ? &answer->error : NULL,
		};
		pending->over = !answer->part;
		pending->done(self, &result, pending->data);
	}
	delivery_free(delivery);
}

static void delivery_drop(struct mu_msg *msg)
{
	delivery_free(container_of(msg, struct delivery, msg));
}

void pending_deliver(struct mu_pending *pending, struct call_answer *answer)
{
	c_assert(loop_is_current(loop_main()));
	struct delivery *delivery = mem_alloc(sizeof(*delivery));

	pending_ref(pending);
	delivery->pending = pending;
	delivery->answer = call_answer_ref(answer);
	delivery->msg.run = delivery_run;
	delivery->msg.drop = delivery_drop;
	mu_post(pending->home, &delivery->msg);
}
