/* core_up: see core_up.h. */
#include "core_up.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "bus.h"
#include "call.h"
#include "conf.h"
#include "event.h"
#include "kind.h"
#include "loader.h"
#include "log.h"
#include "pool.h"
#include "route.h"
#include "series.h"
#include "store.h"
#include "types.h"

static char folder[64];

void core_up(void)
{
	clock_hold(1000 * MU_SEC, 1700000000 * MU_SEC);
	log_init();
	log_level(MU_LOG_ERROR);
	series_init("unit");
	loop_main_init();
	pool_init(8);
	event_init();
	bus_init();
	kind_init();
	call_init();
	job_init();
	route_init();
	text_copy(folder, sizeof(folder), "/tmp/muster-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	store_init(folder);
}

void core_settle(void)
{
	struct pool_stats pool;

	do {
		while (loop_turn(loop_main()) > 0)
			;
		pool_stats(&pool);
		if (pool.busy > pool.disowned || pool.waiting > 0)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	} while (pool.busy > pool.disowned || pool.waiting > 0 || loop_turn(loop_main()) > 0);
}

void core_until(bool (*truth)(void *data), void *data)
{
	for (int i = 0; i < 100000; i++) {
		loop_turn(loop_main());
		if (truth(data))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	fail_msg("it did not come true within ten seconds");
}

struct mu_instance *core_instance(const struct mu_plugin *plugin, mu_time interval)
{
	const struct descriptor *descriptor = loader_find(plugin->name);
	struct conf_plugin conf = {
		.plugin = plugin->name, .name = plugin->name, .interval = interval, .load_text = ""
	};

	if (!descriptor)
		descriptor = loader_builtin(plugin);
	assert_non_null(descriptor);
	conf.descriptor = descriptor;
	conf.config = config_new(plugin->config_size);
	struct mu_instance *instance = instance_new(descriptor, &conf);
	config_unref(&conf.config);
	return instance;
}

void core_down(void)
{
	int left = store_fini(MU_SEC) + pool_fini(MU_SEC) + loop_stop_all(MU_SEC);

	while (loop_turn(loop_main()) > 0)
		;
	assert_int_equal(left, 0);
	assert_int_equal(instance_free_all(), 0);
	bus_fini();
	job_fini();
	call_fini();
	route_fini();
	kind_fini();
	event_fini();
	series_fini();
	loop_main_fini();
	log_fini();
	clock_release();
	rmdir(folder); /* empty unless the test opened a store in it */
}
