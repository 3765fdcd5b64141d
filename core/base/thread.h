/* thread: waiting for a thread's end, but not for ever. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Joins it if it ends within `wait_ns` of monotonic time; false: it still runs, and may be asked again. */
bool thread_join(pthread_t thread, int64_t wait_ns);

#endif
