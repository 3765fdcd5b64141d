/* store: one thread for all databases. Each has a queue in the order in which operations were handed in.
 *
 * Nothing waits for more company: while one group is on its way to the disk, the next one gathers. A turn of a database
 * takes the head of its queue, commits the writes in it as one group and then answers the reads in it, so that a read sees
 * whatever was handed in before it. */
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
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "event.h"
#include "instance.h"
#include "log.h"
#include "loop.h"

enum { STACK_SIZE = 1024 * 1024 };
#define WELL_AFTER (10 * MU_SEC)

enum store_state { STORE_OPENING, STORE_OPEN, STORE_BROKEN };

struct op_queue {
	struct mu_store_op *head, *tail;
	size_t count;
};

struct mu_store {
	struct list node;
	struct mu_instance *instance; /* whose it is; after that has ended only compared, never followed */
	struct mu_ref *ref;
	char name[128], path[1024];
	struct mu_migration *migrations;
	size_t migration_count;
	/* under the lock */
	struct op_queue waiting;
	enum store_state state;
	bool gone;  /* no more operations: close when the queue is empty */
	bool leave; /* its instance was abandoned and may still call: the struct stays */
	void (*closed)(void *data);
	void *closed_data;
	/* the store's thread */
	struct store_db db;
	int failing; /* errno of the trouble that was told; 0 = all is well */
	int64_t failed; /* monotonic: when a group last had it */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	struct list stores;
	char dir[900];
	bool running, quit, busy;
	struct store_stats stats;
} room = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

/* ---- queues ---- */

static void queue_add(struct op_queue *queue, struct mu_store_op *op)
{
	op->next = NULL;
	if (queue->tail)
		queue->tail->next = op;
	else
		queue->head = op;
	queue->tail = op;
	queue->count++;
}

static struct mu_store_op *queue_pop(struct op_queue *queue)
{
	struct mu_store_op *op = queue->head;
	if (!op)
		return NULL;
	queue->head = op->next;
	if (!queue->head)
		queue->tail = NULL;
	queue->count--;
	op->next = NULL;
	return op;
}

/* From the head: at most one group of writes, and the reads among and behind them. */
static void queue_split(struct op_queue *queue, struct op_queue *writes, struct op_queue *reads)
{
	while (queue->head) {
		struct op_queue *to = queue->head->write ? writes : reads;
		if (to->count == STORE_GROUP_MAX)
			return;
		queue_add(to, queue_pop(queue));
	}
}

/* ---- answers ---- */

static void op_done(struct mu_instance *self, struct mu_msg *msg)
{
	struct mu_store_op *op = container_of(msg, struct mu_store_op, msg);
	if (op->done)
		op->done(self, op, op->status);
	else if (op->free)
		op->free(op);
}

static void op_drop(struct mu_msg *msg)
{
	struct mu_store_op *op = container_of(msg, struct mu_store_op, msg);
	if (op->free)
		op->free(op);
}

static void op_answer(struct mu_store *store, struct mu_store_op *op)
{
	op->msg = (struct mu_msg){ .run = op_done, .drop = op_drop };
	mu_post(store->ref, &op->msg); /* from here on it is its owner's */
}

/* Returns how many had failed. */
static uint64_t queue_answer(struct mu_store *store, struct op_queue *queue)
{
	uint64_t failed = 0;

	for (struct mu_store_op *op; (op = queue_pop(queue));) {
		failed += op->status < 0;
		op_answer(store, op);
	}
	return failed;
}

/* ---- turns of the store's thread ---- */

static void tell_broken(struct mu_store *store, const struct mu_error *error)
{
	event_core(MU_FAILURE, "what %s must keep is not kept: %s%s%s", store->name, error->what,
	           error->remedy[0] ? "; " : "", error->remedy);
}

static void turn_open(struct mu_store *store)
{
	struct mu_error error = { 0 };

	int r = store_db_open(&store->db, store->path, store->migrations, store->migration_count, &error);
	if (r < 0)
		tell_broken(store, &error);
	pthread_mutex_lock(&room.lock);
	store->state = r < 0 ? STORE_BROKEN : STORE_OPEN;
	pthread_mutex_unlock(&room.lock);
}

