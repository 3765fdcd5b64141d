/* map: text keys to pointers, by open addressing with linear probing.
 *
 * The hash is seeded once a process from getrandom(2), so that whoever chooses the keys cannot choose
 * the collisions. A deleted slot becomes a tomb unless the next one is empty, in which case the chain
 * ends here anyway; tombs count as load, and go when the table is rebuilt. */
#include "base/map.h"
#include "base/check.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct map_slot {
	char *key; /* NULL: empty; tomb: was deleted */
	void *value;
	uint64_t hash;
};

static char tomb[1];

enum { CAP_FIRST = 8 };

/* ---- hash: folded 64 × 64 bit products, 16 bytes a step ---- */

static const uint64_t salt_a = 0x9e3779b97f4a7c15, salt_b = 0xbb67ae8584caa73b, salt_c = 0xa54ff53a5f1d36f1;

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t mid = ah * bl + (al * bl >> 32);
	uint64_t mid2 = al * bh + (uint32_t)mid;
	return (mid2 << 32 | (uint32_t)(al * bl)) ^ (ah * bh + (mid >> 32) + (mid2 >> 32));
#endif
}

static inline uint64_t read_8(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t read_4(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t state = seed ^ salt_a, a = 0, b = 0;
	size_t left = length;

	c_assert(bytes || length == 0);
	for (; left > 16; p += 16, left -= 16)
		state = hash_fold(read_8(p) ^ salt_b ^ seed, read_8(p + 8) ^ state);
	if (left >= 8) {
		/* the two reads overlap, so that every byte counts and none is read behind the end */
		a = read_8(p);
		b = read_8(p + left - 8);
	} else if (left >= 4) {
		a = read_4(p);
		b = read_4(p + left - 4);
	} else if (left > 0) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
	}
	state = hash_fold(a ^ salt_b ^ seed, b ^ state);
	return hash_fold(state ^ salt_c, (uint64_t)length ^ salt_b);
}

uint64_t hash_seed(void)
{
	static _Atomic uint64_t the_seed;
	uint64_t seed = atomic_load_explicit(&the_seed, memory_order_relaxed);

	if (seed)
		return seed;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		/* a kernel or a sandbox without it: better a guessable seed than none */
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		seed = hash_fold((uint64_t)now.tv_nsec ^ salt_a,
				 (uint64_t)(uintptr_t)&now ^ (uint64_t)getpid());
	}
	seed |= 1; /* 0 means not yet drawn */
	uint64_t none = 0;
	return atomic_compare_exchange_strong(&the_seed, &none, seed) ? seed : none;
}

/* ---- the table ---- */

static inline bool slot_used(const struct map_slot *slot)
{
	return slot->key && slot->key != tomb;
}

void map_fini(struct map *map)
{
	c_assert(map);
	for (size_t i = 0; i < map->cap; i++)
		if (slot_used(&map->slots[i]))
			free(map->slots[i].key);
	free(map->slots);
	*map = (struct map){ 0 };
}

/* The slot that holds `key`, or NULL. */
static struct map_slot *map_find(const struct map *map, const char *key, uint64_t hash)
{
	if (map->count == 0)
		return NULL;
	for (size_t i = (size_t)hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
		struct map_slot *slot = &map->slots[i];
		if (!slot->key)
			return NULL;
		if (slot->hash == hash && slot->key != tomb && strcmp(slot->key, key) == 0)
			return slot;
	}
}

/* The first slot on the way of `hash` that can be filled. */
static struct map_slot *map_free_slot(const struct map *map, uint64_t hash)
{
	c_assert(map->count < map->cap);
	for (size_t i = (size_t)hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1))
		if (!slot_used(&map->slots[i]))
			return &map->slots[i];
}

static void map_rebuild(struct map *map)
{
	struct map old = *map;
	size_t cap = CAP_FIRST;

	while (cap < (old.count + 1) * 2)
		cap *= 2;
	map->slots = mem_array(cap, sizeof(*map->slots));
	map->cap = cap;
	map->tombs = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (slot_used(&old.slots[i]))
			*map_free_slot(map, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

static uint64_t map_hash(const char *key)
{
	c_assert(key);
	return hash_bytes(key, strlen(key), hash_seed());
}

void *map_get(const struct map *map, const char *key)
{
	c_assert(map);
	struct map_slot *slot = map_find(map, key, map_hash(key));
	return slot ? slot->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
	c_assert(map);
	c_assert(value);
	uint64_t hash = map_hash(key);
	struct map_slot *slot = map_find(map, key, hash);

	if (slot) {
		void *before = slot->value;
		slot->value = value;
		return before;
	}
	if ((map->count + map->tombs + 1) * 4 > map->cap * 3)
		map_rebuild(map);
	slot = map_free_slot(map, hash);
	if (slot->key == tomb)
		map->tombs--;
	*slot = (struct map_slot){ .key = mem_strdup(key), .value = value, .hash = hash };
	map->count++;
	return NULL;
}

void *map_del(struct map *map, const char *key)
{
	c_assert(map);
	struct map_slot *slot = map_find(map, key, map_hash(key));
	if (!slot)
		return NULL;
	void *value = slot->value;
	size_t next = ((size_t)(slot - map->slots) + 1) & (map->cap - 1);

	free(slot->key);
	slot->value = NULL;
	slot->key = map->slots[next].key ? tomb : NULL;
	if (slot->key)
		map->tombs++;
	c_assert(map->count > 0);
	map->count--;
	return value;
}

bool map_next(const struct map *map, size_t *at, const char **key, void **value)
{
	c_assert(map && at);
	while (*at < map->cap) {
		const struct map_slot *slot = &map->slots[(*at)++];
		if (!slot_used(slot))
			continue;
		if (key)
			*key = slot->key;
		if (value)
			*value = slot->value;
		return true;
	}
	return false;
}
