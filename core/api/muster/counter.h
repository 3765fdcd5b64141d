/* muster/counter.h: what a plugin counts about itself.
 *
 * Declared as rows, added to from any thread, published by the core as the series
 * muster-<instance>/<type>-<name> and in `musterctl plugin get`. */
#ifndef MUSTER_COUNTER_H
#define MUSTER_COUNTER_H

#include <muster/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mu_counter {
	const char *name; /* type instance: "dropped" */
	/* NULL = "derive": a count, graphed per second. Else a type of types.db with one gauge source, in whose unit
	 * mu_level is given ("bytes", "queue_length"). */
	const char *type;
	const char *help;
};
#define MU_COUNTER_END { .name = NULL }

/* `index` is the row's place in the table; `add` may be negative for a level. Any thread, no lock. */
void mu_count(struct mu_instance *self, size_t index, int64_t add);
void mu_level(struct mu_instance *self, size_t index, int64_t now); /* sets it */
int64_t mu_counter_value(const struct mu_instance *self, size_t index);

#ifdef __cplusplus
}
#endif
#endif
