/* counters: the daemon watches itself: what instances count, and what the rooms know, as series muster-…/…. Main loop. */
#ifndef CORE_COUNTERS_H
#define CORE_COUNTERS_H

#include <jansson.h>
#include <stdbool.h>

struct mu_instance;

void counters_init(void);
void counters_fini(void);
/* Every interval of the core; one batch. Not at all when CollectInternalStats is false. */
void counters_publish(bool enabled);
/* {"reads": 12, …}: of one instance, for `plugin get`. */
json_t *counters_json(const struct mu_instance *instance);

#endif
