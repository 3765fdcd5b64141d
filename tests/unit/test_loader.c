/* test_loader: plugins that are loaded, and many that are refused with a sentence. */
#include "loader.h"
#include "loader_parts.h"

#include "base/slurp.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LOADER_PLUGINS
#define LOADER_PLUGINS "."
#endif

static const char *plugins = LOADER_PLUGINS;
static char folder[] = "/tmp/test_loader_XXXXXX"; /* for files that the test makes */

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_refused(const char *dir, const char *word, int code, const char *what, const char *remedy)
{
	const struct descriptor *descriptor = (const void *)1;
	struct mu_error error = { 0 };

	assert_int_equal(loader_load(dir, word, &descriptor, &error), code);
	assert_null(descriptor);
	assert_has(error.what, what);
	assert_has(error.remedy, remedy);
}

static unsigned char *good_bytes(size_t *size)
{
	char path[512], *bytes;

	snprintf(path, sizeof(path), "%s/good.so", plugins);
	int n = slurp_all(path, 1 << 26, &bytes);
	assert_true(n > 1000);
	*size = (size_t)n;
	return (unsigned char *)bytes;
}

static void make_file(const char *name, const void *bytes, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void a_good_one_is_copied_whole(void **state)
{
	const struct descriptor *descriptor, *again;
	struct mu_error error;

	(void)state;
	assert_null(loader_find("good"));
	/* by an alias first: its file is found without loading any other */
	assert_int_equal(loader_load(plugins, "RRDtool", &descriptor, &error), 0);
	const struct mu_plugin *plugin = &descriptor->plugin;
	assert_string_equal(plugin->name, "good");
	assert_string_equal(plugin->options[2].options[1].name, "Most");
	assert_string_equal(plugin->kinds[0].states[1].name, "down");
	assert_string_equal(plugin->kinds[0].attrs[2].name, "password");
	assert_non_null(plugin->kinds[1].list);
	assert_null(plugin->kinds[2].name);
	assert_string_equal(plugin->commands[0].args[0].name, "hard");
	assert_null(plugin->commands[1].args);
	assert_string_equal(plugin->routes[0].path, "/thing/{id}");
	assert_string_equal(plugin->namespaces[0].path, "/things");
	assert_string_equal(plugin->counters[0].name, "stops");
	assert_has(descriptor->path, "/good.so");
	assert_true(descriptor->file.st_size > 1000);

	assert_int_equal(loader_load(plugins, "GOOD", &again, &error), 0);
	assert_ptr_equal(again, descriptor);
	assert_int_equal(loader_load("/nowhere", "fine", &again, &error), 0);
	assert_ptr_equal(again, descriptor);
	assert_ptr_equal(loader_find("good"), descriptor);
	assert_false(loader_newer_on_disk(descriptor));
}

static void versions_are_asked_before_anything_else(void **state)
{
	struct mu_error error;

	(void)state;
	assert_refused(plugins, "newer_minor", -ENOEXEC, "this daemon has", "install a newer musterd");
	assert_refused(plugins, "other_major", -ENOEXEC, "this daemon has", "build the plugin again");
	assert_int_equal(loader_check_abi("x", MU_ABI_MAJOR, MU_ABI_MINOR, &error), 0);
	assert_int_equal(loader_check_abi("x", MU_ABI_MAJOR, 0, &error), 0);
	assert_int_equal(loader_check_abi("x", MU_ABI_MAJOR, MU_ABI_MINOR + 1, &error), -ENOEXEC);
	assert_has(error.what, "plugin x is built for version");
}

static void what_is_no_plugin_is_refused(void **state)
{
	(void)state;
	assert_refused(plugins, "no_symbol", -ENOEXEC, "has no symbol muster_plugin", "MU_PLUGIN(no_symbol");
	assert_refused(plugins, "bad_table", -ENOEXEC, "the default of row \"Count\" is wrong", "its author");
	assert_refused(plugins, "goood", -ENOENT, "there is no plugin \"goood\"", "did you mean \"good\"?");
	assert_refused(plugins, "../good", -EINVAL, "cannot be the name", "");
	assert_refused(plugins, "", -EINVAL, "cannot be the name", "");
	assert_refused("/nowhere", "cpu", -ENOENT, "the folder of plugins /nowhere cannot be read",
		       "PluginDir");
	assert_refused(folder, "cpu", -ENOENT, "there is no plugin \"cpu\"", "is PluginDir right?");
}

static void an_older_minor_is_as_good(void **state)
{
	const struct descriptor *descriptor;
	struct mu_error error;

	(void)state;
	assert_int_equal(loader_load(plugins, "old_rows", &descriptor, &error), 0);
	assert_string_equal(descriptor->plugin.options[0].name, "First");
	assert_string_equal(descriptor->plugin.options[0].dflt, "7");
	assert_true(descriptor->plugin.options[0].max == 0);
	assert_null(descriptor->plugin.options[0].check);
	assert_string_equal(descriptor->plugin.options[1].name, "Second");
	assert_null(descriptor->plugin.options[2].name);
	assert_string_equal(descriptor->plugin.counters[1].name, "two");
	assert_null(descriptor->plugin.counters[1].type);
	assert_null(descriptor->plugin.start);
	assert_int_equal(descriptor->plugin.option_stride, sizeof(struct mu_option));
}

static void a_file_cut_short_is_refused_at_any_length(void **state)
{
	size_t size;
	unsigned char *bytes = good_bytes(&size);
	const size_t cuts[] = { 0, 3, 63, 64, 200, 1000, size / 2, size - 1 };

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cuts); i++) {
		make_file("cut.so", bytes, cuts[i]);
		assert_refused(folder, "cut", -ENOEXEC, "cannot be used: ", "");
	}
	for (size_t length = 0; length < size; length++) {
		size_t head = length < 8192 ? length : 8192;
		assert_int_equal(loader_check_elf(bytes, head, length, NULL), -ENOEXEC);
	}
	assert_int_equal(loader_check_elf(bytes, size < 8192 ? size : 8192, size, NULL), 0);
	free(bytes);
	char path[512];
	snprintf(path, sizeof(path), "%s/cut.so", folder);
	unlink(path);
}

