/* conf_plugins: LoadPlugin and <Plugin> → the instances of a configuration.
 *
 * First every LoadPlugin, then every <Plugin> block, each in the order of the file: so a block that stands
 * above its LoadPlugin (collectd would ignore it) is found all the same, and said to be. Blocks of one
 * instance are one list of statements in the end, and that list is what its table is filled from. */
#include "conf_plugins.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"
#include "loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A generated file that went wrong is told, and not followed to the end: each unknown name is looked for in every
 * file of PluginDir. */
enum { LOADS_MAX = 500, INSTANCES_MAX = 4000 };

struct load_options {
	mu_time interval, jitter, deadline;
	const char *loop;
	bool globals;
	double flush_interval, flush_timeout;
};

static int check_loop(const void *value, struct mu_error *error)
{
	const char *name = *(const char *const *)value;
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (length >= 1 && length <= 15 && !name[length])
		return 0;
	mu_error(error, -EINVAL, "\"%.60s\" cannot be the name of a loop", name);
	mu_error_remedy(error, "1 to 15 small letters, digits, \"_\" or \"-\", as in \"net\"");
	return -EINVAL;
}

/* clang-format off */
static const struct mu_option load_rows[] = {
	MU_OPT_DURATION(struct load_options, interval, .name = "Interval", .min = CONF_INTERVAL_MIN,
	                .max = CONF_INTERVAL_MAX, .help = "time between two reads"),
	MU_OPT_DURATION(struct load_options, jitter, .name = "Jitter", .max = CONF_INTERVAL_MAX,
	                .help = "reads are late by up to this much, the same for each read of an instance"),
	MU_OPT_DURATION(struct load_options, deadline, .name = "Deadline", .min = CONF_INTERVAL_MIN,
	                .max = CONF_INTERVAL_MAX, .help = "a read that takes longer is given up"),
	MU_OPT_STRING(struct load_options, loop, .name = "Loop", .check = check_loop,
	              .help = "the loop that its callbacks run on"),
	MU_OPT_BOOL(struct load_options, globals, .name = "Globals", .help = "collectd's; without effect"),
	MU_OPT_DOUBLE(struct load_options, flush_interval, .name = "FlushInterval",
	              .help = "collectd's; without effect"),
	MU_OPT_DOUBLE(struct load_options, flush_timeout, .name = "FlushTimeout",
	              .help = "collectd's; without effect"),
	MU_OPT_END
};
/* clang-format on */

static const struct {
	const char *key, *why;
} without_effect[] = {
	{ "Globals", "a plugin's symbols are never seen by others" },
	{ "FlushInterval", "a writer decides by its own options when it writes" },
	{ "FlushTimeout", "a writer decides by its own options when it writes" },
};

/* Plugins of collectd whose work the daemon does itself. */
static const char *const own_work[] = { "logfile", "syslog", "log_logstash" };

/* One LoadPlugin. */
struct load {
	const char *word;
	const struct conf_node *node;
	const struct descriptor *descriptor; /* NULL: not needed, and told */
	const struct mu_error *refused;
	size_t position;
};

/* One instance in the making. */
struct draft {
	struct conf_plugin plugin;
	size_t position; /* of the statement that made it, twice; +1 when it is a second instance */
	struct conf_node *first, **tail;
};

struct plan {
	struct conf *conf;
	struct conf_report *report;
	struct load *loads;
	size_t load_count, load_cap;
	struct draft **drafts;
	size_t draft_count, draft_cap;
	mu_time interval; /* at the line at hand */
	bool enough;      /* too many; that is told */
};

/* ---- LoadPlugin ---- */

static bool answers_to(const struct load *load, const char *word)
{
	c_assert(load->word && word);
	return text_equal_nocase(load->word, word) ||
	       (load->descriptor && loader_answers(&load->descriptor->plugin, word));
}

static struct load *find_load(struct plan *plan, const char *word)
{
	for (size_t i = 0; i < plan->load_count; i++)
		if (answers_to(&plan->loads[i], word))
			return &plan->loads[i];
	return NULL;
}

static struct draft *find_draft(struct plan *plan, const char *name)
{
	c_assert(plan && name);
	for (size_t i = 0; i < plan->draft_count; i++)
		if (strcmp(plan->drafts[i]->plugin.name, name) == 0)
			return plan->drafts[i];
	return NULL;
}

static struct draft *add_draft(struct plan *plan, const struct conf_plugin *plugin, size_t position)
{
	struct draft *draft = arena_alloc(&plan->conf->arena, sizeof(*draft));

