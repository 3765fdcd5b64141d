/* load_avg: the three numbers of /proc/loadavg. Pure. */
#ifndef LOAD_AVG_H
#define LOAD_AVG_H

struct load_avg {
	double shortterm, midterm, longterm; /* tasks that run or wait, mean of 1, 5 and 15 min */
};

/* 0; -EINVAL when the text does not begin with three numbers that can be loads; *out is then untouched. */
int load_avg_parse(const char *text, struct load_avg *out);

#endif
