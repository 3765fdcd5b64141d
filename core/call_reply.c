/* call_reply: the owner's side of a call: what it reads of it, and its one reply. On the owner's loop.
 *
 * A reply is encoded here, so that no json_t leaves the loop, and goes to main as an immutable text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "call_parts.h"
#include "instance.h"

static uint64_t bugs; /* atomic */

uint64_t call_reply_bugs(void)
{
	return __atomic_load_n(&bugs, __ATOMIC_RELAXED);
}

/* ---- running ---- */

static void report(struct mu_call *call, struct call_answer *answer)
{
	c_assert(mu_on_loop(call->owner));
	struct call_report *to_main = mem_alloc(sizeof(*to_main));

	call_ref(call);
	to_main->call = call;
	to_main->answer = answer;
	to_main->msg.run = call_reported;
	loop_post(loop_main(), &to_main->msg);
}

/* Nobody waits any more for what has not begun, and nobody should be surprised by it. */
static bool is_too_late(struct mu_call *call)
{
	if (clock_mono() < call->until)
		return false;
	mu_reply_error(call, -ETIMEDOUT, "%s.%s came too late to be begun: nothing was done",
		       call->kind->name, call->row->name);
	return true;
}

static void call_begin(struct mu_instance *self, struct mu_call *call)
{
	c_assert(mu_on_loop(self) && !call->answered);
	switch (call->way) {
	case CALL_RUN:
		call->row->run(self, call);
		break;
	case CALL_LIST:
		call->kind->list(self, call, call->query);
		break;
	case CALL_GET:
		call->kind->get(self, call, call->ids[0]);
		break;
	}
}

void call_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct mu_call *call = container_of(msg, struct mu_call, run_msg);

	c_assert(self == call->owner);
	if (!is_too_late(call))
		call_begin(self, call);
	/* a stream that was not refused may have nothing to say for hours */
	if (!call->answered && (call->row->flags & MU_STREAM) && !call->streams) {
		call->streams = true;
		report(call, NULL);
	}
	call_unref(call);
}

void call_run_gone(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(mu_on_loop(self));
	struct mu_call *call = container_of(msg, struct mu_call, gone_msg);

	call->hung_up = true;
	if (!call->answered && call->gone)
		call->gone(self, call);
	call_unref(call);
}

void call_run_credit(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(mu_on_loop(self));
	struct call_credit *credit = container_of(msg, struct call_credit, msg);
	struct mu_call *call = credit->call;
	bool was_empty = call->credit <= 0;

	call->credit += credit->parts;
	if (call->credit > INT32_MAX)
		call->credit = INT32_MAX;
	if (was_empty && call->credit > 0 && !call->answered && call->room)
		call->room(self, call);
	call_unref(call);
	free(credit);
}

/* ---- reading ---- */

/* A call that is read or answered by its owner, on its loop. */
static void check_mine(const struct mu_call *call)
{
	c_assert(call && call->magic == CALL_MAGIC);
	c_assert(mu_on_loop(call->owner));
}

const void *mu_call_args(const struct mu_call *call)
{
	check_mine(call);
	return call->args;
}

bool mu_call_given(const struct mu_call *call, const char *arg)
{
	const char *key;
	json_t *value;

	check_mine(call);
	c_assert(arg);
	json_object_foreach (call->request->args, key, value)
		if (text_equal_nocase(key, arg))
			return true;
	return false;
}

const char *mu_call_id(const struct mu_call *call)
{
	check_mine(call);
	return call->id_count ? call->ids[0] : NULL;
}

const char *const *mu_call_ids(const struct mu_call *call, size_t *count)
{
	check_mine(call);
	c_assert(count);
	*count = call->id_count;
	return call->ids;
}

const struct mu_query *mu_call_match(const struct mu_call *call)
{
	check_mine(call);
	return call->way == CALL_RUN ? call->query : NULL;
}

bool mu_call_dry_run(const struct mu_call *call)
{
	check_mine(call);
	return call->request->dry_run;
}

const char *mu_call_user(const struct mu_call *call)
{
	check_mine(call);
	return call->request->user;
}

enum mu_role mu_call_role(const struct mu_call *call)
{
	check_mine(call);
	return (enum mu_role)call->request->role;
}

const char *mu_call_source(const struct mu_call *call)
{
	check_mine(call);
	return call->request->source;
}

mu_time mu_call_left(const struct mu_call *call)
{
	check_mine(call);
	return call->until - clock_mono();
}

void mu_call_set_data(struct mu_call *call, void *data)
{
	check_mine(call);
	call->data = data;
}

void *mu_call_data(const struct mu_call *call)
{
	check_mine(call);
	return call->data;
}

void mu_call_on_gone(struct mu_call *call, void (*gone)(struct mu_instance *self, struct mu_call *call))
{
	check_mine(call);
	call->gone = gone;
}

void mu_call_on_room(struct mu_call *call, void (*room)(struct mu_instance *self, struct mu_call *call))
{
	check_mine(call);
	call->room = room;
}

/* ---- replying ---- */