	c_assert(plugin->name && plugin->descriptor);
	draft->plugin = *plugin;
	draft->position = position;
	draft->tail = &draft->first;
	if (plan->draft_count == plan->draft_cap) {
		plan->draft_cap = plan->draft_cap ? plan->draft_cap * 2 : 64;
		plan->drafts = mem_grow(plan->drafts, plan->draft_cap, sizeof(struct draft *));
	}
	plan->drafts[plan->draft_count++] = draft;
	return draft;
}

/* false: there is no room for one more, and that is told. */
static bool has_room(struct plan *plan, const struct conf_node *node)
{
	c_assert(plan && node);
	if (!plan->enough && plan->load_count < LOADS_MAX && plan->draft_count < INSTANCES_MAX)
		return true;
	if (!plan->enough)
		mu_error_remedy(conf_error_at(plan->report, node,
					      "more than %d plugins, or %d instances of them, are configured",
					      LOADS_MAX, INSTANCES_MAX),
				"was this file generated by mistake?");
	plan->enough = true;
	return false;
}

static struct load *add_load(struct plan *plan, const char *word, const struct conf_node *node,
			     size_t position)
{
	c_assert(word && node);
	if (plan->load_count == plan->load_cap) {
		plan->load_cap = plan->load_cap ? plan->load_cap * 2 : 64;
		plan->loads = mem_grow(plan->loads, plan->load_cap, sizeof(*plan->loads));
	}
	struct load *load = &plan->loads[plan->load_count++];
	*load = (struct load){ .word = word, .node = node, .position = position };
	return load;
}

static void warn_without_effect(struct plan *plan, const struct conf_node *node)
{
	for (const struct conf_node *child = node->children; child; child = child->next)
		for (size_t i = 0; i < MU_ARRAY_LEN(without_effect); i++)
			if (text_equal_nocase(child->key, without_effect[i].key))
				mu_error_remedy(conf_warning_at(plan->report, child,
								"%s in LoadPlugin has no effect: %s",
								without_effect[i].key, without_effect[i].why),
						"the line may be removed");
}

static bool is_own_work(const char *word)
{
	c_assert(word);
	for (size_t i = 0; i < MU_ARRAY_LEN(own_work); i++)
		if (text_equal_nocase(own_work[i], word))
			return true;
	return false;
}

/* Finds the plugin: its descriptor, or a placeholder and why it was refused, or neither when it is not needed. */
static void load_descriptor(struct plan *plan, struct load *load)
{
	const struct conf_node *node = load->node;
	struct mu_error why = { 0 };

	int r = loader_load(plan->conf->globals.plugin_dir, load->word, &load->descriptor, &why);
	if (r == 0) {
		c_assert(load->descriptor);
		return;
	}
	if (r == -ENOENT && is_own_work(load->word)) {
		mu_error_remedy(
			conf_warning_at(plan->report, node,
					"plugin \"%s\" is not needed: the daemon writes its log itself",
					load->word),
			"set LogFile and LogLevel at the top level, and remove this line");
		return;
	}
	/* a file's own name is in its sentence; where to look is the line that asked for it */
	why.where[0] = '\0';
	mu_error_where(&why, "%s:%d", node->file, node->line);
	*conf_report_error(plan->report) = why;
	plan->report->refused++;
	load->refused = arena_memdup(&plan->conf->arena, &why, sizeof(why));
	load->descriptor = loader_placeholder(load->word);
}

/* All that a change of would need a restart. */
static const char *load_text(struct arena *arena, const struct conf_plugin *plugin)
{
	return arena_printf(arena, "Interval %.9g\nJitter %.9g\nDeadline %.9g\nLoop \"%s\"\n%s",
			    (double)plugin->interval / 1e9, (double)plugin->jitter / 1e9,
			    (double)plugin->read_deadline / 1e9, plugin->loop ? plugin->loop : "",
			    plugin->refused ? "refused\n" : "");
}

/* The instance that LoadPlugin alone makes. `options` NULL: loaded by its <Plugin> block. */
static void draft_load(struct plan *plan, struct load *load, const struct load_options *options)
{
	const char *name = load->descriptor->plugin.name;
	struct conf_plugin plugin = { .plugin = name,
				      .name = name,
				      .descriptor = load->descriptor,
				      .refused = load->refused,
				      .interval = plan->interval,
				      .file = load->node->file,
				      .line = load->node->line };

	c_assert(load->descriptor);
	c_assert(plan->interval > 0);
	if (options) {
		if (options->interval)
			plugin.interval = options->interval;
		plugin.jitter = options->jitter;
		plugin.read_deadline = options->deadline;
		plugin.loop = options->loop;
	}
	plugin.load_text = load_text(&plan->conf->arena, &plugin);
	add_draft(plan, &plugin, 2 * load->position);
}

