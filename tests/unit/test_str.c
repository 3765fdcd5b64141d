/* test_str: growing texts, and the small helpers for fixed ones. */
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void an_empty_one_is_text_too(void **state)
{
	struct str str = { 0 };

	(void)state;
	assert_string_equal(str_text(&str), "");
	str_clear(&str);
	str_drop_head(&str, 0);
	char *text = str_take(&str);
	assert_string_equal(text, "");
	free(text);
	str_fini(&str);
}

static void it_grows_by_every_way(void **state)
{
	struct str str = { 0 };

	(void)state;
	str_add(&str, "abc");
	str_add_n(&str, "d\0e", 3);
	str_add_byte(&str, 'f');
	str_printf(&str, "%d", 12);
	assert_int_equal(str.len, 9);
	assert_memory_equal(str.data, "abcd\0ef12", 10);
	for (int i = 0; i < 1000; i++)
		str_printf(&str, "%04d", i);
	assert_int_equal(str.len, 4009);
	assert_string_equal(str.data + 4005, "0999");
	str_clear(&str);
	assert_string_equal(str_text(&str), "");
	str_printf(&str, "%500s|", "x");
	assert_int_equal(str.len, 501);
	str_fini(&str);
	assert_null(str.data);
}

static void the_head_can_go(void **state)
{
	struct str str = { 0 };

	(void)state;
	str_add(&str, "line one\nline two");
	str_drop_head(&str, 9);
	assert_string_equal(str_text(&str), "line two");
	str_drop_head(&str, 8);
	assert_string_equal(str_text(&str), "");
	assert_int_equal(str.len, 0);
	str_fini(&str);
}

static void taking_leaves_it_empty(void **state)
{
	struct str str = { 0 };

	(void)state;
	str_add(&str, "mine");
	char *text = str_take(&str);
	assert_string_equal(text, "mine");
	assert_int_equal(str.len, 0);
	str_add(&str, "next");
	assert_string_equal(text, "mine");
	free(text);
	str_fini(&str);
}

static void fixed_buffers_are_always_ended(void **state)
{
	char to[5];

	(void)state;
	assert_true(text_copy(to, sizeof(to), "four"));
	assert_string_equal(to, "four");
	assert_false(text_copy(to, sizeof(to), "fives"));
	assert_string_equal(to, "five");
	assert_false(text_copy(to, 1, "x"));
	assert_string_equal(to, "");
	assert_true(text_printf(to, sizeof(to), "%d", 1234));
	assert_false(text_printf(to, sizeof(to), "%d", 12345));
	assert_string_equal(to, "1234");
}

static void words_of_a_list(void **state)
{
	(void)state;
	assert_true(text_has_word("clients machines", "machines"));
	assert_true(text_has_word("  clients\tmachines ", "clients"));
	assert_false(text_has_word("clients machines", "machine"));
	assert_false(text_has_word("clients", "clientsx"));
	assert_false(text_has_word(NULL, "x"));
	assert_false(text_has_word("", "x"));
	assert_false(text_has_word("a b", ""));
}

static void comparing(void **state)
{
	(void)state;
	assert_true(text_starts("collectd", "coll"));
	assert_true(text_starts("collectd", ""));
	assert_false(text_starts("col", "coll"));
	assert_true(text_equal_nocase("Interval", "iNTERVAL"));
	assert_false(text_equal_nocase("Interval", "Interval2"));
	assert_false(text_equal_nocase("[", "{")); /* neighbours of the letters are no letters */
	assert_false(text_equal_nocase("\xc4", "\xe4"));
}

static bool printable(const char *text)
{
	return text_printable(text, strlen(text));
}

static void what_is_printable(void **state)
{
	(void)state;
	assert_true(printable(""));
	assert_true(printable("plain ~"));
	assert_true(printable("Gr\xc3\xbc\xc3\x9f"
			      "e \xe2\x82\xac \xf0\x9f\x98\x80"));
	assert_false(printable("tab\t"));
	assert_false(printable("\x7f"));
	assert_false(text_printable("a\0b", 3));
	assert_false(printable("\xc3"));     /* cut */
	assert_false(printable("\xc0\xaf")); /* too long a form */
	assert_false(printable("\xe0\x80\xaf"));
	assert_false(printable("\xed\xa0\x80"));     /* surrogate */
	assert_false(printable("\xf4\x90\x80\x80")); /* beyond the last plane */
	assert_false(printable("\xc2\x85"));         /* C1 control */
	assert_false(printable("\xff"));
}

static void cleaning(void **state)
{
	char text[] = "a\x01\xc3\xbc\xff\x7f z\xe2\x82";

	(void)state;
	text_clean(text);
	assert_string_equal(text, "a?\xc3\xbc?? z??");
	text_clean(text + strlen(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_is_text_too),
		cmocka_unit_test(it_grows_by_every_way),
		cmocka_unit_test(the_head_can_go),
		cmocka_unit_test(taking_leaves_it_empty),
		cmocka_unit_test(fixed_buffers_are_always_ended),
		cmocka_unit_test(words_of_a_list),
		cmocka_unit_test(comparing),
		cmocka_unit_test(what_is_printable),
		cmocka_unit_test(cleaning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
