/* ctl: the control socket: lines of JSON, one call each; a front end like any other.
 *
 * Client → daemon: {"id": n, "kind", "verb", "ids": […], "args": {…}, "match": {…}, "dry_run", "key", "deadline": seconds}
 *                  {"id": n, "cancel": true}   {"id": n, "credit": parts}
 * Daemon → client: {"id": n, "part": …} …, then {"id": n, "result": …} or {"id": n, "error": {"code": "EINVAL", "what", "where", "remedy"}}
 * At most 64 KiB a line, 64 clients, 256 open calls each; a client that does not read its answers is closed at 4 MiB.
 * SO_PEERCRED says who: the daemon's own user and root are admin, others viewer. */
#ifndef CORE_CTL_H
#define CORE_CTL_H

#include <jansson.h>
#include <muster/base.h>

struct mu_instance;

/* Main loop. Removes a stale socket of a dead daemon; -EADDRINUSE when one answers there. */
int ctl_open(struct mu_instance *self, const char *path, const char *group, struct mu_error *error);
void ctl_stop_accepting(void);
void ctl_close(void);
uint64_t ctl_clients(void);

/* One line → request. Pure. NULL + error. */
struct ctl_request {
	int64_t id;
	bool cancel;
	int64_t credit;
	json_t *json; /* the line, owned */
};
int ctl_parse(const char *line, size_t length, struct ctl_request *out, struct mu_error *error);
void ctl_request_fini(struct ctl_request *request);

#endif
