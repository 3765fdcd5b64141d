/* test_conf_schema: words and rows → a typed struct, from a configuration and from JSON. */
#include "conf_schema.h"

#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

struct limit {
	const char *resource;
	uint64_t most;
};
struct watcher {
	const char *name;
	struct mu_strings rest, command;
	mu_time grace;
	struct {
		struct limit *items;
		size_t count;
	} limits;
};
struct config {
	const char *root, *password;
	bool fast;
	int64_t count;
	double share;
	mu_time wait;
	uint64_t room;
	int mode;
	struct mu_strings paths;
	struct {
		struct watcher *items;
		size_t count;
	} watchers;
};

static int no_slash(const void *value, struct mu_error *error)
{
	const char *text = *(const char *const *)value;

	return strchr(text, '/') ? mu_error(error, -EINVAL, "\"%s\" has a slash", text) : 0;
}

static int grace_or_command(const void *value, struct mu_error *error)
{
	const struct watcher *watcher = value;

	return watcher->command.count ? 0
				      : mu_error(error, -EINVAL, "watcher %s does nothing", watcher->name);
}

static const char *const modes[] = { "slow", "quick", "both", NULL };
static const struct mu_option limit_rows[] = {
	MU_OPT_STRING(struct limit, resource, .name = "Resource", .flags = MU_KEY | MU_UNIQUE),
	MU_OPT_SIZE(struct limit, most, .name = "Most", .dflt = "1K"), MU_OPT_END
};
static const struct mu_option watcher_rows[] = {
	MU_OPT_STRING(struct watcher, name, .name = "Name", .flags = MU_KEY | MU_UNIQUE | MU_REQUIRED,
		      .check = no_slash),
	MU_OPT_STRINGS(struct watcher, rest, .name = "Rest", .flags = MU_KEY),
	MU_OPT_STRINGS(struct watcher, command, .name = "Command", .min = 1, .max = 3),
	MU_OPT_DURATION(struct watcher, grace, .name = "Grace", .dflt = "30s"),
	MU_OPT_BLOCK(struct watcher, limits, struct limit, limit_rows, .name = "Limit"),
	MU_OPT_END
};
static const struct mu_option rows[] = {
	MU_OPT_STRING(struct config, root, .name = "Root", .dflt = "/proc"),
	MU_OPT_STRING(struct config, password, .name = "Password", .flags = MU_SECRET, .max = 8),
	MU_OPT_BOOL(struct config, fast, .name = "Fast"),
	MU_OPT_INT(struct config, count, .name = "Count", .min = 1, .max = 10, .unit = "jobs"),
	MU_OPT_DOUBLE(struct config, share, .name = "Share", .dflt = "0.5", .min = 0, .max = 1),
	MU_OPT_DURATION(struct config, wait, .name = "Wait", .dflt = "1.5h", .min = 1),
	MU_OPT_SIZE(struct config, room, .name = "Room"),
	MU_OPT_ENUM(struct config, mode, .name = "Mode", .choices = modes, .dflt = "quick"),
	MU_OPT_STRINGS(struct config, paths, .name = "Paths", .dflt = "a \"b c\" d"),
	MU_OPT_BLOCK(struct config, watchers, struct watcher, watcher_rows, .name = "Watcher",
		     .check = grace_or_command),
	MU_OPT_END
};

