/* instance: one configured plugin's memory, its own facts, and the directory of all.
 *
 * A struct is one life: a restart is a new struct in the same place of the directory, so that a read of the old life
 * that hangs keeps its memory and can reach nothing of the new one. */
#include "instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "batch.h"
#include "conf.h"
#include "loader.h"
#include "pool.h"
#include "self.h"

static struct mu_instance **directory;
static size_t directory_count, directory_cap;
static struct map burdens;     /* plugin → struct burden *: over all its lives */
static size_t alive;           /* atomic: structs not yet freed */
static bool no_workers;        /* the pool has gone home: readers are closed where we are */

/* ---- configurations ---- */

struct config *config_new(size_t size)
{
	struct config *config = mem_alloc(sizeof(*config));

	config->count = 1;
	arena_init(&config->arena);
	config->data = arena_alloc(&config->arena, size ? size : 1);
	config->text = "";
	return config;
}

struct config *config_ref(struct config *config)
{
	c_assert(__atomic_add_fetch(&config->count, 1, __ATOMIC_RELAXED) > 1);
	return config;
}

void config_unref(struct config **config)
{
	if (*config && __atomic_sub_fetch(&(*config)->count, 1, __ATOMIC_ACQ_REL) == 0) {
		arena_fini(&(*config)->arena);
		free(*config);
	}
	*config = NULL;
}

/* ---- memory ---- */

struct burden { /* what a plugin has on the workers */
	uint32_t hung, working;
};

static struct burden *burden_of(const char *plugin)
{
	struct burden *burden = map_get(&burdens, plugin);
	if (!burden) {
		burden = mem_alloc(sizeof(*burden));
		map_put(&burdens, plugin, burden);
	}
	return burden;
}

static size_t counter_rows(const struct mu_counter *row)
{
	size_t count = 0;
	while (row && row[count].name)
		count++;
	return count;
}

static struct mu_instance *instance_make(const struct descriptor *descriptor)
{
	static uint64_t serial;
	struct mu_instance *instance = mem_alloc(sizeof(*instance));

	__atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
	instance->descriptor = descriptor;
	instance->plugin = &descriptor->plugin;
	instance->holds = 1; /* the directory's */
	instance->serial = ++serial;
	struct burden *burden = burden_of(descriptor->plugin.name);
	instance->hung = &burden->hung;
	instance->working = &burden->working;
	instance->state = mem_alloc(descriptor->plugin.state_size + 1);
	instance->reader = mem_alloc(descriptor->plugin.reader_size + 1);
	instance->counter_count = counter_rows(descriptor->plugin.counters);
	instance->counters = mem_array(instance->counter_count + 1, sizeof(*instance->counters));
	list_init(&instance->timers);
	list_init(&instance->works);
	instance->since = mu_time_real();
	return instance;
}

static void instance_set_loop(struct mu_instance *instance, const char *wish)
{
	instance->loop_wish = mem_strdup(wish);
	instance->loop = loop_find(wish ? wish : instance->plugin->loop);
	instance->ref = ref_new(instance->loop, instance);
}

/* Its file was refused: it will fail at its start, with that reason. */
static void instance_refuse(struct mu_instance *instance, const struct mu_error *why)
{
	if (!why)
		return;
	instance->refused = true;
	instance->start_error = *why;
	instance->start_result = why->code;
}

static struct mu_instance *instance_from_conf(const struct descriptor *descriptor, const struct conf_plugin *conf)
{
	struct mu_instance *instance = instance_make(descriptor);

	text_copy(instance->name, sizeof(instance->name), conf->name);
	text_copy(instance->label, sizeof(instance->label),
	          conf->instance ? conf->instance : descriptor->plugin.name);
	instance->interval = conf->interval;
	instance->jitter = conf->jitter;
	instance->read_deadline = conf->read_deadline;
	instance->load_text = mem_strdup(conf->load_text);
	instance->config = config_ref(conf->config);
	instance->latest = config_ref(conf->config);
	instance_set_loop(instance, conf->loop);
	instance_refuse(instance, conf->refused);
	return instance;
}

/* The next life with the facts of this one. */
static struct mu_instance *instance_from_old(const struct mu_instance *old)
{
	struct mu_instance *instance = instance_make(old->descriptor);

	text_copy(instance->name, sizeof(instance->name), old->name);
	text_copy(instance->label, sizeof(instance->label), old->label);
	instance->interval = old->interval;
	instance->jitter = old->jitter;
	instance->read_deadline = old->read_deadline;
	instance->load_text = mem_strdup(old->load_text);
	instance->config = config_ref(old->latest);
	instance->latest = config_ref(old->latest);
	instance_set_loop(instance, old->loop_wish);
	instance_refuse(instance, old->refused ? &old->start_error : NULL);
	return instance;
}

static void instance_free(struct mu_instance *instance)
{
	c_assert(list_empty(&instance->timers) && list_empty(&instance->works));
	if (instance->read.builder)
		mu_builder_free(&instance->read.builder);
	config_unref(&instance->config);
	config_unref(&instance->latest);
	mu_ref_unref(&instance->ref);
	free(instance->state);
	free(instance->reader);
	free(instance->counters);
	free((char *)instance->loop_wish);
	free((char *)instance->load_text);
	free(instance);
	__atomic_sub_fetch(&alive, 1, __ATOMIC_RELEASE);
}

