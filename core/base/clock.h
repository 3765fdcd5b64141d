/* clock: the two clocks of the process, which a test may hold in its hand. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono(void); /* ns; any thread */
int64_t clock_real(void); /* ns since the epoch; any thread */

/* From here on time stands still and moves only when told: tests, and `musterd` in tests. */
void clock_hold(int64_t mono, int64_t real);
void clock_advance(int64_t ns); /* both */
void clock_step_real(int64_t ns); /* as if someone set the wall clock */
bool clock_held(void);
void clock_release(void);

#endif
