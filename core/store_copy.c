/* store_copy: copies of all open databases, as a backup: whole and consistent each, while their owners go on.
 *
 * VACUUM INTO runs on the store's thread between groups, for a database has one connection ever. The copy is
 * made beside its place, brought to the disk and renamed, so that under its name there is never half of one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop.h"
#include "store_parts.h"

static int folder_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* Into `part`, which must be empty: to the disk. Returns its size. */
static int64_t copy_into(struct sqlite3 *sqlite, const char *part)
{
	struct stat st;

	unlink(part);
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* SQLite would make it readable for all */
	if (fd < 0)
		return -errno;
	/* reads may not write, and for SQLite this is a write */
	int64_t r = mu_sql(sqlite, "PRAGMA query_only=OFF", NULL, NULL, "");
	if (r >= 0)
		r = mu_sql(sqlite, "VACUUM INTO ?", NULL, NULL, "s", part);
	mu_sql(sqlite, "PRAGMA query_only=ON", NULL, NULL, "");
	if (r >= 0)
		r = fsync(fd) < 0 || fstat(fd, &st) < 0 ? -errno : st.st_size;
	close(fd);
	return r;
}

static int say_not_copied(const struct store_copy *copy, int r, struct mu_error *error)
{
	mu_error(error, r, "%s was not copied: %s", copy->name, strerror(-r));
	mu_error_where(error, "%s", copy->file);
	if (r == -EBADMSG)
		mu_error_remedy(error, STORE_REMEDY_DAMAGED, copy->from);
	else if (r == -ENOSPC)
		mu_error_remedy(error, "make room there, or name another folder");
	else
		mu_error_remedy(error, "name a folder that exists, or can be made, and that the daemon's user may write");
	return r;
}

static int copy_run(struct sqlite3 *sqlite, struct mu_store_op *op)
{
	struct store_copy *copy = container_of(op, struct store_copy, op);
	const char *folder = copy->all->folder;
	char part[sizeof(copy->file) + 8];

	text_printf(part, sizeof(part), "%s.tmp", copy->file);
	int64_t r = mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0)
		r = copy_into(sqlite, part);
	copy->bytes = r > 0 ? r : 0;
	if (r >= 0)
		r = rename(part, copy->file) < 0 ? -errno : folder_sync(folder);
	if (r >= 0)
		return 0;
	unlink(part);
	say_not_copied(copy, (int)r, &copy->error);
	return r == -EBADMSG ? -EBADMSG : 0; /* a damaged one is closed, as after any read */
}

/* On main. */
static void copy_over(void *data)
{
	struct store_copy *copy = data;
	struct store_copies *all = copy->all;

	c_assert(loop_is_current(loop_main()) && all->done < all->count);
	if (copy->op.status < 0 && copy->error.code == 0)
		say_not_copied(copy, copy->op.status, &copy->error);
	all->done++;
	all->step(all);
}

static void copy_done(struct mu_instance *self, struct mu_store_op *op, int status)
{
	(void)self;
	c_assert(op->status == status);
	loop_call(loop_main(), copy_over, container_of(op, struct store_copy, op));
}

/* Its owner has ended; it was copied all the same. */
static void copy_free(struct mu_store_op *op)
{
	loop_call(loop_main(), copy_over, container_of(op, struct store_copy, op));
}

static void copy_fill(struct store_copy *copy, struct store_copies *all, const struct mu_store *store)
{
	const char *slash = strrchr(store->path, '/');

	copy->all = all;
	text_copy(copy->name, sizeof(copy->name), store->name);
	text_copy(copy->from, sizeof(copy->from), store->path);
	text_printf(copy->file, sizeof(copy->file), "%s/%s", all->folder, slash ? slash + 1 : store->path);
	copy->op = (struct mu_store_op){ .run = copy_run, .done = copy_done, .free = copy_free };
}

struct store_copies *store_copy_all(const char *folder, void (*step)(struct store_copies *all))
{
	size_t count = 0, at = 0;

	c_assert(loop_is_current(loop_main()));
	c_assert(folder && strlen(folder) < STORE_FOLDER_MAX && step);
	pthread_mutex_lock(&store_room.lock);
	list_each (node, &store_room.stores)
		count++;
	struct store_copies *all = mem_alloc(sizeof(*all) + count * sizeof(*all->copies));
	text_copy(all->folder, sizeof(all->folder), folder);
	all->step = step;
	list_each (node, &store_room.stores) {
		struct mu_store *store = list_entry(node, struct mu_store, node);
		if (store->gone || store_room.quit)
			continue;
		copy_fill(&all->copies[at], all, store);
		store_queue_add(&store->waiting, &all->copies[at++].op); /* one more than the limit is no harm */
		store_room.stats.waiting++;
	}
	all->count = at;
	pthread_cond_signal(&store_room.work);
	pthread_mutex_unlock(&store_room.lock);
	return all;
}
