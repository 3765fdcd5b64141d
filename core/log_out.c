/* log_out: the file of the log and the thread that writes it.
 *
 * A disk that stalls or a reader that sleeps must not stop those who have something to say: they put their
 * lines into a ring and go on, and only this thread waits. A full ring loses the newest lines, and what was
 * lost is counted and told when there is room again. Before log_start, and after log_stop, lines are written
 * where they are said: then nobody else is there to be stopped. The flags of stderr are shared with whoever
 * started the daemon, so they are left alone: a pipe, a socket or a terminal is asked whether it has room. */
#include "log_out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/thread.h"
#include "log.h"
#include "log_ring.h"

enum { ROOM_WAIT_MS = 20, STACK_SIZE = 256 * 1024 };
#define TELL_AGAIN (1 * MU_SEC) /* that lines were lost, when saying so fails too */

enum log_mode {
	LOG_IN_PLACE,
	LOG_BY_THREAD,
	LOG_LEFT, /* the thread hangs in a write: nothing more can be said */
};

struct log_place {
	int fd;
	char *path; /* NULL = stderr */
	bool regular, colour;
};

/* All under the lock, but for `thread`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t work; /* there is some, or it is time to go */
	pthread_t thread;
	enum log_mode mode;
	struct log_place at; /* while the thread runs only it changes and uses this */
	struct log_place next;
	bool has_next, reopen, quit, flying;
	int64_t quit_at; /* monotonic: when the thread stops waiting for readers */
	struct log_ring ring;
	uint64_t untold; /* lines lost, and not yet told */
	struct log_stats stats;
	void (*tell)(void);
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .at = { .fd = STDERR_FILENO } };

/* Not clock_mono: the clock of a test stands still, and files do not. */
static int64_t now_mono(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * MU_SEC + now.tv_nsec;
}

void log_out_lock(void)
{
	pthread_mutex_lock(&out.lock);
}

void log_out_unlock(void)
{
	pthread_mutex_unlock(&out.lock);
}

bool log_out_colour(void)
{
	return out.has_next ? out.next.colour : out.at.colour;
}

uint64_t log_out_lost(void)
{
	return out.untold;
}

/* ---- places ---- */

static struct log_place place_of(int fd, char *path)
{
	struct log_place place = { .fd = fd, .path = path };
	struct stat st;

	c_assert(fd >= 0);
	place.regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	place.colour = fd == STDERR_FILENO && isatty(fd) && !getenv("NO_COLOR");
	return place;
}

static void place_close(struct log_place *place)
{
	if (place->path)
		close(place->fd);
	free(place->path);
	*place = (struct log_place){ .fd = STDERR_FILENO };
}

static int place_open(const char *path, struct log_place *place)
{
	int fd = STDERR_FILENO;

	if (path)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (fd < 0)
		return -errno;
	*place = place_of(fd, mem_strdup(path));
	return 0;
}

/* From the next line on. Gives it to the thread, if there is one: it may be writing to the one of now. */
static void place_take(struct log_place place)
{
	struct log_place before;

	log_out_lock();
	if (out.mode == LOG_IN_PLACE) {
		before = out.at;
		out.at = place;
	} else {
		before = out.has_next ? out.next : (struct log_place){ .fd = STDERR_FILENO };
		out.next = place;
		out.has_next = true;
		out.reopen = false;
		pthread_cond_signal(&out.work);
	}
	log_out_unlock();
	place_close(&before);
}

void log_out_init(void (*tell)(void))
{
	c_assert(tell && out.mode == LOG_IN_PLACE);
	out.tell = tell;
	out.untold = 0;
	place_take(place_of(STDERR_FILENO, NULL));
}

int log_open(const char *path)
{
	struct log_place place;

	int r = place_open(path, &place);
	if (r == 0)
		place_take(place);
	return r;
}

static void reopen_failed(const char *path, int r)
{
	log_line(MU_LOG_ERROR, NULL,
		 "the log file %s cannot be opened again: %s; is its folder still there, and writable?", path,
		 strerror(-r));
}