static void turn_break(struct mu_store *store)
{
	struct mu_error error = { 0 };

	mu_error(&error, -EBADMSG, "%s is damaged", store->path);
	mu_error_remedy(&error, "stop the daemon, then: sqlite3 %s .recover | sqlite3 NEW; or put back a copy, or move the "
	                "file away", store->path);
	tell_broken(store, &error);
	store_db_close(&store->db);
	pthread_mutex_lock(&room.lock);
	store->state = STORE_BROKEN;
	pthread_mutex_unlock(&room.lock);
}

static bool queue_has_status(const struct op_queue *queue, int status)
{
	for (const struct mu_store_op *op = queue->head; op; op = op->next)
		if (op->status == status)
			return true;
	return false;
}

/* Trouble is told when it begins; and when it ends, but not by the first small write that still finds room. */
static void tell_group(struct mu_store *store, int r)
{
	int64_t now = clock_mono();

	if (r < 0)
		store->failed = now;
	if (-r == store->failing || (r == 0 && now - store->failed < WELL_AFTER))
		return;
	if (r == 0)
		event_core(MU_OKAY, "what %s must keep is kept again", store->name);
	else if (r == -ENOSPC)
		event_core(MU_FAILURE, "what %s must keep is not kept: the disk is full; make room where %s lies", store->name,
		           store->path);
	else if (r != -EBADMSG)
		event_core(MU_FAILURE, "what %s must keep is not kept: writing %s fails: %s", store->name, store->path,
		           strerror(-r));
	store->failing = -r;
}

static void turn_run(struct mu_store *store, struct op_queue *writes, struct op_queue *reads)
{
	if (writes->head) {
		int r = store_db_write(&store->db, writes->head);
		/* a statement that found no room failed by itself: the trouble is the same */
		tell_group(store, r == 0 && queue_has_status(writes, -ENOSPC) ? -ENOSPC : r);
	}
	if (reads->head)
		store_db_read(&store->db, reads->head);
	if (queue_has_status(writes, -EBADMSG) || queue_has_status(reads, -EBADMSG))
		turn_break(store);
}

static void queue_fail(struct op_queue *queue, int status)
{
	for (struct mu_store_op *op = queue->head; op; op = op->next)
		op->status = status;
}

static void turn_work(struct mu_store *store)
{
	struct op_queue writes = { 0 }, reads = { 0 };

	pthread_mutex_lock(&room.lock);
	queue_split(&store->waiting, &writes, &reads);
	room.stats.waiting -= writes.count + reads.count;
	room.stats.groups += writes.count > 0;
	room.stats.writes += writes.count;
	room.stats.reads += reads.count;
	bool open = store->state == STORE_OPEN;
	pthread_mutex_unlock(&room.lock);

	if (open) {
		turn_run(store, &writes, &reads);
	} else {
		queue_fail(&writes, -EIO);
		queue_fail(&reads, -EIO);
	}
	uint64_t failed = queue_answer(store, &writes) + queue_answer(store, &reads);
	pthread_mutex_lock(&room.lock);
	room.stats.failed += failed;
	pthread_mutex_unlock(&room.lock);
}

static void store_free(struct mu_store *store)
{
	check(!store->waiting.head && !store->db.sqlite);
	mu_ref_unref(&store->ref);
	free(store->migrations);
	free(store);
}

static void turn_close(struct mu_store *store)
{
	store_db_close(&store->db);
	pthread_mutex_lock(&room.lock);
	check(store->waiting.count == 0);
	list_remove(&store->node);
	bool leave = store->leave || !store->gone;
	store->gone = true;
	pthread_mutex_unlock(&room.lock);
	if (store->closed)
		loop_call(loop_main(), store->closed, store->closed_data);
	if (!leave)
		store_free(store);
}

