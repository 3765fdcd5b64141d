/* loader: .so files → descriptors in the core's own current layout.
 *
 * The one symbol `muster_plugin` is read by the plugin's own sizes and copied, table by table, into zero-padded current
 * rows, so that a plugin built against an older minor is as good as a new one. A loaded file is never unloaded. Any
 * thread: a reload loads on a worker. */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include <muster/plugin.h>
#include <sys/stat.h>

struct descriptor {
	struct mu_plugin plugin; /* normalised copy; every table has the current stride */
	char path[1024];         /* "" = built in */
	struct stat file;        /* as it was when loaded */
	bool newer;              /* atomic: the file on disk was another at the last look */
};

/* `word` is a name or an alias, without case; looked for as <dir>/<name>.so, then among the aliases of the files there.
 * Refused with a sentence: no such file (and the nearest name), not a regular file, not ELF or cut short (before dlopen
 * would crash on it), no muster_plugin, other major, newer minor, tables that contradict themselves. */
int loader_load(const char *dir, const char *word, const struct descriptor **out, struct mu_error *error);
/* A plugin that is part of the core. */
const struct descriptor *loader_builtin(const struct mu_plugin *plugin);
/* What stands for a plugin that was refused: its name and empty tables. Not among the loaded. */
const struct descriptor *loader_placeholder(const char *name);
const struct descriptor *loader_find(const char *name); /* among the loaded */
/* Is `word` its name or one of its aliases, without case? Pure. */
bool loader_answers(const struct mu_plugin *plugin, const char *word);
bool loader_next(size_t *at, const struct descriptor **out);
/* Main, each beat: once a minute a worker looks at the files (loader_watch.c). */
void loader_watch(void);
/* What it saw last. Any thread. */
bool loader_seen_newer(const struct descriptor *descriptor);
/* The file on disk is another than the one in memory. Asks the file system: not on a loop. */
bool loader_newer_on_disk(const struct descriptor *descriptor);
/* ELF header and section bounds of a file: 0, -ENOEXEC with a sentence. Pure over (bytes, length, file size). */
int loader_check_elf(const unsigned char *head, size_t length, uint64_t file_size, struct mu_error *error);
/* 0 when this daemon can run a plugin of that version. Pure. */
int loader_check_abi(const char *name, unsigned major, unsigned minor, struct mu_error *error);

#endif
