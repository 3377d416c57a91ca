/* Documents: in snapshots, and merged with what shall change. */
#include "base/fail.h"
#include "model/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static struct catalog_edit *begin(struct catalog *from)
{
	struct catalog_edit *e = NULL;
	assert_int_equal(catalog_edit_new(from, &e), 0);
	return e;
}

static void add_workspace(struct catalog_edit *e, const char *name)
{
	const struct workspace like = { .no = 1, .name = str_of(name) };
	assert_int_equal(catalog_edit_workspace(e, &like), 0);
}

static void put(struct catalog_edit *e, enum document_kind kind, uint32_t no, const char *name,
		const char *body)
{
	const struct document d = {
		.no = no, .kind = kind, .name = str_of(name), .body = str_of(body)
	};
	assert_int_equal(catalog_edit_document(e, 1, &d), 0);
}

static void drop(struct catalog_edit *e, enum document_kind kind, const char *name)
{
	assert_int_equal(catalog_edit_no_document(e, 1, kind, str_of(name)), 0);
}

/* The row number; 0: there is none. The body must be that. */
static uint32_t look(const struct workspace *w, enum document_kind kind, const char *name,
		     const char *body)
{
	const struct document *d = workspace_document(w, kind, str_of(name));
	if (d && !str_eq(d->body, str_of(body)))
		fail_msg("%s: " STR_FMT, name, STR_ARG(d->body));
	return d ? d->no : 0;
}

#define D DOCUMENT_DESTINATION
#define A DOCUMENT_AUTOMATION

static void they_are_found_by_kind_and_name(void **state)
{
	unsigned n;
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, "w");
	const struct workspace *w = catalog_workspace(catalog_edit_so_far(e), 1);
	assert_null(workspace_documents_of(w, D, &n));
	assert_int_equal(n, 0);
	assert_int_equal(look(w, D, "b", ""), 0);
	put(e, A, 1, "b", "1");
	put(e, D, 2, "b", "2");
	put(e, A, 3, "a", "3");
	put(e, D, 4, "c", "4");
	put(e, A, 5, "", "5");
	w = catalog_workspace(catalog_edit_so_far(e), 1);
	assert_int_equal(look(w, A, "b", "1"), 1);
	assert_int_equal(look(w, D, "b", "2"), 2);
	assert_int_equal(look(w, A, "a", "3"), 3);
	assert_int_equal(look(w, D, "a", ""), 0);
	assert_int_equal(look(w, A, "c", ""), 0);
	assert_int_equal(look(w, D, "", ""), 0);
	assert_int_equal(look(w, D, "bb", ""), 0);
	assert_int_equal(workspace_document_by_no(w, 4)->kind, D);
	assert_null(workspace_document_by_no(w, 6));
	assert_int_equal(workspace_documents_of(w, D, &n)->no, 2);
	assert_int_equal(n, 2);
	assert_int_equal(workspace_documents_of(w, A, &n)->no, 5);
	assert_int_equal(n, 3);
	for (unsigned i = 1; i < w->n_documents; i++)
		assert_true(document_compare(w->documents[i - 1].kind, w->documents[i - 1].name,
					     &w->documents[i]) < 0);
	catalog_edit_drop(e);
}

static void they_change_in_the_next_snapshot_only(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, "w");
	put(e, D, 1, "crm", "old");
	put(e, D, 2, "gone", "x");
	struct catalog *one = catalog_edit_done(e);

	e = begin(one);
	put(e, D, 1, "crm", "newer");
	put(e, D, 1, "crm", "newest");
	put(e, A, 3, "crm", "rule");
	drop(e, D, "gone");
	drop(e, D, "gone");
	drop(e, A, "nobody");
	struct catalog *two = catalog_edit_done(e);

	e = begin(two);
	add_workspace(e, "renamed");
	struct catalog *three = catalog_edit_done(e);

	const struct workspace *w1 = catalog_workspace(one, 1), *w2 = catalog_workspace(two, 1),
			       *w3 = catalog_workspace(three, 1);
	assert_int_equal(look(w1, D, "crm", "old"), 1);
	assert_int_equal(look(w1, D, "gone", "x"), 2);
	assert_int_equal(w1->n_documents, 2);
	assert_int_equal(look(w2, D, "crm", "newest"), 1);
	assert_int_equal(look(w2, D, "gone", ""), 0);
	assert_int_equal(w2->n_documents, 2);
	/* A body is never copied for a change of something else. */
	assert_ptr_equal(workspace_document(w3, A, STR("crm"))->body.p,
			 workspace_document(w2, A, STR("crm"))->body.p);
	catalog_unref(two);
	catalog_unref(one);
	assert_int_equal(look(w3, D, "crm", "newest"), 1);
	assert_int_equal(look(w3, A, "crm", "rule"), 3);
	catalog_unref(three);
}

