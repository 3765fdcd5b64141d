/* loader: .so files → descriptors in the core's own current layout.
 *
 * A file is looked at before it is mapped, its version before anything else of it is read, and its tables
 * before anyone else may see them. What is loaded stays: dlopen of a changed file would give the old code
 * under the new name, so a newer file on disk is only told.
 *
 * Files are read and mapped on whichever thread asks, for a worker does it at a reload; the list of the loaded is
 * guarded by one mutex ("loader"), which nobody holds while a file is waited for. */
#include "loader_parts.h"

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/slurp.h"
#include "base/str.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t loader_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct descriptor **loaded; /* all three: under the mutex; what they point to stays for ever */
static size_t loaded_count;
static struct map placeholders;

/* ---- the loaded ---- */

static bool has_alias(const char *aliases, const char *word)
{
	c_assert(word);
	size_t length = strlen(word);

	for (const char *p = aliases ? aliases : ""; *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (length && strcspn(p, " ") == length && strncasecmp(p, word, length) == 0)
			return true;
	}
	return false;
}

bool loader_answers(const struct mu_plugin *plugin, const char *word)
{
	c_assert(plugin && plugin->name);
	return text_equal_nocase(plugin->name, word) || has_alias(plugin->aliases, word);
}

const struct descriptor *loader_placeholder(const char *name)
{
	c_assert(name && name[0]);
	pthread_mutex_lock(&loader_mutex);
	struct descriptor *descriptor = map_get(&placeholders, name);
	if (!descriptor) {
		descriptor = mem_alloc(sizeof(*descriptor));
		descriptor->plugin.size = sizeof(descriptor->plugin);
		descriptor->plugin.name = mem_strdup(name);
		descriptor->plugin.about = "refused: its file could not be loaded";
		map_put(&placeholders, name, descriptor);
	}
	pthread_mutex_unlock(&loader_mutex);
	return descriptor;
}

/* Under the mutex. */
static const struct descriptor *find_loaded(const char *name)
{
	for (size_t i = 0; i < loaded_count; i++)
		if (text_equal_nocase(loaded[i]->plugin.name, name))
			return loaded[i];
	for (size_t i = 0; i < loaded_count; i++)
		if (has_alias(loaded[i]->plugin.aliases, name))
			return loaded[i];
	return NULL;
}

const struct descriptor *loader_find(const char *name)
{
	c_assert(name);
	pthread_mutex_lock(&loader_mutex);
	const struct descriptor *found = find_loaded(name);
	pthread_mutex_unlock(&loader_mutex);
	return found;
}

bool loader_next(size_t *at, const struct descriptor **out)
{
	c_assert(at && out);
	pthread_mutex_lock(&loader_mutex);
	bool more = *at < loaded_count;
	if (more)
		*out = loaded[(*at)++];
	pthread_mutex_unlock(&loader_mutex);
	return more;
}

/* Takes the arena of its tables, which stays with it. One that is there already was loaded by another thread
 * meanwhile, and is what counts. */
static const struct descriptor *keep(const struct mu_plugin *plugin, struct arena *tables, const char *path,
				     const struct stat *file)
{
	struct kept {
		struct descriptor descriptor;
		struct arena tables;
	} *kept = mem_alloc(sizeof(*kept));

	c_assert(plugin->name && tables);
	kept->descriptor.plugin = *plugin;
	kept->tables = *tables;
	text_copy(kept->descriptor.path, sizeof(kept->descriptor.path), path);
	if (file)
		kept->descriptor.file = *file;
	pthread_mutex_lock(&loader_mutex);
	const struct descriptor *descriptor = find_loaded(plugin->name);
	if (!descriptor || strcmp(descriptor->plugin.name, plugin->name) != 0) {
		loaded = mem_grow(loaded, loaded_count + 1, sizeof(struct descriptor *));
		descriptor = loaded[loaded_count++] = &kept->descriptor;
	}
	pthread_mutex_unlock(&loader_mutex);
	if (descriptor == &kept->descriptor)
		return descriptor;
	arena_fini(&kept->tables);
	free(kept);
	return descriptor;
}

const struct descriptor *loader_builtin(const struct mu_plugin *plugin)
{
	struct mu_plugin copy;
	struct mu_error error = { 0 };
	struct arena tables;

	c_assert(plugin && plugin->name);
	const struct descriptor *before = loader_find(plugin->name);
	if (before)
		return before;
	arena_init(&tables);
	if (loader_copy(&tables, plugin, &copy, &error) < 0 || loader_check_tables(&copy, &error) < 0)
		check_failed(error.what, __FILE__, __LINE__, plugin->name);
	return keep(&copy, &tables, "", NULL);
}

