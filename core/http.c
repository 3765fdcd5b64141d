/* http: the functions of <muster/http.h>, handed on to whoever provides the server.
 *
 * Every handle begins with a pointer to its provider's table, which may be older than we are: what it has
 * no entry for does nothing, and says so by its result. */
#include <errno.h>
#include <muster/http.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "route.h"

/* The provider's function, or NULL when its table ends before it. */
#define OP(handle, name)                                                                                     \
	((handle)->ops->size >= offsetof(struct mu_http_ops, name) + sizeof((handle)->ops->name)             \
		 ? (handle)->ops->name                                                                       \
		 : NULL)

static void check_http(const struct mu_http *http)
{
	c_assert(http && http->ops);
	c_assert(http->ops->size > 0);
}

static void check_sio(const struct mu_sio *socket)
{
	c_assert(socket && socket->ops);
	c_assert(socket->ops->size > 0);
}

/* ---- the request ---- */

static const char *text_of(const struct mu_http *http, enum mu_http_text what, const char *name)
{
	check_http(http);
	return OP(http, text) ? http->ops->text(http, (int)what, name) : NULL;
}

const char *mu_http_method(const struct mu_http *http)
{
	return text_of(http, MU_HTTP_METHOD, NULL);
}
const char *mu_http_path(const struct mu_http *http)
{
	return text_of(http, MU_HTTP_PATH, NULL);
}
const char *mu_http_user(const struct mu_http *http)
{
	return text_of(http, MU_HTTP_USER, NULL);
}
const char *mu_http_source(const struct mu_http *http)
{
	return text_of(http, MU_HTTP_SOURCE, NULL);
}

const char *mu_http_param(const struct mu_http *http, const char *name)
{
	c_assert(name);
	return text_of(http, MU_HTTP_PARAM, name);
}

const char *mu_http_query(const struct mu_http *http, const char *name)
{
	c_assert(name);
	return text_of(http, MU_HTTP_QUERY, name);
}

const char *mu_http_header_at(const struct mu_http *http, size_t index, const char **name)
{
	check_http(http);
	c_assert(name);
	*name = NULL;
	return OP(http, header_at) ? http->ops->header_at(http, index, name) : NULL;
}

const char *mu_http_header(const struct mu_http *http, const char *name)
{
	c_assert(name);
	return text_of(http, MU_HTTP_HEADER, name);
}

enum mu_role mu_http_role(const struct mu_http *http)
{
	check_http(http);
	return (enum mu_role)http->role;
}

const void *mu_http_body(const struct mu_http *http, size_t *length)
{
	check_http(http);
	c_assert(length);
	*length = 0;
	return OP(http, body) ? http->ops->body(http, length) : NULL;
}

json_t *mu_http_body_json(struct mu_http *http)
{
	size_t length;
	const char *body = mu_http_body(http, &length);
	char why[256];
	json_t *json = json_parse(body ? body : "", length, why);

	if (!json)
		mu_http_problem(http, 400, "not JSON", "%s", length > 0 ? why : "the body is empty");
	return json;
}

void mu_http_on_body(struct mu_http *http, int (*piece)(struct mu_instance *self, struct mu_http *http,
							const void *bytes, int64_t length))
{
	check_http(http);
	c_assert(piece);
	if (OP(http, on_body))
		http->ops->on_body(http, piece);
}

void mu_http_resume(struct mu_http *http)
{
	check_http(http);
	if (OP(http, resume))
		http->ops->resume(http);
}

void mu_http_set_data(struct mu_http *http, void *data)
{
	check_http(http);
	http->data = data;
}

void *mu_http_data(const struct mu_http *http)
{
	check_http(http);
	return http->data;
}

/* ---- the answer ---- */

void mu_http_set_header(struct mu_http *http, const char *name, const char *value)
{
	check_http(http);
	c_assert(name && value);
	if (OP(http, set_header))
		http->ops->set_header(http, name, value);
}

void mu_http_begin(struct mu_http *http, int status, const char *type, int64_t length)
{
	check_http(http);
	c_assert(status >= 100 && status <= 599);
	if (OP(http, begin))
		http->ops->begin(http, status, type, length);
}

int mu_http_write(struct mu_http *http, const void *bytes, size_t length)
{
	check_http(http);
	c_assert(bytes || length == 0);
	return OP(http, write) ? http->ops->write(http, bytes, length) : -EPIPE;
}

void mu_http_end(struct mu_http *http)
{
	check_http(http);
	if (OP(http, end))
		http->ops->end(http);
}

void mu_http_reply(struct mu_http *http, int status, const char *type, const void *bytes, size_t length)
{
	mu_http_begin(http, status, type, (int64_t)length);
	if (length > 0)
		mu_http_write(http, bytes, length);
	mu_http_end(http);
}

void mu_http_reply_file(struct mu_http *http, const char *path, const char *type)
{
	check_http(http);
	c_assert(path && path[0] == '/' && type);
	if (OP(http, reply_file))
		http->ops->reply_file(http, path, type);
	else
		mu_http_problem(http, 501, "no files", "the server that is loaded sends none");
}

static void reply_json(struct mu_http *http, int status, const char *type, json_t *json)
{
	struct str text = { 0 };

	if (json)
		json_write(&text, json);
	else
		str_add(&text, "null");
	mu_http_reply(http, status, type, str_text(&text), text.len);
	str_fini(&text);
	json_decref(json);
}

