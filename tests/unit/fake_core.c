/* fake_core: see fake_core.h. */
#include "fake_core.h"

#include "base/check.h"
#include "event.h"
#include "instance.h"
#include "log.h"
#include "types.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_told fake_log, fake_event;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

MU_PRINTF(3, 0) static void tell(struct fake_told *told, int level, const char *format, va_list args)
{
	pthread_mutex_lock(&mutex);
	told->count++;
	told->level = level;
	vsnprintf(told->words, sizeof(told->words), format, args);
	pthread_mutex_unlock(&mutex);
}

void fake_types(const char *text)
{
	char path[] = "/tmp/fake_types.XXXXXX";
	int fd = mkstemp(path);

	c_assert(fd >= 0);
	c_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	c_assert(types_load(path, NULL) == 0);
	unlink(path);
}

__attribute__((weak)) void log_line(enum mu_level level, const char *source, const char *format, ...)
{
	va_list args;

	(void)source;
	va_start(args, format);
	tell(&fake_log, (int)level, format, args);
	va_end(args);
}

__attribute__((weak)) void event_core(enum mu_severity severity, const char *words, ...)
{
	va_list args;

	va_start(args, words);
	tell(&fake_event, (int)severity, words, args);
	va_end(args);
}

__attribute__((weak)) void instance_hold(struct mu_instance *instance)
{
	__atomic_add_fetch(&instance->holds, 1, __ATOMIC_RELAXED);
}

__attribute__((weak)) void instance_release(struct mu_instance *instance)
{
	__atomic_sub_fetch(&instance->holds, 1, __ATOMIC_RELAXED);
}
