/* daemon_load: a configuration is read by a worker, while main goes on.
 *
 * Its files, the folder of the plugins and the constructors of their libraries may all hang, so main only hears of the
 * end of it. One is read at a time. What is not there after the deadline has failed, whatever comes of it later; the
 * worker that hangs in it is disowned, and frees what it held should it ever return. */
#include "daemon_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "daemon.h"
#include "loop.h"
#include "pool.h"
#include "types.h"

#define DEADLINE (30 * MU_SEC)
#define HUNG_MAX 4 /* workers */

struct load {
	struct pool_task task;
	struct mu_msg msg;
	struct loop_timer deadline;
	char *path;
	char **types; /* files of types that are in use, by name */
	size_t type_count;
	struct loaded loaded;
	void (*then)(struct loaded *loaded, void *data);
	void *data;
};

static struct load *current; /* main's */
static void (*next)(void);   /* main's */
static size_t hung;          /* atomic */

/* ---- what was read ---- */

static void loaded_fini(struct loaded *loaded)
{
	conf_free(&loaded->conf);
	for (size_t i = 0; i < loaded->type_count; i++)
		free(loaded->types[i].text);
	free(loaded->types);
	loaded->types = NULL;
	loaded->type_count = 0;
}

void loaded_take_types(const struct loaded *loaded)
{
	c_assert(loop_is_current(loop_main()));
	for (size_t i = 0; i < loaded->type_count; i++)
		types_take(loaded->types[i].text, loaded->types[i].length);
}

/* ---- the worker ---- */

static bool has_types(const struct load *load, const char *file)
{
	for (size_t i = 0; i < load->type_count; i++)
		if (strcmp(load->types[i], file) == 0)
			return true;
	return false;
}

/* The files of types that are new. */
static void read_types(struct load *load)
{
	struct loaded *loaded = &load->loaded;
	const struct mu_strings *files = &loaded->conf->globals.types_db;
	bool good = true;

	loaded->types = mem_array(files->count + 1, sizeof(*loaded->types));
	for (size_t i = 0; i < files->count; i++) {
		struct mu_error error = { .code = 0 };
		struct loaded_types *types = &loaded->types[loaded->type_count];
		if (has_types(load, files->items[i]))
			continue;
		if (types_read(files->items[i], &types->text, &types->length, &error) < 0) {
			*conf_report_error(&loaded->report) = error;
			good = false;
		}
		loaded->type_count++;
	}
	if (!good)
		conf_free(&loaded->conf);
}

static void load_free(struct load *load)
{
	loaded_fini(&load->loaded);
	for (size_t i = 0; i < load->type_count; i++)
		free(load->types[i]);
	free(load->types);
	free(load->path);
	free(load);
}

static void load_run(struct pool_task *task)
{
	struct load *load = container_of(task, struct load, task);

	c_assert(!loop_current());
	load->loaded.conf = conf_load(load->path, &load->loaded.report);
	if (load->loaded.conf)
		read_types(load);
	if (!pool_returned(task)) {
		loop_post(loop_main(), &load->msg);
		return;
	}
	load_free(load);
	__atomic_sub_fetch(&hung, 1, __ATOMIC_RELAXED);
}

/* ---- main ---- */

/* The one at work is through, and nobody waits for the worker any more. */
static void finish(void (*then)(struct loaded *loaded, void *data), struct loaded *loaded, void *data)
{
	c_assert(loop_is_current(loop_main()) && current);
	current = NULL;
	if (daemon_is_stopping() && loaded->conf) {
		conf_free(&loaded->conf);
		loaded->report.error_count = 0;
		mu_error(conf_report_error(&loaded->report), -ECANCELED, "the daemon stops");
	}
	then(loaded, data);
	void (*now)(void) = next;
	next = NULL;
	if (now && !daemon_is_stopping())
		now();
}

static void load_on_message(struct mu_instance *self, struct mu_msg *msg)
{
	struct load *load = container_of(msg, struct load, msg);

	(void)self;
	loop_timer_stop(&load->deadline);
	finish(load->then, &load->loaded, load->data);
	load_free(load);
}

static void fail_overdue(void (*then)(struct loaded *loaded, void *data), void *data, const char *why)
{
	struct loaded *none = mem_alloc(sizeof(*none));
	struct mu_error *error = conf_report_error(&none->report);

	/* not ETIMEDOUT, which would say that it may still be done */
	mu_error(error, -EIO, "the configuration could not be read within %d s: %s", (int)(DEADLINE / MU_SEC),
		 why);
	mu_error_remedy(
		error, "is a file system with one of its files, or with a plugin, away? Nothing was changed");
	finish(then, none, data);
	loaded_fini(none);
	free(none);
}

static void load_overdue(struct loop_timer *timer)
{
	struct load *load = container_of(timer, struct load, deadline);
	void (*then)(struct loaded * loaded, void *data) = load->then;
	void *data = load->data;

	c_assert(load == current);
	if (pool_withdraw(&load->task)) {
		load_free(load);
		fail_overdue(then, data, "no worker had time for it");
		return;
	}
	__atomic_add_fetch(&hung, 1, __ATOMIC_RELAXED);
	if (!pool_disown(&load->task)) { /* it has just returned: its message is on the way */
		__atomic_sub_fetch(&hung, 1, __ATOMIC_RELAXED);
		return;
	}
	fail_overdue(then, data, "something of it does not answer"); /* `load` is the worker's now */
}

static void remember_types(struct load *load, const struct mu_strings *files)
{
	load->types = mem_array(files->count + 1, sizeof(char *));
	while (load->type_count < files->count) {
		load->types[load->type_count] = mem_strdup(files->items[load->type_count]);
		load->type_count++;
	}
}

int daemon_load(void (*then)(struct loaded *loaded, void *data), void *data, struct mu_error *error)
{
	const struct conf *conf = daemon_conf();

	c_assert(loop_is_current(loop_main()) && then && conf);
	if (current) {
		mu_error(error, -EBUSY, "the configuration is being read already");
		mu_error_remedy(error, "ask again when that has ended");
		return -EBUSY;
	}
	if (__atomic_load_n(&hung, __ATOMIC_RELAXED) >= HUNG_MAX) {
		mu_error(error, -EBUSY, "%d earlier attempts to read the configuration still hang", HUNG_MAX);
		mu_error_remedy(error, "is a file system with one of its files, or with a plugin, away?");
		return -EBUSY;
	}
	struct load *load = current = mem_alloc(sizeof(*load));
	load->path = mem_strdup(conf->path);
	remember_types(load, &conf->globals.types_db);
	load->then = then;
	load->data = data;
	load->task.run = load_run;
	load->msg.run = load_on_message;
	loop_timer_start(loop_main(), &load->deadline, DEADLINE, load_overdue);
	pool_submit(&load->task);
	return 0;
}

bool daemon_load_next(void (*run)(void))
{
	c_assert(loop_is_current(loop_main()) && run);
	if (!current)
		return false;
	next = run;
	return true;
}