bool loader_newer_on_disk(const struct descriptor *descriptor)
{
	struct stat now;

	c_assert(descriptor);
	if (!descriptor->path[0] || stat(descriptor->path, &now) < 0)
		return false;
	const struct stat *then = &descriptor->file;
	return now.st_dev != then->st_dev || now.st_ino != then->st_ino || now.st_size != then->st_size ||
	       now.st_mtim.tv_sec != then->st_mtim.tv_sec || now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

int loader_check_abi(const char *name, unsigned major, unsigned minor, struct mu_error *error)
{
	c_assert(name);
	if (major == MU_ABI_MAJOR && minor <= MU_ABI_MINOR)
		return 0;
	mu_error(error, -ENOEXEC,
		 "plugin %s is built for version %u.%u of the plugin interface; this daemon has %d.%d", name,
		 major, minor, MU_ABI_MAJOR, MU_ABI_MINOR);
	if (major == MU_ABI_MAJOR)
		mu_error_remedy(error, "install a newer musterd, or the plugin that belongs to this one");
	else
		mu_error_remedy(error, "build the plugin again with the headers of this daemon");
	return -ENOEXEC;
}

/* ---- one file ---- */

/* Reads the start of a file that must be regular. 0; <0 with a sentence. */
static int check_file(const char *path, struct stat *st, struct mu_error *error)
{
	unsigned char head[8192];
	int r = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	c_assert(path && st);
	if (fd < 0) {
		r = -errno;
		mu_error(error, r, "the plugin file %s cannot be opened: %s", path, strerror(-r));
		mu_error_remedy(error, "correct its permissions");
		return r;
	}
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		mu_error(error, -ENOEXEC, "the plugin %s is no regular file", path);
		mu_error_remedy(error, "put the plugin's .so file in its place");
		return -ENOEXEC;
	}
	ssize_t n = pread(fd, head, sizeof(head), 0);
	close(fd);
	struct mu_error why = { 0 };
	r = loader_check_elf(head, n > 0 ? (size_t)n : 0, (uint64_t)st->st_size, &why);
	if (r < 0) {
		mu_error(error, r, "the plugin %.120s cannot be used: %s", path, why.what);
		mu_error_remedy(error, "%s", why.remedy);
	}
	return r;
}

/* The description that a mapped file exports, when its version may be read at all. */
static int read_raw(void *handle, const char *name, const char *path, const struct mu_plugin **out,
		    struct mu_error *error)
{
	const struct mu_plugin *raw = dlsym(handle, "muster_plugin");

	c_assert(handle && out);
	if (!raw) {
		mu_error(error, -ENOEXEC,
			 "the file %s is no plugin of muster: it has no symbol muster_plugin", path);
		mu_error_remedy(error, "a plugin ends in MU_PLUGIN(%s, ...)", name);
		return -ENOEXEC;
	}
	if (raw->size < offsetof(struct mu_plugin, abi_minor) + sizeof(raw->abi_minor)) {
		mu_error(error, -ENOEXEC, "the symbol muster_plugin of %s describes nothing", path);
		mu_error_remedy(error, "does it export muster_plugin by MU_PLUGIN?");
		return -ENOEXEC;
	}
	*out = raw;
	return loader_check_abi(name, raw->abi_major, raw->abi_minor, error);
}

static int check_name(const struct mu_plugin *plugin, const char *name, struct mu_error *error)
{
	c_assert(plugin->name && name);
	if (strcmp(plugin->name, name) == 0)
		return 0;
	mu_error(error, -ENOEXEC, "the file %s.so holds the plugin \"%.60s\"", name, plugin->name);
	mu_error_remedy(error, "rename the file to %.60s.so, and write LoadPlugin %.60s", plugin->name,
			plugin->name);
	return -ENOEXEC;
}

/* Its tables as ours, when they can be and agree with each other. */
static int take_tables(struct arena *tables, const struct mu_plugin *raw, const char *name,
		       struct mu_plugin *out, struct mu_error *error)
{
	struct mu_error why = { 0 };

	c_assert(raw && name);
	int r = loader_copy(tables, raw, out, &why);
	if (r == 0)
		r = loader_check_tables(out, &why);
	if (r == 0)
		return check_name(out, name, error);
	mu_error(error, r, "plugin %s is refused: %s", name, why.what);
	mu_error_remedy(error, "%s", why.remedy);
	return r;
}

static int load_file(const char *path, const char *name, const struct descriptor **out,
		     struct mu_error *error)
{
	const struct mu_plugin *raw;
	struct mu_plugin plugin;
	struct arena tables;
	struct stat st;

	c_assert(path && name);
	c_assert(out && !*out);
	int r = check_file(path, &st, error);
	if (r < 0)
		return r;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		const char *words = dlerror();
		mu_error(error, -ENOEXEC, "the plugin %s cannot be loaded: %s", name,
			 words ? words : "for no known reason");
		mu_error_remedy(
			error,
			"is a library that it needs not installed, or is it built for another musterd?");
		return -ENOEXEC;
	}
	/* a refused file stays mapped as well: its libraries may have left something running */
	r = read_raw(handle, name, path, &raw, error);
	if (r < 0)
		return r;
	arena_init(&tables);
	r = take_tables(&tables, raw, name, &plugin, error);
	if (r == 0)
		*out = keep(&plugin, &tables, path, &st);
	else
		arena_fini(&tables);
	return r;
}

