/* link: a doubly linked ring. Embedded, zeroed = in no ring; a ring's head points to itself when empty. */
#ifndef RRD_LINK_H
#define RRD_LINK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next;
};

/* The struct that embeds the link. */
#define link_owner(at, type, member) ((type *)((char *)(at)-offsetof(type, member)))

static inline void link_init(struct link *ring)
{
	ring->prev = ring->next = ring;
}

static inline bool link_in(const struct link *at)
{
	return at->next != NULL;
}

static inline bool link_empty(const struct link *ring)
{
	return ring->next == ring;
}

static inline void link_append(struct link *ring, struct link *at)
{
	assert(!link_in(at) && link_in(ring));
	at->prev = ring->prev;
	at->next = ring;
	ring->prev->next = at;
	ring->prev = at;
}

/* Also when it is in no ring. */
static inline void link_remove(struct link *at)
{
	if (!link_in(at))
		return;
	at->prev->next = at->next;
	at->next->prev = at->prev;
	at->prev = at->next = NULL;
}

#endif
