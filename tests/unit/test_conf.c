/* test_conf: files and includes → globals and instances; and what a reload would do. */
#include "conf.h"

#include "base/mem.h"
#include "base/str.h"
#include "instance.h"
#include "loader.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- plugins, built in so that no file need be loaded ---- */

struct probe {
	const char *root;
	int64_t count;
	struct mu_strings paths;
};
static const struct mu_option probe_options[] = {
	MU_OPT_STRING(struct probe, root, .name = "Root", .dflt = "/proc"),
	MU_OPT_INT(struct probe, count, .name = "Count", .min = 1, .max = 9),
	MU_OPT_STRINGS(struct probe, paths, .name = "Path"), MU_OPT_END
};
struct strict {
	const char *needed;
};
static const struct mu_option strict_options[] = {
	MU_OPT_STRING(struct strict, needed, .name = "Needed", .flags = MU_REQUIRED), MU_OPT_END
};

static int reconfigure(struct mu_instance *self, const void *before, const void *after,
		       struct mu_error *error)
{
	(void)self, (void)before, (void)after, (void)error;
	return 0;
}

static const struct mu_plugin probe = MU_PLUGIN_INIT(probe, .config_size = sizeof(struct probe),
						     .options = probe_options, .aliases = "feeler",
						     .reconfigure = reconfigure);
static const struct mu_plugin strict = MU_PLUGIN_INIT(strict, .config_size = sizeof(struct strict),
						      .options = strict_options, .flags = MU_SINGLE);
static const struct mu_plugin bare = MU_PLUGIN_INIT(bare);

/* ---- files ---- */

static char folder[] = "/tmp/test_conf_XXXXXX", path[64];
static struct conf_report report;

static void write_file(const char *name, const char *text)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", folder, name);
	FILE *file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_folder(const char *name)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", folder, name);
	mkdir(whole, 0700);
}

/* "@" in the text is the folder. */
static struct conf *load(const char *text)
{
	struct str whole = { 0 };

	for (const char *p = text; *p; p++)
		if (*p == '@')
			str_add(&whole, folder);
		else
			str_add_byte(&whole, *p);
	write_file("main.conf", str_text(&whole));
	str_fini(&whole);
	memset(&report, 0, sizeof(report));
	struct conf *conf = conf_load(path, &report);
	assert_true((conf == NULL) == (report.error_count > report.refused));
	return conf;
}

static struct conf *load_clean(const char *text)
{
	struct conf *conf = load(text);

	if (report.error_count || report.warning_count)
		fail_msg("%s %s", report.errors[0].what, report.warnings[0].what);
	return conf;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* `where` is "file:line" below the folder. */
static void assert_told(const struct mu_error *error, const char *where, const char *what, const char *remedy)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", folder, where);
	assert_string_equal(error->where, where[0] ? whole : "");
	assert_has(error->what, what);
	assert_has(error->remedy, remedy);
}

/* ---- globals ---- */

static void an_empty_file_gives_defaults(void **state)
{
	struct conf *conf = load_clean("# nothing\n");

	(void)state;
	assert_int_equal(conf->count, 0);
	assert_string_equal(conf->path, path);
	assert_has(conf->globals.base_dir, "/lib/muster");
	assert_has(conf->globals.pid_file, "/musterd.pid");
	assert_int_equal(conf->globals.types_db.count, 1);
	assert_has(conf->globals.types_db.items[0], "/types.db");
	assert_string_equal(conf->globals.hostname, "");
	assert_true(conf->globals.fqdn_lookup);
	assert_false(conf->globals.auto_load);
	assert_int_equal(conf->globals.interval, 10 * MU_SEC);
	assert_int_equal(conf->globals.max_read_interval, MU_DAY);
	assert_true(conf->globals.timeout > 1.9 && conf->globals.timeout < 2.1);
	assert_int_equal(conf->globals.log_level, 2);
	assert_int_equal(conf->globals.pool_size, 64);
	conf_free(&conf);
	assert_null(conf);
	conf_free(&conf);
}

