/* muster/child.h: programs that run beside the daemon and outlive it.
 *
 * muster-shepherd starts and holds them; a child is known by a key that its owner chose, and an owner
 * that comes back (restart, upgrade, crash) finds its children by that key, running or with their exit.
 *
 * The shepherd arrives with realtime-push; until then these are declared, not exported: a plugin
 * that calls them does not link. */
#ifndef MUSTER_CHILD_H
#define MUSTER_CHILD_H

#include <muster/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mu_stdio { MU_STDIO_NULL, MU_STDIO_PIPE, /* to the owner, by `output` */ MU_STDIO_FILE, MU_STDIO_SOCKET };

struct mu_stream {
	uint32_t to;       /* enum mu_stdio */
	const char *path;  /* MU_STDIO_FILE: appended to, made with 0640 */
	int fd;            /* MU_STDIO_SOCKET: stays yours, a copy of it is passed */
	bool block;        /* a full buffer blocks the child; else bytes are dropped and counted */
};

struct mu_limit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard; /* in the resource's own unit, UINT64_MAX = none */
};

struct mu_socket_pass {
	const char *name; /* LISTEN_FDNAMES; sd_listen_fds(3) */
	int fd;           /* stays yours, a copy of it is passed */
};

/* Written MU_SPAWN(.argv = argv, …). */
struct mu_spawn {
	uint32_t size, stream_size, limit_stride, socket_stride; /* MU_SPAWN's */
	const char *const *argv; /* argv[0] is looked for in the child's PATH; ended by NULL */
	const char *const *env;  /* "NAME=value"; all of it, ended by NULL */
	const char *cwd;         /* NULL = "/" */
	const char *user, *group; /* only those on the shepherd's command line */
	uint32_t umask; /* 0 = 022 */
	const struct mu_stream *in, *out, *err; /* NULL = MU_STDIO_NULL */
	const struct mu_limit *limits;
	size_t limit_count;
	const struct mu_socket_pass *sockets;
	size_t socket_count;
	int nice;          /* -20..19 */
	int oom_score_adj; /* -1000..1000, proc(5) */
	const char *cgroup; /* name below ours; NULL = none of its own */
	bool notify;        /* NOTIFY_SOCKET, sd_notify(3): `ready` is called */
};
#define MU_SPAWN(...)                                                                                    \
	((struct mu_spawn){ .size = sizeof(struct mu_spawn), .stream_size = sizeof(struct mu_stream),    \
	                    .limit_stride = sizeof(struct mu_limit),                                     \
	                    .socket_stride = sizeof(struct mu_socket_pass), __VA_ARGS__ })

struct mu_exit {
	bool known;   /* false: it ended while nobody looked, and the code is lost */
	int code;     /* exit code, when signal is 0 */
	int signal;
	bool core;
	const char *step; /* it never ran: "chdir", "setuid", "exec" …, with error */
	int error;        /* a positive errno, 0 when `step` is NULL */
	mu_time time;     /* when; a stamp */
	uint64_t cpu_ns, rss_max; /* what it used: ns of CPU, bytes */
};

struct mu_child;
/* static const struct mu_child_ops ops = MU_CHILD_OPS(.exited = …); kept, not copied. */
struct mu_child_ops {
	uint32_t size;
	void (*started)(struct mu_instance *self, struct mu_child *child); /* exec succeeded, pid known */
	void (*ready)(struct mu_instance *self, struct mu_child *child, const char *status);
	/* Bytes of out (1) or err (2). They leave the pipe only when this returns 0; 1 = again after resume. */
	int (*output)(struct mu_instance *self, struct mu_child *child, int stream, const char *bytes, size_t length);
	void (*exited)(struct mu_instance *self, struct mu_child *child, const struct mu_exit *how);
};
#define MU_CHILD_OPS(...) { .size = sizeof(struct mu_child_ops), __VA_ARGS__ }

/* Loop. The result comes through ops, also a failed exec. `spawn` is copied, also what it points to. NULL + error
 * when it cannot even be asked: -EEXIST key in use, -EACCES user not allowed, -ENOENT no shepherd. */
struct mu_child *mu_spawn(struct mu_instance *self, const char *key, const struct mu_spawn *spawn,
                          const struct mu_child_ops *ops, void *data, struct mu_error *error);
/* In `start`: what earlier lives of this instance left. `found` is called for each and returns the ops it is adopted with, or
 * NULL: released, and left as it is. Then `done`, once: 0, or -ENOENT when there is no shepherd. */
void mu_children_find(struct mu_instance *self,
                      const struct mu_child_ops *(*found)(struct mu_instance *self, struct mu_child *child, void **data),
                      void (*done)(struct mu_instance *self, int status));

const char *mu_child_key(const struct mu_child *child);
int64_t mu_child_pid(const struct mu_child *child); /* 0 before started and after exited */
mu_time mu_child_since(const struct mu_child *child); /* a stamp, 0 before started */
void *mu_child_data(const struct mu_child *child);
/* 0; -ESRCH. `tree`: all its descendants too (cgroup.kill, else a sweep). */
int mu_child_signal(struct mu_child *child, int signal, bool tree);
/* To its MU_STDIO_PIPE in. 0; 1 = taken, but wait a little before more; -EPIPE it does not read any more. */
int mu_child_write(struct mu_child *child, const void *bytes, size_t length);
void mu_child_resume(struct mu_child *child, int stream); /* 1 or 2: after `output` returned 1 */
/* The handle goes; a child still running goes on, and is found again by its key. Legal inside `exited`, from which on the
 * key is free again; until release mu_child_signal(…, true) still reaches what the dead child left behind. */
void mu_child_release(struct mu_child **child);

#ifdef __cplusplus
}
#endif
#endif
