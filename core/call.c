/* call: main's side: opens, routes, times, answers.
 *
 * A published kind's list and get are answered on the spot. All else goes to its owner and stays open
 * until the owner has answered or ended, whoever still waits: only so is the handle that the owner holds
 * always good, and only so does a later question with the same key learn how it ended. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "call_parts.h"
#include "instance.h"
#include "kind.h"

#define DEADLINE_DEFAULT (10 * MU_SEC)
#define DEADLINE_MAX     (24 * MU_HOUR)

static struct list open_calls = { &open_calls, &open_calls };
static size_t open_count;
static struct call_stats stats;
static bool closing; /* nothing is opened any more */

void call_init(void)
{
	c_assert(open_count == 0);
	closing = false;
	audit_init();
}

/* ---- waiters ---- */

/* Takes the waiter out; its caller hears no more. */
static void waiter_free(struct call_waiter *waiter)
{
	c_assert(loop_is_current(loop_main()));
	loop_timer_stop(&waiter->deadline);
	list_remove(&waiter->node);
	party_remove_waiter(waiter);
	waiter->pending->waiter = NULL;
	pending_unref(waiter->pending);
	call_request_free(&waiter->request);
	free(waiter);
}

static void waiter_answer(struct call_waiter *waiter, struct call_answer *answer)
{
	c_assert(!answer->part);
	pending_deliver(waiter->pending, answer);
	waiter_free(waiter);
}

static void waiter_refuse(struct call_waiter *waiter, const struct mu_error *error)
{
	struct call_answer *answer = call_answer_error(error);

	waiter_answer(waiter, answer);
	call_answer_unref(&answer);
}

static void call_answer_all(struct mu_call *call, struct call_answer *answer)
{
	while (!list_empty(&call->waiters))
		waiter_answer(list_entry(call->waiters.next, struct call_waiter, node), answer);
}

static void write_audit(const struct mu_call *call, int code, const char *outcome)
{
	const struct call_request *request = call->request;

	if (call->row->effect == MU_LOOK || request->dry_run)
		return;
	audit_call(request->user, request->source, call->kind->name, call->row->name, call->audit_ids,
		   call->audit_args, code, outcome);
}

/* Nobody waits any more: the owner may stop its work. */
static void call_tell_gone(struct mu_call *call)
{
	c_assert(loop_is_current(loop_main()));
	if (call->told_gone || call->closed)
		return;
	call->told_gone = true;
	call_ref(call);
	mu_post(call->to, &call->gone_msg);
}

static void waiter_expired(struct loop_timer *timer)
{
	c_assert(loop_is_current(loop_main()));
	struct call_waiter *waiter = container_of(timer, struct call_waiter, deadline);
	struct mu_call *call = waiter->call;
	struct mu_error error = { 0 };

	mu_error(&error, -ETIMEDOUT,
		 "outcome unknown: %s.%s has not been answered in time, and may still be done",
		 call->kind->name, call->row->name);
	if (call->keyed)
		mu_error_remedy(&error, "ask again with the same key to learn how it ended");
	stats.expired++;
	if (!call->expired)
		write_audit(call, -ETIMEDOUT, "outcome unknown");
	call->expired = true;
	waiter_refuse(waiter, &error);
	if (list_empty(&call->waiters))
		call_tell_gone(call);
}

static void waiter_join(struct call_waiter *waiter, struct mu_call *call, mu_time deadline)
{
	c_assert(waiter->pending && !call->closed);
	c_assert(!waiter->call);
	waiter->call = call;
	list_add(&call->waiters, &waiter->node);
	party_add_waiter(party_get(waiter->pending->self), waiter);
	if (!call->unbounded)
		loop_timer_start(loop_main(), &waiter->deadline, deadline, waiter_expired);
}

/* ---- opening ---- */