static void globals_of_collectd_are_taken(void **state)
{
	struct conf *conf = load(
		"Hostname \"box\"\nfqdnlookup false\nBaseDir \"/b\"\nPIDFile \"/p\"\nPluginDir \"/d\"\n"
		"TypesDB \"/a.db\" \"/b.db\"\nTypesDB /c.db\nInterval 5\nTimeout 3\n"
		"ReadThreads 100\nWriteThreads 5\nWriteQueueLimitHigh 1000\nCollectInternalStats true\n"
		"PreCacheChain \"PreCache\"\n<Chain \"PostCache\">\n <Rule>\n </Rule>\n</Chain>\n"
		"LogLevel warning\n");

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->globals.hostname, "box");
	assert_false(conf->globals.fqdn_lookup);
	assert_string_equal(conf->globals.plugin_dir, "/d");
	assert_int_equal(conf->globals.types_db.count, 3);
	assert_string_equal(conf->globals.types_db.items[2], "/c.db");
	assert_int_equal(conf->globals.interval, 5 * MU_SEC);
	assert_true(conf->globals.internal_stats);
	assert_int_equal(conf->globals.pool_size, 100);
	assert_int_equal(conf->globals.log_level, 1);
	assert_int_equal(report.warning_count, 5);
	assert_told(&report.warnings[0], "main.conf:10", "ReadThreads has no effect: workers are started",
		    "removed");
	assert_told(&report.warnings[4], "main.conf:15",
		    "Chain has no effect: filter chains are not supported", "");
	conf_free(&conf);
}

static void wrong_globals_are_all_named(void **state)
{
	(void)state;
	assert_null(load(
		"Intervall 5\nTimeout soon\nHostnam x\n<Plugins cpu>\n</Plugins>\nNeeded 5\nInterval 0\n"
		"<Frobnicate>\n</Frobnicate>\nLoadPlugin probe\n<Plugin probe>\n Count 10\n</Plugin>\n"));
	assert_told(&report.errors[0], "main.conf:1", "unknown option \"Intervall\"",
		    "did you mean \"Interval\"?");
	assert_told(&report.errors[1], "main.conf:3", "unknown option \"Hostnam\"",
		    "did you mean \"Hostname\"?");
	assert_told(&report.errors[2], "main.conf:4", "unknown block \"Plugins\"",
		    "did you mean \"Plugin\"?");
	assert_told(&report.errors[3], "main.conf:6", "unknown option \"Needed\"", "inside <Plugin name>");
	assert_told(&report.errors[4], "main.conf:8", "unknown block \"Frobnicate\"",
		    "<LoadPlugin>, <Plugin>");
	assert_told(&report.errors[5], "main.conf:2", "\"soon\" of \"Timeout\" is no number",
		    "expected a number");
	assert_told(&report.errors[6], "main.conf:7", "\"Interval\" is 0 s, and must be from 0.01", "");
	assert_told(&report.errors[7], "main.conf:12", "\"Count\" is 10, and must be from 1 to 9", "");
	assert_int_equal(report.error_count, 8);
}

static void a_parse_error_has_its_line(void **state)
{
	(void)state;
	assert_null(load("Interval 10\n<Plugin cpu>\n"));
	assert_told(&report.errors[0], "main.conf:2", "never closed", "</Plugin>");
	memset(&report, 0, sizeof(report));
	assert_null(conf_load("/nowhere/x.conf", &report));
	assert_told(&report.errors[0], "", "the file \"/nowhere/x.conf\" cannot be read", "-C");
}

/* ---- plugins ---- */

