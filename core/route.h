/* route: HTTP routes and namespaces that plugins offer, and the one who provides the server. Main loop. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <muster/http.h>

struct mu_instance;

void route_init(void);
void route_fini(void);
/* -EEXIST: method and path are another's. Nothing is left behind on error. The rows make sense: the loader has seen
 * to it. */
int route_add_instance(struct mu_instance *instance, struct mu_error *error);
/* Also when it was the provider. */
void route_remove_instance(struct mu_instance *instance);
bool route_next(size_t *at, const struct mu_route **row, struct mu_instance **owner);
bool route_provided(void);
/* The provider's table, for what is asked without a handle; NULL. Any thread. */
const struct mu_http_ops *route_ops(void);
/* Does `path` fit the pattern? Pure. Fills up to 8 parameters as (name, start, length). A pattern is "/"
 * or segments of "/literal" ([A-Za-z0-9._~-]+) and "/{name}"; the last may be "/{name*}", which takes all
 * that remains, also nothing. A parameter takes one segment that is not empty, as it stands: still
 * percent-encoded. A path with a segment "." or ".." fits nothing. */
struct route_param {
	const char *name, *value;
	size_t name_length, value_length;
};
#define ROUTE_PARAMS_MAX 8
bool route_match(const char *pattern, const char *path, struct route_param params[8], size_t *count);
int route_check_pattern(const char *pattern, struct mu_error *error);
/* Do both take the same requests? */
bool route_same(const struct mu_route *a, const struct mu_route *b);
/* Do both take the same paths, whatever their parameters are called? */
bool route_same_shape(const char *a, const char *b);

#endif
