/* bus_bench: what a value costs from the builder that makes it to the writer that lists it, in ns of CPU time
 * of the whole process, and what a series costs in bytes.
 *
 *   bus_bench [values [series]]      default: 1000000 values over 20000 series, batches of 1000
 *
 * A thread builds, main measures and fans out, the writer is on a loop of its own. CPU time, not the clock on
 * the wall: other jobs on the machine count little. */
#include "base/check.h"
#include "base/str.h"
#include "bus.h"
#include "instance.h"
#include "loop.h"
#include "types.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000, MEMORY_SERIES = 100000, BACKLOG = 64 };
#define BEGIN (1700000000 * MU_SEC)

struct item {
	struct mu_series *series;
	double value;
};

static size_t value_count = 1000000, series_count_wanted = 20000;
static struct mu_series **handles;
static struct item *list;
static size_t listed; /* atomic */
static mu_time stamp = BEGIN;

static int64_t cpu_now(clockid_t clock)
{
	struct timespec now;

	c_assert(clock_gettime(clock, &now) == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static size_t rss_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	c_assert(file && fscanf(file, "%*u %lu", &pages) == 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct mu_series *series_number(size_t i, const char *plugin)
{
	char instance[32], type_instance[32];
	struct mu_series *series;

	text_printf(instance, sizeof(instance), "%zu", i / 10);
	text_printf(type_instance, sizeof(type_instance), "value-%zu", i % 10);
	struct mu_ident ident = { NULL, plugin, instance, "gauge", type_instance };
	c_assert(mu_series_get(&ident, &series, NULL) == 0);
	return series;
}

static void measure_memory(void)
{
	size_t before = rss_bytes();

	for (size_t i = 0; i < MEMORY_SERIES; i++) {
		struct mu_series *series = series_number(i, "memory");
		mu_series_unref(&series);
	}
	printf("a series of one source: %zu bytes, of %d series\n", (rss_bytes() - before) / MEMORY_SERIES,
	       MEMORY_SERIES);
}

/* ---- the writer ---- */

static void write_list(struct mu_instance *self, const struct mu_batch *batch)
{
	size_t count = mu_batch_count(batch), at = listed;

	(void)self;
	for (size_t i = 0; i < count; i++) {
		const struct mu_sample *sample = mu_batch_sample(batch, i);
		list[at++ % value_count] = (struct item){ sample->series, sample->values[0].gauge };
	}
	__atomic_store_n(&listed, at, __ATOMIC_RELEASE);
}

static const struct mu_plugin plugin = MU_PLUGIN_INIT(bench, .write = write_list);
static struct mu_instance instance = { .plugin = &plugin, .name = "bench", .holds = 1 };

/* ---- the builder ---- */

static void fill_put(struct mu_batch *batch, size_t from)
{
	union mu_value value = { .gauge = (double)from };

	for (size_t i = 0; i < BATCH; i++)
		mu_put(batch, handles[(from + i) % series_count_wanted], &value, 1);
}

/* As a plugin does: ten values of an instance each. */
static void fill_gauge(struct mu_batch *batch, size_t from)
{
	static const char *const names[] = { "value-0", "value-1", "value-2", "value-3", "value-4",
					     "value-5", "value-6", "value-7", "value-8", "value-9" };
	char text[32];

	for (size_t i = 0; i < BATCH; i++) {
		size_t n = (from + i) % series_count_wanted;
		if (n % 10 == 0 || i == 0) {
			text_printf(text, sizeof(text), "%zu", n / 10);
			mu_batch_instance(batch, text);
		}
		mu_gauge(batch, "gauge", names[n % 10], (double)i);
	}
}

struct run {
	void (*fill)(struct mu_batch *batch, size_t from);
	struct mu_builder *builder;
	size_t values;
	int64_t cpu; /* the builder's thread */
};

static void quit(void *unused)
{
	(void)unused;
	loop_main_quit();
}

static void *build(void *data)
{
	struct run *run = data;
	size_t sent = 0, begun = __atomic_load_n(&listed, __ATOMIC_ACQUIRE);

	for (; sent < run->values; sent += BATCH) {
		if (sent % series_count_wanted == 0)
			stamp += 10 * MU_SEC;
		/* no more under way than a machine at work would have */
		while (sent - (__atomic_load_n(&listed, __ATOMIC_ACQUIRE) - begun) > BACKLOG * BATCH)
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
		struct mu_batch *batch = builder_begin(run->builder, stamp, 10 * MU_SEC);
		run->fill(batch, sent);
		bus_submit(batch, true);
	}
	while (__atomic_load_n(&listed, __ATOMIC_ACQUIRE) - begun < run->values)
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	run->cpu = cpu_now(CLOCK_THREAD_CPUTIME_ID);
	loop_call(loop_main(), quit, NULL);
	return NULL;
}

static int64_t run_once(struct run *run)
{
	pthread_t thread;
	int64_t before = cpu_now(CLOCK_PROCESS_CPUTIME_ID);

	c_assert(pthread_create(&thread, NULL, build, run) == 0);
	loop_main_run();
	pthread_join(thread, NULL);
	return cpu_now(CLOCK_PROCESS_CPUTIME_ID) - before;
}

static void measure(const char *what, void (*fill)(struct mu_batch *batch, size_t from))
{
	struct run run = { .fill = fill,
			   .builder = builder_new(NULL, "bench"),
			   .values = 2 * series_count_wanted };

	run_once(&run); /* makes the series, and warms up */
	run.values = value_count;
	int64_t cpu = run_once(&run);
	printf("%-10s %6.1f ns a value, of which its builder %.1f\n", what, (double)cpu / (double)value_count,
	       (double)run.cpu / (double)value_count);
	mu_builder_free(&run.builder);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		value_count = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		series_count_wanted = strtoul(argv[2], NULL, 10);
	if (value_count < BATCH || value_count % BATCH || series_count_wanted < BATCH ||
	    series_count_wanted % BATCH) {
		fprintf(stderr, "usage: bus_bench [values [series]], both in thousands\n");
		return 2;
	}
	char path[] = "/tmp/bus_bench.XXXXXX";
	int fd = mkstemp(path);
	static const char types[] = "gauge value:GAUGE:U:U\n";
	c_assert(fd >= 0 && write(fd, types, sizeof(types) - 1) == sizeof(types) - 1);
	close(fd);
	c_assert(types_load(path, NULL) == 0);
	unlink(path);

	series_init("bench.example.org");
	loop_main_init();
	bus_init();
	measure_memory();
	instance.loop = loop_find("writer");
	instance.ref = ref_new(instance.loop, &instance);
	bus_add_writer(&instance);
	list = calloc(value_count, sizeof(*list));
	c_assert(list);
	memset(list, 1, value_count * sizeof(*list));
	handles = calloc(series_count_wanted, sizeof(struct mu_series *));
	c_assert(handles);
	for (size_t i = 0; i < series_count_wanted; i++)
		handles[i] = series_number(i, "bench");
	for (int i = 0; i < 3; i++) {
		measure("mu_put", fill_put);
		measure("mu_gauge", fill_gauge);
	}
	return 0;
}