/* Another life of the same instance has the file still open. Locked. */
static bool path_busy(const struct mu_store *store)
{
	list_each(node, &room.stores) {
		const struct mu_store *other = list_entry(node, struct mu_store, node);
		if (other == store)
			return false; /* those behind came later */
		if (strcmp(other->path, store->path) == 0)
			return true;
	}
	return false;
}

/* One step of one database. Called and returns locked. false: there is nothing to do for it. */
static bool store_turn(struct mu_store *store)
{
	void (*turn)(struct mu_store *store) = NULL;

	if (store->state == STORE_OPENING)
		turn = path_busy(store) ? NULL : turn_open;
	else if (store->waiting.head)
		turn = turn_work;
	else if (store->gone || room.quit)
		turn = turn_close;
	if (!turn)
		return false;
	room.busy = true;
	pthread_mutex_unlock(&room.lock);
	turn(store);
	pthread_mutex_lock(&room.lock);
	room.busy = false;
	return true;
}

/* A step for each, in the order in which they were opened. The one at work may leave the list, nobody else does. */
static bool stores_turn(void)
{
	bool any = false;

	list_each_safe(node, &room.stores)
		any |= store_turn(list_entry(node, struct mu_store, node));
	return any;
}

static void *store_thread(void *data)
{
	(void)data;
	pthread_setname_np(pthread_self(), "store");
	pthread_mutex_lock(&room.lock);
	for (;;) {
		if (stores_turn())
			continue;
		if (room.quit && list_empty(&room.stores))
			break;
		pthread_cond_wait(&room.work, &room.lock);
	}
	pthread_mutex_unlock(&room.lock);
	return NULL;
}

/* ---- life of the room ---- */

