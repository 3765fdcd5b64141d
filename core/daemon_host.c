/* daemon_host: what this host calls itself: the configuration's word, else the system's, whole when it can be found. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon.h"

/* Asks the resolver once, before anything runs; a name without an answer stays as it is. */
static void whole_name(char *name, size_t size)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC }, *found = NULL;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return;
	if (found && found->ai_canonname && strchr(found->ai_canonname, '.'))
		text_copy(name, size, found->ai_canonname);
	freeaddrinfo(found);
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
