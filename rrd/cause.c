/* cause: librrd tells its troubles in words only, some with strerror's at the end, so words are what is
 * looked at: those of librrd 1.4 to 1.9. */
#include "cause.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *words, *remedy;
	bool keeps;
} causes[CAUSES] = {
	[CAUSE_NONE] = { "none", "nothing is wrong", "nothing is to be done", true },
	[CAUSE_FULL] = { "full", "the disk is full", "make room on it", true },
	[CAUSE_READONLY] = { "read-only", "the file system is read-only", "mount it for writing", true },
	[CAUSE_DENIED] = { "denied", "permission is denied", "make DataDir belong to the daemon's user",
			   true },
	[CAUSE_IO] = { "io", "the disk reports errors", "look at the kernel's log", true },
	[CAUSE_FOREIGN] = { "foreign", "what lies in its place is no RRD file that can be read",
			    "move it away", true },
	[CAUSE_MISMATCH] = { "mismatch", "the RRD file there has other data sources",
			     "move it away, or bring it in line with types.db", true },
	[CAUSE_AHEAD] = { "ahead", "the file's last update is ahead of the clock",
			  "set the clock right, or move the file away", false },
	[CAUSE_LOCKED] = { "locked", "another process holds the file locked", "find out who", true },
	[CAUSE_NAME] = { "name", "no path can be made of the series' name", "give the series another name",
			 false },
	[CAUSE_BUSY] = { "busy", "too many writes hang already", "look at the disk", true },
	[CAUSE_OTHER] = { "other", "librrd refuses", "see its words", true },
};

const char *cause_name(enum cause cause)
{
	assert((unsigned)cause < CAUSES);
	return causes[cause].name;
}

const char *cause_words(enum cause cause)
{
	assert((unsigned)cause < CAUSES);
	return causes[cause].words;
}

const char *cause_remedy(enum cause cause)
{
	assert((unsigned)cause < CAUSES);
	return causes[cause].remedy;
}

bool cause_keeps(enum cause cause)
{
	assert((unsigned)cause < CAUSES);
	return causes[cause].keeps;
}

enum cause cause_of_errno(int code)
{
	assert(code > 0);
	switch (code) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return CAUSE_FULL;
	case EROFS:
		return CAUSE_READONLY;
	case EACCES:
	case EPERM:
		return CAUSE_DENIED;
	case EIO:
	case ESTALE:
	case ENXIO:
		return CAUSE_IO;
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
		return CAUSE_FOREIGN;
	case ENAMETOOLONG:
		return CAUSE_NAME;
	default:
		return CAUSE_OTHER;
	}
}

enum cause cause_of_text(const char *text)
{
	static const struct {
		const char *part;
		enum cause cause;
	} parts[] = {
		{ "No space left on device", CAUSE_FULL },
		{ "quota exceeded", CAUSE_FULL },
		{ "File too large", CAUSE_FULL },
		{ "Read-only file system", CAUSE_READONLY },
		{ "Permission denied", CAUSE_DENIED },
		{ "Operation not permitted", CAUSE_DENIED },
		{ "Input/output error", CAUSE_IO },
		{ "Stale file handle", CAUSE_IO },
		{ "could not lock", CAUSE_LOCKED },
		{ "is not an RRD file", CAUSE_FOREIGN },
		{ "while loading header", CAUSE_FOREIGN },
		{ "short read while reading header", CAUSE_FOREIGN },
		{ "is too small", CAUSE_FOREIGN },
		{ "on another architecture", CAUSE_FOREIGN },
		{ "handle RRD file version", CAUSE_FOREIGN },
		{ "mmaping file", CAUSE_FOREIGN }, /* a folder, an empty file */
		{ "Is a directory", CAUSE_FOREIGN },
		{ "Not a directory", CAUSE_FOREIGN },
		{ "data source readings", CAUSE_MISMATCH },
		{ "found extra data", CAUSE_MISMATCH },
	};

	assert(text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(text, parts[i].part))
			return parts[i].cause;
	return CAUSE_OTHER;
}

bool cause_is_missing(const char *text)
{
	assert(text);
	return strstr(text, "No such file or directory") != NULL;
}
