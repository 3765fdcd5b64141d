/* counters: the daemon watches itself: what instances count, and what the rooms know, as series muster-…/…. Main loop. */
#ifndef CORE_COUNTERS_H
#define CORE_COUNTERS_H

#include <jansson.h>

struct mu_instance;

/* The beat of the core: at every global Interval (not more often than once a second) the figures are published, unless
 * CollectInternalStats is false, and the objects of kind plugin and daemon are brought up to date. */
void counters_start(void);
void counters_stop(void);
void counters_publish(void); /* one batch, now */
/* {"reads": 12, …}: what an instance counts itself. */
json_t *counters_json(const struct mu_instance *instance);

#endif
