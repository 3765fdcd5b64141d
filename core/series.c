/* series: the identities, each one block that holds its five names, its type and its last value.
 *
 * The table is open addressing over 8-byte slots (index and half the hash), so that a look-up touches one
 * line of the table and then the series itself. The table holds one reference on each linked series; an index
 * is given again only after the last one has gone. Everything here is behind one mutex ("series"), a leaf:
 * nothing is called under it. */
#include "series.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "types.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { HOST, PLUGIN, PLUGIN_INSTANCE, TYPE, TYPE_INSTANCE, NAMES };
#define UNSEEN_NS (10 * MU_MIN) /* how long one may live that never had a value */

/* Five clean names in a row, each ended by NUL: what is hashed and compared. */
struct clean {
	char text[NAMES * SERIES_NAME_SIZE];
	const char *at[NAMES];
	size_t length[NAMES], total;
	uint64_t hash;
};

struct slot {
	uint32_t index_plus_one; /* 0 = empty */
	uint32_t hash;
};

static pthread_mutex_t series_mutex = PTHREAD_MUTEX_INITIALIZER; /* "series" */
static struct {
	struct slot *slots;
	size_t cap, linked; /* slots; how many are used */
	struct mu_series **by_index; /* NULL = free */
	uint32_t *free; /* indexes to be given again */
	size_t index_count, index_cap, free_count;
	uint64_t refused;
	uint32_t serial;
} table;

/* ---- names ---- */

int series_clean(char to[SERIES_NAME_SIZE], const char *name, bool plugin)
{
	size_t length = 0;

	c_assert(to && name);
	if (name[0] == '/' && name[1] == '\0')
		name = "root";
	else if (name[0] == '/')
		name++;
	for (; name[length]; length++) {
		char byte = name[length];
		if (length == SERIES_NAME_SIZE - 1 || ((unsigned char)byte < 0x20 && byte != '\t') ||
		    byte == 0x7f)
			return -EINVAL;
		to[length] = byte == '/' || (plugin && byte == '-') ? '_' : byte;
	}
	to[length] = '\0';
	return (int)length;
}

static int clean_error(struct mu_error *error, const char *which, const char *name)
{
	c_assert(which && name);
	mu_error(error, -EINVAL, "the %s of a series cannot be \"%.140s\"", which, name);
	mu_error_remedy(error,
	                "it has 1 to 127 bytes, none of them a control byte, and does not begin with a '.'");
	return -EINVAL;
}

static int ident_clean(const struct mu_ident *ident, struct clean *out, struct mu_error *error)
{
	static const char *const which[NAMES] = { "host", "plugin", "plugin instance", "type",
		                                  "type instance" };
	const char *names[NAMES] = { ident->host ? ident->host : mu_hostname(), ident->plugin,
		                     ident->plugin_instance, ident->type, ident->type_instance };
	char *to = out->text;

	for (size_t i = 0; i < NAMES; i++) {
		const char *name = names[i] ? names[i] : "";
		int length = series_clean(to, name, i == PLUGIN);
		bool may_be_empty = i == PLUGIN_INSTANCE || i == TYPE_INSTANCE;
		/* a folder or file must not hide, nor be one of the dots */
		if (length < 0 || (!may_be_empty && (length == 0 || to[0] == '.')))
			return clean_error(error, which[i], name);
		out->at[i] = to;
		out->length[i] = (size_t)length;
		to += length + 1;
	}
	out->total = (size_t)(to - out->text);
	c_assert(out->total <= sizeof(out->text));
	out->hash = hash_bytes(out->text, out->total, hash_seed());
	return 0;
}

static bool ident_equal(const struct mu_series *series, const struct clean *clean)
{
	const struct mu_ident *ident = &series->ident;

	return series->hash == clean->hash && strcmp(ident->type_instance, clean->at[TYPE_INSTANCE]) == 0 &&
	       strcmp(ident->type, clean->at[TYPE]) == 0 &&
	       strcmp(ident->plugin_instance, clean->at[PLUGIN_INSTANCE]) == 0 &&
	       strcmp(ident->plugin, clean->at[PLUGIN]) == 0 && strcmp(ident->host, clean->at[HOST]) == 0;
}

