/*
 * Failure: an operation that cannot go on, as opposed to an outcome that the caller expects.
 *
 * Functions return 0 for done, below zero for failure (a negated errno), above zero for an outcome
 * named in their header. Whoever meets a failure first says fail(-EIO, "what was tried"); everyone
 * above passes it up unread with pass(r). Failures come to rest in few places (the connection, the
 * batch, the start-up), and only those write a log line, with fail_text() for the cause.
 *
 * The cause is kept per thread, the newest failure replacing the one before; one line of text.
 */
#pragma once

#include "base/str.h"

#ifdef __clang_analyzer__ /* which does not see that fail_at() gives back what is below zero */
#define fail(r, ...) (fail_at((r), __FILE__, __LINE__, __VA_ARGS__), (r) < 0 ? (r) : -1)
#else
#define fail(r, ...) fail_at((r), __FILE__, __LINE__, __VA_ARGS__)
#endif

/* Records the cause and returns r. r must be below zero. */
int fail_at(int r, const char *file, int line, const char *fmt, ...) PRINTF(4, 5)
	__attribute__((cold));

/* A failure on its way up. Zero goes through unchanged; an outcome (above zero) must not reach
 * here. */
static inline int pass(int r)
{
	must(r <= 0);
	return r;
}

/* The cause of this thread's newest failure; valid until the next one. */
const char *fail_text(void);
/* The same without the place in the source: for a sentence that people read, on a terminal or in an
 * answer. Who looks for a mistake of ours has the log. */
struct str fail_words(void);