struct reader_end {
	struct pool_task task;
	struct mu_instance *instance;
};

static void reader_end_run(struct pool_task *task)
{
	struct reader_end *end = container_of(task, struct reader_end, task);
	struct mu_instance *instance = end->instance;

	instance->plugin->reader_fini(instance);
	pool_returned(task);
	free(end);
	instance_free(instance);
}

void instance_hold(struct mu_instance *instance)
{
	c_assert(__atomic_add_fetch(&instance->holds, 1, __ATOMIC_RELAXED) > 1);
}

void instance_release(struct mu_instance *instance)
{
	if (__atomic_sub_fetch(&instance->holds, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (!instance->used || !instance->plugin->reader_fini) {
		instance_free(instance);
		return;
	}
	if (no_workers) {
		instance->plugin->reader_fini(instance);
		instance_free(instance);
		return;
	}
	struct reader_end *end = mem_alloc(sizeof(*end));
	end->task.run = reader_end_run;
	end->instance = instance;
	pool_submit(&end->task);
}

/* ---- the directory ---- */

struct mu_instance *instance_new(const struct descriptor *descriptor, const struct conf_plugin *conf)
{
	c_assert(loop_is_current(loop_main()) && directory_count <= directory_cap);
	struct mu_instance *instance = instance_from_conf(descriptor, conf);
	/* the configuration bounds those that are wanted; beside them stand those that a reload lets go */
	if (directory_count == directory_cap) {
		directory_cap = directory_cap ? directory_cap * 2 : 64;
		directory = mem_grow(directory, directory_cap, sizeof(struct mu_instance *));
	}
	directory[directory_count++] = instance;
	return instance;
}

struct mu_instance *instance_successor(struct mu_instance *old, const struct conf_plugin *conf)
{
	return conf ? instance_from_conf(conf->descriptor, conf) : instance_from_old(old);
}

void instance_directory_remove(struct mu_instance *instance)
{
	for (size_t i = 0; i < directory_count; i++) {
		if (directory[i] != instance)
			continue;
		memmove(&directory[i], &directory[i + 1], (directory_count - i - 1) * sizeof(*directory));
		directory_count--;
		self_plugin_gone(instance->name);
		instance_release(instance);
		return;
	}
	c_assert(!"the instance is in the directory");
}

void instance_directory_replace(struct mu_instance *before, struct mu_instance *after)
{
	for (size_t i = 0; i < directory_count; i++) {
		if (directory[i] != before)
			continue;
		directory[i] = after;
		instance_release(before);
		return;
	}
	c_assert(!"the instance is in the directory");
}

struct mu_instance *instance_find(const char *name)
{
	for (size_t i = 0; i < directory_count; i++)
		if (strcmp(directory[i]->name, name) == 0)
			return directory[i];
	return NULL;
}

bool instance_next(size_t *at, struct mu_instance **instance)
{
	if (*at >= directory_count)
		return false;
	*instance = directory[(*at)++];
	return true;
}

size_t instance_free_all(void)
{
	const char *name;
	void *count;

	no_workers = true;
	while (directory_count > 0)
		instance_release(directory[--directory_count]);
	free(directory);
	directory = NULL;
	directory_cap = 0;
	for (size_t at = 0; map_next(&burdens, &at, &name, &count);)
		free(count);
	map_fini(&burdens);
	return __atomic_load_n(&alive, __ATOMIC_ACQUIRE);
}

/* ---- an instance's own facts ---- */

static __thread const struct mu_instance *thread_instance;
static __thread const struct config *thread_config;

void instance_thread_config(const struct mu_instance *instance, const struct config *config)
{
	thread_instance = instance;
	thread_config = config;
}

const void *mu_config(const struct mu_instance *self)
{
	if (thread_instance == self && thread_config)
		return thread_config->data;
	return self->config->data;
}

void *mu_state(const struct mu_instance *self) { return self->state; }
void *mu_reader(const struct mu_instance *self) { return self->reader; }
const char *mu_name(const struct mu_instance *self) { return self->label; }
const char *mu_plugin_name(const struct mu_instance *self) { return self->plugin->name; }
mu_time mu_interval(const struct mu_instance *self) { return self->interval; }
enum mu_stop_reason mu_stop_reason(const struct mu_instance *self) { return self->why; }

/* ---- counters of a plugin's own ---- */

void mu_count(struct mu_instance *self, size_t index, int64_t add)
{
	c_assert(index < self->counter_count);
	__atomic_add_fetch(&self->counters[index], add, __ATOMIC_RELAXED);
}

void mu_level(struct mu_instance *self, size_t index, int64_t now)
{
	c_assert(index < self->counter_count);
	__atomic_store_n(&self->counters[index], now, __ATOMIC_RELAXED);
}

int64_t mu_counter_value(const struct mu_instance *self, size_t index)
{
	c_assert(index < self->counter_count);
	return __atomic_load_n(&self->counters[index], __ATOMIC_RELAXED);
}
