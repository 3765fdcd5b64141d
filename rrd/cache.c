/* cache: entries by series, the wheel that makes them due, the two queues, and what is dropped when all of
 * it holds too much. A wheel of a second a slot: putting an entry in and taking it out cost the same for
 * ten files and for a hundred thousand. */
#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST MU_SEC
#define BACKOFF_MAX   (5 * MU_MIN)
#define HELD_WAIT     MU_SEC

void cache_init(struct cache *cache, const struct cache_options *options, mu_time now)
{
	assert(cache && options);
	assert(now >= 0);
	*cache = (struct cache){ .options = *options, .tick = now / MU_SEC, .random = 88172645463325252u };
	for (size_t i = 0; i < CACHE_WHEEL; i++)
		link_init(&cache->wheel[i]);
	link_init(&cache->queued);
	link_init(&cache->urgent);
	link_init(&cache->idle);
	link_init(&cache->order);
}

/* ---- accounts ---- */

/* Before and after anything that changes an entry's rows. */
static void account(struct cache *cache, const struct entry *entry, bool after)
{
	size_t bytes = rows_bytes(&entry->rows) + rows_bytes(&entry->flight);
	uint64_t rows = (uint64_t)entry->rows.count + entry->flight.count;

	if (after) {
		cache->bytes += bytes;
		cache->rows += rows;
		return;
	}
	assert(cache->bytes >= bytes && cache->rows >= rows);
	cache->bytes -= bytes;
	cache->rows -= rows;
}

static void settle(struct cache *cache, struct wait **waits, bool written)
{
	struct wait *list = *waits;

	*waits = NULL;
	if (list && cache->settled)
		cache->settled(cache, list, written);
}

/* ---- states and places ---- */

/* xorshift64: spreads load, guards nothing. */
static double random_share(struct cache *cache)
{
	cache->random ^= cache->random << 13;
	cache->random ^= cache->random >> 7;
	cache->random ^= cache->random << 17;
	return (double)(cache->random >> 11) / (double)(UINT64_C(1) << 53);
}

/* How long this entry's values may wait. The first time it is the golden ratio's part for each series. */
static mu_time choose_window(struct cache *cache, struct entry *entry)
{
	mu_time timeout = cache->options.timeout, spread = cache->options.spread;

	if (!entry->spread) {
		uint32_t part = mu_series_index(entry->series) * 2654435769u;
		entry->spread = true;
		return (mu_time)((double)timeout * ((double)part / 4294967296.0));
	}
	if (spread > timeout)
		spread = timeout;
	return timeout - spread + (mu_time)(2.0 * (double)spread * random_share(cache));
}

static mu_time backoff_of(const struct entry *entry)
{
	uint32_t doublings = entry->failures > 10 ? 10 : entry->failures ? entry->failures - 1 : 0;
	mu_time wait = BACKOFF_FIRST << doublings;

	return wait > BACKOFF_MAX ? BACKOFF_MAX : wait;
}

static void into_wheel(struct cache *cache, struct entry *entry, mu_time now, mu_time wait)
{
	if (cache->waiting == 0 && cache->tick < now / MU_SEC)
		cache->tick = now / MU_SEC; /* it stood still while there was nothing in it */
	entry->due = now + wait;
	int64_t tick = (entry->due + MU_SEC - 1) / MU_SEC;
	if (tick <= cache->tick)
		tick = cache->tick + 1;
	link_append(&cache->wheel[tick % CACHE_WHEEL], &entry->place);
	cache->waiting++;
}

static void leave_place(struct cache *cache, struct entry *entry)
{
	if (entry->state == ENTRY_WAITING || entry->state == ENTRY_BACKOFF)
		cache->waiting--;
	if (entry->state == ENTRY_QUEUED || entry->state == ENTRY_URGENT)
		cache->queue_length--;
	link_remove(&entry->place);
}

