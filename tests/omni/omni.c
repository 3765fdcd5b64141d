/* omni: the proving ground of the plugin ABI: start, new options, stop, and the tables.
 *
 * Its commands stand in the files of their nouns; one table is made of them before anybody looks. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "omni.h"

const struct mu_counter omni_counters[] = {
	[OMNI_GREETINGS] = { .name = "greetings", .help = "starts and new options" },
	[OMNI_PULSES] = { .name = "pulses", .help = "beats of its timer" },
	[OMNI_DROPPED] = { .name = "dropped", .help = "messages that came back undelivered" },
	[OMNI_THINGS] = { .name = "things", .type = "gauge", .help = "objects it has put" },
	[OMNI_LATE] = { .name = "late", .help = "calls answered when nobody waited any more" },
	MU_COUNTER_END
};

/* ---- all lives ---- */

static struct {
	pthread_mutex_t lock;
	uint64_t lives;
	struct mu_ref *now, *before;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void life_begins(struct mu_instance *self)
{
	pthread_mutex_lock(&all.lock);
	mu_ref_unref(&all.before);
	all.before = all.now;
	all.now = mu_self_ref(self);
	all.lives++;
	pthread_mutex_unlock(&all.lock);
}

uint64_t omni_lives(void)
{
	pthread_mutex_lock(&all.lock);
	uint64_t lives = all.lives;
	pthread_mutex_unlock(&all.lock);
	return lives;
}

struct mu_ref *omni_before(void)
{
	pthread_mutex_lock(&all.lock);
	struct mu_ref *before = all.before ? mu_ref_ref(all.before) : NULL;
	pthread_mutex_unlock(&all.lock);
	return before;
}

/* ---- start ---- */

static void on_pulse(struct mu_instance *self, struct mu_timer *timer)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);

	omni->pulses++;
	mu_count(self, OMNI_PULSES, 1);
	mu_timer_start(self, timer, config->period, on_pulse);
}

static int omni_start(struct mu_instance *self, struct mu_error *error)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);

	if (config->fail_start) {
		mu_error(error, -EPERM, "%s", config->fail_start);
		mu_error_remedy(error, "remove FailStart");
		return -EPERM;
	}
	int r = omni_store_start(self, error);
	if (r < 0)
		return r;
	life_begins(self);
	omni->config_at_start = config;
	r = omni_things_start(self);
	if (r < 0)
		return mu_error(error, r, "the things of the configuration could not be put: %s",
				strerror(-r));
	omni_values_start(self);
	mu_timer_start(self, &omni->pulse, config->period, on_pulse);
	mu_count(self, OMNI_GREETINGS, 1);
	mu_log(self, MU_LOG_NOTICE, "says %s on its loop", config->greeting);
	if (config->loud)
		mu_event(self, MU_INFO, "omni says %s", config->greeting);
	return 0;
}

/* ---- new options ---- */

static int omni_reconfigure(struct mu_instance *self, const void *before, const void *after,
			    struct mu_error *error)
{
	struct omni *omni = mu_state(self);
	const struct config *old = before, *new = after;

	if (new->refuse)
		return mu_error(error, -EINVAL, "omni was told to refuse");
	if (strcmp(old->anchor, new->anchor) != 0 || old->gardens.count != new->gardens.count)
		return 1;
	omni->reconfigured++;
	mu_count(self, OMNI_GREETINGS, 1);
	mu_timer_start(self, &omni->pulse, new->period, on_pulse);
	mu_log(self, MU_LOG_NOTICE, "says %s instead of %s", new->greeting, old->greeting);
	return 0;
}

/* ---- stop ---- */

static void tell_reason(struct mu_instance *self)
{
	static const char *const reasons[] = { [MU_STOP_REMOVED] = "removed",
					       [MU_STOP_RELOAD] = "reload",
					       [MU_STOP_RESTART] = "restart",
					       [MU_STOP_END] = "end" };
	const struct config *config = mu_config(self);
	FILE *file = config->stop_file ? fopen(config->stop_file, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%s\n", reasons[mu_stop_reason(self)]);
	fclose(file);
}

static void omni_end(struct mu_instance *self, struct mu_timer *timer)
{
	(void)timer;
	omni_calls_end(self);
	omni_values_end(self);
	omni_things_end(self);
	mu_stopped(self);
}

static void omni_stop(struct mu_instance *self)
{
	struct omni *omni = mu_state(self);
	const struct config *config = mu_config(self);

	tell_reason(self);
	mu_timer_stop(&omni->pulse);
	if (config->stop_delay > 0)
		mu_timer_start(self, &omni->ending, config->stop_delay, omni_end);
	else
		omni_end(self, NULL);
}

void omni_wait_while_there(const char *file)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	while (file && *file && access(file, F_OK) == 0)
		nanosleep(&pause, NULL);
}

/* ---- tables ---- */

static struct mu_kind kinds[4];
static struct mu_command commands[64];

__attribute__((constructor)) static void gather(void)
{
	const struct mu_command *const tables[] = { omni_thing_commands, omni_grain_commands,
						    omni_call_commands,  omni_talk_commands,
						    omni_value_commands, omni_store_commands,
						    omni_work_commands };
	size_t count = 0;

	kinds[0] = omni_thing_kind;
	kinds[1] = omni_grain_kind;
	kinds[2] = omni_probe_kind;
	for (size_t i = 0; i < MU_ARRAY_LEN(tables); i++)
		for (const struct mu_command *row = tables[i]; row->name; row++) {
			if (count + 1 == MU_ARRAY_LEN(commands))
				abort();
			commands[count++] = *row;
		}
}

MU_PLUGIN(omni, .aliases = "everything allsorts", .about = "uses every function of the ABI; for tests", .version = "1.0",
          .loop = "omni", .flags = MU_SINGLE, .config_size = sizeof(struct config), .state_size = sizeof(struct omni),
          .reader_size = sizeof(struct reader), .options = omni_options, .kinds = kinds, .commands = commands,
          .routes = omni_routes, .namespaces = omni_namespaces, .counters = omni_counters, .start = omni_start,
          .reconfigure = omni_reconfigure, .read = omni_read, .write = omni_write, .event = omni_event,
          .stop = omni_stop, .reader_fini = omni_reader_fini, .write_limit = 1 << 20);
