/* memory_info: what /proc/meminfo says, as the parts that collectd tells apart. Pure. */
#ifndef MEMORY_INFO_H
#define MEMORY_INFO_H

#include <stdint.h>

/* In the order in which they are sent. */
enum memory_part {
	MEMORY_USED,
	MEMORY_BUFFERED,
	MEMORY_CACHED,
	MEMORY_FREE,
	MEMORY_SLAB_UNRECL,
	MEMORY_SLAB_RECL,
	MEMORY_SLAB, /* kernels before 2.6.19 tell only the sum of the two above */
	MEMORY_PARTS
};
const char *memory_part_name(enum memory_part part);

struct memory_info {
	uint64_t bytes[MEMORY_PARTS];
	uint32_t known; /* bit 1 << part */
};

/* The known parts together are all of the memory. 0; -EINVAL when the text lacks MemTotal, MemFree, Buffers
 * or Cached, or has something there that is no number; -ERANGE when the parts are more than the whole. */
int memory_info_parse(const char *text, struct memory_info *out);

/* What `part` is of the sum of all known parts, in percent; NAN when there is none. */
double memory_info_percent(const struct memory_info *info, enum memory_part part);

#endif