void store_init(const char *base_dir)
{
	pthread_attr_t attr;
	sigset_t all, before;

	check(!room.running && base_dir);
	text_printf(room.dir, sizeof(room.dir), "%s/store", base_dir);
	list_init(&room.stores);
	room.quit = false;
	room.stats = (struct store_stats){ 0 };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	check(pthread_create(&room.thread, &attr, store_thread, NULL) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	room.running = true;
}

int store_fini(int64_t wait_ns)
{
	struct timespec until;
	int busy = 0;

	if (!room.running)
		return 0;
	check(wait_ns >= 0);
	pthread_mutex_lock(&room.lock);
	room.quit = true;
	pthread_cond_signal(&room.work);
	pthread_mutex_unlock(&room.lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (until.tv_nsec + wait_ns) / MU_SEC;
	until.tv_nsec = (until.tv_nsec + wait_ns) % MU_SEC;
	if (pthread_clockjoin_np(room.thread, NULL, CLOCK_MONOTONIC, &until) == 0) {
		room.running = false;
		return 0;
	}
	pthread_mutex_lock(&room.lock);
	list_each(node, &room.stores)
		busy++;
	pthread_mutex_unlock(&room.lock);
	return busy ? busy : 1;
}

void store_stats(struct store_stats *out)
{
	check(out);
	pthread_mutex_lock(&room.lock);
	*out = room.stats;
	pthread_mutex_unlock(&room.lock);
}

/* ---- stores ---- */

static int dir_ready(struct mu_error *error)
{
	int r = mkdir(room.dir, 0700) < 0 && errno != EEXIST ? -errno : 0;

	if (r == 0 && access(room.dir, R_OK | W_OK | X_OK) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	mu_error(error, r, "cannot keep anything in %s: %s", room.dir, strerror(-r));
	mu_error_where(error, "%s", room.dir);
	mu_error_remedy(error, "make it, writable for the user that the daemon runs as, or set BaseDir to such a folder");
	return r;
}

/* Is the file open, or about to be; and does the one who has it still live? */
static bool path_taken(const char *path, bool *alive)
{
	bool taken = false;

	*alive = false;
	pthread_mutex_lock(&room.lock);
	list_each(node, &room.stores) {
		const struct mu_store *other = list_entry(node, struct mu_store, node);
		if (strcmp(other->path, path) != 0)
			continue;
		taken = true;
		*alive |= !other->gone;
	}
	pthread_mutex_unlock(&room.lock);
	return taken;
}

static void path_of(const char *name, char *path, size_t size)
{
	char file[128];

	text_copy(file, sizeof(file), name);
	for (char *p = file; *p; p++)
		if (*p == ':' || *p == '/')
			*p = '-';
	text_printf(path, size, "%s/%s%s.sqlite", room.dir, file[0] == '.' ? "-" : "", file);
}

static int store_may_open(const char *name, const char *path, int newest, struct mu_error *error)
{
	bool alive;

	int r = dir_ready(error);
	if (r < 0)
		return r;
	bool taken = path_taken(path, &alive);
	if (alive) {
		mu_error(error, -EEXIST, "%s has its database open already: %s", name, path);
		mu_error_remedy(error, "restart the daemon: an earlier life of it did not end");
		return -EEXIST;
	}
	return taken ? 0 : store_db_peek(path, newest, error);
}

struct mu_store *mu_store_open(struct mu_instance *self, const struct mu_migration *migrations, size_t count,
                               struct mu_error *error)
{
	char path[1024];

	check(self && mu_on_loop(self));
	check(room.running && (migrations || count == 0));
	for (size_t i = 0; i < count; i++)
		check(migrations[i].number > (i ? migrations[i - 1].number : 0));
	path_of(self->name, path, sizeof(path));
	if (store_may_open(self->name, path, count ? migrations[count - 1].number : 0, error) < 0)
		return NULL;

	struct mu_store *store = mem_alloc(sizeof(*store));
	store->instance = self;
	store->ref = mu_self_ref(self);
	text_copy(store->name, sizeof(store->name), self->name);
	text_copy(store->path, sizeof(store->path), path);
	store->migration_count = count;
	store->migrations = mem_array(count ? count : 1, sizeof(*migrations));
	if (count)
		memcpy(store->migrations, migrations, count * sizeof(*migrations));
	pthread_mutex_lock(&room.lock);
	list_add(&room.stores, &store->node);
	pthread_cond_signal(&room.work);
	pthread_mutex_unlock(&room.lock);
	return store;
}

static struct mu_store *store_of(const struct mu_instance *instance)
{
	list_each(node, &room.stores) {
		struct mu_store *store = list_entry(node, struct mu_store, node);
		if (store->instance == instance && !store->gone)
			return store;
	}
	return NULL;
}

const struct mu_instance *store_owner(const struct mu_store *store)
{
	check(store);
	return store->instance;
}

void store_instance_gone(struct mu_instance *instance, void (*closed)(void *data), void *data)
{
	check(instance && loop_is_current(loop_main()));
	if (!room.running) {
		if (closed)
			loop_call(loop_main(), closed, data);
		return;
	}
	pthread_mutex_lock(&room.lock);
	struct mu_store *store = store_of(instance);
	if (store) {
		store->gone = true;
		store->leave = instance->is == INSTANCE_ABANDONED;
		store->closed = closed;
		store->closed_data = data;
		pthread_cond_signal(&room.work);
	}
	pthread_mutex_unlock(&room.lock);
	if (!store && closed)
		loop_call(loop_main(), closed, data);
}

static void store_submit(struct mu_store *store, struct mu_store_op *op, bool write)
{
	check(store && op && op->run);
	op->write = write;
	op->status = 0;
	pthread_mutex_lock(&room.lock);
	if (store->gone || room.quit)
		op->status = -ESHUTDOWN;
	else if (store->waiting.count >= STORE_WAITING_MAX)
		op->status = -EBUSY;
	int status = op->status;
	if (status == 0) {
		queue_add(&store->waiting, op);
		room.stats.waiting++;
		if (!room.busy)
			pthread_cond_signal(&room.work);
	} else {
		room.stats.refused++;
	}
	pthread_mutex_unlock(&room.lock);
	if (status < 0)
		op_answer(store, op);
}

void mu_store_write(struct mu_store *store, struct mu_store_op *op)
{
	store_submit(store, op, true);
}

void mu_store_read(struct mu_store *store, struct mu_store_op *op)
{
	store_submit(store, op, false);
}
