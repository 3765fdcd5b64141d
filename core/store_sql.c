/* store_sql: one statement, its values and its rows; and the statements that stay prepared.
 *
 * Preparing costs more than running, so each database keeps the last SQL_KEPT statements by their text. One
 * that is in use (its row function runs the same text again) is prepared a second time and thrown away. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "log.h"
#include "store.h"

enum { SQL_KEPT = 64, SQL_BINDS_MAX = 64 };

struct sql_kept {
	char *sql; /* NULL: empty */
	uint64_t hash, used;
	sqlite3_stmt *stmt;
	bool busy;
};

struct sql_cache {
	struct sqlite3 *db;
	struct sql_cache *next;
	uint64_t uses;
	struct sql_kept kept[SQL_KEPT];
};

/* Of this thread: there is one that has databases. */
static _Thread_local struct sql_cache *caches;

struct mu_row {
	sqlite3_stmt *stmt;
};

int sql_errno(struct sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR: {
		int why = db ? sqlite3_system_errno(db) : 0;
		return why == ENOSPC || why == EDQUOT ? -ENOSPC : -EIO;
	}
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CONSTRAINT: {
		int which = db ? sqlite3_extended_errcode(db) : 0;
		return which == SQLITE_CONSTRAINT_UNIQUE || which == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST
												  : -EINVAL;
	}
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_INTERRUPT:
	case SQLITE_ABORT:
		return -ECANCELED;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
	case SQLITE_SCHEMA:
		return -EINVAL;
	default:
		return -EIO;
	}
}

/* ---- kept statements ---- */

static struct sql_cache *cache_find(struct sqlite3 *db)
{
	for (struct sql_cache *cache = caches; cache; cache = cache->next)
		if (cache->db == db)
			return cache;
	return NULL;
}

void sql_keep(struct sqlite3 *db)
{
	c_assert(db && !cache_find(db));
	struct sql_cache *cache = mem_alloc(sizeof(*cache));
	cache->db = db;
	cache->next = caches;
	caches = cache;
}

static void kept_clear(struct sql_kept *kept)
{
	c_assert(!kept->busy);
	sqlite3_finalize(kept->stmt);
	free(kept->sql);
	*kept = (struct sql_kept){ 0 };
}

void sql_forget(struct sqlite3 *db)
{
	for (struct sql_cache **at = &caches; *at; at = &(*at)->next) {
		struct sql_cache *cache = *at;
		if (cache->db != db)
			continue;
		for (size_t i = 0; i < SQL_KEPT; i++)
			kept_clear(&cache->kept[i]);
		*at = cache->next;
		free(cache);
		return;
	}
}

/* The slot that holds this text, or else the one to fill: empty, or longest unused. NULL: all are busy. */
static struct sql_kept *cache_slot(struct sql_cache *cache, const char *sql, uint64_t hash)
{
	struct sql_kept *oldest = NULL;

	for (size_t i = 0; i < SQL_KEPT; i++) {
		struct sql_kept *kept = &cache->kept[i];
		if (kept->sql && kept->hash == hash && strcmp(kept->sql, sql) == 0)
			return kept->busy ? NULL : kept;
		if (!kept->busy && (!oldest || kept->used < oldest->used))
			oldest = kept;
	}
	return oldest;
}

static int stmt_prepare(struct sqlite3 *db, const char *sql, bool keep, sqlite3_stmt **stmt)
{
	int code = sqlite3_prepare_v3(db, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, stmt, NULL);
	if (code == SQLITE_OK && *stmt)
		return 0;
	int r = code == SQLITE_OK ? -EINVAL : sql_errno(db, code);
	if (r == -EINVAL)
		log_line(MU_LOG_ERROR, "store", "SQL: %s: %s",
			 code == SQLITE_OK ? "no statement" : sqlite3_errmsg(db), sql);
	return r;
}

/* *kept is NULL for one that is to be finalized after use. */
static int stmt_take(struct sqlite3 *db, const char *sql, sqlite3_stmt **stmt, struct sql_kept **kept)
{
	struct sql_cache *cache = cache_find(db);
	uint64_t hash = cache ? hash_bytes(sql, strlen(sql), 0) : 0;
	struct sql_kept *slot = cache ? cache_slot(cache, sql, hash) : NULL;

	*kept = NULL;
	if (slot && slot->sql && slot->hash == hash && strcmp(slot->sql, sql) == 0) {
		*stmt = slot->stmt;
	} else {
		int r = stmt_prepare(db, sql, slot != NULL, stmt);
		if (r < 0 || !slot)
			return r;
		kept_clear(slot);
		slot->sql = mem_strdup(sql);
		slot->hash = hash;
		slot->stmt = *stmt;
	}
	slot->used = ++cache->uses;
	slot->busy = true;
	*kept = slot;
	return 0;
}

