/* load_avg: proc(5) promises "0.20 0.18 0.12 1/80 11206"; the first three are the averages, the rest is not
 * ours. */
#include "load_avg.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <muster/base.h>

int load_avg_parse(const char *text, struct load_avg *out)
{
	double loads[3];
	const char *p = text;

	assert(text && out);
	for (size_t i = 0; i < 3; i++) {
		if (mu_scan_double(&p, &loads[i]) < 0 || !isfinite(loads[i]) || loads[i] < 0)
			return -EINVAL;
		/* "1.2.3" and "1x" are no numbers, and a text that ends here may have lost digits. */
		if (*p != ' ' && *p != '\t' && !(i == 2 && *p == '\n'))
			return -EINVAL;
	}
	*out = (struct load_avg){ .shortterm = loads[0], .midterm = loads[1], .longterm = loads[2] };
	return 0;
}
