/* test_ctl: the control socket with real calls behind it: what a client may send, and what it cannot make us
 * hold. */
#include "ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "core_up.h"
#include "ctl_client.h"
#include "log.h"
#include "loop.h"

static char dir[64], path[100];

/* ---- a plugin with verbs ---- */

struct say_args {
	const char *text;
	int64_t times;
};
static const struct mu_option say_args[] = {
	MU_OPT_STRING(struct say_args, text, .name = "text", .dflt = "x"),
	MU_OPT_INT(struct say_args, times, .name = "times", .dflt = "1", .min = 1, .max = 1000000), MU_OPT_END
};

static struct mu_call *held[300];
static size_t held_count, gone_count;

static void run_say(struct mu_instance *self, struct mu_call *call)
{
	const struct say_args *args = mu_call_args(call);
	struct str text = { 0 };

	(void)self;
	for (int64_t i = 0; i < args->times; i++)
		str_add(&text, args->text);
	mu_reply(call, json_pack("{s:s, s:s, s:s}", "text", str_text(&text), "user", mu_call_user(call),
				 "source", mu_call_source(call)));
	str_fini(&text);
}

static void hold_gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	gone_count++;
	mu_reply(call, NULL);
}

static void run_hold(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_call_on_gone(call, hold_gone);
	held[held_count++] = call;
}

static void run_count(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	int64_t i = (int64_t)(intptr_t)mu_call_data(call);
	while (i < 100)
		if (mu_reply_part(call, json_integer(i++)) != 0)
			break;
	mu_call_set_data(call, (void *)(intptr_t)i);
	mu_call_on_room(call, run_count);
	mu_call_on_gone(call, hold_gone);
	if (i == 100)
		mu_reply(call, json_string("counted"));
}

static const struct mu_kind kinds[] = { { .name = "parrot", .plural = "parrots", .help = "says things" },
					MU_KIND_END };
static const struct mu_command commands[] = {
	{ .kind = "parrot",
	  .name = "say",
	  .flags = MU_ON_KIND,
	  .effect = MU_LOOK,
	  .args = say_args,
	  .args_size = sizeof(struct say_args),
	  .run = run_say },
	{ .kind = "parrot", .name = "hold", .flags = MU_ON_KIND, .effect = MU_LOOK, .run = run_hold },
	{ .kind = "parrot",
	  .name = "count",
	  .flags = MU_ON_KIND | MU_STREAM,
	  .effect = MU_LOOK,
	  .run = run_count },
	{ .kind = "parrot", .name = "teach", .flags = MU_ON_KIND, .effect = MU_CHANGE, .run = run_hold },
	MU_COMMAND_END
};
static const struct mu_plugin plugin = MU_PLUGIN_INIT(parrot, .kinds = kinds, .commands = commands);
static struct mu_instance *parrot;

/* ---- clients ---- */

struct client {
	int fd;
	struct str in;
	bool over; /* the daemon hung up */
};

static struct client client_open(void)
{
	struct client client = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	text_copy(address.sun_path, sizeof(address.sun_path), path);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	core_settle();
	return client;
}

static void client_close(struct client *client)
{
	close(client->fd);
	str_fini(&client->in);
	core_settle();
	core_settle();
}

static void client_read(struct client *client)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(client->fd, bytes, sizeof(bytes))) > 0)
		str_add_n(&client->in, bytes, (size_t)n);
	client->over |= n == 0 || (n < 0 && errno == ECONNRESET);
}

/* ' stands for " */
static void client_send(struct client *client, const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	for (size_t at = 0, length = strlen(copy); at < length;) {
		ssize_t n = send(client->fd, copy + at, length - at, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
		at += n > 0 ? (size_t)n : 0;
		core_settle();
	}
	free(copy);
	core_settle();
	core_settle();
}

struct wait {
	struct client *client;
	size_t lines;
};

static size_t count_lines(const struct str *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->len; i++)
		count += text->data[i] == '\n';
	return count;
}

static bool have_lines(void *data)
{
	struct wait *wait = data;

	client_read(wait->client);
	return wait->client->over || count_lines(&wait->client->in) >= wait->lines;
}

