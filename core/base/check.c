/* check: says which truth failed, and aborts.
 *
 * The words go out by one write(2) of a buffer on the stack: the heap may be what is broken. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	abort();
}