/* ---- one series ---- */

static char *name_put(char *to, const char *text, size_t length)
{
	memcpy(to, text, length);
	return to + length;
}

/* "host/plugin-instance/type-instance" and NUL; returns behind it. */
static char *name_write(char *to, const struct clean *clean)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (i == PLUGIN || i == TYPE)
			*to++ = '/';
		else if (i != HOST && clean->length[i])
			*to++ = '-';
		to = name_put(to, clean->at[i], clean->length[i]);
	}
	*to++ = '\0';
	return to;
}

/* The tail: values, rates, the whole name (whose end is the type instance), host, plugin, plugin instance. */
static struct mu_series *series_new(const struct clean *clean, const struct mu_type *type)
{
	size_t numbers = type->count * (sizeof(union mu_value) + sizeof(double));
	size_t texts = 2 * clean->total;
	struct mu_series *series = mem_alloc(sizeof(*series) + numbers + texts);

	c_assert(strcmp(type->name, clean->at[TYPE]) == 0);
	series->values = (union mu_value *)(series + 1);
	series->rates = (double *)(series->values + type->count);
	char *to = (char *)(series->rates + type->count);
	char *end = to + texts;
	series->name = to;
	to = name_write(to, clean);
	series->ident.type = type->name;
	series->ident.type_instance = to - 1 - clean->length[TYPE_INSTANCE];
	series->ident.host = to;
	to = name_put(to, clean->at[HOST], clean->length[HOST] + 1);
	series->ident.plugin = to;
	to = name_put(to, clean->at[PLUGIN], clean->length[PLUGIN] + 1);
	series->ident.plugin_instance = to;
	to = name_put(to, clean->at[PLUGIN_INSTANCE], clean->length[PLUGIN_INSTANCE] + 1);
	c_assert(to <= end);
	series->type = type;
	series->hash = clean->hash;
	series->count = 1; /* the table's */
	series->seen_mono = clock_mono();
	series->timeout = UNSEEN_NS;
	for (size_t i = 0; i < type->count; i++)
		series->rates[i] = __builtin_nan("");
	return series;
}

/* ---- the table; under the mutex ---- */

/* Where the series is, or the empty slot where it would be. */
static struct slot *slot_find(const struct clean *clean)
{
	size_t at = (uint32_t)clean->hash & (table.cap - 1);

	c_assert(table.cap > table.linked);
	for (;; at = (at + 1) & (table.cap - 1)) {
		struct slot *slot = &table.slots[at];
		if (slot->index_plus_one == 0)
			return slot;
		if (slot->hash == (uint32_t)clean->hash &&
		    ident_equal(table.by_index[slot->index_plus_one - 1], clean))
			return slot;
	}
}

static void slots_grow(void)
{
	struct slot *old = table.slots;
	size_t old_cap = table.cap;

	table.cap = old_cap ? old_cap * 2 : 256;
	table.slots = mem_array(table.cap, sizeof(struct slot));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].index_plus_one == 0)
			continue;
		size_t at = old[i].hash & (table.cap - 1);
		while (table.slots[at].index_plus_one)
			at = (at + 1) & (table.cap - 1);
		table.slots[at] = old[i];
	}
	free(old);
}

/* Closes the gap by moving those back that were pushed on, so that no tombs are needed. */
static void slot_clear(size_t gap)
{
	size_t mask = table.cap - 1;

	c_assert(table.slots[gap].index_plus_one);
	for (size_t at = (gap + 1) & mask; table.slots[at].index_plus_one; at = (at + 1) & mask) {
		size_t home = table.slots[at].hash & mask;
		if (((at - home) & mask) >= ((at - gap) & mask)) {
			table.slots[gap] = table.slots[at];
			gap = at;
		}
	}
	table.slots[gap] = (struct slot){ 0 };
}