static mu_time deadline_of(const struct call_request *request, const struct mu_command *row)
{
	mu_time deadline = request->deadline > 0 ? request->deadline : row->deadline;

	if (deadline <= 0)
		deadline = DEADLINE_DEFAULT;
	return deadline < DEADLINE_MAX ? deadline : DEADLINE_MAX;
}

/* Published kinds: main has all that is asked for. */
static struct call_answer *answer_here(struct mu_call *call, struct mu_error *error)
{
	c_assert(!call->owner && call->way != CALL_RUN);
	struct kind *kind = call->command->kind;
	enum mu_role role = (enum mu_role)call->request->role;
	json_t *json;

	if (call->way == CALL_LIST) {
		json = object_list(kind, call->query, role);
		if (!json)
			mu_error(error, -EINVAL,
				 "after is not the `next` of a page of this list in this order");
	} else {
		json = object_json(object_find(kind, call->ids[0]));
		object_mask(kind->row, json, role);
	}
	if (!json)
		return NULL;
	struct call_answer *answer = call_answer_json(json, false);
	json_decref(json);
	return answer;
}

static int check_room(struct mu_call *call, struct call_waiter *waiter, struct mu_error *error)
{
	c_assert(call->owner);
	if (closing)
		return call_remedy(error, mu_error(error, -ECANCELED, "cancelled: the daemon stops"),
				   "ask again when it runs");
	if (!call->owner->ref || call->owner->is == INSTANCE_STOPPING)
		return call_remedy(error,
				   mu_error(error, -ECANCELED, "cancelled: its plugin %s %s",
					    call->owner->name,
					    call->owner->ref ? "stops" : "has not started yet"),
				   "ask again when it runs: \"musterctl plugin list\" tells");
	if (open_count >= CALL_OPEN_MAX)
		return call_remedy(
			error,
			mu_error(error, -EBUSY, "%d calls are open, and no more are taken", CALL_OPEN_MAX),
			"ask again when some are answered");
	return call_quota(waiter->pending->self, call->owner, error);
}

static void call_open(struct mu_call *call, struct call_waiter *waiter, const char *key)
{
	c_assert(loop_is_current(loop_main()));
	mu_time deadline = deadline_of(call->request, call->row);

	c_assert(call->owner);
	call->until = clock_mono() + deadline;
	call->to = mu_ref_ref(call->owner->ref);
	list_add(&open_calls, &call->node);
	open_count++;
	stats.opened++;
	party_add_call(party_get(call->owner), call);
	if (key)
		key_open(call, key);
	waiter_join(waiter, call, deadline);
	call->command = NULL; /* may go before the call does */
	call_ref(call);
	mu_post(call->to, &call->run_msg);
}

static void call_refused(struct mu_call *call, struct call_waiter *waiter, const struct mu_error *error)
{
	stats.refused++;
	if (error->code == -EACCES && call->row)
		write_audit(call, error->code, error->what);
	waiter_refuse(waiter, error);
	call_unref(call);
}

/* The same question as before: its answer, or a place beside who waits for it. False: it is new. */
static bool answered_by_key(struct mu_call *call, struct call_waiter *waiter, const char *key)
{
	struct call_answer *answer = NULL;
	struct mu_call *before = NULL;
	struct mu_error error = { 0 };
	int r = key ? key_find(call, key, &answer, &before) : 0;

	if (r == 0)
		return false;
	if (r < 0) {
		mu_error(&error, r, "the key \"%s\" was another call's: take a new one for this one",
			 call->request->key);
		call_refused(call, waiter, &error);
		return true;
	}
	if (answer)
		waiter_answer(waiter, answer);
	else
		waiter_join(waiter, before, deadline_of(call->request, call->row));
	call_answer_unref(&answer);
	call_unref(call);
	return true;
}

