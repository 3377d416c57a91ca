/*
 * What tests of declarations share: an arena for each test, JSON as they need it, and what is wrong
 * with a declaration as one text. For one program, which includes this once.
 */
#pragma once

#include "base/json.h"
#include "model/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 8 << 20, NULL);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static inline yyjson_val *parsed(const char *text)
{
	yyjson_val *v;
	if (json_parse(&arena, str_of(text), &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", text);
	return v;
}

static inline const char *in_english(const struct problems *ps)
{
	struct buf b = buf_in(&arena);
	for (unsigned i = 0; i < ps->n; i++) {
		problem_put_english(&b, &ps->list[i]);
		buf_lit(&b, "; ");
	}
	buf_char(&b, '\0');
	return b.p;
}
