/* test_types: the grammar of types.db line by line, what replaces what, and that ours says the same as
 * collectd's. */
#include "types.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLLECTD_TYPES "/usr/share/collectd/types.db"

struct seen {
	struct str types; /* "name:count " of each */
	int bad_line, bads;
	char what[200];
	struct mu_source first, last; /* of the last type; names not kept */
};

static void seen_type(const struct mu_type *type, void *data)
{
	struct seen *seen = data;

	str_printf(&seen->types, "%s:%zu ", type->name, type->count);
	seen->first = type->sources[0];
	seen->last = type->sources[type->count - 1];
}

static void seen_bad(int line, const char *what, void *data)
{
	struct seen *seen = data;

	seen->bads++;
	seen->bad_line = line;
	text_copy(seen->what, sizeof(seen->what), what);
}

static struct seen parse(const char *text)
{
	struct seen seen = { 0 };
	char *exact = malloc(strlen(text) ? strlen(text) : 1); /* no NUL behind, for the sanitizer to see */

	memcpy(exact, text, strlen(text));
	types_parse(exact, strlen(text), seen_type, seen_bad, &seen);
	free(exact);
	return seen;
}

static void good_lines(void **state)
{
	static const struct {
		const char *text, *types;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "# a word\n#another", "" },
		{ "cpu value:DERIVE:0:U", "cpu:1 " },
		{ "  cpu\t\tvalue:derive:0:U  \r\n", "cpu:1 " },
		{ "load a:GAUGE:0:5000, b:GAUGE:0:5000, c:Gauge:0:5000\n", "load:3 " },
		{ "ib_octets rx:DERIVE:0:U tx:DERIVE:0:U\n", "ib_octets:2 " },
		{ "x a:GAUGE:U:U,b:GAUGE:U:U\n", "x:2 " },
		{ "a v:COUNTER:U:U\nb v:ABSOLUTE:0:U\n", "a:1 b:1 " },
		{ "a v:GAUGE:-1e6:1e6\n", "a:1 " },
		{ "muster.x v:GAUGE:0:U", "muster.x:1 " },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(rows); i++) {
		struct seen seen = parse(rows[i].text);
		assert_string_equal(str_text(&seen.types), rows[i].types);
		assert_int_equal(seen.bads, 0);
		str_fini(&seen.types);
	}
}

static void kinds_and_bounds(void **state)
{
	struct seen seen = parse("t a:GAUGE:U:18446744073709551615, b:ABSOLUTE:-3.5:U\n");

	(void)state;
	assert_int_equal(seen.first.type, MU_GAUGE);
	assert_true(isnan(seen.first.min));
	assert_float_equal(seen.first.max, 18446744073709551615.0, 0);
	assert_int_equal(seen.last.type, MU_ABSOLUTE);
	assert_float_equal(seen.last.min, -3.5, 0);
	assert_true(isnan(seen.last.max));
	str_fini(&seen.types);
}

static void bad_lines_are_named_and_passed_over(void **state)
{
	static const char *const rows[] = {
		"x",
		"x v:GAUGE:0",
		"x v:GAUGE:0:U:U",
		"x :GAUGE:0:U",
		"x v:GAGE:0:U",
		"x v:GAUGE:zero:U",
		"x v:GAUGE:0:1x",
		"x v:GAUGE:0:",
		"x v:GAUGE:nan:U",
		"x v:GAUGE:2:1",
		"x v:GAUGE:0:U v:GAUGE:0:U",
		"x-y v:GAUGE:0:U",
		"x/y v:GAUGE:0:U",
		".x v:GAUGE:0:U",
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(rows); i++) {
		text_printf(text, sizeof(text), "# first\na v:GAUGE:0:U\n%s\nb v:GAUGE:0:U\n", rows[i]);
		struct seen seen = parse(text);
		assert_string_equal(str_text(&seen.types), "a:1 b:1 ");
		assert_int_equal(seen.bads, 1);
		assert_int_equal(seen.bad_line, 3);
		str_fini(&seen.types);
	}
}

static void the_limits(void **state)
{
	struct str text = { 0 };
	struct seen seen = { 0 };

	(void)state;
	for (int sources = 63; sources <= 64; sources++) {
		str_clear(&text);
		str_add(&text, "wide");
		for (int i = 0; i < sources; i++)
			str_printf(&text, " s%d:GAUGE:0:U", i);
		seen = parse(str_text(&text));
		assert_string_equal(str_text(&seen.types), sources == 63 ? "wide:63 " : "");
		assert_int_equal(seen.bads, sources == 63 ? 0 : 1);
		str_fini(&seen.types);
	}
	str_clear(&text);
	for (int i = 0; i < 5000; i++)
		str_add_byte(&text, ' ');
	str_add(&text, "\nnext v:GAUGE:0:U");
	seen = parse(str_text(&text));
	assert_string_equal(str_text(&seen.types), "next:1 ");
	assert_int_equal(seen.bad_line, 1);
	str_fini(&seen.types);

	seen = (struct seen){ 0 };
	static const char with_nul[] = "a\0b v:GAUGE:0:U\nc v:GAUGE:0:U";
	assert_int_equal(types_parse(with_nul, sizeof(with_nul) - 1, seen_type, seen_bad, &seen), 1);
	assert_string_equal(str_text(&seen.types), "c:1 ");
	str_fini(&seen.types);
	/* nobody who listens */
	seen = (struct seen){ 0 };
	assert_int_equal(types_parse("bad\n", 4, seen_type, NULL, &seen), 0);
	str_fini(&text);
}

