/* command: see command.h. One struct per (kind, verb), in one list whether or not the kind is there: that
 * is what a verb on another plugin's kind needs, whichever of the two starts first. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "instance.h"
#include "kind.h"

static struct list commands = { &commands, &commands };

/* ---- the two that every kind has ---- */

struct list_condition { /* as a form or a manual shows it; read by command_query */
	const char *attr, *value;
	int op;
};
struct list_args {
	struct {
		struct list_condition *items;
		size_t count;
	} where;
	const char *sort, *after;
	bool descending;
	int64_t limit;
};
static const char *const op_choices[] = { "eq", "ne", "lt", "le", "gt", "ge", "glob", NULL };
static const struct mu_option condition_rows[] = {
	MU_OPT_STRING(struct list_condition, attr, .name = "attr", .flags = MU_REQUIRED,
		      .help = "attribute, or id"),
	MU_OPT_ENUM(struct list_condition, op, .name = "op", .dflt = "eq", .choices = op_choices,
		    .help = "how they are compared"),
	MU_OPT_STRING(struct list_condition, value, .name = "value", .flags = MU_REQUIRED,
		      .help = "with what"),
	MU_OPT_END
};
static const struct mu_option list_rows[] = {
	MU_OPT_BLOCK(struct list_args, where, struct list_condition, condition_rows, .name = "where",
		     .help = "conditions, all of which must hold"),
	MU_OPT_STRING(struct list_args, sort, .name = "sort", .help = "attribute to sort by"),
	MU_OPT_BOOL(struct list_args, descending, .name = "descending", .help = "the last first"),
	MU_OPT_INT(struct list_args, limit, .name = "limit", .dflt = "200", .min = 1, .max = 1000,
		   .help = "objects a page"),
	MU_OPT_STRING(struct list_args, after, .name = "after", .help = "the `next` of the page before"),
	MU_OPT_END
};

const struct mu_command command_list_row = {
	.name = "list",
	.title = "List",
	.help = "a page of them",
	.role = MU_VIEWER,
	.effect = MU_LOOK,
	.flags = MU_ON_KIND,
	.args = list_rows,
	.args_size = sizeof(struct list_args),
};
const struct mu_command command_get_row = {
	.name = "get",
	.title = "Show",
	.help = "one of them, with all attributes",
	.role = MU_VIEWER,
	.effect = MU_LOOK,
};

/* ---- the registry ---- */

struct command *command_find(struct kind *kind, const char *verb)
{
	c_assert(kind);
	return verb ? map_get(&kind->commands, verb) : NULL;
}

enum mu_role command_role(const struct mu_command *row)
{
	c_assert(row);
	if (row->role)
		return (enum mu_role)row->role;
	return row->effect == MU_LOOK ? MU_VIEWER : MU_OPERATOR;
}

static struct command *find_declared(const char *kind, const char *verb)
{
	list_each (node, &commands) {
		struct command *command = list_entry(node, struct command, node);
		if (strcmp(command->row->kind, kind) == 0 && strcmp(command->row->name, verb) == 0)
			return command;
	}
	return NULL;
}

int command_check_instance(const struct mu_instance *instance, struct mu_error *error)
{
	for (const struct mu_command *row = instance->plugin->commands; row && row->name; row++) {
		c_assert(row->kind && row->run); /* the loader has seen to it */
		const struct command *there = find_declared(row->kind, row->name);
		if (there && strcmp(there->plugin, instance->plugin->name) != 0)
			return mu_error(error, -EEXIST, "command %s.%s is plugin %s's", row->kind, row->name,
					there->plugin);
	}
	return 0;
}

static void attach(struct command *command, struct kind *kind)
{
	c_assert(kind && !command->kind);
	void *before = map_put(&kind->commands, command->row->name, command);

	c_assert(!before);
	command->kind = kind;
}

static struct command *command_new(const struct mu_command *row, const char *plugin)
{
	struct command *command = mem_alloc(sizeof(*command));

	command->row = row;
	command->plugin = plugin;
	list_init(&command->owners);
	return command;
}

void command_add_instance(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	for (const struct mu_command *row = instance->plugin->commands; row && row->name; row++) {
		struct command *command = find_declared(row->kind, row->name);
		struct kind_owner *owner = mem_alloc(sizeof(*owner));

		if (!command) {
			struct kind *kind = kind_find(row->kind);
			command = command_new(row, instance->plugin->name);
			list_add(&commands, &command->node);
			/* by its name alone: an alias may be another kind's name tomorrow */
			if (kind && strcmp(kind->row->name, row->kind) == 0)
				attach(command, kind);
		}
		owner->instance = instance;
		list_add(&command->owners, &owner->node);
		if (!command->owner)
			command->owner = instance;
	}
}

static void command_leave(struct command *command, struct mu_instance *instance)
{
	c_assert(command->plugin && !list_empty(&command->owners));
	list_each_safe (node, &command->owners) {
		struct kind_owner *owner = list_entry(node, struct kind_owner, node);
		if (owner->instance != instance)
			continue;
		list_remove(&owner->node);
		free(owner);
	}
	if (!list_empty(&command->owners)) {
		command->owner = list_entry(command->owners.next, struct kind_owner, node)->instance;
		return;
	}
	list_remove(&command->node);
	if (command->kind)
		map_del(&command->kind->commands, command->row->name);
	free(command);
}

void command_remove_instance(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	list_each_safe (node, &commands)
		command_leave(list_entry(node, struct command, node), instance);
}

void command_kind_added(struct kind *kind)
{
	c_assert(loop_is_current(loop_main()));
	const struct mu_command *const generic[] = { &command_list_row, &command_get_row };

	for (size_t i = 0; i < MU_ARRAY_LEN(generic); i++) {
		struct command *command = command_new(generic[i], NULL);
		command->generic = true;
		attach(command, kind);
	}
	list_each (node, &commands) {
		struct command *command = list_entry(node, struct command, node);
		if (!command->kind && strcmp(command->row->kind, kind->row->name) == 0)
			attach(command, kind);
	}
}

void command_kind_removed(struct kind *kind)
{
	c_assert(loop_is_current(loop_main()));
	void *value;

	for (size_t at = 0; map_next(&kind->commands, &at, NULL, &value);) {
		struct command *command = value;
		map_del(&kind->commands, command->row->name);
		command->kind = NULL;
		if (command->generic)
			free(command);
	}
}

int command_resolve(const char *kind_word, const char *verb, struct command **out, struct mu_error *error)
{
	c_assert(out);
	struct kind *kind = kind_find(kind_word);
	if (!kind) {
		const char *near = kind_word ? kind_nearest(kind_word) : NULL;
		mu_error(error, -ENOENT, "there is no kind \"%.100s\"", kind_word ? kind_word : "");
		if (near)
			mu_error_remedy(error, "did you mean \"%s\"?", near);
		return -ENOENT;
	}
	*out = command_find(kind, verb);
	if (*out)
		return 0;

	struct nearest nearest;
	const char *candidate;
	nearest_init(&nearest, verb ? verb : "");
	for (size_t at = 0; map_next(&kind->commands, &at, &candidate, NULL);)
		nearest_try(&nearest, candidate);
	mu_error(error, -ENOENT, "%s has no command \"%.100s\"", kind->row->name, verb ? verb : "");
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"?", nearest_best(&nearest));
	return -ENOENT;
}
