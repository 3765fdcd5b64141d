/* route: patterns and paths, who offers what, who is told; and the functions of <muster/http.h> on a
 * server that only remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ask.h"
#include "base/json.h"
#include "base/str.h"
#include "route.h"

/* ---- patterns ---- */

static void test_patterns(void **state)
{
	static const char *const good[] = { "/",
					    "/a",
					    "/a/b.c/d_e~f-1",
					    "/{id}",
					    "/task/{id}/log",
					    "/f/{rest*}",
					    "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}",
					    "/..." };
	static const char *const bad[] = {
		"",       "a",          "//",         "/a/",        "/a//b",
		"/{}",    "/{id",       "/{id}x",     "/x{id}",     "/{Id}",
		"/{1d}",  "/{rest*}/a", "/{a*}/{b*}", "/{id}/{id}", "/a b",
		"/a%20",  "/*",         "/.",         "/a/..",      "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
		"/{id**}"
	};
	struct mu_error error;

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(good); i++)
		if (route_check_pattern(good[i], &error) < 0)
			fail_msg("%s: %s", good[i], error.what);
	for (size_t i = 0; i < MU_ARRAY_LEN(bad); i++)
		if (route_check_pattern(bad[i], &error) == 0)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(route_check_pattern(NULL, &error), -EINVAL);
}

/* "id=7 rest=a/b", or "no". */
static const char *match(const char *pattern, const char *path)
{
	static char text[512];
	struct route_param params[ROUTE_PARAMS_MAX];
	struct str words = { 0 };
	size_t count;
	bool fits = route_match(pattern, path, params, &count);

	for (size_t i = 0; fits && i < count; i++)
		str_printf(&words, "%s%.*s=%.*s", i ? " " : "", (int)params[i].name_length, params[i].name,
			   (int)params[i].value_length, params[i].value);
	text_copy(text, sizeof(text), fits ? str_text(&words) : "no");
	str_fini(&words);
	return text;
}

static void test_paths(void **state)
{
	(void)state;
	assert_string_equal(match("/", "/"), "");
	assert_string_equal(match("/", "/a"), "no");
	assert_string_equal(match("/a", "/"), "no");
	assert_string_equal(match("/a", "/a"), "");
	assert_string_equal(match("/a", "/a/"), "no");
	assert_string_equal(match("/a", "/ab"), "no");
	assert_string_equal(match("/ab", "/a"), "no");
	assert_string_equal(match("/a/b", "/a"), "no");
	assert_string_equal(match("/a", "/a/b"), "no");
	assert_string_equal(match("/task/{id}/log", "/task/7/log"), "id=7");
	assert_string_equal(match("/task/{id}/log", "/task//log"), "no");
	assert_string_equal(match("/task/{id}/log", "/task/7/8/log"), "no");
	assert_string_equal(match("/task/{id}", "/task/a%2Fb"), "id=a%2Fb");
	assert_string_equal(match("/{a}/{b}", "/x/y"), "a=x b=y");
	assert_string_equal(match("/f/{rest*}", "/f/a/b/c"), "rest=a/b/c");
	assert_string_equal(match("/f/{rest*}", "/f/"), "rest=");
	assert_string_equal(match("/f/{rest*}", "/f"), "no");
	assert_string_equal(match("/{k}/{rest*}", "/x/y/"), "k=x rest=y/");
	assert_string_equal(match("/{rest*}", "/"), "rest=");
	assert_string_equal(match("/a", "a"), "no");
	assert_string_equal(match("/a", ""), "no");
}

static void test_paths_that_climb_fit_nothing(void **state)
{
	(void)state;
	assert_string_equal(match("/f/{rest*}", "/f/../etc"), "no");
	assert_string_equal(match("/f/{rest*}", "/f/a/.."), "no");
	assert_string_equal(match("/f/{rest*}", "/f/./a"), "no");
	assert_string_equal(match("/{id}", "/.."), "no");
	assert_string_equal(match("/{id}", "/..."), "id=...");
	assert_string_equal(match("/{id}", "/.a"), "id=.a");
}

static void test_shapes(void **state)
{
	(void)state;
	assert_true(route_same_shape("/", "/"));
	assert_true(route_same_shape("/a/{x}/b", "/a/{y}/b"));
	assert_true(route_same_shape("/{x*}", "/{y*}"));
	assert_false(route_same_shape("/{x*}", "/{y}"));
	assert_false(route_same_shape("/a", "/{y}"));
	assert_false(route_same_shape("/a", "/a/b"));
	assert_false(route_same_shape("/", "/a"));
	assert_false(route_same_shape("/ab", "/ac"));
}

/* ---- offers ---- */

static void handle(struct mu_instance *self, struct mu_http *http)
{
	(void)self, (void)http;
}