static void take_load(struct plan *plan, const struct conf_node *node, size_t position)
{
	struct load_options options = { 0 };
	struct conf_node block = *node; /* its argument is the plugin, and no key of the table */
	char what[100];

	c_assert(plan && node);
	if (node->arg_count != 1) {
		mu_error_remedy(conf_error_at(plan->report, node,
					      "LoadPlugin has %zu arguments and takes one", node->arg_count),
				"write a LoadPlugin for each plugin");
		return;
	}
	const char *word = node->args[0].text;
	if (!word[0]) {
		mu_error_remedy(conf_error_at(plan->report, node, "\"\" cannot be the name of a plugin"),
				"write LoadPlugin and the name of a file in PluginDir, without .so");
		return;
	}
	const struct load *before = find_load(plan, word);
	if (before && before->descriptor && !before->refused) {
		mu_error_remedy(conf_warning_at(plan->report, node,
						"plugin \"%.60s\" is loaded already, by %.60s:%d", word,
						before->node->file, before->node->line),
				"this line has no effect and may be removed");
		return;
	}
	text_printf(what, sizeof(what), "LoadPlugin %.60s", word);
	block.arg_count = 0;
	int r = schema_fill(&plan->conf->arena, load_rows, &options, node->children, &block, what,
			    plan->report);
	warn_without_effect(plan, node);
	if (before)
		return; /* was refused once, and that is told */
	if (!has_room(plan, node))
		return;
	struct load *load = add_load(plan, word, node, position);
	load_descriptor(plan, load);
	if (!load->descriptor || r < 0)
		return;
	draft_load(plan, load, &options);
}

/* ---- <Plugin> ---- */

static struct load *auto_load(struct plan *plan, const struct conf_node *node, size_t position)
{
	struct load *load = add_load(plan, node->args[0].text, node, position);

	c_assert(node->arg_count > 0);
	load_descriptor(plan, load);
	if (load->descriptor)
		draft_load(plan, load, NULL);
	return load;
}

static bool check_instance_name(struct plan *plan, const struct conf_node *node, const char *plugin,
				const char *label)
{
	size_t length = strlen(label);

	c_assert(plugin && label);
	if (length == 0 || strlen(plugin) + 1 + length > 127 || !text_printable(label, length) ||
	    strpbrk(label, " /")) {
		mu_error_remedy(conf_error_at(plan->report, node,
					      "\"%.60s\" cannot be the name of an instance", label),
				"letters without blanks and \"/\"; with its plugin's name at most 127 bytes");
		return false;
	}
	return true;
}

/* The instance that a block is for; NULL when it cannot be, and that is told. */
static struct draft *block_draft(struct plan *plan, const struct conf_node *node, const struct load *load,
				 size_t position)
{
	const char *plugin_name = load->descriptor->plugin.name;
	struct draft *base = find_draft(plan, plugin_name);

	c_assert(load->descriptor);
	c_assert(node->arg_count == 1 || node->arg_count == 2);
	if (!base || node->arg_count == 1)
		return base;
	const char *label = node->args[1].text;
	if (!check_instance_name(plan, node, plugin_name, label))
		return NULL;
	const char *name = arena_printf(&plan->conf->arena, "%s:%s", plugin_name, label);
	struct draft *draft = find_draft(plan, name);
	if (draft)
		return draft;
	if (load->descriptor->plugin.flags & MU_SINGLE) {
		mu_error_remedy(conf_error_at(plan->report, node, "plugin %s can have only one instance",
					      plugin_name),
				"write <Plugin %s> without a second name", plugin_name);
		return NULL;
	}
	if (!has_room(plan, node))
		return NULL;
	struct conf_plugin plugin = base->plugin;
	plugin.instance = label;
	plugin.name = name;
	plugin.file = node->file;
	plugin.line = node->line;
	return add_draft(plan, &plugin, 2 * position + 1);
}

