/* log_ring: see log_ring.h. No lock and no file: who uses it has both. */
#include "log_ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

void log_ring_init(struct log_ring *ring)
{
	c_assert(ring && !ring->bytes);
	ring->bytes = mem_alloc(LOG_RING_BYTES);
	ring->slots = mem_array(LOG_RING_LINES, sizeof(*ring->slots));
	ring->head = ring->used = ring->first = ring->count = 0;
}

void log_ring_fini(struct log_ring *ring)
{
	c_assert(ring);
	free(ring->bytes);
	free(ring->slots);
	*ring = (struct log_ring){ 0 };
}

bool log_ring_put(struct log_ring *ring, const char *line, size_t length, uint64_t tells, size_t spare)
{
	c_assert(ring && line);
	c_assert(length > 0 && length <= LOG_LINE_MAX);
	if (!ring->bytes || ring->count + (spare > 0) >= LOG_RING_LINES ||
	    length + spare > LOG_RING_BYTES - ring->used)
		return false;
	size_t tail = (ring->head + ring->used) % LOG_RING_BYTES;
	size_t first = LOG_RING_BYTES - tail < length ? LOG_RING_BYTES - tail : length;
	memcpy(ring->bytes + tail, line, first);
	memcpy(ring->bytes, line + first, length - first);
	ring->slots[(ring->first + ring->count) % LOG_RING_LINES] =
		(struct log_slot){ .length = (uint32_t)length, .tells = tells };
	ring->used += length;
	ring->count++;
	return true;
}

void log_ring_take(struct log_ring *ring, struct log_batch *batch)
{
	c_assert(ring && batch && log_batch_empty(batch));
	batch->length = batch->count = batch->at = batch->begin = batch->sent = 0;
	while (ring->count > 0 && batch->count < LOG_TAKE_LINES) {
		struct log_slot slot = ring->slots[ring->first];
		c_assert(slot.length <= ring->used);
		if (batch->length + slot.length > sizeof(batch->text))
			break;
		size_t whole = LOG_RING_BYTES - ring->head;
		size_t first = whole < slot.length ? whole : slot.length;
		memcpy(batch->text + batch->length, ring->bytes + ring->head, first);
		memcpy(batch->text + batch->length + first, ring->bytes, slot.length - first);
		batch->slots[batch->count++] = slot;
		batch->length += slot.length;
		ring->head = (ring->head + slot.length) % LOG_RING_BYTES;
		ring->used -= slot.length;
		ring->first = (ring->first + 1) % LOG_RING_LINES;
		ring->count--;
	}
}

void log_batch_sent(struct log_batch *batch, size_t bytes)
{
	c_assert(batch && bytes <= batch->length - batch->sent);
	batch->sent += bytes;
	while (batch->at < batch->count && batch->begin + batch->slots[batch->at].length <= batch->sent)
		batch->begin += batch->slots[batch->at++].length;
	c_assert(batch->sent < batch->length || batch->at == batch->count);
}

uint64_t log_batch_drop(struct log_batch *batch, uint64_t *untold)
{
	uint64_t lost = 0;

	c_assert(batch && batch->at <= batch->count);
	*untold = 0;
	for (; batch->at < batch->count; batch->at++) {
		lost += batch->slots[batch->at].tells == 0;
		*untold += batch->slots[batch->at].tells;
	}
	batch->begin = batch->sent = batch->length;
	return lost;
}
