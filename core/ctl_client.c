/* ctl_client: one who is connected to the control socket: lines in, calls, lines out.
 *
 * All that it can make us hold is bounded: a line, the calls that are open, the answers that it does not
 * fetch. An end of file is a hang-up: what was asked and not yet answered is cancelled. */
#include "ctl_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl.h"
#include "instance.h"
#include "loop.h"

struct ctl_line {
	size_t length;
	char text[CTL_LINE_MAX];
};

struct ctl_call {
	struct list node;
	struct ctl_client *client;
	struct mu_pending *pending;
	int64_t id;
	bool streams;
};

static uint64_t lines_refused, clients_cut; /* main's */

void ctl_client_count(struct ctl_stats *out)
{
	out->lines_refused = lines_refused;
	out->clients_cut = clients_cut;
}

static size_t streams; /* open, of all clients; main's */

/* ---- lines out ---- */

struct write {
	uv_write_t request;
	struct ctl_client *client; /* its handle, and so it, outlives the write */
	size_t cost;
	char *text;
};

static void write_done(uv_write_t *request, int status)
{
	struct write *write = MU_CONTAINER(request, struct write, request);
	(void)status; /* a broken pipe shows in the next read */
	c_assert(write->client->out >= write->cost);
	write->client->out -= write->cost;
	free(write->text);
	free(write);
}

/* Takes the text, a line without its end. */
static void client_write(struct ctl_client *client, struct str *line)
{
	str_add_byte(line, '\n');
	size_t length = line->len;
	char *text = str_take(line);

	c_assert(loop_is_current(loop_main()));
	if (client->closing) {
		free(text);
		return;
	}
	uv_stream_t *stream = (uv_stream_t *)&client->pipe;
	uv_buf_t buf = uv_buf_init(text, (unsigned)length);
	int sent = uv_try_write(stream, &buf,
				1); /* at once as a rule, so that a last word is out before a close */
	if (sent >= 0 && (size_t)sent == length) {
		free(text);
		return;
	}
	/* one long answer is no sign of a client that does not read, several are */
	size_t cost = length + sizeof(struct write); /* short parts cost more than their bytes */
	if ((sent < 0 && sent != UV_EAGAIN) || (client->out > 0 && client->out + cost > CTL_OUT_MAX)) {
		clients_cut += sent == UV_EAGAIN || sent >= 0;
		free(text);
		ctl_client_close(client);
		return;
	}
	struct write *write = mem_alloc(sizeof(*write));
	write->client = client;
	write->cost = cost;
	client->out += cost;
	write->text = realloc(text, length); /* what it grew to is no longer needed */
	c_assert(write->text);
	buf.base = write->text;
	buf.base += sent > 0 ? sent : 0;
	buf.len -= sent > 0 ? (size_t)sent : 0;
	if (uv_write(&write->request, stream, &buf, 1, write_done) < 0) {
		client->out -= cost;
		free(write->text);
		free(write);
		ctl_client_close(client);
	}
}

/* `all` NULL: there is no more to say than the error. */
static void write_error(struct ctl_client *client, int64_t id, const struct mu_error *error, const char *all,
			size_t all_length)
{
	struct str line = { 0 };
	const char *name = strerrorname_np(-error->code);
	json_t *why = json_object();

	c_assert(error->code < 0);
	json_set_text(why, "code", name ? name : "EIO");
	json_set_text(why, "what", error->what[0] ? error->what : strerror(-error->code));
	json_set_text(why, "where", error->where);
	json_set_text(why, "remedy", error->remedy);
	str_add(&line, "{");
	if (id >= 0)
		str_printf(&line, "\"id\":%" PRId64 ",", id);
	str_add(&line, "\"error\":");
	json_write(&line, why);
	if (all) { /* it is text already */
		c_assert(line.len > 0 && line.data[line.len - 1] == '}');
		line.data[--line.len] = '\0';
		str_add(&line, ",\"errors\":");
		str_add_n(&line, all, all_length);
		str_add(&line, "}");
	}
	str_add(&line, "}");
	json_decref(why);
	client_write(client, &line);
}

static void write_json(struct ctl_client *client, int64_t id, const char *what, const char *json,
		       size_t length)
{
	struct str line = { 0 };

	c_assert(!memchr(json, '\n', length));
	str_printf(&line, "{\"id\":%" PRId64 ",\"%s\":", id, what);
	str_add_n(&line, json, length);
	str_add(&line, "}");
	client_write(client, &line);
}

/* ---- calls ---- */

