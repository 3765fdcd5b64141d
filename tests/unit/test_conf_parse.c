/* test_conf_parse: text to tree and back, and the sentence for every way to get it wrong. */
#include "base/conf_parse.h"
#include "base/arena.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct conf_problem problem;
static struct conf_node *first;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int parse(const char *text)
{
	return conf_parse(&arena, "x.conf", text, strlen(text), &first, &problem);
}

static void a_tree(void **state)
{
	(void)state;
	assert_int_equal(parse("Interval 10\n"
			       "<Plugin \"a b\" c>\n"
			       "  Key true \"yes\" # why\n"
			       "  <Empty>\n"
			       "  </Empty>\n"
			       "</Plugin>\n"
			       "Last /x"),
			 0);
	assert_string_equal(problem.what, "");
	assert_string_equal(first->key, "Interval");
	assert_string_equal(first->file, "x.conf");
	assert_int_equal(first->line, 1);
	assert_false(first->block);
	assert_int_equal(first->arg_count, 1);

	const struct conf_node *plugin = first->next;
	assert_true(plugin->block);
	assert_int_equal(plugin->arg_count, 2);
	assert_string_equal(plugin->args[0].text, "a b");
	assert_true(plugin->args[0].quoted);
	assert_false(plugin->args[1].quoted);

	const struct conf_node *key = plugin->children;
	assert_int_equal(key->line, 3);
	assert_int_equal(key->arg_count, 2);
	assert_false(key->args[0].quoted);
	assert_true(key->args[1].quoted);
	assert_true(key->next->block); /* an empty block is kept */
	assert_int_equal(key->next->arg_count, 0);
	assert_null(key->next->children);
	assert_null(key->next->next);
	assert_string_equal(plugin->next->key, "Last");
	assert_null(plugin->next->next);
}

static void nothing_is_a_file_too(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_null(first);
	assert_int_equal(parse("\n # only words\n\\\n\n"), 0);
	assert_null(first);
}

static void the_canonical_text(void **state)
{
	struct str out = { 0 };

	(void)state;
	assert_int_equal(parse("<Plugin   x>  # why\n Key \\\n  \"a\\\"\\\\b\"   0x10\n"
			       " <In>\n A b\n </In>\n</Plugin>"),
			 0);
	conf_node_write(&out, first, 0);
	assert_string_equal(str_text(&out), "<Plugin x>\n"
					    "\tKey \"a\\\"\\\\b\" 0x10\n"
					    "\t<In>\n"
					    "\t\tA b\n"
					    "\t</In>\n"
					    "</Plugin>\n");
	str_fini(&out);
}

static void assert_refused(const char *text, int line, const char *what, const char *remedy)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_null(first);
	assert_string_equal(problem.what, what);
	assert_string_equal(problem.remedy, remedy);
	assert_int_equal(problem.line, line);
}

static void blocks_that_do_not_close(void **state)
{
	(void)state;
	assert_refused("\n\n<Plugin x>\n a b\n", 3, "the block <Plugin> opened in line 3 is never closed",
		       "add </Plugin>");
	assert_refused("<A>\n<B>\n</A>\n", 3, "closing </A> does not match <B> of line 2",
		       "expected </B>, in the same upper and lower case");
	assert_refused("<Plugin x>\n</plugin>\n", 2, "closing </plugin> does not match <Plugin> of line 1",
		       "expected </Plugin>, in the same upper and lower case");
	assert_refused("a b\n</A>\n", 2, "</A> closes a block that was never opened",
		       "remove it, or add <A> above");
}

