/*
 * The few words that every file of occurd uses. Nothing here knows what the program is for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))

/* Frees a local when it goes out of scope: CLEANUP(file_close) struct file *f = NULL; */
#define CLEANUP(fn) __attribute__((cleanup(fn##_at)))

/* Defines what CLEANUP(fn) calls; fn must accept NULL. */
#define DEFINE_CLEANUP(type, fn)            \
	static inline void fn##_at(type *p) \
	{                                   \
		if (*p)                     \
			fn(*p);             \
	}                                   \
	_Static_assert(1, "")

/* Hands a CLEANUP pointer on: returns it and leaves NULL behind. */
#define steal(p)                                            \
	({                                                  \
		__typeof__(p) steal_p_ = (p);               \
		__typeof__(*steal_p_) steal_v_ = *steal_p_; \
		*steal_p_ = NULL;                           \
		steal_v_;                                   \
	})

/*
 * What must hold. Stays on in production: an occurd that has lost track of its own state must not
 * answer another client. Never used to judge input.
 */
void must_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
