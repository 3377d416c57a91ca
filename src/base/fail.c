#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char cause[512];
static _Thread_local size_t n_words; /* of its bytes */

/* Causes may quote what lies in a damaged file; they go to terminals and logs as one line of text. */
static void make_printable(char *text)
{
	struct str s = str_of(text);
	bool is_utf8 = str_utf8_prefix(s) == s.n;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ' || c == 0x7F || (c > 0x7F && !is_utf8))
			*text = '?';
	}
}

int fail_at(int r, const char *file, int line, const char *fmt, ...)
{
	must(r < 0);

	char text[sizeof(cause)] = ""; /* apart, because an argument may be fail_text() */
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(-r));
	n_words = strlen(text);
	snprintf(text + n_words, sizeof(text) - n_words, " (%s:%d)", file, line);
	make_printable(text);
	memcpy(cause, text, sizeof(cause));
	return r;
}

const char *fail_text(void)
{
	return cause;
}

struct str fail_words(void)
{
	return (struct str){ cause, n_words };
}

void must_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "occurd: broken invariant at %s:%d: %s\n", file, line, what);
	abort();
}