static void take_place(struct cache *cache, struct entry *entry, mu_time now)
{
	switch (entry->state) {
	case ENTRY_IDLE:
		entry->idle_since = now;
		link_append(&cache->idle, &entry->place);
		break;
	case ENTRY_WAITING:
		into_wheel(cache, entry, now, entry->window);
		break;
	case ENTRY_BACKOFF:
		into_wheel(cache, entry, now, backoff_of(entry));
		break;
	case ENTRY_QUEUED:
	case ENTRY_URGENT:
		link_append(entry->state == ENTRY_QUEUED ? &cache->queued : &cache->urgent, &entry->place);
		cache->queue_length++;
		break;
	case ENTRY_BUSY:
	case ENTRY_STATES:
		break;
	}
}

static void apply(struct cache *cache, struct entry *entry, enum entry_event event, mu_time now)
{
	int next = entry_next(entry->state, event);

	assert(next >= 0);
	if (entry->state == ENTRY_BUSY && event > entry->again && event <= ENTRY_FLUSH)
		entry->again = event;
	if ((enum entry_state)next == entry->state)
		return;
	if (next == ENTRY_WAITING)
		entry->window = event == ENTRY_HELD ? HELD_WAIT : choose_window(cache, entry);
	leave_place(cache, entry);
	entry->state = (enum entry_state)next;
	take_place(cache, entry, now);
}

/* ---- entries ---- */

static void forget(struct cache *cache, struct entry *entry)
{
	uint32_t index = mu_series_index(entry->series);

	assert(entry->state != ENTRY_BUSY);
	if (cache->forgotten)
		cache->forgotten(cache, entry);
	settle(cache, &entry->waits, false);
	account(cache, entry, false);
	rows_fini(&entry->rows);
	rows_fini(&entry->flight);
	leave_place(cache, entry);
	link_remove(&entry->order);
	names_remove(&cache->names, entry->name);
	if (index < cache->index_room && cache->by_index[index] == entry)
		cache->by_index[index] = NULL;
	mu_series_unref(&entry->series);
	free(entry);
	cache->entries--;
}

void cache_fini(struct cache *cache)
{
	assert(cache);
	for (size_t i = 0; i < cache->index_room; i++)
		if (cache->by_index[i])
			forget(cache, cache->by_index[i]);
	assert(cache->entries == 0 && cache->bytes == 0);
	free(cache->by_index);
	names_fini(&cache->names);
	*cache = (struct cache){ .entries = 0 };
}

static bool grow_index(struct cache *cache, uint32_t index)
{
	size_t room = cache->index_room ? cache->index_room : 64;

	while (room <= index)
		room *= 2;
	if (room == cache->index_room)
		return true;
	struct entry **by_index = realloc(cache->by_index, room * sizeof(struct entry *));
	if (!by_index)
		return false;
	memset(by_index + cache->index_room, 0, (room - cache->index_room) * sizeof(struct entry *));
	cache->by_index = by_index;
	cache->index_room = room;
	return true;
}

/* The series timed out and has come back as another one: the file is the same, and so is what waits for
 * it. */
static void take_up(struct cache *cache, struct entry *entry, struct mu_series *series)
{
	uint32_t before = mu_series_index(entry->series);

	if (before < cache->index_room && cache->by_index[before] == entry)
		cache->by_index[before] = NULL;
	names_remove(&cache->names, entry->name);
	mu_series_unref(&entry->series);
	entry->series = mu_series_ref(series);
	entry->name = mu_series_name(series);
	int r = names_put(&cache->names, entry->name, entry);
	assert(r == 0); /* there is room: one has just left */
	(void)r;
}

static struct entry *entry_of(struct cache *cache, struct mu_series *series, mu_time now)
{
	uint32_t index = mu_series_index(series);

