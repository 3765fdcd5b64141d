/* ctl: the control socket: lines of JSON, one call each; a front end like any other.
 *
 * Client → daemon: {"id": n, "kind", "verb", "ids": […], "args": {…}, "match": {…}, "dry_run", "key",
 *                   "deadline": seconds}
 *                  {"id": n, "cancel": true}   {"id": n, "credit": parts}
 * Daemon → client: {"id": n, "part": …} …, then {"id": n, "result": …}
 *                  or {"id": n, "error": {"code": "EINVAL", "what", "where", "remedy"}}
 * At most 64 KiB a line, 64 clients, 256 open calls each; a client that does not read its answers is closed at
 * 4 MiB, but for one answer that is longer.
 * SO_PEERCRED says who: the daemon's own user and root are admin, others viewer. */
#ifndef CORE_CTL_H
#define CORE_CTL_H

#include <jansson.h>
#include <muster/base.h>

#define CTL_LINE_MAX ((size_t)64 * 1024)
#define CTL_OUT_MAX ((size_t)4 * 1024 * 1024)
#define CTL_CALLS_MAX 256
#define CTL_STREAMS_MAX 32      /* of these, calls that answer in parts for as long as they are open */
#define CTL_STREAMS_ALL_MAX 128 /* of all clients: each watch costs main its share of every value */
#define CTL_CLIENTS_MAX 64
#define CTL_ADMINS_KEPT 16 /* of these, viewers cannot take */

struct mu_instance;

/* Main loop. Removes a stale socket of a dead daemon; -EADDRINUSE when one answers there. */
int ctl_open(struct mu_instance *self, const char *path, const char *group, struct mu_error *error);
void ctl_stop_accepting(void); /* the socket's file goes */
void ctl_close(void);          /* clients too; their handles are closed by the next turns of the loop */
uint64_t ctl_clients(void);
struct ctl_stats {
	size_t clients;
	uint64_t clients_refused, clients_cut; /* cut: they did not read their answers */
	uint64_t lines_refused;
};
void ctl_stats(struct ctl_stats *out);

/* One line → request. Pure. 0, or -EINVAL + error; to be ended by ctl_request_fini in both cases. */
struct ctl_request {
	int64_t id; /* -1: it has none */
	bool cancel;
	int64_t credit;
	json_t *json; /* the line, owned */
};
int ctl_parse(const char *line, size_t length, struct ctl_request *out, struct mu_error *error);
void ctl_request_fini(struct ctl_request *request);

#endif