static void options_come_to_their_instance(void **state)
{
	struct conf *conf = load_clean(
		"LoadPlugin probe\nLoadPlugin \"Bare\"\n"
		"<Plugin \"probe\">\n Root \"/a\"\n Path 1\n</Plugin>\n<Plugin feeler>\n"
		" Count 3\n Path 2 3\n</Plugin>\n");

	(void)state;
	assert_int_equal(conf->count, 2);
	const struct conf_plugin *plugin = &conf->plugins[0];
	assert_string_equal(plugin->plugin, "probe");
	assert_string_equal(plugin->name, "probe");
	assert_null(plugin->instance);
	assert_int_equal(plugin->interval, 10 * MU_SEC);
	assert_int_equal(plugin->read_deadline, 0);
	assert_null(plugin->loop);
	assert_int_equal(plugin->line, 1);
	assert_string_equal(plugin->file, path);
	const struct probe *config = plugin->config->data;
	assert_string_equal(config->root, "/a");
	assert_int_equal(config->count, 3);
	assert_int_equal(config->paths.count, 3);
	assert_string_equal(config->paths.items[2], "3");
	assert_string_equal(plugin->config->text, "Root \"/a\"\nPath 1\nCount 3\nPath 2 3\n");
	assert_string_equal(conf->plugins[1].name, "bare");
	/* what was filled outlives the file it came from */
	struct config *kept = config_ref(conf->plugins[0].config);
	conf_free(&conf);
	assert_string_equal(((const struct probe *)kept->data)->root, "/a");
	config_unref(&kept);
}

static void a_second_name_is_a_second_instance(void **state)
{
	struct conf *conf = load_clean(
		"<LoadPlugin probe>\n Interval 60\n Jitter 1\n Deadline 5\n Loop \"net\"\n</LoadPlugin>\n"
		"<Plugin probe \"left\">\n Count 1\n</Plugin>\n<Plugin probe>\n Count 2\n</Plugin>\n"
		"<Plugin probe right>\n Count 3\n</Plugin>\n<Plugin probe left>\n Root x\n</Plugin>\n");

	(void)state;
	assert_int_equal(conf->count, 3);
	assert_string_equal(conf->plugins[0].name, "probe");
	assert_string_equal(conf->plugins[1].name, "probe:left");
	assert_string_equal(conf->plugins[2].name, "probe:right");
	const struct conf_plugin *left = &conf->plugins[1];
	assert_string_equal(left->instance, "left");
	assert_string_equal(left->plugin, "probe");
	assert_int_equal(left->line, 7);
	assert_int_equal(left->interval, MU_MIN);
	assert_int_equal(left->jitter, MU_SEC);
	assert_int_equal(left->read_deadline, 5 * MU_SEC);
	assert_string_equal(left->loop, "net");
	assert_int_equal(((const struct probe *)left->config->data)->count, 1);
	assert_string_equal(((const struct probe *)left->config->data)->root, "x");
	assert_int_equal(((const struct probe *)conf->plugins[0].config->data)->count, 2);
	conf_free(&conf);
}

static void names_of_instances_are_checked(void **state)
{
	(void)state;
	assert_null(
		load("LoadPlugin probe\nLoadPlugin strict\n<Plugin strict>\n Needed 1\n</Plugin>\n"
		     "<Plugin probe \"a b\">\n</Plugin>\n<Plugin probe \"\">\n</Plugin>\n"
		     "<Plugin strict two>\n Needed 2\n</Plugin>\n<Plugin a b c>\n</Plugin>\nPlugin probe\n"));
	assert_told(&report.errors[0], "main.conf:6", "\"a b\" cannot be the name of an instance",
		    "without blanks");
	assert_told(&report.errors[1], "main.conf:8", "\"\" cannot be the name", "");
	assert_told(&report.errors[2], "main.conf:10", "plugin strict can have only one instance",
		    "<Plugin strict>");
	assert_told(&report.errors[3], "main.conf:13", "Plugin is a block with one name, or two", "");
	assert_told(&report.errors[4], "main.conf:15", "Plugin is a block", "");
	assert_int_equal(report.error_count, 5);
}

static void an_interval_counts_from_its_line_on(void **state)
{
	struct conf *conf = load(
		"LoadPlugin bare\nInterval 20\nLoadPlugin probe\nInterval 30\nAutoLoadPlugin true\n"
		"<Plugin strict>\n Needed x\n</Plugin>\n");

	(void)state;
	assert_int_equal(conf->count, 3);
	assert_int_equal(conf->plugins[0].interval, 10 * MU_SEC);
	assert_int_equal(conf->plugins[1].interval, 20 * MU_SEC);
	assert_int_equal(conf->plugins[2].interval, 30 * MU_SEC);
	assert_int_equal(conf->globals.interval, 30 * MU_SEC);
	assert_int_equal(report.warning_count, 1);
	assert_told(&report.warnings[0], "main.conf:2", "no effect on the plugins loaded above",
		    "main.conf:1");
	conf_free(&conf);
}

