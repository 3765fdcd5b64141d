/* musterctl: words → one call at the daemon's control socket → its answer, as text or JSON.
 *
 * It knows no command: what the daemon describes is what can be said, so a plugin's verbs are here the day it
 * is loaded. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/words.h"
#include "complete.h"
#include "connection.h"
#include "help.h"
#include "options.h"
#include "print.h"
#include "tables.h"
#include "value.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

enum { DONE = 0, REFUSED = 1, WRONG_WORDS = 2, NO_CONNECTION = 3, UNKNOWN = 4 };
enum { PAGE = 1000, TABLE_MAX = 10000 };
#define SECOND        INT64_C(1000000000)
#define DESCRIBE_WAIT (10 * SECOND)

struct session {
	struct options options;
	struct connection connection;
	json_t *described;
	struct print print;
	/* of the call */
	json_t *request;
	const json_t *command;
	int64_t wait_ns;
};

/* ---- words to people ---- */

static void complain(const char *what, const char *where, const char *remedy)
{
	struct str text = { 0 };

	str_add(&text, "musterctl: ");
	if (where && where[0]) {
		text_safe(&text, where);
		str_add(&text, ": ");
	}
	text_safe(&text, what);
	str_add_byte(&text, '\n');
	if (remedy && remedy[0]) {
		str_add(&text, "  ");
		text_safe(&text, remedy);
		str_add_byte(&text, '\n');
	}
	fputs(str_text(&text), stderr);
	str_fini(&text);
}

/* What is printed so far goes out: before a wait, and at the end. false: nobody takes it. */
static bool flush(struct session *session)
{
	struct str *out = &session->print.out;
	c_assert(out->len == strlen(str_text(out)));
	bool good = fwrite(str_text(out), 1, out->len, stdout) == out->len && fflush(stdout) == 0;

	str_clear(out);
	if (!good)
		complain("cannot write the answer", "", strerror(errno));
	return good;
}

static int say_unreachable(const char *path, int r)
{
	char what[400];

	text_printf(what, sizeof(what), "cannot connect to %s: %s", path, strerror(-r));
	complain(what, "",
		 r == -EACCES ? "only the daemon's own user, root and its ControlGroup may"
		 : r == -ENAMETOOLONG
			 ? "the path of a socket is at most 107 bytes long"
			 : "is musterd running? Start it, or name its socket with --socket or MUSTER_SOCKET");
	return NO_CONNECTION;
}

/* The call did not come to an answer. */
static int say_lost(const struct session *session, int r)
{
	const char *effect = json_get_text(session->command, "effect");
	bool look = !effect || strcmp(effect, "look") == 0;

	if (r == -ETIMEDOUT)
		complain("no answer in time", "",
			 look ? "--timeout waits longer"
			      : "whether it was done is unknown: look before "
				"you ask again");
	else if (r == -ECONNRESET)
		complain("the daemon hung up before it answered", "",
			 look ? "is it restarting? Ask again"
			      : "whether it was done is unknown: look before you ask again");
	else
		complain("the connection failed", "", strerror(-r));
	return r == -ETIMEDOUT || !look ? UNKNOWN : NO_CONNECTION;
}

static int say_refused(const json_t *error)
{
	const char *what = json_get_text(error, "what"), *code = json_get_text(error, "code");
	json_t *all = json_object_get(error, "errors"), *one; /* of which `error` itself is the first */
	size_t i;

	if (json_array_size(all) == 0)
		complain(what ? what : "the daemon refused", json_get_text(error, "where"),
			 json_get_text(error, "remedy"));
	json_array_foreach (all, i, one) {
		what = json_get_text(one, "what");
		complain(what ? what : "the daemon refused", json_get_text(one, "where"),
			 json_get_text(one, "remedy"));
	}
	return code && strcmp(code, "ETIMEDOUT") == 0 ? UNKNOWN : REFUSED;
}

/* ---- calls ---- */

static int ask(struct session *session, void (*part)(const json_t *part, void *data), struct reply *reply)
{
	c_assert(session->request && session->wait_ns != 0);
	int r = connection_call(&session->connection, session->request, session->wait_ns, part, session,
				reply);
	if (r < 0)
		return say_lost(session, r);
	if (!reply->error)
		return DONE;
	r = say_refused(reply->error);
	reply_fini(reply);
	return r;
}

static void show_part(const json_t *part, void *data)
{
	struct session *session = data;

	if (session->options.json)
		print_json(&session->print, part);
	else
		print_part(&session->print, part);
	if (!flush(session))
		exit(REFUSED);
}