static struct arena arena;
static struct conf_report report;
static struct config config;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	memset(&report, 0, sizeof(report));
	memset(&config, 0, sizeof(config));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int fill(const char *text)
{
	struct conf_problem problem;
	struct conf_node *first;

	assert_int_equal(conf_parse(&arena, "x.conf", text, strlen(text), &first, &problem), 0);
	return schema_fill(&arena, rows, &config, first, NULL, "plugin x", &report);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_error(size_t index, const char *where, const char *what, const char *remedy)
{
	assert_true(index < report.error_count);
	assert_string_equal(report.errors[index].where, where);
	assert_has(report.errors[index].what, what);
	assert_has(report.errors[index].remedy, remedy);
	assert_true(report.errors[index].code < 0);
}

/* ---- words ---- */

static void durations_have_units(void **state)
{
	static const struct {
		const char *word;
		int result;
		int64_t ns;
	} cases[] = {
		{ "10", 0, 10 * MU_SEC },
		{ "0.1", 0, 100 * MU_MS },
		{ "100ms", 0, 100 * MU_MS },
		{ "10s", 0, 10 * MU_SEC },
		{ "5min", 0, 5 * MU_MIN },
		{ "1.5h", 0, 90 * MU_MIN },
		{ "2d", 0, 2 * MU_DAY },
		{ "1w", 0, 7 * MU_DAY },
		{ "250us", 0, 250 * MU_US },
		{ "7 ns", 0, 7 },
		{ "10.000000", 0, 10 * MU_SEC },
		{ "0", 0, 0 },
		{ "1e3", 0, 1000 * MU_SEC },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "ten", -EINVAL, 0 },
		{ "10x", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1e300", -ERANGE, 0 },
		{ "300000000000", -ERANGE, 0 },
		{ "s", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		int64_t ns = 0;
		int r = schema_duration(cases[i].word, &ns);
		if (r != cases[i].result || (r == 0 && ns != cases[i].ns))
			fail_msg("\"%s\": %d, %" PRId64, cases[i].word, r, ns);
	}
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *word;
		int result;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "2M", 0, 2 << 20 },
		{ "1G", 0, 1 << 30 },
		{ "1.5K", 0, 1536 },
		{ "3KiB", 0, 3072 },
		{ "3kb", 0, 3072 },
		{ "10B", 0, 10 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "9007199254740993", 0, 9007199254740993 },
		{ "0x10", 0, 16 },
		{ "16E", -ERANGE, 0 },
		{ "15E", 0, (uint64_t)15 << 60 },
		{ "1e30", -ERANGE, 0 },
		{ "-1", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "1X", -EINVAL, 0 },
		{ "1KB2", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		uint64_t bytes = 0;
		int r = schema_size(cases[i].word, &bytes);
		if (r != cases[i].result || (r == 0 && bytes != cases[i].bytes))
			fail_msg("\"%s\": %d, %" PRIu64, cases[i].word, r, bytes);
	}
}

static void whole_numbers_are_whole(void **state)
{
	static const struct {
		const char *word;
		int result;
		int64_t value;
	} cases[] = {
		{ "7", 0, 7 },
		{ "-7", 0, -7 },
		{ "010", 0, 10 },
		{ "0x1F", 0, 31 },
		{ "-0x10", 0, -16 },
		{ "+3", 0, 3 },
		{ "0x", -EINVAL, 0 },
		{ "7.5", -EINVAL, 0 },
		{ "7 ", -EINVAL, 0 },
		{ " 7", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "0xfffffffffffffffff", -ERANGE, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "0xffffffffffffffff", -ERANGE, 0 },
	};
	const struct mu_option row = { .name = "N", .type = MU_INT };

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		int64_t value = 0;
		int r = schema_word(&arena, &row, cases[i].word, &value, NULL);
		if (r != cases[i].result || (r == 0 && value != cases[i].value))
			fail_msg("\"%s\": %d, %" PRId64, cases[i].word, r, value);
	}
}

static void a_truth_has_six_words(void **state)
{
	const struct mu_option row = { .name = "B", .type = MU_BOOL };
	struct mu_error error;
	bool truth = false;

	(void)state;
	assert_int_equal(schema_word(&arena, &row, "Yes", &truth, NULL), 0);
	assert_true(truth);
	assert_int_equal(schema_word(&arena, &row, "off", &truth, NULL), 0);
	assert_false(truth);
	assert_int_equal(schema_word(&arena, &row, "1", &truth, &error), -EINVAL);
	assert_has(error.what, "\"1\" of \"B\" is no truth value");
	assert_string_equal(error.remedy, "expected true or false");
}

/* ---- statements ---- */

static void nothing_given_gives_defaults(void **state)
{
	(void)state;
	assert_int_equal(fill(""), 0);
	assert_string_equal(config.root, "/proc");
	assert_null(config.password);
	assert_int_equal(config.wait, 90 * MU_MIN);
	assert_int_equal(config.mode, 1);
	assert_true(config.share > 0.49 && config.share < 0.51);
	assert_int_equal(config.count, 0); /* no default: bounds are not asked */
	assert_int_equal(config.paths.count, 3);
	assert_null(config.paths.items[config.paths.count]); /* as argv wants it */
	assert_string_equal(config.paths.items[1], "b c");
	assert_int_equal(config.watchers.count, 0);
	assert_int_equal(report.error_count + report.warning_count, 0);
}

