/* path: where the file of a series lies: DataDir/host/plugin[-instance]/type[-instance].rrd, collectd's
 * layout byte for byte. Pure: no file is touched. */
#ifndef RRD_PATH_H
#define RRD_PATH_H

#include <muster/value.h>

/* >=0 the length of what is in `path`; -ENAMETOOLONG when it does not fit, or a file system would not take
 * one of its components (255 bytes); -EINVAL when host, plugin or type is empty, or a component holds a '/'
 * or begins with a '.': such a name could lead out of data_dir or hide. */
int path_of_ident(char *path, size_t size, const char *data_dir, const struct mu_ident *ident);

/* The same for a name as PUTVAL and mu_series_name write it: "host/plugin-instance/type-instance". */
int path_of_name(char *path, size_t size, const char *data_dir, const char *name);

#endif