static struct ctl_call *call_find(struct ctl_client *client, int64_t id)
{
	list_each (node, &client->calls) {
		struct ctl_call *call = list_entry(node, struct ctl_call, node);
		if (call->id == id)
			return call;
	}
	return NULL;
}

static void call_free(struct ctl_call *call)
{
	c_assert(call->client->call_count > 0);
	list_remove(&call->node);
	call->client->call_count--;
	call->client->stream_count -= call->streams;
	streams -= call->streams;
	free(call);
}

static void call_refuse(struct ctl_client *client, int64_t id, int code, const char *what, const char *remedy)
{
	struct mu_error error = { 0 };

	mu_error(&error, code, "%s", what);
	if (remedy)
		mu_error_remedy(&error, "%s", remedy);
	lines_refused += code != -ECANCELED && code != -EMFILE; /* that one is counted as a client */
	write_error(client, id, &error, NULL, 0);
}

/* The first part of an answer says that the call is a stream. False: there are too many of them, and this one has ended. */
static bool call_may_stream(struct ctl_call *call)
{
	struct ctl_client *client = call->client;
	int64_t id = call->id;

	if (call->streams)
		return true;
	bool all = streams >= CTL_STREAMS_ALL_MAX;
	if (client->stream_count < CTL_STREAMS_MAX && !all) {
		call->streams = true;
		client->stream_count++;
		streams++;
		return true;
	}
	mu_pending_cancel(&call->pending);
	call_free(call);
	call_refuse(client, id, -EBUSY,
		    all ? "too many streams of all clients are open" : "too many streams of this client are open",
		    "end one of them, or ask for more in one, by a wider glob");
	return false;
}

static void call_done(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct ctl_call *call = data;
	struct ctl_client *client = call->client;
	int64_t id = call->id;

	c_assert(!client->closing && client->call_count > 0);
	(void)self;
	if (result->part && !call_may_stream(call))
		return;
	if (!result->part)
		call_free(call);
	if (result->code < 0)
		write_error(client, id, result->error, result->json, result->json_length);
	else
		write_json(client, id, result->part ? "part" : "result", result->json ? result->json : "null",
			   result->json ? result->json_length : 4);
}

static const char **ids_of(const json_t *json, size_t *count)
{
	const json_t *ids = json_object_get(json, "ids");

	*count = json_array_size(ids);
	if (*count == 0)
		return NULL;
	const char **list = mem_array(*count, sizeof(*list));
	for (size_t i = 0; i < *count; i++)
		list[i] = json_string_value(json_array_get(ids, i));
	return list;
}

static void call_open(struct ctl_client *client, const struct ctl_request *asked)
{
	size_t count;
	const char **ids = ids_of(asked->json, &count);
	const struct mu_request request = MU_REQUEST(
		.kind = json_get_text(asked->json, "kind"),
		.verb = json_get_text(asked->json, "verb"),
		.ids = ids,
		.id_count = count,
		.match = json_object_get(asked->json, "match"),
		.args = json_object_get(asked->json, "args"),
		.user = client->user,
		.role = client->role,
		.source = "ctl",
		.key = json_get_text(asked->json, "key"),
		.deadline = (mu_time)(json_number_value(json_object_get(asked->json, "deadline")) *
				      (double)MU_SEC),
		.dry_run = json_is_true(json_object_get(asked->json, "dry_run")));
	struct ctl_call *call = mem_alloc(sizeof(*call));

	call->client = client;
	call->id = asked->id;
	list_add(&client->calls, &call->node);
	client->call_count++;
	call->pending = mu_call(client->self, &request, call_done, call);
	free(ids);
}

static void client_ask(struct ctl_client *client, const struct ctl_request *request)
{
	struct ctl_call *call = call_find(client, request->id);

	if (request->cancel) {
		/* an answer may have crossed it: then there is nothing to cancel */
		if (!call)
			return;
		mu_pending_cancel(&call->pending);
		call_free(call);
		call_refuse(client, request->id, -ECANCELED, "cancelled by its caller", NULL);
	} else if (request->credit > 0) {
		if (call)
			mu_pending_credit(call->pending, (uint32_t)request->credit);
	} else if (call) {
		call_refuse(client, request->id, -EEXIST, "a request with this id is still open",
			    "count the ids up");
	} else if (client->call_count >= CTL_CALLS_MAX) {
		call_refuse(client, request->id, -EBUSY, "too many requests of this client are open",
			    "wait for answers before asking more");
	} else {
		call_open(client, request);
	}
}

/* ---- lines in ---- */

