/* test_words: what a person types against a small described world, and what comes of it. */
#include "base/words.h"
#include "base/json.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ' stands for " */
/* clang-format off */
static const char world[] =
	"{'kinds':["
	"{'name':'worker','plural':'workers','aliases':['clients','machines'],'help':'one who computes',"
	" 'attrs':[{'name':'state','type':'enum','help':'what it does','choices':[]},"
	"  {'name':'cpu','type':'double','unit':'percent','help':'load'},"
	"  {'name':'tasks','type':'int'},{'name':'idle','type':'duration'},{'name':'memory','type':'size'},"
	"  {'name':'enabled','type':'bool','help':'may it work'},"
	"  {'name':'farm','type':'string','kind':'farm','help':'whose it is'},"
	"  {'name':'level','type':'enum','choices':['low','high']}],"
	" 'states':[{'name':'running','tone':'ok','sentence':'computes'},{'name':'paused','tone':'paused'}],"
	" 'commands':["
	"  {'name':'list','on_kind':true,'args':[{'name':'where','type':'block'},"
	"    {'name':'sort','type':'string'},"
	"    {'name':'limit','type':'int'},{'name':'after','type':'string'}]},"
	"  {'name':'get','args':[]},"
	"  {'name':'disable','bulk':true,'dry_run':true,'help':'give it no more work','args':["
	"    {'name':'for','type':'duration','help':'how long'},{'name':'reason','type':'string'}]},"
	"  {'name':'signal','args':[{'name':'signal','type':'enum','required':true,'choices':['TERM','KILL'],"
	"    'help':'which signal'},{'name':'times','type':'int','min':1,'max':10,'unit':'times'}]},"
	"  {'name':'set','args':[{'name':'count','type':'int'},"
	"    {'name':'ratio','type':'double','min':0,'max':0},"
	"    {'name':'on','type':'bool'},{'name':'size','type':'size'},{'name':'tags','type':'strings'},"
	"    {'name':'parts','type':'block'},{'name':'farm','type':'string','kind':'farm'}]},"
	"  {'name':'log','id_optional':true,'stream':true,'args':[{'name':'lines','type':'int'}]}]},"
	"{'name':'series','plural':'series','aliases':[],'help':'a line of values','attrs':[],'commands':["
	"  {'name':'list','on_kind':true,'args':[]},"
	"  {'name':'watch','on_kind':true,'stream':true,'args':["
	"    {'name':'glob','type':'string','required':true}]},"
	"  {'name':'put','on_kind':true,'args':[{'name':'interval','type':'duration'},"
	"    {'name':'ident','type':'string','required':true,'kind':'series'},"
	"    {'name':'values','type':'strings','required':true}]}]},"
	"{'name':'farm','plural':'farms','help':'a group','commands':[{'name':'list','on_kind':true}]},"
	"{'name':'daemon','plural':'daemons','help':'the daemon itself','commands':["
	"  {'name':'status','on_kind':true,'help':'how it is','args':[]},"
	"  {'name':'look','on_kind':true,'args':[{'name':'glob','type':'string','default':'*'}]},"
	"  {'name':'reload','on_kind':true,'dry_run':true,'args':[{'name':'force','type':'bool'}]}]}]}";
/* clang-format on */

static json_t *described;
static struct words_problem problem;

static int set_up(void **state)
{
	char error[256], *text = strdup(world);

	(void)state;
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	described = json_parse(text, strlen(text), error);
	free(text);
	return described ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(described);
	return 0;
}

static json_t *request(const char *line)
{
	size_t count;
	char **words = words_split(line, &count, &problem);

	assert_non_null(words);
	json_t *json = words_to_request(described, (const char *const *)words, count, &problem);
	words_free(&words);
	return json;
}

