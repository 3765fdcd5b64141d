/* store: the owners' side of their databases: opened by name, operations handed in, left behind.
 *
 * All that is done here is putting into a queue under one lock; the store's thread does the rest, and answers
 * by message. */
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "instance.h"
#include "loop.h"
#include "store_parts.h"

enum { STACK_SIZE = 1024 * 1024 };

static struct {
	pthread_t thread;
	bool running;
	char dir[900];
} life;

/* ---- life of the room ---- */

void store_init(const char *base_dir)
{
	pthread_attr_t attr;
	sigset_t all, before;

	c_assert(!life.running && base_dir);
	text_printf(life.dir, sizeof(life.dir), "%s/store", base_dir);
	list_init(&store_room.stores);
	store_room.quit = false;
	store_room.stats = (struct store_stats){ 0 };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	life.running = pthread_create(&life.thread, &attr, store_thread, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

int store_fini(int64_t wait_ns)
{
	int busy = 0;

	if (!life.running)
		return 0;
	c_assert(wait_ns >= 0);
	pthread_mutex_lock(&store_room.lock);
	store_room.quit = true;
	pthread_cond_signal(&store_room.work);
	pthread_mutex_unlock(&store_room.lock);
	if (thread_join(life.thread, wait_ns)) {
		life.running = false;
		return 0;
	}
	pthread_mutex_lock(&store_room.lock);
	list_each (node, &store_room.stores)
		busy++;
	pthread_mutex_unlock(&store_room.lock);
	return busy ? busy : 1;
}

void store_stats(struct store_stats *out)
{
	c_assert(out);
	pthread_mutex_lock(&store_room.lock);
	*out = store_room.stats;
	pthread_mutex_unlock(&store_room.lock);
}

/* ---- stores ---- */

static int dir_ready(struct mu_error *error)
{
	int r = mkdir(life.dir, 0700) < 0 && errno != EEXIST ? -errno : 0;

	if (r == 0 && access(life.dir, R_OK | W_OK | X_OK) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	mu_error(error, r, "nothing can be kept there: %s", strerror(-r));
	mu_error_where(error, "%s", life.dir);
	mu_error_remedy(
		error,
		"make it, writable for the user that the daemon runs as, or set BaseDir to such a folder");
	return r;
}

/* Is the file open, or about to be; and does the one who has it still live? */
static bool path_taken(const char *path, bool *alive)
{
	bool taken = false;

	*alive = false;
	pthread_mutex_lock(&store_room.lock);
	list_each (node, &store_room.stores) {
		const struct mu_store *other = list_entry(node, struct mu_store, node);
		if (strcmp(other->path, path) != 0)
			continue;
		taken = true;
		*alive |= !other->gone;
	}
	pthread_mutex_unlock(&store_room.lock);
	return taken;
}

static void path_of(const char *name, char *path, size_t size)
{
	char file[128];

	text_copy(file, sizeof(file), name);
	for (char *p = file; *p; p++)
		if (*p == ':' || *p == '/')
			*p = '-';
	text_printf(path, size, "%s/%s%s.sqlite", life.dir, file[0] == '.' ? "-" : "", file);
}

static int store_may_open(const char *name, const char *path, int newest, struct mu_error *error)
{
	bool alive;

	int r = dir_ready(error);
	if (r < 0)
		return r;
	bool taken = path_taken(path, &alive);
	if (alive) {
		mu_error(error, -EEXIST, "%s has its database open already", name);
		mu_error_where(error, "%s", path);
		mu_error_remedy(error, "restart the daemon: an earlier life of it did not end");
		return -EEXIST;
	}
	return taken ? 0 : store_db_peek(path, newest, error);
}

/* Our own rows of a plugin's; freed by the store. */
static struct mu_migration *migrations_copy(const void *rows, size_t count, size_t stride)
{
	struct mu_migration *copy = mem_array(count + 1, sizeof(*copy));

	c_assert(rows || count == 0);
	c_assert(stride >= offsetof(struct mu_migration, sql) + sizeof(copy->sql));
	for (size_t i = 0; i < count; i++) {
		mem_fit(&copy[i], sizeof(copy[i]), (const char *)rows + i * stride, stride);
		c_assert(copy[i].number > (i ? copy[i - 1].number : 0) && copy[i].sql);
	}
	return copy;
}

struct mu_store *mu_store_open_sized(struct mu_instance *self, const struct mu_migration *rows, size_t count,
				     size_t stride, struct mu_error *error)
{
	char path[1024];

	c_assert(self && mu_on_loop(self));
	if (!life.running) {
		mu_error(error, -EAGAIN, "nothing can be kept: no thread could be started that writes it");
		mu_error_remedy(
			error,
			"allow this user more processes (ulimit -u, TasksMax), and restart the daemon");
		return NULL;
	}
	path_of(self->name, path, sizeof(path));
	struct mu_migration *migrations = migrations_copy(rows, count, stride);
	if (store_may_open(self->name, path, count ? migrations[count - 1].number : 0, error) < 0) {
		free(migrations);
		return NULL;
	}

	struct mu_store *store = mem_alloc(sizeof(*store));
	store->instance = self;
	store->ref = mu_self_ref(self);
	text_copy(store->name, sizeof(store->name), self->name);
	text_copy(store->path, sizeof(store->path), path);
	store->migration_count = count;
	store->migrations = migrations;
	pthread_mutex_lock(&store_room.lock);
	list_add(&store_room.stores, &store->node);
	pthread_cond_signal(&store_room.work);
	pthread_mutex_unlock(&store_room.lock);
	return store;
}

static struct mu_store *store_of(const struct mu_instance *instance)
{
	list_each (node, &store_room.stores) {
		struct mu_store *store = list_entry(node, struct mu_store, node);
		if (store->instance == instance && !store->gone)
			return store;
	}
	return NULL;
}

const struct mu_instance *store_owner(const struct mu_store *store)
{
	c_assert(store);
	return store->instance;
}

void store_instance_gone(struct mu_instance *instance, void (*closed)(void *data), void *data)
{
	c_assert(instance && loop_is_current(loop_main()));
	if (!life.running) {
		if (closed)
			loop_call(loop_main(), closed, data);
		return;
	}
	pthread_mutex_lock(&store_room.lock);
	struct mu_store *store = store_of(instance);
	if (store) {
		store->gone = true;
		store->leave = instance->is == INSTANCE_ABANDONED;
		store->closed = closed;
		store->closed_data = data;
		pthread_cond_signal(&store_room.work);
	}
	pthread_mutex_unlock(&store_room.lock);
	if (!store && closed)
		loop_call(loop_main(), closed, data);
}

static void store_submit(struct mu_store *store, struct mu_store_op *op, bool write)
{
	c_assert(store && op && op->run);
	op->write = write;
	op->status = 0;
	pthread_mutex_lock(&store_room.lock);
	if (store->gone || store_room.quit)
		op->status = -ESHUTDOWN;
	else if (store->waiting.count >= STORE_WAITING_MAX)
		op->status = -EBUSY;
	int status = op->status;
	if (status == 0) {
		store_queue_add(&store->waiting, op);
		store_room.stats.waiting++;
		if (!store_room.busy)
			pthread_cond_signal(&store_room.work);
	} else {
		store_room.stats.refused++;
	}
	pthread_mutex_unlock(&store_room.lock);
	if (status < 0)
		store_answer(store, op);
}

void mu_store_write(struct mu_store *store, struct mu_store_op *op)
{
	store_submit(store, op, true);
}

void mu_store_read(struct mu_store *store, struct mu_store_op *op)
{
	store_submit(store, op, false);
}
