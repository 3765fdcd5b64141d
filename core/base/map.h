/* map: text keys to pointers. Open addressing; keys are copied. Zeroed = empty. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;
struct map {
	struct map_slot *slots;
	size_t count, cap, tombs;
};

void map_fini(struct map *map); /* not the values */
void *map_get(const struct map *map, const char *key); /* NULL when absent */
/* Returns the value that was there, or NULL. `value` may not be NULL. */
void *map_put(struct map *map, const char *key, void *value);
void *map_del(struct map *map, const char *key); /* the value, or NULL */
/* for (size_t at = 0; map_next(&map, &at, &key, &value);) … deleting the current one is allowed, adding is not. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed); /* not for hostile keys without a seed */
uint64_t hash_seed(void); /* random, the same for the life of the process */

#endif
