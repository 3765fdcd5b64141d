/* fake_read: a reader plugin without a daemon: its options, a folder of files in place of /proc, and a
 * batch that is text. Include it once in a test program that links the plugin's objects. */
#ifndef FAKE_READ_H
#define FAKE_READ_H

#include <muster/plugin.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct mu_plugin muster_plugin;

struct mu_instance {
	_Alignas(16) char config[512];
	_Alignas(16) char reader[512];
};

/* One line a value: "0/cpu-user 12": plugin instance, type, type instance, value(s). */
struct mu_batch {
	char instance[128];
	size_t count;
	char text[1 << 17];
};

static struct mu_instance fake_self;
static struct mu_batch fake_batch;
static char fake_root[64];

const void *mu_config(const struct mu_instance *self)
{
	return self->config;
}

void *mu_reader(const struct mu_instance *self)
{
	return (void *)(uintptr_t)self->reader;
}

void mu_batch_instance(struct mu_batch *batch, const char *plugin_instance)
{
	assert_true(strlen(plugin_instance) < sizeof(batch->instance));
	snprintf(batch->instance, sizeof(batch->instance), "%s", plugin_instance);
}

static void fake_put(struct mu_batch *batch, const char *type, const char *type_instance, const char *value)
{
	size_t length = strlen(batch->text);

	snprintf(batch->text + length, sizeof(batch->text) - length, "%s/%s%s%s %s\n", batch->instance, type,
		 *type_instance ? "-" : "", type_instance, value);
	batch->count++;
}

int mu_gauge(struct mu_batch *batch, const char *type, const char *type_instance, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.6g", value);
	fake_put(batch, type, type_instance, text);
	return 0;
}

int mu_derive(struct mu_batch *batch, const char *type, const char *type_instance, int64_t value)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRId64, value);
	fake_put(batch, type, type_instance, text);
	return 0;
}

int mu_values(struct mu_batch *batch, const char *type, const char *type_instance,
	      const union mu_value *values, size_t count)
{
	char text[512] = "";

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(text);
		snprintf(text + length, sizeof(text) - length, "%s%.6g", i ? ":" : "", values[i].gauge);
	}
	fake_put(batch, type, type_instance, text);
	return 0;
}

/* One option as the configuration would fill it: rows of the types that readers use. */
static void fake_set(const char *name, const char *word)
{
	for (const struct mu_option *row = muster_plugin.options; row->name; row++) {
		void *member = fake_self.config + row->offset;

		if (strcmp(row->name, name) != 0)
			continue;
		if (row->type == MU_BOOL)
			*(bool *)member = strcmp(word, "true") == 0;
		else if (row->type == MU_STRING)
			*(const char **)member = word;
		else
			fail_msg("fake_set: type %u", row->type);
		return;
	}
	fail_msg("fake_set: no option %s", name);
}

/* The files of `root` are this test's own; options have their defaults but for Root. */
static void fake_begin(void)
{
	assert_true(muster_plugin.config_size <= sizeof(fake_self.config));
	assert_true(muster_plugin.reader_size <= sizeof(fake_self.reader));
	memset(&fake_self, 0, sizeof(fake_self));
	for (const struct mu_option *row = muster_plugin.options; row->name; row++)
		if (row->dflt)
			fake_set(row->name, row->dflt);
	snprintf(fake_root, sizeof(fake_root), "/tmp/fake_read.XXXXXX");
	assert_non_null(mkdtemp(fake_root));
	fake_set("Root", fake_root);
}

static void fake_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake_root, name);
	FILE *file = fopen(path, "w"); /* the same inode again, as in /proc */
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

/* What one read puts, or NULL with *status < 0. */
static const char *fake_read(int *status)
{
	memset(&fake_batch, 0, sizeof(fake_batch));
	*status = muster_plugin.read(&fake_self, &fake_batch);
	return fake_batch.text;
}

static void fake_end(const char *file)
{
	char path[128];

	if (muster_plugin.reader_fini)
		muster_plugin.reader_fini(&fake_self);
	snprintf(path, sizeof(path), "%s/%s", fake_root, file);
	unlink(path);
	rmdir(fake_root);
}

/* Without its file, and with one that is none, a read says so and puts nothing. */
static void fake_trouble(const char *file, const char *nonsense)
{
	int status;

	fake_begin();
	fake_read(&status);
	assert_int_equal(status, -ENOENT);
	fake_file(file, nonsense);
	fake_read(&status);
	assert_int_equal(status, -EINVAL);
	assert_int_equal(fake_batch.count, 0);
	fake_end(file);
}

#endif