static void what_is_not_loaded_is_ignored_aloud(void **state)
{
	struct conf *conf = load(
		"<Plugin probe>\n Nonsense 1\n</Plugin>\nLoadPlugin bare\nLoadPlugin bare\n"
		"<LoadPlugin BARE>\n Globals true\n</LoadPlugin>\nLoadPlugin syslog\n<Plugin syslog>\n"
		" LogLevel info\n</Plugin>\nLoadPlugin logfile\n");

	(void)state;
	assert_int_equal(conf->count, 1);
	assert_told(&report.warnings[0], "main.conf:5", "plugin \"bare\" is loaded already", "no effect");
	assert_told(&report.warnings[1], "main.conf:6", "plugin \"BARE\" is loaded already", "");
	assert_told(&report.warnings[2], "main.conf:9", "plugin \"syslog\" is not needed",
		    "LogFile and LogLevel");
	assert_told(&report.warnings[3], "main.conf:13", "plugin \"logfile\" is not needed", "");
	assert_told(&report.warnings[4], "main.conf:1", "<Plugin probe> is ignored",
		    "add LoadPlugin probe above");
	assert_int_equal(report.warning_count, 5);
	conf_free(&conf);
}

static void a_block_above_its_load_counts_with_a_warning(void **state)
{
	struct conf *conf = load(
		"<Plugin probe>\n Count 5\n</Plugin>\n<LoadPlugin feeler>\n FlushInterval 10\n"
		"</LoadPlugin>\n");

	(void)state;
	assert_int_equal(((const struct probe *)conf->plugins[0].config->data)->count, 5);
	assert_told(&report.warnings[0], "main.conf:5", "FlushInterval in LoadPlugin has no effect", "");
	assert_told(&report.warnings[1], "main.conf:1", "stands above its LoadPlugin",
		    "collectd would ignore it");
	conf_free(&conf);
}

static void wrong_plugins_are_all_named(void **state)
{
	make_folder("plugins");
	(void)state;
	assert_null(load(
		"PluginDir \"@/plugins\"\nLoadPlugin nosuch\nLoadPlugin nosuch\n<Plugin nosuch>\n X 1\n"
		"</Plugin>\n"
		"<LoadPlugin probe>\n Intervall 5\n Loop \"NET\"\n Deadline 0\n</LoadPlugin>\n"
		"LoadPlugin a b\n"
		"LoadPlugin strict\nLoadPlugin bare\n<Plugin bare>\n Some 1\n</Plugin>\n"));
	assert_told(&report.errors[0], "main.conf:2", "there is no plugin \"nosuch\"", "is PluginDir right?");
	assert_told(&report.errors[1], "main.conf:8", "unknown option \"Intervall\" in LoadPlugin probe",
		    "did you mean \"Interval\"?");
	assert_told(&report.errors[2], "main.conf:10", "\"Deadline\" is 0 s", "");
	assert_told(&report.errors[3], "main.conf:9", "\"NET\" cannot be the name of a loop",
		    "small letters");
	assert_told(&report.errors[4], "main.conf:12", "LoadPlugin has 2 arguments", "");
	assert_told(&report.errors[5], "main.conf:13", "option \"Needed\" is missing in plugin strict",
		    "one text");
	assert_told(&report.errors[6], "main.conf:16", "unknown option \"Some\" in plugin bare",
		    "no options here");
	assert_int_equal(report.error_count, 7);
	assert_int_equal(report.warning_count, 0);
}

static void a_refused_plugin_leaves_the_others(void **state)
{
	(void)state;
	make_folder("plugins");
	write_file("plugins/text.so", "not a plugin\n");
	struct conf *conf = load("PluginDir \"@/plugins\"\nLoadPlugin text\n<Plugin text>\n X 1\n</Plugin>\n"
				 "LoadPlugin probe\n");
	assert_non_null(conf);
	assert_int_equal(report.refused, 1);
	assert_int_equal(report.error_count, 1);
	assert_told(&report.errors[0], "main.conf:2", "no ELF file", "");
	assert_int_equal(conf->count, 2);
	assert_string_equal(conf->plugins[0].name, "text");
	assert_non_null(conf->plugins[0].refused);
	assert_null(conf->plugins[1].refused);
	conf_free(&conf);
}