	if (index < cache->index_room && cache->by_index[index] && cache->by_index[index]->series == series)
		return cache->by_index[index];
	if (!grow_index(cache, index))
		return NULL;
	/* A slot of another series is that of one that has ended: it lost its index with its last
	 * reference, but we hold one as long as there is an entry. */
	assert(!cache->by_index[index]);
	struct entry *entry = names_get(&cache->names, mu_series_name(series));
	if (entry) {
		take_up(cache, entry, series);
		cache->by_index[index] = entry;
		return entry;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->series = mu_series_ref(series);
	entry->name = mu_series_name(series);
	if (names_put(&cache->names, entry->name, entry) < 0) {
		mu_series_unref(&entry->series);
		free(entry);
		return NULL;
	}
	cache->by_index[index] = entry;
	cache->entries++;
	take_place(cache, entry, now);
	return entry;
}

struct entry *cache_find(const struct cache *cache, const char *name)
{
	assert(cache && name);
	return names_get(&cache->names, name);
}

struct entry *cache_next(const struct cache *cache, size_t *at)
{
	assert(cache && at);
	while (*at < cache->index_room) {
		struct entry *entry = cache->by_index[(*at)++];
		if (entry)
			return entry;
	}
	return NULL;
}

/* ---- values ---- */

/* `count` of the oldest rows that no writer has. */
static void drop_rows(struct cache *cache, struct entry *entry, uint32_t count, mu_time now)
{
	assert(count > 0 && count <= entry->rows.count);
	account(cache, entry, false);
	rows_drop(&entry->rows, count);
	account(cache, entry, true);
	cache->dropped += count;
	link_remove(&entry->order);
	if (entry->rows.count > 0) {
		link_append(&cache->order, &entry->order);
		return;
	}
	settle(cache, &entry->waits, false);
	if (entry->state != ENTRY_BACKOFF) /* that one ends in its own time */
		apply(cache, entry, ENTRY_EMPTIED, now);
}

/* Half of what the longest waiting entry has: a series loses detail before another loses all. */
static void make_room(struct cache *cache, mu_time now)
{
	while (cache->bytes > cache->options.limit && !link_empty(&cache->order)) {
		struct entry *oldest = link_owner(cache->order.next, struct entry, order);
		drop_rows(cache, oldest, (oldest->rows.count + 1) / 2, now);
	}
}

static enum entry_event urgency(const struct cache *cache, const struct entry *entry)
{
	mu_time span = (rows_last(&entry->rows) - rows_first(&entry->rows)) * MU_SEC;

	if (cache->options.timeout == 0 || !entry->taken)
		return ENTRY_HURRY;
	/* By the values' own time: many at once from outside are no reason to hold them all. */
	if (span >= (entry->state == ENTRY_WAITING ? entry->window : cache->options.timeout))
		return ENTRY_HURRY;
	return ENTRY_COALESCE;
}

enum cache_added cache_add(struct cache *cache, const struct mu_sample *sample, mu_time now)
{
	struct entry *entry = entry_of(cache, sample->series, now);
	int64_t second = sample->time / MU_SEC;

