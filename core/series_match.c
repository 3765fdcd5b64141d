/* series_match: many series at once, and one by its name: for lists, LISTVAL and GETVAL.
 *
 * The table is copied slice by slice, so that a list of 100,000 holds up nobody's read; what comes or goes
 * meanwhile may be in the list or not, but nothing is in it twice. */
#include "series.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/plaintext.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 4096 };

static int by_name(const void *a, const void *b)
{
	const struct mu_series *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

struct mu_series **series_match(const char *glob, size_t *count)
{
	struct mu_series **series = NULL;
	size_t kept = 0, cap = 0;
	uint32_t cursor = 0;

	c_assert(count);
	do {
		if (cap < kept + SLICE) {
			cap = cap * 2 + SLICE;
			series = mem_grow(series, cap, sizeof(struct mu_series *));
		}
		size_t end = kept + series_slice(&cursor, SLICE, series + kept);
		c_assert(end <= cap);
		for (size_t i = kept; i < end; i++)
			if (!glob || mu_glob(glob, series[i]->name))
				series[kept++] = series[i];
			else
				mu_series_unref(&series[i]);
	} while (cursor != 0);
	*count = kept;
	if (kept == 0) {
		free(series);
		return NULL;
	}
	qsort(series, kept, sizeof(struct mu_series *), by_name);
	return series;
}

int mu_series_each(const char *glob, int (*each)(struct mu_series *series, void *data), void *data)
{
	size_t count;
	struct mu_series **all = series_match(glob, &count);
	int r = 0;

	c_assert(each);
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			r = each(all[i], data);
		mu_series_unref(&all[i]);
	}
	free(all);
	return r;
}

int series_parse(const char *name, const char *dflt_host, struct mu_series **out, bool create,
		 struct mu_error *error)
{
	char text[5 * SERIES_NAME_SIZE];
	struct plaintext_ident parts;

	c_assert(name && out);
	*out = NULL;
	int r = text_copy(text, sizeof(text), name) ? plaintext_ident(text, dflt_host, &parts)
						    : -ENAMETOOLONG;
	if (r < 0) {
		mu_error(error, -EINVAL, "\"%.140s\" is not the name of a series", name);
		mu_error_remedy(error,
				"a name is host/plugin-instance/type-instance; the instances may be absent");
		return -EINVAL;
	}
	struct mu_ident ident = { parts.host, parts.plugin, parts.plugin_instance, parts.type,
				  parts.type_instance };
	if (create)
		return mu_series_get(&ident, out, error);
	r = mu_series_find(&ident, out);
	if (r == -ENOENT)
		mu_error(error, r, "nobody reports the series \"%.140s\"", name);
	else if (r < 0)
		mu_error(error, r, "\"%.140s\" is not the name of a series", name);
	return r;
}