static void odd_files_are_refused(void **state)
{
	char path[512];

	(void)state;
	make_file("script.so", "#!/bin/sh\necho this is no shared object at all, however long it may be\n",
		  70);
	assert_refused(folder, "script", -ENOEXEC, "the file is no ELF file", "as a shared object");
	snprintf(path, sizeof(path), "%s/pipe.so", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(folder, "pipe", -ENOEXEC, "is no regular file", "");
	unlink(path);
	snprintf(path, sizeof(path), "%s/folder.so", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(folder, "folder", -ENOEXEC, "is no regular file", "");
	rmdir(path);
	snprintf(path, sizeof(path), "%s/script.so", folder);
	unlink(path);
}

static void a_file_of_another_name_is_refused(void **state)
{
	char target[512], path[512];
	size_t size;
	unsigned char *bytes = good_bytes(&size);

	(void)state;
	snprintf(target, sizeof(target), "%s/bad_table.so", plugins);
	make_file("other.so", bytes, size);
	free(bytes);
	assert_refused(folder, "other", -ENOEXEC, "the file other.so holds the plugin \"good\"",
		       "rename the file");
	snprintf(path, sizeof(path), "%s/other.so", folder);
	unlink(path);
}

static void headers_that_lie_are_found(void **state)
{
	size_t size;
	unsigned char *bytes = good_bytes(&size);
	ElfW(Ehdr) header, lie;
	struct mu_error error;

	(void)state;
	memcpy(&header, bytes, sizeof(header));
#define LIE(change, part)                                                                                    \
	do {                                                                                                 \
		lie = header;                                                                                \
		change;                                                                                      \
		memcpy(bytes, &lie, sizeof(lie));                                                            \
		assert_int_equal(loader_check_elf(bytes, size, size, &error), -ENOEXEC);                     \
		assert_has(error.what, part);                                                                \
	} while (0)
	LIE(lie.e_type = ET_EXEC, "no shared object");
	LIE(lie.e_machine ^= 0x55, "another machine");
	LIE(lie.e_ident[EI_CLASS] ^= 3, "another machine");
	LIE(lie.e_phnum = 0, "no program headers");
	LIE(lie.e_phentsize = 1, "no program headers");
	LIE(lie.e_phoff = ~(ElfW(Off))0, "its program headers lie behind its end");
	LIE(lie.e_phoff = size - 8, "its program headers lie behind its end");
	LIE(lie.e_shoff = size - 8, "its section headers lie behind its end");
	LIE(lie.e_shentsize = 1, "a size of their own");
#undef LIE
	memcpy(bytes, &header, sizeof(header));
	for (size_t i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) segment;
		memcpy(&segment, bytes + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD)
			continue;
		segment.p_filesz = segment.p_memsz = ~(ElfW(Xword))0;
		memcpy(bytes + header.e_phoff + i * sizeof(segment), &segment, sizeof(segment));
	}
	assert_int_equal(loader_check_elf(bytes, size, size, &error), -ENOEXEC);
	assert_has(error.what, "its segments lie behind its end");
	free(bytes);
}

/* ---- tables; in memory ---- */

static void nothing(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
}

static void assert_tables(const struct mu_plugin *plugin, const char *what)
{
	struct arena arena;
	struct mu_plugin copy;
	struct mu_error error = { 0 };

	arena_init(&arena);
	int r = loader_copy(&arena, plugin, &copy, &error);
	if (r == 0)
		r = loader_check_tables(&copy, &error);
	if (what) {
		assert_int_equal(r, -ENOEXEC);
		assert_has(error.what, what);
		assert_true(error.remedy[0] != '\0');
	} else {
		assert_string_equal(error.what, "");
		assert_int_equal(r, 0);
	}
	arena_fini(&arena);
}

struct small {
	int64_t count;
};

static void options_must_fit_their_struct(void **state)
{
	static const struct mu_option options[] = { MU_OPT_INT(struct small, count, .name = "Count"),
						    MU_OPT_END };
	struct mu_plugin plugin = MU_PLUGIN_INIT(x, .options = options, .config_size = sizeof(struct small));

	(void)state;
	assert_tables(&plugin, NULL);
	plugin.config_size = 4;
	assert_tables(&plugin, "lies outside of its struct of 4 bytes");
	plugin.config_size = 0;
	assert_tables(&plugin, "lies outside of its struct of 0 bytes");
	plugin.config_size = (size_t)1 << 40;
	assert_tables(&plugin, "its config has");
	plugin.config_size = sizeof(struct small);
	plugin.option_stride = 0;
	assert_tables(&plugin, "rows of an impossible size");
	plugin.option_stride = 12;
	assert_tables(&plugin, "rows of an impossible size");
	plugin.option_stride = sizeof(struct mu_option);
	plugin.size = 8;
	assert_tables(&plugin, "its description has 8 bytes");
	plugin.size = sizeof(plugin);
	plugin.name = "Ü";
	assert_tables(&plugin, "cannot be the name of a plugin");
	static struct mu_option loop[2] = { { .name = "A", .type = MU_BLOCK, .size = 16 }, MU_OPT_END };
	loop[0].options = loop;
	plugin.options = loop;
	assert_tables(&plugin, "nested too deep");
	static struct mu_counter endless[4097];
	for (size_t i = 0; i < MU_ARRAY_LEN(endless); i++)
		endless[i].name = "x";
	plugin.options = NULL;
	plugin.counters = endless;
	assert_tables(&plugin, "has no end");
}

#define LETTERS_63 "abcdefghijklmnopqrstuvwxyz_0123456789-abcdefghijklmnopqrstuvwxy"

static void kinds_must_agree_with_themselves(void **state)
{
	static const struct mu_attr attrs[] = { { .name = "a", .type = MU_INT }, MU_ATTR_END };
	static const struct mu_attr twice[] = { { .name = "a", .type = MU_INT },
						{ .name = "a", .type = MU_INT },
						MU_ATTR_END };
	static const struct mu_attr reserved[] = { { .name = "version", .type = MU_INT }, MU_ATTR_END };
	static const struct mu_attr no_type[] = { { .name = "a" }, MU_ATTR_END };
	static const struct mu_attr no_choice[] = { { .name = "a", .type = MU_ENUM }, MU_ATTR_END };
	static const struct mu_attr no_name[] = { { .name = "a b", .type = MU_INT }, MU_ATTR_END };
	static const struct mu_attr bounds[] = { { .name = "a", .type = MU_INT, .min = 3, .max = 1 },
						 MU_ATTR_END };
	static const struct mu_state states[] = { { "up", MU_OK, "" }, MU_STATE_END };
	static const struct mu_state no_tone[] = { { "up", 0, "" }, MU_STATE_END };
	static const struct mu_state twin[] = { { "up", MU_OK, "" }, { "up", MU_OK, "" }, MU_STATE_END };
	const struct {
		struct mu_kind kind;
		const char *what;
	} cases[] = {
		{ { .name = "thing", .attrs = attrs, .title = "a", .columns = " a  id " }, NULL },
		{ { .name = "thing", .attrs = attrs, .states = states, .columns = "state a" }, NULL },
		{ { .name = "thing", .plural = "things", .aliases = "  things scm-backup_2 " }, NULL },
		{ { .name = LETTERS_63 }, NULL },
		{ { .name = LETTERS_63 "x" }, "cannot be the name, plural or alias of a kind" },
		{ { .name = "thing", .plural = "The things" }, "\"The things\" cannot be the name, plural" },
		{ { .name = "thing", .aliases = "a " LETTERS_63 "xy" }, "cannot be the name, plural or alias" },
		{ { .name = "2a" }, "cannot be the name, plural or alias of a kind" },
		{ { .name = "a.b" }, "cannot be the name, plural or alias of a kind" },
		{ { .name = "" }, "cannot be the name, plural or alias of a kind" },
		{ { .name = "Thing" }, "cannot be the name, plural or alias of a kind" },
		{ { .name = "thing", .attrs = reserved }, "\"version\" of kind thing is the core's" },
		{ { .name = "thing", .flags = MU_SERVED }, "is served, but has no list" },
		{ { .name = "thing", .attrs = twice }, "two attributes named \"a\"" },
		{ { .name = "thing", .attrs = no_type }, "unknown type 0" },
		{ { .name = "thing", .attrs = no_choice }, "an enum without choices" },
		{ { .name = "thing", .attrs = no_name }, "cannot be the name of an attribute" },
		{ { .name = "thing", .attrs = bounds }, "the wrong way round" },
		{ { .name = "thing", .states = no_tone }, "unknown tone 0" },
		{ { .name = "thing", .states = twin }, "two states named" },
		{ { .name = "thing", .attrs = attrs, .title = "b" }, "the title of kind thing is \"b\"" },
		{ { .name = "thing", .attrs = attrs, .reason = "b" }, "the reason of kind" },
		{ { .name = "thing", .attrs = attrs, .since = "b" }, "the since of kind" },
		{ { .name = "thing", .attrs = attrs, .parent = "state" }, "the parent of kind" },
		{ { .name = "thing", .attrs = attrs, .columns = "a b" }, "the column of kind" },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		const struct mu_kind kinds[] = { cases[i].kind, MU_KIND_END };
		const struct mu_plugin plugin = MU_PLUGIN_INIT(x, .kinds = kinds);
		assert_tables(&plugin, cases[i].what);
	}
	const struct mu_kind same[] = { cases[0].kind, cases[0].kind, MU_KIND_END };
	const struct mu_plugin plugin = MU_PLUGIN_INIT(x, .kinds = same);
	assert_tables(&plugin, "\"thing\" names two kinds");
	const struct mu_kind words[] = { { .name = "one", .aliases = "some all" },
					 { .name = "two", .plural = "all" },
					 MU_KIND_END };
	assert_tables(&(struct mu_plugin)MU_PLUGIN_INIT(x, .kinds = words), "\"all\" names two kinds: one and two");
}

static void commands_must_be_whole(void **state)
{
	static const struct mu_option args[] = { MU_OPT_INT(struct small, count, .name = "count"),
						 MU_OPT_END };
	const struct mu_command good = { .kind = "thing", .name = "go", .effect = MU_CHANGE, .run = nothing };
	struct mu_command cases[9];
	static const char *const what[9] = {
		NULL,
		"has no kind",
		"cannot be the name of a command",
		"the core's own",
		"no function to run",
		"unknown effect 0",
		"unknown role 9",
		"acts on its kind and takes ids",
		"lies outside of its struct",
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++)
		cases[i] = good;
	cases[1].kind = NULL;
	cases[2].name = "Go";
	cases[3].name = "list";
	cases[4].run = NULL;
	cases[5].effect = 0;
	cases[6].role = 9;
	cases[7].flags = MU_ON_KIND | MU_BULK;
	cases[8].args = args;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++) {
		const struct mu_command commands[] = { cases[i], MU_COMMAND_END };
		const struct mu_plugin plugin = MU_PLUGIN_INIT(x, .commands = commands);
		assert_tables(&plugin, what[i]);
	}
	const struct mu_command twice[] = { good, good, MU_COMMAND_END };
	const struct mu_plugin plugin = MU_PLUGIN_INIT(x, .commands = twice);
	assert_tables(&plugin, "there are two commands thing.go");
}

