/* names: linear probing, at most half full; a removal moves up those behind it, so that there are no
 * tombstones. */
#include "names.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. Names come from outside: a flood of one hash costs time, bounded by the number of series. */
static size_t hash_of(const char *name)
{
	uint64_t hash = 14695981039346656037u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

void names_fini(struct names *names)
{
	assert(names);
	free(names->slots);
	*names = (struct names){ .size = 0 };
}

/* Where `name` is, or the free slot where it would be. */
static size_t find(const struct names *names, const char *name, size_t hash)
{
	size_t at = hash & (names->size - 1);

	assert(names->size > names->count);
	while (names->slots[at].name &&
	       (names->slots[at].hash != hash || strcmp(names->slots[at].name, name) != 0))
		at = (at + 1) & (names->size - 1);
	return at;
}

void *names_get(const struct names *names, const char *name)
{
	assert(names && name);
	if (names->count == 0)
		return NULL;
	return names->slots[find(names, name, hash_of(name))].value;
}

static int grow(struct names *names)
{
	struct names larger = { .size = names->size ? names->size * 2 : 64, .count = names->count };

	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->size; i++) {
		const struct names_slot *slot = &names->slots[i];
		if (slot->name)
			larger.slots[find(&larger, slot->name, slot->hash)] = *slot;
	}
	free(names->slots);
	*names = larger;
	return 0;
}

int names_put(struct names *names, const char *name, void *value)
{
	size_t hash = hash_of(name);

	assert(names && value);
	if ((names->count + 1) * 2 > names->size) {
		int r = grow(names);
		if (r < 0)
			return r;
	}
	struct names_slot *slot = &names->slots[find(names, name, hash)];
	assert(!slot->name);
	*slot = (struct names_slot){ .name = name, .value = value, .hash = hash };
	names->count++;
	return 0;
}

void names_remove(struct names *names, const char *name)
{
	assert(names && name);
	if (names->count == 0)
		return;
	size_t mask = names->size - 1, hole = find(names, name, hash_of(name));
	if (!names->slots[hole].name)
		return;
	names->count--;
	for (size_t at = (hole + 1) & mask; names->slots[at].name; at = (at + 1) & mask) {
		size_t home = names->slots[at].hash & mask;

		/* Those whose way from home leads over the hole move into it. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		names->slots[hole] = names->slots[at];
		hole = at;
	}
	names->slots[hole] = (struct names_slot){ .name = NULL };
}
