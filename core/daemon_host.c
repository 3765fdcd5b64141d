/* daemon_host: what this host calls itself: the configuration's word, else the system's, whole when it can be found. */
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "daemon.h"
#include "log.h"

#define PATIENCE (3 * MU_SEC) /* with the resolver, before anything else starts */

struct lookup {
	char name[128]; /* asked, and answered */
};

static void *look_up(void *data)
{
	struct lookup *lookup = data;
	struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC }, *found = NULL;

	if (getaddrinfo(lookup->name, NULL, &hints, &found) != 0)
		return NULL;
	if (found && found->ai_canonname && strchr(found->ai_canonname, '.'))
		text_copy(lookup->name, sizeof(lookup->name), found->ai_canonname);
	freeaddrinfo(found);
	return NULL;
}

/* A name without an answer stays as it is; a resolver that hangs keeps its thread and its memory. */
static void whole_name(char *name, size_t size)
{
	struct lookup *lookup = mem_alloc(sizeof(*lookup));
	pthread_t thread;

	text_copy(lookup->name, sizeof(lookup->name), name);
	if (pthread_create(&thread, NULL, look_up, lookup) != 0) {
		free(lookup);
		return;
	}
	if (!thread_join(thread, PATIENCE)) {
		pthread_detach(thread);
		log_line(MU_LOG_WARNING, "muster",
			 "the resolver did not say the whole name of \"%s\" in time; this host is "
			 "called that: set Hostname, or FQDNLookup false",
			 name);
		return;
	}
	text_copy(name, size, lookup->name);
	free(lookup);
}

void daemon_host(const struct conf_globals *globals, char *name, size_t size)
{
	if (globals->hostname && globals->hostname[0]) {
		text_copy(name, size, globals->hostname);
		return;
	}
	if (gethostname(name, size) < 0 || !name[0])
		text_copy(name, size, "localhost");
	name[size - 1] = '\0';
	if (globals->fqdn_lookup && !strchr(name, '.'))
		whole_name(name, size);
}
