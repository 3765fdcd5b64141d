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
struct sink;

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
	mu_time interval, jitter, read_deadline, timeout;
	uint64_t serial;         /* differs for each life */
	const char *loop_wish;   /* the name of its loop, owned; NULL = main */
	const char *load_text;   /* canonical text of the LoadPlugin block, owned; NULL */
	void (*room)(struct mu_instance *self); /* mu_on_room */
	uint32_t holds;  /* atomic: the directory, messages, reads and work in flight that need this memory */
	uint32_t *hung;  /* atomic, shared by all lives of the plugin: reads and work that were disowned */
	uint32_t *working; /* likewise: work that waits or runs */

	/* its loop's */
	struct list timers; /* armed */
	struct list works;  /* started and not yet done */
	bool stop_said;     /* mu_stopped was called, or start failed */
	struct sink *queue; /* from main at the stop: what still waits is written first */
	int start_result;   /* of registering (main), then of start; handed over by message */
	struct mu_error start_error;
	uint64_t slow;      /* callbacks over 20 ms; atomic */
	uint64_t work_refused; /* of mu_work_start; atomic */

	/* main's */
	struct config *latest; /* what the next read runs with */
	enum instance_state is;
	mu_time since;
	bool used;              /* has been started: another life takes another struct */
	bool refused;           /* its file could not be loaded: start_error says why */
	bool leaving;           /* out of the directory once stopped */
	bool parked;            /* was told to stop: no reload starts it, only a start does */
	enum mu_stop_reason why;
	struct mu_instance *successor; /* takes its place once it has stopped, and starts */
	struct read_state read;
	uint64_t events_lost;       /* that its `event` was too slow for */
	struct loop_timer deadline; /* of starting and stopping */
	char status[256];       /* mu_status */
	struct mu_error error;  /* why it failed */
};

/* ---- main loop ---- */

/* In the directory, stopped. */
struct mu_instance *instance_new(const struct descriptor *descriptor, const struct conf_plugin *conf);
/* One that stopped or failed starts as a new life in the same place. */
void instance_start(struct mu_instance *instance);
void instance_stop(struct mu_instance *instance, enum mu_stop_reason why);
/* Stops, if it runs, and starts again, whatever it was told before: with `conf`, or as it was (NULL). */
void instance_restart(struct mu_instance *instance, const struct conf_plugin *conf);
/* By a reload: restarts with `conf`, but for one that was told to stop: that has its new facts and stays stopped. */
void instance_renew(struct mu_instance *instance, const struct conf_plugin *conf);
/* Stops, and leaves the directory. */
void instance_remove(struct mu_instance *instance);
/* By a reload, when only option values changed: reconfigures, or renews when the plugin cannot. */
void instance_reconfigure(struct mu_instance *instance, const struct conf_plugin *conf);
struct mu_instance *instance_find(const char *name);
bool instance_next(size_t *at, struct mu_instance **instance); /* in start order */
/* Told after each change of state: who waits for the last to stop. */
void instance_watch(void (*changed)(void));
const char *instance_state_name(enum instance_state state);
/* Neither on its way up nor down, and nobody waits for its place. */
bool instance_is_settled(const struct mu_instance *instance);
/* The rows of kind "plugin". */
extern const struct mu_state instance_state_rows[];
/* The whole behaviour, table[state][event], as [{"state","event","next"}]: in --describe, for the manual. */
json_t *instance_table_json(void);
/* Something that others show of it has changed. */
void instance_changed(struct mu_instance *instance);
/* At the end. Returns how many lives something still holds. */
size_t instance_free_all(void);

/* ---- between main and the instance's loop ---- */
void instance_step(struct mu_instance *instance, enum instance_event event); /* main: the state machine */
void instance_loop_start(void *instance);  /* loop: runs `start`, answers main */
void instance_loop_stop(void *instance);   /* loop: runs `stop` */
void instance_loop_reconfigure(struct mu_instance *instance, struct config *config); /* main: by message */
void instance_loop_settle(struct mu_instance *instance); /* loop: ended, if it has said so and no work is left */
/* The next life: not in the directory yet; the caller's hold. */
struct mu_instance *instance_successor(struct mu_instance *old, const struct conf_plugin *conf);
void instance_directory_remove(struct mu_instance *instance);
void instance_directory_replace(struct mu_instance *before, struct mu_instance *after);

/* Any thread: a read or a work item needs this instance's memory. */
void instance_hold(struct mu_instance *instance);
void instance_release(struct mu_instance *instance);

/* The configuration of the read or work item that runs on this thread. */
void instance_thread_config(const struct mu_instance *instance, const struct config *config);

/* ---- work (work.c) ---- */
void work_cancel_all(struct mu_instance *instance); /* loop: what has not begun never will */
/* Reads and work of one plugin that may hang at a time; past it none is started. */
#define INSTANCE_HUNG_MAX 8
/* Work items of one plugin that may wait or run at a time; past it they are done with -EBUSY. */
#define INSTANCE_WORK_MAX 1024

#endif
