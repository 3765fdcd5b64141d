/* door: a web server without a network: its requests come by a command, so that routes can be walked before the real one is
 * there.
 *
 * A request is an exchange that travels: made on this loop, handled on the loop of the route's owner, and back with
 * the answer. An owner that ended meanwhile drops it, and it comes back as 503. */
#include <muster/muster.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFFERS_MAX = 64 };

struct offer {
	struct mu_ref *owner;
	const struct mu_route *route;
	const struct mu_namespace *space;
};
struct door {
	struct offer offers[OFFERS_MAX];
	size_t count, added, removed;
};

struct exchange {
	struct mu_http http; /* first: handlers get its address */
	struct mu_msg msg;
	struct mu_ref *back;
	struct mu_call *call;
	const char *method, *path, *body, *user; /* the call's */
	char id[128], header[128];
	int status;
	char type[64], answer[8192];
	size_t length;
};

/* ---- on the loop of the route's owner ---- */

static struct exchange *of(const struct mu_http *http)
{
	return (struct exchange *)(uintptr_t)http;
}

static const char *op_text(const struct mu_http *http, int what, const char *name)
{
	const struct exchange *exchange = of(http);

	switch ((enum mu_http_text)what) {
	case MU_HTTP_METHOD:
		return exchange->method;
	case MU_HTTP_PATH:
		return exchange->path;
	case MU_HTTP_PARAM:
		return strcmp(name, "id") == 0 ? exchange->id : NULL;
	case MU_HTTP_USER:
		return exchange->user;
	case MU_HTTP_SOURCE:
		return "192.0.2.7";
	case MU_HTTP_QUERY:
	case MU_HTTP_HEADER:
		break;
	}
	return NULL;
}

static const void *op_body(const struct mu_http *http, size_t *length)
{
	const char *body = of(http)->body;

	*length = body ? strlen(body) : 0;
	return body;
}

static void op_set_header(struct mu_http *http, const char *name, const char *value)
{
	snprintf(of(http)->header, sizeof(of(http)->header), "%s: %s", name, value);
}

static void op_begin(struct mu_http *http, int status, const char *type, int64_t length)
{
	struct exchange *exchange = of(http);

	(void)length;
	exchange->status = status;
	snprintf(exchange->type, sizeof(exchange->type), "%s", type);
}

static int op_write(struct mu_http *http, const void *bytes, size_t length)
{
	struct exchange *exchange = of(http);

	if (length > sizeof(exchange->answer) - exchange->length)
		return -EPIPE;
	memcpy(exchange->answer + exchange->length, bytes, length);
	exchange->length += length;
	return 0;
}

static void exchange_back(struct mu_instance *self, struct mu_msg *msg);
static void exchange_lost(struct mu_msg *msg);

static void op_end(struct mu_http *http)
{
	struct exchange *exchange = of(http);

	exchange->msg.run = exchange_back;
	exchange->msg.drop = exchange_lost;
	mu_post(exchange->back, &exchange->msg);
}

static const struct mu_http_ops ops = MU_HTTP_OPS(.text = op_text, .body = op_body, .begin = op_begin, .write = op_write,
                                                  .end = op_end, .set_header = op_set_header);

static void exchange_run(struct mu_instance *self, struct mu_msg *msg)
{
	struct exchange *exchange = MU_CONTAINER(msg, struct exchange, msg);

	exchange->http.route->handle(self, &exchange->http);
}

/* Any thread. */
static void exchange_drop(struct mu_msg *msg)
{
	struct exchange *exchange = MU_CONTAINER(msg, struct exchange, msg);

	exchange->status = 503;
	op_end(&exchange->http);
}

/* ---- on the door's loop ---- */

static void exchange_free(struct exchange *exchange)
{
	mu_ref_unref(&exchange->back);
	free(exchange);
}

static void exchange_lost(struct mu_msg *msg)
{
	exchange_free(MU_CONTAINER(msg, struct exchange, msg));
}

static void exchange_back(struct mu_instance *self, struct mu_msg *msg)
{
	struct exchange *exchange = MU_CONTAINER(msg, struct exchange, msg);
	json_t *body = json_loadb(exchange->answer, exchange->length, JSON_DECODE_ANY, NULL);

	(void)self;
	mu_reply(exchange->call, json_pack("{s:i, s:s, s:s, s:o}", "status", exchange->status, "type", exchange->type,
	                                   "header", exchange->header, "body", body ? body : json_null()));
	exchange_free(exchange);
}

/* "/a/{id}" and "/a/b" → b; a route without a parameter fits itself. */
static bool fits(const char *pattern, const char *path, char id[128])
{
	const char *brace = strchr(pattern, '{');
	size_t length = brace ? (size_t)(brace - pattern) : strlen(pattern);

	id[0] = '\0';
	if (!brace || strncmp(pattern, path, length) != 0)
		return strcmp(pattern, path) == 0;
	snprintf(id, 128, "%s", path + length);
	return id[0] && !strchr(id, '/');
}

