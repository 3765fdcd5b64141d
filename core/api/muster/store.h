/* muster/store.h: state that must not be lost: one SQLite database a plugin.
 *
 * A plugin hands in functions that get the database and the values they need, never the plugin's
 * state. Writes that wait are committed as one group, each in a savepoint of its own; `done` comes after the
 * commit. Reads run between groups: a bounded page each. Everything happens on the store's thread; SQLite's
 * header is needed only by those who want more than the helpers below. */
#ifndef MUSTER_STORE_H
#define MUSTER_STORE_H

#include <muster/base.h>
#include <muster/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct mu_store;

/* Numbered from 1 up, rising; what has run is never run again. SQL text, one or several statements. */
struct mu_migration {
	int number;
	const char *sql;
};

/* Opens (makes) the database of this instance and migrates it, on the store's thread: returns at once, and
 * the first operation waits for it. On the loop, in `start`. NULL + error when the folder cannot be written,
 * or the file is no database or newer than we are. What shows only later is an event, and every operation is
 * done(-EIO). The rows are copied, their SQL text is not. */
struct mu_store *mu_store_open_sized(struct mu_instance *self, const struct mu_migration *migrations, size_t count,
                                     size_t stride, struct mu_error *error);
static inline struct mu_store *mu_store_open(struct mu_instance *self, const struct mu_migration *migrations,
                                             size_t count, struct mu_error *error)
{
	return mu_store_open_sized(self, migrations, count, sizeof(*migrations), error);
}
/* Closed by the core after `mu_stopped`, when all operations are done. */

struct mu_store_op {
	/* Store thread. >= 0 keeps the savepoint, <0 rolls it back (the others of the group stay). */
	int (*run)(struct sqlite3 *db, struct mu_store_op *op);
	/* On the loop, after the commit; `status` is run's, or the group's -EIO, -ENOSPC. Once, always, */
	void (*done)(struct mu_instance *self, struct mu_store_op *op, int status);
	/* but for an instance that has ended meanwhile: what was handed in is still carried out, and then
	 * this is called in place of done, on any thread. NULL: there is nothing to free. */
	void (*free)(struct mu_store_op *op);
	struct mu_msg msg; /* the core's, from here on */
	struct mu_store_op *next;
	int status;
	bool write;
	void *reserved;
};
/* Never block. More than 65,536 waiting: done(-EBUSY); a store that ends: done(-ESHUTDOWN). A read sees every
 * write that was handed in before it, and may not write: -EROFS. */
void mu_store_write(struct mu_store *store, struct mu_store_op *op);
void mu_store_read(struct mu_store *store, struct mu_store_op *op);

/* ---- helpers for `run` ---- */

/* One statement, kept prepared. A letter in `binds` per '?': i int64_t, d double, s const char * (NULL binds
 * NULL), b const void *, size_t. `row` may be NULL; it is called for each result row and ends the statement
 * by returning non-zero; <0 is passed on. Arguments must have exactly those types: cast an int for i.
 * Returns the changed or read rows, or a negative errno: -EEXIST for UNIQUE, -EINVAL for any other constraint
 * and for bad SQL, -ENOSPC, -EIO, -EBADMSG when the file is damaged. */
struct mu_row;
int mu_sql(struct sqlite3 *db, const char *sql, int (*row)(const struct mu_row *row, void *data), void *data,
           const char *binds, ...);
int64_t mu_row_i64(const struct mu_row *row, int column);
double mu_row_double(const struct mu_row *row, int column);
const char *mu_row_text(const struct mu_row *row, int column); /* NULL for NULL; until the row ends */
const void *mu_row_blob(const struct mu_row *row, int column, size_t *size); /* the same */
int64_t mu_sql_last_id(struct sqlite3 *db); /* of the newest row inserted */

#ifdef __cplusplus
}
#endif
#endif
