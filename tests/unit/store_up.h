/* store_up: a store in a folder of its own, an owner, and operations that remember what became of them. */
#ifndef STORE_UP_H
#define STORE_UP_H

#include "store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "event.h"
#include "event_node.h"
#include "instance.h"
#include "loop.h"

extern char dir[64], path[128]; /* BaseDir, and the owner's database */
extern struct mu_instance owner;
extern struct mu_error error;
extern const struct mu_migration tables[2];

/* One operation and what became of it. */
struct attempt {
	struct mu_store_op op;
	int64_t key, seen;
	const char *sql;
	int answer;   /* 1 = none yet */
	size_t place; /* in the order of answers */
};
extern size_t answers, freed;

int run_insert(struct sqlite3 *db, struct mu_store_op *op); /* its key */
int run_count(struct sqlite3 *db, struct mu_store_op *op);
int run_sql(struct sqlite3 *db, struct mu_store_op *op);
/* Stands until the test lets it go, so that what comes after it gathers. */
extern pthread_mutex_t gate;
int run_wait(struct sqlite3 *db, struct mu_store_op *op);
int row_number(const struct mu_row *row, void *data); /* the first column, as int64_t */

struct attempt try_of(int (*run)(struct sqlite3 *, struct mu_store_op *), int64_t key);
void wait_for(const struct attempt *try);
int write_now(struct mu_store *store, struct attempt *try);
int64_t ask(struct mu_store *store, const char *sql);

void closed(void *data); /* *(bool *)data = true */
void owner_begin(void);
void owner_end(void);
struct mu_store *open_tables(void);
/* Of each test; and of the program. */
int begin(void **state);
int end(void **state);
void store_up(void);
/* Ends this life of the room and begins the next, with the same files. */
void next_life(void);
/* The newest event: said by the store's thread before the answer that the test has waited for. */
void assert_event(uint32_t severity, const char *words);

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
