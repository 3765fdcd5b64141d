/* event: notifications: to the history, to the log, to plugins that want them, to followers. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <muster/command.h>
#include <muster/event.h>
#include <muster/kind.h>
#include <muster/store.h>

struct mu_instance;
struct mu_store;

void event_init(void); /* main loop; before the store: what happens until then waits */
void event_fini(void);
/* The core's own store is open: history goes there from now on; keeps 100,000 events. */
void event_store(struct mu_store *store);
/* The core itself says so. Any thread. */
void event_core(enum mu_severity severity, const char *words, ...) MU_PRINTF(2, 3);
void event_add_listener(struct mu_instance *instance); /* main: has an `event` callback */
void event_instance_gone(struct mu_instance *instance);
uint64_t event_dropped(void);
const char *event_severity_name(uint32_t severity); /* "failure" "warning" "okay" "info" */

extern const struct mu_kind event_kind; /* served: list by keyset from the store, newest first */
extern const struct mu_command event_commands[]; /* follow (stream) */
extern const struct mu_migration event_migrations[]; /* events and audit: the core's tables */
extern const size_t event_migration_count;

#endif
