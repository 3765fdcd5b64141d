/* muster/option.h: rows that turn words into a typed struct.
 *
 * One row type serves a plugin's configuration and a command's arguments: name, type, bounds,
 * default, unit, help. The core checks every word against its row before any callback sees it, names
 * file, line and nearest valid key when it is wrong, and prints the same rows as manual, JSON,
 * completion and form. Rows are written by the typed macros below, which fail to compile when the
 * member has another type. The struct is filled in an arena and is const for the plugin. */
#ifndef MUSTER_OPTION_H
#define MUSTER_OPTION_H

#include <muster/base.h>

enum mu_option_type {
	MU_STRING = 1, /* const char *; NULL when absent and without default */
	MU_BOOL,       /* bool: true yes on, false no off */
	MU_INT,        /* int64_t: decimal or 0x */
	MU_DOUBLE,     /* double */
	MU_DURATION,   /* mu_time: a number of seconds, or with unit: 100ms 10s 5min 2h 1d */
	MU_SIZE,       /* uint64_t bytes: a number, or with unit: 64K 2M 1G (powers of 1024) */
	MU_ENUM,       /* int: index into choices */
	MU_STRINGS,    /* struct mu_strings: several arguments, and again when the line repeats */
	MU_BLOCK,      /* struct { T *items; size_t count; }: <Name key> … </Name>, repeatable */
};

struct mu_strings {
	const char *const *items; /* items[count] is NULL, so that it serves as argv; both 0 when absent */
	size_t count;
};

enum mu_option_flag {
	MU_REQUIRED = 1 << 0, /* missing is an error */
	MU_SECRET = 1 << 1,   /* never printed, logged or kept in the audit */
	MU_KEY = 1 << 2,      /* in a block's table: filled by the block's own argument; in order */
	MU_UNIQUE = 1 << 3,   /* on a MU_KEY row: no two blocks of one kind share it */
};

struct mu_option {
	const char *name;             /* as written; compared without case in a configuration */
	uint32_t type;                /* enum mu_option_type */
	uint32_t flags;               /* enum mu_option_flag */
	size_t offset;                /* of the member */
	const char *dflt;             /* as a person would write it; NULL = zero, NULL, empty */
	/* Inclusive; 0,0 = any; a positive min with max 0 = no upper bound. In the row's unit: seconds, bytes (the
	 * length, for MU_STRING), items for MU_STRINGS, blocks for MU_BLOCK. */
	double min, max;
	const char *unit;             /* "s", "bytes", "percent"; shown, never parsed */
	const char *help;             /* one line, no full stop */
	const char *const *choices;   /* MU_ENUM: names, ended by NULL */
	const char *kind;             /* the value is the id of an object of this kind: completed, offered */
	const struct mu_option *options; /* MU_BLOCK: the child table */
	size_t size;                  /* MU_BLOCK: sizeof one item */
	/* Anything cleverer than type and bounds. `value` points to the member (MU_BLOCK: to one item,
	 * already filled). Return 0, or mu_error(error, -EINVAL, …); file and line are added. */
	int (*check)(const void *value, struct mu_error *error);
};

/* offsetof, but only when the member has the type the row says. */
#define MU_MEMBER(T, m, want)                                                                            \
	(offsetof(T, m) +                                                                                \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *)0)->m), want) ? 1 : -1]))

#define MU_OPT_STRING(T, m, ...)   { .type = MU_STRING, .offset = MU_MEMBER(T, m, const char *), __VA_ARGS__ }
#define MU_OPT_BOOL(T, m, ...)     { .type = MU_BOOL, .offset = MU_MEMBER(T, m, bool), __VA_ARGS__ }
#define MU_OPT_INT(T, m, ...)      { .type = MU_INT, .offset = MU_MEMBER(T, m, int64_t), __VA_ARGS__ }
#define MU_OPT_DOUBLE(T, m, ...)   { .type = MU_DOUBLE, .offset = MU_MEMBER(T, m, double), __VA_ARGS__ }
#define MU_OPT_DURATION(T, m, ...) { .type = MU_DURATION, .offset = MU_MEMBER(T, m, mu_time), __VA_ARGS__ }
#define MU_OPT_SIZE(T, m, ...)     { .type = MU_SIZE, .offset = MU_MEMBER(T, m, uint64_t), __VA_ARGS__ }
/* An int, or an enum whose values count up from 0 as the choices do. */
#define MU_OPT_ENUM(T, m, ...)                                                                           \
	{ .type = MU_ENUM,                                                                               \
	  .offset = offsetof(T, m) + 0 * sizeof(char[sizeof(((T *)0)->m) == sizeof(int) ? 1 : -1]), __VA_ARGS__ }
#define MU_OPT_STRINGS(T, m, ...)  { .type = MU_STRINGS, .offset = MU_MEMBER(T, m, struct mu_strings), __VA_ARGS__ }
/* MU_OPT_BLOCK(struct config, watchers, struct watcher, watcher_options, .name = "Watcher", …) for
 * `struct { struct watcher *items; size_t count; } watchers;` */
#define MU_OPT_BLOCK(T, m, Item, table, ...)                                                             \
	{ .type = MU_BLOCK,                                                                              \
	  .offset = offsetof(T, m) + 0 * MU_MEMBER(T, m.items, Item *) + 0 * MU_MEMBER(T, m.count, size_t), \
	  .options = (table), .size = sizeof(Item), __VA_ARGS__ }
#define MU_OPT_END { .name = NULL }

#endif
