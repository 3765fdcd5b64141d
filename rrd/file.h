/* file: one call to librrd and what surrounds it: the folders, the file made when it is missing, many
 * values at once. Blocks; worker threads only, and one at a time for a file, for librrd's locks are the
 * process's. */
#ifndef RRD_FILE_H
#define RRD_FILE_H

#include <muster/value.h>

#include "cause.h"
#include "layout.h"
#include "rows.h"

/* Once, before any worker. */
void file_init(void);

struct file_task {
	const char *data_dir, *name; /* name: host/plugin/type */
	const struct mu_type *type;
	const struct layout_options *layout;
	mu_time interval;
	const struct rows *rows; /* not empty */
	int64_t now;             /* wall clock, seconds */
	bool first;              /* nobody has looked at this file since the start */
};

struct file_result {
	enum cause cause; /* CAUSE_NONE: every row is in the file, or was older than what it holds */
	uint32_t written, past;
	bool created;
	char words[192]; /* librrd's, or the system's; "" when it went well */
};
void file_write(const struct file_task *task, struct file_result *result);

#endif
