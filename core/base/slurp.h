/* slurp: small files at one go, and numbers out of their text. The functions behind mu_slurp, mu_scan_…:
 * see <muster/base.h> for what they promise. */
#ifndef BASE_SLURP_H
#define BASE_SLURP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int slurp(char *text, size_t size, const char *path);
/* *fd < 0 is opened; read at offset 0. */
int slurp_fd(int *fd, char *text, size_t size, const char *path);
/* A whole file of at most `max` bytes into fresh memory that the caller frees. >=0 length. */
int slurp_all(const char *path, size_t max, char **text);

int scan_u64(const char **p, uint64_t *out);
int scan_i64(const char **p, int64_t *out);
int scan_double(const char **p, double *out); /* also inf, nan */
bool scan_line(const char **p);
bool scan_word(const char **p, const char *word);

#endif