/* ---- files ---- */

static int load(const char *text, struct mu_error *error)
{
	char path[] = "/tmp/test_types.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int r = types_load(path, error);
	unlink(path);
	return r;
}

static void a_later_definition_replaces(void **state)
{
	(void)state;
	assert_int_equal(load("a v:GAUGE:0:U\nb v:GAUGE:0:U\n", NULL), 0);
	assert_int_equal(types_count(), 2);
	const struct mu_type *a = types_find("a"), *b = types_find("b");
	assert_non_null(a);
	assert_null(types_find("c"));

	assert_int_equal(load("a v:GAUGE:0:U\nb x:DERIVE:0:U, y:DERIVE:0:U\n", NULL), 0);
	assert_int_equal(types_count(), 2);
	assert_ptr_equal(types_find("a"), a); /* nothing new about it */
	assert_ptr_not_equal(types_find("b"), b);
	assert_int_equal(types_find("b")->count, 2);
	assert_string_equal(types_find("b")->sources[1].name, "y");
	/* the one before is still whole for those who have it */
	assert_string_equal(b->name, "b");
	assert_string_equal(b->sources[0].name, "v");
	types_fini();
	assert_int_equal(types_count(), 0);
}

static void trouble_with_files(void **state)
{
	struct mu_error error = { 0 };

	(void)state;
	assert_int_equal(types_load("/nonexistent/types.db", &error), -ENOENT);
	assert_non_null(strstr(error.what, "/nonexistent/types.db"));
	error = (struct mu_error){ 0 };
	assert_int_equal(load("a v:GAUGE:0:U\nb\nc v\nd v:GAUGE:0:U\n", &error), -EINVAL);
	assert_non_null(strstr(error.where, ":2"));
	assert_non_null(strstr(error.remedy, "1 more"));
	assert_non_null(types_find("d")); /* the good ones are in use */
	assert_int_equal(types_count(), 2);
	types_fini();
}

/* ---- the whole of it ---- */

struct compare {
	size_t types, differ;
};

static void compare_type(const struct mu_type *type, void *data)
{
	struct compare *compare = data;
	const struct mu_type *ours = types_find(type->name);

	compare->types++;
	if (ours && types_equal(ours, type))
		return;
	compare->differ++;
	print_error("differs from collectd's: %s\n", type->name);
}

static const char *our_types(void)
{
	static char path[600];
	const char *folder = getenv("srcdir"); /* of automake */

	text_printf(path, sizeof(path), "%s/etc/types.db", folder ? folder : ".");
	return path;
}

static void collectds_own_loads(void **state)
{
	(void)state;
	if (access(COLLECTD_TYPES, R_OK) != 0)
		skip();
	assert_int_equal(types_load(COLLECTD_TYPES, NULL), 0);
	assert_int_equal(types_count(), 366);
	assert_int_equal(types_find("smart_attribute")->count, 4);
	assert_int_equal(types_find("ib_octets")->count, 2);
	assert_string_equal(types_nearest("if_octet"), "if_octets");
	assert_null(types_nearest("nothing like any of them"));
	types_fini();
}

static void ours_says_what_collectds_says(void **state)
{
	struct mu_error error = { 0 };
	struct compare compare = { 0 };
	char text[65536];

	(void)state;
	if (types_load(our_types(), &error) < 0)
		fail_msg("%s: %s", error.where, error.what);
	assert_true(types_count() >= 366);
	FILE *file = fopen(COLLECTD_TYPES, "r");
	if (!file) {
		types_fini();
		skip();
	}
	size_t length = fread(text, 1, sizeof(text), file);
	fclose(file);
	types_parse(text, length, compare_type, NULL, &compare);
	assert_int_equal(compare.types, 366);
	assert_int_equal(compare.differ, 0);
	types_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines),
		cmocka_unit_test(kinds_and_bounds),
		cmocka_unit_test(bad_lines_are_named_and_passed_over),
		cmocka_unit_test(the_limits),
		cmocka_unit_test(a_later_definition_replaces),
		cmocka_unit_test(trouble_with_files),
		cmocka_unit_test(collectds_own_loads),
		cmocka_unit_test(ours_says_what_collectds_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
