/* test_print: how answers look to a person: units, times, tables, colours, and nothing that a terminal would
 * obey. */
#include "print.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "value.h"

/* ' stands for " */
static json_t *json(const char *text)
{
	char error[256], *copy = strdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *value = json_parse(copy, strlen(copy), error);
	if (!value)
		fail_msg("%s: %s", text, error);
	free(copy);
	return value;
}

static struct print print;

static void printed(const char *expected)
{
	assert_string_equal(str_text(&print.out), expected);
	str_clear(&print.out);
}

/* ---- values ---- */

static void assert_value(const char *attr, const char *value, const char *expected)
{
	json_t *a = json(attr), *v = json(value);

	value_text(&print.out, a, v);
	printed(expected);
	json_decref(a);
	json_decref(v);
}

static void numbers_have_their_units(void **state)
{
	(void)state;
	assert_value("{'type':'int'}", "1234567", "1234567");
	assert_value("{'type':'int','unit':'tasks'}", "3", "3 tasks");
	assert_value("{'type':'double'}", "0.1", "0.1");
	assert_value("{'type':'double'}", "3.0", "3");
	assert_value("{'type':'double','unit':'percent'}", "12.34", "12.3 %");
	assert_value("{'type':'size'}", "1023", "1023 B");
	assert_value("{'type':'size'}", "1572864", "1.5 MiB");
	assert_value("{'type':'int','unit':'bytes'}", "2048", "2.0 KiB");
	assert_value("{'type':'bool'}", "true", "yes");
	assert_value("{'type':'bool'}", "false", "no");
	assert_value("{'type':'strings'}", "['a','b']", "a, b");
	assert_value("{'type':'strings'}", "[]", NO_VALUE);
	assert_value("{'type':'block'}", "{'rx':1,'tx':2.5}", "rx=1 tx=2.5");
	assert_value("{'type':'block'}", "{'a':[{'b':1}]}", "{\"a\":[{\"b\":1}]}");
	assert_value("{'type':'string'}", "''", NO_VALUE);
	assert_value("{'type':'int'}", "null", NO_VALUE);
	value_text(&print.out, NULL, NULL);
	printed(NO_VALUE);
}

static void assert_duration(double seconds, const char *expected)
{
	value_duration(&print.out, seconds);
	printed(expected);
}

static void durations_have_two_units(void **state)
{
	(void)state;
	assert_duration(0, "0 s");
	assert_duration(0.25, "250 ms");
	assert_duration(2.5, "2.5 s");
	assert_duration(59, "59 s");
	assert_duration(60, "1 min");
	assert_duration(125, "2 min 5 s");
	assert_duration(3600, "1 h");
	assert_duration(7500, "2 h 5 min");
	assert_duration(3 * 86400 + 4 * 3600 + 59, "3 d 4 h");
	assert_duration(59.9999, "1 min");
	assert_duration(-90, "-1 min 30 s");
	assert_duration(NAN, NO_VALUE);
	assert_duration(INFINITY, NO_VALUE);
}

static void times_are_local(void **state)
{
	(void)state;
	assert_value("{'type':'double','unit':'time'}", "1764158671.9", "2025-11-26 14:04:31");
	value_time(&print.out, 1e300);
	printed(NO_VALUE);
	value_time(&print.out, NAN);
	printed(NO_VALUE);
}

