/* store: the thread that owns every SQLite database, and commits in groups. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <muster/store.h>

struct mu_instance;

/* Databases lie in <base_dir>/store/<instance name>.sqlite ( ':' becomes '-' ). */
void store_init(const char *base_dir);
/* Main: no new operations; those waiting are done, then the database is closed and `closed` told (loop_call on main). */
void store_instance_gone(struct mu_instance *instance, void (*closed)(void *data), void *data);
/* Waits for all groups, at most `wait`. Returns databases that are still busy. */
int store_fini(int64_t wait_ns);
struct store_stats {
	uint64_t groups, writes, reads, failed, refused;
	size_t waiting;
};
void store_stats(struct store_stats *out);

#endif
