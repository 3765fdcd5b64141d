/* connection: one connection to the daemon's control socket.
 *
 * Lines of JSON both ways, as core/ctl.h says. Reading a part of a stream gives the daemon leave to send
 * another, so that one who pipes us into a slow reader slows down the sender, and nothing piles up
 * between. */
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 256 * 1024 * 1024, READ_SIZE = 64 * 1024, CREDIT_EACH = 16 };

int connection_open(struct connection *connection, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	c_assert(connection && path);
	*connection = (struct connection){ .fd = -1 };
	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	connection->fd = fd;
	return 0;
}

void connection_close(struct connection *connection)
{
	c_assert(connection);
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	str_fini(&connection->in);
}

static int send_json(struct connection *connection, const json_t *json)
{
	struct str line = { 0 };
	int r = 0;

	c_assert(connection->fd >= 0 && json_is_object(json));
	json_write(&line, json);
	str_add_byte(&line, '\n');
	for (size_t at = 0; at < line.len && r == 0;) {
		ssize_t n = send(connection->fd, line.data + at, line.len - at, MSG_NOSIGNAL);
		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			r = errno == EPIPE ? -ECONNRESET : -errno;
	}
	str_fini(&line);
	return r;
}

/* Milliseconds for poll(2), rounded up; -1 = for ever. */
static int left_ms(int64_t until)
{
	if (until < 0)
		return -1;
	int64_t left = until - clock_mono();
	if (left <= 0)
		return 0;
	return left > 3600 * INT64_C(1000000000) ? 3600 * 1000 : (int)((left + 999999) / 1000000);
}

static int read_more(struct connection *connection, int64_t until)
{
	char bytes[READ_SIZE];
	struct pollfd ready = { .fd = connection->fd, .events = POLLIN };

	if (connection->in.len > LINE_MAX_BYTES)
		return -EMSGSIZE;
	int n = poll(&ready, 1, left_ms(until));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return until >= 0 && clock_mono() >= until ? -ETIMEDOUT : 0;
	ssize_t got = read(connection->fd, bytes, sizeof(bytes));
	if (got < 0)
		return errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	str_add_n(&connection->in, bytes, (size_t)got);
	return 0;
}

/* The next line as JSON. */
static int receive(struct connection *connection, int64_t until, json_t **out)
{
	char why[256];
	const char *end;

	c_assert(connection->seen <= connection->in.len);
	while (!(end = connection->in.len > connection->seen
			       ? memchr(connection->in.data + connection->seen, '\n',
					connection->in.len - connection->seen)
			       : NULL)) {
		connection->seen = connection->in.len;
		int r = read_more(connection, until);
		if (r < 0)
			return r;
	}
	size_t length = (size_t)(end - connection->in.data);
	*out = json_parse(connection->in.data, length, why);
	str_drop_head(&connection->in, length + 1);
	connection->seen = 0;
	return *out ? 0 : -EPROTO;
}

static int give_credit(struct connection *connection, int64_t id, int *parts)
{
	if (++*parts < CREDIT_EACH)
		return 0;
	json_t *credit = json_pack("{s:I, s:i}", "id", (json_int_t)id, "credit", *parts);
	int r = send_json(connection, credit);
	*parts = 0;
	json_decref(credit);
	return r;
}

int connection_call(struct connection *connection, json_t *request, int64_t wait_ns,
		    void (*part)(const json_t *part, void *data), void *data, struct reply *out)
{
	int64_t until = wait_ns < 0 ? -1 : clock_mono() + wait_ns;
	int64_t id = ++connection->last_id;
	int parts = 0;

	c_assert(connection->fd >= 0 && json_is_object(request));
	*out = (struct reply){ NULL, NULL };
	json_object_set_new(request, "id", json_integer(id));
	int r = send_json(connection, request);
	while (r == 0 && !out->result && !out->error) {
		json_t *message = NULL, *piece;
		r = receive(connection, until, &message);
		/* a line without an id is about the connection itself: too many clients */
		if (r == 0 && json_get_int(message, "id", id) == id) {
			out->result = json_incref(json_object_get(message, "result"));
			out->error = json_incref(json_object_get(message, "error"));
			piece = json_object_get(message, "part");
			if (piece && part)
				part(piece, data);
			if (piece)
				r = give_credit(connection, id, &parts);
		}
		json_decref(message);
	}
	return out->result || out->error ? 0 : r;
}

void reply_fini(struct reply *reply)
{
	c_assert(reply);
	json_decref(reply->result);
	json_decref(reply->error);
	*reply = (struct reply){ NULL, NULL };
}
