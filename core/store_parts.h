/* store_parts: what the files of the room "store" share: a database with its queue, and the list of them.
 *
 *   store.c       the owners' side: opening, handing in, leaving
 *   store_turn.c  the store's thread: whose turn it is, groups, answers
 *   store_copy.c  copies of all, as a backup
 *   store_db.c    one database file
 *   store_sql.c   statements */
#ifndef CORE_STORE_PARTS_H
#define CORE_STORE_PARTS_H

#include <muster/base.h>
#include <pthread.h>

#include "base/list.h"
#include "store.h"

enum store_state { STORE_OPENING, STORE_OPEN, STORE_BROKEN };

struct store_op_queue {
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
	struct store_op_queue waiting;
	enum store_state state;
	bool gone;  /* no more operations: close when the queue is empty */
	bool leave; /* its instance was abandoned and may still call: the struct stays */
	void (*closed)(void *data);
	void *closed_data;
	/* the store's thread */
	struct store_db db;
	int failing;    /* errno of the trouble that was told; 0 = all is well */
	int64_t failed; /* monotonic: when a group last had it */
};

extern struct store_room {
	pthread_mutex_t lock;
	pthread_cond_t work; /* there is some, or it is time to go */
	struct list stores;  /* in the order in which they were opened */
	bool quit, busy;     /* busy: the thread is at a turn, and will look again by itself */
	struct store_stats stats;
} store_room;

/* Locked. */
void store_queue_add(struct store_op_queue *queue, struct mu_store_op *op);
/* To its owner, by message; from here on it is the owner's. */
void store_answer(struct mu_store *store, struct mu_store_op *op);
void *store_thread(void *unused);

#endif