void mu_http_reply_json(struct mu_http *http, int status, json_t *json)
{
	reply_json(http, status, "application/json", json);
}

void mu_http_problem(struct mu_http *http, int status, const char *title, const char *detail, ...)
{
	struct str text = { 0 };
	json_t *problem = json_object();
	va_list args;

	c_assert(title && detail);
	va_start(args, detail);
	str_vprintf(&text, detail, args);
	va_end(args);
	json_set_text(problem, "type", "about:blank");
	json_set_text(problem, "title", title);
	json_object_set_new(problem, "status", json_integer(status));
	json_set_text(problem, "detail", str_text(&text));
	str_fini(&text);
	reply_json(http, status, "application/problem+json", problem);
}

void mu_http_on_room(struct mu_http *http, void (*room)(struct mu_instance *self, struct mu_http *http))
{
	check_http(http);
	if (OP(http, on_room))
		http->ops->on_room(http, room);
}

void mu_http_on_gone(struct mu_http *http, void (*gone)(struct mu_instance *self, struct mu_http *http))
{
	check_http(http);
	if (OP(http, on_gone))
		http->ops->on_gone(http, gone);
}

/* A field of one line: what follows a line end would be another field. */
static void sse_field(struct str *out, const char *name, const char *value)
{
	if (value)
		str_printf(out, "%s: %.*s\n", name, (int)strcspn(value, "\r\n"), value);
}

int mu_sse_send(struct mu_http *http, const char *event, const char *id, const char *data)
{
	struct str text = { 0 };

	c_assert(data);
	sse_field(&text, "id", id);
	sse_field(&text, "event", event);
	for (const char *p = data;; p++) {
		size_t length = strcspn(p, "\r\n");
		str_printf(&text, "data: %.*s\n", (int)length, p);
		p += length;
		if (!*p)
			break;
		p += p[0] == '\r' && p[1] == '\n';
	}
	str_add_byte(&text, '\n');
	int r = mu_http_write(http, str_text(&text), text.len);
	str_fini(&text);
	return r;
}

/* ---- websocket ---- */

void mu_ws_accept(struct mu_http *http, const struct mu_ws_ops *ops, const char *subprotocol,
		  size_t message_max)
{
	struct mu_ws_ops whole;

	check_http(http);
	c_assert(ops && message_max > 0);
	c_assert(ops->size >= sizeof(ops->size) + sizeof(ops->message)); /* made by MU_WS_OPS? */
	mem_fit(&whole, sizeof(whole), ops, ops->size);
	whole.size = sizeof(whole);
	if (OP(http, ws_accept))
		http->ops->ws_accept(http, &whole, subprotocol, message_max);
	else
		mu_http_problem(http, 501, "no websockets", "the server that is loaded has none");
}

int mu_ws_send(struct mu_http *http, bool binary, const void *bytes, size_t length)
{
	check_http(http);
	c_assert(bytes || length == 0);
	return OP(http, ws_send) ? http->ops->ws_send(http, binary, bytes, length) : -EPIPE;
}

void mu_ws_close(struct mu_http *http, int code, const char *reason)
{
	check_http(http);
	if (OP(http, ws_close))
		http->ops->ws_close(http, code, reason);
}

/* ---- Socket.IO ---- */

static int sio_send(struct mu_sio *socket, int64_t ack, const char *name, json_t *args)
{
	check_sio(socket);
	if (OP(socket, sio_send))
		return socket->ops->sio_send(socket, ack, name, args);
	json_decref(args);
	return -EPIPE;
}

int mu_sio_emit(struct mu_sio *socket, const char *name, json_t *args)
{
	c_assert(name);
	return sio_send(socket, -1, name, args);
}

int mu_sio_ack(struct mu_sio *socket, int64_t ack, json_t *args)
{
	c_assert(ack >= 0);
	return sio_send(socket, ack, NULL, args);
}

int mu_sio_broadcast(struct mu_instance *self, const char *namespace_path, const char *room, const char *name,
		     json_t *args)
{
	const struct {
		const struct mu_http_ops *ops;
	} provider = { route_ops() }, *is = &provider;

	c_assert(self && namespace_path && name);
	if (is->ops && OP(is, sio_broadcast))
		return is->ops->sio_broadcast(self, namespace_path, room, name, args);
	json_decref(args);
	return -EPIPE;
}

void mu_sio_join(struct mu_sio *socket, const char *room)
{
	check_sio(socket);
	c_assert(room);
	if (OP(socket, sio_room))
		socket->ops->sio_room(socket, room, true);
}

void mu_sio_leave(struct mu_sio *socket, const char *room)
{
	check_sio(socket);
	c_assert(room);
	if (OP(socket, sio_room))
		socket->ops->sio_room(socket, room, false);
}

void mu_sio_close(struct mu_sio *socket)
{
	check_sio(socket);
	if (OP(socket, sio_close))
		socket->ops->sio_close(socket);
}

const char *mu_sio_user(const struct mu_sio *socket)
{
	check_sio(socket);
	return OP(socket, sio_user) ? socket->ops->sio_user(socket) : NULL;
}

void mu_sio_set_data(struct mu_sio *socket, void *data)
{
	check_sio(socket);
	socket->data = data;
}

void *mu_sio_data(const struct mu_sio *socket)
{
	check_sio(socket);
	return socket->data;
}
