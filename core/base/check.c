/* check: says which truth failed, and aborts.
 *
 * The words go out by one write(2) of a buffer on the stack: the heap may be what is broken. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*before_abort)(void);

void check_before_abort(void (*last)(void))
{
	__atomic_store_n(&before_abort, last, __ATOMIC_RELEASE);
}

_Noreturn void check_failed(const char *truth, const char *file, int line, const char *function)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: %s: this must hold and does not: %s\n", file, line,
			 function, truth);

	if (n > 0) {
		size_t length = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
		ssize_t done = write(STDERR_FILENO, text, length);
		(void)done;
	}
	/* once: it may be what fails */
	void (*last)(void) = __atomic_exchange_n(&before_abort, NULL, __ATOMIC_ACQ_REL);
	if (last)
		last();
	abort();
}