/* As many as there may be, all sizes of the list in between, and gone again. */
static void there_may_be_many(void **state)
{
	char name[20];
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, "w");
	for (uint32_t i = 0; i < 2 * DOCUMENTS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i * 7919 % DOCUMENTS_MAX);
		put(e, i % 2 ? A : D, i + 1, name, name);
	}
	struct catalog *c = catalog_edit_done(e);
	e = begin(c);
	for (uint32_t i = 0; i < DOCUMENTS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		if (look(catalog_workspace(c, 1), A, name, name) == 0)
			assert_int_not_equal(look(catalog_workspace(c, 1), D, name, name), 0);
		drop(e, A, name);
		drop(e, D, name);
	}
	assert_int_equal(catalog_workspace(catalog_edit_so_far(e), 1)->n_documents, 0);
	catalog_edit_drop(e);
	catalog_unref(c);
}

static void a_patch_replaces_members(void **state)
{
	static const struct {
		const char *body, *patch, *result; /* NULL: none */
	} cases[] = {
		{ "{\"a\":1,\"b\":{\"c\":2}}", "{}", "{\"a\":1,\"b\":{\"c\":2}}" },
		{ "{\"a\":1.50,\"b\":2}", "{\"b\":[3]}", "{\"a\":1.50,\"b\":[3]}" },
		{ "{\"a\":1}", "{\"b\":true,\"a\":\"x\"}", "{\"b\":true,\"a\":\"x\"}" },
		{ "{\"a\":1,\"b\":{\"c\":2}}", "{\"b\":{\"d\":3}}", "{\"a\":1,\"b\":{\"d\":3}}" },
		{ "{\"a\":1,\"b\":2}", "{\"a\":null,\"x\":null}", "{\"b\":2}" },
		{ "{\"secret\":\"s\"}", "{\"a\":1}", "{\"secret\":\"s\",\"a\":1}" },
		{ "{\"secret\":\"s\"}", "{\"secrets\":[\"t\"]}", "{\"secrets\":[\"t\"]}" },
		{ "{\"secrets\":[\"s\"]}", "{\"secret\":\"t\"}", "{\"secret\":\"t\"}" },
		{ "{\"secrets\":[\"s\"],\"a\":1}", "{\"secret\":null}", "{\"a\":1}" },
		{ "{\"password\":\"s\"}", "{\"topic\":\"t\"}",
		  "{\"password\":\"s\",\"topic\":\"t\"}" },
		{ "{\"password\":\"s\"}", "{\"brokers\":\"k:1\"}", "{\"brokers\":\"k:1\"}" },
		{ "{\"password\":\"s\",\"tls\":true}", "{\"tls\":null}", "{}" },
		{ "{\"key\":\"s\"}", "{\"names\":{}}", "{\"key\":\"s\",\"names\":{}}" },
		{ "{\"key\":\"s\"}", "{\"url\":\"u\"}", "{\"url\":\"u\"}" },
		{ "{\"key\":\"s\",\"vendor\":\"a\"}", "{\"vendor\":\"b\"}", "{\"vendor\":\"b\"}" },
		{ "{\"password\":\"s\"}", "{\"password\":\"t\",\"ca\":\"c\"}",
		  "{\"password\":\"t\",\"ca\":\"c\"}" },
		{ "{\"\\u0000\":\"\\u0001\\\"\"}", "{}", "{\"\\u0000\":\"\\u0001\\\"\"}" },
		{ "[1]", "{}", NULL },
		{ "{\"a\":", "{}", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a;
		yyjson_val *patch;
		arena_init(&a, 1 << 20, NULL);
		assert_int_equal(json_parse(&a, str_of(cases[i].patch), &patch, NULL), JSON_OK);
		struct str got = document_merge(&a, str_of(cases[i].body), patch);
		assert_int_equal(got.p != NULL, cases[i].result != NULL);
		if (got.p && !str_eq(got, str_of(cases[i].result)))
			fail_msg("case %zu: " STR_FMT, i, STR_ARG(got));
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_found_by_kind_and_name),
		cmocka_unit_test(they_change_in_the_next_snapshot_only),
		cmocka_unit_test(there_may_be_many),
		cmocka_unit_test(a_patch_replaces_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
