/* store: the thread that owns every SQLite database, and commits in groups. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <muster/store.h>

struct mu_instance;

/* Databases lie in <base_dir>/store/<instance name>.sqlite ( ':' becomes '-' ). */
void store_init(const char *base_dir);
/* Main: no new operations; those waiting are done, then the database is closed and `closed` told (loop_call
 * on main; also when the instance has no database). */
void store_instance_gone(struct mu_instance *instance, void (*closed)(void *data), void *data);
const struct mu_instance *store_owner(const struct mu_store *store); /* to be compared only */
/* Main: no new operations; waits at most so long for those that were handed in. 0; else the thread has not ended, and it
 * is how many databases are open, at least 1. */
int store_fini(int64_t wait_ns);
struct store_stats {
	uint64_t groups, writes, reads, failed, refused;
	size_t waiting;
};
void store_stats(struct store_stats *out); /* any thread */
#define STORE_WAITING_MAX 65536 /* operations a database */
#define STORE_GROUP_MAX 1000    /* writes a commit */

/* ---- one database (store_db.c): the store's thread ---- */

struct sqlite3;
struct sqlite3_stmt;
enum store_verb {
	STORE_BEGIN,
	STORE_SAVEPOINT,
	STORE_RELEASE,
	STORE_UNDO,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_VERBS
};
struct store_db { /* zeroed = closed */
	struct sqlite3 *sqlite;
	struct sqlite3_stmt *verbs[STORE_VERBS];
};
/* Reads only the head of the file: -EINVAL it is no database, -EPROTO it is newer than `newest`. Must not be
 * called while this process has the file open: closing it again would drop SQLite's locks. */
int store_db_peek(const char *path, int newest, struct mu_error *error);
int store_db_open(struct store_db *db, const char *path, const struct mu_migration *migrations, size_t count,
                  struct mu_error *error);
void store_db_close(struct store_db *db);
/* One transaction with a savepoint for each; fills op->status. When it cannot be committed, all of the group
 * have the negative errno that is returned. */
int store_db_write(struct store_db *db, struct mu_store_op *first);
void store_db_read(struct store_db *db, struct mu_store_op *first);

/* ---- statements (store_sql.c) ---- */

int sql_errno(struct sqlite3 *db, int code); /* of an SQLite result code */
/* From here to sql_forget the statements of this database are kept prepared; this thread only. Without it, as
 * in a plugin's unit test, each is prepared anew. */
void sql_keep(struct sqlite3 *db);
void sql_forget(struct sqlite3 *db);
struct sql_value {
	char type; /* as in mu_sql's binds */
	union {
		int64_t integer;
		double real;
		const void *bytes;
	};
	size_t size; /* 'b' */
};
/* mu_sql for statements that are made up at run time. */
int sql_run(struct sqlite3 *db, const char *sql, int (*row)(const struct mu_row *row, void *data), void *data,
            const struct sql_value *values, size_t count);

#endif
