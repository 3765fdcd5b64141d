/* log_ring: the lines of the log that wait for the disk: whole lines, bounded in bytes and in number. */
#ifndef CORE_LOG_RING_H
#define CORE_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_BYTES (1024 * 1024)
#define LOG_RING_LINES 8192
#define LOG_TAKE_BYTES (64 * 1024)
#define LOG_TAKE_LINES 512
#define LOG_LINE_MAX 4000 /* below PIPE_BUF: a pipe that polls as writable takes it whole */

struct log_slot {
	uint32_t length;
	uint64_t tells; /* that so many lines were lost; 0 = it is a line like any other */
};
struct log_ring { /* zeroed = without room */
	char *bytes;
	struct log_slot *slots;
	size_t head, used;   /* of bytes */
	size_t first, count; /* of slots */
};
/* What is on its way to the file: the lines from `at` on, the first of them from `sent` on. */
struct log_batch {
	char text[LOG_TAKE_BYTES];
	struct log_slot slots[LOG_TAKE_LINES];
	size_t length, count;   /* taken */
	size_t at, begin, sent; /* begin: where line `at` begins in text; sent: bytes of text */
};

void log_ring_init(struct log_ring *ring);
void log_ring_fini(struct log_ring *ring);
/* false: there is no room for it, and for `spare` bytes more. */
bool log_ring_put(struct log_ring *ring, const char *line, size_t length, uint64_t tells, size_t spare);
/* Fills a batch that is empty with the oldest lines; one of nothing when there are none. */
void log_ring_take(struct log_ring *ring, struct log_batch *batch);

static inline bool log_batch_empty(const struct log_batch *batch)
{
	return batch->at == batch->count;
}
/* So many bytes more have been written. */
void log_batch_sent(struct log_batch *batch, size_t bytes);
/* Gives the rest up. Returns how many lines were lost; *untold: so many losses that it would have told. */
uint64_t log_batch_drop(struct log_batch *batch, uint64_t *untold);

#endif