static void take_block(struct plan *plan, const struct conf_node *node, size_t position)
{
	c_assert(plan && node);
	if (!node->block || node->arg_count < 1 || node->arg_count > 2) {
		mu_error_remedy(conf_error_at(plan->report, node, "Plugin is a block with one name, or two"),
				"write <Plugin name> ... </Plugin>, or <Plugin name \"instance\">");
		return;
	}
	const char *word = node->args[0].text;
	const struct load *load = find_load(plan, word);
	if (!load && word[0] && plan->conf->globals.auto_load && has_room(plan, node))
		load = auto_load(plan, node, position);
	if (!load) {
		mu_error_remedy(
			conf_warning_at(plan->report, node,
					"the block <Plugin %.60s> is ignored: that plugin is not loaded",
					word),
			"add LoadPlugin %.60s above, or set AutoLoadPlugin true", word);
		return;
	}
	if (!load->descriptor || load->refused)
		return;
	if (load->position > position)
		mu_error_remedy(conf_warning_at(plan->report, node,
						"<Plugin %.60s> stands above its LoadPlugin in %.60s:%d",
						word, load->node->file, load->node->line),
				"it counts here, but collectd would ignore it; move it below");
	struct draft *draft = block_draft(plan, node, load, position);
	for (const struct conf_node *child = draft ? node->children : NULL; child; child = child->next) {
		struct conf_node *copy = arena_memdup(&plan->conf->arena, child, sizeof(*child));
		copy->next = NULL;
		*draft->tail = copy;
		draft->tail = &copy->next;
	}
}

/* ---- the options ---- */

static void fill_draft(struct plan *plan, struct draft *draft)
{
	struct conf_plugin *plugin = &draft->plugin;
	const struct mu_plugin *table = &plugin->descriptor->plugin;
	size_t before = plan->report->error_count;
	struct str text = { 0 };
	char what[160];

	c_assert(!draft->plugin.config);
	struct config *config = plugin->config = config_new(table->config_size);
	text_printf(what, sizeof(what), "plugin %s", plugin->name);
	schema_fill(&config->arena, table->options, config->data, draft->first, NULL, what, plan->report);
	/* an option that is missing stands nowhere: the line that made the instance will do */
	for (size_t i = before; i < plan->report->error_count && i < MU_ARRAY_LEN(plan->report->errors); i++)
		mu_error_where(&plan->report->errors[i], "%s:%d", plugin->file, plugin->line);
	for (const struct conf_node *node = draft->first; node; node = node->next)
		conf_node_write(&text, node, 0);
	config->text = arena_strdup(&config->arena, str_text(&text));
	str_fini(&text);
}

static int compare_drafts(const void *a, const void *b)
{
	const struct draft *x = *(struct draft *const *)a, *y = *(struct draft *const *)b;

	return x->position < y->position ? -1 : x->position > y->position;
}

/* ---- the walk ---- */

/* The interval of the lines below. A wrong one is told when the globals are filled. */
static void take_interval(struct plan *plan, const struct conf_node *node)
{
	int64_t interval;

	if (node->arg_count == 1 && schema_duration(node->args[0].text, &interval) == 0 && interval > 0)
		plan->interval = interval;
}

/* The one Interval below the LoadPlugins it was meant for. */
static void warn_late_interval(struct plan *plan, const struct conf_node *first)
{
	const struct conf_node *load = NULL;

	for (const struct conf_node *node = first; node; node = node->next) {
		if (text_equal_nocase(node->key, "LoadPlugin") && !load)
			load = node;
		if (!text_equal_nocase(node->key, "Interval"))
			continue;
		if (load)
			mu_error_remedy(
				conf_warning_at(plan->report, node,
						"Interval has no effect on the plugins loaded above it"),
				"move it above the first LoadPlugin, which stands in %.100s:%d", load->file,
				load->line);
		return;
	}
}

static void walk(struct plan *plan, const struct conf_node *first, const char *key,
		 void (*take)(struct plan *plan, const struct conf_node *node, size_t position))
{
	size_t position = 0;

	c_assert(plan && take);
	plan->interval = 10 * MU_SEC;
	for (const struct conf_node *node = first; node; node = node->next, position++)
		if (text_equal_nocase(node->key, "Interval"))
			take_interval(plan, node);
		else if (text_equal_nocase(node->key, key))
			take(plan, node, position);
}

void conf_plugins(struct conf *conf, const struct conf_node *first, struct conf_report *report)
{
	struct plan plan = { .conf = conf, .report = report };

	c_assert(conf && report);
	c_assert(conf->count == 0);
	warn_late_interval(&plan, first);
	walk(&plan, first, "LoadPlugin", take_load);
	walk(&plan, first, "Plugin", take_block);
	if (plan.draft_count)
		qsort(plan.drafts, plan.draft_count, sizeof(struct draft *), compare_drafts);
	conf->plugins = arena_array(&conf->arena, plan.draft_count, sizeof(*conf->plugins));
	conf->count = plan.draft_count;
	for (size_t i = 0; i < plan.draft_count; i++) {
		fill_draft(&plan, plan.drafts[i]);
		conf->plugins[i] = plan.drafts[i]->plugin;
	}
	free(plan.drafts);
	free(plan.loads);
}
