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
/* The core's own store is open: numbers go on from its newest, and history goes there from now on; it keeps
 * 100,000 events. NULL: there is none, and numbers begin at 1. Until one of the two is said, events wait for
 * their number, and only the log has them. It ends with the instance it belongs to. */
void event_store(struct mu_store *store);
/* The core itself says so. Any thread. */
void event_core(enum mu_severity severity, const char *words, ...) MU_PRINTF(2, 3);
void event_add_listener(struct mu_instance *instance); /* main: has an `event` callback */
void event_instance_gone(struct mu_instance *instance);
/* Of main's and of listeners' queues, and those that never came into the history. A follower's: stream_lost. */
uint64_t event_dropped(void);
const char *event_severity_name(uint32_t severity); /* "failure" "warning" "okay" "info" */

extern const struct mu_kind event_kind; /* served: list by keyset from the store, newest first */
extern const struct mu_command event_commands[]; /* follow (stream) */
extern const struct mu_migration event_migrations[]; /* events and audit: the core's tables */
extern const size_t event_migration_count;

#endif
