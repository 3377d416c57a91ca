/* Omnisend's batches up to the committer, and how they are shown; omnisend.md 3.3. What they do is
 * held over sockets (tests/wire/cases/omnisend_batches.toml). */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/dialect_fuzz.h"

#define ID "60fe7581b0aa9fa6e928f794"

static void run_in(struct trial *t, enum method method, const char *target, const char *body,
		   size_t memory)
{
	static struct trial_request from; /* the request keeps its headers */
	from = (struct trial_request){ method, target, { HEADER("X-API-KEY", TRIAL_KEY) } };
	trial_run(t, &omnisend, &from, str_of(body), memory);
}

static void run(struct trial *t, enum method method, const char *target, const char *body)
{
	run_in(t, method, target, body, TRIAL_MEMORY);
}

#define BATCH(method, endpoint, items) \
	"{\"method\":\"" method "\",\"endpoint\":\"" endpoint "\",\"items\":[" items "]}"

/* Each item becomes the operation that its own call would become. */
static const struct {
	const char *target, *body;
	enum bulk_space space;
	unsigned n;
	const char *uses; /* of the first operation's identities */
} accepted[] = {
	{ "/v5/batches",
	  BATCH("POST", "contacts", "{\"email\":\"a@b.co\"},{\"phone\":\"3706123\"}"),
	  BULK_OMNISEND_CONTACTS, 2, "who email lookup,creates,adopt a@b.co key a@b.co\n" },
	{ "/api/batches",
	  BATCH("PUT", "contacts", "{\"contactID\":\"" ID "\",\"phone\":\"370612345\"}"),
	  BULK_OMNISEND_CONTACTS, 1,
	  "who hex lookup " ID "\nwho phone replace,exclusive +370612345 key 370612345\n" },
	{ "/v5/batches", BATCH("PUT", "contacts", "{\"email\":\"a@b.co\",\"city\":\"x\"}"),
	  BULK_OMNISEND_CONTACTS, 1, "who email lookup,adopt a@b.co key a@b.co\nset city \"x\"\n" },
	{ "/api/batches",
	  BATCH("PUT", "contacts", "{\"email\":\"a@b.co\",\"phone\":\"370612345\"}"),
	  BULK_OMNISEND_CONTACTS, 1,
	  "who email lookup,adopt,exclusive a@b.co key a@b.co\n"
	  "who phone replace,claims,exclusive +370612345 key 370612345\n" },
	{ "/api/batches",
	  BATCH("POST", "events", "{\"eventName\":\"n\",\"contact\":{\"email\":\"a@b.co\"}}"),
	  BULK_OMNISEND_EVENTS, 1,
	  "definition 0n\nproperties {}\nwho email lookup,creates,adopt a@b.co key a@b.co\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run(&t, METHOD_POST, accepted[i].target, accepted[i].body);
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_int_equal(t.call.n_ops, accepted[i].n + 1);
		assert_false(t.call.all_or_nothing);
		assert_false(t.call.divisible); /* its last operation is about all of them */
		const struct op *last = &t.call.ops[accepted[i].n];
		assert_int_equal(last->kind, OP_BULK);
		assert_int_equal(last->bulk->space, accepted[i].space);
		assert_int_equal(last->bulk->n_items, accepted[i].n);
		for (unsigned k = 0; k < accepted[i].n; k++)
			assert_ptr_equal(last->bulk->items[k].op, &t.call.ops[k]);
		t.call.n_ops = 1;
		struct str text = trial_op_text(&t);
		if (!str_eq(text, str_of(accepted[i].uses)))
			fail_msg("%s became " STR_FMT, accepted[i].body, STR_ARG(text));
		assert_false(t.call.ops->wants_view);
		t.call.n_ops = accepted[i].n + 1;
		trial_answer(&t);
		assert_int_equal(t.status, 201);
		trial_end(&t);
	}
}

/* What is wrong with one leaves no trace in the operation of the next. */
static void test_items_no_good(void **state)
{
	static const char *const body =
		BATCH("POST", "contacts",
		      "{\"email\":\"bad\",\"city\":\"x\"},{\"phone\":\"370612345\"},7,null,{}");
	struct trial t;
	(void)state;
	run(&t, METHOD_POST, "/v5/batches", body);
	assert_int_equal(t.why, REFUSE_NOTHING);
	assert_int_equal(t.call.problems.found, 0);
	assert_int_equal(t.call.n_ops, 2);
	assert_int_equal(t.call.ops[0].n_changes, 0);
	const struct bulk *bulk = t.call.ops[1].bulk;
	assert_int_equal(bulk->n_items, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(bulk->items[i].op != NULL, i == 1);
		if (i != 1)
			assert_int_equal(bulk->items[i].problems->found, 1);
	}
	assert_true(str_eq(bulk->items[2].request, STR("7")));
	trial_end(&t);
}

