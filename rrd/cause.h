/* cause: why a file could not be written, as one of a few that a person can do something about. Pure. */
#ifndef RRD_CAUSE_H
#define RRD_CAUSE_H

#include <stdbool.h>

enum cause {
	CAUSE_NONE,
	CAUSE_FULL,     /* no space, or over quota */
	CAUSE_READONLY, /* file system mounted read-only */
	CAUSE_DENIED,   /* permissions */
	CAUSE_IO,       /* the disk says so */
	CAUSE_FOREIGN,  /* what lies at the path is no RRD file, or a broken one */
	CAUSE_MISMATCH, /* an RRD file with other data sources */
	CAUSE_AHEAD,    /* the file's last update is in the future */
	CAUSE_LOCKED,   /* another process reads or writes it just now */
	CAUSE_NAME,     /* no path can be made of the series' name */
	CAUSE_BUSY,     /* too many writes hang already */
	CAUSE_OTHER,
	CAUSES
};

/* "full", for logs and tests. */
const char *cause_name(enum cause cause);
/* "the disk is full": the middle of a sentence; and what to do about it, as a clause of its own. */
const char *cause_words(enum cause cause);
const char *cause_remedy(enum cause cause);
/* May a later try succeed with the same values? */
bool cause_keeps(enum cause cause);

/* From errno, > 0. CAUSE_OTHER when it says nothing. */
enum cause cause_of_errno(int code);
/* From librrd's own sentence; in its calls errno is not to be trusted. */
enum cause cause_of_text(const char *text);
/* Does librrd's sentence say that there is no file? */
bool cause_is_missing(const char *text);

#endif
