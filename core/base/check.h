/* check: what cannot happen. Stays on in production, and is never about input. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define c_assert(truth) ((truth) ? (void)0 : check_failed(#truth, __FILE__, __LINE__, __func__))

/* The struct that embeds a member. */
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

/* Says which truth failed, and aborts; before that `last` may bring to safety what was said. NULL = nothing. */
void check_before_abort(void (*last)(void));
_Noreturn void check_failed(const char *truth, const char *file, int line, const char *function);

#endif
