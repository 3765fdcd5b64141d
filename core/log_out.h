/* log_out: where the lines of the log go: in place until log_start, then by a thread of their own. For log.c. */
#ifndef CORE_LOG_OUT_H
#define CORE_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lock "log", the innermost of all: nothing else is locked while it is held. */
void log_out_lock(void);
void log_out_unlock(void);

/* ---- under the lock ---- */
bool log_out_colour(void);
void log_out_put(const char *line, size_t length); /* when there is no room it is lost, and counted */
uint64_t log_out_lost(void);                       /* lines, and that is not told yet */
void log_out_tell(const char *line, size_t length); /* a line that tells of them; again later if it is lost too */

/* ---- without ---- */
/* To stderr. `tell` is called by the thread, under the lock, when there is room again: it shall log_out_tell. */
void log_out_init(void (*tell)(void));
int log_out_stop(int64_t wait_ns);

#endif
