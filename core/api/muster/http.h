/* muster/http.h: routes that a plugin offers to browsers: requests, streams, websockets, Socket.IO.
 *
 * A plugin declares routes; another (realtime-push) provides the server. Handlers run on the loop of the
 * route's owner; bytes and credit cross to the server's loop and back by themselves. Without a provider
 * the routes wait, and the plugin's status says so. */
#ifndef MUSTER_HTTP_H
#define MUSTER_HTTP_H

#include <jansson.h>
#include <muster/base.h>
#include <muster/command.h>
#include <muster/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One exchange: a request and its answer. Valid until answered (a websocket: until `closed` has returned), also when the
 * client has gone meanwhile: an answer is owed always, and dropped when nobody is there. When the owner stops, what is
 * open is closed for it. Copies of all strings stand on the owner's loop. */
struct mu_http;

enum mu_route_flag {
	MU_ROUTE_OPEN = 1 << 0,      /* without login; else `role` */
	MU_ROUTE_WEBSOCKET = 1 << 1, /* the handler answers by mu_ws_accept */
	MU_ROUTE_BODY_STREAM = 1 << 2, /* the handler takes the body by mu_http_on_body; else it comes whole */
	MU_ROUTE_FOREIGN = 1 << 3,   /* called by programs, not pages: no CSRF token asked */
};

struct mu_route {
	const char *method; /* "GET", "POST" … */
	const char *path;   /* "/dispatch/v1/task/{id}/log"; "{rest*}" takes the remaining segments */
	const char *help;
	uint32_t role;      /* enum mu_role; 0 = viewer */
	uint32_t flags;
	size_t body_max;    /* bytes; more is answered 413 before the handler is asked; 0 = no body */
	void (*handle)(struct mu_instance *self, struct mu_http *http);
};
#define MU_ROUTE_END { .method = NULL }

/* A Socket.IO namespace of the plugin's own. */
struct mu_sio; /* one connected socket */
struct mu_namespace {
	const char *path; /* "/farm" */
	uint32_t role;
	void (*connected)(struct mu_instance *self, struct mu_sio *socket, const json_t *auth);
	/* `ack` >= 0: answer by mu_sio_ack. `args` is an array, borrowed. */
	void (*event)(struct mu_instance *self, struct mu_sio *socket, const char *name, const json_t *args, int64_t ack);
	void (*gone)(struct mu_instance *self, struct mu_sio *socket);
};
#define MU_NAMESPACE_END { .path = NULL }

/* ---- the request; strings live until the answer ends; header names without case ---- */
const char *mu_http_method(const struct mu_http *http);
const char *mu_http_path(const struct mu_http *http);
const char *mu_http_param(const struct mu_http *http, const char *name);  /* of the path: "id"; decoded */
const char *mu_http_query(const struct mu_http *http, const char *name);  /* decoded; NULL */
const char *mu_http_header(const struct mu_http *http, const char *name); /* NULL */
/* The header fields in the order they came: the value, and its name in *name; NULL past the last. */
const char *mu_http_header_at(const struct mu_http *http, size_t index, const char **name);
const char *mu_http_user(const struct mu_http *http); /* "ada"; NULL on an open route without login */
enum mu_role mu_http_role(const struct mu_http *http);
/* The client's address, "192.0.2.7" or "2001:db8::7", without a port: what a proxy that the provider trusts says
 * (Forwarded, RFC 7239, or X-Forwarded-For), else the peer's own. Limits and bans go by this one. */
const char *mu_http_source(const struct mu_http *http);
/* The whole body, at most body_max. */
const void *mu_http_body(const struct mu_http *http, size_t *length);
/* The body as JSON; NULL when it is none, and then the problem has been answered. A new reference. */
json_t *mu_http_body_json(struct mu_http *http);
/* MU_ROUTE_BODY_STREAM: pieces as they come; length 0 = the end, -1 = the client is gone. Return 0 for more,
 * 1 to pause until mu_http_resume. */
