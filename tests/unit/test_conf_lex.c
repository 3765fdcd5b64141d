/* test_conf_lex: the words of a line, how they are quoted and continued, and what cannot be one. */
#include "base/conf_lex.h"
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static struct arena arena;
static struct conf_lex lex;

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

static void begin(const char *text)
{
	conf_lex_init(&lex, &arena, text, strlen(text));
}

static void expect(enum conf_token token, int line, const char *text)
{
	assert_int_equal(conf_lex_next(&lex), token);
	assert_int_equal(lex.line, line);
	if (!text) {
		assert_null(lex.text);
		return;
	}
	assert_string_equal(lex.text, text);
	assert_int_equal(lex.length, strlen(text));
}

static void a_file_of_lines(void **state)
{
	(void)state;
	begin("# comment\nInterval 10\n\n<Plugin cpu>\n\tRoot \"/x y\"\n</Plugin>");
	expect(CONF_EOL, 1, NULL);
	expect(CONF_WORD, 2, "Interval");
	expect(CONF_WORD, 2, "10");
	expect(CONF_EOL, 2, NULL);
	expect(CONF_EOL, 3, NULL);
	expect(CONF_OPEN, 4, NULL);
	expect(CONF_WORD, 4, "Plugin");
	expect(CONF_WORD, 4, "cpu");
	expect(CONF_GT, 4, NULL);
	expect(CONF_EOL, 4, NULL);
	expect(CONF_WORD, 5, "Root");
	expect(CONF_QUOTED, 5, "/x y");
	expect(CONF_EOL, 5, NULL);
	expect(CONF_CLOSE, 6, NULL);
	expect(CONF_WORD, 6, "Plugin");
	expect(CONF_GT, 6, NULL);
	expect(CONF_END, 6, NULL);
	expect(CONF_END, 6, NULL);
}

static void bare_words(void **state)
{
	static const char *const words[] = {
		"true",
		"010",
		"0x1F",
		"-3.5e+7",
		"100ms",
		"/var/lib/x.rrd",
		"192.0.2.1:25826",
		"[::1]:8080",
		"ff18::",
		"a@b",
		"*.conf,?[ab]",
		"50%",
		"_x",
		"+1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		begin(words[i]);
		expect(CONF_WORD, 1, words[i]);
		expect(CONF_END, 1, NULL);
	}
}

static void quoting(void **state)
{
	(void)state;
	begin("\"\" \"a\\\"b\\\\c\\nd\" \"# < >\"x#y");
	expect(CONF_QUOTED, 1, "");
	expect(CONF_QUOTED, 1, "a\"b\\cnd");
	expect(CONF_QUOTED, 1, "# < >");
	expect(CONF_WORD, 1, "x");
	expect(CONF_END, 1, NULL);
}

static void lines_that_go_on(void **state)
{
	(void)state;
	begin("A \\\n  B \"one \\\n\t  two\\\r\nthree\" C\r\nD");
	expect(CONF_WORD, 1, "A");
	expect(CONF_WORD, 2, "B");
	expect(CONF_QUOTED, 2, "one twothree");
	expect(CONF_WORD, 4, "C");
	expect(CONF_EOL, 4, NULL);
	expect(CONF_WORD, 5, "D");
	expect(CONF_END, 5, NULL);
}

static void a_comment_ends_with_its_line(void **state)
{
	(void)state;
	begin("a # b \\\nc");
	expect(CONF_WORD, 1, "a");
	expect(CONF_EOL, 1, NULL);
	expect(CONF_WORD, 2, "c");
}

static void assert_bad(const char *text, int line, const char *part)
{
	enum conf_token token;

	begin(text);
	do
		token = conf_lex_next(&lex);
	while (token != CONF_BAD && token != CONF_END);
	assert_int_equal(token, CONF_BAD);
	assert_int_equal(lex.line, line);
	assert_non_null(strstr(lex.error, part));
	assert_int_equal(conf_lex_next(&lex), CONF_BAD); /* it does not go away */
}

static void what_cannot_be_a_word(void **state)
{
	(void)state;
	assert_bad("a\nb \"open\nc \"x\"", 2, "begins in line 2");
	assert_bad("a \"open \\\n more", 1, "begins in line 1");
	assert_bad("a \"open\\", 1, "never closed");
	assert_bad("a \"open\\\"", 1, "never closed");
	assert_bad("\n\na = b", 3, "\"=\"");
	assert_bad("a 'b'", 1, "\"'\"");
	assert_bad("a \\ b", 1, "\"\\\"");
	assert_bad("a \\", 1, "\"\\\"");
	assert_bad("a \xc3\xa4", 1, "0xc3");
	assert_bad("a \x01", 1, "0x01");
}

static void a_nul_is_never_text(void **state)
{
	(void)state;
	conf_lex_init(&lex, &arena, "a\0b", 3);
	expect(CONF_WORD, 1, "a");
	assert_int_equal(conf_lex_next(&lex), CONF_BAD);
	conf_lex_init(&lex, &arena, "\"a\0b\"", 5);
	assert_int_equal(conf_lex_next(&lex), CONF_BAD);
	conf_lex_init(&lex, &arena, NULL, 0);
	assert_int_equal(conf_lex_next(&lex), CONF_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_of_lines),
		TEST(bare_words),
		TEST(quoting),
		TEST(lines_that_go_on),
		TEST(a_comment_ends_with_its_line),
		TEST(what_cannot_be_a_word),
		TEST(a_nul_is_never_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
