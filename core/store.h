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
#define STORE_REMEDY_DAMAGED \
	"stop the daemon, then: sqlite3 %s .recover | sqlite3 NEW; or put back a copy, or move the file away"
#define STORE_GROUP_MAX 1000    /* writes a commit */

/* ---- copies of all (store_copy.c) ---- */

#define STORE_FOLDER_MAX 900
struct store_copy {
	char name[128], from[1024], file[1100]; /* whose, its database, and the copy */
	int64_t bytes;
	struct mu_error error; /* code < 0: there is no copy */
	struct store_copies *all;
	struct mu_store_op op;
};
struct store_copies {
	char folder[STORE_FOLDER_MAX];
	size_t count, done;
	void (*step)(struct store_copies *all);
	struct store_copy copies[];
};
/* Main. Copies each open database into the folder, on the store's thread, one after the other: <name>.sqlite, as it is
 * after all that was handed in before. `step` on main after each; after the last it is the caller's to free(), and at
 * once when there is none. */
struct store_copies *store_copy_all(const char *folder, void (*step)(struct store_copies *all));

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
