/* bus_up: a bus with writers that note down what they get, on a clock that stands still. */
#ifndef BUS_UP_H
#define BUS_UP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "fake_core.h"
#include "instance.h"
#include "loop.h"
#include "types.h"

#define NOW (1700000000 * MU_SEC)

/* A writer that notes down what it gets. */
struct writer {
	struct mu_instance instance;
	struct mu_plugin plugin;
	struct str got; /* "name=rate " of each */
	size_t batches, values, turns_of_room;
	mu_time newest;
	uint64_t mixed_up; /* values that came before one that was sent earlier */
};

extern struct mu_builder *builder;
void write_down(struct mu_instance *self, const struct mu_batch *batch);
struct writer *writer_new(const char *name, struct loop *loop);
size_t turn(void);

/* As an instance ends that lives on main. */
void writer_end(struct writer **writer);
const char *got(struct writer *writer);
int setup(void **state);
int teardown(void **state);

/* One batch of so many gauges, all of one second. */
int send_gauges(const char *instance, size_t count, bool force);
int send_cpu(int64_t value);
struct sink_stats sink(size_t at);

#define each(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