static void a_terminal_is_not_commanded(void **state)
{
	(void)state;
	text_safe(&print.out, "a\033[2Jb\r\n\tc\x7f");
	printed("a?[2Jb?  c?");
	text_safe(&print.out, "\xc2\x9b"
			      "2J \xe2\x80\xae"
			      "exe \xff \xc3");
	printed("?2J ?exe ? ?");
	text_safe(&print.out, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
	printed("gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
}

static void widths_count_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xc3\xbc"), 1);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text_fit("abc", 2), 2);
	assert_int_equal(text_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
	assert_int_equal(text_fit("abc", 9), 3);
}

/* ---- tables ---- */

static const char worker[] =
	"{'name':'worker','plural':'workers','columns':['state','cpu','seen','name'],"
	"'attrs':[{'name':'state','type':'enum'},{'name':'cpu','type':'double','unit':'percent','label':'load'},"
	"{'name':'seen','type':'double','unit':'time'},{'name':'name','type':'string'},"
	"{'name':'ram_used','type':'size','flags':['hidden']}],"
	"'states':[{'name':'failed','tone':'fail','sentence':'is broken'},{'name':'up','tone':'ok'}]}";
static const char items[] =
	"[{'id':'w1','state':'up','cpu':3.5,'seen':1764158671,'name':'one'},"
	"{'id':'worker-22','state':'failed','cpu':100,'seen':null,'name':'the second of them'}]";

static void tables_are_aligned(void **state)
{
	json_t *kind = json(worker), *list = json(items);

	(void)state;
	print = (struct print){ .kind = kind };
	print_table(&print, list);
	printed("ID         STATE      LOAD  SEEN                 NAME\n"
		"w1         up        3.5 %  2025-11-26 14:04:31  one\n"
		"worker-22  failed  100.0 %  " NO_VALUE "                    the second of them\n");
	print.width = 62;
	print_table(&print, list);
	printed("ID         STATE      LOAD  SEEN                 NAME\n"
		"w1         up        3.5 %  2025-11-26 14:04:31  one\n"
		"worker-22  failed  100.0 %  " NO_VALUE "                    the second o\xe2\x80\xa6\n");
	json_decref(kind);
	json_decref(list);
}

static void states_have_the_colour_of_their_tone(void **state)
{
	json_t *kind = json("{'name':'t','attrs':[{'name':'state'}],'states':[{'name':'bad','tone':'fail'},"
			    "{'name':'good','tone':'ok'}]}");
	json_t *list = json("[{'id':'a','state':'bad'},{'id':'b','state':'good'},{'id':'c','state':'new'}]");

	(void)state;
	print = (struct print){ .kind = kind, .colour = true };
	print_table(&print, list);
	printed("\033[1mID\033[0m  \033[1mSTATE\033[0m\n"
		"a   \033[31mbad\033[0m\n"
		"b   \033[32mgood\033[0m\n"
		"c   new\n");
	json_decref(kind);
	json_decref(list);
}

static void without_columns_all_but_the_hidden(void **state)
{
	json_t *kind = json(
		"{'name':'t','attrs':[{'name':'a','type':'int'},{'name':'b','flags':['hidden']},{'name':'c_d'}]}");
	json_t *list = json("[{'id':'1','a':5,'b':6,'c_d':'x'}]"), *none = json("[]");

	(void)state;
	print = (struct print){ .kind = kind };
	print_table(&print, list);
	printed("ID  A  C D\n1   5  x\n");
	print_table(&print, none);
	printed("ID  A  C D\n");
	json_decref(kind);
	json_decref(list);
	json_decref(none);
}

/* ---- one thing ---- */

static void one_thing_is_label_and_value(void **state)
{
	json_t *kind = json(worker);
	json_t *object = json(
		"{'name':'one','cpu':1,'id':'w1','kind':'worker','version':3,'state':'failed','extra':[1,2],"
		"'ram_used':2048}");

	(void)state;
	print = (struct print){ .kind = kind };
	print_object(&print, object);
	printed("id        w1\n"
		"state     failed (is broken)\n"
		"load      1.0 %\n"
		"name      one\n"
		"ram used  2.0 KiB\n"
		"extra     1, 2\n");
	json_decref(object);
	object = json("{'id':'x','list':[{'k':1,'v':'a'},{'k':22,'v':null}]}");
	print.kind = NULL;
	print_object(&print, object);
	printed("id  x\nlist:\nK   V\n1   a\n22  " NO_VALUE "\n");
	json_decref(object);
	json_decref(kind);
}

static void assert_result(const char *result, bool dry_run, const char *expected)
{
	json_t *value = json(result);

	print_result(&print, value, dry_run);
	printed(expected);
	json_decref(value);
}

static void results_of_commands(void **state)
{
	(void)state;
	print = (struct print){ .kind = NULL };
	assert_result("{'message':'web was restarted'}", false, "web was restarted\n");
	assert_result("{'message':'started','job':'17'}", false,
		      "started\nit goes on as a job: musterctl job get 17\n");
	assert_result("{'job':{'id':'9'}}", false, "it goes on as a job: musterctl job get 9\n");
	assert_result("{'message':'off','undo':{'command':'worker.enable','args':{}}}", false,
		      "off\nundo: {\"command\":\"worker.enable\",\"args\":{}}\n");
	assert_result("null", false, "done\n");
	assert_result("'plain'", false, "plain\n");
	assert_result("[]", true, "nothing would be done\n");
	assert_result("[]", false, "nothing\n");
	assert_result("[{'kind':'plugin','id':'cpu','sentence':'restarts'}]", true,
		      "KIND    ID   SENTENCE\nplugin  cpu  restarts\n");
	assert_result(
		"{'a':[{'b':{'c':[{'d':1}]}}]}", false,
		"{\n  \"a\": [\n    {\n      \"b\": {\n        \"c\": [\n          {\n            \"d\": 1\n          }\n"
		"        ]\n      }\n    }\n  ]\n}\n");
}

static void a_sample_is_a_source_a_line(void **state)
{
	json_t *load = json("{'id':'h/load/load','values':{'shortterm':0.25,'midterm':1},"
			    "'rates':{'shortterm':0.25,'midterm':null}}"),
	       *none = json("{'id':'x'}");

	(void)state;
	print = (struct print){ .kind = NULL };
	print_sample(&print, load);
	printed("shortterm=0.25\nmidterm=nan\n");
	print_sample(&print, none);
	printed("no value yet\n");
	json_decref(load);
	json_decref(none);
}

static void a_part_is_one_line(void **state)
{
	json_t *kind = json(
		"{'name':'event','columns':['time','severity','words'],'attrs':[{'name':'time','type':'double',"
		"'unit':'time'},{'name':'severity'},{'name':'words'}]}");
	json_t *part = json(
		"{'id':'7','time':1764158671,'severity':'failure','words':'it\\nbroke','plugin':'x'}");
	json_t *lost = json("{'lost':3}");

	(void)state;
	print = (struct print){ .kind = kind };
	print_part(&print, part);
	printed("7  2025-11-26 14:04:31  failure  it broke\n");
	print.colour = true;
	print_part(&print, part);
	printed("7  2025-11-26 14:04:31  \033[31mfailure\033[0m  it broke\n");
	print_part(&print, lost);
	printed("lost=3\n");
	json_decref(kind);
	json_decref(part);
	json_decref(lost);
}

static void json_begins_with_kind_and_id(void **state)
{
	json_t *kind = json(worker), *object = json("{'cpu':1.5,'id':'w1','version':4}");

	(void)state;
	print = (struct print){ .kind = kind };
	print_json_object(&print, object);
	printed("{\"kind\":\"worker\",\"id\":\"w1\",\"cpu\":1.5,\"version\":4}");
	print_json(&print, NULL);
	printed("null\n");
	json_decref(kind);
	json_decref(object);
}

static int end(void **state)
{
	(void)state;
	str_fini(&print.out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(numbers_have_their_units, end),
		cmocka_unit_test_teardown(durations_have_two_units, end),
		cmocka_unit_test_teardown(times_are_local, end),
		cmocka_unit_test_teardown(a_terminal_is_not_commanded, end),
		cmocka_unit_test_teardown(widths_count_columns, end),
		cmocka_unit_test_teardown(tables_are_aligned, end),
		cmocka_unit_test_teardown(states_have_the_colour_of_their_tone, end),
		cmocka_unit_test_teardown(without_columns_all_but_the_hidden, end),
		cmocka_unit_test_teardown(one_thing_is_label_and_value, end),
		cmocka_unit_test_teardown(results_of_commands, end),
		cmocka_unit_test_teardown(a_sample_is_a_source_a_line, end),
		cmocka_unit_test_teardown(a_part_is_one_line, end),
		cmocka_unit_test_teardown(json_begins_with_kind_and_id, end),
	};
	/* two hours east of UTC: local time is not by chance the same */
	setenv("TZ", "MUST-2", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