void call_arrived(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(loop_is_current(loop_main()));
	struct call_waiter *waiter = container_of(msg, struct call_waiter, msg);
	struct mu_call *call = call_new(waiter->request);
	struct mu_error error = { 0 };
	struct call_answer *answer = NULL;

	(void)self;
	waiter->request = NULL;
	int r = call_check_verb(call, &error);
	const char *key = r == 0 ? key_name(call) : NULL;
	/* before its ids are looked for: what it deleted the first time is not there the second */
	if (r == 0 && answered_by_key(call, waiter, key))
		return;
	if (r == 0)
		r = call_check_words(call, &error);
	if (r == 0 && !call->owner) {
		answer = answer_here(call, &error);
		r = answer ? 0 : error.code;
	} else if (r == 0) {
		r = check_room(call, waiter, &error);
	}
	if (r < 0) {
		call_refused(call, waiter, &error);
	} else if (answer) {
		stats.opened++;
		waiter_answer(waiter, answer);
		call_answer_unref(&answer);
		call_unref(call);
	} else {
		call_open(call, waiter, key);
	}
}

/* ---- what the caller does meanwhile ---- */

void call_hung_up(void *data)
{
	c_assert(loop_is_current(loop_main()));
	struct mu_pending *pending = data;
	struct call_waiter *waiter = pending->waiter;

	if (waiter) {
		struct mu_call *call = waiter->call;
		waiter_free(waiter);
		if (list_empty(&call->waiters))
			call_tell_gone(call);
	}
	pending_unref(pending);
}

static void credit_drop(struct mu_msg *msg)
{
	struct call_credit *credit = container_of(msg, struct call_credit, msg);

	call_unref(credit->call);
	free(credit);
}

void call_credited(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(loop_is_current(loop_main()));
	struct call_credit *credit = container_of(msg, struct call_credit, msg);
	struct mu_pending *pending = credit->pending;
	struct mu_call *call = pending->waiter ? pending->waiter->call : NULL;

	(void)self;
	if (call) {
		call_ref(call);
		credit->call = call;
		credit->msg = (struct mu_msg){ .run = call_run_credit, .drop = credit_drop };
		mu_post(call->to, &credit->msg);
	} else {
		free(credit);
	}
	pending_unref(pending);
}

/* ---- answers ---- */

/* A second reply in the callback that made the first must find the call: it is freed behind that. */
static void call_let_go(struct mu_call *call)
{
	if (call->let_go)
		return;
	call->let_go = true;
	mu_post(call->to, &call->free_msg);
}

/* The owner holds it no longer; but one that was given up may reply at any time, and keeps it until then. */
static void call_close(struct mu_call *call, bool given_up)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(!call->closed && list_empty(&call->waiters));
	call->closed = true;
	list_remove(&call->node);
	c_assert(open_count > 0);
	open_count--;
	party_remove_call(call);
	if (!given_up)
		call_let_go(call);
}

static void call_finish(struct mu_call *call, struct call_answer *answer)
{
	c_assert(loop_is_current(loop_main()));
	bool failed = answer->error.code < 0, late = call->expired && list_empty(&call->waiters);
	char outcome[280];

	text_printf(outcome, sizeof(outcome), "%s%s", late ? "late: " : "",
		    failed ? answer->error.what : "done");
	write_audit(call, answer->error.code, outcome);
	if (late)
		stats.late_replies++;
	else if (failed)
		stats.failed++;
	if (call->keyed)
		key_answer(call, answer);
	call_answer_all(call, answer);
	call_close(call, false);
}

/* From now on it takes as long as it takes. */
static void call_unbound(struct mu_call *call)
{
	call->unbounded = true;
	list_each (node, &call->waiters)
		loop_timer_stop(&list_entry(node, struct call_waiter, node)->deadline);
}

