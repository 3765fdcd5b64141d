/* test_path: collectd's paths byte for byte, and names that must not become one. */
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static char path[1024];

static int of(const char *host, const char *plugin, const char *pi, const char *type, const char *ti)
{
	const struct mu_ident ident = { host, plugin, pi, type, ti };

	return path_of_ident(path, sizeof(path), "/var/lib/muster/rrd", &ident);
}

static void paths_are_collectds(void **state)
{
	(void)state;
	assert_true(of("h1", "cpu", "0", "cpu", "user") > 0);
	assert_string_equal(path, "/var/lib/muster/rrd/h1/cpu-0/cpu-user.rrd");
	assert_int_equal(of("h1", "load", "", "load", ""), strlen("/var/lib/muster/rrd/h1/load/load.rrd"));
	assert_string_equal(path, "/var/lib/muster/rrd/h1/load/load.rrd");
	assert_true(of("h.example.org", "df", "var-lib", "df_complex", "free") > 0);
	assert_string_equal(path, "/var/lib/muster/rrd/h.example.org/df-var-lib/df_complex-free.rrd");
	/* blanks, dots within, UTF-8 and control bytes pass, as there */
	assert_true(of("h", "b c", "..", "gauge", ".x y\xc3\xa4\x01") > 0);
	assert_string_equal(path, "/var/lib/muster/rrd/h/b c-../gauge-.x y\xc3\xa4\x01.rrd");
}

static void a_name_is_the_same_path(void **state)
{
	(void)state;
	assert_true(path_of_name(path, sizeof(path), "/d", "h1/cpu-0/cpu-user") > 0);
	assert_string_equal(path, "/d/h1/cpu-0/cpu-user.rrd");
}

static void no_name_leads_out_of_the_folder(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",       "/",      "//",     "h",      "h/p",    "h/p/",  "h//t",   "/p/t",   "h/p/t/x",
		"../p/t", "h/../t", ".h/p/t", "h/.p/t", "h/p/.t", "./p/t", "h/p/..", "/h/p/t", "h/p/t/",
	};

	for (size_t i = 0; i < MU_ARRAY_LEN(names); i++) {
		assert_int_equal(path_of_name(path, sizeof(path), "/d", names[i]), -EINVAL);
		assert_string_equal(path, "");
	}
	assert_int_equal(of("..", "p", "", "t", ""), -EINVAL);
	assert_int_equal(of("h", "..", "", "t", ""), -EINVAL);
	assert_int_equal(of("h", ".p", "", "t", ""), -EINVAL);
	assert_int_equal(of("h", "p", "a/b", "t", ""), -EINVAL);
	assert_int_equal(of("h", "p", "", "t", "/../../x"), -EINVAL);
	assert_int_equal(of("", "p", "", "t", ""), -EINVAL);
	assert_int_equal(of("h", "", "x", "t", ""), -EINVAL);
	assert_int_equal(of("h", "p", "", "", "x"), -EINVAL);
}

static void too_long_is_told(void **state)
{
	(void)state;
	char longest[128], small[16];

	memset(longest, 'x', 127);
	longest[127] = '\0';
	assert_true(of(longest, longest, longest, "t", longest) > 0);
	assert_int_equal(of("h", "p", "", longest, longest), -ENAMETOOLONG); /* 259 with .rrd */
	assert_int_equal(path_of_name(small, sizeof(small), "/d", "host/plugin/type"), -ENAMETOOLONG);
	assert_string_equal(small, "");
	assert_int_equal(path_of_name(small, sizeof(small), "/d", "h/p/type"), 15);
	assert_int_equal(path_of_name(small, 15, "/d", "h/p/type"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_collectds),
		cmocka_unit_test(a_name_is_the_same_path),
		cmocka_unit_test(no_name_leads_out_of_the_folder),
		cmocka_unit_test(too_long_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
