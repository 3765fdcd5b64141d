/* bus_up: see bus_up.h. */
#include "bus_up.h"

struct mu_builder *builder;

void write_down(struct mu_instance *self, const struct mu_batch *batch)
{
	struct writer *writer = container_of(self, struct writer, instance);

	writer->batches++;
	for (size_t i = 0; i < mu_batch_count(batch); i++) {
		const struct mu_sample *sample = mu_batch_sample(batch, i);
		writer->values++;
		writer->newest = sample->time;
		if (writer->got.len < 4096)
			str_printf(&writer->got, "%s=%g ", mu_series_name(sample->series),
			           sample->rates[0]);
	}
}

struct writer *writer_new(const char *name, struct loop *loop)
{
	struct writer *writer = mem_alloc(sizeof(*writer));

	writer->plugin = (struct mu_plugin)MU_PLUGIN_INIT(writer, .write = write_down);
	writer->instance.plugin = &writer->plugin;
	text_copy(writer->instance.name, sizeof(writer->instance.name), name);
	writer->instance.interval = 10 * MU_SEC;
	writer->instance.loop = loop;
	writer->instance.ref = ref_new(loop, &writer->instance);
	writer->instance.is = INSTANCE_RUNNING;
	return writer;
}

size_t turn(void)
{
	return loop_turn(loop_main());
}

void writer_end(struct writer **writer)
{
	ref_end((*writer)->instance.ref);
	(*writer)->instance.is = INSTANCE_STOPPED;
	bus_instance_gone(&(*writer)->instance);
	while (turn() > 0)
		;
	mu_ref_unref(&(*writer)->instance.ref);
	str_fini(&(*writer)->got);
	free(*writer);
	*writer = NULL;
}

const char *got(struct writer *writer)
{
	static char text[4200];

	text_copy(text, sizeof(text), str_text(&writer->got));
	str_clear(&writer->got);
	return text;
}

int setup(void **state)
{
	(void)state;
	fake_types("gauge value:GAUGE:U:U\npercent value:GAUGE:0:100.1\ncpu value:DERIVE:0:U\n"
	           "load s:GAUGE:0:5000, m:GAUGE:0:5000, l:GAUGE:0:5000\n");
	clock_hold(1000 * MU_SEC, NOW);
	series_init("here");
	loop_main_init();
	bus_init();
	builder = builder_new(NULL, "core");
	fake_event = (struct fake_told){ 0 };
	return 0;
}

int teardown(void **state)
{
	(void)state;
	mu_builder_free(&builder);
	bus_limits(16 << 20, 64 << 20);
	bus_fini();
	assert_int_equal(loop_stop_all(5 * MU_SEC), 0);
	loop_main_fini();
	series_fini();
	types_fini();
	clock_release();
	return 0;
}

int send_gauges(const char *instance, size_t count, bool force)
{
	struct mu_batch *batch = builder_begin(builder, clock_real(), 10 * MU_SEC);

	clock_advance(MU_MS);
	mu_batch_instance(batch, instance);
	for (size_t i = 0; i < count; i++) {
		char name[16];
		text_printf(name, sizeof(name), "%zu", i);
		assert_int_equal(mu_gauge(batch, "gauge", name, (double)i), 0);
	}
	return bus_submit(batch, force);
}

int send_cpu(int64_t value)
{
	struct mu_batch *batch = builder_begin(builder, clock_real(), 10 * MU_SEC);

	assert_int_equal(mu_derive(batch, "cpu", "user", value), 0);
	return bus_submit(batch, true);
}

struct sink_stats sink(size_t at)
{
	struct sink_stats stats = { 0 };

	assert_true(bus_sink_next(&at, &stats));
	return stats;
}
