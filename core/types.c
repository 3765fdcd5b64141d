/* types: types.db: what a type's data sources are.
 *
 * A type once seen is kept until the end, also when a later file replaces it: series and samples point to it
 * without counting. A definition equal to the one at hand changes nothing, so that a reload does not cost
 * memory. */
#include "types.h"
#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4095, SOURCES_MAX = 63, NAME_MAX_BYTES = 127, FILE_MAX_BYTES = 4 << 20 };

static const char *const kind_names[] = {
	[MU_COUNTER] = "COUNTER", [MU_GAUGE] = "GAUGE", [MU_DERIVE] = "DERIVE", [MU_ABSOLUTE] = "ABSOLUTE"
};

const char *types_kind_name(enum mu_ds_type kind)
{
	c_assert((size_t)kind < MU_ARRAY_LEN(kind_names));
	return kind_names[kind];
}

/* ---- the parser ---- */

/* The next word of *p, cut in place at a byte of `ends`; NULL when there is none. */
static char *word_cut(char **p, const char *ends)
{
	c_assert(p && *p);
	char *word = *p + strspn(*p, ends);

	if (!*word)
		return NULL;
	*p = word + strcspn(word, ends);
	if (**p)
		*(*p)++ = '\0';
	return word;
}

/* "U" = unbounded, else a number. */
static int bound_parse(const char *text, double *out)
{
	c_assert(text && out);
	*out = NAN;
	if (strcmp(text, "U") == 0)
		return 0;
	int r = scan_double(&text, out);
	return r < 0 || *text || isnan(*out) ? -EINVAL : 0;
}

static int kind_parse(const char *text, enum mu_ds_type *out)
{
	c_assert(text && out);
	for (size_t i = 0; i < MU_ARRAY_LEN(kind_names); i++)
		if (text_equal_nocase(text, kind_names[i])) {
			*out = (enum mu_ds_type)i;
			return 0;
		}
	return -EINVAL;
}

/* "name:KIND:min:max". NULL, or what is wrong. */
static const char *source_parse(char *text, struct mu_source *out)
{
	char *part[4];

	c_assert(text && out);
	for (size_t i = 0; i < 4; i++) {
		part[i] = text;
		char *colon = strchr(text, ':');
		if (!colon != (i == 3))
			return "a data source is name:KIND:min:max";
		if (colon) {
			*colon = '\0';
			text = colon + 1;
		}
	}
	out->name = part[0];
	if (!*out->name || strlen(out->name) > NAME_MAX_BYTES)
		return "the name of a data source has 1 to 127 bytes";
	if (kind_parse(part[1], &out->type) < 0)
		return "the kind of a data source is GAUGE, DERIVE, COUNTER or ABSOLUTE";
	if (bound_parse(part[2], &out->min) < 0 || bound_parse(part[3], &out->max) < 0)
		return "a bound is a number, or U for none";
	if (out->min > out->max) /* false with NAN */
		return "the least value is above the greatest";
	return NULL;
}

static const char *name_check(const char *name)
{
	c_assert(name);
	if (strlen(name) > NAME_MAX_BYTES)
		return "the name of a type has at most 127 bytes";
	/* the first '-' of "type-instance" ends the type, and '/' ends a folder */
	if (strpbrk(name, "-/:") || name[0] == '.')
		return "the name of a type has no '-', '/' or ':' and begins with no '.'";
	return NULL;
}

/* One line, cut in place. NULL and type->count 0 for an empty one; else what is wrong. */
static const char *line_parse(char *line, struct mu_type *type, struct mu_source sources[SOURCES_MAX])
{
	static const char blanks[] = " \t\r\v\f", between[] = " \t\r\v\f,";
	char *p = line, *word = word_cut(&p, blanks);

	c_assert(type && sources);
	type->count = 0;
	if (!word || word[0] == '#')
		return NULL;
	type->name = word;
	type->sources = sources;
	const char *wrong = name_check(word);
	while (!wrong && (word = word_cut(&p, between)) != NULL) {
		if (type->count == SOURCES_MAX)
			return "a type has at most 63 data sources";
		wrong = source_parse(word, &sources[type->count]);
		for (size_t i = 0; !wrong && i < type->count; i++)
			if (strcmp(sources[i].name, sources[type->count].name) == 0)
				wrong = "two data sources have the same name";
		type->count++;
	}
	return !wrong && type->count == 0 ? "a type has at least one data source" : wrong;
}

int types_parse(const char *text, size_t length, void (*found)(const struct mu_type *type, void *data),
		void (*bad)(int line, const char *what, void *data), void *data)
{
	const char *end = text + length;
	char line[LINE_MAX_BYTES + 1];
	struct mu_source sources[SOURCES_MAX];
	struct mu_type type;
	int number = 0, good = 0;

	c_assert(text || length == 0);
	c_assert(found);
	for (const char *next; text < end; text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((stop ? stop : end) - text);
		const char *wrong = NULL;

		next = stop ? stop + 1 : end;
		number++;
		type.count = 0;
		if (size > LINE_MAX_BYTES) {
			wrong = "the line is longer than 4,095 bytes";
		} else if (memchr(text, '\0', size)) {
			wrong = "the line has a NUL byte";
		} else {
			memcpy(line, text, size);
			line[size] = '\0';
			wrong = line_parse(line, &type, sources);
		}
		if (wrong && bad)
			bad(number, wrong, data);
		if (wrong || type.count == 0)
			continue;
		found(&type, data);
		good++;
	}
	return good;
}

