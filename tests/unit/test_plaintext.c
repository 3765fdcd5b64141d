/* test_plaintext: lines as collectd's users write them, cut up as collectd does. */
#include "base/plaintext.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static char line[1024];
static bool bad;

static char *begin(const char *text)
{
	assert_true(text_copy(line, sizeof(line), text));
	return line;
}

static void words_of_a_line(void **state)
{
	char *p = begin("PUTVAL  \"my host/cpu-0/cpu-idle\"\tinterval=10 N:5\r");

	(void)state;
	assert_string_equal(plaintext_word(&p, &bad), "PUTVAL");
	assert_string_equal(plaintext_word(&p, &bad), "my host/cpu-0/cpu-idle");
	assert_string_equal(plaintext_word(&p, &bad), "interval=10");
	assert_string_equal(plaintext_word(&p, &bad), "N:5");
	assert_null(plaintext_word(&p, &bad));
	assert_false(bad);
	assert_null(plaintext_word(&p, &bad));
}

static void quotes(void **state)
{
	char *p = begin("message=\"two \\\"words\\\" \\\\ \\n\" a\\b \"\" x");

	(void)state;
	assert_string_equal(plaintext_word(&p, &bad), "message=two \"words\" \\ n");
	assert_string_equal(plaintext_word(&p, &bad),
			    "a\\b"); /* outside quotes it is a byte like any other */
	assert_string_equal(plaintext_word(&p, &bad), "");
	assert_string_equal(plaintext_word(&p, &bad), "x");
	assert_false(bad);
	p = begin("\"never closed");
	assert_null(plaintext_word(&p, &bad));
	assert_true(bad);
	p = begin("\"ends in \\\"");
	assert_null(plaintext_word(&p, &bad));
	assert_true(bad);
	p = begin("\"x\\");
	assert_null(plaintext_word(&p, &bad));
	assert_true(bad);
}

static void assert_ident(const char *text, const char *dflt, const char *expected)
{
	struct plaintext_ident id;
	char joined[1024];

	assert_int_equal(plaintext_ident(begin(text), dflt, &id), 0);
	text_printf(joined, sizeof(joined), "%s|%s|%s|%s|%s", id.host, id.plugin, id.plugin_instance, id.type,
		    id.type_instance);
	assert_string_equal(joined, expected);
}

static void identifiers(void **state)
{
	(void)state;
	assert_ident("h/cpu-0/cpu-idle", NULL, "h|cpu|0|cpu|idle");
	assert_ident("my-host/load/load", NULL, "my-host|load||load|");
	assert_ident("h/a-b-c/d-e-f", NULL, "h|a|b-c|d|e-f");
	assert_ident("h/df-/df-x/y", NULL, "h|df||df|x/y");
	assert_ident("load/load", "me", "me|load||load|");
	assert_ident("h/p/t", "me", "h|p||t|");
}

static void assert_no_ident(const char *text, const char *dflt, int code)
{
	struct plaintext_ident id;

	assert_int_equal(plaintext_ident(begin(text), dflt, &id), code);
	assert_string_equal(line, text); /* left whole, for the answer */
}

static void what_is_no_identifier(void **state)
{
	char text[300];

	(void)state;
	assert_no_ident("", "me", -EINVAL);
	assert_no_ident("cpu", "me", -EINVAL);
	assert_no_ident("cpu/cpu", NULL, -EINVAL);
	assert_no_ident("/cpu/cpu", NULL, -EINVAL);
	assert_no_ident("h//cpu", NULL, -EINVAL);
	assert_no_ident("h/cpu/", NULL, -EINVAL);
	assert_no_ident("h/-0/cpu", NULL, -EINVAL);
	assert_no_ident("h/cpu/-x", NULL, -EINVAL);
	memset(text, 'x', sizeof(text));
	text_copy(text + 128, 5, "/p/t");
	assert_no_ident(text, NULL, -ENAMETOOLONG);
	struct plaintext_ident id;
	assert_int_equal(plaintext_ident(begin(text + 1), NULL, &id), 0);
	text_printf(text, sizeof(text), "h/p/t-%0128d", 1);
	assert_no_ident(text, NULL, -ENAMETOOLONG);
}

static void times_and_values(void **state)
{
	double time;
	bool now;
	char *values;

	(void)state;
	assert_int_equal(plaintext_time(begin("1700000000.5:1:U:0x10"), &time, &now, &values), 0);
	assert_false(now);
	assert_true(time == 1700000000.5);
	assert_string_equal(plaintext_value(&values), "1");
	assert_string_equal(plaintext_value(&values), "U");
	assert_string_equal(plaintext_value(&values), "0x10");
	assert_null(plaintext_value(&values));
	assert_null(plaintext_value(&values));
	assert_int_equal(plaintext_time(begin("N::5:"), &time, &now, &values), 0);
	assert_true(now);
	assert_string_equal(plaintext_value(&values), "5");
	assert_null(plaintext_value(&values));
}

static void what_is_no_time(void **state)
{
	static const char *const texts[] = { "",      ":",   "N",    "N:",    "n:1",   "12",     "12:",
					     "12x:1", "x:1", "-1:1", "nan:1", "inf:1", "1e999:1" };
	double time;
	bool now;
	char *values;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(plaintext_time(begin(texts[i]), &time, &now, &values), -EINVAL);
}

static void options(void **state)
{
	char *key, *value;

	(void)state;
	assert_true(plaintext_option(begin("interval=10"), &key, &value));
	assert_string_equal(key, "interval");
	assert_string_equal(value, "10");
	assert_true(plaintext_option(begin("meta:k=a=b"), &key, &value));
	assert_string_equal(key, "meta:k");
	assert_string_equal(value, "a=b");
	assert_true(plaintext_option(begin("k="), &key, &value));
	assert_string_equal(value, "");
	assert_false(plaintext_option(begin("=x"), &key, &value));
	assert_false(plaintext_option(begin("N:5"), &key, &value));
	assert_false(plaintext_option(begin("a-b=c"), &key, &value));
	assert_false(plaintext_option(begin(""), &key, &value));
	assert_string_equal(line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_a_line),  cmocka_unit_test(quotes),
		cmocka_unit_test(identifiers),      cmocka_unit_test(what_is_no_identifier),
		cmocka_unit_test(times_and_values), cmocka_unit_test(what_is_no_time),
		cmocka_unit_test(options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
