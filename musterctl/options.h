/* options: what is said to musterctl itself; all other words are for the daemon. */
#ifndef MUSTERCTL_OPTIONS_H
#define MUSTERCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	const char *socket;
	bool json, colour, help, version;
	double timeout; /* seconds; 0 = the command's own */
	const char **words; /* what is left, in order */
	size_t word_count;
};
/* 0, or -EINVAL and a sentence in `problem`. */
int options_parse(struct options *options, int argc, char **argv, char problem[256]);
void options_fini(struct options *options);
extern const char options_usage[];

#endif
