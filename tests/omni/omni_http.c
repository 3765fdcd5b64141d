/* omni_http: two routes and a namespace. As long as no plugin provides a server they wait, and `plugin list` says so. */
#include "omni.h"

static void thing_show(struct mu_instance *self, struct mu_http *http)
{
	struct omni *omni = mu_state(self);
	const char *id = mu_http_param(http, "id");
	json_t *thing = json_object_get(omni->things, id ? id : "");

	omni->requests++;
	if (thing)
		mu_http_reply_json(http, 200, json_incref(thing));
	else
		mu_http_problem(http, 404, "no such thing",
				"there is no thing \"%s\"; look at /omni/v1/thing", id ? id : "");
}

static void thing_post(struct mu_instance *self, struct mu_http *http)
{
	struct omni *omni = mu_state(self);
	json_t *body = mu_http_body_json(http);

	omni->requests++;
	if (!body)
		return; /* the problem was answered */
	mu_http_set_header(http, "X-Source", mu_http_source(http));
	mu_http_reply_json(http, 201, json_pack("{s:o, s:s}", "got", body, "by", mu_http_user(http)));
}

const struct mu_route omni_routes[] = {
	{ .method = "GET", .path = "/omni/v1/thing/{id}", .help = "one thing", .handle = thing_show },
	{ .method = "POST", .path = "/omni/v1/thing", .help = "answers what it got", .role = MU_OPERATOR,
	  .body_max = 65536, .handle = thing_post },
	MU_ROUTE_END
};

static void on_connected(struct mu_instance *self, struct mu_sio *socket, const json_t *auth)
{
	(void)self;
	(void)auth;
	mu_sio_join(socket, "everyone");
	mu_sio_emit(socket, "welcome", json_pack("[s]", mu_sio_user(socket)));
}

static void on_event(struct mu_instance *self, struct mu_sio *socket, const char *name, const json_t *args,
		     int64_t ack)
{
	(void)args;
	if (ack >= 0)
		mu_sio_ack(socket, ack, json_pack("[s]", name));
	else
		mu_sio_broadcast(self, "/omni", "everyone", name, json_array());
}

static void on_gone(struct mu_instance *self, struct mu_sio *socket)
{
	(void)self;
	(void)socket;
}

const struct mu_namespace omni_namespaces[] = {
	{ .path = "/omni", .role = MU_VIEWER, .connected = on_connected, .event = on_event, .gone = on_gone },
	MU_NAMESPACE_END
};