/* ---- includes ---- */

static void includes_are_sorted_and_filtered(void **state)
{
	(void)state;
	make_folder("d");
	make_folder("d/sub");
	write_file("d/20.conf", "TypesDB 20\n");
	write_file("d/10.conf", "TypesDB 10\n");
	write_file("d/30.txt", "TypesDB 30\n");
	write_file("d/.hidden.conf", "Nonsense 1\n");
	write_file("d/sub/15.conf", "TypesDB 15\n");
	struct conf *conf = load_clean(
		"TypesDB 0\n<Include \"@/d\">\n Filter \"*.conf\"\n</Include>\nTypesDB 99\n"
		"Include \"@/d/{30,10}*\"\n");
	static const char *const want[] = { "0", "10", "20", "15", "99", "10", "30" };
	assert_int_equal(conf->globals.types_db.count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(conf->globals.types_db.items[i], want[i]);
	conf_free(&conf);
	conf = load_clean("Include \"@/d\"\n");
	assert_int_equal(conf->globals.types_db.count, 4);
	conf_free(&conf);
}

static void an_included_error_names_its_own_file(void **state)
{
	(void)state;
	write_file("inc.conf", "\nInterval 5\nBogus 1\n");
	assert_null(load("Include \"@/inc.conf\"\n"));
	assert_told(&report.errors[0], "inc.conf:3", "unknown option \"Bogus\"", "");
	write_file("inc.conf", "\n<Plugin cpu>\n");
	assert_null(load("Include \"@/inc.conf\"\nBogus 1\n"));
	assert_told(&report.errors[0], "inc.conf:2", "never closed", "");
}

static void a_missing_include_is_a_warning_an_unreadable_one_an_error(void **state)
{
	char target[128];

	(void)state;
	struct conf *conf = load("Include \"@/none.conf\"\nInclude \"$HOME/x\"\nInclude \"/dev/null\"\n");
	assert_told(&report.warnings[0], "main.conf:1", "cannot be included: No such file",
		    "correct the path");
	assert_told(&report.warnings[1], "main.conf:2", "cannot be included", "variables are not replaced");
	assert_told(&report.warnings[2], "main.conf:3", "neither a file nor a folder", "");
	conf_free(&conf);
	snprintf(target, sizeof(target), "%s/secret.conf", folder);
	write_file("secret.conf", "");
	chmod(target, 0);
	if (access(target, R_OK) != 0) { /* root reads everything */
		assert_null(load("Include \"@/secret.conf\"\n"));
		assert_told(&report.errors[0], "main.conf:1", "cannot be read: Permission denied",
			    "permissions");
	}
	unlink(target);
	assert_null(load("<Include \"@\">\n Filtre \"*\"\n Other 1\n</Include>\nInclude a b\n"));
	assert_told(&report.errors[0], "main.conf:2", "\"Filtre\" is not understood in Include",
		    "did you mean");
	assert_told(&report.errors[1], "main.conf:3", "\"Other\" is not understood", "the only option");
	assert_told(&report.errors[2], "main.conf:5", "Include has 2 arguments", "");
}

static void a_file_that_includes_itself_is_found(void **state)
{
	(void)state;
	assert_null(load("Include \"@/main.conf\"\nInclude \"@/main.conf\"\nInclude \"@/main.conf\"\n"));
	assert_int_equal(report.error_count, 1);
	assert_told(&report.errors[0], "main.conf:1", "nested 8 deep", "include itself?");
}

/* ---- reload ---- */

static void assert_difference(const struct conf_difference *all, size_t count, const char *name,
			      const char *change, const char *words)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0) {
			assert_string_equal(conf_change_name(all[i].change), change);
			assert_string_equal(all[i].words, words);
			return;
		}
	fail_msg("nothing is said of %s", name);
}

