/* call_request: what travels between loops: a request, a call, an answer: how each is made, counted and
 * freed. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "call_parts.h"
#include "instance.h"
#include "stream.h"

enum { IDS_MAX = 10000, WORD_MAX = 255 };

/* ---- the request ---- */

static const char *copy_word(struct call_request *request, const char *word)
{
	c_assert(request);
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

/* As we know it; what a plugin of an older minor has no room for is zero. */
static struct mu_request request_whole(const struct mu_request *from)
{
	struct mu_request whole;

	c_assert(from->size >=
		 offsetof(struct mu_request, dry_run) + sizeof(from->dry_run)); /* made by MU_REQUEST? */
	mem_fit(&whole, sizeof(whole), from, from->size);
	return whole;
}

struct call_request *call_request_new(struct mu_instance *self, const struct mu_request *given)
{
	c_assert(self && given);
	const struct mu_request whole = request_whole(given), *from = &whole;
	struct call_request *request = mem_alloc(sizeof(*request));

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
	c_assert(request);
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

struct call_answer *call_answer_part(struct object_bytes *bytes)
{
	struct call_answer *answer = answer_new();

	c_assert(bytes);
	answer->part = true;
	answer->bytes = bytes;
	return answer;
}

struct call_answer *call_answer_error(const struct mu_error *error)
{
	struct call_answer *answer = answer_new();

	c_assert(error && error->code < 0);
	answer->error = *error;
	return answer;
}

struct call_answer *call_answer_ref(struct call_answer *answer)
{
	c_assert(__atomic_add_fetch(&answer->count, 1, __ATOMIC_RELAXED) > 1);
	return answer;
}

void call_answer_unref(struct call_answer **answer)
{
	c_assert(answer);
	if (*answer && __atomic_sub_fetch(&(*answer)->count, 1, __ATOMIC_ACQ_REL) == 0) {
		object_bytes_unref(&(*answer)->bytes);
		free(*answer);
	}
	*answer = NULL;
}

/* ---- the call ---- */

void call_ref(struct mu_call *call)
{
	c_assert(call->magic == CALL_MAGIC);
	c_assert(__atomic_add_fetch(&call->count, 1, __ATOMIC_RELAXED) > 1);
}

void call_unref(struct mu_call *call)
{
	c_assert(call->magic == CALL_MAGIC);
	if (__atomic_sub_fetch(&call->count, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	call->magic = 0;
	call_request_free(&call->request);
	mu_ref_unref(&call->to);
	stream_free(&call->stream);
	free(call);
}

static void free_run(struct mu_instance *self, struct mu_msg *msg)
{
	(void)self;
	call_unref(container_of(msg, struct mu_call, free_msg));
}

static void free_drop(struct mu_msg *msg)
{
	free_run(NULL, msg);
}

static void message_drop_run(struct mu_msg *msg)
{
	call_unref(container_of(msg, struct mu_call, run_msg));
}

static void message_drop_gone(struct mu_msg *msg)
{
	call_unref(container_of(msg, struct mu_call, gone_msg));
}

struct mu_call *call_new(struct call_request *request)
{
	c_assert(request);
	struct mu_call *call = mem_alloc(sizeof(*call));

	call->magic = CALL_MAGIC;
	call->count = 1;
	call->request = request;
	call->credit = CALL_CREDIT;
	call->run_msg.run = call_run;
	call->run_msg.drop = message_drop_run;
	call->gone_msg.run = call_run_gone;
	call->gone_msg.drop = message_drop_gone;
	call->free_msg.run = free_run;
	call->free_msg.drop = free_drop;
	list_init(&call->waiters);
	return call;
}
