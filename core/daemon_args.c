/* daemon_args: musterd's command line, as collectd's. */
#include <getopt.h>
#include <stdio.h>

#include "daemon.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#ifndef MUSTER_SYSCONFDIR
#define MUSTER_SYSCONFDIR "/etc"
#endif

#define CONF_FILE MUSTER_SYSCONFDIR "/muster/musterd.conf"

enum { OPTION_DESCRIBE = 256 };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'C' }, { "test", no_argument, NULL, 't' },
	{ "read-once", no_argument, NULL, 'T' },    { "foreground", no_argument, NULL, 'f' },
	{ "pidfile", required_argument, NULL, 'P' }, { "no-basedir", no_argument, NULL, 'B' },
	{ "describe", no_argument, NULL, OPTION_DESCRIBE },
	{ "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *to)
{
	fputs("Usage: musterd [OPTION]…\n"
	      "\n"
	      "  -C, --config FILE    the configuration (" CONF_FILE ")\n"
	      "  -t, --test           check the configuration, name every error, and exit\n"
	      "  -T, --read-once      start, read every plugin once, print the values, and exit\n"
	      "  -f, --foreground     do not go to the background\n"
	      "  -P, --pidfile FILE   write the process id there\n"
	      "  -B, --no-basedir     do not make BaseDir\n"
	      "      --describe       print every table (options, kinds, commands, counters) as JSON\n"
	      "  -V, --version        print the version\n"
	      "  -h, --help           print this\n"
	      "\n"
	      "SIGHUP reads the configuration again, SIGTERM and SIGINT stop in order.\n"
	      "musterctl(1) talks to the running daemon.\n",
	      to);
}

static int one_option(int option, struct daemon_arguments *out)
{
	switch (option) {
	case 'C':
		out->conf_file = optarg;
		return 0;
	case 'P':
		out->pid_file = optarg;
		return 0;
	case 't':
		out->test = true;
		return 0;
	case 'T':
		out->read_once = out->foreground = true;
		return 0;
	case 'f':
		out->foreground = true;
		return 0;
	case 'B':
		out->no_base_dir = true;
		return 0;
	case OPTION_DESCRIBE:
		out->describe = true;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	case 'V':
		puts("musterd " PACKAGE_VERSION);
		return 1;
	default:
		fputs("Try `musterd --help`.\n", stderr);
		return 3;
	}
}

int daemon_arguments(int argc, char **argv, struct daemon_arguments *out)
{
	int option;

	*out = (struct daemon_arguments){ .conf_file = CONF_FILE, .argv = argv };
	while ((option = getopt_long(argc, argv, "C:P:tTfBhV", options, NULL)) != -1) {
		int r = one_option(option, out);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "musterd: \"%s\" is no option; musterd takes no other words. Try `musterd --help`.\n",
		        argv[optind]);
		return 3;
	}
	return 0;
}
