/*
 * The tags of a Mustache template, in order, as kainjow's library reads them. The one C header over
 * the one C++ file: no exception leaves it, and nothing of C++ is seen from outside.
 */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tag_kind {
	TAG_TEXT,      /* between tags */
	TAG_VALUE,     /* {{x}} */
	TAG_RAW,       /* {{{x}}}, {{&x}} */
	TAG_SECTION,   /* {{#x}} */
	TAG_INVERTED,  /* {{^x}} */
	TAG_END,       /* {{/x}}: of the newest of the two that is open */
	TAG_PARTIAL,   /* {{>x}} */
	TAG_DELIMITER, /* {{=a b=}} */
};

struct tag {
	enum tag_kind kind;
	size_t at;        /* its first byte in the template; of TAG_END that of its section */
	const char *name; /* without blanks around it; of TAG_TEXT the text; gone after the call */
	size_t n;
};

/* Below zero ends the reading, and comes back. Throws nothing. */
typedef int (*tag_taker)(void *ctx, const struct tag *tag);

struct tag_error {
	char text[48]; /* the beginning of what the library says */
	size_t at;
};

/* 0, or below zero: -ENOMEM, -EINVAL with *error, or what take() said. Sections nest as deep as there
 * are tags, so whoever calls has counted them. */
int tags_read(const char *text, size_t n, tag_taker take, void *ctx, struct tag_error *error);

#ifdef __cplusplus
}
#endif