void mu_http_on_body(struct mu_http *http, int (*piece)(struct mu_instance *self, struct mu_http *http,
                                                        const void *bytes, int64_t length));
void mu_http_resume(struct mu_http *http);
void mu_http_set_data(struct mu_http *http, void *data);
void *mu_http_data(const struct mu_http *http);

/* ---- the answer: one of these, once ---- */
void mu_http_reply(struct mu_http *http, int status, const char *type, const void *bytes, size_t length);
void mu_http_reply_json(struct mu_http *http, int status, json_t *json); /* takes json */
/* problem+json (RFC 9457): `title` names what is wrong, the words what to do. */
void mu_http_problem(struct mu_http *http, int status, const char *title, const char *detail, ...) MU_PRINTF(4, 5);
/* 200 with a regular file, 206 or 416 when a Range (RFC 9110, 14) is asked for, 304 when the client has it: opened and
 * read by the server, which leaves your loop in peace and cares for validators and HEAD. `path` is absolute, copied,
 * and yours to check when it was made of a request; `type` is its media type. 404 when it cannot be read; 501 from a
 * server that has no such thing. */
void mu_http_reply_file(struct mu_http *http, const char *path, const char *type);
/* Before any of them. */
void mu_http_set_header(struct mu_http *http, const char *name, const char *value);

/* Streamed: begin, write …, end. `length` -1 = unknown. write: 0; 1 = taken, but wait for `room`;
 * -EPIPE gone. */
void mu_http_begin(struct mu_http *http, int status, const char *type, int64_t length);
int mu_http_write(struct mu_http *http, const void *bytes, size_t length);
void mu_http_end(struct mu_http *http);
void mu_http_on_room(struct mu_http *http, void (*room)(struct mu_instance *self, struct mu_http *http));
void mu_http_on_gone(struct mu_http *http, void (*gone)(struct mu_instance *self, struct mu_http *http));
/* Server-sent events: after mu_http_begin with "text/event-stream". `id` and `event` may be NULL. */
int mu_sse_send(struct mu_http *http, const char *event, const char *id, const char *data);

/* ---- websocket ---- */
/* static const struct mu_ws_ops ops = MU_WS_OPS(.message = …); each may be NULL. */
struct mu_ws_ops {
	uint32_t size;
	void (*message)(struct mu_instance *self, struct mu_http *http, bool binary, const void *bytes, size_t length);
	void (*room)(struct mu_instance *self, struct mu_http *http);
	/* `code` and `reason` as in RFC 6455, 7.4; 1006 when it just ended. */
	void (*closed)(struct mu_instance *self, struct mu_http *http, int code, const char *reason);
};
#define MU_WS_OPS(...) { .size = sizeof(struct mu_ws_ops), __VA_ARGS__ }
/* `ops` is copied. `subprotocol` NULL = none. `message_max` > 0 bytes; a longer one closes with 1009. */
void mu_ws_accept(struct mu_http *http, const struct mu_ws_ops *ops, const char *subprotocol, size_t message_max);
int mu_ws_send(struct mu_http *http, bool binary, const void *bytes, size_t length); /* as mu_http_write */
void mu_ws_close(struct mu_http *http, int code, const char *reason);

/* ---- Socket.IO ---- */
int mu_sio_emit(struct mu_sio *socket, const char *name, json_t *args);     /* takes args, an array */
int mu_sio_ack(struct mu_sio *socket, int64_t ack, json_t *args);           /* takes args */
/* To every socket of one of your namespaces that joined `room` (NULL: all). */
int mu_sio_broadcast(struct mu_instance *self, const char *namespace_path, const char *room, const char *name,
                     json_t *args);
void mu_sio_join(struct mu_sio *socket, const char *room);
void mu_sio_leave(struct mu_sio *socket, const char *room);
void mu_sio_close(struct mu_sio *socket);
const char *mu_sio_user(const struct mu_sio *socket);
void mu_sio_set_data(struct mu_sio *socket, void *data);
void *mu_sio_data(const struct mu_sio *socket);

