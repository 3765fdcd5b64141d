/* connection: one connection to the daemon's control socket: a question, its parts, its answer. */
#ifndef MUSTERCTL_CONNECTION_H
#define MUSTERCTL_CONNECTION_H

#include <jansson.h>
#include <stdint.h>

#include "base/str.h"

struct connection {
	int fd;
	struct str in; /* read, and not yet a line */
	size_t seen;   /* bytes of it that hold no line end */
	int64_t last_id;
};

/* 0, or negative errno as connect(2) says. */
int connection_open(struct connection *connection, const char *path);
void connection_close(struct connection *connection);

struct reply {
	json_t *result; /* NULL unless the daemon answered */
	json_t *error;  /* {"code","what","where","remedy"}: it refused */
};
/* Asks, and waits at most `wait_ns` (<0: for ever). `request` gets its id here. `part` is called for each
 * piece of a stream, which it borrows. 0 = there is a reply; -ETIMEDOUT; -ECONNRESET the daemon hung up;
 * another negative errno. */
int connection_call(struct connection *connection, json_t *request, int64_t wait_ns,
                    void (*part)(const json_t *part, void *data), void *data, struct reply *out);
void reply_fini(struct reply *reply);

#endif