static uint32_t index_take(void)
{
	if (table.free_count)
		return table.free[--table.free_count];
	if (table.index_count == table.index_cap) {
		table.index_cap = table.index_cap ? table.index_cap * 2 : 256;
		table.by_index = mem_grow(table.by_index, table.index_cap, sizeof(struct mu_series *));
		table.free = mem_grow(table.free, table.index_cap, sizeof(uint32_t));
	}
	table.by_index[table.index_count] = NULL;
	return (uint32_t)table.index_count++;
}

static struct mu_series *table_find(const struct clean *clean)
{
	if (table.linked == 0)
		return NULL;
	const struct slot *slot = slot_find(clean);
	return slot->index_plus_one ? table.by_index[slot->index_plus_one - 1] : NULL;
}

static struct mu_series *table_add(const struct clean *clean, const struct mu_type *type)
{
	struct mu_series *series = series_new(clean, type);

	if ((table.linked + 1) * 4 > table.cap * 3)
		slots_grow();
	struct slot *slot = slot_find(clean);
	c_assert(slot->index_plus_one == 0);
	series->index = index_take();
	c_assert(!table.by_index[series->index]);
	table.serial = table.serial == INT32_MAX ? 1 : table.serial + 1; /* 31 bits: see value_sub.c */
	series->serial = table.serial;
	table.by_index[series->index] = series;
	*slot = (struct slot){ .index_plus_one = series->index + 1, .hash = (uint32_t)series->hash };
	table.linked++;
	return series;
}

static void table_remove(struct mu_series *series)
{
	size_t at = (uint32_t)series->hash & (table.cap - 1);

	c_assert(!series->unlinked);
	while (table.slots[at].index_plus_one != series->index + 1) {
		c_assert(table.slots[at].index_plus_one);
		at = (at + 1) & (table.cap - 1);
	}
	slot_clear(at);
	c_assert(table.linked > 0);
	table.linked--;
	__atomic_store_n(&series->unlinked, true, __ATOMIC_RELEASE);
}

/* ---- handles ---- */

struct mu_series *mu_series_ref(struct mu_series *series)
{
	c_assert(series);
	c_assert(__atomic_fetch_add(&series->count, 1, __ATOMIC_RELAXED) > 0);
	return series;
}

static void series_free(struct mu_series *series)
{
	c_assert(series->unlinked);
	pthread_mutex_lock(&series_mutex);
	/* not so when the handle outlived series_fini */
	if (series->index < table.index_count && table.by_index[series->index] == series) {
		table.by_index[series->index] = NULL;
		table.free[table.free_count++] = series->index;
	}
	pthread_mutex_unlock(&series_mutex);
	free(series);
}

void mu_series_unref(struct mu_series **series)
{
	c_assert(series);
	struct mu_series *it = *series;

	*series = NULL;
	if (!it)
		return;
	uint32_t before = __atomic_fetch_sub(&it->count, 1, __ATOMIC_ACQ_REL);
	c_assert(before > 0);
	if (before == 1)
		series_free(it);
}

bool series_is_unlinked(const struct mu_series *series)
{
	return __atomic_load_n(&series->unlinked, __ATOMIC_ACQUIRE);
}

/* With a reference. 0; -ENOSPC. */
static int series_obtain(const struct clean *clean, const struct mu_type *type, struct mu_series **out)
{
	int r = 0;

	pthread_mutex_lock(&series_mutex);
	struct mu_series *series = table_find(clean);
	if (!series && table.index_count - table.free_count >= SERIES_MAX) {
		r = -ENOSPC;
		table.refused++;
	} else if (!series) {
		series = table_add(clean, type);
	}
	*out = series ? mu_series_ref(series) : NULL;
	pthread_mutex_unlock(&series_mutex);
	return r;
}