static void everything_given_is_taken(void **state)
{
	(void)state;
	assert_int_equal(
		fill("root \"/sys\"\nFAST on\nCount 0x0a\nShare 1\nWait \"2min\"\nRoom 64K\nMode BOTH\n"
		     "Paths a \"b\"\nPaths c\n"
		     "<Watcher \"web\" x y>\n Command \"/bin/true\" -x\n Grace 5\n"
		     " <Limit nofile>\n  Most 10\n </Limit>\n <Limit core>\n </Limit>\n</Watcher>\n"
		     "<Watcher db>\n Command \"a\"\n</Watcher>\n"),
		0);
	assert_string_equal(config.root, "/sys");
	assert_true(config.fast);
	assert_int_equal(config.count, 10);
	assert_int_equal(config.wait, 2 * MU_MIN);
	assert_int_equal(config.room, 65536);
	assert_int_equal(config.mode, 2);
	assert_int_equal(config.paths.count, 3);
	assert_string_equal(config.paths.items[2], "c");
	assert_int_equal(config.watchers.count, 2);
	const struct watcher *web = &config.watchers.items[0];
	assert_string_equal(web->name, "web");
	assert_int_equal(web->rest.count, 2);
	assert_string_equal(web->rest.items[1], "y");
	assert_int_equal(web->command.count, 2);
	assert_string_equal(web->command.items[1], "-x");
	assert_int_equal(web->grace, 5 * MU_SEC);
	assert_int_equal(web->limits.count, 2);
	assert_int_equal(web->limits.items[0].most, 10);
	assert_int_equal(web->limits.items[1].most, 1024);
	assert_string_equal(config.watchers.items[1].name, "db");
	assert_int_equal(config.watchers.items[1].grace, 30 * MU_SEC);
}

static void an_unknown_option_names_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(fill("\nRot \"/sys\"\nZzzzzz 1\n"), -EINVAL);
	assert_error(0, "x.conf:2", "unknown option \"Rot\" in plugin x", "did you mean \"Root\"?");
	assert_has(report.errors[0].remedy, "the options here are: Root, Password");
	assert_error(1, "x.conf:3", "unknown option \"Zzzzzz\"", "the options here are: Root");
}

static void all_errors_are_told_in_one_run(void **state)
{
	(void)state;
	assert_int_equal(
		fill("Count 11\nCount\\\n 0\nShare many\nMode quik\nFast 7\nWait 0\nRoom 1 2\nCommand x\n"
		     "<Root>\n</Root>\nWatcher x\n"),
		-EINVAL);
	assert_error(0, "x.conf:8", "\"Room\" in plugin x has 2 values and takes one", "a number of bytes");
	assert_error(1, "x.conf:9", "unknown option \"Command\"", "");
	assert_error(2, "x.conf:10", "\"Root\" in plugin x is no block", "write Root and a value");
	assert_error(3, "x.conf:12", "\"Watcher\" in plugin x is a block", "write <Watcher> ... </Watcher>");
	assert_error(4, "x.conf:1", "\"Count\" is 11 jobs, and must be from 1 to 10 jobs", "");
	assert_error(5, "x.conf:2", "\"Count\" is 0 jobs", "");
	assert_error(6, "x.conf:4", "\"many\" of \"Share\" is no number", "expected a number, from 0 to 1");
	assert_error(7, "x.conf:5", "\"quik\" of \"Mode\" is no possible value", "did you mean \"quick\"?");
	assert_has(report.errors[7].remedy, "slow, quick or both");
	assert_error(8, "x.conf:6", "\"7\" of \"Fast\" is no truth value", "");
	assert_error(9, "x.conf:7", "\"Wait\" is 0 s, and must be at least 1 s", "");
	assert_int_equal(report.error_count, 10);
}

static void a_value_given_twice_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(fill("Root a\nFast true\nroot b\n"), 0);
	assert_string_equal(config.root, "b");
	assert_int_equal(report.warning_count, 1);
	assert_string_equal(report.warnings[0].where, "x.conf:3");
	assert_has(report.warnings[0].what, "after x.conf:1");
}

