/* store_db: one database file: opened, brought up to date, written in groups.
 *
 * One connection ever, which both writes and checkpoints: the lock is exclusive and taken before WAL is
 * switched on, so that the index of the WAL is in our memory and no other process can open the file. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "log.h"
#include "store.h"

enum { HEAD_SIZE = 100, HEAD_VERSION = 60, SLOW_OP_MS = 1000 };

static int say_no_database(const char *path, struct mu_error *error)
{
	mu_error(error, -EINVAL, "this is no SQLite database");
	mu_error_where(error, "%s", path);
	mu_error_remedy(error, "move it away: a new one is made");
	return -EINVAL;
}

static int say_newer(const char *path, int version, int newest, struct mu_error *error)
{
	mu_error(error, -EPROTO,
		 "it was written by a newer version: its tables are number %d, and this one knows %d",
		 version, newest);
	mu_error_where(error, "%s", path);
	mu_error_remedy(error,
			"install the newer version again, or move the file away to begin with an empty one");
	return -EPROTO;
}

int store_db_peek(const char *path, int newest, struct mu_error *error)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char head[HEAD_SIZE];

	c_assert(path && newest >= 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	int r = n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		mu_error(error, r, "it cannot be read: %s", strerror(-r));
		mu_error_where(error, "%s", path);
		mu_error_remedy(error, "it must belong to the user that the daemon runs as");
		return r;
	}
	if (n == 0)
		return 0;
	if (n < HEAD_SIZE || memcmp(head, magic, sizeof(magic)) != 0)
		return say_no_database(path, error);
	/* user_version, big-endian: https://www.sqlite.org/fileformat.html, 1.3 */
	const unsigned char *v = head + HEAD_VERSION;
	int version = (int)((uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3]);
	return version > newest ? say_newer(path, version, newest, error) : 0;
}

/* ---- opening ---- */

static int say_sqlite(sqlite3 *sqlite, const char *path, int r, struct mu_error *error)
{
	c_assert(r < 0);
	if (r == -EBADMSG) {
		mu_error(error, r, "it is damaged: %s", sqlite3_errmsg(sqlite));
		mu_error_remedy(error, STORE_REMEDY_DAMAGED, path);
	} else if (r == -EBUSY) {
		mu_error(error, r, "it is open in another program");
		mu_error_remedy(
			error,
			"end the other daemon, or the sqlite3 that looks into it, and restart this plugin");
	} else if (r == -ENOSPC) {
		mu_error(error, r, "there is no room for it");
		mu_error_remedy(error, "make room on its file system, and restart this plugin");
	} else {
		mu_error(error, r, "it cannot be opened: %s", sqlite ? sqlite3_errmsg(sqlite) : strerror(-r));
		mu_error_remedy(error, "it must be writable for the user that the daemon runs as");
	}
	mu_error_where(error, "%s", path);
	return r;
}

static int row_copy_word(const struct mu_row *row, void *data)
{
	const char *word = mu_row_text(row, 0);
	char *to = data;
	if (word)
		memccpy(to, word, 0, 15);
	return 0;
}

static int row_copy_number(const struct mu_row *row, void *data)
{
	*(int64_t *)data = mu_row_i64(row, 0);
	return 0;
}

/* In this order: exclusive before WAL, else SQLite makes a shared index. */
static int db_settings(sqlite3 *sqlite)
{
	static const char *const settings[] = { "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
						"PRAGMA temp_store=MEMORY",
						"PRAGMA journal_size_limit=16777216" };
	char mode[16] = "";

	int r = mu_sql(sqlite, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, "");
	if (r >= 0)
		r = mu_sql(sqlite, "PRAGMA journal_mode=WAL", row_copy_word, mode, "");
	if (r >= 0 && strcmp(mode, "wal") != 0)
		return -EIO;
	for (size_t i = 0; i < MU_ARRAY_LEN(settings) && r >= 0; i++)
		r = mu_sql(sqlite, settings[i], NULL, NULL, "");
	return r < 0 ? r : 0;
}

static int db_migrate_one(sqlite3 *sqlite, const struct mu_migration *migration)
{
	char set[64];

	c_assert(migration->number > 0 && migration->sql);
	sqlite3_snprintf(sizeof(set), set, "PRAGMA user_version=%d", migration->number);
	int code = sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, migration->sql, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, set, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
	return sql_errno(sqlite, code);
}

static int db_migrate(sqlite3 *sqlite, const char *path, const struct mu_migration *migrations, size_t count,
		      struct mu_error *error)
{
	int newest = count ? migrations[count - 1].number : 0;
	int64_t version = 0;

	int r = mu_sql(sqlite, "PRAGMA user_version", row_copy_number, &version, "");
	if (r < 0)
		return say_sqlite(sqlite, path, r, error);
	if (version > newest)
		return say_newer(path, (int)version, newest, error);
	for (size_t i = 0; i < count; i++) {
		if (migrations[i].number <= version)
			continue;
		r = db_migrate_one(sqlite, &migrations[i]);
		if (r == 0)
			continue;
		if (r != -EINVAL && r != -EEXIST)
			return say_sqlite(sqlite, path, r, error);
		mu_error(error, r, "its migration %d does not work: %s", migrations[i].number,
			 sqlite3_errmsg(sqlite));
		mu_error_where(error, "%s", path);
		mu_error_remedy(error,
				"it is as it was before; use the version that wrote it, and report this");
		return r;
	}
	return 0;
}

