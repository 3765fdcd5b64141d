/* store_turn: the store's thread: a step for each database in turn, and a message for each operation done.
 *
 * A step takes the head of a queue, commits the writes in it as one group and then answers the reads in it,
 * so that a read sees whatever was handed in before it. Nothing waits for more company: while one group is on
 * its way to the disk, the next one gathers. */
#include "store_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "event.h"
#include "log.h"
#include "loop.h"

#define WELL_AFTER (10 * MU_SEC)

struct store_room store_room = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

/* ---- queues ---- */

static _Thread_local bool here; /* on the store's thread */

void store_queue_add(struct store_op_queue *queue, struct mu_store_op *op)
{
	c_assert(queue && op && op->run);
	c_assert(!queue->tail == (queue->count == 0));
	op->next = NULL;
	if (queue->tail)
		queue->tail->next = op;
	else
		queue->head = op;
	queue->tail = op;
	queue->count++;
}

static struct mu_store_op *queue_pop(struct store_op_queue *queue)
{
	struct mu_store_op *op = queue->head;
	if (!op)
		return NULL;
	c_assert(queue->count > 0);
	queue->head = op->next;
	if (!queue->head)
		queue->tail = NULL;
	queue->count--;
	op->next = NULL;
	return op;
}

/* From the head: at most one group of writes, and the reads among and behind them. */
static void queue_split(struct store_op_queue *queue, struct store_op_queue *writes,
			struct store_op_queue *reads)
{
	while (queue->head) {
		struct store_op_queue *to = queue->head->write ? writes : reads;
		if (to->count == STORE_GROUP_MAX)
			return;
		store_queue_add(to, queue_pop(queue));
	}
}

/* ---- answers ---- */

static void op_done(struct mu_instance *self, struct mu_msg *msg)
{
	struct mu_store_op *op = container_of(msg, struct mu_store_op, msg);
	c_assert(self && mu_on_loop(self));
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

void store_answer(struct mu_store *store, struct mu_store_op *op)
{
	c_assert(store->ref);
	op->msg = (struct mu_msg){ .run = op_done, .drop = op_drop };
	mu_post(store->ref, &op->msg);
}

/* Returns how many had failed. */
static uint64_t queue_answer(struct mu_store *store, struct store_op_queue *queue)
{
	uint64_t failed = 0;

	for (struct mu_store_op *op; (op = queue_pop(queue));) {
		failed += op->status < 0;
		store_answer(store, op);
	}
	return failed;
}

/* ---- turns of the store's thread ---- */

static void tell_broken(struct mu_store *store, const struct mu_error *error)
{
	char words[800];

	error_print(words, sizeof(words), error);
	event_core(MU_FAILURE, "what %s must keep is not kept: %s", store->name, words);
}

static void turn_open(struct mu_store *store)
{
	struct mu_error error = { 0 };

	c_assert(here && store->state == STORE_OPENING);
	int r = store_db_open(&store->db, store->path, store->migrations, store->migration_count, &error);
	if (r < 0)
		tell_broken(store, &error);
	pthread_mutex_lock(&store_room.lock);
	store->state = r < 0 ? STORE_BROKEN : STORE_OPEN;
	pthread_mutex_unlock(&store_room.lock);
}

static void turn_break(struct mu_store *store)
{
	struct mu_error error = { 0 };

	c_assert(here && store->state == STORE_OPEN);
	mu_error(&error, -EBADMSG, "it is damaged");
	mu_error_where(&error, "%s", store->path);
	mu_error_remedy(&error, STORE_REMEDY_DAMAGED, store->path);
	tell_broken(store, &error);
	store_db_close(&store->db);
	pthread_mutex_lock(&store_room.lock);
	store->state = STORE_BROKEN;
	pthread_mutex_unlock(&store_room.lock);
}

static bool queue_has_status(const struct store_op_queue *queue, int status)
{
	for (const struct mu_store_op *op = queue->head; op; op = op->next)
		if (op->status == status)
			return true;
	return false;
}

/* Trouble is told when it begins; and when it ends, but not by the first small write that still finds
 * store_room. */
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
		event_core(MU_FAILURE,
			   "what %s must keep is not kept: the disk is full; make room where %s lies",
			   store->name, store->path);
	else if (r != -EBADMSG)
		event_core(MU_FAILURE, "what %s must keep is not kept: writing %s fails: %s", store->name,
			   store->path, strerror(-r));
	store->failing = -r;
}