static void keys_of_blocks_are_checked(void **state)
{
	(void)state;
	assert_int_equal(
		fill("<Watcher a>\n Command x\n</Watcher>\n<Watcher a>\n Command x\n</Watcher>\n"
		     "<Watcher>\n Command x\n</Watcher>\n<Watcher \"a/b\">\n Command x\n</Watcher>\n"
		     "<Watcher c>\n Name d\n Command 1 2 3 4\n</Watcher>\n"
		     "<Watcher d>\n Command x\n <Limit core more>\n </Limit>\n <Limit core>\n </Limit>\n"
		     "</Watcher>\n<Watcher e>\n</Watcher>\n"),
		-EINVAL);
	assert_error(0, "x.conf:4", "a second <Watcher \"a\"> in plugin x", "x.conf:1");
	assert_error(1, "x.conf:7", "the argument \"Name\" is missing in Watcher", "expected one text");
	assert_error(2, "x.conf:10", "\"a/b\" has a slash", "");
	assert_error(3, "x.conf:14", "\"Name\" is the argument of Watcher \"c\" itself",
		     "write <Watcher \"...\">");
	assert_error(4, "x.conf:15", "\"Command\" is 4 words, and must be from 1 to 3 words", "");
	assert_error(5, "x.conf:19", "\"more\" of Limit \"core\" is one too many", "<Limit> takes 1");
	assert_error(6, "x.conf:21", "a second <Limit \"core\">", "x.conf:19");
	assert_error(7, "x.conf:24", "watcher e does nothing", "");
	assert_int_equal(report.error_count, 8);
}

static void a_secret_is_never_printed(void **state)
{
	(void)state;
	assert_int_equal(fill("Password hunter2hunter2\n"), -EINVAL);
	assert_error(0, "x.conf:1", "\"Password\" is out of bounds", "");
	assert_null(strstr(report.errors[0].what, "hunter"));
	assert_null(strstr(report.errors[0].remedy, "hunter"));
	const struct mu_option row = { .name = "Pin", .type = MU_INT, .flags = MU_SECRET };
	struct mu_error error;
	int64_t pin;
	assert_int_equal(schema_word(&arena, &row, "hunter2", &pin, &error), -EINVAL);
	assert_null(strstr(error.what, "hunter"));
}

static void more_errors_than_places_are_counted(void **state)
{
	struct str text = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		str_add(&text, "Nonsense 1\n");
	assert_int_equal(fill(str_text(&text)), -EINVAL);
	assert_int_equal(report.error_count, 100);
	assert_string_equal(report.errors[31].where, "x.conf:32");
	str_fini(&text);
}

static void many_blocks_are_no_trouble(void **state)
{
	struct str text = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		str_printf(&text, "<Watcher w%d>\nCommand x\n</Watcher>\n", i);
	assert_int_equal(fill(str_text(&text)), 0);
	assert_int_equal(config.watchers.count, 5000);
	assert_string_equal(config.watchers.items[4999].name, "w4999");
	str_fini(&text);
}

/* ---- JSON ---- */

static int fill_json(const char *text, struct mu_error *error)
{
	json_t *args = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(args);
	*error = (struct mu_error){ 0 };
	int r = schema_fill_json(&arena, rows, &config, args, error);
	json_decref(args);
	return r;
}

static void json_is_taken_by_type(void **state)
{
	struct mu_error error;

	(void)state;
	assert_int_equal(
		fill_json("{\"Root\": \"/x\", \"Fast\": true, \"Count\": 3.0, \"Share\": 1, \"Wait\": 2.5,"
			  " \"Room\": \"2K\", \"Mode\": \"slow\", \"Paths\": \"one\", \"Password\": null,"
			  " \"Watcher\": [{\"Name\": \"a\", \"Command\": [\"x\", \"y\"], \"Grace\": \"1min\","
			  " \"Limit\": [{\"Resource\": \"core\", \"Most\": 5}]}]}",
			  &error),
		0);
	assert_string_equal(config.root, "/x");
	assert_true(config.fast);
	assert_int_equal(config.count, 3);
	assert_int_equal(config.wait, 2500 * MU_MS);
	assert_int_equal(config.room, 2048);
	assert_int_equal(config.mode, 0);
	assert_int_equal(config.paths.count, 1);
	assert_null(config.password);
	assert_int_equal(config.watchers.count, 1);
	assert_int_equal(config.watchers.items[0].command.count, 2);
	assert_int_equal(config.watchers.items[0].grace, MU_MIN);
	assert_int_equal(config.watchers.items[0].limits.items[0].most, 5);
}

