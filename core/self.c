/* self: the tables of the daemon as a plugin of its own: its kinds and verbs, gathered from the rooms they belong to. */
#include "self.h"

#include <string.h>

#include "base/check.h"
#include "call.h"
#include "counters.h"
#include "event.h"
#include "instance.h"
#include "loader.h"
#include "log.h"

static struct mu_kind kinds[8];
static struct mu_command commands[32];
static const struct descriptor *descriptor;
static struct mu_instance *running;

static int self_start(struct mu_instance *self, struct mu_error *error)
{
	struct mu_store *store = mu_store_open(self, event_migrations, event_migration_count, error);

	running = self;
	event_store(store);
	audit_store(store);
	if (!store) { /* whoever watches a host goes on watching it */
		char words[700];
		error_print(words, sizeof(words), error);
		mu_event(self, MU_FAILURE, "the history of events and the audit are not kept: %s", words);
	}
	counters_start();
	self_daemon_changed();
	return 0;
}

static void self_stop(struct mu_instance *self)
{
	counters_stop();
	self_backup_stop();
	self_series_stop();
	running = NULL;
	mu_stopped(self);
}

static size_t add_commands(size_t at, const struct mu_command *rows)
{
	for (; rows->name; rows++) {
		c_assert(at + 1 < MU_ARRAY_LEN(commands));
		commands[at++] = *rows;
	}
	return at;
}

const struct descriptor *self_descriptor(void)
{
	if (descriptor)
		return descriptor;
	const struct mu_kind *const all[] = { &self_daemon_kind, &self_plugin_kind, &self_series_kind,
		                              &event_kind, &job_kind, &audit_kind };
	static struct mu_plugin plugin =
		MU_PLUGIN_INIT(muster, .about = "the daemon itself", .kinds = kinds, .commands = commands,
	                       .flags = MU_SINGLE, .start = self_start, .stop = self_stop);
	size_t at = 0;

	for (size_t i = 0; i < MU_ARRAY_LEN(all); i++)
		kinds[i] = *all[i];
	at = add_commands(at, self_daemon_commands);
	at = add_commands(at, self_backup_commands);
	at = add_commands(at, self_plugin_commands);
	at = add_commands(at, self_series_commands);
	at = add_commands(at, event_commands);
	add_commands(at, job_commands);
	descriptor = loader_builtin(&plugin);
	return descriptor;
}

struct mu_instance *self_instance(void)
{
	return running;
}