/* False: this is a second reply, a bug of the plugin's that must not hurt anybody. */
static bool may_reply(struct mu_call *call)
{
	check_mine(call);
	if (!call->answered) {
		call->answered = true;
		return true;
	}
	if (__atomic_fetch_add(&bugs, 1, __ATOMIC_RELAXED) == 0)
		mu_log(call->owner, MU_LOG_ERROR,
		       "%s.%s was answered twice: a bug of the plugin; the first stands", call->kind->name,
		       call->row->name);
	return false;
}

static void finish_item(const struct mu_call *call, json_t *item)
{
	if (!json_object_get(item, "kind"))
		json_object_set_new(item, "kind", json_string(call->kind->name));
	if (!json_object_get(item, "version"))
		json_object_set_new(item, "version", json_integer(0)); /* its owner does not count */
	object_mask(call->kind, item, (enum mu_role)call->request->role);
}

/* What the owner of a served kind says becomes what every list and get looks like. False: it cannot. */
static bool finish_served(const struct mu_call *call, json_t *result)
{
	c_assert(call->way != CALL_RUN);
	static const char *const ends[] = { "next", "total" };

	if (call->way == CALL_GET) {
		if (json_is_object(result))
			finish_item(call, result);
		return json_is_object(result);
	}
	json_t *items = json_object_get(result, "items");
	if (!json_is_array(items))
		return false;
	for (size_t i = 0; i < json_array_size(items); i++) {
		if (!json_is_object(json_array_get(items, i)))
			return false;
		finish_item(call, json_array_get(items, i));
	}
	for (size_t i = 0; i < MU_ARRAY_LEN(ends); i++)
		if (!json_object_get(result, ends[i]))
			json_object_set_new(result, ends[i], json_null());
	return true;
}

static void reply_error(struct mu_call *call, const struct mu_error *error)
{
	struct mu_error copy = *error;

	if (copy.code >= 0)
		copy.code = -EIO; /* the plugin's slip: it is an error all the same */
	report(call, call_answer_error(&copy));
}

void mu_reply(struct mu_call *call, json_t *result)
{
	if (may_reply(call)) {
		if (call->way == CALL_RUN || finish_served(call, result)) {
			report(call, call_answer_json(result, false));
		} else {
			struct mu_error error = { 0 };
			mu_error(&error, -EIO, "%s answered %s.%s with something else", call->owner->name,
				 call->kind->name, call->row->name);
			mu_log(call->owner, MU_LOG_ERROR, "%s.%s was answered with no %s", call->kind->name,
			       call->row->name, call->way == CALL_GET ? "object" : "array of items");
			reply_error(call, &error);
		}
	}
	json_decref(result);
}

void mu_reply_text(struct mu_call *call, const char *message, ...)
{
	struct str text = { 0 };
	json_t *result = json_object();
	va_list args;

	c_assert(message);
	va_start(args, message);
	str_vprintf(&text, message, args);
	va_end(args);
	json_set_text(result, "message", str_text(&text));
	str_fini(&text);
	mu_reply(call, result);
}

void mu_reply_error(struct mu_call *call, int code, const char *what, ...)
{
	struct mu_error error = { 0 };
	char text[sizeof(error.what)];
	va_list args;

	c_assert(what);
	if (!may_reply(call))
		return;
	va_start(args, what);
	if (vsnprintf(text, sizeof(text), what, args) < 0)
		text[0] = '\0';
	va_end(args);
	mu_error(&error, code < 0 ? code : -EIO, "%s", text);
	reply_error(call, &error);
}

void mu_reply_failure(struct mu_call *call, const struct mu_error *error)
{
	c_assert(error);
	if (may_reply(call))
		reply_error(call, error);
}

void call_reply_errors(struct mu_call *call, const struct mu_error *error, json_t *all)
{
	c_assert(error && error->code < 0);
	c_assert(json_is_array(all));
	if (may_reply(call)) {
		struct call_answer *answer = call_answer_error(error);
		answer->bytes = object_bytes_json(all);
		report(call, answer);
	}
	json_decref(all);
}

/* 0: a part may be sent. */
static int may_send(struct mu_call *call)
{
	check_mine(call);
	if (call->hung_up)
		return -EPIPE;
	if (!call->answered && (call->row->flags & MU_STREAM) && call->credit > -CALL_CREDIT)
		return 0;
	__atomic_add_fetch(&bugs, 1, __ATOMIC_RELAXED);
	if (!call->answered && (call->row->flags & MU_STREAM))
		return -ENOBUFS;
	mu_log(call->owner, MU_LOG_ERROR, "%s.%s sends a part %s", call->kind->name, call->row->name,
	       call->answered ? "after its end" : "and is no stream");
	return -EINVAL;
}

static int send_part(struct mu_call *call, struct call_answer *part)
{
	call->credit--;
	call->streams = true;
	report(call, part);
	return call->credit <= 0;
}

int mu_reply_part(struct mu_call *call, json_t *part)
{
	int r = may_send(call);

	if (r == 0)
		r = send_part(call, call_answer_json(part, true));
	json_decref(part);
	return r;
}

int call_reply_bytes(struct mu_call *call, struct object_bytes *part)
{
	int r = may_send(call);

	if (r == 0)
		return send_part(call, call_answer_part(part));
	object_bytes_unref(&part);
	return r;
}