static void stmt_give(sqlite3_stmt *stmt, struct sql_kept *kept)
{
	if (!kept) {
		sqlite3_finalize(stmt);
		return;
	}
	c_assert(kept->busy && kept->stmt == stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	kept->busy = false;
}

/* ---- one run ---- */

static int stmt_bind(sqlite3_stmt *stmt, int at, const struct sql_value *value)
{
	switch (value->type) {
	case 'i':
		return sqlite3_bind_int64(stmt, at, value->integer);
	case 'd':
		return sqlite3_bind_double(stmt, at, value->real);
	case 's':
		return sqlite3_bind_text(stmt, at, value->bytes, -1, SQLITE_STATIC);
	case 'b':
		return sqlite3_bind_blob64(stmt, at, value->bytes, value->size, SQLITE_STATIC);
	default:
		c_assert(!"a letter of binds is one of i d s b");
		return SQLITE_MISUSE;
	}
}

/* Rows read or changed. */
static int stmt_run(struct sqlite3 *db, sqlite3_stmt *stmt, int (*row)(const struct mu_row *row, void *data),
		    void *data)
{
	struct mu_row view = { stmt };
	int64_t before = sqlite3_total_changes64(db);
	int rows = 0, said = 0;
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		rows++;
		if (row && (said = row(&view, data)) != 0)
			break;
	}
	if (said < 0)
		return said;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sql_errno(db, code);
	if (sqlite3_column_count(stmt) > 0)
		return rows;
	/* sqlite3_changes() keeps the figure of the statement before when this one changes no rows by
	 * nature */
	return sqlite3_total_changes64(db) != before ? sqlite3_changes(db) : 0;
}

int sql_run(struct sqlite3 *db, const char *sql, int (*row)(const struct mu_row *row, void *data), void *data,
	    const struct sql_value *values, size_t count)
{
	struct sql_kept *kept;
	sqlite3_stmt *stmt = NULL;

	c_assert(db && sql);
	c_assert(values || count == 0);
	int r = stmt_take(db, sql, &stmt, &kept);
	if (r < 0)
		return r;
	c_assert((size_t)sqlite3_bind_parameter_count(stmt) == count);
	for (size_t i = 0; i < count && r == 0; i++)
		r = sql_errno(db, stmt_bind(stmt, (int)i + 1, &values[i]));
	if (r == 0)
		r = stmt_run(db, stmt, row, data);
	stmt_give(stmt, kept);
	return r;
}

int mu_sql(struct sqlite3 *db, const char *sql, int (*row)(const struct mu_row *row, void *data), void *data,
	   const char *binds, ...)
{
	struct sql_value values[SQL_BINDS_MAX];
	size_t count = binds ? strlen(binds) : 0;
	va_list args;

	c_assert(count <= SQL_BINDS_MAX);
	va_start(args, binds);
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct sql_value){ .type = binds[i] };
		if (binds[i] == 'i')
			values[i].integer = va_arg(args, int64_t);
		else if (binds[i] == 'd')
			values[i].real = va_arg(args, double);
		else
			values[i].bytes = va_arg(args, const void *);
		if (binds[i] == 'b')
			values[i].size = va_arg(args, size_t);
	}
	va_end(args);
	return sql_run(db, sql, row, data, values, count);
}

/* ---- rows ---- */

int64_t mu_row_i64(const struct mu_row *row, int column)
{
	c_assert(column >= 0 && column < sqlite3_column_count(row->stmt));
	return sqlite3_column_int64(row->stmt, column);
}

double mu_row_double(const struct mu_row *row, int column)
{
	c_assert(column >= 0 && column < sqlite3_column_count(row->stmt));
	return sqlite3_column_double(row->stmt, column);
}

const char *mu_row_text(const struct mu_row *row, int column)
{
	c_assert(column >= 0 && column < sqlite3_column_count(row->stmt));
	return (const char *)sqlite3_column_text(row->stmt, column);
}

const void *mu_row_blob(const struct mu_row *row, int column, size_t *size)
{
	c_assert(column >= 0 && column < sqlite3_column_count(row->stmt));
	const void *bytes = sqlite3_column_blob(row->stmt, column);
	if (size)
		*size = (size_t)sqlite3_column_bytes(row->stmt, column);
	return bytes;
}

int64_t mu_sql_last_id(struct sqlite3 *db)
{
	c_assert(db);
	return sqlite3_last_insert_rowid(db);
}
