/* realtime-push: the web server of the daemon: routes of all plugins, REST, and what changes, live.
 *
 * It knows no plugin by name. Objects and values come by subscription; a verb of a page becomes a call. The
 * handler of a route runs on its owner's loop: the exchange is posted there, and its bytes come back. */
#include <errno.h>
#include <muster/muster.h>
#include <stdlib.h>
#include <string.h>

struct listen { const char *address, *certificate; };
struct config {
	int64_t clients;
	struct { struct listen *items; size_t count; } listens;
};
static const struct mu_option listen_options[] = {
	MU_OPT_STRING(struct listen, address, .name = "Address", .flags = MU_KEY | MU_REQUIRED,
	              .help = "host:port"),
	MU_OPT_STRING(struct listen, certificate, .name = "Certificate",
	              .help = "PEM file; without it, plain HTTP"),
	MU_OPT_END
};
static const struct mu_option options[] = {
	MU_OPT_INT(struct config, clients, .name = "Clients", .dflt = "10000", .min = 1, .max = 100000),
	MU_OPT_BLOCK(struct config, listens, struct listen, listen_options, .name = "Listen"),
	MU_OPT_END
};

struct bound { struct bound *next; struct mu_ref *owner; const struct mu_route *route; };
struct push {
	struct bound *routes;
	struct mu_object_sub *objects;
	struct mu_value_sub *values;
};

/* One exchange. The owner's loop writes into `answer`, and posts it back to ours. */
struct exchange {
	struct mu_http http; /* first: what the owner holds */
	struct mu_msg msg;
	struct mu_ref *home;
	int status;
	const char *method, *path;
	char *answer;
	size_t length;
};
enum { FRAMES, REFUSED };
static const struct mu_counter counters[] = {
	[FRAMES] = { .name = "frames" }, [REFUSED] = { .name = "refused" }, MU_COUNTER_END
};

/* -- what owners call: on their loops -- */
static const char *exchange_text(const struct mu_http *http, int what, const char *name)
{
	const struct exchange *x = (const struct exchange *)http;

	(void)name;
	switch ((enum mu_http_text)what) {
	case MU_HTTP_METHOD: return x->method;
	case MU_HTTP_PATH: return x->path;
	case MU_HTTP_PARAM: case MU_HTTP_QUERY: case MU_HTTP_HEADER:
	case MU_HTTP_USER: case MU_HTTP_SOURCE: break;
	}
	return NULL;
}
static void exchange_begin(struct mu_http *http, int status, const char *type, int64_t length)
{
	struct exchange *x = (struct exchange *)http;

	(void)type, (void)length;
	x->status = status;
}
static int exchange_write(struct mu_http *http, const void *bytes, size_t length)
{
	struct exchange *x = (struct exchange *)http;
	char *more = realloc(x->answer, x->length + length);

	if (!more)
		return -EPIPE;
	memcpy(more + x->length, bytes, length);
	x->answer = more;
	x->length += length;
	return x->length > 65536; /* past its credit: wait for room */
}
static void exchange_drop(struct mu_msg *msg)
{
	struct exchange *x = (struct exchange *)((char *)msg - offsetof(struct exchange, msg));

	mu_ref_unref(&x->home);
	free(x->answer);
	free(x);
}
/* Home again; the real one writes to the socket, and gives credit. */
static void exchange_ended(struct mu_instance *self, struct mu_msg *msg)
{
	mu_count(self, FRAMES, 1);
	exchange_drop(msg);
}
static void exchange_end(struct mu_http *http)
{
	struct exchange *x = (struct exchange *)http;

	x->msg.run = exchange_ended;
	x->msg.drop = exchange_drop;
	mu_post(x->home, &x->msg);
}
static const struct mu_http_ops ops = MU_HTTP_OPS(.text = exchange_text, .begin = exchange_begin,
                                                  .write = exchange_write, .end = exchange_end);

/* On the owner's loop. */
static void exchange_handle(struct mu_instance *owner, struct mu_msg *msg)
{
	struct exchange *x = (struct exchange *)((char *)msg - offsetof(struct exchange, msg));

	x->http.route->handle(owner, &x->http);
}
/* A request's head is whole; the real one has it from its parser, and the user from auth. */
static void push_request(struct mu_instance *self, const char *method, const char *path)
{
	struct push *push = mu_state(self);

	for (struct bound *b = push->routes; b; b = b->next)
		if (strcmp(b->route->path, path) == 0 && strcmp(b->route->method, method) == 0) {
			struct exchange *x = calloc(1, sizeof(*x));

			x->http = (struct mu_http){ .ops = &ops, .route = b->route, .role = MU_VIEWER };
			x->msg = (struct mu_msg){ .run = exchange_handle, .drop = exchange_drop };
			x->home = mu_self_ref(self);
			mu_post(b->owner, &x->msg);
			return;
		}
	mu_count(self, REFUSED, 1);
}
static void route_added(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	struct push *push = mu_state(self);
	struct bound *b = calloc(1, sizeof(*b));

	*b = (struct bound){ .next = push->routes, .owner = mu_ref_ref(owner), .route = route };
	push->routes = b;
}
static void route_removed(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	struct push *push = mu_state(self);

	for (struct bound **at = &push->routes; *at; at = &(*at)->next)
		if ((*at)->owner == owner && (*at)->route == route) {
			struct bound *b = *at;
			*at = b->next;
			mu_ref_unref(&b->owner);
			free(b);
			return;
		}
}

