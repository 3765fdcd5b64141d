/* call_pending: a call from its caller's side: the request is copied here, and its answers arrive here.
 *
 * The handle belongs to the caller until its last `done` has returned or it hangs up. Whoever comes first gives that
 * reference back: the last delivery, its drop, the hang-up, or the core when the caller has ended. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "call_parts.h"
#include "instance.h"

enum { IDS_MAX = 10000, WORD_MAX = 255 };

/* ---- the request ---- */

static const char *copy_word(struct call_request *request, const char *word)
{
	if (word && strlen(word) > WORD_MAX && !request->refusal)
		request->refusal = "a name, user, source or key has more than 255 bytes";
	return word ? arena_strndup(&request->arena, word, strnlen(word, WORD_MAX)) : NULL;
}

static json_t *copy_json(struct call_request *request, const json_t *json)
{
	json_t *copy = json ? json_deep_copy(json) : NULL;

	if (json && !copy)
		request->refusal = "its arguments cannot be copied: they hold themselves";
	return copy;
}

struct call_request *call_request_new(struct mu_instance *self, const struct mu_request *from)
{
	struct call_request *request = mem_alloc(sizeof(*request));

	check(self && from);
	arena_init(&request->arena);
	request->kind = copy_word(request, from->kind);
	request->verb = copy_word(request, from->verb);
	request->user = copy_word(request, from->user ? from->user : self->name);
	request->source = from->source ? copy_word(request, from->source)
	                               : arena_printf(&request->arena, "plugin %s", self->name);
	request->key = copy_word(request, from->key);
	request->match = copy_json(request, from->match);
	request->args = copy_json(request, from->args);
	request->role = from->role >= MU_VIEWER && from->role <= MU_ADMIN ? from->role : MU_OPERATOR;
	request->deadline = from->deadline;
	request->dry_run = from->dry_run;
	if (from->id_count > IDS_MAX) {
		request->refusal = "more than 10,000 ids in one call";
		return request;
	}
	request->id_count = from->ids ? from->id_count : 0;
	request->ids = arena_array(&request->arena, request->id_count + 1, sizeof(char *));
	for (size_t i = 0; i < request->id_count; i++)
		request->ids[i] = from->ids[i] ? copy_word(request, from->ids[i]) : "";
	return request;
}

void call_request_free(struct call_request **request)
{
	check(request);
	if (!*request)
		return;
	json_decref((*request)->match);
	json_decref((*request)->args);
	arena_fini(&(*request)->arena);
	free(*request);
	*request = NULL;
}

/* ---- answers ---- */

static struct call_answer *answer_new(void)
{
	struct call_answer *answer = mem_alloc(sizeof(*answer));

	answer->count = 1;
	return answer;
}

struct call_answer *call_answer_json(const json_t *json, bool part)
{
	struct call_answer *answer = answer_new();

	answer->part = part;
	answer->bytes = json ? object_bytes_json(json) : object_bytes_new("null", 4);
	return answer;
}

struct call_answer *call_answer_error(const struct mu_error *error)
{
	struct call_answer *answer = answer_new();

	check(error && error->code < 0);
	answer->error = *error;
	return answer;
}

struct call_answer *call_answer_ref(struct call_answer *answer)
{
	check(__atomic_add_fetch(&answer->count, 1, __ATOMIC_RELAXED) > 1);
	return answer;
}

void call_answer_unref(struct call_answer **answer)
{
	check(answer);
	if (*answer && __atomic_sub_fetch(&(*answer)->count, 1, __ATOMIC_ACQ_REL) == 0) {
		object_bytes_unref(&(*answer)->bytes);
		free(*answer);
	}
	*answer = NULL;
}

/* ---- the handle ---- */

void pending_unref(struct mu_pending *pending)
{
	if (__atomic_sub_fetch(&pending->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	check(!pending->waiter);
	mu_ref_unref(&pending->home);
	free(pending);
}

static void pending_ref(struct mu_pending *pending)
{
	check(__atomic_add_fetch(&pending->count, 1, __ATOMIC_RELAXED) > 1);
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
	check(self && mu_on_loop(self));
	check(request && done);
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
	check(pending && mu_on_loop(pending->self));
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
	check(pending);
	struct mu_pending *hung_up = *pending;
	*pending = NULL;
	/* inside its last `done` there is nothing left to hang up */
	if (!hung_up || hung_up->over)
		return;
	check(mu_on_loop(hung_up->self));
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
	struct delivery *delivery = mem_alloc(sizeof(*delivery));

	pending_ref(pending);
	delivery->pending = pending;
	delivery->answer = call_answer_ref(answer);
	delivery->msg.run = delivery_run;
	delivery->msg.drop = delivery_drop;
	mu_post(pending->home, &delivery->msg);
}
