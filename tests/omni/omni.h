/* omni.h: what the files of this plugin share: the options, one life's memory, and who declares what.
 *
 * omni does nothing useful. It uses every function and every column of <muster/…> once, and can be asked to behave
 * badly in every way the core must survive: hang, be late, answer never, refuse to start, fill queues. Each noun of the
 * ABI has a file: omni_things (published kind), omni_grain (served kind), omni_calls and omni_talk (commands),
 * omni_values, omni_store, omni_work, omni_http. */
#ifndef OMNI_H
#define OMNI_H

#include <muster/muster.h>

/* ---- options: three levels ---- */

struct plant {
	const char *name;
	double height;
	int64_t count;
	struct mu_strings tags;
};
struct bed {
	const char *name;
	double width;
	struct {
		struct plant *items;
		size_t count;
	} plants;
};
struct garden {
	const char *name;
	int soil;
	mu_time season;
	struct {
		struct bed *items;
		size_t count;
	} beds;
};
struct config {
	const char *greeting, *password, *anchor;
	int64_t level;
	double share;
	mu_time period;
	uint64_t room;
	int colour;
	bool loud;
	struct mu_strings tags;
	struct {
		struct garden *items;
		size_t count;
	} gardens;
	/* how to misbehave */
	bool refuse;
	const char *fail_start, *hang_file, *fail_file, *stop_file;
	mu_time stop_delay, write_delay;
	/* what to look at, as a front end would */
	const char *watch_series, *watch_kind;
};
extern const struct mu_option omni_options[];
extern const char *const omni_colours[];

/* ---- one life ---- */

struct post;
struct held; /* a call that waits for its answer */

struct seen { /* of an object subscription */
	uint64_t snapshot, synced, put, deleted, reset;
	uint64_t epoch, sequence, gaps;
	char last[64];
};

struct omni {
	json_t *things; /* id → attributes, as they were put */
	struct mu_store *store;
	struct mu_timer pulse, rest, ending;
	uint64_t pulses, reconfigured, rooms;
	uint64_t write_batches, write_samples, write_stale;
	uint64_t events, said_gone, requests;
	char last_event[256];
	struct mu_builder *builder;
	struct mu_value_sub *values;
	uint64_t watched;
	struct mu_object_sub *objects;
	struct seen seen;
	struct held *held;
	const void *config_at_start;
};

enum { OMNI_GREETINGS, OMNI_PULSES, OMNI_DROPPED, OMNI_THINGS, OMNI_LATE };
extern const struct mu_counter omni_counters[];

/* ---- over all lives: how many there were, and the address of the one before this ---- */

uint64_t omni_lives(void);
struct mu_ref *omni_before(void); /* a new reference; NULL = this is the first */

/* ---- kinds ---- */

extern const struct mu_kind omni_thing_kind, omni_grain_kind, omni_probe_kind;
int omni_things_start(struct mu_instance *self); /* what the configuration names */
void omni_things_end(struct mu_instance *self);
/* Fills in "kind", "id" and "sentence" of one line of a dry run. */
json_t *omni_would(const char *kind, const char *id, const char *sentence);

/* ---- commands, a table a noun ---- */

extern const struct mu_command omni_thing_commands[], omni_grain_commands[], omni_call_commands[],
	omni_talk_commands[], omni_value_commands[], omni_store_commands[], omni_work_commands[];

void omni_calls_end(struct mu_instance *self); /* answers whoever still waits */

/* ---- values, events, objects ---- */

struct reader { /* only inside read */
	uint64_t steps;
	struct mu_series *series;
};
int omni_read(struct mu_instance *self, struct mu_batch *out);
void omni_reader_fini(struct mu_instance *self);
void omni_write(struct mu_instance *self, const struct mu_batch *batch);
void omni_event(struct mu_instance *self, const struct mu_event *event);
void omni_values_start(struct mu_instance *self);
void omni_values_end(struct mu_instance *self);

/* ---- store and routes ---- */

int omni_store_start(struct mu_instance *self, struct mu_error *error);
extern const struct mu_route omni_routes[];
extern const struct mu_namespace omni_namespaces[];

/* Sleeps as long as the file is there; NULL or "" is no file. Worker thread. */
void omni_wait_while_there(const char *file);

#endif