static void handle(struct mu_instance *self, struct mu_http *http)
{
	(void)self, (void)http;
}

static void routes_are_checked(void **state)
{
	static const struct {
		struct mu_route rows[3];
		const char *what;
	} cases[] = {
		{ { { .method = "GET", .path = "/x/{a}", .handle = handle },
		    { .method = "PUT", .path = "/x/{a}", .handle = handle } }, NULL },
		{ { { .method = "GET", .path = "/x/{a}", .handle = handle },
		    { .method = "GET", .path = "/x/{b}", .handle = handle } }, "GET /x/{b} is declared twice" },
		{ { { .method = "get", .path = "/x", .handle = handle } }, "\"get\" is no HTTP method" },
		{ { { .method = "GET", .path = "x", .handle = handle } }, "begins with a slash" },
		{ { { .method = "GET", .path = "/{a}/{a}", .handle = handle } }, "have one name" },
		{ { { .method = "GET", .handle = handle } }, "" },
		{ { { .method = "GET", .path = "/x" } }, "no function to handle" },
		{ { { .method = "GET", .path = "/x", .handle = handle, .role = 9 } }, "unknown role 9" },
	};
	static const struct {
		struct mu_namespace rows[3];
		const char *what;
	} spaces[] = {
		{ { { .path = "/x" }, { .path = "/" } }, NULL },
		{ { { .path = "/x" }, { .path = "/x" } }, "/x is declared twice" },
		{ { { .path = "x" } }, "begins with a slash" },
		{ { { .path = "/{a}" } }, "has parameters" },
		{ { { .path = "/x", .role = 9 } }, "unknown role 9" },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(cases); i++)
		assert_tables(&(struct mu_plugin)MU_PLUGIN_INIT(x, .routes = cases[i].rows), cases[i].what);
	for (size_t i = 0; i < MU_ARRAY_LEN(spaces); i++)
		assert_tables(&(struct mu_plugin)MU_PLUGIN_INIT(x, .namespaces = spaces[i].rows), spaces[i].what);
}

