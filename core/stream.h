/* stream: what a streaming call is sent, and what waits while its caller is slow: a bounded queue in front of
 * mu_reply_part.
 *
 * When it is full the oldest goes, for whoever comes late wants to know how things are now. The caller is told how many
 * are missing, {"lost": n}, before what comes after them. On the loop of the call's owner. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct mu_call;
struct stream;

/* Once, before the first part; takes over mu_call_on_room. At most so many parts wait, and so many bytes of them but
 * for one that is longer by itself. It goes with the call. */
void stream_open(struct mu_call *call, size_t parts, size_t bytes);
/* Takes `part`. 0: it is sent, or waits. -EPIPE: the caller is gone, and the call is to be ended by mu_reply. */
int stream_send(struct mu_call *call, json_t *part);
/* So many were lost on their way to here: told like our own. */
void stream_lose(struct mu_call *call, uint64_t parts);
/* Parts that all streams have lost. Any thread. */
uint64_t stream_lost(void);

/* With the call; any thread, when nobody else has it. */
void stream_free(struct stream **stream);

#endif