	if (!entry)
		return CACHE_REFUSED;
	assert(sample->count == mu_series_type(sample->series)->count);
	entry->interval = sample->interval;
	entry->subsecond = sample->interval < MU_SEC;
	if (second <= 0 || second <= entry->last_second)
		return CACHE_PAST;
	if (entry->rows.count > 0 && entry->rows.sources != sample->count)
		drop_rows(cache, entry, entry->rows.count, now); /* types.db has changed under it */
	account(cache, entry, false);
	int added = rows_add(&entry->rows, second, mu_series_type(sample->series), sample->values);
	account(cache, entry, true);
	if (added == ROWS_FOLDED)
		return CACHE_FOLDED;
	if (added != 0)
		return added == ROWS_PAST ? CACHE_PAST : CACHE_REFUSED;
	if (!link_in(&entry->order))
		link_append(&cache->order, &entry->order);
	apply(cache, entry, urgency(cache, entry), now);
	make_room(cache, now);
	return CACHE_NEW;
}

bool cache_has(const struct entry *entry)
{
	assert(entry);
	return entry->rows.count > 0 || entry->state == ENTRY_BUSY;
}

void cache_flush(struct cache *cache, struct entry *entry, struct wait *wait, mu_time now)
{
	struct wait **waits = entry->rows.count > 0 ? &entry->waits : &entry->flight_waits;

	assert(cache && cache_has(entry));
	if (wait) {
		wait->next = *waits;
		*waits = wait;
	}
	if (entry->rows.count > 0)
		apply(cache, entry, ENTRY_FLUSH, now);
}

/* ---- time ---- */

bool cache_is_waiting(const struct cache *cache)
{
	assert(cache);
	return cache->waiting > 0;
}

static void turn_slot(struct cache *cache, struct link *slot, mu_time now)
{
	struct link *next;

	for (struct link *at = slot->next; at != slot; at = next) {
		struct entry *entry = link_owner(at, struct entry, place);

		next = at->next;
		if (entry->due <= now)
			apply(cache, entry, entry->rows.count > 0 ? ENTRY_DUE : ENTRY_EMPTIED, now);
	}
}

void cache_tick(struct cache *cache, mu_time now)
{
	int64_t until = now / MU_SEC;

	assert(cache && now >= 0);
	/* After a sleep of the machine one turn is enough. */
	if (until - cache->tick > CACHE_WHEEL)
		cache->tick = until - CACHE_WHEEL;
	while (cache->tick < until)
		turn_slot(cache, &cache->wheel[++cache->tick % CACHE_WHEEL], now);
	while (!link_empty(&cache->idle)) {
		struct entry *entry = link_owner(cache->idle.next, struct entry, place);
		if (now - entry->idle_since < CACHE_IDLE_KEEP)
			break;
		forget(cache, entry);
	}
}

/* ---- writers ---- */

struct entry *cache_take(struct cache *cache, bool all, int64_t second, mu_time now)
{
	for (;;) {
		struct link *queue = link_empty(&cache->urgent) && all ? &cache->queued : &cache->urgent;
		if (link_empty(queue))
			return NULL;
		struct entry *entry = link_owner(queue->next, struct entry, place);
		bool hold = entry->subsecond && entry->state == ENTRY_QUEUED;

		assert(entry->rows.count > 0 && entry->flight.count == 0);
		account(cache, entry, false);
		rows_take(&entry->rows, &entry->flight, hold ? second : INT64_MAX);
		account(cache, entry, true);
		if (entry->flight.count == 0) {
			apply(cache, entry, ENTRY_HELD, now);
			continue;
		}
		link_remove(&entry->order);
		if (entry->rows.count > 0)
			link_append(&cache->order, &entry->order);
		entry->last_second = rows_last(&entry->flight);
		entry->flight_waits = entry->waits;
		entry->waits = NULL;
		entry->taken = true;
		entry->again = ENTRY_COALESCE;
		apply(cache, entry, ENTRY_TAKE, now);
		return entry;
	}
}

/* Rows of a failed write wait again, in front of those that came meanwhile. */
static uint32_t keep_flight(struct entry *entry, bool keep)
{
	uint32_t count = entry->flight.count;
	bool same = entry->rows.count == 0 || entry->rows.sources == entry->flight.sources;

	if (keep && same && rows_put_back(&entry->rows, &entry->flight) == 0)
		return 0;
	rows_fini(&entry->flight);
	return count;
}

uint32_t cache_give_back(struct cache *cache, struct entry *entry, enum cause cause, mu_time now)
{
	uint32_t lost = 0;

	assert(cache && entry->state == ENTRY_BUSY);
	entry->cause = cause;
	account(cache, entry, false);
	if (cause == CAUSE_NONE)
		rows_fini(&entry->flight);
	else
		lost = keep_flight(entry, cause_keeps(cause));
	account(cache, entry, true);
	if (entry->rows.count > 0 && !link_in(&entry->order))
		link_append(&cache->order, &entry->order);
	settle(cache, &entry->flight_waits, cause == CAUSE_NONE);
	if (cause != CAUSE_NONE) {
		entry->failures++;
		settle(cache, &entry->waits, false);
		apply(cache, entry, ENTRY_FAILED, now);
		return lost;
	}
	entry->failures = 0;
	apply(cache, entry, ENTRY_WRITTEN, now);
	if (entry->rows.count > 0)
		apply(cache, entry, entry->again, now);
	return 0;
}