static const struct mu_route routes[] = { { .method = "GET", .path = "/task/{id}", .handle = handle },
					  { .method = "POST", .path = "/task/{id}", .handle = handle },
					  MU_ROUTE_END };
static const struct mu_namespace spaces[] = { { .path = "/farm" }, MU_NAMESPACE_END };
static const struct mu_plugin farm = MU_PLUGIN_INIT(farm, .routes = routes, .namespaces = spaces);

static struct str told;

static void told_route(const char *what, const struct mu_route *route)
{
	str_printf(&told, "%s %s %s, ", what, route->method, route->path);
}
static void route_added(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	assert_non_null(owner);
	assert_true(mu_on_loop(self));
	told_route("+", route);
}
static void route_removed(struct mu_instance *self, struct mu_ref *owner, const struct mu_route *route)
{
	(void)self;
	assert_non_null(owner);
	told_route("-", route);
}
static void space_added(struct mu_instance *self, struct mu_ref *owner, const struct mu_namespace *space)
{
	(void)self, (void)owner;
	str_printf(&told, "+ %s, ", space->path);
}
static void space_removed(struct mu_instance *self, struct mu_ref *owner, const struct mu_namespace *space)
{
	(void)self, (void)owner;
	str_printf(&told, "- %s, ", space->path);
}

/* A server that writes down what it is asked to send. */
static struct str sent;
static int write_result;

static const char *op_text(const struct mu_http *http, int what, const char *name)
{
	(void)http;
	return what == MU_HTTP_PARAM && strcmp(name, "id") == 0 ? "7" : what == MU_HTTP_METHOD ? "GET" : NULL;
}
static const char *body;
static const void *op_body(const struct mu_http *http, size_t *length)
{
	(void)http;
	*length = body ? strlen(body) : 0;
	return body;
}
static void op_begin(struct mu_http *http, int status, const char *type, int64_t length)
{
	(void)http;
	str_printf(&sent, "[%d %s %" PRId64 "]", status, type, length);
}
static int op_write(struct mu_http *http, const void *bytes, size_t length)
{
	(void)http;
	str_add_n(&sent, bytes, length);
	return write_result;
}
static void op_end(struct mu_http *http)
{
	(void)http;
	str_add(&sent, "[end]");
}
static int op_broadcast(struct mu_instance *owner, const char *path, const char *room, const char *name,
			json_t *args)
{
	str_printf(&sent, "%s %s %s %s %zu", owner->name, path, room ? room : "*", name,
		   json_array_size(args));
	json_decref(args);
	return 0;
}
static int op_sio_send(struct mu_sio *socket, int64_t ack, const char *name, json_t *args)
{
	(void)socket;
	str_printf(&sent, "%s %" PRId64 " %zu", name ? name : "ack", ack, json_array_size(args));
	json_decref(args);
	return 0;
}
static const char *op_header_at(const struct mu_http *http, size_t index, const char **name)
{
	(void)http;
	*name = index == 0 ? "Host" : NULL;
	return index == 0 ? "here" : NULL;
}
static void op_reply_file(struct mu_http *http, const char *path, const char *type)
{
	(void)http;
	str_printf(&sent, "%s as %s", path, type);
}
static struct mu_ws_ops accepted;
static void op_ws_accept(struct mu_http *http, const struct mu_ws_ops *of, const char *subprotocol,
			 size_t message_max)
{
	(void)http;
	accepted = *of;
	str_printf(&sent, "%s %zu", subprotocol, message_max);
}
static const struct mu_http_ops ops =
	MU_HTTP_OPS(.text = op_text, .body = op_body, .begin = op_begin, .write = op_write, .end = op_end,
		    .sio_send = op_sio_send, .sio_broadcast = op_broadcast, .header_at = op_header_at,
		    .reply_file = op_reply_file, .ws_accept = op_ws_accept);
static const struct mu_http_provider provider =
	MU_HTTP_PROVIDER(.ops = &ops, .route_added = route_added, .route_removed = route_removed,
			 .namespace_added = space_added, .namespace_removed = space_removed);

static int provide_result;
static int push_start(struct mu_instance *self, struct mu_error *error)
{
	provide_result = mu_http_provide(self, &provider);
	return provide_result < 0 ? mu_error(error, provide_result, "another is the web server") : 0;
}
static const struct mu_plugin push = MU_PLUGIN_INIT(push, .start = push_start);

static int up(void **state)
{
	(void)state;
	write_result = 0;
	body = NULL;
	ask_up();
	return 0;
}

static int down(void **state)
{
	(void)state;
	ask_down();
	str_fini(&told);
	str_fini(&sent);
	return 0;
}

static void assert_told(const char *words)
{
	core_settle();
	assert_string_equal(str_text(&told), words);
	str_clear(&told);
}