/* All that was answered, once it is `lines` lines; ' for ". */
static const char *client_lines(struct client *client, size_t lines)
{
	static struct str got;

	core_until(have_lines, &(struct wait){ client, lines });
	str_clear(&got);
	str_add(&got, str_text(&client->in));
	str_clear(&client->in);
	for (size_t i = 0; i < got.len; i++)
		if (got.data[i] == '"')
			got.data[i] = '\'';
	assert_int_equal(count_lines(&got), lines);
	const char *text = str_text(&got);
	return text;
}

static void answers(struct client *client, const char *text, const char *expected)
{
	client_send(client, text);
	assert_string_equal(
		client_lines(client, count_lines(&(struct str){ .data = (char *)(uintptr_t)expected,
								.len = strlen(expected) })),
		expected);
}

static bool is_over(void *data)
{
	client_read(data);
	return ((struct client *)data)->over;
}

/* ---- life ---- */

static int begin_all(void **state)
{
	(void)state;
	core_up();
	assert_int_equal(log_open("/dev/null"), 0);
	text_copy(dir, sizeof(dir), "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(dir));
	text_printf(path, sizeof(path), "%s/musterd.sock", dir);
	parrot = core_instance(&plugin, MU_SEC);
	instance_start(parrot);
	core_settle();
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	instance_stop(parrot, MU_STOP_END);
	core_settle();
	core_down();
	return rmdir(dir);
}

static int begin(void **state)
{
	struct mu_error error = { 0 };

	(void)state;
	held_count = gone_count = 0;
	assert_int_equal(ctl_open(parrot, path, "", &error), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ctl_close();
	core_settle();
	core_settle();
	assert_int_equal(ctl_clients(), 0);
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

/* ---- the file ---- */

static void everybody_or_a_group_may_connect(void **state)
{
	struct mu_error error = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	ctl_close();
	core_settle();
	assert_int_equal(ctl_open(parrot, path, "no-such-group", &error), -ENOENT);
	assert_non_null(strstr(error.remedy, "ControlGroup"));
	assert_int_equal(access(path, F_OK), -1);
	error = (struct mu_error){ 0 };
	if (geteuid() == 0) {
		assert_int_equal(ctl_open(parrot, path, "daemon", &error), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660);
		assert_int_not_equal(st.st_gid, 0);
	} else {
		assert_int_equal(ctl_open(parrot, path, NULL, &error), 0);
	}
}

static void a_living_socket_is_left_alone_a_dead_one_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct mu_error error = { 0 };

	(void)state;
	ctl_close();
	core_settle();
	text_copy(address.sun_path, sizeof(address.sun_path), path);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(ctl_open(parrot, path, "", &error), -EADDRINUSE);
	assert_non_null(strstr(error.what, "another daemon answers"));
	assert_int_equal(access(path, F_OK), 0);
	close(other); /* as when it dies: the file stays */
	assert_int_equal(ctl_open(parrot, path, "", &error), 0);
	struct client client = client_open();
	answers(&client, "{'id':1,'kind':'parrot','verb':'list'}\n",
		"{'id':1,'result':{'items':[],'next':null,'total':0}}\n");
	client_close(&client);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct mu_error error = { 0 };
	char longer[200];

	(void)state;
	ctl_close();
	core_settle();
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(ctl_open(parrot, path, "", &error), -EEXIST);
	assert_int_equal(unlink(path), 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	error = (struct mu_error){ 0 };
	assert_int_equal(ctl_open(parrot, longer, "", &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.remedy, "shorter"));
	error = (struct mu_error){ 0 };
	assert_int_equal(ctl_open(parrot, "/no/such/folder/x.sock", "", &error), -ENOENT);
	assert_non_null(strstr(error.what, "/no/such/folder/x.sock"));
}

static void anothers_file_stays_when_we_close(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ctl_close();
	core_settle();
	assert_int_equal(unlink(path), 0);
}

/* ---- calls ---- */

static void a_call_is_answered_with_its_id(void **state)
{
	char expected[128];
	struct client client = client_open();

	(void)state;
	assert_int_equal(ctl_clients(), 1);
	if (geteuid() == 0)
		text_copy(expected, sizeof(expected),
			  "{'id':7,'result':{'text':'hihi','user':'root','source':'ctl'}}\n");
	else
		text_printf(expected, sizeof(expected),
			    "{'id':7,'result':{'text':'hihi','user':'uid %u','source':'ctl'}}\n", geteuid());
	answers(&client, "{'id':7,'kind':'parrot','verb':'say','args':{'text':'hi','times':2}}\n", expected);
	client_send(&client, "{'id':8,'kind':'parot','verb':'say'}\n");
	const char *line = client_lines(&client, 1);
	assert_non_null(strstr(line, "{'id':8,'error':{'code':'ENOENT','what':"));
	assert_non_null(strstr(line, "parrot"));
	client_close(&client);
	assert_int_equal(ctl_clients(), 0);
}

static void lines_come_in_any_pieces(void **state)
{
	static const char text[] =
		"{'id':1,'kind':'parrot','verb':'list'}\r\n\n{'id':2,'kind':'parrot','verb':'list'}\n";
	struct client client = client_open();

	(void)state;
	for (size_t i = 0; text[i]; i++)
		client_send(&client, (char[]){ text[i], '\0' });
	client_send(&client, text);
	assert_string_equal(client_lines(&client, 4),
			    "{'id':1,'result':{'items':[],'next':null,'total':0}}\n"
			    "{'id':2,'result':{'items':[],'next':null,'total':0}}\n"
			    "{'id':1,'result':{'items':[],'next':null,'total':0}}\n"
			    "{'id':2,'result':{'items':[],'next':null,'total':0}}\n");
	client_send(&client, "{'id':3,'kind':");
	client_close(&client); /* half a line is nothing */
	assert_int_equal(ctl_clients(), 0);
}

static void nonsense_is_refused_and_the_next_line_heard(void **state)
{
	struct client client = client_open();

	(void)state;
	struct ctl_stats before, after;

	ctl_stats(&before);
	client_send(&client, "hello\n{'id':3,'verbs':'x'}\n{'id':4,'kind':'parrot','verb':'list'}\n");
	const char *lines = client_lines(&client, 3);
	assert_non_null(strstr(lines, "{'error':{'code':'EINVAL','what':'this is no JSON"));
	assert_non_null(strstr(
		lines, "{'id':3,'error':{'code':'EINVAL','what':'a request has no member \\'verbs\\''"));
	assert_non_null(strstr(lines, "did you mean \\'verb\\'?"));
	assert_non_null(strstr(lines, "{'id':4,'result'"));
	ctl_stats(&after);
	assert_int_equal(after.clients, 1);
	assert_int_equal(after.lines_refused - before.lines_refused, 2);
	client_close(&client);
}

static void an_endless_line_ends_the_connection(void **state)
{
	struct client client = client_open();
	char *text = malloc(CTL_LINE_MAX + 2);

	(void)state;
	/* exactly as long as may be: blanks around a request */
	memset(text, ' ', CTL_LINE_MAX + 2);
	memcpy(text, "{'id':1,'kind':'parrot','verb':'list'}", 38);
	text[CTL_LINE_MAX] = '\n';
	text[CTL_LINE_MAX + 1] = '\0';
	client_send(&client, text);
	assert_non_null(strstr(client_lines(&client, 1), "'result'"));
	text[CTL_LINE_MAX] = ' ';
	client_send(&client, text);
	assert_non_null(strstr(client_lines(&client, 1), "EMSGSIZE"));
	core_until(is_over, &client);
	assert_int_equal(ctl_clients(), 0);
	free(text);
	client_close(&client);
}

static void open_calls_have_a_limit_and_can_be_cancelled(void **state)
{
	struct client client = client_open();
	char line[80];

	(void)state;
	for (int i = 0; i < CTL_CALLS_MAX; i++) {
		text_printf(line, sizeof(line), "{'id':%d,'kind':'parrot','verb':'hold'}\n", i);
		client_send(&client, line);
	}
	assert_int_equal(held_count, CTL_CALLS_MAX);
	client_send(&client,
		    "{'id':900,'kind':'parrot','verb':'hold'}\n{'id':5,'kind':'parrot','verb':'hold'}\n");
	const char *lines = client_lines(&client, 2);
	assert_non_null(strstr(lines, "{'id':900,'error':{'code':'EBUSY'"));
	assert_non_null(strstr(lines, "{'id':5,'error':{'code':'EEXIST'"));
	client_send(&client, "{'id':5,'cancel':true}\n{'id':5,'cancel':true}\n{'id':12345,'cancel':true}\n");
	assert_non_null(strstr(client_lines(&client, 1), "{'id':5,'error':{'code':'ECANCELED'"));
	assert_int_equal(gone_count, 1);
	mu_reply(held[6], json_true());
	core_settle();
	assert_string_equal(client_lines(&client, 1), "{'id':6,'result':true}\n");
	/* hanging up cancels all the others */
	client_close(&client);
	assert_int_equal(gone_count, CTL_CALLS_MAX - 1);
	assert_int_equal(ctl_clients(), 0);
}

static void a_stream_waits_for_credit(void **state)
{
	struct client client = client_open();

	(void)state;
	client_send(&client, "{'id':1,'kind':'parrot','verb':'count'}\n");
	const char *lines = client_lines(&client, 64);
	assert_non_null(strstr(lines, "{'id':1,'part':0}\n{'id':1,'part':1}\n"));
	assert_non_null(strstr(lines, "{'id':1,'part':63}\n"));
	client_send(&client, "{'id':1,'credit':10}\n");
	assert_non_null(strstr(client_lines(&client, 10), "{'id':1,'part':73}\n"));
	client_send(&client, "{'id':1,'credit':1000}\n");
	assert_non_null(
		strstr(client_lines(&client, 27), "{'id':1,'part':99}\n{'id':1,'result':'counted'}\n"));
	client_close(&client);
}

/* ---- limits ---- */

static void who_does_not_read_is_closed(void **state)
{
	struct client client = client_open();

	(void)state;
	/* 1 MB each: what the socket holds, and then 4 MiB here */
	for (int i = 0; i < 12 && ctl_clients() > 0; i++)
		client_send(
			&client,
			"{'id':1,'kind':'parrot','verb':'say','args':{'text':'0123456789','times':100000}}\n");
	core_settle();
	assert_int_equal(ctl_clients(), 0);
	client_close(&client);
}

static void one_long_answer_is_no_sin(void **state)
{
	struct client client = client_open();

	(void)state;
	client_send(&client,
		    "{'id':1,'kind':'parrot','verb':'say','args':{'text':'0123456789','times':600000}}\n");
	const char *line = client_lines(&client, 1);
	assert_true(strlen(line) > 6000000);
	client_close(&client);
}

static void there_is_room_for_so_many(void **state)
{
	struct client clients[CTL_CLIENTS_MAX];

	(void)state;
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		clients[i] = client_open();
	assert_int_equal(ctl_clients(), CTL_CLIENTS_MAX);
	struct ctl_stats before, after;
	ctl_stats(&before);
	struct client late = client_open();
	assert_non_null(strstr(client_lines(&late, 1), "{'error':{'code':'EMFILE'"));
	ctl_stats(&after);
	assert_int_equal(after.clients_refused - before.clients_refused, 1);
	assert_int_equal(after.lines_refused, before.lines_refused);
	core_until(is_over, &late);
	client_close(&late);
	client_close(&clients[0]);
	late = client_open();
	answers(&late, "{'id':1,'kind':'parrot','verb':'list'}\n",
		"{'id':1,'result':{'items':[],'next':null,'total':0}}\n");
	client_close(&late);
	for (int i = 1; i < CTL_CLIENTS_MAX; i++)
		client_close(&clients[i]);
}

static void viewers_cannot_shut_out_admins(void **state)
{
	struct client viewers[CTL_CLIENTS_MAX - CTL_ADMINS_KEPT];

	(void)state;
	assert_int_equal(ctl_role(0, 1000), MU_ADMIN);
	assert_int_equal(ctl_role(1000, 1000), MU_ADMIN);
	assert_int_equal(ctl_role(1001, 1000), MU_VIEWER);
	assert_int_equal(ctl_role((uid_t)-1, 1000), MU_VIEWER);
	if (geteuid() != 0 || chmod(dir, 0755) < 0)
		return; /* only root can be somebody else */
	for (size_t i = 0; i < MU_ARRAY_LEN(viewers); i++) {
		viewers[i].fd = -1;
		assert_int_equal(seteuid(65534), 0);
		/* the peer is who connects; the daemon looks when it accepts */
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		text_copy(address.sun_path, sizeof(address.sun_path), path);
		viewers[i] = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) };
		assert_int_equal(connect(viewers[i].fd, (struct sockaddr *)&address, sizeof(address)), 0);
		assert_int_equal(seteuid(0), 0);
		core_settle();
	}
	assert_int_equal(ctl_clients(), MU_ARRAY_LEN(viewers));
	client_send(&viewers[0],
		    "{'id':1,'kind':'parrot','verb':'teach'}\n{'id':2,'kind':'parrot','verb':'say'}\n");
	const char *lines = client_lines(&viewers[0], 2);
	assert_non_null(strstr(lines, "{'id':1,'error':{'code':'EACCES'"));
	assert_non_null(strstr(lines, "'user':'uid 65534'"));
	assert_int_equal(seteuid(65534), 0);
	struct client late = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	text_copy(address.sun_path, sizeof(address.sun_path), path);
	assert_int_equal(connect(late.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(client_lines(&late, 1), "EMFILE"));
	client_close(&late);
	struct client admin = client_open();
	assert_int_equal(ctl_clients(), MU_ARRAY_LEN(viewers) + 1);
	client_close(&admin);
	for (size_t i = 0; i < MU_ARRAY_LEN(viewers); i++)
		client_close(&viewers[i]);
}

/* ---- one line ---- */

static void refused(const char *line, const char *what, int64_t id)
{
	struct ctl_request request;
	struct mu_error error = { 0 };
	char *copy = strdup(line);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	assert_int_equal(ctl_parse(copy, strlen(copy), &request, &error), -EINVAL);
	if (!strstr(error.what, what))
		fail_msg("%s: %s", line, error.what);
	assert_int_equal(request.id, id);
	ctl_request_fini(&request);
	free(copy);
}

static void a_line_says_what_is_wrong_with_it(void **state)
{
	struct ctl_request request;
	struct mu_error error = { 0 };
	static const char good[] =
		"{\"id\":0,\"kind\":\"a\",\"verb\":\"b\",\"ids\":[\"x\"],\"args\":{},\"match\":{},"
		"\"dry_run\":true,\"key\":\"k\",\"deadline\":0.5}";

	(void)state;
	assert_int_equal(ctl_parse(good, strlen(good), &request, &error), 0);
	assert_int_equal(request.id, 0);
	ctl_request_fini(&request);
	refused("", "no JSON", -1);
	refused("[]", "a request is a JSON object", -1);
	refused("{}", "needs an \"id\"", -1);
	refused("{'id':-1}", "a whole number", -1);
	refused("{'id':'x'}", "a whole number", -1);
	refused("{'id':1}", "needs a \"kind\"", 1);
	refused("{'id':1,'kind':'a'}", "needs a \"kind\"", 1);
	refused("{'id':1,'kind':'','verb':'b'}", "\"kind\" of a request must be text", 1);
	refused("{'id':1,'kind':'a\\u0000b','verb':'b'}", "", -1);
	refused("{'id':1,'kind':'a','verb':'b','ids':['x',1]}", "an array of texts", 1);
	refused("{'id':1,'kind':'a','verb':'b','args':[]}", "must be an object", 1);
	refused("{'id':1,'kind':'a','verb':'b','deadline':0}", "number of seconds", 1);
	refused("{'id':1,'kind':'a','verb':'b','deadline':1e300}", "number of seconds", 1);
	refused("{'id':1,'kind':'a','verb':'b','role':3}", "no member \"role\"", 1);
	refused("{'id':1,'credit':1e6}", "a whole number", 1);
	refused("{'id':1,'credit':2000000}", "at most", 1);
	refused("{'id':1,'cancel':1}", "true or false", 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_is_wrong_with_it),
		test(everybody_or_a_group_may_connect),
		test(a_living_socket_is_left_alone_a_dead_one_replaced),
		test(what_is_no_socket_is_left_alone),
		test(anothers_file_stays_when_we_close),
		test(a_call_is_answered_with_its_id),
		test(lines_come_in_any_pieces),
		test(nonsense_is_refused_and_the_next_line_heard),
		test(an_endless_line_ends_the_connection),
		test(open_calls_have_a_limit_and_can_be_cancelled),
		test(a_stream_waits_for_credit),
		test(who_does_not_read_is_closed),
		test(one_long_answer_is_no_sin),
		test(there_is_room_for_so_many),
		test(viewers_cannot_shut_out_admins),
	};
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
