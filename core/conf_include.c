/* conf_include: a configuration file and all that it includes, as one list of statements.
 *
 * As in collectd, an include takes the place of its line, at the top level of a file only: globs are
 * sorted by bytes, a folder gives its entries sorted, but for those with a dot, and its folders likewise;
 * a filter is asked about the file's own name. A file that includes itself is found by the depth, and
 * because eight levels of two includes each are many files, their number is bounded as well.
 * Source: collectd.conf(5), "Include". */
#include "conf_include.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 10000, FILE_BYTES_MAX = 64 << 20, FOLDER_DEPTH_MAX = 16 };

struct reader {
	struct arena *arena;
	struct conf_report *report;
	struct conf_node **tail; /* where the next statement goes */
	size_t files, errors;
	bool enough; /* no more files: the bound is reached, and told */
};

/* One Include statement at work. */
struct include {
	struct reader *reader;
	const struct conf_node *node; /* NULL: the main file */
	const char *filter;           /* NULL = all */
	int depth;
};

MU_PRINTF(4, 5)
static struct mu_error *tell(struct reader *reader, const struct conf_node *node, bool warning,
			     const char *what, ...)
{
	struct mu_error *error = warning ? conf_report_warning(reader->report)
					 : conf_report_error(reader->report);
	struct str text = { 0 };
	va_list args;

	va_start(args, what);
	str_vprintf(&text, what, args);
	va_end(args);
	reader->errors += !warning;
	mu_error(error, -EINVAL, "%s", str_text(&text));
	if (node)
		mu_error_where(error, "%s:%d", node->file, node->line);
	str_fini(&text);
	return error;
}

static void read_statements(struct reader *reader, struct conf_node *first, int depth);

/* A file that exists: whatever is wrong with it is an error. */
static void read_file(const struct include *include, const char *path)
{
	struct reader *reader = include->reader;
	struct conf_problem problem;
	struct conf_node *first;
	char *text;

	c_assert(include && path);
	if (reader->enough)
		return;
	if (reader->files++ >= FILES_MAX) {
		reader->enough = true;
		mu_error_remedy(
			tell(reader, include->node, false, "more than %d files are included", FILES_MAX),
			"does a file include itself?");
		return;
	}
	int r = slurp_all(path, FILE_BYTES_MAX, &text);
	if (r < 0) {
		mu_error_remedy(tell(reader, include->node, false, "the file \"%s\" cannot be read: %s", path,
				     r == -ENOTSUP ? "it is a pipe" : strerror(-r)),
				include->node ? "correct the path or its permissions, or remove the Include"
					      : "name the configuration file with -C");
		return;
	}
	r = conf_parse(reader->arena, path, text, (size_t)r, &first, &problem);
	free(text);
	if (r == 0) {
		read_statements(reader, first, include->depth);
		return;
	}
	struct mu_error *error = tell(reader, NULL, false, "%s", problem.what);
	mu_error_where(error, "%s:%d", path, problem.line);
	if (problem.remedy[0])
		mu_error_remedy(error, "%s", problem.remedy);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of a folder that do not begin with a dot, sorted; the caller frees them all. */
static char **list_folder(const char *path, size_t *count)
{
	size_t cap = 0;
	char **names = NULL;
	DIR *dir = opendir(path);

	c_assert(path && count);
	*count = 0;
	if (!dir)
		return NULL;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		if (*count == cap) {
			cap = cap ? cap * 2 : 64;
			names = mem_grow(names, cap, sizeof(*names));
		}
		names[(*count)++] = mem_strdup(entry->d_name);
	}
	closedir(dir);
	if (names)
		qsort(names, *count, sizeof(*names), compare_names);
	else
		names = mem_array(1, sizeof(*names));
	return names;
}

static void read_path(const struct include *include, const char *path, int folders);

static void read_folder(const struct include *include, const char *path, int folders)
{
	size_t count;

	c_assert(include && path);
	c_assert(folders >= 0);
	if (folders >= FOLDER_DEPTH_MAX) {
		mu_error_remedy(tell(include->reader, include->node, false,
				     "folders below \"%s\" are nested deeper than %d", path,
				     FOLDER_DEPTH_MAX),
				"does a link point back to a folder above?");
		return;
	}
	char **names = list_folder(path, &count);
	if (!names) {
		mu_error_remedy(tell(include->reader, include->node, false,
				     "the folder \"%s\" cannot be read: %s", path, strerror(errno)),
				"correct the path or its permissions, or remove the Include");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		char *whole = mem_printf("%s/%s", path, names[i]);
		read_path(include, whole, folders + 1);
		free(whole);
		free(names[i]);
	}
	free(names);
}

