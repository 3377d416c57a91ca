/* Schemes that are declared through Omnisend, up to the committer; omnisend.md 2.5. What they are
 * answered is held over sockets (tests/wire/cases/omnisend_metadata.toml). */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define PATH "/api/event-metadata"

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ method, target, { HEADER("X-API-KEY", TRIAL_KEY) } };
	trial_run(t, &omnisend, &from, str_of(body), TRIAL_MEMORY);
}

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"required\":false}"
#define KEPT(origins, properties) \
	"annotations {\"omnisend\":{\"origins\":[" origins "],\"properties\":{" properties "}}}\n"

static const struct {
	enum method method;
	const char *body, *op;
} accepted[] = {
	/* New: must be new, grows, with fields, title, annotations. */
	{ METHOD_POST,
	  "{\"name\":\"e\",\"origin\":\"shop\",\"displayName\":\"E\",\"properties\":{"
	  "\"s\":{\"type\":\"string\",\"group\":\"G\",\"x\":1},\"l\":{\"type\":\"dateList\"}}}",
	  "define 0 rules 93\nname e\ndescription \n" KEPT(
		  "\"shop\"",
		  "\"s\":{\"type\":\"string\",\"group\":\"G\"},"
		  "\"l\":{\"type\":\"dateList\"}") "fields [" FIELD("s",
								    "string") "," FIELD("l",
											"array") "]"
												 "\n" },
	/* There already: must exist, as seen, annotations. */
	{ METHOD_PUT, "{\"name\":\"viewed page\",\"origin\":\"api\"}",
	  "define 4 rules 194\nname viewed page\ndescription \n" KEPT("\"api\"",
								      "") "fields []\n" },
	/* An address and what it shows as are one type. */
	{ METHOD_PUT,
	  "{\"name\":\"viewed page\",\"origin\":\"shop\",\"properties\":{"
	  "\"url\":{\"type\":\"string\",\"description\":\"D\"},\"n\":{\"type\":\"float\"}}}",
	  "define 4 rules 206\nname viewed page\ndescription \n" KEPT(
		  "\"api\",\"shop\"",
		  "\"url\":{\"type\":\"string\",\"description\":\"D\"},"
		  "\"n\":{\"type\":\"float\"}") "fields [" FIELD("url",
								 "url") "," FIELD("n",
										  "number") "]\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run(&t, accepted[i].method, PATH, accepted[i].body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(accepted[i].op)))
			fail_msg("%s became " STR_FMT, accepted[i].body, STR_ARG(text));
		trial_answer(&t);
		assert_int_equal(t.status, accepted[i].method == METHOD_POST ? 201 : 200);
		trial_end(&t);
	}
}

static void test_refused(void **state)
{
#define PUT(properties) \
	"{\"name\":\"viewed page\",\"origin\":\"o\",\"properties\":{" properties "}}"
	static const struct {
		const char *body;
		unsigned found;
		int status;
	} cases[] = {
		{ PUT("\"url\":{\"type\":\"float\"}"), 1, 409 },
		{ PUT("\"url\":{\"type\":\"float\"},\"seconds\":{\"type\":\"float\"}"), 2, 409 },
		{ PUT("\"url\":{\"type\":\"float\"},\"a b\":{\"type\":\"float\"}"), 2, 400 },
		{ PUT("\"n\":{\"type\":\"int\"}"), 1, 400 },
		{ PUT("\"n\":{\"type\":null}"), 1, 400 },
		{ PUT("\"n\":{}"), 1, 400 },
		{ PUT("\"n\":\"float\""), 1, 400 },
		{ PUT("\"n\":{\"type\":\"float\",\"group\":null}"), 1, 400 },
		{ PUT("\"n\":{\"type\":\"float\",\"properties\":{}}"), 1, 400 },
		{ PUT("\"n\":{\"type\":\"struct\",\"properties\":{\"m\":{}}}"), 1, 400 },
		{ "{\"name\":\" \",\"origin\":\"\"}", 2, 400 },
		{ "{}", 2, 400 },
		{ "{\"name\":\"viewed page\",\"origin\":\"o\",\"displayName\":null}", 1, 400 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_PUT, PATH, cases[i].body);
		if (t.why != REFUSE_PROBLEMS || t.call.problems.found != cases[i].found)
			fail_msg("%s: %d, %u", cases[i].body, t.why, t.call.problems.found);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		trial_end(&t);
	}
}

static void test_what_the_committer_refuses(void **state)
{
	static const struct {
		enum method method;
		enum problem_code code;
		int status;
	} cases[] = {
		{ METHOD_POST, PROBLEM_EXISTS, 409 },
		{ METHOD_POST, PROBLEM_DEFINITIONS_FULL, 400 },
		{ METHOD_PUT, PROBLEM_EXISTS, 503 },
		{ METHOD_PUT, PROBLEM_FIELD_TYPE, 409 },
		{ METHOD_PUT, PROBLEM_UNKNOWN_DEFINITION, 404 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, cases[i].method, PATH,
		    "{\"name\":\"rich\",\"origin\":\"o\",\"displayName\":\"R\","
		    "\"properties\":{\"fresh\":{\"type\":\"float\"}}}");
		assert_int_equal(t.why, REFUSE_NOTHING);
		trial_answer_refused(&t, cases[i].code);
		assert_int_equal(t.status, cases[i].status);
		assert_int_equal(trial_header(&t, "Retry-After").p != NULL, t.status == 503);
		trial_end(&t);
	}
}

static void test_queries(void **state)
{
#define URL                                                                \
	"{\"events\":[{\"name\":\"viewed page\",\"displayName\":\"viewed " \
	"page\",\"origins\":[\"api\"]"
	static const struct {
		const char *body;
		int status;
		const char *begins;
	} cases[] = {
		{ "{\"category\":\"events\",\"events\":[\"viewed page\",\"viewed page\",\"\"]}",
		  200, URL "}]}" },
		{ "{\"category\":\"events\",\"events\":[\"viewed "
		  "page\"],\"includeProperties\":true}",
		  200,
		  URL ",\"properties\":{\"url\":{\"type\":\"string\"},\"seconds\":{\"type\":"
		      "\"integer\"},\"title\":{\"type\":\"string\"}}}]}" },
		{ "{\"category\":\"segments\"}", 200, "{\"events\":[{\"name\":\"purchase\"" },
		{ "{\"category\":\"events\",\"events\":[\"Viewed page\"]}", 200,
		  "{\"events\":[]}" },
		{ "{\"category\":\"events\",\"origins\":[\"shop\"]}", 200, "{\"events\":[]}" },
		{ "{\"category\":\"events\",\"excludeCustomEvents\":true}", 200,
		  "{\"events\":[]}" },
		{ "{}", 400, "{" },
		{ "{\"category\":\"all\"}", 400, "{" },
		{ "{\"category\":\"events\",\"events\":[7]}", 400, "{" },
		{ "{\"category\":\"events\",\"includeProperties\":\"true\"}", 400, "{" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_POST, PATH "/query", cases[i].body);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (!str_starts(t.body, str_of(cases[i].begins)))
			fail_msg("%s: " STR_FMT, cases[i].body, STR_ARG(t.body));
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_what_the_committer_refuses),
		cmocka_unit_test(test_queries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
