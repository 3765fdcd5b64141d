/* hostname: this host's name as it stands in identifiers.
 *
 * It may change on a reload while any thread reads it, so the names before are kept until the end. */
#include "series.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct host {
	struct host *before;
	char name[SERIES_NAME_SIZE];
};

static struct host *newest; /* atomic */

const char *mu_hostname(void)
{
	const struct host *host = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);

	return host ? host->name : "localhost";
}

void series_hostname(const char *name)
{
	struct host *host = mem_alloc(sizeof(*host));

	c_assert(name);
	if (series_clean(host->name, name, false) <= 0 || host->name[0] == '.')
		text_copy(host->name, sizeof(host->name), "localhost");
	if (strcmp(host->name, mu_hostname()) == 0) {
		free(host);
		return;
	}
	host->before = newest;
	__atomic_store_n(&newest, host, __ATOMIC_RELEASE);
}

void hostname_fini(void)
{
	struct host *host = newest;

	__atomic_store_n(&newest, NULL, __ATOMIC_RELEASE);
	while (host) {
		struct host *before = host->before;
		c_assert(host->name[0]);
		free(host);
		host = before;
	}
}