static void assert_sent(const char *words)
{
	assert_string_equal(str_text(&sent), words);
	str_clear(&sent);
}

#define ADDED   "+ GET /task/{id}, + POST /task/{id}, + /farm, "
#define REMOVED "- GET /task/{id}, - POST /task/{id}, - /farm, "

static void test_whoever_comes_first(void **state)
{
	(void)state;
	/* the routes, then the server */
	struct mu_instance *offers = ask_start(&farm);
	assert_false(route_provided());
	struct mu_instance *server = ask_start(&push);
	assert_true(route_provided());
	assert_told(ADDED);
	ask_stop(offers);
	assert_told(REMOVED);
	/* the server, then the routes */
	offers = ask_start(&farm);
	assert_told(ADDED);
	ask_stop(server);
	assert_false(route_provided());
	assert_null(route_ops());
	ask_stop(offers);
	assert_told("");
	/* and another life of both */
	ask_start(&push);
	ask_start(&farm);
	assert_told(ADDED);
}

static void test_one_server(void **state)
{
	(void)state;
	struct mu_instance *server = ask_start(&push), *second = core_instance(&push, MU_SEC);
	instance_start(second);
	core_settle();
	assert_int_equal(second->is, INSTANCE_FAILED);
	assert_int_equal(provide_result, -EBUSY);
	assert_true(route_provided());
	ask_stop(server);
	ask_start_named(&push, "push:two");
	assert_true(route_provided());
}

static void test_a_walk_over_all(void **state)
{
	const struct mu_route *row;
	struct mu_instance *owner;
	size_t count = 0;

	(void)state;
	struct mu_instance *offers = ask_start(&farm);
	for (size_t at = 0; route_next(&at, &row, &owner); count++)
		assert_ptr_equal(owner, offers);
	assert_int_equal(count, 2);
}

static int try_add(const struct mu_route *rows, const struct mu_namespace *others, struct mu_error *error)
{
	const struct mu_plugin plugin = MU_PLUGIN_INIT(other, .routes = rows, .namespaces = others);
	struct mu_instance instance = { .plugin = &plugin, .name = "other" };
	int r = route_add_instance(&instance, error);

	if (r == 0)
		route_remove_instance(&instance);
	return r;
}

static void test_conflicts(void **state)
{
	static const struct mu_route same[] = {
		{ .method = "GET", .path = "/fine", .handle = handle },
		{ .method = "GET", .path = "/task/{number}", .handle = handle },
		MU_ROUTE_END
	};
	static const struct mu_route fine[] = { { .method = "PUT", .path = "/task/{id}", .handle = handle },
						{ .method = "GET", .path = "/task/all", .handle = handle },
						MU_ROUTE_END };
	static const struct mu_namespace taken[] = { { .path = "/farm" }, MU_NAMESPACE_END };
	struct mu_error error = { 0 };
	const struct mu_route *row;
	struct mu_instance *owner;
	size_t count = 0;

	(void)state;
	ask_start(&farm);
	assert_int_equal(try_add(same, NULL, &error), -EEXIST);
	assert_non_null(strstr(error.what, "farm's already"));
	assert_int_equal(try_add(NULL, taken, &error), -EEXIST);
	assert_int_equal(try_add(fine, NULL, &error), 0);
	for (size_t at = 0; route_next(&at, &row, &owner);)
		count++;
	assert_int_equal(count, 2);
}

/* ---- the functions of <muster/http.h> ---- */

static void test_the_request(void **state)
{
	struct mu_http http = { .ops = &ops, .role = MU_ADMIN };
	const char *name;
	size_t length;

	(void)state;
	assert_string_equal(mu_http_method(&http), "GET");
	assert_string_equal(mu_http_param(&http, "id"), "7");
	assert_null(mu_http_query(&http, "id"));
	assert_null(mu_http_header(&http, "Host"));
	assert_string_equal(mu_http_header_at(&http, 0, &name), "here");
	assert_string_equal(name, "Host");
	assert_null(mu_http_header_at(&http, 1, &name));
	assert_null(mu_http_user(&http));
	assert_int_equal(mu_http_role(&http), MU_ADMIN);
	assert_null(mu_http_body(&http, &length));
	mu_http_set_data(&http, &length);
	assert_ptr_equal(mu_http_data(&http), &length);
	body = "{\"a\": 1}";
	json_t *json = mu_http_body_json(&http);
	assert_int_equal(json_get_int(json, "a", 0), 1);
	json_decref(json);
	assert_sent("");
	body = "{\"a\": ";
	assert_null(mu_http_body_json(&http));
	assert_non_null(strstr(str_text(&sent), "[400 application/problem+json"));
}

