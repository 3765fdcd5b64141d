/* loader_copy: a plugin's tables, by its own strides, → zero-padded tables of the core's own layout.
 *
 * Rows grow at their end only, so a plugin of an older minor has shorter rows and what it does not know
 * is zero. Nothing but the name at the head of a row is read before its copy is made. */
#include "loader_parts.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>

struct copying {
	struct arena *arena;
	const struct mu_plugin *from; /* its strides */
	struct mu_error *error;
	int result; /* the first trouble */
};

/* One kind of table. */
struct table {
	const char *name;
	size_t stride; /* the plugin's */
	size_t size;   /* ours */
	size_t end_at; /* offset of the pointer that is NULL in the last row */
};

static int refuse(struct copying *copying, const char *table, const char *why)
{
	c_assert(copying && table);
	if (copying->result == 0) {
		copying->result = mu_error(copying->error, -ENOEXEC, "its table of %s %s", table, why);
		mu_error_remedy(copying->error, "build the plugin again, with the headers of this daemon");
	}
	return copying->result;
}

/* A fresh table, ended by a zeroed row; NULL stays NULL. */
static void *copy_table(struct copying *copying, const void *rows, const struct table *table)
{
	const unsigned char *at = rows;
	size_t count = 0;

	c_assert(table->size >= table->end_at + sizeof(void *));
	if (!rows || copying->result < 0)
		return NULL;
	if (table->stride < table->end_at + sizeof(void *) || table->stride % sizeof(void *) ||
	    table->stride > 4096) {
		refuse(copying, table->name, "has rows of an impossible size");
		return NULL;
	}
	for (;; count++, at += table->stride) {
		const void *end;
		memcpy(&end, at + table->end_at, sizeof(end));
		if (!end)
			break;
		if (count == TABLE_ROWS_MAX) {
			refuse(copying, table->name, "has no end");
			return NULL;
		}
	}
	unsigned char *copy = arena_array(copying->arena, count + 1, table->size);
	size_t bytes = table->stride < table->size ? table->stride : table->size;
	for (size_t i = 0; i < count; i++)
		memcpy(copy + i * table->size, (const unsigned char *)rows + i * table->stride, bytes);
	return copy;
}

#define TABLE(words, row, stride_of, end)                                                                    \
	&(struct table)                                                                                      \
	{                                                                                                    \
		.name = (words), .stride = (stride_of), .size = sizeof(struct row),                          \
		.end_at = offsetof(struct row, end)                                                          \
	}

static struct mu_option *copy_options(struct copying *copying, const struct mu_option *rows, int depth)
{
	c_assert(depth >= 0);
	if (depth >= TABLE_DEPTH_MAX) {
		refuse(copying, "options", "is nested too deep: does a block name its own table?");
		return NULL;
	}
	struct mu_option *copy = copy_table(copying, rows,
					    TABLE("options", mu_option, copying->from->option_stride, name));
	for (struct mu_option *row = copy; row && row->name; row++)
		row->options = row->type == MU_BLOCK ? copy_options(copying, row->options, depth + 1) : NULL;
	return copy;
}

static struct mu_kind *copy_kinds(struct copying *copying, const struct mu_kind *rows)
{
	const struct mu_plugin *from = copying->from;
	struct mu_kind *copy = copy_table(copying, rows, TABLE("kinds", mu_kind, from->kind_stride, name));

	for (struct mu_kind *row = copy; row && row->name; row++) {
		row->attrs = copy_table(copying, row->attrs,
					TABLE("attributes", mu_attr, from->attr_stride, name));
		row->states = copy_table(copying, row->states,
					 TABLE("states", mu_state, from->state_stride, name));
	}
	return copy;
}

static struct mu_command *copy_commands(struct copying *copying, const struct mu_command *rows)
{
	struct mu_command *copy = copy_table(
		copying, rows, TABLE("commands", mu_command, copying->from->command_stride, name));

	for (struct mu_command *row = copy; row && row->name; row++)
		row->args = copy_options(copying, row->args, 0);
	return copy;
}

int loader_copy(struct arena *arena, const struct mu_plugin *raw, struct mu_plugin *out,
		struct mu_error *error)
{
	struct copying copying = { .arena = arena, .from = out, .error = error };

	c_assert(arena && raw);
	c_assert(out && out != raw);
	*out = (struct mu_plugin){ 0 };
	uint32_t size = raw->size; /* the one member that every version has */
	if (size < offsetof(struct mu_plugin, name) + sizeof(out->name) || size > 1 << 16) {
		mu_error(error, -ENOEXEC, "its description has %u bytes", size);
		mu_error_remedy(error, "does it export muster_plugin by MU_PLUGIN?");
		return -ENOEXEC;
	}
	memcpy(out, raw, size < sizeof(*out) ? size : sizeof(*out));
	out->options = copy_options(&copying, out->options, 0);
	out->kinds = copy_kinds(&copying, out->kinds);
	out->commands = copy_commands(&copying, out->commands);
	out->routes = copy_table(&copying, out->routes, TABLE("routes", mu_route, out->route_stride, method));
	out->namespaces = copy_table(&copying, out->namespaces,
				     TABLE("namespaces", mu_namespace, out->namespace_stride, path));
	out->counters = copy_table(&copying, out->counters,
				   TABLE("counters", mu_counter, out->counter_stride, name));
	out->size = sizeof(*out);
	out->option_stride = sizeof(struct mu_option);
	out->attr_stride = sizeof(struct mu_attr);
	out->state_stride = sizeof(struct mu_state);
	out->kind_stride = sizeof(struct mu_kind);
	out->command_stride = sizeof(struct mu_command);
	out->route_stride = sizeof(struct mu_route);
	out->namespace_stride = sizeof(struct mu_namespace);
	out->counter_stride = sizeof(struct mu_counter);
	return copying.result;
}
