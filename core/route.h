/* route: HTTP routes and namespaces that plugins offer, and the one who provides the server. Main loop. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <muster/http.h>

struct mu_instance;

void route_init(void);
void route_fini(void);
/* -EEXIST: method and path are another's. */
int route_add_instance(struct mu_instance *instance, struct mu_error *error);
/* Also when it was the provider. */
void route_remove_instance(struct mu_instance *instance);
bool route_next(size_t *at, const struct mu_route **row, struct mu_instance **owner);
bool route_provided(void);
/* Does `path` fit the pattern? Pure. Fills up to 8 parameters as (name, start, length). */
struct route_param {
	const char *name, *value;
	size_t name_length, value_length;
};
bool route_match(const char *pattern, const char *path, struct route_param params[8], size_t *count);
int route_check_pattern(const char *pattern, struct mu_error *error);

#endif