/* ---- the table ---- */

/* "types": a leaf, held for a look-up */
static pthread_mutex_t types_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct map table;      /* name → the current definition */
static struct mu_type **kept; /* every definition there ever was */
static size_t kept_count;

static bool bound_equal(double a, double b)
{
	return isnan(a) ? isnan(b) : a >= b && a <= b;
}

bool types_equal(const struct mu_type *a, const struct mu_type *b)
{
	c_assert(a && b);
	if (a == b)
		return true;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct mu_source *x = &a->sources[i], *y = &b->sources[i];
		if (strcmp(x->name, y->name) != 0 || x->type != y->type || !bound_equal(x->min, y->min) ||
		    !bound_equal(x->max, y->max))
			return false;
	}
	return true;
}

/* One block: the type, its sources, all names. */
static struct mu_type *type_copy(const struct mu_type *from)
{
	size_t size = sizeof(struct mu_type) + from->count * sizeof(struct mu_source) + strlen(from->name) +
		      1;

	c_assert(from->count >= 1 && from->count <= SOURCES_MAX);
	for (size_t i = 0; i < from->count; i++)
		size += strlen(from->sources[i].name) + 1;
	struct mu_type *type = mem_alloc(size);
	struct mu_source *sources = (struct mu_source *)(type + 1);
	char *names = (char *)(sources + from->count);
	type->name = names;
	names = stpcpy(names, from->name) + 1;
	type->count = from->count;
	type->sources = sources;
	for (size_t i = 0; i < from->count; i++) {
		sources[i] = from->sources[i];
		sources[i].name = names;
		names = stpcpy(names, from->sources[i].name) + 1;
	}
	c_assert(names == (char *)type + size);
	return type;
}

static void take_one(const struct mu_type *type, void *data)
{
	(void)data;
	pthread_mutex_lock(&types_mutex);
	const struct mu_type *before = map_get(&table, type->name);
	if (!before || !types_equal(before, type)) {
		kept = mem_grow(kept, kept_count + 1, sizeof(struct mu_type *));
		kept[kept_count] = type_copy(type);
		map_put(&table, type->name, kept[kept_count]);
		kept_count++;
	}
	pthread_mutex_unlock(&types_mutex);
}

void types_take(const char *text, size_t length)
{
	c_assert(text);
	types_parse(text, length, take_one, NULL, NULL);
}

struct reading {
	struct mu_error *error;
	const char *path;
	int bad;
};

static void reading_found(const struct mu_type *type, void *data)
{
	c_assert(type && data);
}

static void reading_bad(int line, const char *what, void *data)
{
	struct reading *reading = data;

	c_assert(line > 0 && what);
	if (reading->bad++ > 0)
		return;
	mu_error(reading->error, -EINVAL, "%s", what);
	mu_error_where(reading->error, "%s:%d", reading->path, line);
}

int types_read(const char *path, char **text, size_t *length, struct mu_error *error)
{
	c_assert(path && text && length);
	*length = 0;
	int r = slurp_all(path, FILE_MAX_BYTES, text);
	if (r < 0) {
		*text = NULL;
		mu_error(error, r, "the types in %s cannot be read: %s", path,
			 r == -ENOTSUP ? "it is a pipe" : strerror(-r));
		mu_error_remedy(error, "name a readable file with TypesDB");
		return r;
	}
	*length = (size_t)r;
	struct reading reading = { .error = error, .path = path };
	types_parse(*text, *length, reading_found, reading_bad, &reading);
	if (reading.bad == 0)
		return 0;
	if (reading.bad > 1)
		mu_error_remedy(error, "correct this line and %d more", reading.bad - 1);
	else
		mu_error_remedy(error, "correct the line");
	return -EINVAL;
}

int types_load(const char *path, struct mu_error *error)
{
	char *text;
	size_t length;

	int r = types_read(path, &text, &length, error);
	if (text)
		types_take(text, length);
	free(text);
	return r;
}

const struct mu_type *types_find(const char *name)
{
	c_assert(name);
	pthread_mutex_lock(&types_mutex);
	const struct mu_type *type = map_get(&table, name);
	pthread_mutex_unlock(&types_mutex);
	return type;
}

const char *types_nearest(const char *name)
{
	struct nearest nearest;
	void *value;

	c_assert(name);
	nearest_init(&nearest, name);
	pthread_mutex_lock(&types_mutex);
	for (size_t at = 0; map_next(&table, &at, NULL, &value);)
		nearest_try(&nearest, ((const struct mu_type *)value)->name);
	pthread_mutex_unlock(&types_mutex);
	return nearest_best(&nearest);
}

size_t types_count(void)
{
	pthread_mutex_lock(&types_mutex);
	size_t count = table.count;
	pthread_mutex_unlock(&types_mutex);
	return count;
}

void types_fini(void)
{
	pthread_mutex_lock(&types_mutex);
	c_assert(kept_count >= table.count);
	map_fini(&table);
	for (size_t i = 0; i < kept_count; i++)
		free(kept[i]);
	free(kept);
	kept = NULL;
	kept_count = 0;
	pthread_mutex_unlock(&types_mutex);
}