static bool filter_takes(const struct include *include, const char *path)
{
	const char *slash = strrchr(path, '/');

	c_assert(include && path);
	return !include->filter || fnmatch(include->filter, slash ? slash + 1 : path, 0) == 0;
}

static void read_path(const struct include *include, const char *path, int folders)
{
	struct stat st;

	c_assert(include && path);
	if (include->reader->enough)
		return;
	if (stat(path, &st) < 0)
		mu_error_remedy(tell(include->reader, include->node, true, "\"%s\" cannot be included: %s",
				     path, strerror(errno)),
				strchr(path, '$') ? "variables are not replaced here; write the whole path"
						  : "correct the path, or remove the Include");
	else if (S_ISDIR(st.st_mode))
		read_folder(include, path, folders);
	else if (S_ISREG(st.st_mode) && filter_takes(include, path))
		read_file(include, path);
	else if (!S_ISREG(st.st_mode))
		tell(include->reader, include->node, true,
		     "\"%s\" is neither a file nor a folder, and is left out", path);
}

/* The filter of <Include> … </Include>; false when something is wrong with it. */
static bool take_filter(struct include *include)
{
	size_t errors = include->reader->errors;

	c_assert(include->node && !include->filter);
	for (const struct conf_node *child = include->node->children; child; child = child->next) {
		if (!text_equal_nocase(child->key, "Filter") || child->block || child->arg_count != 1) {
			struct nearest nearest;
			nearest_init(&nearest, child->key);
			nearest_try(&nearest, "Filter");
			mu_error_remedy(tell(include->reader, child, false,
					     "\"%.60s\" is not understood in Include", child->key),
					"%s",
					nearest_best(&nearest)
						? "did you mean \"Filter\"? It takes one pattern"
						: "the only option here is: Filter \"*.conf\"");
			continue;
		}
		include->filter = child->args[0].text;
	}
	return include->reader->errors == errors;
}

static void read_include(struct reader *reader, const struct conf_node *node, int depth)
{
	struct include include = { .reader = reader, .node = node, .depth = depth + 1 };
	glob_t found;

	c_assert(reader && node);
	c_assert(depth >= 0 && depth < CONF_INCLUDE_DEPTH);
	if (reader->enough)
		return;
	if (node->arg_count != 1) {
		mu_error_remedy(
			tell(reader, node, false, "Include has %zu arguments and takes one", node->arg_count),
			"write an Include for each path");
		return;
	}
	if (include.depth >= CONF_INCLUDE_DEPTH) {
		reader->enough = true;
		mu_error_remedy(
			tell(reader, node, false, "includes are nested %d deep here", CONF_INCLUDE_DEPTH),
			"does \"%.120s\" include itself?", node->args[0].text);
		return;
	}
	if (!take_filter(&include))
		return;
	int r = glob(node->args[0].text, GLOB_BRACE | GLOB_TILDE | GLOB_NOSORT | GLOB_NOCHECK, NULL, &found);
	if (r != 0) {
		tell(reader, node, false, "the pattern \"%.100s\" cannot be looked for", node->args[0].text);
		return;
	}
	qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_names);
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_path(&include, found.gl_pathv[i], 0);
	globfree(&found);
}

static void read_statements(struct reader *reader, struct conf_node *first, int depth)
{
	c_assert(reader && reader->tail);
	for (struct conf_node *node = first, *next; node; node = next) {
		next = node->next;
		if (text_equal_nocase(node->key, "Include")) {
			read_include(reader, node, depth);
			continue;
		}
		node->next = NULL;
		*reader->tail = node;
		reader->tail = &node->next;
	}
}

int conf_read(struct arena *arena, const char *path, struct conf_node **first, struct conf_report *report)
{
	struct reader reader = { .arena = arena, .report = report, .tail = first };
	struct include main_file = { .reader = &reader };

	c_assert(arena && path);
	c_assert(first && report);
	*first = NULL;
	read_file(&main_file, path);
	return reader.errors ? -EINVAL : 0;
}
