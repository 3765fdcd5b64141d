/* test_json: what is refused and with which words, and what is written. */
#include "base/json.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char error[256];

static json_t *parse(const char *text)
{
	return json_parse(text, strlen(text), error);
}

static void assert_written(json_t *json, const char *expected)
{
	size_t length;

	assert_non_null(json);
	char *text = json_text(json, &length);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
	free(text);
	json_decref(json);
}

static void any_one_value_is_read(void **state)
{
	(void)state;
	assert_written(parse(" {\"b\": [1, 2.5, true, null], \"a\": \"x\"} "),
		       "{\"b\":[1,2.5,true,null],\"a\":\"x\"}");
	assert_written(parse("\"text\""), "\"text\"");
	assert_written(parse("-7"), "-7");
	assert_written(parse("[]"), "[]");
	assert_written(parse("{}"), "{}");
	assert_written(parse("false"), "false");
	assert_string_equal(error, "");
}

static void assert_refused(const char *text, const char *place)
{
	assert_null(parse(text));
	assert_non_null(strstr(error, place));
}

static void what_is_refused_says_where(void **state)
{
	(void)state;
	assert_refused("", "line 1");
	assert_refused("{\"a\":1,\"a\":2}", "duplicate");
	assert_refused("{\"a\":1}\n x", "line 2, column");
	assert_refused("[1,]", "line 1, column 4");
	assert_refused("[NaN]", "line 1");
	assert_refused("\"\\u0000\"", "line 1");
	assert_refused("\"\xff\"", "line 1");
	assert_null(json_parse("1\0", 2, error));
	assert_null(json_parse(NULL, 0, error));
}

static void nesting_has_an_end(void **state)
{
	char text[200] = { 0 };

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	json_t *json = parse(text);
	assert_non_null(json);
	json_decref(json);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_refused(text, "line 1, column 65: more than 64 levels");
	/* brackets in a text are none */
	memset(text, '[', 100);
	memcpy(text, "\"\\\"", 3);
	text_copy(text + 100, 2, "\"");
	json = parse(text);
	assert_non_null(json);
	json_decref(json);
}

static void texts_are_escaped(void **state)
{
	(void)state;
	assert_written(json_string("a\"b\\c\nd\re\tf\bg\fh\x01i\x7fj/\xc3\xa9"),
		       "\"a\\\"b\\\\c\\nd\\re\\tf\\bg\\fh\\u0001i\\u007fj/\xc3\xa9\"");
	assert_written(json_stringn("a\0b", 3), "\"a\\u0000b\"");
}

static void reals_are_short_and_come_back(void **state)
{
	(void)state;
	assert_written(json_real(0.1), "0.1");
	assert_written(json_real(1), "1.0");
	assert_written(json_real(-2.5e-9), "-2.5e-09");
	assert_written(json_real(1e300), "1e+300");
	assert_written(json_real(0.1 + 0.2), "0.30000000000000004");
	assert_written(json_real(5e-324), "4.94065645841247e-324");
	assert_written(json_integer(INT64_MIN), "-9223372036854775808");
}

static void a_number_that_is_none_becomes_null(void **state)
{
	(void)state;
	assert_written(json_number(NAN), "null");
	assert_written(json_number(-INFINITY), "null");
	assert_written(json_number(1.5), "1.5");
}

static void members(void **state)
{
	json_t *object = parse("{\"text\":\"x\",\"int\":5,\"real\":2e3,\"half\":0.5,\"null\":null}");

	(void)state;
	assert_string_equal(json_get_text(object, "text"), "x");
	assert_null(json_get_text(object, "int"));
	assert_null(json_get_text(object, "none"));
	assert_null(json_get_text(NULL, "none"));
	assert_int_equal(json_get_int(object, "int", -1), 5);
	assert_int_equal(json_get_int(object, "real", -1), 2000);
	assert_int_equal(json_get_int(object, "half", -1), -1);
	assert_int_equal(json_get_int(object, "text", -1), -1);
	assert_int_equal(json_get_int(object, "none", -1), -1);
	json_decref(object);
}

static void setting_text(void **state)
{
	json_t *object = json_object();

	(void)state;
	json_set_text(object, "none", NULL);
	json_set_text(object, "a", "b");
	json_set_text(object, "bytes", "x\xffy\xc3\xa9\xe2\x82z");
	assert_written(object, "{\"a\":\"b\",\"bytes\":\"x\xef\xbf\xbdy\xc3\xa9\xef\xbf\xbd\xef\xbf\xbdz\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_one_value_is_read),
		cmocka_unit_test(what_is_refused_says_where),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(reals_are_short_and_come_back),
		cmocka_unit_test(a_number_that_is_none_becomes_null),
		cmocka_unit_test(members),
		cmocka_unit_test(setting_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
