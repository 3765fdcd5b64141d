/* stream: see stream.h. Parts wait as text, so that their bytes are counted and each is encoded once. */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "call_parts.h"
#include "object.h"

struct stream {
	struct object_bytes **waiting; /* a ring of `most` */
	size_t head, count, most;
	size_t bytes, most_bytes;
	uint64_t lost; /* and not yet told */
	bool blocked;  /* the caller gives leave for more by and by */
};

static uint64_t lost_by_all; /* atomic */

uint64_t stream_lost(void)
{
	return __atomic_load_n(&lost_by_all, __ATOMIC_RELAXED);
}

/* ---- the queue ---- */

static struct object_bytes *queue_pop(struct stream *stream)
{
	c_assert(stream->count > 0);
	struct object_bytes *bytes = stream->waiting[stream->head];

	stream->head = (stream->head + 1) % stream->most;
	stream->count--;
	c_assert(stream->bytes >= bytes->length);
	stream->bytes -= bytes->length;
	return bytes;
}

static void lose(struct stream *stream, uint64_t parts)
{
	stream->lost += parts;
	__atomic_add_fetch(&lost_by_all, parts, __ATOMIC_RELAXED);
}

static void queue_push(struct stream *stream, struct object_bytes *bytes)
{
	while (stream->count > 0 &&
	       (stream->count == stream->most || stream->bytes + bytes->length > stream->most_bytes)) {
		struct object_bytes *oldest = queue_pop(stream);
		object_bytes_unref(&oldest);
		lose(stream, 1);
	}
	if (!stream->waiting)
		stream->waiting = mem_array(stream->most, sizeof(struct object_bytes *));
	stream->waiting[(stream->head + stream->count++) % stream->most] = bytes;
	stream->bytes += bytes->length;
}

/* ---- the call ---- */

/* Takes `bytes`. */
static int send_now(struct mu_call *call, struct object_bytes *bytes)
{
	int r = call_reply_bytes(call, bytes);

	call->stream->blocked = r > 0;
	return r < 0 ? r : 0;
}

static int send_lost(struct mu_call *call)
{
	json_t *part = json_pack("{s:I}", "lost", (json_int_t)call->stream->lost);
	struct object_bytes *bytes = object_bytes_json(part);

	json_decref(part);
	call->stream->lost = 0;
	return send_now(call, bytes);
}

static int stream_drain(struct mu_call *call)
{
	struct stream *stream = call->stream;
	int r = 0;

	while (r == 0 && !stream->blocked && (stream->lost > 0 || stream->count > 0))
		r = stream->lost > 0 ? send_lost(call) : send_now(call, queue_pop(stream));
	return r;
}

static void stream_room(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	call->stream->blocked = false;
	stream_drain(call); /* of a caller that is gone its owner is told by itself */
}

void stream_open(struct mu_call *call, size_t parts, size_t bytes)
{
	c_assert(call && !call->stream);
	c_assert(parts > 0 && bytes > 0);
	call->stream = mem_alloc(sizeof(*call->stream));
	call->stream->most = parts;
	call->stream->most_bytes = bytes;
	mu_call_on_room(call, stream_room);
}

int stream_send(struct mu_call *call, json_t *part)
{
	c_assert(call && call->stream && part);
	struct object_bytes *bytes = object_bytes_json(part);

	json_decref(part);
	queue_push(call->stream, bytes);
	return stream_drain(call);
}

void stream_lose(struct mu_call *call, uint64_t parts)
{
	c_assert(call && call->stream);
	lose(call->stream, parts);
	stream_drain(call);
}

void stream_free(struct stream **stream)
{
	struct stream *it = *stream;

	*stream = NULL;
	if (!it)
		return;
	while (it->count > 0) {
		struct object_bytes *bytes = queue_pop(it);
		object_bytes_unref(&bytes);
	}
	free(it->waiting);
	free(it);
}