/* GLOB in SQL means what a glob means everywhere else. */
static void glob_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	c_assert(count == 2);
	const char *glob = (const char *)sqlite3_value_text(values[0]);
	const char *text = (const char *)sqlite3_value_text(values[1]);
	if (glob && text)
		sqlite3_result_int(context, mu_glob(glob, text));
}

static int db_prepare(struct store_db *db)
{
	static const char *const sql[STORE_VERBS] = {
		[STORE_BEGIN] = "BEGIN IMMEDIATE", [STORE_SAVEPOINT] = "SAVEPOINT op",
		[STORE_RELEASE] = "RELEASE op",    [STORE_UNDO] = "ROLLBACK TO op",
		[STORE_COMMIT] = "COMMIT",         [STORE_ROLLBACK] = "ROLLBACK",
	};
	int code = sqlite3_create_function(db->sqlite, "glob", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
					   glob_function, NULL, NULL);

	for (int i = 0; i < STORE_VERBS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(db->sqlite, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->verbs[i],
					  NULL);
	return sql_errno(db->sqlite, code);
}

int store_db_open(struct store_db *db, const char *path, const struct mu_migration *migrations, size_t count,
		  struct mu_error *error)
{
	c_assert(db && !db->sqlite && path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would make it readable for all */
	if (fd >= 0)
		close(fd);
	int code = sqlite3_open_v2(path, &db->sqlite,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	int r = sql_errno(db->sqlite, code);
	if (db->sqlite)
		sql_keep(db->sqlite);
	if (r == 0)
		r = db_settings(db->sqlite);
	if (r == 0)
		r = db_prepare(db);
	if (r < 0)
		say_sqlite(db->sqlite, path, r, error);
	else
		r = db_migrate(db->sqlite, path, migrations, count, error);
	if (r < 0)
		store_db_close(db);
	return r;
}

void store_db_close(struct store_db *db)
{
	if (!db->sqlite)
		return;
	sql_forget(db->sqlite);
	for (int i = 0; i < STORE_VERBS; i++)
		sqlite3_finalize(db->verbs[i]);
	/* what a plugin prepared by itself and forgot does not keep the file locked */
	for (sqlite3_stmt *stmt; (stmt = sqlite3_next_stmt(db->sqlite, NULL));)
		sqlite3_finalize(stmt);
	c_assert(sqlite3_close(db->sqlite) == SQLITE_OK);
	*db = (struct store_db){ 0 };
}

/* ---- groups ---- */

static int db_verb(struct store_db *db, enum store_verb verb)
{
	int code = sqlite3_step(db->verbs[verb]);
	int r = sql_errno(db->sqlite, code);
	sqlite3_reset(db->verbs[verb]);
	return r;
}

static int op_run(struct store_db *db, struct mu_store_op *op)
{
	int64_t began = clock_mono();
	int status = op->run(db->sqlite, op);
	int64_t took = (clock_mono() - began) / MU_MS;
	if (took >= SLOW_OP_MS)
		log_line(MU_LOG_WARNING, "store",
			 "one operation on %s took %" PRId64 " ms: everybody else waited",
			 sqlite3_db_filename(db->sqlite, "main"), took);
	return status;
}

/* 0; <0 the whole transaction is gone. */
static int group_add(struct store_db *db, struct mu_store_op *op)
{
	int r = db_verb(db, STORE_SAVEPOINT);
	if (r < 0)
		return r;
	op->status = op_run(db, op);
	/* SQLite rolls back all by itself when the disk is full or fails; or `run` ended what it did not
	 * begin */
	if (sqlite3_get_autocommit(db->sqlite))
		return op->status < 0 ? op->status : -EIO;
	if (op->status < 0)
		r = db_verb(db, STORE_UNDO);
	return r < 0 ? r : db_verb(db, STORE_RELEASE);
}

int store_db_write(struct store_db *db, struct mu_store_op *first)
{
	c_assert(db->sqlite && first);
	int r = db_verb(db, STORE_BEGIN);
	for (struct mu_store_op *op = first; op && r == 0; op = op->next)
		r = group_add(db, op);
	if (r == 0)
		r = db_verb(db, STORE_COMMIT);
	if (r == 0)
		return 0;
	if (!sqlite3_get_autocommit(db->sqlite))
		db_verb(db, STORE_ROLLBACK);
	for (struct mu_store_op *op = first; op; op = op->next)
		op->status = r;
	return r;
}

void store_db_read(struct store_db *db, struct mu_store_op *first)
{
	c_assert(db->sqlite && first);
	mu_sql(db->sqlite, "PRAGMA query_only=ON", NULL, NULL, "");
	for (struct mu_store_op *op = first; op; op = op->next)
		op->status = op_run(db, op);
	mu_sql(db->sqlite, "PRAGMA query_only=OFF", NULL, NULL, "");
}
