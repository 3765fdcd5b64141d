/* loop_ref: the address of an instance, which outlives it. Only the instance's own loop looks at where it points,
 * so a message finds its addressee alive or is dropped, and nothing is locked. */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "instance.h"
#include "loop.h"

struct mu_ref *ref_new(struct loop *loop, struct mu_instance *instance)
{
	struct mu_ref *ref = mem_alloc(sizeof(*ref));
	ref->count = 1;
	ref->loop = loop;
	ref->instance = instance;
	return ref;
}

void ref_end(struct mu_ref *ref)
{
	c_assert(loop_is_current(ref->loop));
	ref->instance = NULL;
}

struct mu_ref *mu_ref_ref(struct mu_ref *ref)
{
	c_assert(__atomic_add_fetch(&ref->count, 1, __ATOMIC_RELAXED) > 1);
	return ref;
}

void mu_ref_unref(struct mu_ref **ref)
{
	if (!*ref)
		return;
	if (__atomic_sub_fetch(&(*ref)->count, 1, __ATOMIC_ACQ_REL) == 0)
		free(*ref);
	*ref = NULL;
}

struct mu_ref *mu_self_ref(struct mu_instance *self)
{
	return mu_ref_ref(self->ref);
}

void mu_post(struct mu_ref *to, struct mu_msg *msg)
{
	msg->to = mu_ref_ref(to);
	loop_post(to->loop, msg);
}

bool mu_on_loop(const struct mu_instance *self)
{
	return loop_is_current(self->loop);
}

struct uv_loop_s *mu_loop_uv(struct mu_instance *self)
{
	c_assert(mu_on_loop(self));
	return loop_uv(self->loop);
}

mu_time mu_now(const struct mu_instance *self)
{
	return loop_now(self->loop);
}
