/* path: the name of a series is the path of its file, so the one check that counts is here: three
 * components, none of them empty, hidden or too long. */
#include "path.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COMPONENT_MAX ((size_t)255) /* NAME_MAX of every file system we know */

/* One component of `length` bytes that ends up as long as `length` + `more`. */
static int check_component(const char *text, size_t length, size_t more)
{
	if (length == 0 || text[0] == '.')
		return -EINVAL;
	return length + more > COMPONENT_MAX ? -ENAMETOOLONG : 0;
}

int path_of_name(char *path, size_t size, const char *data_dir, const char *name)
{
	const char *host_end = strchr(name, '/');
	const char *plugin_end = host_end ? strchr(host_end + 1, '/') : NULL;

	assert(path && size > 0);
	assert(data_dir && *data_dir);
	path[0] = '\0';
	if (!plugin_end || strchr(plugin_end + 1, '/'))
		return -EINVAL;
	int r = check_component(name, (size_t)(host_end - name), 0);
	if (r == 0)
		r = check_component(host_end + 1, (size_t)(plugin_end - host_end) - 1, 0);
	if (r == 0)
		r = check_component(plugin_end + 1, strlen(plugin_end + 1), strlen(".rrd"));
	if (r < 0)
		return r;
	int length = snprintf(path, size, "%s/%s.rrd", data_dir, name);
	if (length >= 0 && (size_t)length < size)
		return length;
	path[0] = '\0';
	return -ENAMETOOLONG;
}

static bool is_part(const char *part, bool needed)
{
	assert(part);
	return (!needed || *part) && !strchr(part, '/');
}

int path_of_ident(char *path, size_t size, const char *data_dir, const struct mu_ident *ident)
{
	char name[5 * 128 + 8];

	assert(path && ident);
	path[0] = '\0';
	if (!is_part(ident->host, true) || !is_part(ident->plugin, true) || !is_part(ident->type, true) ||
	    !is_part(ident->plugin_instance, false) || !is_part(ident->type_instance, false))
		return -EINVAL;
	int length = snprintf(name, sizeof(name), "%s/%s%s%s/%s%s%s", ident->host, ident->plugin,
			      *ident->plugin_instance ? "-" : "", ident->plugin_instance, ident->type,
			      *ident->type_instance ? "-" : "", ident->type_instance);
	if (length < 0 || (size_t)length >= sizeof(name))
		return -ENAMETOOLONG;
	return path_of_name(path, size, data_dir, name);
}
