/* test_daemon_load: a configuration is read by a worker: one at a time, for a while, and never in main's way. */
#include "daemon_load.h"

#include "base/clock.h"
#include "base/str.h"
#include "core_up.h"
#include "daemon.h"
#include "loader.h"
#include "pool.h"
#include "types.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/test_load_XXXXXX", path[64], gate[64];

static struct {
	int calls, again;
	bool good;
	struct mu_error error;
	size_t errors, types;
} seen;

static void write_file(const char *name, const char *text)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s/%s", folder, name);
	FILE *file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* "@" in the text is the folder. */
static void write_conf(const char *text)
{
	struct str whole = { 0 };

	str_add(&whole, "PluginDir \"" HANG_PLUGINS "\"\n");
	for (const char *p = text; *p; p++)
		if (*p == '@')
			str_add(&whole, folder);
		else
			str_add_byte(&whole, *p);
	write_file("main.conf", str_text(&whole));
	str_fini(&whole);
}

static void then(struct loaded *loaded, void *data)
{
	assert_ptr_equal(data, &seen);
	seen.calls++;
	seen.good = loaded->conf != NULL;
	seen.error = loaded->report.errors[0];
	seen.errors = loaded->report.error_count;
	seen.types = loaded->type_count;
	if (loaded->conf)
		loaded_take_types(loaded);
}

static void again(void)
{
	seen.again++;
	assert_false(daemon_load_next(again)); /* the one before it is through */
}

static int load(struct mu_error *error)
{
	return daemon_load(then, &seen, error);
}

static int setup(void **state)
{
	static struct conf_report report;

	(void)state;
	core_up();
	memset(&seen, 0, sizeof(seen));
	write_file("first.db", "one value:GAUGE:0:U\n");
	write_conf("TypesDB \"@/first.db\"\n");
	memset(&report, 0, sizeof(report));
	struct conf *conf = conf_load(path, &report);
	assert_non_null(conf);
	assert_null(daemon_conf_swap(conf));
	return 0;
}

static int teardown(void **state)
{
	struct conf *conf = daemon_conf_swap(NULL);

	(void)state;
	conf_free(&conf);
	core_down();
	types_fini();
	return 0;
}

static void it_comes_later_and_whole(void **state)
{
	struct mu_error error = { .code = 0 };

	(void)state;
	write_conf("TypesDB \"@/first.db\"\nInterval 3\n");
	assert_int_equal(load(&error), 0);
	assert_int_equal(seen.calls, 0);
	core_settle();
	assert_int_equal(seen.calls, 1);
	assert_true(seen.good);
	assert_int_equal(seen.types, 0);
	assert_false(daemon_load_next(again)); /* there is nothing to wait for */
	assert_int_equal(seen.again, 0);
	write_conf("Bogus 1\nInterval soon\n");
	assert_int_equal(load(&error), 0);
	core_settle();
	assert_false(seen.good);
	assert_int_equal(seen.errors, 2);
}

static void types_that_are_new_are_read_and_taken(void **state)
{
	struct mu_error error = { .code = 0 };

	(void)state;
	write_file("second.db", "two value:GAUGE:0:U\n");
	write_conf("TypesDB \"@/first.db\" \"@/second.db\"\n");
	assert_int_equal(load(&error), 0);
	core_settle();
	assert_true(seen.good);
	assert_int_equal(seen.types, 1);
	assert_non_null(types_find("two"));
	assert_null(types_find("one")); /* its file was not new */
	write_file("third.db", "three value:GAUGE:0:U\nfour nonsense\n");
	write_conf("TypesDB \"@/first.db\" \"@/third.db\" \"@/none.db\"\n");
	assert_int_equal(load(&error), 0);
	core_settle();
	assert_false(seen.good);
	assert_int_equal(seen.errors, 2);
	assert_non_null(strstr(seen.error.where, "third.db:2"));
	assert_null(types_find("three")); /* a mistake changes nothing */
}

static bool has_begun(void *unused)
{
	char begun[80];

	(void)unused;
	snprintf(begun, sizeof(begun), "%s.begun", gate);
	return access(begun, F_OK) == 0;
}

static bool is_through(void *unused)
{
	struct pool_stats stats;

	(void)unused;
	pool_stats(&stats);
	return stats.busy == 0 && stats.disowned == 0;
}

static void what_hangs_is_given_up(void **state)
{
	struct mu_error error = { .code = 0 };
	struct pool_stats stats;

	(void)state;
	write_file("gate", "");
	write_conf("TypesDB \"@/first.db\"\nLoadPlugin hang\n");
	assert_int_equal(load(&error), 0);
	core_until(has_begun, NULL);
	assert_int_equal(load(&error), -EBUSY);
	assert_non_null(strstr(error.what, "read already"));
	assert_true(daemon_load_next(again));
	assert_true(daemon_load_next(again));
	assert_null(loader_find("hang")); /* asked of main, while the worker is at it */
	clock_advance(29 * MU_SEC);
	while (loop_turn(loop_main()) > 0)
		;
	assert_int_equal(seen.calls, 0);
	clock_advance(2 * MU_SEC);
	while (loop_turn(loop_main()) > 0)
		;
	assert_int_equal(seen.calls, 1);
	assert_false(seen.good);
	assert_int_equal(seen.error.code, -EIO);
	assert_non_null(strstr(seen.error.what, "within 30 s"));
	assert_int_equal(seen.again, 1); /* however often it was asked for */
	pool_stats(&stats);
	assert_int_equal(stats.disowned, 1);
	unlink(gate);
	core_until(is_through, NULL);
	assert_int_equal(seen.calls, 1); /* what comes of it later is nothing */
	assert_non_null(loader_find("hang")); /* but the library is there now */
	assert_int_equal(load(&error), 0);
	core_settle();
	assert_int_equal(seen.calls, 2);
	assert_true(seen.good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_comes_later_and_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(types_that_are_new_are_read_and_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(what_hangs_is_given_up, setup, teardown),
	};
	static const char *const made[] = { "main.conf", "first.db", "second.db", "third.db", "gate.begun", "" };

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/main.conf", folder);
	snprintf(gate, sizeof(gate), "%s/gate", folder);
	setenv("MUSTER_TEST_HANG", gate, 1);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < MU_ARRAY_LEN(made); i++) {
		char whole[128];
		snprintf(whole, sizeof(whole), "%s/%s", folder, made[i]);
		if (remove(whole) < 0)
			r = r ? r : 1;
	}
	return r;
}