static void json_defaults_are_filled(void **state)
{
	struct mu_error error;

	(void)state;
	assert_int_equal(fill_json("{}", &error), 0);
	assert_string_equal(config.root, "/proc");
	assert_int_equal(schema_fill_json(&arena, rows, &config, NULL, &error), 0);
	assert_int_equal(schema_fill_json(&arena, NULL, NULL, NULL, &error), 0);
	assert_int_equal(schema_fill_json(&arena, limit_rows, &(struct limit){ 0 }, json_null(), &error), 0);
}

static void json_of_another_type_is_refused(void **state)
{
	static const struct {
		const char *json, *what;
	} cases[] = {
		{ "[]", "the arguments are an array" },
		{ "{\"root\": \"x\"}", "there is no argument \"root\"" },
		{ "{\"Root\": 1}", "argument \"Root\" is a number" },
		{ "{\"Fast\": \"true\"}", "argument \"Fast\" is a text" },
		{ "{\"Count\": \"1\"}", "argument \"Count\" is a text" },
		{ "{\"Count\": 1.5}", "argument \"Count\" is a number" },
		{ "{\"Count\": 11}", "argument \"Count\" is 11 jobs, and must be from" },
		{ "{\"Wait\": -1}", "argument \"Wait\" is -1" },
		{ "{\"Wait\": 1e12}", "argument \"Wait\" is 1e+12" },
		{ "{\"Wait\": 0.5}", "argument \"Wait\" is 0.5 s, and must be at least 1 s" },
		{ "{\"Room\": -5}", "argument \"Room\" is -5" },
		{ "{\"Room\": \"lots\"}", "\"lots\" of \"Room\" is no size" },
		{ "{\"Mode\": \"none\"}", "\"none\" of \"Mode\" is no possible value" },
		{ "{\"Paths\": [1]}", "item 0 of argument \"Paths\" is a number" },
		{ "{\"Paths\": {}}", "argument \"Paths\" is an object" },
		{ "{\"Watcher\": {}}", "argument \"Watcher\" is an object" },
		{ "{\"Watcher\": [1]}", "item 0 of argument \"Watcher\" is a number" },
		{ "{\"Watcher\": [{}]}", "argument \"Name\" is missing" },
		{ "{\"Watcher\": [{\"Name\": \"a\"}]}", "watcher a does nothing" },
		{ "{\"Watcher\": [{\"Name\": \"a\", \"Command\": \"x\"}, "
		  "{\"Name\": \"a\", \"Command\": \"x\"}]}",
		  "two items of argument \"Watcher\" have the Name \"a\"" },
	};
	struct mu_error error;

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		if (fill_json(cases[i].json, &error) >= 0)
			fail_msg("%s was taken", cases[i].json);
		assert_has(error.what, cases[i].what);
	}
	fill_json("{\"Roott\": \"x\"}", &error);
	assert_has(error.remedy, "did you mean \"Root\"?");
	fill_json("{\"Watcher\": [{\"Name\": \"a\", \"Command\": \"x\"}, {\"Name\": 5}]}", &error);
	assert_string_equal(error.where, "item 1 of \"Watcher\"");
}

/* ---- rows ---- */

