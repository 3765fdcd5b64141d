/* instance: one configured plugin: its memory, its address and its state machine.
 *
 * The directory of instances and their states are main's; the callbacks run on the instance's own loop. Main tells
 * it to start or stop by message and hears back by message, so a slow plugin holds up only itself. */
#ifndef CORE_INSTANCE_H
#define CORE_INSTANCE_H

#include <muster/muster.h>

#include "base/arena.h"
#include "base/list.h"
#include "loop.h"

struct conf_plugin;
struct descriptor;

/* An instance's options, filled: const, shared by those who run with it. */
struct config {
	uint32_t count; /* atomic */
	struct arena arena;
	void *data;       /* plugin->config_size bytes */
	const char *text; /* canonical text of the statements it came from */
};
struct config *config_new(size_t size);
struct config *config_ref(struct config *config);
void config_unref(struct config **config); /* any thread */

enum instance_state { INSTANCE_STOPPED, INSTANCE_STARTING, INSTANCE_RUNNING, INSTANCE_STOPPING, INSTANCE_FAILED,
                      INSTANCE_ABANDONED, INSTANCE_STATES };
enum instance_event { INSTANCE_START, INSTANCE_STARTED, INSTANCE_REFUSED, INSTANCE_STOP, INSTANCE_ENDED,
                      INSTANCE_OVERDUE, INSTANCE_EVENTS };

struct read_state { /* main's view of `read`; sched.c */
	struct loop_timer due;
	int64_t next_real;      /* stamp of the next due read */
	int64_t next_mono;
	struct read_task *task; /* in flight, NULL = none */
	struct mu_builder *builder;
	bool listed;            /* sched_add was called */
	uint32_t failures;      /* in a row: backs off */
	uint64_t reads, errors, overruns, hung;
	int64_t last_ns, total_ns; /* time a read took */
	char last_error[128];
};

struct mu_instance {
	const struct descriptor *descriptor;
	const struct mu_plugin *plugin; /* descriptor's normalised copy */
	char name[128];                 /* "cpu"; of <Plugin cpu "x">: "cpu:x" */
	char label[128];                /* "x", or the plugin's name: mu_name() */
	struct loop *loop;
	struct mu_ref *ref;
	struct config *config; /* swapped on the loop; a worker has its own reference */
	void *state, *reader;
	int64_t *counters;     /* atomic, plugin->counters' rows */
	size_t counter_count;
	struct list timers;    /* armed; loop's thread */
	struct list works;     /* started and not yet done; loop's thread */
	bool stop_said;        /* mu_stopped was called; loop's thread */
	uint64_t slow;         /* callbacks over 20 ms; atomic */
	mu_time interval, jitter, read_deadline, timeout;
	void (*room)(struct mu_instance *self); /* mu_on_room */
	uint32_t holds; /* atomic: reads and work in flight that need this memory */
	uint64_t serial; /* differs for each life of the same name */

	/* main's */
	struct config *latest; /* what the next read runs with */
	enum instance_state is;
	bool wanted;             /* running is intended */
	bool leaving;            /* out of the directory once stopped */
	struct read_state read;
	struct loop_timer deadline; /* of starting and stopping */
	char status[256];        /* mu_status */
	struct mu_error error;   /* why it failed */
	mu_time since;
	const char *load_text;   /* canonical text of the LoadPlugin block, owned */
	void (*ended)(struct mu_instance *instance, void *data); /* told once when it is stopped, failed or abandoned */
	void *ended_data;
};

/* Main loop, all of these. */
struct mu_instance *instance_new(const struct descriptor *descriptor, const struct conf_plugin *conf);
void instance_start(struct mu_instance *instance);
void instance_stop(struct mu_instance *instance);
/* Only option values changed: reconfigures, or restarts. Takes the reference on `config`. */
void instance_reconfigure(struct mu_instance *instance, struct config *config);
struct mu_instance *instance_find(const char *name);
bool instance_next(size_t *at, struct mu_instance **instance); /* in start order */
size_t instance_count(void);
const char *instance_state_name(enum instance_state state);
const struct mu_state *instance_states(void); /* the rows of kind "plugin" */
/* Prints table[state][event]: the whole behaviour; for the manual. */
void instance_table_print(void);
/* Anything about the instance that others show has changed. */
void instance_changed(struct mu_instance *instance);

/* Any thread: a read or a work item needs this instance's memory. */
void instance_hold(struct mu_instance *instance);
void instance_release(struct mu_instance *instance);

/* The configuration of the read or work item that runs on this thread. */
void instance_thread_config(const struct mu_instance *instance, const struct config *config);

#endif
