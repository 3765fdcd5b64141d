/* loader_parts: what the files of the loader share. */
#ifndef CORE_LOADER_PARTS_H
#define CORE_LOADER_PARTS_H

#include "loader.h"

#include "base/arena.h"

enum {
	TABLE_ROWS_MAX = 4096, /* of one table; more means that it has no end */
	TABLE_DEPTH_MAX = 8,
	STATE_BYTES_MAX = 64 << 20,
	LOOP_NAME_MAX = 15, /* as of a thread */
	LOADER_FILE_MAX = 256 << 20,
};

/* A plugin's tables by its own strides → zero-padded current ones. 0; -ENOEXEC with a sentence. */
int loader_copy(struct arena *arena, const struct mu_plugin *raw, struct mu_plugin *out,
		struct mu_error *error);
/* Do the normalised tables agree with each other? 0; -ENOEXEC with a sentence. */
int loader_check_tables(const struct mu_plugin *plugin, struct mu_error *error);
/* The member `offset` bytes into the symbol `name` of an ELF file's bytes, followed as a pointer to a text,
 * without mapping or running anything. NULL when there is none. Pure; the text is inside `bytes`. */
const char *loader_elf_text(const unsigned char *bytes, size_t size, const char *name, size_t offset);

#endif