static void a_reload_says_what_it_would_do(void **state)
{
	struct conf *before = load_clean(
		"LoadPlugin probe\nLoadPlugin bare\n<Plugin probe>\n Root /a\n Path 1\n</Plugin>\n"
		"<Plugin probe old>\n</Plugin>\n<Plugin probe same>\n Count 5\n</Plugin>\n"
		"<Plugin probe moved>\n Path 1\n Path 2\n</Plugin>\n");
	struct conf *after = load_clean(
		"# a comment changes nothing\nBaseDir /elsewhere\nPoolSize 3\nLoadPlugin probe\n"
		"<LoadPlugin bare>\n Interval 5\n Loop x\n</LoadPlugin>\n"
		"<Plugin probe>\n Root /b\n Count 4\n</Plugin>\n"
		"<Plugin probe same>\n\n   Count   5\n</Plugin>\n<Plugin probe new>\n</Plugin>\n"
		"<Plugin probe moved>\n Path 2\n Path 1\n</Plugin>\n");
	size_t count;
	struct conf_difference *all = conf_diff(before, after, &count);

	(void)state;
	conf_free(&before);
	assert_int_equal(count, 7);
	assert_string_equal(all[0].name, "daemon");
	assert_true(all[0].globals);
	assert_false(all[1].globals);
	assert_difference(all, count, "daemon", "later",
			  "BaseDir, PoolSize changed; takes effect when the daemon restarts");
	assert_difference(all, count, "probe", "reconfigured", "options Root, Count, Path changed");
	assert_difference(all, count, "bare", "restarted", "Interval, Loop changed");
	assert_difference(all, count, "probe:same", "same", "");
	assert_difference(all, count, "probe:new", "added", "");
	assert_difference(all, count, "probe:old", "removed", "it stops");
	assert_difference(all, count, "probe:moved", "reconfigured", "the order of its options changed");
	conf_free(&after);
}

/* Text for a global that differs from its default. */
static const char *other_value(const struct mu_option *row)
{
	switch (row->type) {
	case MU_BOOL:
		return strcmp(row->dflt, "true") == 0 ? "false" : "true";
	case MU_ENUM:
		return "debug";
	case MU_INT:
	case MU_DOUBLE:
	case MU_DURATION:
		return "77";
	default:
		return "/elsewhere";
	}
}

static void every_global_is_told_when_it_changes(void **state)
{
	static const char *const live[] = { "LogFile",	      "LogLevel",   "Timeout",	 "MaxReadInterval",
					    "CollectInternalStats", "Interval", "PluginDir", "AutoLoadPlugin",
					    "TypesDB" };
	char text[128], words[128];

	(void)state;
	for (const struct mu_option *row = conf_global_rows; row->name; row++) {
		bool is_live = false;
		size_t count;
		for (size_t i = 0; i < MU_ARRAY_LEN(live); i++)
			is_live = is_live || strcmp(live[i], row->name) == 0;
		assert_int_equal(conf_global_is_live(row->name), is_live);
		struct conf *before = load_clean("");
		snprintf(text, sizeof(text), "%s %s\n", row->name, other_value(row));
		struct conf *after = load_clean(text);
		struct conf_difference *all = conf_diff(before, after, &count);
		assert_int_equal(count, 1);
		assert_true(all[0].globals);
		assert_string_equal(conf_change_name(all[0].change), is_live ? "reconfigured" : "later");
		snprintf(words, sizeof(words), "%s changed", row->name);
		assert_memory_equal(all[0].words, words, strlen(words));
		assert_int_equal(strstr(all[0].words, "restarts") != NULL,
				 !is_live || strcmp(row->name, "TypesDB") == 0);
		all = conf_diff(after, after, &count);
		assert_int_equal(count, 0);
		conf_free(&before);
		conf_free(&after);
	}
}

static void live_and_later_globals_are_two_entries(void **state)
{
	struct conf *before = load_clean("LogLevel info\n");
	struct conf *after = load_clean("LogLevel debug\nTimeout 3\nPIDFile /x\n");
	size_t count;
	struct conf_difference *all = conf_diff(before, after, &count);

	(void)state;
	assert_int_equal(count, 2);
	assert_string_equal(all[0].words, "Timeout, LogLevel changed");
	assert_int_equal(all[0].change, CONF_RECONFIGURED);
	assert_string_equal(all[1].words, "PIDFile changed; takes effect when the daemon restarts");
	assert_int_equal(all[1].change, CONF_LATER);
	conf_free(&before);
	conf_free(&after);
}

