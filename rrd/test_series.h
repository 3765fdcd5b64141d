/* test_series: series without a core, for tests: made by hand, counted by hand. */
#ifndef RRD_TEST_SERIES_H
#define RRD_TEST_SERIES_H

#include <muster/value.h>

#include <assert.h>
#include <stdio.h>

struct mu_series {
	uint32_t index, refs;
	const struct mu_type *type;
	char name[64];
};

static uint32_t fake_refs; /* of all series */

struct mu_series *mu_series_ref(struct mu_series *series)
{
	series->refs++;
	fake_refs++;
	return series;
}

void mu_series_unref(struct mu_series **series)
{
	assert((*series)->refs > 0);
	(*series)->refs--;
	fake_refs--;
	*series = NULL;
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

#endif