/* However little there is: all of it, or nothing and a no. */
static void test_little_memory(void **state)
{
	static const char *const body = BATCH(
		"POST", "events",
		"{\"eventName\":\"a\",\"contact\":{\"email\":\"a@b.co\"},\"properties\":{\"p\":1}},"
		"{\"eventName\":\"a\"},"
		"{\"eventName\":\"a\",\"contact\":{\"email\":\"c@d.co\"},\"properties\":{\"p\":2}"
		"}");
	unsigned refused = 0, done = 0;
	(void)state;
	for (size_t memory = 1024; memory < 64 * 1024; memory += 512) {
		struct trial t;
		run_in(&t, METHOD_POST, "/v5/batches", body, memory);
		assert_true(t.why == REFUSE_NOTHING || t.why == REFUSE_OVERLOADED);
		refused += t.why == REFUSE_OVERLOADED;
		done += t.why == REFUSE_NOTHING && t.call.n_ops == 3;
		trial_answer(&t);
		assert_int_equal(t.answers, 1);
		trial_end(&t);
	}
	assert_true(refused > 0 && done > 0);
}

/* --- Shown --- */

#define ERASED "\"request\":null,\"response\":null,\"responseCode\":409,\"status\":\"error\"}"
#define SHORT  "\"request\":7,\"response\":null,\"responseCode\":503,\"status\":\"error\"}"

static bool body_has(const struct trial *t, const char *part)
{
	return memmem(t->body.p, t->body.n, part, strlen(part)) != NULL;
}

static void test_items_shown(void **state)
{
	static const struct {
		const char *target, *parts[5];
	} cases[] = {
		{ "/v5/batches/" TRIAL_BULK_ID "/items",
		  { "\"response\":{\"contactID\":\"692cda80",
		    "\"responseCode\":200,\"status\":\"finished\"",
		    "\"fields\":{\"email\":[\"email must be an e-mail "
		    "address\"]}},\"responseCode\":400",
		    ERASED, SHORT } },
		{ "/api/batches/" TRIAL_BULK_ID "/items",
		  { "\"response\":{\"id\":\"692cda80",
		    "\"responseCode\":201,\"status\":\"finished\"",
		    "\"errors\":[{\"field\":\"email\",\"code\":\"invalid_format\",", ERASED,
		    SHORT } },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, METHOD_GET, cases[i].target, "");
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_true(t.call.query->bulk.with_items);
		trial_answer(&t);
		assert_int_equal(t.status, 200);
		for (size_t k = 0; k < ARRAY_LEN(cases[i].parts); k++)
			if (!body_has(&t, cases[i].parts[k]))
				fail_msg("%s is not in " STR_FMT, cases[i].parts[k],
					 STR_ARG(t.body));
		trial_end(&t);
	}
}

/* The id says when the batch was made; another time is another batch. */
static void test_another_id(void **state)
{
	static const char *const targets[] = {
		"/v5/batches/792cda80d3f2ffcb7c8d07d7",
		"/v5/batches/" ID,
		"/v5/batches/x",
		"/api/batches/000000000000000000000000/items",
		"/api/batches/692CDA80",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct trial t;
		run(&t, METHOD_GET, targets[i], "");
		trial_answer(&t);
		assert_int_equal(t.status, 404);
		trial_end(&t);
	}
}

static void test_scopes(void **state)
{
	static struct trial_request from = { .headers = { HEADER("X-API-KEY", TRIAL_KEY_READS) } };
	static const struct {
		enum method method;
		const char *target, *body;
		enum refusal why;
	} cases[] = {
		{ METHOD_POST, "/v5/batches", BATCH("POST", "contacts", "{}"), REFUSE_SCOPE },
		{ METHOD_POST, "/v5/batches", "{", REFUSE_SCOPE },
		{ METHOD_GET, "/v5/batches?endpoint=contacts", "", REFUSE_NOTHING },
		{ METHOD_GET, "/v5/batches?endpoint=events", "", REFUSE_SCOPE },
		{ METHOD_GET, "/v5/batches?endpoint=events&limit=x", "", REFUSE_SCOPE },
		{ METHOD_GET, "/v5/batches?endpoint=carts", "", REFUSE_PROBLEMS },
		{ METHOD_GET, "/v5/batches/" ID, "", REFUSE_NOTHING },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		from.method = cases[i].method;
		from.target = cases[i].target;
		trial_run(&t, &omnisend, &from, str_of(cases[i].body), TRIAL_MEMORY);
		assert_int_equal(t.why, cases[i].why);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),      cmocka_unit_test(test_items_no_good),
		cmocka_unit_test(test_little_memory), cmocka_unit_test(test_items_shown),
		cmocka_unit_test(test_another_id),    cmocka_unit_test(test_scopes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
