/* cache: which values wait for which file, and when each file is due. It knows neither loop nor librrd:
 * time comes in as an argument, and whoever writes takes entries out and brings them back.
 *
 * An entry is a file. Its values wait up to CacheTimeout from the first of them, so one call to librrd
 * takes many; the first wait after the start is a part of that, another for each file, so that they
 * spread. */
#ifndef RRD_CACHE_H
#define RRD_CACHE_H

#include <muster/value.h>

#include "cause.h"
#include "link.h"
#include "names.h"
#include "rows.h"

enum entry_state {
	ENTRY_IDLE,    /* nothing waits */
	ENTRY_WAITING, /* values wait for more */
	ENTRY_QUEUED,  /* is to be written, in turn */
	ENTRY_URGENT,  /* is to be written before those: someone wants to see it, or we stop */
	ENTRY_BUSY,    /* is being written; new values wait beside */
	ENTRY_BACKOFF, /* could not be written, and waits for another try */
	ENTRY_STATES
};
enum entry_event {
	ENTRY_COALESCE, /* a value came that has time */
	ENTRY_HURRY,    /* one that has none */
	ENTRY_FLUSH,    /* someone wants to see it now */
	ENTRY_DUE,      /* the wait is over */
	ENTRY_HELD,     /* its turn, but its only row is not whole yet */
	ENTRY_TAKE,     /* a writer has taken its rows */
	ENTRY_WRITTEN,  /* it came back, and all is in the file */
	ENTRY_FAILED,   /* it came back, and is not */
	ENTRY_EMPTIED,  /* its rows were dropped */
	ENTRY_EVENTS
};
const char *entry_state_name(enum entry_state state);
/* The state that follows, or -1 where the event cannot happen. */
int entry_next(enum entry_state state, enum entry_event event);

/* Somebody who waits for an entry to be written: embed. */
struct wait {
	struct wait *next;
};

struct entry {
	struct mu_series *series; /* held */
	const char *name;         /* the series' */
	mu_time interval;         /* of the newest value */
	struct rows rows;         /* wait */
	struct rows flight;       /* are being written; the writer's while ENTRY_BUSY */
	enum entry_state state;
	enum entry_event
		again;    /* while ENTRY_BUSY: what came meanwhile; ENTRY_COALESCE = nothing in a hurry */
	bool taken;       /* by a writer, at least once since the start */
	bool looked;      /* what the file holds has been looked at; the writer's */
	bool spread;      /* its first wait is behind it */
	bool subsecond;   /* several values a second: the newest row is not whole before the second is over */
	enum cause cause; /* why the last write failed */
	uint32_t failures;   /* in a row */
	int64_t last_second; /* newest that was taken by a writer */
	mu_time due, window, idle_since;
	struct wait *waits, *flight_waits;
	struct link place; /* in the wheel, a queue, or the ring of the idle */
	struct link order; /* among those with rows, by the age of the first */
};

#define CACHE_WHEEL     256 /* slots of a second */
#define CACHE_IDLE_KEEP (10 * MU_MIN)

struct cache_options {
	mu_time timeout; /* 0 = no value waits */
	mu_time spread;  /* RandomTimeout */
	size_t limit;    /* bytes of rows */
};

struct cache {
	struct cache_options options;
	struct entry **by_index; /* of the series; where that has another series, ask for the name */
	size_t index_room;
	struct names names;
	size_t entries, bytes, waiting; /* waiting: those in the wheel */
	uint64_t rows;                  /* that wait or are being written */
	uint64_t dropped;               /* rows, for want of room; the owner reads it */
	struct link wheel[CACHE_WHEEL], queued, urgent, idle, order;
	size_t queue_length;
	int64_t tick; /* the wheel has been turned up to here */
	uint64_t random;
	/* An entry's waits are over: with its rows written, or not. The list is the callee's. */
	void (*settled)(struct cache *cache, struct wait *waits, bool written);
	/* Before an entry is freed. */
	void (*forgotten)(struct cache *cache, struct entry *entry);
};
void cache_init(struct cache *cache, const struct cache_options *options, mu_time now);
/* Nothing may be ENTRY_BUSY. */
void cache_fini(struct cache *cache);

enum cache_added { CACHE_NEW, CACHE_FOLDED, CACHE_PAST, CACHE_REFUSED };
/* One value; past the limit the oldest rows go, which may be this one. CACHE_REFUSED = out of memory. */
enum cache_added cache_add(struct cache *cache, const struct mu_sample *sample, mu_time now);

struct entry *cache_find(const struct cache *cache, const char *name); /* NULL */
/* Is there anything of this entry that is not on disk yet? */
bool cache_has(const struct entry *entry);
/* Someone wants it there, and takes notice by `settled`. Only when it has something. */
void cache_flush(struct cache *cache, struct entry *entry, struct wait *wait, mu_time now);
/* Every entry, in no order: *at begins as 0. NULL = that was the last. */
struct entry *cache_next(const struct cache *cache, size_t *at);

/* Turns the wheel: what is due is queued, what has been idle for long is forgotten. */
void cache_tick(struct cache *cache, mu_time now);
/* Is there anything to tick for? */
bool cache_is_waiting(const struct cache *cache);

/* The next to be written, its rows in `flight`; urgent ones first, others only when `all`. `second` is the
 * wall clock's: a row of it may still grow. NULL = none. */
struct entry *cache_take(struct cache *cache, bool all, int64_t second, mu_time now);
/* Brings it back: CAUSE_NONE, or why it failed; then the rows wait again, unless that would be in vain:
 * returns how many are lost. */
uint32_t cache_give_back(struct cache *cache, struct entry *entry, enum cause cause, mu_time now);

#endif