static void test_the_answer(void **state)
{
	struct mu_http http = { .ops = &ops };

	(void)state;
	mu_http_reply(&http, 200, "text/plain", "hi", 2);
	assert_sent("[200 text/plain 2]hi[end]");
	mu_http_reply_file(&http, "/srv/a.html", "text/html");
	assert_sent("/srv/a.html as text/html");
	mu_http_reply(&http, 204, NULL, NULL, 0);
	assert_sent("[204 (null) 0][end]");
	mu_http_reply_json(&http, 201, json_pack("[i, n]", 1));
	assert_sent("[201 application/json 8][1,null][end]");
	mu_http_problem(&http, 409, "lease lost", "task %d is another's", 7);
	assert_sent(
		"[409 application/problem+json 87]{\"type\":\"about:blank\",\"title\":\"lease lost\",\"status\":409,"
		"\"detail\":\"task 7 is another's\"}[end]");
	mu_http_begin(&http, 200, "text/event-stream", -1);
	write_result = 1;
	assert_int_equal(mu_sse_send(&http, "tick", "9", "a\nb\r\nc\r"), 1);
	assert_sent("[200 text/event-stream -1]id: 9\nevent: tick\ndata: a\ndata: b\ndata: c\ndata: \n\n");
	assert_int_equal(mu_sse_send(&http, "x\ndata: forged", NULL, ""), 1);
	assert_sent("event: x\ndata: \n\n");
}

static void ws_message(struct mu_instance *self, struct mu_http *http, bool binary, const void *bytes,
		       size_t length)
{
	(void)self, (void)http, (void)binary, (void)bytes, (void)length;
}

static void test_an_owner_that_is_older_than_we_are(void **state)
{
	struct mu_http http = { .ops = &ops };
	struct mu_ws_ops old = { .size = offsetof(struct mu_ws_ops, room),
				 .message = ws_message,
				 .room = (void (*)(struct mu_instance *, struct mu_http *))1 };

	(void)state;
	mu_ws_accept(&http, &old, "log", 100);
	assert_sent("log 100");
	assert_int_equal(accepted.size, sizeof(accepted));
	assert_ptr_equal(accepted.message, ws_message);
	assert_null(accepted.room); /* what lies behind its end is not read */
}

static void test_a_server_that_is_older_than_we_are(void **state)
{
	static const struct mu_http_ops old = { .size = offsetof(struct mu_http_ops, begin),
						.text = op_text,
						.begin = op_begin };
	static const struct mu_ws_ops ws = MU_WS_OPS(.message = NULL);
	const char *name = "";
	struct mu_http http = { .ops = &old };
	struct mu_sio socket = { .ops = &old };

	(void)state;
	assert_string_equal(mu_http_method(&http), "GET");
	mu_http_reply(&http, 200, "text/plain", "hi", 2);
	mu_http_set_header(&http, "A", "b");
	mu_http_on_room(&http, NULL);
	mu_http_on_gone(&http, NULL);
	mu_http_resume(&http);
	mu_ws_accept(&http, &ws, NULL, 1);
	mu_ws_close(&http, 1000, "bye");
	assert_sent("");
	assert_int_equal(mu_http_write(&http, "x", 1), -EPIPE);
	assert_int_equal(mu_ws_send(&http, false, "x", 1), -EPIPE);
	assert_int_equal(mu_sio_emit(&socket, "x", json_array()), -EPIPE);
	assert_int_equal(mu_sio_ack(&socket, 1, json_array()), -EPIPE);
	assert_null(mu_sio_user(&socket));
	assert_null(mu_http_header_at(&http, 0, &name));
	assert_null(name);
	mu_sio_join(&socket, "r");
	mu_sio_leave(&socket, "r");
	mu_sio_close(&socket);
	mu_sio_set_data(&socket, &http);
	assert_ptr_equal(mu_sio_data(&socket), &http);
}

static void test_socket_io(void **state)
{
	struct mu_sio socket = { .ops = &ops };

	(void)state;
	assert_int_equal(mu_sio_broadcast(ask_instance(), "/farm", NULL, "x", json_array()), -EPIPE);
	ask_start(&push);
	assert_int_equal(mu_sio_broadcast(ask_instance(), "/farm", NULL, "tick", json_pack("[i]", 1)), 0);
	assert_sent("asker /farm * tick 1");
	mu_sio_emit(&socket, "tock", json_array());
	assert_sent("tock -1 0");
	mu_sio_ack(&socket, 3, json_pack("[i, i]", 1, 2));
	assert_sent("ack 3 2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_that_climb_fit_nothing),
		cmocka_unit_test(test_shapes),
		TEST(test_whoever_comes_first),
		TEST(test_one_server),
		TEST(test_a_walk_over_all),
		TEST(test_conflicts),
		TEST(test_the_request),
		TEST(test_the_answer),
		TEST(test_an_owner_that_is_older_than_we_are),
		TEST(test_a_server_that_is_older_than_we_are),
		TEST(test_socket_io),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