static void turn_run(struct mu_store *store, struct store_op_queue *writes, struct store_op_queue *reads)
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

static void queue_fail(struct store_op_queue *queue, int status)
{
	for (struct mu_store_op *op = queue->head; op; op = op->next)
		op->status = status;
}

static void turn_work(struct mu_store *store)
{
	struct store_op_queue writes = { 0 }, reads = { 0 };

	pthread_mutex_lock(&store_room.lock);
	queue_split(&store->waiting, &writes, &reads);
	store_room.stats.waiting -= writes.count + reads.count;
	store_room.stats.groups += writes.count > 0;
	store_room.stats.writes += writes.count;
	store_room.stats.reads += reads.count;
	bool open = store->state == STORE_OPEN;
	c_assert(here && store->state != STORE_OPENING && writes.count <= STORE_GROUP_MAX);
	pthread_mutex_unlock(&store_room.lock);

	if (open) {
		turn_run(store, &writes, &reads);
	} else {
		queue_fail(&writes, -EIO);
		queue_fail(&reads, -EIO);
	}
	uint64_t failed = queue_answer(store, &writes) + queue_answer(store, &reads);
	pthread_mutex_lock(&store_room.lock);
	store_room.stats.failed += failed;
	pthread_mutex_unlock(&store_room.lock);
}

static void store_free(struct mu_store *store)
{
	c_assert(!store->waiting.head && !store->db.sqlite);
	mu_ref_unref(&store->ref);
	free(store->migrations);
	free(store);
}

static void turn_close(struct mu_store *store)
{
	c_assert(here);
	store_db_close(&store->db);
	pthread_mutex_lock(&store_room.lock);
	c_assert(store->waiting.count == 0);
	list_remove(&store->node);
	bool leave = store->leave || !store->gone;
	store->gone = true;
	pthread_mutex_unlock(&store_room.lock);
	if (store->closed)
		loop_call(loop_main(), store->closed, store->closed_data);
	if (!leave)
		store_free(store);
}

/* Another life of the same instance has the file still open. Locked. */
static bool path_busy(const struct mu_store *store)
{
	list_each (node, &store_room.stores) {
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
	void (*turn)(struct mu_store * store) = NULL;

	if (store->state == STORE_OPENING)
		turn = path_busy(store) ? NULL : turn_open;
	else if (store->waiting.head)
		turn = turn_work;
	else if (store->gone || store_room.quit)
		turn = turn_close;
	if (!turn)
		return false;
	store_room.busy = true;
	pthread_mutex_unlock(&store_room.lock);
	turn(store);
	pthread_mutex_lock(&store_room.lock);
	store_room.busy = false;
	return true;
}

/* A step for each, in the order in which they were opened. The one at work may leave the list, nobody else
 * does. */
static bool stores_turn(void)
{
	bool any = false;

	list_each_safe (node, &store_room.stores)
		any |= store_turn(list_entry(node, struct mu_store, node));
	return any;
}

void *store_thread(void *unused)
{
	(void)unused;
	here = true;
	pthread_setname_np(pthread_self(), "store");
	pthread_mutex_lock(&store_room.lock);
	for (;;) {
		if (stores_turn())
			continue;
		if (store_room.quit && list_empty(&store_room.stores))
			break;
		pthread_cond_wait(&store_room.work, &store_room.lock);
	}
	pthread_mutex_unlock(&store_room.lock);
	return NULL;
}
