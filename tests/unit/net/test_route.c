#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/route.h"

#include <errno.h>

static struct arena arena;

static const struct route routes[] = {
	{ METHOD_GET, "/", "root" },
	{ METHOD_GET, "/v1/contacts", "list" },
	{ METHOD_POST, "/v1/contacts", "create" },
	{ METHOD_GET, "/v1/contacts/{id}", "get" },
	{ METHOD_DELETE, "/v1/contacts/{key}", "delete" },
	{ METHOD_GET, "/v1/contacts/me", "me" },
	{ METHOD_GET, "/v1/contacts/email:{email}", "by-email" },
	{ METHOD_GET, "/v1/contacts/{id}.json", "json" },
	{ METHOD_GET, "/v1/contacts/{id}/events", "events" },
	{ METHOD_GET, "/v1/contacts/me/{what}", "mine" },
	{ METHOD_HEAD, "/head", "head" },
	{ METHOD_GET, "/head", "not-head" },
	{ METHOD_GET, "/{a}/{b}/{c}/{d}", "four" },
};

static int set_up(void **state)
{
	struct route_table *t = NULL;
	arena_init(&arena, 1 << 20, NULL);
	assert_int_equal(route_table_new(routes, ARRAY_LEN(routes), *state != NULL, &t), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	route_table_free(*state);
	arena_fini(&arena);
	return 0;
}

#define GET  METHOD_BIT(METHOD_GET)
#define POST METHOD_BIT(METHOD_POST)

struct expectation {
	enum method method;
	struct str path;
	enum route_outcome outcome;
	const char *target;
	struct str params[ROUTE_PARAMS_MAX];
	unsigned allowed;
};

static void check(const struct route_table *t, const struct expectation *want)
{
	struct route_match got;
	struct request req = { .method = want->method, .path = want->path };
	assert_true(url_place_make(&arena, want->path, &req.place));
	enum route_outcome outcome = route_find(t, &req, &got);
	if (outcome != want->outcome)
		print_error("path " STR_FMT "\n", STR_ARG(want->path));
	assert_int_equal(outcome, want->outcome);
	if (outcome == ROUTE_OTHER_METHOD)
		assert_int_equal(got.allowed, want->allowed);
	if (outcome != ROUTE_FOUND)
		return;
	assert_string_equal(got.route->target, want->target);
	for (unsigned i = 0; i < ROUTE_PARAMS_MAX; i++) {
		bool there = want->params[i].p != NULL;
		assert_int_equal(i < got.n_params, there);
		if (there)
			assert_true(str_eq(got.params[i], want->params[i]));
	}
}

#define P(s) STR_INIT(s)

static void test_find(void **state)
{
	static const struct expectation cases[] = {
		{ METHOD_GET, P("/"), ROUTE_FOUND, "root", { { 0 } }, 0 },
		{ METHOD_POST, P("/"), ROUTE_OTHER_METHOD, NULL, { { 0 } }, GET },
		{ METHOD_GET, P("/v1/contacts"), ROUTE_FOUND, "list", { { 0 } }, 0 },
		{ METHOD_POST, P("/v1/contacts"), ROUTE_FOUND, "create", { { 0 } }, 0 },
		{ METHOD_HEAD, P("/v1/contacts"), ROUTE_FOUND, "list", { { 0 } }, 0 },
		{ METHOD_HEAD, P("/head"), ROUTE_FOUND, "head", { { 0 } }, 0 },
		{ METHOD_PUT, P("/v1/contacts"), ROUTE_OTHER_METHOD, NULL, { { 0 } }, GET | POST },
		{ METHOD_OTHER,
		  P("/v1/contacts"),
		  ROUTE_OTHER_METHOD,
		  NULL,
		  { { 0 } },
		  GET | POST },
		{ METHOD_GET, P("/v1/contacts/7"), ROUTE_FOUND, "get", { P("7") }, 0 },
		{ METHOD_GET, P("/v1/contacts/me"), ROUTE_FOUND, "me", { { 0 } }, 0 },
		{ METHOD_DELETE, P("/v1/contacts/7"), ROUTE_FOUND, "delete", { P("7") }, 0 },
		{ METHOD_DELETE, P("/v1/contacts/me"), ROUTE_OTHER_METHOD, NULL, { { 0 } }, GET },
		{ METHOD_GET, P("/v1/contacts/%6d%65"), ROUTE_FOUND, "me", { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/a%2Fb"), ROUTE_FOUND, "get", { P("a/b") }, 0 },
		{ METHOD_GET, P("/v1/contacts/%2541"), ROUTE_FOUND, "get", { P("%41") }, 0 },
		{ METHOD_GET,
		  P("/v1/contacts/email:a%40b.c"),
		  ROUTE_FOUND,
		  "by-email",
		  { P("a@b.c") },
		  0 },
		{ METHOD_GET, P("/v1/contacts/email:"), ROUTE_FOUND, "get", { P("email:") }, 0 },
		{ METHOD_GET, P("/v1/contacts/7.json"), ROUTE_FOUND, "json", { P("7") }, 0 },
		{ METHOD_GET, P("/v1/contacts/.json"), ROUTE_FOUND, "get", { P(".json") }, 0 },
		{ METHOD_GET, P("/v1/contacts/7/events"), ROUTE_FOUND, "events", { P("7") }, 0 },
		{ METHOD_GET,
		  P("/v1/contacts/me/events"),
		  ROUTE_FOUND,
		  "mine",
		  { P("events") },
		  0 },
		{ METHOD_GET,
		  P("/v1/contacts/7/x"),
		  ROUTE_FOUND,
		  "four",
		  { P("v1"), P("contacts"), P("7"), P("x") },
		  0 },
		{ METHOD_GET, P("/v1"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("/V1/contacts"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/%"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/%4x"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("/v1//contacts"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("//"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P(""), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("v1/contacts"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET,
		  P("/a/b/c/d/e/f/g/h/i/j/k/l/m/n"),
		  ROUTE_UNKNOWN,
		  NULL,
		  { { 0 } },
		  0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(*state, &cases[i]);
}

static void test_slash_counts(void **state)
{
	static const struct expectation cases[] = {
		{ METHOD_GET, P("/v1/contacts/"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/7/"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(*state, &cases[i]);
}

static void test_slash_optional(void **state)
{
	static const struct expectation cases[] = {
		{ METHOD_GET, P("/"), ROUTE_FOUND, "root", { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/"), ROUTE_FOUND, "list", { { 0 } }, 0 },
		{ METHOD_GET, P("/v1/contacts/7/"), ROUTE_FOUND, "get", { P("7") }, 0 },
		{ METHOD_GET, P("/v1/contacts//"), ROUTE_UNKNOWN, NULL, { { 0 } }, 0 },
		{ METHOD_GET, P("//"), ROUTE_FOUND, "root", { { 0 } }, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(*state, &cases[i]);
}

static void test_refused_patterns(void **state)
{
	static const char *const patterns[] = {
		"",
		"a",
		"//",
		"/a/",
		"/a//b",
		"/{}",
		"/{a",
		"/a}",
		"/}a{",
		"/{a}{b}",
		"/{{a}}",
		"/{a}}",
		"/a/{b",
		"/{a}/{b}/{c}/{d}/{e}",
		"/1/2/3/4/5/6/7/8/9/10/11/12/13",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct route r = { METHOD_GET, patterns[i], NULL };
		struct route_table *t = NULL;
		int got = route_table_new(&r, 1, false, &t);
		if (got == 0)
			print_error("pattern %s\n", patterns[i]);
		assert_int_equal(got, -EINVAL);
	}
}

static void test_refused_pairs(void **state)
{
	static const struct {
		struct route pair[2];
		int want;
	} cases[] = {
		{ { { METHOD_GET, "/a", 0 }, { METHOD_GET, "/a", 0 } }, -EINVAL },
		{ { { METHOD_GET, "/a", 0 }, { METHOD_POST, "/a", 0 } }, 0 },
		{ { { METHOD_GET, "/{a}", 0 }, { METHOD_GET, "/{b}", 0 } }, -EINVAL },
		{ { { METHOD_GET, "/{a}", 0 }, { METHOD_GET, "/x{b}", 0 } }, 0 },
		{ { { METHOD_GET, "/x{a}y", 0 }, { METHOD_GET, "/x{b}y", 0 } }, -EINVAL },
		{ { { METHOD_GET, "/{a}/b", 0 }, { METHOD_GET, "/{a}/c", 0 } }, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_table *t = NULL;
		assert_int_equal(route_table_new(cases[i].pair, 2, false, &t), cases[i].want);
		route_table_free(t);
	}
}

static void test_allow(void **state)
{
	(void)state;
	assert_true(str_eq(route_allow(&arena, GET | POST), STR("GET, POST")));
	assert_true(str_eq(route_allow(&arena, POST), STR("POST")));
	assert_int_equal(route_allow(&arena, 0).n, 0);
}

int main(void)
{
	static int optional;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slash_counts, set_up, tear_down),
		cmocka_unit_test_prestate_setup_teardown(test_slash_optional, set_up, tear_down,
							 &optional),
		cmocka_unit_test(test_refused_patterns),
		cmocka_unit_test(test_refused_pairs),
		cmocka_unit_test_setup_teardown(test_allow, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