static int run_call(struct session *session)
{
	struct reply reply;
	bool stream = json_is_true(json_object_get(session->command, "stream"));
	bool dry_run = json_is_true(json_object_get(session->request, "dry_run"));
	const char *verb = json_get_text(session->command, "name"),
		   *kind = json_get_text(session->print.kind, "name");

	int r = ask(session, show_part, &reply);
	if (r != DONE)
		return r;
	bool get = verb && strcmp(verb, "get") == 0;
	if (session->options.json && get) {
		print_json_object(&session->print, reply.result);
		str_add_byte(&session->print.out, '\n');
	} else if (stream && json_is_null(reply.result)) {
		/* its parts were all there is to say */
	} else if (session->options.json) {
		print_json(&session->print, reply.result);
	} else if (get && kind && strcmp(kind, "series") == 0) {
		print_sample(&session->print, reply.result);
	} else {
		print_result(&session->print, reply.result, dry_run);
	}
	/* of a bulk verb: what could not be done is among what is printed */
	bool failed = json_array_size(json_object_get(reply.result, "failed")) > 0;
	reply_fini(&reply);
	return flush(session) && !failed ? DONE : REFUSED;
}

/* ---- lists ---- */

static json_t *list_args(struct session *session)
{
	json_t *args = json_object_get(session->request, "args");

	c_assert(!args || json_is_object(args));
	if (!args) {
		args = json_object();
		json_object_set_new(session->request, "args", args);
	}
	return args;
}

static void list_as_json(struct session *session, const json_t *items, bool first)
{
	size_t i;
	json_t *item;

	json_array_foreach (items, i, item) {
		str_add(&session->print.out, first && i == 0 ? "[\n" : ",\n");
		print_json_object(&session->print, item);
	}
}

static void list_as_table(struct session *session, const json_t *items, bool more, const json_t *total)
{
	if (json_array_size(items) == 0)
		fprintf(stderr, "no %s\n", tables_plural(session->print.kind));
	else
		print_table(&session->print, items);
	if (!more || !flush(session))
		return;
	fprintf(stderr, "the first %zu", json_array_size(items));
	if (json_is_integer(total))
		fprintf(stderr, " of %" JSON_INTEGER_FORMAT, json_integer_value(total));
	fputs("; conditions narrow it, and --json gives all\n", stderr);
}

/* All pages, unless a limit was named. A table is held whole, for its columns, and so has an end. */
static int run_list(struct session *session)
{
	json_t *args = list_args(session), *all = json_array(), *total = NULL;
	bool limited = json_object_get(args, "limit") != NULL, more = true, json = session->options.json;
	size_t shown = 0;
	int r = DONE;

	if (!limited)
		json_object_set_new(args, "limit", json_integer(PAGE));
	while (r == DONE && more && (json || json_array_size(all) < TABLE_MAX)) {
		struct reply reply;
		r = ask(session, NULL, &reply);
		if (r != DONE)
			break;
		const json_t *items = json_object_get(reply.result, "items");
		json_t *next = json_object_get(reply.result, "next");
		more = json_is_string(next) && json_array_size(items) > 0;
		if (json)
			list_as_json(session, items, shown == 0);
		else
			json_array_extend(all, (json_t *)(uintptr_t)items);
		shown += json_array_size(items);
		json_object_set(args, "after", more ? next : json_null());
		json_decref(total);
		total = json_incref(json_object_get(reply.result, "total"));
		reply_fini(&reply);
		if (json && !flush(session))
			r = REFUSED;
		if (limited)
			break;
	}
	if (r == DONE && json)
		str_add(&session->print.out, shown ? "\n]\n" : "[]\n");
	else if (r == DONE)
		list_as_table(session, all, more && !limited, total);
	json_decref(total);
	json_decref(all);
	return r == DONE && !flush(session) ? REFUSED : r;
}

/* ---- from words to a call ---- */

/* "series list 'cpu*'": in a list, a word that is no condition is a glob for the id. Returns what was made,
 * to be freed. */
static char *glob_word(struct options *options)
{
	const char **words = options->words;

	if (options->word_count < 3 || strcmp(words[1], "list") != 0 || words[2][0] == '-' ||
	    strpbrk(words[2], "=<>~!"))
		return NULL;
	char *condition = mem_printf("id~%s", words[2]);
	words[2] = condition;
	return condition;
}

static void set_wait(struct session *session)
{
	const json_t *deadline = json_object_get(session->request, "deadline");
	double seconds = session->options.timeout;

	if (seconds > 0 && !deadline)
		json_object_set_new(session->request, "deadline", json_real(seconds));
	else if (deadline)
		seconds = json_number_value(deadline);
	else
		seconds = json_number_value(json_object_get(session->command, "deadline"));
	/* the daemon's own word about it comes first */
	session->wait_ns = (int64_t)((seconds > 0 ? seconds : 10) * (double)SECOND) + 2 * SECOND;
	if (json_is_true(json_object_get(session->command, "stream")))
		session->wait_ns = -1;
}

