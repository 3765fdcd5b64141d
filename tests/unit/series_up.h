/* series_up: the table of series, with a few types, on a clock that stands still. */
#ifndef SERIES_UP_H
#define SERIES_UP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "fake_core.h"
#include "types.h"

int setup(void **state);
int teardown(void **state);
struct mu_series *get(const char *host, const char *plugin, const char *pi, const char *type,
                             const char *ti);
uint32_t put_at(struct mu_series *series, mu_time time, int64_t value, double *rate);

#define each(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