/* -- what changes, to all who look; the real one makes one frame and shares it -- */
static void push_changed(struct mu_instance *self, struct mu_object_sub *sub, const struct mu_change *change)
{
	(void)sub;
	switch (change->what) {
	case MU_CHANGE_SNAPSHOT: case MU_CHANGE_PUT: case MU_CHANGE_DELETE:
		mu_sio_broadcast(self, "/", change->kind, "object", json_pack("[s, I, s%]", change->id,
		                 (json_int_t)change->version, change->json ? change->json : "",
		                 change->json_length));
		break;
	case MU_CHANGE_SYNCED: case MU_CHANGE_RESET:
		mu_sio_broadcast(self, "/", change->kind, "epoch",
		                 json_pack("[I]", (json_int_t)change->epoch));
		break;
	}
}
static void push_values(struct mu_instance *self, struct mu_value_sub *sub,
                        const struct mu_sample *const *samples, size_t count)
{
	(void)sub;
	for (size_t i = 0; i < count; i++)
		if (samples[i]->flags & MU_SAMPLE_STALE)
			continue;
		else
			mu_sio_broadcast(self, "/", mu_series_name(samples[i]->series), "value",
			                 json_pack("[f, f]", (double)samples[i]->time / 1e9,
			                           samples[i]->rates[0]));
}

/* -- a front end: an event of a page becomes a call, its result the acknowledgement -- */
/* One a socket here; the real one keeps a list of them. */
struct asked { struct mu_sio *socket; int64_t ack; struct mu_pending *pending; };
static void asked_done(struct mu_instance *self, const struct mu_result *result, void *data)
{
	struct asked *asked = data;

	(void)self;
	if (result->part) {
		mu_pending_credit(asked->pending, 1);
		return;
	}
	mu_sio_ack(asked->socket, asked->ack,
	           json_pack("[i, s]", result->code, result->code ? result->error->what : result->json));
	mu_sio_set_data(asked->socket, NULL);
	free(asked);
}
static void page_event(struct mu_instance *self, struct mu_sio *socket, const char *name, const json_t *args,
                       int64_t ack)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	const char *id = json_string_value(json_array_get(args, 1));
	struct mu_request request = MU_REQUEST(
		.kind = name, .verb = json_string_value(json_array_get(args, 0)), .ids = &id, .id_count = id != NULL,
		.args = json_array_get(args, 2), .role = MU_VIEWER, .user = mu_sio_user(socket), .source = "page");

	*asked = (struct asked){ .socket = socket, .ack = ack };
	mu_sio_set_data(socket, asked);
	asked->pending = mu_call(self, &request, asked_done, asked);
}
static void page_gone(struct mu_instance *self, struct mu_sio *socket)
{
	struct asked *asked = mu_sio_data(socket);

	(void)self;
	if (asked) {
		mu_pending_cancel(&asked->pending);
		free(asked);
	}
}
static const struct mu_namespace namespaces[] = { { .path = "/", .event = page_event, .gone = page_gone },
	MU_NAMESPACE_END };

static int push_start(struct mu_instance *self, struct mu_error *error)
{
	static const struct mu_http_provider provider = MU_HTTP_PROVIDER(
		.ops = &ops, .route_added = route_added, .route_removed = route_removed);
	struct push *push = mu_state(self);

	if (mu_http_provide(self, &provider) < 0)
		return mu_error(error, -EBUSY, "another plugin is the web server already");
	push->objects = mu_objects_subscribe(self, "*", push_changed, NULL);
	push->values = mu_values_subscribe(self, "*", 1 << 20, push_values, NULL);
	push_request(self, "GET", "/"); /* the real one listens */
	return 0;
}

MU_PLUGIN(realtime-push, .about = "pages, REST and live changes", .loop = "net", .flags = MU_SINGLE,
          .options = options,
          .config_size = sizeof(struct config), .state_size = sizeof(struct push), .counters = counters,
          .namespaces = namespaces, .start = push_start);