static void counters_are_checked(void **state)
{
	static const struct mu_counter twice[] = { { .name = "a" }, { .name = "a" }, MU_COUNTER_END };

	(void)state;
	assert_tables(&(struct mu_plugin)MU_PLUGIN_INIT(x, .counters = twice), "two counters");
}

static void a_builtin_is_found_like_any(void **state)
{
	static const struct mu_plugin plugin = MU_PLUGIN_INIT(inside, .aliases = "within");
	size_t count = 0;
	const struct descriptor *descriptor = loader_builtin(&plugin), *each;

	(void)state;
	assert_ptr_equal(loader_builtin(&plugin), descriptor);
	assert_ptr_equal(loader_find("Within"), descriptor);
	assert_string_equal(descriptor->path, "");
	assert_false(loader_newer_on_disk(descriptor));
	for (size_t at = 0; loader_next(&at, &each); count++)
		;
	assert_int_equal(count, 3);
}

static void texts_of_a_file_are_read_without_loading(void **state)
{
	size_t size;
	unsigned char *bytes = good_bytes(&size);

	(void)state;
	assert_string_equal(
		loader_elf_text(bytes, size, "muster_plugin", offsetof(struct mu_plugin, aliases)),
		"rrdtool fine");
	assert_string_equal(loader_elf_text(bytes, size, "muster_plugin", offsetof(struct mu_plugin, name)),
			    "good");
	assert_null(loader_elf_text(bytes, size, "muster_plugin", offsetof(struct mu_plugin, version)));
	assert_null(loader_elf_text(bytes, size, "something", 0));
	assert_null(loader_elf_text(bytes, size, "muster_plugin", SIZE_MAX));
	/* whatever single byte is wrong, nothing outside of the bytes is read */
	for (size_t i = 0; i < size; i += i < 4096 ? 1 : 61) {
		unsigned char kept = bytes[i];
		bytes[i] = (unsigned char)~kept;
		loader_elf_text(bytes, size, "muster_plugin", offsetof(struct mu_plugin, aliases));
		bytes[i] = kept;
	}
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_is_copied_whole),
		cmocka_unit_test(versions_are_asked_before_anything_else),
		cmocka_unit_test(what_is_no_plugin_is_refused),
		cmocka_unit_test(an_older_minor_is_as_good),
		cmocka_unit_test(a_file_cut_short_is_refused_at_any_length),
		cmocka_unit_test(odd_files_are_refused),
		cmocka_unit_test(a_file_of_another_name_is_refused),
		cmocka_unit_test(headers_that_lie_are_found),
		cmocka_unit_test(options_must_fit_their_struct),
		cmocka_unit_test(kinds_must_agree_with_themselves),
		cmocka_unit_test(commands_must_be_whole),
		cmocka_unit_test(routes_are_checked),
		cmocka_unit_test(counters_are_checked),
		cmocka_unit_test(a_builtin_is_found_like_any),
		cmocka_unit_test(texts_of_a_file_are_read_without_loading),
	};

	if (argc > 1)
		plugins = argv[1];
	if (!mkdtemp(folder))
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return r;
}