static void client_line(struct ctl_client *client, const char *text, size_t length)
{
	struct ctl_request request;
	struct mu_error error = { 0 };

	if (length > 0 && text[length - 1] == '\r')
		length--;
	if (length == 0)
		return;
	if (ctl_parse(text, length, &request, &error) < 0) {
		lines_refused++;
		write_error(client, request.id, &error, NULL, 0);
	} else {
		client_ask(client, &request);
	}
	ctl_request_fini(&request);
}

/* The lines that `bytes` ends, and what is left of the last. Stops when the client is closed meanwhile. */
static void client_bytes(struct ctl_client *client, const char *bytes, size_t length)
{
	while (length > 0 && !client->closing) {
		const char *end = memchr(bytes, '\n', length);
		size_t n = end ? (size_t)(end - bytes) : length;
		struct ctl_line *line = client->line;

		if ((line ? line->length : 0) + n > CTL_LINE_MAX) {
			ctl_client_refuse(client, -EMSGSIZE, "a line of more than 64 KiB",
					  "one request is one line, ended by a newline");
			return;
		}
		if (!line && end) {
			client_line(client, bytes, n);
		} else {
			if (!line)
				line = client->line = mem_alloc(sizeof(*line));
			memcpy(line->text + line->length, bytes, n);
			line->length += n;
			if (end) {
				client->line = NULL; /* a closing client frees its own only */
				client_line(client, line->text, line->length);
				free(line);
			}
		}
		bytes += n + (end ? 1 : 0);
		length -= n + (end ? 1 : 0);
	}
}

static char read_buffer[CTL_LINE_MAX];

static void read_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	(void)handle;
	(void)wanted;
	*buf = uv_buf_init(read_buffer,
			   sizeof(read_buffer)); /* main's alone, and empty again after each read */
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct ctl_client *client = MU_CONTAINER(stream, struct ctl_client, pipe);

	if (n < 0)
		ctl_client_close(client);
	else if (n > 0)
		client_bytes(client, buf->base, (size_t)n);
}

/* ---- life ---- */

static void client_closed(uv_handle_t *handle)
{
	struct ctl_client *client = MU_CONTAINER(handle, struct ctl_client, pipe);

	c_assert(client->closing && client->call_count == 0);
	client->closed(client);
	free(client->line);
	free(client);
}

void ctl_client_close(struct ctl_client *client)
{
	c_assert(loop_is_current(loop_main()));
	if (client->closing)
		return;
	client->closing = true;
	list_each_safe (node, &client->calls) {
		struct ctl_call *call = list_entry(node, struct ctl_call, node);
		mu_pending_cancel(&call->pending);
		call_free(call);
	}
	uv_close((uv_handle_t *)&client->pipe, client_closed);
}

enum mu_role ctl_role(uid_t peer, uid_t own)
{
	return peer == 0 || peer == own ? MU_ADMIN : MU_VIEWER;
}

/* Who is it? Names of users are not looked up: that may ask a server on the network. */
static void client_identify(struct ctl_client *client)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	int fd;

	client->role = MU_VIEWER;
	text_copy(client->user, sizeof(client->user), "unknown");
	if (uv_fileno((uv_handle_t *)&client->pipe, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	client->role = ctl_role(peer.uid, geteuid());
	if (peer.uid == 0)
		text_copy(client->user, sizeof(client->user), "root");
	else
		text_printf(client->user, sizeof(client->user), "uid %lu", (unsigned long)peer.uid);
}

static void client_forget(uv_handle_t *handle)
{
	free(MU_CONTAINER(handle, struct ctl_client, pipe));
}

struct ctl_client *ctl_client_accept(struct mu_instance *self, uv_stream_t *server,
				     void (*closed)(struct ctl_client *))
{
	c_assert(self && server && closed);
	struct ctl_client *client = mem_alloc(sizeof(*client));
	client->self = self;
	client->closed = closed;
	list_init(&client->calls);
	c_assert(uv_pipe_init(server->loop, &client->pipe, 0) == 0);
	if (uv_accept(server, (uv_stream_t *)&client->pipe) < 0) {
		uv_close((uv_handle_t *)&client->pipe, client_forget);
		return NULL;
	}
	client_identify(client);
	return client;
}

void ctl_client_read(struct ctl_client *client)
{
	if (uv_read_start((uv_stream_t *)&client->pipe, read_room, client_read) < 0)
		ctl_client_close(client);
}

void ctl_client_refuse(struct ctl_client *client, int code, const char *what, const char *remedy)
{
	call_refuse(client, -1, code, what, remedy);
	ctl_client_close(client);
}