/* ---- a word → a file ---- */

/* Names (without .so) of the plugins in a folder. */
struct folder {
	char **names;
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int folder_read(struct folder *folder, const char *dir, struct mu_error *error)
{
	DIR *stream = opendir(dir);

	c_assert(folder->count == 0);
	if (!stream) {
		int code = -errno;
		mu_error(error, code, "the folder of plugins %s cannot be read: %s", dir, strerror(-code));
		mu_error_remedy(error, "correct PluginDir");
		return code;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		size_t length = strlen(entry->d_name);
		if (length < 4 || entry->d_name[0] == '.' || strcmp(entry->d_name + length - 3, ".so") != 0)
			continue;
		folder->names = mem_grow(folder->names, folder->count + 1, sizeof(char *));
		folder->names[folder->count++] = mem_printf("%.*s", (int)length - 3, entry->d_name);
	}
	closedir(stream);
	if (folder->count)
		qsort(folder->names, folder->count, sizeof(char *), compare_names);
	return 0;
}

static void folder_fini(struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free(folder->names[i]);
	free(folder->names);
	*folder = (struct folder){ 0 };
}

/* Does the plugin in that file answer to `word` as well? Nothing of it is run. */
static bool file_answers(const char *path, const char *word)
{
	char *bytes;
	struct stat st;

	c_assert(path && word);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	int size = slurp_all(path, LOADER_FILE_MAX, &bytes);
	if (size < 0)
		return false;
	const char *aliases = loader_elf_text((const unsigned char *)bytes, (size_t)size, "muster_plugin",
					      offsetof(struct mu_plugin, aliases));
	bool found = has_alias(aliases, word);
	free(bytes);
	return found;
}

/* The file's name, exactly or without case, or of one that has such an alias; NULL. */
static const char *folder_find(const struct folder *folder, const char *dir, const char *word)
{
	char path[1024];

	c_assert(dir && word);
	for (size_t i = 0; i < folder->count; i++)
		if (strcmp(folder->names[i], word) == 0)
			return folder->names[i];
	for (size_t i = 0; i < folder->count; i++)
		if (text_equal_nocase(folder->names[i], word))
			return folder->names[i];
	for (size_t i = 0; i < folder->count; i++)
		if (text_printf(path, sizeof(path), "%s/%s.so", dir, folder->names[i]) &&
		    file_answers(path, word))
			return folder->names[i];
	return NULL;
}

static int not_found(const struct folder *folder, const char *dir, const char *word, struct mu_error *error)
{
	struct nearest nearest;

	c_assert(folder && word);
	nearest_init(&nearest, word);
	for (size_t i = 0; i < folder->count; i++)
		nearest_try(&nearest, folder->names[i]);
	mu_error(error, -ENOENT, "there is no plugin \"%.60s\" in %.120s", word, dir);
	if (nearest_best(&nearest))
		mu_error_remedy(error, "did you mean \"%s\"?", nearest_best(&nearest));
	else if (folder->count == 0)
		mu_error_remedy(error, "there is no .so file at all: is PluginDir right?");
	else
		mu_error_remedy(error, "install it, or remove its LoadPlugin");
	return -ENOENT;
}

int loader_load(const char *dir, const char *word, const struct descriptor **out, struct mu_error *error)
{
	struct folder folder = { 0 };
	char path[1024];

	c_assert(dir && word);
	c_assert(out);
	*out = NULL;
	if (!word[0] || strchr(word, '/')) {
		mu_error(error, -EINVAL, "\"%.60s\" cannot be the name of a plugin", word);
		mu_error_remedy(error, "write its name alone; its folder is PluginDir");
		return -EINVAL;
	}
	*out = loader_find(word);
	if (*out && !(*out)->path[0]) {
		*out = NULL;
		mu_error(error, -EEXIST, "\"%s\" is part of the daemon and runs already", word);
		mu_error_remedy(error, "remove its LoadPlugin");
		return -EEXIST;
	}
	if (*out)
		return 0;
	int r = folder_read(&folder, dir, error);
	if (r < 0)
		return r;
	const char *name = folder_find(&folder, dir, word);
	if (!name)
		r = not_found(&folder, dir, word, error);
	else if (!text_printf(path, sizeof(path), "%s/%s.so", dir, name))
		r = mu_error(error, -ENAMETOOLONG, "the path of plugin %s is longer than 1,023 bytes", name);
	else
		r = load_file(path, name, out, error);
	folder_fini(&folder);
	return r;
}