/* ---- the provider's side ---- */

/* The functions above, as the provider implements them; every handle begins with a pointer to it. All
 * are called on the owner's loop. Written MU_HTTP_OPS(.text = …), static; what is NULL is not offered. */
struct mu_http_ops {
	uint32_t size;
	const char *(*text)(const struct mu_http *http, int what, const char *name); /* enum mu_http_text */
	const void *(*body)(const struct mu_http *http, size_t *length);
	void (*on_body)(struct mu_http *http, int (*piece)(struct mu_instance *, struct mu_http *, const void *, int64_t));
	void (*resume)(struct mu_http *http);
	void (*set_header)(struct mu_http *http, const char *name, const char *value);
	void (*begin)(struct mu_http *http, int status, const char *type, int64_t length);
	int (*write)(struct mu_http *http, const void *bytes, size_t length);
	void (*end)(struct mu_http *http);
	void (*on_room)(struct mu_http *http, void (*room)(struct mu_instance *, struct mu_http *));
	void (*on_gone)(struct mu_http *http, void (*gone)(struct mu_instance *, struct mu_http *));
	/* `ops` is whole, whatever the owner was built with, and only there during the call: copy it. */
	void (*ws_accept)(struct mu_http *http, const struct mu_ws_ops *ops, const char *subprotocol, size_t message_max);
	int (*ws_send)(struct mu_http *http, bool binary, const void *bytes, size_t length);
	void (*ws_close)(struct mu_http *http, int code, const char *reason);
	/* An event when `name` is given, else the answer to `ack`. */
	int (*sio_send)(struct mu_sio *socket, int64_t ack, const char *name, json_t *args);
	int (*sio_broadcast)(struct mu_instance *owner, const char *path, const char *room, const char *name, json_t *args);
	void (*sio_room)(struct mu_sio *socket, const char *room, bool join);
	void (*sio_close)(struct mu_sio *socket);
	const char *(*sio_user)(const struct mu_sio *socket);
	const char *(*header_at)(const struct mu_http *http, size_t index, const char **name);
	void (*reply_file)(struct mu_http *http, const char *path, const char *type);
};
#define MU_HTTP_OPS(...) { .size = sizeof(struct mu_http_ops), __VA_ARGS__ }
enum mu_http_text { MU_HTTP_METHOD = 1, MU_HTTP_PATH, MU_HTTP_PARAM, MU_HTTP_QUERY, MU_HTTP_HEADER, MU_HTTP_USER,
                    MU_HTTP_SOURCE };

/* The head of the provider's own struct for an exchange, and for a socket. */
struct mu_http {
	const struct mu_http_ops *ops;
	const struct mu_route *route;
	uint32_t role;
	void *data; /* the owner's */
	void *reserved[2]; /* zero */
};
struct mu_sio {
	const struct mu_http_ops *ops;
	const struct mu_namespace *space;
	void *data; /* the owner's */
	void *reserved[2]; /* zero */
};

/* Told of every route and namespace, those there already first; on the provider's loop. `owner` is borrowed: take a
 * reference to post to it later, and give it back when nothing more will be posted. An owner that ends
 * is told with `removed` for each; its rows stay readable until the provider posts nothing more to it. Written
 * MU_HTTP_PROVIDER(.ops = &ops, …); copied, but for what `ops` points to. */
struct mu_http_provider {
	uint32_t size;
	const struct mu_http_ops *ops;
	void (*route_added)(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route);
	void (*route_removed)(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route);
	void (*namespace_added)(struct mu_instance *self, struct mu_ref *owner, const struct mu_namespace *space);
	void (*namespace_removed)(struct mu_instance *self, struct mu_ref *owner, const struct mu_namespace *space);
};
#define MU_HTTP_PROVIDER(...) { .size = sizeof(struct mu_http_provider), __VA_ARGS__ }
/* One at a time. 0; -EBUSY. Ends with the instance. */
int mu_http_provide(struct mu_instance *self, const struct mu_http_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
