/* muster/event.h: notifications: something happened that a person may want to know.
 *
 * An event has a severity, a time and words, and may be about a series or an object. The core keeps a
 * history in its store, hands each to every plugin with an `event` callback, and logs it. */
#ifndef MUSTER_EVENT_H
#define MUSTER_EVENT_H

#include <muster/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers as on collectd's wire; info is ours: worth keeping, nothing to do. */
enum mu_severity { MU_FAILURE = 1, MU_WARNING = 2, MU_OKAY = 4, MU_INFO = 8 };

struct mu_event {
	uint64_t number; /* the core's: rising, kept over restarts */
	mu_time time;    /* a stamp */
	uint32_t severity; /* enum mu_severity */
	const char *plugin;  /* who says so */
	const char *words;   /* one sentence, at most 1,023 bytes */
	const char *series;  /* its name, or NULL */
	const char *kind, *id; /* the object, or NULL */
};

/* Any thread. Never blocks; past 10,000 waiting events the newest are dropped and counted. */
void mu_event(struct mu_instance *self, enum mu_severity severity, const char *words, ...) MU_PRINTF(3, 4);
void mu_event_object(struct mu_instance *self, enum mu_severity severity, const char *kind, const char *id,
                     const char *words, ...) MU_PRINTF(5, 6);
struct mu_series;
void mu_event_series(struct mu_instance *self, enum mu_severity severity, const struct mu_series *series,
                     const char *words, ...) MU_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif
#endif