static void becomes(const char *line, const char *expected)
{
	json_t *json = request(line);

	if (!json)
		fail_msg("%s: %s (%s)", line, problem.what, problem.remedy);
	assert_string_equal(problem.what, "");
	char *text = json_text(json, NULL);
	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

static void refused(const char *line, const char *what, const char *remedy)
{
	assert_null(request(line));
	assert_string_equal(problem.what, what);
	assert_string_equal(problem.remedy, remedy);
}

static void kinds_and_verbs(void **state)
{
	(void)state;
	becomes("worker", "{'kind':'worker','verb':'list'}");
	becomes("workers", "{'kind':'worker','verb':'list'}");
	becomes("Clients list", "{'kind':'worker','verb':'list'}");
	becomes("status", "{'kind':'daemon','verb':'status'}");
	becomes("daemon status", "{'kind':'daemon','verb':'status'}");
	becomes("reload force=yes", "{'kind':'daemon','verb':'reload','args':{'force':true}}");
	becomes("worker get w1", "{'kind':'worker','verb':'get','ids':['w1']}");
	becomes("worker log", "{'kind':'worker','verb':'log'}");
	becomes("worker log w1 lines=5", "{'kind':'worker','verb':'log','ids':['w1'],'args':{'lines':5}}");
	refused("", "there is nothing to do", "write a kind and a command, such as \"plugin list\"");
	refused("wroker list", "\"wroker\" is neither a kind nor a command of the daemon",
		"did you mean \"worker\"?");
	refused("statsu", "\"statsu\" is neither a kind nor a command of the daemon",
		"did you mean \"status\"?");
	refused("xyzzy", "\"xyzzy\" is neither a kind nor a command of the daemon",
		"the kinds are: worker, series, farm, daemon");
	refused("worker sginal w1", "the kind worker has no command \"sginal\"", "did you mean \"signal\"?");
	refused("farm xyzzy", "the kind farm has no command \"xyzzy\"", "its commands are: list");
}

static void ids(void **state)
{
	(void)state;
	becomes("worker disable w1 w2", "{'kind':'worker','verb':'disable','ids':['w1','w2']}");
	becomes("worker disable a=b", "{'kind':'worker','verb':'disable','ids':['a=b']}");
	becomes("worker disable -- for=10 --x", "{'kind':'worker','verb':'disable','ids':['for=10','--x']}");
	refused("worker get", "which worker?", "write worker get ID; \"worker list\" shows them");
	refused("worker disable", "which worker?",
		"write worker disable ID, or --match attr=value; \"worker list\" shows them");
	refused("worker get a b", "worker get takes one id, not 2", "");
	refused("status x", "\"x\" has no place in daemon status",
		"the command takes no id and no arguments");
}

static void typed_arguments(void **state)
{
	(void)state;
	becomes("worker signal w1 signal=KILL times=3",
		"{'kind':'worker','verb':'signal','ids':['w1'],'args':{'signal':'KILL','times':3}}");
	becomes("worker set w1 count=-0x1F ratio=2 on=off size=64K tags=a tags=b",
		"{'kind':'worker','verb':'set','ids':['w1'],'args':{'count':-31,'ratio':2.0,'on':false,"
		"'size':'64K','tags':['a','b']}}");
	becomes("worker set w1 'parts={\"a\":1}' 'parts=[{\"b\":2},{}]'",
		"{'kind':'worker','verb':'set','ids':['w1'],'args':{'parts':[{'a':1},{'b':2},{}]}}");
	becomes("worker disable w1 for=5min reason='out of order'",
		"{'kind':'worker','verb':'disable','ids':['w1'],"
		"'args':{'for':'5min','reason':'out of order'}}");
	becomes("worker disable w1 reason=",
		"{'kind':'worker','verb':'disable','ids':['w1'],'args':{'reason':''}}");
}

static void arguments_that_cannot_be(void **state)
{
	(void)state;
	refused("worker signal w1", "worker signal needs signal=…", "signal: which signal");
	refused("worker signal w1 signal=KIL", "signal: \"KIL\" is none of its values",
		"did you mean \"KILL\"?");
	refused("worker signal w1 signal=x", "signal: \"x\" is none of its values", "one of: TERM, KILL");
	refused("worker signal w1 signl=KILL", "worker signal has no argument \"signl\"",
		"did you mean signal=KILL? An id with \"=\" in it goes behind \"--\"");
	refused("worker signal w1 signal=KILL times=11", "times: 11 is out of bounds", "from 1 to 10 times");
	refused("worker signal w1 signal=KILL signal=TERM", "signal is given twice", "");
	refused("worker set w1 count=1.5", "count: \"1.5\" is not a whole number", "");
	refused("worker set w1 count=0x", "count: \"0x\" is not a whole number", "");
	refused("worker set w1 ratio=x", "ratio: \"x\" is not a number", "");
	refused("worker set w1 on=maybe", "on: \"maybe\" is not true or false", "");
	refused("worker set w1 size=4Q", "size: \"4Q\" is not a size like 4096, 64K or 1G", "");
	refused("worker disable w1 for=5parsec", "for: \"5parsec\" is not a duration like 10s, 100ms or 5min",
		"for: how long");
	refused("worker set w1 parts={",
		"parts: this is no JSON: line 1, column 1: string or '}' expected near end of file",
		"write it like 'parts={\"key\": \"value\"}'");
}

static void a_command_without_id_fills_its_arguments(void **state)
{
	(void)state;
	becomes("series watch '*/cpu*'", "{'kind':'series','verb':'watch','args':{'glob':'*/cpu*'}}");
	becomes("series watch glob=x", "{'kind':'series','verb':'watch','args':{'glob':'x'}}");
	becomes("series put h/a/b N:1 N:2",
		"{'kind':'series','verb':'put','args':{'ident':'h/a/b','values':['N:1','N:2']}}");
	becomes("series put N:1 interval=10 ident=h/a/b",
		"{'kind':'series','verb':'put','args':{'interval':'10','ident':'h/a/b','values':['N:1']}}");
	becomes("look 'a*'", "{'kind':'daemon','verb':'look','args':{'glob':'a*'}}"); /* its only one */
	becomes("look", "{'kind':'daemon','verb':'look'}");
	refused("look a b", "\"b\" has no place in daemon look", "its arguments are written like glob=…");
	refused("reload yes", "\"yes\" has no place in daemon reload", "its arguments are written like force=…");
	refused("series watch", "series watch needs glob=…", "");
	refused("series watch a b", "\"b\" has no place in series watch",
		"its arguments are written like glob=…");
	refused("series put h/a/b", "series put needs values=…", "");
}

static void conditions_of_a_list(void **state)
{
	(void)state;
	becomes("workers list state=running cpu>=5 tasks<3 farm~we* idle>5min memory!=1K enabled=on id=x",
		"{'kind':'worker','verb':'list','args':{'where':["
		"{'attr':'state','op':'=','value':'running'},{'attr':'cpu','op':'>=','value':'5'},"
		"{'attr':'tasks','op':'<','value':'3'},{'attr':'farm','op':'~','value':'we*'},"
		"{'attr':'idle','op':'>','value':'300'},{'attr':'memory','op':'!=','value':'1024'},"
		"{'attr':'enabled','op':'=','value':'true'},{'attr':'id','op':'=','value':'x'}]}}");
	/* as other tools write them; a sign in the value stays there */
	becomes("workers list state==running farm~=*we-0* id=~=x",
		"{'kind':'worker','verb':'list','args':{'where':["
		"{'attr':'state','op':'=','value':'running'},{'attr':'farm','op':'~','value':'*we-0*'},"
		"{'attr':'id','op':'=','value':'~=x'}]}}");
	becomes("worker list sort=-cpu limit=5 after=w9",
		"{'kind':'worker','verb':'list',"
		"'args':{'descending':true,'sort':'cpu','limit':5,'after':'w9'}}");
	becomes("series list limit=7 descending=no",
		"{'kind':'series','verb':'list','args':{'limit':7,'descending':false}}");
	refused("worker list state=runing", "state: \"runing\" is none of its values",
		"did you mean \"running\"?");
	refused("worker list sate=running", "a worker has no attribute \"sate\"", "did you mean \"state\"?");
	refused("worker list sort=cpi", "a worker has no attribute \"cpi\"", "did you mean \"cpu\"?");
	refused("worker list limit=0", "limit: \"0\" is not a whole number from 1 to 1000", "");
	refused("worker list cpu>x", "cpu: \"x\" is not a number", "cpu: load");
	refused("worker list idle>soon", "idle: \"soon\" is not a duration like 10s, 100ms or 5min", "");
	refused("worker list after=\xff", "after: \"?\" is not UTF-8", "");
	refused("worker list w1", "\"w1\" is no condition for a list",
		"write it like state=running or cpu>=5; one worker is shown by \"worker get w1\"");
}

static void options(void **state)
{
	(void)state;
	becomes("worker disable --dry-run w1 --key=k1 --deadline 1.5min",
		"{'kind':'worker','verb':'disable','deadline':90.0,'ids':['w1'],'dry_run':true,'key':'k1'}");
	becomes("worker disable --match state=running --match 'cpu>5'",
		"{'kind':'worker','verb':'disable','match':{'state':'running','cpu>':5}}");
	becomes("worker disable --match state==running --match 'farm~=we*'",
		"{'kind':'worker','verb':'disable','match':{'state':'running','farm~':'we*'}}");
	becomes("worker disable --match=level!=low",
		"{'kind':'worker','verb':'disable','match':{'level!=':'low'}}");
	becomes("--dry-run reload", "{'kind':'daemon','verb':'reload','dry_run':true}");
	refused("worker --dryrun", "unknown option \"--dryrun\"", "did you mean \"--dry-run\"?");
	refused("worker disable w1 --key", "--key needs a value", "");
	refused("worker disable w1 --key=", "--key needs a value", "");
	refused("worker disable --dry-run=x w1", "--dry-run takes no value", "");
	refused("worker disable w1 --deadline=soon", "--deadline: \"soon\" is not a span of time",
		"write it like 10s, 500ms or 5min");
	refused("worker get w1 --dry-run", "worker get has no dry run", "");
	refused("worker get --match cpu=5", "worker get takes no --match", "");
	refused("worker disable w1 --match cpu=5", "ids and --match together",
		"give either, so that it is clear what is meant");
	refused("worker disable --match cpu", "\"cpu\" is no condition",
		"write it like state=running or cpu>=5");
}

/* The words of the completions, blank-separated; kinds as <kind>, with what goes before. */
static void completes(const char *line, const char *expected)
{
	struct str out = { 0 };
	size_t count;
	char **words = words_split(line, &count, &problem);
	const char *list[16];

	assert_non_null(words);
	assert_true(count < 15);
	for (size_t i = 0; i < count; i++)
		list[i] = words[i];
	if (!*line || line[strlen(line) - 1] == ' ')
		list[count++] = "";
	json_t *found = words_complete(described, list, count);
	for (size_t i = 0; i < json_array_size(found); i++) {
		const json_t *entry = json_array_get(found, i);
		const char *word = json_get_text(entry, "word"), *before = json_get_text(entry, "before");
		if (out.len)
			str_add_byte(&out, ' ');
		if (word)
			str_add(&out, word);
		else
			str_printf(&out, "%s<%s>", before ? before : "", json_get_text(entry, "kind"));
	}
	assert_string_equal(str_text(&out), expected);
	str_fini(&out);
	json_decref(found);
	words_free(&words);
}

static void completions(void **state)
{
	(void)state;
	completes("", "worker series farm daemon status look reload");
	completes("w", "worker");
	completes("cl", "clients");
	completes("r", "reload");
	completes("worker ", "list get disable signal set log");
	completes("machines s", "signal set");
	completes("worker get ", "<worker>");
	completes("worker get w1 ", "");
	completes("worker disable w1 ", "<worker> for= reason=");
	completes("worker signal w1 s", "signal=");
	completes("worker signal w1 signal=", "signal=TERM signal=KILL");
	completes("worker signal w1 signal=K", "signal=KILL");
	completes("worker set w1 on=", "on=true on=false");
	completes("worker set w1 farm=", "farm=<farm>");
	completes("worker set w1 count=1 tags=a t", "tags=");
	completes("worker list s", "state= sort=");
	completes("worker list state=", "state=running state=paused");
	completes("worker list level!=h", "level!=high");
	completes("worker list sort=c", "sort=cpu");
	completes("series watch ", "glob=");
	completes("series put ", "<series> interval= ident= values=");
	completes("worker disable --", "--dry-run --match --deadline= --key=");
	completes("worker get --d", "--deadline=");
	completes("worker disable --match st", "state=");
	completes("worker disable --match state=p", "state=paused");
	completes("worker disable --key ", "");
	completes("status ", "");
	completes("reload f", "force=");
	completes("nothing here", "");
	json_t *none = words_complete(described, NULL, 0);
	assert_int_equal(json_array_size(none), 7);
	json_decref(none);
}

static void splitting(void **state)
{
	size_t count;
	char **words = words_split(" a  \"b c\"d 'e \\f' \"g\\\"\\\\\\h\" i\\ j \"\" k\\", &count, &problem);

	(void)state;
	assert_non_null(words);
	assert_int_equal(count, 7);
	assert_string_equal(words[0], "a");
	assert_string_equal(words[1], "b cd");
	assert_string_equal(words[2], "e \\f");
	assert_string_equal(words[3], "g\"\\\\h");
	assert_string_equal(words[4], "i j");
	assert_string_equal(words[5], "");
	assert_string_equal(words[6], "k\\");
	assert_null(words[7]);
	words_free(&words);
	assert_null(words);
	words_free(&words);
	words = words_split("\t \n", &count, &problem);
	assert_int_equal(count, 0);
	words_free(&words);
}

static void what_cannot_be_split(void **state)
{
	char line[2 * 257 + 1] = { 0 };
	size_t count;

	(void)state;
	assert_null(words_split("a \"b", &count, &problem));
	assert_string_equal(problem.what, "a quote is never closed");
	assert_null(words_split("a 'b\\'' c", &count, &problem));
	for (size_t i = 0; i < 257; i++)
		memcpy(line + 2 * i, "x ", 2);
	assert_null(words_split(line, &count, &problem));
	assert_string_equal(problem.what, "more than 256 words in a line");
	line[2 * 256] = '\0';
	char **words = words_split(line, &count, &problem);
	assert_int_equal(count, 256);
	words_free(&words);
}

static void tables_of_another_shape_crash_nothing(void **state)
{
	static const char *const tables[] = {
		"null",
		"[]",
		"{\"kinds\":5}",
		"{\"kinds\":[5,null,{}]}",
		"{\"kinds\":[{\"name\":\"a\",\"commands\":[{\"name\":\"b\",\"args\":[5,{\"name\":5}]}]}]}",
		"{\"kinds\":[{\"name\":\"a\",\"commands\":[{\"name\":\"list\",\"args\":{}}],"
		"\"attrs\":[{}]}]}",
	};
	const char *const words[] = { "a", "b", "c", "d=e", "" };
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		json_t *table = json_parse(tables[i], strlen(tables[i]), error);
		assert_non_null(table);
		for (size_t count = 0; count <= 5; count++) {
			json_decref(words_to_request(table, words, count, &problem));
			json_decref(words_complete(table, words, count));
		}
		json_decref(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_verbs),
		cmocka_unit_test(ids),
		cmocka_unit_test(typed_arguments),
		cmocka_unit_test(arguments_that_cannot_be),
		cmocka_unit_test(a_command_without_id_fills_its_arguments),
		cmocka_unit_test(conditions_of_a_list),
		cmocka_unit_test(options),
		cmocka_unit_test(completions),
		cmocka_unit_test(splitting),
		cmocka_unit_test(what_cannot_be_split),
		cmocka_unit_test(tables_of_another_shape_crash_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