void log_reopen(void)
{
	log_out_lock();
	bool by_thread = out.mode != LOG_IN_PLACE;
	if (by_thread) {
		out.reopen = !out.has_next;
		pthread_cond_signal(&out.work);
	}
	char *path = by_thread ? NULL : mem_strdup(out.at.path);
	log_out_unlock();
	if (!path)
		return;
	int r = log_open(path);
	if (r < 0)
		reopen_failed(path, r);
	free(path);
}

/* ---- in place ---- */

/* Takes what there is room for now. false: the line is lost. Locked. */
static bool write_in_place(const char *line, size_t length)
{
	if (!out.at.regular) {
		struct pollfd ask = { .fd = out.at.fd, .events = POLLOUT };
		int r;
		do
			r = poll(&ask, 1, 0);
		while (r < 0 && errno == EINTR);
		if (r != 1 || !(ask.revents & POLLOUT) || (ask.revents & (POLLERR | POLLNVAL)))
			return false;
	}
	while (length > 0) {
		ssize_t n = write(out.at.fd, line, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		line += n;
		length -= (size_t)n;
	}
	return true;
}

/* What tells a loss leaves room for the line that it comes before. */
static bool put(const char *line, size_t length, uint64_t tells)
{
	c_assert(line && length > 0 && length <= LOG_LINE_MAX);
	if (out.mode == LOG_IN_PLACE)
		return write_in_place(line, length);
	if (out.mode == LOG_LEFT || !log_ring_put(&out.ring, line, length, tells, tells ? LOG_LINE_MAX : 0))
		return false;
	pthread_cond_signal(&out.work);
	return true;
}

void log_out_put(const char *line, size_t length)
{
	out.stats.lines++;
	if (put(line, length, 0))
		return;
	out.stats.lost++;
	out.untold++;
}

void log_out_tell(const char *line, size_t length)
{
	c_assert(out.untold > 0);
	if (put(line, length, out.untold))
		out.untold = 0;
}

/* ---- the thread ---- */

/* A half line of an earlier trouble is ended first, so that it spoils no other. */
static ssize_t write_some(const struct log_place *place, const struct log_batch *batch, bool *torn)
{
	/* a pipe is given whole lines, each of which it takes at once */
	size_t end = place->regular ? batch->length : batch->begin + batch->slots[batch->at].length;

	c_assert(end > batch->sent);
	if (*torn && write(place->fd, "\n", 1) != 1)
		return -1;
	*torn = false;
	return write(place->fd, batch->text + batch->sent, end - batch->sent);
}

/* 0 = some was written, or nothing could be yet; -errno: it cannot be written. Not locked. */
static int batch_write(const struct log_place *place, struct log_batch *batch, bool *torn)
{
	if (!place->regular) {
		struct pollfd ask = { .fd = place->fd, .events = POLLOUT };
		int r = poll(&ask, 1, ROOM_WAIT_MS);
		if (r == 0 || (r < 0 && errno == EINTR))
			return 0;
		if (r < 0 || !(ask.revents & POLLOUT) || (ask.revents & (POLLERR | POLLNVAL)))
			return -EPIPE;
	}
	ssize_t n = write_some(place, batch, torn);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	log_batch_sent(batch, (size_t)n);
	return 0;
}

/* What others asked for is done here, where nobody writes. Called and returns locked. */
static void change_place(bool *torn)
{
	struct log_place before = out.at, after = out.next;
	int r = 0;

	if (out.has_next) {
		out.has_next = false;
	} else {
		char *path = mem_strdup(before.path);
		out.reopen = false;
		log_out_unlock();
		r = path ? place_open(path, &after) : -ENOENT;
		if (r < 0 && path)
			reopen_failed(path, r);
		free(path);
		log_out_lock();
	}
	if (r < 0)
		return;
	out.at = after;
	*torn = false;
	log_out_unlock();
	place_close(&before);
	log_out_lock();
}

/* Locked. */
static void wait_for_work(bool again)
{
	struct timespec until;
	int64_t at = now_mono() + TELL_AGAIN;

	if (!again) {
		pthread_cond_wait(&out.work, &out.lock);
		return;
	}
	until = (struct timespec){ .tv_sec = at / MU_SEC, .tv_nsec = at % MU_SEC };
	pthread_cond_timedwait(&out.work, &out.lock, &until);
}

/* Locked. */
static void drop(struct log_batch *batch)
{
	uint64_t untold, lost = log_batch_drop(batch, &untold);

	out.stats.lost += lost;
	out.untold += lost + untold;
}

/* One step. Called and returns locked. false: it is time to go. */
static bool writer_turn(struct log_batch *batch, bool *torn, bool *failing)
{
	if (out.reopen || out.has_next)
		change_place(torn);
	if (log_batch_empty(batch)) {
		if (out.ring.count == 0 && out.untold > 0 && !*failing)
			out.tell();
		log_ring_take(&out.ring, batch);
		out.flying = !log_batch_empty(batch);
	}
	if (!out.flying) {
		if (out.quit)
			return false;
		wait_for_work(*failing);
		*failing = false;
		return true;
	}
	struct log_place place = out.at;
	log_out_unlock();
	int r = batch_write(&place, batch, torn);
	bool late = false;
	log_out_lock();
	if (out.quit)
		late = now_mono() >= out.quit_at;
	*failing = r < 0;
	if (r < 0) {
		*torn |= batch->sent > batch->begin;
		drop(batch);
	}
	return !late;
}

static void *log_thread(void *unused)
{
	struct log_batch *batch = mem_alloc(sizeof(*batch));
	bool torn = false, failing = false;

	(void)unused;
	pthread_setname_np(pthread_self(), "log");
	log_out_lock();
	while (writer_turn(batch, &torn, &failing))
		;
	out.flying = false;
	log_out_unlock();
	free(batch);
	return NULL;
}

/* ---- life ---- */

/* What was said before an assert failed helps to understand it. The lock may be held by the one who failed. */
static void last_words(void)
{
	bool waits = true;

	if (out.mode != LOG_BY_THREAD || pthread_equal(out.thread, pthread_self()))
		return;
	for (int ms = 0; waits && ms < 100; ms++) {
		if (pthread_mutex_trylock(&out.lock) == 0) {
			waits = out.ring.count > 0 || out.flying;
			log_out_unlock();
		}
		nanosleep(&(struct timespec){ .tv_nsec = MU_MS }, NULL);
	}
}

static int thread_run(void)
{
	pthread_attr_t attr;
	pthread_condattr_t condition;
	sigset_t all, before;

	pthread_condattr_init(&condition);
	pthread_condattr_setclock(&condition, CLOCK_MONOTONIC);
	pthread_cond_init(&out.work, &condition);
	pthread_condattr_destroy(&condition);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	int r = pthread_create(&out.thread, &attr, log_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

void log_start(void)
{
	log_out_lock();
	c_assert(out.mode == LOG_IN_PLACE && out.tell);
	out.quit = out.reopen = out.flying = false;
	log_ring_init(&out.ring);
	if (thread_run() == 0)
		out.mode = LOG_BY_THREAD;
	else
		log_ring_fini(&out.ring); /* then it goes on in place */
	bool runs = out.mode == LOG_BY_THREAD;
	log_out_unlock();
	if (runs)
		check_before_abort(last_words);
}

int log_out_stop(int64_t wait_ns)
{
	c_assert(wait_ns >= 0);
	log_out_lock();
	if (out.mode == LOG_IN_PLACE) {
		log_out_unlock();
		return 0;
	}
	out.quit = true;
	out.quit_at = now_mono() + wait_ns / 2; /* a reader that sleeps; the other half is to notice it */
	pthread_cond_signal(&out.work);
	log_out_unlock();
	check_before_abort(NULL);
	bool ended = thread_join(out.thread, wait_ns);
	log_out_lock();
	struct log_place before = { .fd = STDERR_FILENO };
	out.mode = ended ? LOG_IN_PLACE : LOG_LEFT;
	if (ended) {
		out.stats.lost += out.ring.count;
		out.untold += out.ring.count;
		log_ring_fini(&out.ring);
		pthread_cond_destroy(&out.work);
	}
	if (ended && out.has_next) {
		before = out.at;
		out.at = out.next;
		out.has_next = false;
	}
	log_out_unlock();
	place_close(&before);
	return ended ? 0 : 1;
}

void log_stats(struct log_stats *stats)
{
	c_assert(stats);
	log_out_lock();
	*stats = out.stats;
	stats->waiting = out.ring.count;
	log_out_unlock();
}
