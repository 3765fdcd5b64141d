/* muster/plugin.h: the one thing a plugin exports: its description.
 *
 * A .so has one symbol, `muster_plugin`, made by MU_PLUGIN: tables in. Out of it the plugin calls the plain
 * functions of <muster/…>. Everything is optional but the name. */
#ifndef MUSTER_PLUGIN_H
#define MUSTER_PLUGIN_H

#include <muster/base.h>
#include <muster/command.h>
#include <muster/counter.h>
#include <muster/event.h>
#include <muster/http.h>
#include <muster/kind.h>
#include <muster/option.h>
#include <muster/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A plugin of another major, or of a newer minor than the daemon's, is refused. */
#define MU_ABI_MAJOR 0
#define MU_ABI_MINOR 1

enum mu_plugin_flag {
	MU_SINGLE = 1 << 0, /* a second instance is an error of the configuration */
};

struct mu_plugin {
	/* Filled by MU_PLUGIN. The core copies every table row by these strides into its own, zero-padded. */
	uint32_t size; /* first, always */
	uint16_t abi_major, abi_minor;
	uint32_t option_stride, attr_stride, state_stride, kind_stride, command_stride, route_stride,
		namespace_stride, counter_stride;
	const char *name; /* also the file's: <name>.so */

	const char *aliases; /* blank-separated: `LoadPlugin rrdtool` finds rrd */
	const char *about;   /* one line */
	const char *version; /* NULL: the daemon's own */
	const char *loop;    /* the loop it asks for; NULL = "main"; the user's Loop option wins */
	uint32_t flags;      /* enum mu_plugin_flag */

	/* Three blocks of memory: config (filled from options; const), state (zeroed, loop only), reader
	 * (zeroed, inside read only; kept over reconfigure, not over restart). */
	size_t config_size, state_size, reader_size;

	const struct mu_option *options;
	const struct mu_kind *kinds;
	const struct mu_command *commands;
	const struct mu_route *routes;
	const struct mu_namespace *namespaces;
	const struct mu_counter *counters;

	/* Loop. <0: the instance is `failed` with that error, stop is not called; all else runs on. */
	int (*start)(struct mu_instance *self, struct mu_error *error);
	/* Loop. Only option values changed; mu_config(self) is the new one. 0; 1 = restart me instead. NULL = restart. */
	int (*reconfigure)(struct mu_instance *self, const void *before, const void *after, struct mu_error *error);
	/* Worker thread, one at a time, every Interval. What is in the batch is kept also on error. */
	int (*read)(struct mu_instance *self, struct mu_batch *out);
	/* Loop. The batch is immutable; take references, not copies. */
	void (*write)(struct mu_instance *self, const struct mu_batch *batch);
	/* Loop. Every event of the daemon. */
	void (*event)(struct mu_instance *self, const struct mu_event *event);
	/* Loop. Close handles, then call mu_stopped: at once or later, within 1 s. NULL = stopped at once. */
	void (*stop)(struct mu_instance *self);
	/* Worker thread, after the last read and before the memory goes: closes what reader state holds. */
	void (*reader_fini)(struct mu_instance *self);

	size_t write_limit; /* bytes that may wait for `write`; 0 = 16 MiB */
	bool write_newest;  /* when full the newest wins; else what comes is refused. Both are counted */
};

#define MU_PLUGIN_INIT(ident, ...)                                                                       \
	{ .size = sizeof(struct mu_plugin), .abi_major = MU_ABI_MAJOR, .abi_minor = MU_ABI_MINOR,        \
	  .option_stride = sizeof(struct mu_option), .attr_stride = sizeof(struct mu_attr),              \
	  .state_stride = sizeof(struct mu_state), .kind_stride = sizeof(struct mu_kind),                \
	  .command_stride = sizeof(struct mu_command), .route_stride = sizeof(struct mu_route),          \
	  .namespace_stride = sizeof(struct mu_namespace), .counter_stride = sizeof(struct mu_counter),  \
	  .name = #ident, __VA_ARGS__ }
#define MU_PLUGIN(ident, ...)                                                                            \
	extern MU_EXPORT const struct mu_plugin muster_plugin;                                           \
	const struct mu_plugin muster_plugin = MU_PLUGIN_INIT(ident, __VA_ARGS__)

/* Why `stop` was called: who keeps children alive over a restart of the daemon asks here. */
enum mu_stop_reason {
	MU_STOP_REMOVED = 1, /* out of the configuration, or by an operator's `plugin stop` */
	MU_STOP_RELOAD,      /* the same instance starts again at once */
	MU_STOP_RESTART,     /* the daemon re-executes itself */
	MU_STOP_END,         /* the daemon ends */
};
enum mu_stop_reason mu_stop_reason(const struct mu_instance *self);

/* ---- an instance's own facts ---- */

/* In read and in work the one they started with, else the newest. */
const void *mu_config(const struct mu_instance *self);
void *mu_state(const struct mu_instance *self);
void *mu_reader(const struct mu_instance *self); /* only inside read and reader_fini */
const char *mu_name(const struct mu_instance *self); /* "pressure", or the name of <Plugin pressure "name"> */
const char *mu_plugin_name(const struct mu_instance *self);
mu_time mu_interval(const struct mu_instance *self);
/* Where state of this daemon lies: BaseDir. */
const char *mu_base_dir(void);

/* From stop, or later on the loop: nothing of this instance runs any more. */
void mu_stopped(struct mu_instance *self);
/* Loop: a sentence for `plugin list` ("waits for a web server to show its routes"), NULL = all well. */
void mu_status(struct mu_instance *self, const char *sentence, ...) MU_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
