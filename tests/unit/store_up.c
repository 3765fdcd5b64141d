/* store_up: see store_up.h. */
#include "store_up.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "log.h"

char dir[64], path[128];
struct mu_instance owner;
struct mu_error error;

const struct mu_migration tables[] = {
	{ 1, "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT);" },
	{ 2, "ALTER TABLE t ADD COLUMN w TEXT; CREATE TABLE u (k INTEGER REFERENCES t (k));" },
};

size_t answers, freed;

static void try_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	struct attempt *try = MU_CONTAINER(op, struct attempt, op);

	assert_ptr_equal(self, &owner);
	assert_true(loop_is_current(loop_main()));
	assert_int_equal(try->answer, 1);
	try->answer = status;
	try->place = ++answers;
}

static void try_free(struct mu_store_op *op)
{
	(void)op;
	__atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
}

int run_insert(struct sqlite3 *db, struct mu_store_op *op)
{
	struct attempt *try = MU_CONTAINER(op, struct attempt, op);
	int r = mu_sql(db, "INSERT INTO t (k, v) VALUES (?, ?)", NULL, NULL, "is", try->key, "x");
	return r < 0 ? r : 0;
}

int row_number(const struct mu_row *row, void *data)
{
	*(int64_t *)data = mu_row_i64(row, 0);
	return 0;
}

int run_count(struct sqlite3 *db, struct mu_store_op *op)
{
	struct attempt *try = MU_CONTAINER(op, struct attempt, op);
	int r = mu_sql(db, "SELECT count(*) FROM t", row_number, &try->seen, NULL);
	return r < 0 ? r : 0;
}

int run_sql(struct sqlite3 *db, struct mu_store_op *op)
{
	struct attempt *try = MU_CONTAINER(op, struct attempt, op);
	int r = mu_sql(db, try->sql, row_number, &try->seen, NULL);
	return r < 0 ? r : 0;
}

pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
int run_wait(struct sqlite3 *db, struct mu_store_op *op)
{
	(void)db;
	(void)op;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return 0;
}

struct attempt try_of(int (*run)(struct sqlite3 *, struct mu_store_op *), int64_t key)
{
	return (struct attempt){ .op = { .run = run, .done = try_done, .free = try_free },
			     .key = key,
			     .answer = 1 };
}

void wait_for(const struct attempt *try)
{
	while (try->answer == 1)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
}

int write_now(struct mu_store *store, struct attempt *try)
{
	mu_store_write(store, &try->op);
	wait_for(try);
	return try->answer;
}

int64_t ask(struct mu_store *store, const char *sql)
{
	struct attempt try = try_of(run_sql, 0);
	try.sql = sql;
	mu_store_read(store, &try.op);
	wait_for(&try);
	assert_int_equal(try.answer, 0);
	return try.seen;
}

/* ---- life ---- */

void closed(void *data)
{
	*(bool *)data = true;
}

void owner_begin(void)
{
	owner = (struct mu_instance){
		.name = "farm:a", .loop = loop_main(), .holds = 100, .is = INSTANCE_RUNNING
	};
	owner.ref = ref_new(loop_main(), &owner);
	list_init(&owner.timers);
}

void owner_end(void)
{
	bool done = false;

	ref_end(owner.ref);
	store_instance_gone(&owner, closed, &done);
	while (!done)
		uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
	mu_ref_unref(&owner.ref);
}

struct mu_store *open_tables(void)
{
	struct mu_store *store = mu_store_open(&owner, tables, 2, &error);
	assert_non_null(store);
	return store;
}

int begin(void **state)
{
	(void)state;
	text_copy(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	text_printf(path, sizeof(path), "%s/store/farm-a.sqlite", dir);
	memset(&error, 0, sizeof(error));
	answers = freed = 0;
	clock_hold(MU_SEC, 1800000000 * MU_SEC);
	loop_main_init();
	event_init();
	event_store(NULL);
	store_init(dir);
	owner_begin();
	return 0;
}

int end(void **state)
{
	char command[96];

	(void)state;
	owner_end();
	assert_int_equal(store_fini(5 * MU_SEC), 0);
	event_fini();
	loop_main_fini();
	clock_release();
	text_printf(command, sizeof(command), "rm -r %s", dir);
	FILE *rm = popen(command, "r");
	assert_non_null(rm);
	assert_int_equal(pclose(rm), 0);
	return 0;
}

void next_life(void)
{
	owner_end();
	owner_begin();
}

void assert_event(uint32_t severity, const char *words)
{
	const struct event_node *node = event_ring_at(0);

	assert_non_null(node);
	assert_int_equal(node->event.severity, severity);
	assert_non_null(strstr(node->event.words, words));
}

void store_up(void)
{
	log_init();
	assert_int_equal(log_open("/dev/null"), 0);
}
