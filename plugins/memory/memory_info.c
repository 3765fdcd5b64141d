/* memory_info: lines of "Name:  number kB" in no promised order (proc(5)). What is neither free nor buffers
 * nor page cache nor slab counts as used, as collectd reckons. */
#include "memory_info.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <muster/base.h>
#include <string.h>

const char *memory_part_name(enum memory_part part)
{
	static const char *const names[MEMORY_PARTS] = {
		[MEMORY_USED] = "used",
		[MEMORY_BUFFERED] = "buffered",
		[MEMORY_CACHED] = "cached",
		[MEMORY_FREE] = "free",
		[MEMORY_SLAB_UNRECL] = "slab_unrecl",
		[MEMORY_SLAB_RECL] = "slab_recl",
		[MEMORY_SLAB] = "slab",
	};

	assert((unsigned)part < MEMORY_PARTS);
	return names[part];
}

/* The line that is read into MEMORY_USED is the total; what is used comes out at the end. */
static const struct {
	const char *name;
	enum memory_part part;
} lines[] = {
	{ "MemTotal:", MEMORY_USED },
	{ "MemFree:", MEMORY_FREE },
	{ "Buffers:", MEMORY_BUFFERED },
	{ "Cached:", MEMORY_CACHED },
	{ "Slab:", MEMORY_SLAB },
	{ "SReclaimable:", MEMORY_SLAB_RECL },
	{ "SUnreclaim:", MEMORY_SLAB_UNRECL },
};

static uint32_t bit(enum memory_part part)
{
	return (uint32_t)1 << part;
}

/* 0, also for a line that is none of ours. The first line of a name counts. */
static int parse_line(const char *line, struct memory_info *info)
{
	for (size_t i = 0; i < MU_ARRAY_LEN(lines); i++) {
		size_t length = strlen(lines[i].name);
		const char *p = line + length;
		uint64_t kb;

		if (strncmp(line, lines[i].name, length) != 0)
			continue;
		if (info->known & bit(lines[i].part))
			return 0;
		/* Without its unit the number may be cut short. */
		if (mu_scan_u64(&p, &kb) < 0 || strncmp(p, " kB", 3) != 0 || kb > UINT64_MAX / 1024)
			return -EINVAL;
		info->bytes[lines[i].part] = kb * 1024;
		info->known |= bit(lines[i].part);
		return 0;
	}
	return 0;
}

/* Leaves the slab in two parts or in one, and turns the total into what is used. */
static int settle(struct memory_info *info)
{
	const uint32_t needed = bit(MEMORY_USED) | bit(MEMORY_FREE) | bit(MEMORY_BUFFERED) |
				bit(MEMORY_CACHED);
	const uint32_t halves = bit(MEMORY_SLAB_RECL) | bit(MEMORY_SLAB_UNRECL);

	if ((info->known & needed) != needed)
		return -EINVAL;
	if ((info->known & halves) == halves)
		info->known &= ~bit(MEMORY_SLAB);
	else
		info->known &= ~halves;
	for (size_t i = 0; i < MEMORY_PARTS; i++) {
		if (i == MEMORY_USED || !(info->known & bit((enum memory_part)i)))
			continue;
		if (info->bytes[i] > info->bytes[MEMORY_USED])
			return -ERANGE;
		info->bytes[MEMORY_USED] -= info->bytes[i];
	}
	return 0;
}

int memory_info_parse(const char *text, struct memory_info *out)
{
	struct memory_info info = { .known = 0 };
	const char *p = text;
	bool more = *text != '\0';

	assert(text && out);
	while (more) {
		const char *line = p;

		more = mu_scan_line(&p);
		int r = parse_line(line, &info);
		if (r < 0)
			return r;
	}
	int r = settle(&info);
	if (r == 0)
		*out = info;
	return r;
}

double memory_info_percent(const struct memory_info *info, enum memory_part part)
{
	double all = 0;

	assert(info && (unsigned)part < MEMORY_PARTS);
	for (size_t i = 0; i < MEMORY_PARTS; i++)
		if (info->known & bit((enum memory_part)i))
			all += (double)info->bytes[i];
	if (!(info->known & bit(part)) || all <= 0)
		return NAN;
	return 100.0 * (double)info->bytes[part] / all;
}