static void brackets_in_the_wrong_place(void **state)
{
	(void)state;
	assert_refused("<A\n</A>", 1, "expected \">\" to end <A> of line 1, found the end of the line",
		       "write <A ...> in one line");
	assert_refused("<A>\n</A x>", 2, "expected \">\" behind </A, found \"x\"", "write </A>");
	assert_refused("<A> b c\n</A>", 1, "\"b\" stands behind \">\" in the same line",
		       "begin a new line there");
	assert_refused("<>\n", 1, "\">\" is not the name of a block",
		       "a name is made of letters, digits and \"_\", without quotes");
	assert_refused("<\"A\">\n", 1, "a quoted text is not the name of a block",
		       "a name is made of letters, digits and \"_\", without quotes");
	assert_refused("\n Key a < b\n", 2, "\"<\" cannot stand among the arguments of \"Key\"",
		       "a block begins and ends in a line of its own; as an argument it needs double quotes");
	assert_refused("<A>\nKey a </A>", 2, "\"</\" cannot stand among the arguments of \"Key\"",
		       "a block begins and ends in a line of its own; as an argument it needs double quotes");
	assert_refused("<A x <B>>", 1, "expected \">\" to end <A> of line 1, found \"<\"",
		       "write <A ...> in one line");
}

static void options_that_are_none(void **state)
{
	(void)state;
	assert_refused("a b\nInterval\n", 2, "the option \"Interval\" has no argument",
		       "write Interval and a value, or <Interval> for a block");
	assert_refused("Load-Plugin x\n", 1, "\"Load-Plugin\" is not the name of an option",
		       "a name is made of letters, digits and \"_\", without quotes");
	assert_refused("\"Key\" x\n", 1, "a quoted text is not the name of an option",
		       "a name is made of letters, digits and \"_\", without quotes");
	assert_refused("> x\n", 1, "\">\" is not the name of an option",
		       "a name is made of letters, digits and \"_\", without quotes");
	assert_refused("Key = 5\n", 1, "the byte \"=\" cannot stand outside double quotes",
		       "put the word in double quotes");
	assert_refused("a b\nKey \"open\nb c\n", 2, "the quote that begins in line 2 is never closed",
		       "add the closing \", or end the line with \\ to go on in the next");
	assert_int_equal(conf_parse(&arena, "x", "a b\n\0", 5, &first, &problem), -EINVAL);
	assert_string_equal(problem.what, "the file holds a NUL byte in line 2");
}

static void what_is_beyond_the_bounds(void **state)
{
	struct str text = { 0 };

	(void)state;
	for (int i = 0; i < 64; i++)
		str_add(&text, "<A>\n");
	for (int i = 0; i < 64; i++)
		str_add(&text, "</A>\n");
	assert_int_equal(parse(str_text(&text)), 0);
	str_clear(&text);
	for (int i = 0; i < 65; i++)
		str_add(&text, "<A>\n");
	assert_int_equal(parse(str_text(&text)), -E2BIG);
	assert_string_equal(problem.what, "blocks nested deeper than 64 levels");
	assert_int_equal(problem.line, 65);

	str_clear(&text);
	str_add(&text, "Key");
	for (int i = 0; i < 4096; i++)
		str_add(&text, " 1");
	assert_int_equal(parse(str_text(&text)), 0);
	assert_int_equal(first->arg_count, 4096);
	str_add(&text, " 1");
	assert_int_equal(parse(str_text(&text)), -E2BIG);

	str_clear(&text);
	str_add(&text, "Key ");
	for (int i = 0; i < 1 << 17; i++)
		str_add(&text, "12345678");
	assert_int_equal(parse(str_text(&text)), 0);
	str_add(&text, "9");
	assert_int_equal(parse(str_text(&text)), -E2BIG);
	assert_true(strlen(problem.what) > 0);
	str_fini(&text);
}

static void a_long_name_is_cut_in_the_sentence(void **state)
{
	struct str text = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		str_add(&text, "k");
	assert_int_equal(parse(str_text(&text)), -EINVAL);
	assert_true(strlen(problem.what) < 100);
	str_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tree),
		TEST(nothing_is_a_file_too),
		TEST(the_canonical_text),
		TEST(blocks_that_do_not_close),
		TEST(brackets_in_the_wrong_place),
		TEST(options_that_are_none),
		TEST(what_is_beyond_the_bounds),
		TEST(a_long_name_is_cut_in_the_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