void call_reported(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(loop_is_current(loop_main()));
	struct call_report *report = container_of(msg, struct call_report, msg);
	struct mu_call *call = report->call;
	struct call_answer *answer = report->answer;

	(void)self;
	if (call->closed && answer && !answer->part) {
		/* its owner was given up, and answers all the same */
		stats.late_replies++;
		call_let_go(call);
	} else if (call->closed) {
		c_assert(list_empty(&call->waiters));
	} else if (answer && !answer->part) {
		call_finish(call, answer);
	} else {
		call_unbound(call);
		if (answer)
			list_each (node, &call->waiters)
				pending_deliver(list_entry(node, struct call_waiter, node)->pending, answer);
	}
	call_answer_unref(&report->answer);
	call_unref(call);
	free(report);
}

/* ---- ends ---- */

/* Whoever waits hears `answer`; its owner still owes one, and may stop its work. */
static void call_abort(struct mu_call *call, struct call_answer *answer)
{
	if (list_empty(&call->waiters))
		return;
	call->expired = true;
	write_audit(call, answer->error.code, answer->error.what);
	call_answer_all(call, answer);
	call_tell_gone(call);
}

static void owner_gone(struct mu_instance *instance, struct call_answer *answer)
{
	struct call_party *party;

	/* a party goes with its last call, so it is found anew each time */
	while ((party = party_find(instance)) && party->call_count > 0) {
		struct mu_call *call = list_entry(party->calls.next, struct mu_call, of_owner);
		/* nobody can be told any more, and its memory goes below */
		call->told_gone = true;
		call_abort(call, answer);
		if (call->keyed)
			key_answer(call, answer);
		call_close(call, instance->is == INSTANCE_ABANDONED);
	}
}

static void caller_gone(struct mu_instance *instance)
{
	struct call_party *party;

	while ((party = party_find(instance)) && party->waiter_count > 0) {
		struct call_waiter *waiter = list_entry(party->waiters.next, struct call_waiter, of_caller);
		struct mu_call *call = waiter->call;
		/* one that was given up may still use its handle */
		if (instance->is != INSTANCE_ABANDONED)
			pending_let_go(waiter->pending);
		waiter_free(waiter);
		if (list_empty(&call->waiters))
			call_tell_gone(call);
	}
}

void call_instance_gone(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	struct call_party *party = party_find(instance);
	struct mu_error error = { 0 };

	if (!party)
		return;
	mu_error(&error, -ECANCELED, "cancelled: its plugin stopped");
	mu_error_remedy(&error, "look what is done before you ask again: it may have begun");
	struct call_answer *answer = call_answer_error(&error);
	if (instance->is == INSTANCE_STOPPING) {
		/* its own calls may be among the waiters: the party stays as long as it owes */
		list_each_safe (node, &party->calls)
			call_abort(list_entry(node, struct mu_call, of_owner), answer);
	} else {
		owner_gone(instance, answer);
		caller_gone(instance);
	}
	call_answer_unref(&answer);
}

void call_cancel_all(const char *why)
{
	c_assert(loop_is_current(loop_main()));
	struct mu_error error = { 0 };

	c_assert(why);
	closing = true;
	mu_error(&error, -ECANCELED, "cancelled: %s", why);
	mu_error_remedy(&error, "look what is done before you ask again: it may have begun");
	struct call_answer *answer = call_answer_error(&error);
	list_each (node, &open_calls)
		call_abort(list_entry(node, struct mu_call, node), answer);
	call_answer_unref(&answer);
}

/* At the end of the daemon: every instance has ended, and nothing can be posted to any. */
void call_fini(void)
{
	closing = true;
	while (!list_empty(&open_calls)) {
		struct mu_call *call = list_entry(open_calls.next, struct mu_call, node);
		while (!list_empty(&call->waiters)) {
			struct call_waiter *waiter = list_entry(call->waiters.next, struct call_waiter, node);
			pending_let_go(waiter->pending);
			waiter_free(waiter);
		}
		call_close(call, true); /* nothing can be posted any more */
		call_unref(call);
	}
	key_fini();
	audit_fini();
}

void call_stats(struct call_stats *out)
{
	c_assert(out);
	*out = stats;
	out->open = open_count;
	out->bugs = call_reply_bugs();
}