static void a_refused_plugin_is_told_as_such(void **state)
{
	size_t count;

	(void)state;
	make_folder("plugins");
	struct conf *before = load_clean("PluginDir \"@/plugins\"\nLoadPlugin bare\n");
	struct conf *after = load("PluginDir \"@/plugins\"\nLoadPlugin bare\nLoadPlugin nonesuch\n");
	struct conf_difference *all = conf_diff(before, after, &count);
	assert_int_equal(count, 2);
	assert_string_equal(all[1].name, "nonesuch");
	assert_int_equal(all[1].change, CONF_ADDED);
	assert_has(all[1].words, "its file cannot be loaded: there is no plugin \"nonesuch\"");
	assert_has(all[1].words, "; it will be failed");
	conf_free(&before);
	conf_free(&after);
}

static void without_reconfigure_it_restarts(void **state)
{
	struct conf *before = load_clean("LoadPlugin strict\n<Plugin strict>\n Needed 1\n</Plugin>\n");
	struct conf *after = load_clean("LoadPlugin strict\n<Plugin strict>\n Needed 2\n</Plugin>\n");
	size_t count;
	struct conf_difference *all = conf_diff(before, after, &count);

	(void)state;
	assert_int_equal(count, 1);
	assert_difference(all, count, "strict", "restarted", "option Needed changed");
	conf_free(&before);
	conf_free(&after);
}

/* As if it had come out of a file: what is the daemon's own cannot be loaded. */
static void stand_in(const struct mu_plugin *plugin)
{
	struct descriptor *descriptor = (struct descriptor *)(uintptr_t)loader_builtin(plugin);

	snprintf(descriptor->path, sizeof(descriptor->path), "/nowhere/%s.so", plugin->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_defaults),
		cmocka_unit_test(globals_of_collectd_are_taken),
		cmocka_unit_test(wrong_globals_are_all_named),
		cmocka_unit_test(a_parse_error_has_its_line),
		cmocka_unit_test(options_come_to_their_instance),
		cmocka_unit_test(a_second_name_is_a_second_instance),
		cmocka_unit_test(names_of_instances_are_checked),
		cmocka_unit_test(an_interval_counts_from_its_line_on),
		cmocka_unit_test(what_is_not_loaded_is_ignored_aloud),
		cmocka_unit_test(a_block_above_its_load_counts_with_a_warning),
		cmocka_unit_test(wrong_plugins_are_all_named),
		cmocka_unit_test(a_refused_plugin_leaves_the_others),
		cmocka_unit_test(includes_are_sorted_and_filtered),
		cmocka_unit_test(an_included_error_names_its_own_file),
		cmocka_unit_test(a_missing_include_is_a_warning_an_unreadable_one_an_error),
		cmocka_unit_test(a_file_that_includes_itself_is_found),
		cmocka_unit_test(a_reload_says_what_it_would_do),
		cmocka_unit_test(every_global_is_told_when_it_changes),
		cmocka_unit_test(live_and_later_globals_are_two_entries),
		cmocka_unit_test(a_refused_plugin_is_told_as_such),
		cmocka_unit_test(without_reconfigure_it_restarts),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/main.conf", folder);
	stand_in(&probe);
	stand_in(&strict);
	stand_in(&bare);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	static const char *const made[] = { "d/20.conf",     "d/10.conf", "d/30.txt", "d/.hidden.conf",
					    "d/sub/15.conf", "d/sub",     "d",        "plugins/text.so",
					    "plugins",       "inc.conf",  "main.conf", "" };
	for (size_t i = 0; i < MU_ARRAY_LEN(made); i++) {
		char *whole = mem_printf("%s/%s", folder, made[i]);
		if (remove(whole) < 0)
			r = r ? r : 1;
		free(whole);
	}
	return r;
}