int mu_series_get(const struct mu_ident *ident, struct mu_series **out, struct mu_error *error)
{
	struct clean clean;

	c_assert(ident && out);
	*out = NULL;
	int r = ident_clean(ident, &clean, error);
	if (r < 0)
		return r;
	const struct mu_type *type = types_find(clean.at[TYPE]);
	if (!type) {
		mu_error(error, -ENOENT, "the type \"%s\" is not known", clean.at[TYPE]);
		const char *nearest = error ? types_nearest(clean.at[TYPE]) : NULL;
		if (nearest)
			mu_error_remedy(error, "did you mean \"%s\"?", nearest);
		else
			mu_error_remedy(error, "define it in a file named by TypesDB");
		return -ENOENT;
	}
	r = series_obtain(&clean, type, out);
	if (r < 0) {
		mu_error(error, r, "there are %d series already", SERIES_MAX);
		mu_error_remedy(error, "see who sends ever new names");
	}
	return r;
}

int mu_series_find(const struct mu_ident *ident, struct mu_series **out)
{
	struct clean clean;

	c_assert(ident && out);
	*out = NULL;
	int r = ident_clean(ident, &clean, NULL);
	if (r < 0)
		return r;
	pthread_mutex_lock(&series_mutex);
	struct mu_series *series = table_find(&clean);
	if (series)
		*out = mu_series_ref(series);
	pthread_mutex_unlock(&series_mutex);
	return series ? 0 : -ENOENT;
}

struct mu_series *series_relink(struct mu_series *old)
{
	struct clean clean;
	struct mu_series *series;

	c_assert(old && series_is_unlinked(old));
	c_assert(ident_clean(&old->ident, &clean, NULL) == 0); /* clean names stay as they are */
	c_assert(clean.hash == old->hash);
	if (series_obtain(&clean, old->type, &series) < 0)
		return NULL;
	if (!types_equal(series->type, old->type)) {
		mu_series_unref(&series);
		return NULL;
	}
	mu_series_unref(&old);
	return series;
}

const struct mu_ident *mu_series_ident(const struct mu_series *series)
{
	return &series->ident;
}

const struct mu_type *mu_series_type(const struct mu_series *series)
{
	return series->type;
}

const char *mu_series_name(const struct mu_series *series)
{
	return series->name;
}

uint32_t mu_series_index(const struct mu_series *series)
{
	return series->index;
}

/* ---- all of them ---- */

size_t series_count(void)
{
	pthread_mutex_lock(&series_mutex);
	size_t count = table.linked;
	pthread_mutex_unlock(&series_mutex);
	return count;
}

uint64_t series_refused(void)
{
	pthread_mutex_lock(&series_mutex);
	uint64_t refused = table.refused;
	pthread_mutex_unlock(&series_mutex);
	return refused;
}

size_t series_slice(uint32_t *cursor, size_t look, struct mu_series **out)
{
	size_t count = 0;

	c_assert(cursor && out);
	pthread_mutex_lock(&series_mutex);
	size_t end = *cursor + look < table.index_count ? *cursor + look : table.index_count;
	for (size_t i = *cursor; i < end; i++)
		/* one that is unlinked may be on its way out: hands off */
		if (table.by_index[i] && !table.by_index[i]->unlinked)
			out[count++] = mu_series_ref(table.by_index[i]);
	*cursor = end < table.index_count ? (uint32_t)end : 0;
	pthread_mutex_unlock(&series_mutex);
	return count;
}

void series_unlink(struct mu_series *series)
{
	c_assert(series);
	pthread_mutex_lock(&series_mutex);
	table_remove(series);
	pthread_mutex_unlock(&series_mutex);
	mu_series_unref(&series);
}

/* ---- life ---- */

void series_init(const char *name)
{
	c_assert(table.linked == 0);
	if (name)
		series_hostname(name);
}

void series_fini(void)
{
	pthread_mutex_lock(&series_mutex);
	struct mu_series **by_index = table.by_index;
	size_t count = table.index_count;
	for (size_t i = 0; i < count; i++)
		if (by_index[i] && !by_index[i]->unlinked)
			table_remove(by_index[i]);
		else
			by_index[i] = NULL;
	free(table.slots);
	free(table.free);
	uint32_t serial = table.serial;
	memset(&table, 0, sizeof(table));
	table.serial = serial;
	pthread_mutex_unlock(&series_mutex);
	for (size_t i = 0; i < count; i++)
		mu_series_unref(&by_index[i]);
	free(by_index);
	hostname_fini();
}
