/* options: what is said to musterctl itself. They may stand anywhere before "--", for people write them
 * last. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slurp.h"
#include "base/str.h"

#ifndef MUSTER_LOCALSTATEDIR
#define MUSTER_LOCALSTATEDIR "/usr/local/var"
#endif
#define SOCKET_DEFAULT MUSTER_LOCALSTATEDIR "/lib/muster/musterd.sock"

const char options_usage[] =
	"Usage: musterctl [OPTION …] KIND VERB [ID …] [KEY=VALUE …]\n"
	"\n"
	"  musterctl status                        how the daemon is\n"
	"  musterctl plugin list                   what runs; also start, stop, reload ID\n"
	"  musterctl series list 'GLOB'            what is measured; also get ID, watch GLOB\n"
	"  musterctl event list 'severity=failure' what happened; also follow\n"
	"  musterctl reload --dry-run              what a new configuration would change\n"
	"  musterctl help [KIND [VERB]]            all that this daemon can do\n"
	"\n"
	"A list takes conditions: state=failed, cpu>=5, id~'web*'; sort=KEY or sort=-KEY; limit=N.\n"
	"\n"
	"  --socket PATH   where the daemon listens (MUSTER_SOCKET, or " SOCKET_DEFAULT ")\n"
	"  --json          as JSON: a list as an array, a stream as a line each\n"
	"  --no-color      no colours; they are for terminals only, and NO_COLOR is heeded\n"
	"  --timeout S     seconds to wait for an answer, in place of the command's own deadline\n"
	"  --dry-run       say what a command would do, where it can\n"
	"  --match COND    all objects that fit, in place of ids, where a command can\n"
	"  --help, --version\n"
	"\n"
	"Exit: 0 done, 1 the daemon refused, 2 wrong words, 3 no connection, 4 outcome unknown.\n";

static bool colour_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

/* "--name VALUE" and "--name=VALUE". 1 = it is this option; 0 another; <0 its value is missing. */
static int take_value(const char *name, int argc, char **argv, int *at, const char **value, char problem[256])
{
	size_t length = strlen(name);

	if (strncmp(argv[*at], name, length) != 0 || (argv[*at][length] && argv[*at][length] != '='))
		return 0;
	*value = argv[*at][length] ? argv[*at] + length + 1 : *at + 1 < argc ? argv[++*at] : "";
	if ((*value)[0])
		return 1;
	text_printf(problem, 256, "%s needs a value", name);
	return -EINVAL;
}

static int parse_timeout(const char *word, double *seconds, char problem[256])
{
	const char *p = word;

	if (scan_double(&p, seconds) == 0 && *p == '\0' && *seconds > 0 && *seconds <= 604800)
		return 0;
	text_printf(problem, 256, "--timeout: \"%.100s\" is not a number of seconds", word);
	return -EINVAL;
}

/* 1 = it was one of ours; 0 it is a word. */
static int parse_one(struct options *options, int argc, char **argv, int *at, char problem[256])
{
	const char *value;
	int r = take_value("--socket", argc, argv, at, &value, problem);

	if (r != 0) {
		if (r > 0)
			options->socket = value;
		return r;
	}
	r = take_value("--timeout", argc, argv, at, &value, problem);
	if (r != 0)
		return r < 0 || (r = parse_timeout(value, &options->timeout, problem)) < 0 ? r : 1;
	if (strcmp(argv[*at], "--json") == 0)
		options->json = true;
	else if (strcmp(argv[*at], "--no-color") == 0 || strcmp(argv[*at], "--no-colour") == 0)
		options->colour = false;
	else if (strcmp(argv[*at], "--help") == 0 || strcmp(argv[*at], "-h") == 0)
		options->help = true;
	else if (strcmp(argv[*at], "--version") == 0)
		options->version = true;
	else
		return 0;
	return 1;
}

int options_parse(struct options *options, int argc, char **argv, char problem[256])
{
	const char *socket = getenv("MUSTER_SOCKET");
	bool ours = true;

	c_assert(options && argv && problem);
	*options = (struct options){ .socket = socket && socket[0] ? socket : SOCKET_DEFAULT,
				     .colour = colour_wanted() };
	options->words = mem_array((size_t)argc + 1, sizeof(*options->words));
	for (int at = 1; at < argc; at++) {
		int r = ours ? parse_one(options, argc, argv, &at, problem) : 0;
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (strcmp(argv[at], "--") == 0)
			ours = false; /* and words wants to see it, too */
		options->words[options->word_count++] = argv[at];
	}
	return 0;
}

void options_fini(struct options *options)
{
	c_assert(options);
	free(options->words);
	options->words = NULL;
}