struct knock_args {
	const char *method, *path, *body;
};
static const struct mu_option knock_rows[] = {
	MU_OPT_STRING(struct knock_args, method, .name = "method", .dflt = "GET", .help = "of the request"),
	MU_OPT_STRING(struct knock_args, path, .name = "path", .flags = MU_REQUIRED, .help = "of the request"),
	MU_OPT_STRING(struct knock_args, body, .name = "body", .help = "of the request"),
	MU_OPT_END
};

static const struct offer *offer_find(const struct door *door, const struct knock_args *args, char id[128])
{
	for (size_t i = 0; i < door->count; i++) {
		const struct mu_route *route = door->offers[i].route;
		if (route && strcmp(route->method, args->method) == 0 && fits(route->path, args->path, id))
			return &door->offers[i];
	}
	return NULL;
}

static void run_knock(struct mu_instance *self, struct mu_call *call)
{
	const struct knock_args *args = mu_call_args(call);
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		abort();
	const struct offer *offer = offer_find(mu_state(self), args, exchange->id);
	if (!offer) {
		free(exchange);
		mu_reply_error(call, -ENOENT, "nobody offers %s %s", args->method, args->path);
		return;
	}
	exchange->http = (struct mu_http){ .ops = &ops, .route = offer->route, .role = mu_call_role(call) };
	exchange->msg = (struct mu_msg){ .run = exchange_run, .drop = exchange_drop };
	exchange->back = mu_self_ref(self);
	exchange->call = call;
	exchange->method = args->method;
	exchange->path = args->path;
	exchange->body = args->body;
	exchange->user = mu_call_user(call);
	mu_post(offer->owner, &exchange->msg);
}

static void run_offers(struct mu_instance *self, struct mu_call *call)
{
	const struct door *door = mu_state(self);
	json_t *routes = json_array(), *spaces = json_array();

	for (size_t i = 0; i < door->count; i++) {
		const struct offer *offer = &door->offers[i];
		if (offer->route)
			json_array_append_new(
				routes, json_sprintf("%s %s", offer->route->method, offer->route->path));
		else
			json_array_append_new(spaces, json_string(offer->space->path));
	}
	mu_reply(call, json_pack("{s:o, s:o, s:I, s:I}", "routes", routes, "namespaces", spaces, "added",
				 (json_int_t)door->added, "removed", (json_int_t)door->removed));
}

/* ---- what is offered ---- */

static void offer_add(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route,
		      const struct mu_namespace *space)
{
	struct door *door = mu_state(self);

	if (door->count == OFFERS_MAX)
		abort();
	door->offers[door->count++] = (struct offer){ mu_ref_ref(owner), route, space };
	door->added++;
}

static void offer_remove(struct mu_instance *self, struct mu_ref *owner, const void *row)
{
	struct door *door = mu_state(self);

	for (size_t i = 0; i < door->count; i++) {
		struct offer *offer = &door->offers[i];
		if (offer->owner != owner || (offer->route != row && offer->space != row))
			continue;
		mu_ref_unref(&offer->owner);
		*offer = door->offers[--door->count];
		door->removed++;
		return;
	}
	abort(); /* it was never added */
}

static void route_added(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	offer_add(self, owner, route, NULL);
}

static void route_removed(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	offer_remove(self, owner, route);
}

static void namespace_added(struct mu_instance *self, struct mu_ref *owner, const struct mu_namespace *space)
{
	offer_add(self, owner, NULL, space);
}

static void namespace_removed(struct mu_instance *self, struct mu_ref *owner,
			      const struct mu_namespace *space)
{
	offer_remove(self, owner, space);
}

static const struct mu_http_provider provider =
	MU_HTTP_PROVIDER(.ops = &ops, .route_added = route_added, .route_removed = route_removed,
                         .namespace_added = namespace_added, .namespace_removed = namespace_removed);

static int door_start(struct mu_instance *self, struct mu_error *error)
{
	int r = mu_http_provide(self, &provider);

	return r < 0 ? mu_error(error, r, "another plugin provides the web server") : 0;
}

static void door_stop(struct mu_instance *self)
{
	struct door *door = mu_state(self);

	while (door->count > 0)
		mu_ref_unref(&door->offers[--door->count].owner);
	mu_stopped(self);
}

static const struct mu_kind kinds[] = {
	{ .name = "door", .plural = "doors", .help = "a web server without a network" }, MU_KIND_END
};
static const struct mu_command commands[] = {
	{ .kind = "door", .name = "knock", .title = "Knock", .help = "one request", .effect = MU_CHANGE,
	  .flags = MU_ON_KIND, .args = knock_rows, .args_size = sizeof(struct knock_args), .run = run_knock },
	{ .kind = "door", .name = "offers", .title = "Offers", .help = "what can be asked for", .effect = MU_LOOK,
	  .flags = MU_ON_KIND, .run = run_offers },
	MU_COMMAND_END
};

MU_PLUGIN(door, .about = "a web server without a network; for tests", .loop = "door",
          .state_size = sizeof(struct door), .kinds = kinds, .commands = commands, .start = door_start,
          .stop = door_stop);