static int run_words(struct session *session)
{
	struct options *options = &session->options;
	struct words_problem problem;
	char *glob = glob_word(options);

	session->request = words_to_request(session->described, options->words, options->word_count,
					    &problem);
	free(glob);
	if (!session->request) {
		complain(problem.what, "", problem.remedy);
		return WRONG_WORDS;
	}
	const char *verb = json_get_text(session->request, "verb");
	session->print.kind = tables_kind(session->described, json_get_text(session->request, "kind"));
	session->command = tables_command(session->print.kind, verb);
	c_assert(session->print.kind && session->command); /* what words found there */
	set_wait(session);
	return verb && strcmp(verb, "list") == 0 ? run_list(session) : run_call(session);
}

static int run_help(struct session *session)
{
	const char **words = session->options.words;
	size_t count = session->options.word_count;

	if (help_print(&session->print, session->described, count > 1 ? words[1] : NULL,
		       count > 2 ? words[2] : NULL) < 0) {
		complain("there is no such kind or command", "", "musterctl help shows them all");
		return WRONG_WORDS;
	}
	return flush(session) ? DONE : REFUSED;
}

/* ---- the daemon's tables ---- */

static int describe(struct session *session)
{
	struct reply reply;

	session->request = json_pack("{s:s, s:s}", "kind", "daemon", "verb", "describe");
	session->wait_ns = session->options.timeout > 0 ? (int64_t)(session->options.timeout * (double)SECOND)
							: DESCRIBE_WAIT;
	int r = ask(session, NULL, &reply);
	json_decref(session->request);
	session->request = NULL;
	if (r != DONE)
		return r;
	session->described = json_incref(reply.result);
	reply_fini(&reply);
	return DONE;
}

/* Options of our own among the words typed so far are none of the daemon's business. */
static size_t drop_own(const char **words, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;
		if (!last && (strcmp(words[i], "--socket") == 0 || strcmp(words[i], "--timeout") == 0))
			i++;
		else if (last || (strcmp(words[i], "--json") != 0 && strcmp(words[i], "--no-color") != 0))
			words[kept++] = words[i];
	}
	return kept;
}

static int run_complete(struct session *session)
{
	const char **words = session->options.words + 1;
	size_t count = session->options.word_count - 1;
	struct reply reply;

	if (count > 0 && strcmp(words[0], "--") == 0) {
		words++;
		count--;
	}
	count = drop_own(words, count);
	session->described = json_object();
	bool open = connection_open(&session->connection, session->options.socket) == 0;
	json_t *request = json_pack("{s:s, s:s}", "kind", "daemon", "verb", "describe");
	if (open && connection_call(&session->connection, request, 2 * SECOND, NULL, NULL, &reply) == 0) {
		if (reply.result)
			json_object_update(session->described, reply.result);
		reply_fini(&reply);
	}
	json_decref(request);
	complete_print(&session->print.out, open ? &session->connection : NULL, session->described, words,
		       count);
	return flush(session) ? DONE : REFUSED;
}

static int run(struct session *session)
{
	struct options *options = &session->options;

	if (options->help || (options->word_count == 0 && !options->version)) {
		fputs(options_usage, options->help ? stdout : stderr);
		return options->help ? DONE : WRONG_WORDS;
	}
	if (options->version) {
		puts("musterctl " PACKAGE_VERSION);
		return DONE;
	}
	if (strcmp(options->words[0], "complete") == 0)
		return run_complete(session);
	int r = connection_open(&session->connection, options->socket);
	if (r < 0)
		return say_unreachable(options->socket, r);
	r = describe(session);
	if (r != DONE)
		return r;
	return strcmp(options->words[0], "help") == 0 ? run_help(session) : run_words(session);
}

static size_t terminal_width(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int main(int argc, char **argv)
{
	static struct session session;
	char problem[256];
	int r = WRONG_WORDS;

	session.connection.fd = -1;
	if (options_parse(&session.options, argc, argv, problem) < 0) {
		complain(problem, "", "musterctl --help shows the options");
	} else {
		session.print.colour = session.options.colour;
		session.print.width = terminal_width();
		r = run(&session);
	}
	json_decref(session.request);
	json_decref(session.described);
	connection_close(&session.connection);
	str_fini(&session.print.out);
	options_fini(&session.options);
	return r;
}