static void wrong_rows_are_found(void **state)
{
	static const char *const no_choices[] = { NULL };
	static const struct {
		struct mu_option row;
		const char *what;
	} cases[] = {
		{ { .name = "a b", .type = MU_INT }, "cannot be the name" },
		{ { .name = "", .type = MU_INT }, "cannot be the name" },
		{ { .name = "A", .type = 0 }, "unknown type 0" },
		{ { .name = "A", .type = 77 }, "unknown type 77" },
		{ { .name = "A", .type = MU_INT, .min = 5, .max = 2 }, "the wrong way round" },
		{ { .name = "A", .type = MU_INT, .min = NAN }, "no numbers" },
		{ { .name = "A", .type = MU_BOOL, .max = 2 }, "has bounds" },
		{ { .name = "A", .type = MU_INT, .dflt = "x" }, "the default of row \"A\" is wrong" },
		{ { .name = "A", .type = MU_INT, .dflt = "7", .max = 5 },
		  "the default of row \"A\" is wrong" },
		{ { .name = "A", .type = MU_STRINGS, .dflt = "\"open" },
		  "the default of row \"A\" is wrong" },
		{ { .name = "A", .type = MU_ENUM }, "without choices" },
		{ { .name = "A", .type = MU_ENUM, .choices = no_choices }, "without choices" },
		{ { .name = "A", .type = MU_BLOCK }, "no table or no size" },
		{ { .name = "A", .type = MU_BLOCK, .options = limit_rows, .size = 16, .dflt = "x" },
		  "has a default" },
		{ { .name = "A", .type = MU_INT, .flags = MU_UNIQUE }, "unique and no key" },
		{ { .name = "A", .type = MU_INT, .flags = MU_REQUIRED, .dflt = "1" },
		  "required and has a default" },
	};
	struct mu_error error;

	(void)state;
	assert_int_equal(schema_check_rows(rows, &error), 0);
	assert_int_equal(schema_check_rows(NULL, &error), 0);
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		const struct mu_option table[] = { cases[i].row, MU_OPT_END };
		assert_int_equal(schema_check_rows(table, &error), -EINVAL);
		assert_has(error.what, cases[i].what);
	}
	const struct mu_option twice[] = { { .name = "A", .type = MU_INT },
					   { .name = "a", .type = MU_INT },
					   MU_OPT_END };
	assert_int_equal(schema_check_rows(twice, &error), -EINVAL);
	assert_has(error.what, "two rows have the name");
	struct mu_option loop[2] = { { .name = "A", .type = MU_BLOCK, .size = 16 }, MU_OPT_END };
	loop[0].options = loop;
	assert_int_equal(schema_check_rows(loop, &error), -EINVAL);
	assert_has(error.what, "nested deeper");
}

static void rows_describe_themselves(void **state)
{
	json_t *all = schema_describe(rows);

	(void)state;
	assert_int_equal(json_array_size(all), 10);
	const json_t *count = json_array_get(all, 3);
	assert_string_equal(json_string_value(json_object_get(count, "name")), "Count");
	assert_string_equal(json_string_value(json_object_get(count, "type")), "int");
	assert_true(json_number_value(json_object_get(count, "max")) == 10);
	assert_null(json_object_get(count, "default"));
	assert_true(json_is_true(json_object_get(json_array_get(all, 1), "secret")));
	const json_t *wait = json_array_get(all, 5);
	assert_string_equal(json_string_value(json_object_get(wait, "default")), "1.5h");
	assert_null(json_object_get(wait, "max"));
	assert_int_equal(json_array_size(json_object_get(json_array_get(all, 7), "choices")), 3);
	const json_t *watcher = json_object_get(json_array_get(all, 9), "options");
	assert_true(json_is_true(json_object_get(json_array_get(watcher, 0), "key")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(watcher, 4), "options")), 2);
	json_decref(all);
	assert_string_equal(schema_type_name(0), "unknown");
	assert_string_equal(schema_type_name(MU_BLOCK), "block");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(durations_have_units),
		TEST(sizes_have_units),
		TEST(whole_numbers_are_whole),
		TEST(a_truth_has_six_words),
		TEST(nothing_given_gives_defaults),
		TEST(everything_given_is_taken),
		TEST(an_unknown_option_names_the_nearest),
		TEST(all_errors_are_told_in_one_run),
		TEST(a_value_given_twice_is_a_warning),
		TEST(keys_of_blocks_are_checked),
		TEST(a_secret_is_never_printed),
		TEST(more_errors_than_places_are_counted),
		TEST(many_blocks_are_no_trouble),
		TEST(json_is_taken_by_type),
		TEST(json_defaults_are_filled),
		TEST(json_of_another_type_is_refused),
		TEST(wrong_rows_are_found),
		TEST(rows_describe_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
