/* ctl_client: one who is connected to the control socket. Main loop. */
#ifndef CORE_CTL_CLIENT_H
#define CORE_CTL_CLIENT_H

#include <muster/command.h>
#include <sys/types.h>
#include <uv.h>

#include "base/list.h"

struct mu_instance;

struct ctl_client {
	struct list node; /* ctl's, until it is closed */
	uv_pipe_t pipe;
	struct mu_instance *self;
	char user[32];
	enum mu_role role;
	struct ctl_line *line; /* what has come of a line that has not ended */
	struct list calls;
	size_t call_count, stream_count;
	size_t out; /* what waits to be written, with what it costs */
	bool closing;
	void (*closed)(struct ctl_client *client); /* it is freed after this */
};
/* Takes the next connection that waits on `server`. NULL when it has gone already. */
struct ctl_client *ctl_client_accept(struct mu_instance *self, uv_stream_t *server,
                                     void (*closed)(struct ctl_client *));
void ctl_client_read(struct ctl_client *client);
/* Hangs up what is open; what is written and not yet sent is lost. */
void ctl_client_close(struct ctl_client *client);
/* Of a peer's user id, to a daemon with its own. */
enum mu_role ctl_role(uid_t peer, uid_t own);
/* Fills in what clients have counted. */
struct ctl_stats;
void ctl_client_count(struct ctl_stats *out);
/* One answer without a question, then close. */
void ctl_client_refuse(struct ctl_client *client, int code, const char *what, const char *remedy);

#endif
