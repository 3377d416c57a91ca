/* Snapshots: what an edit changes, what it shares, and what other threads see of it. */
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

static void add_workspace(struct catalog_edit *e, uint32_t no, const char *name)
{
	const struct workspace like = {
		.no = no,
		.id = { { 1, 2, 3, [15] = (uint8_t)no } },
		.name = str_of(name),
		.requests_per_second = -1,
	};
	assert_int_equal(catalog_edit_workspace(e, &like), 0);
}

static void define(struct catalog_edit *e, uint32_t workspace, uint32_t no, const char *name)
{
	struct definition *d = definition_new(
		&(struct definition){ .no = no, .name = str_of(name), .description = STR("") });
	assert_non_null(d);
	assert_int_equal(catalog_edit_define(e, workspace, d), 0);
	definition_unref(d);
}

static struct sha256 digest_of(uint32_t n)
{
	return sha256_of((struct str){ (const char *)&n, sizeof(n) });
}

static void add_key(struct catalog_edit *e, uint32_t workspace, uint32_t no, const char *name)
{
	const struct key k = {
		.no = no, .digest = digest_of(no), .name = str_of(name), .scopes = SCOPE_ADMIN
	};
	assert_int_equal(catalog_edit_key(e, workspace, &k), 0);
}

static void scopes_are_words(void **state)
{
	static const struct {
		const char *text;
		unsigned scopes;
	} cases[] = {
		{ "", 0 },
		{ "events.write", SCOPE_EVENTS_WRITE },
		{ "contacts.read contacts.write", SCOPE_CONTACTS_READ | SCOPE_CONTACTS_WRITE },
		{ "definitions.read definitions.write admin",
		  SCOPE_DEFINITIONS_READ | SCOPE_DEFINITIONS_WRITE | SCOPE_ADMIN },
		{ "admin operator", SCOPE_ADMIN | SCOPE_OPERATOR },
	};
	unsigned scope = 99;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a;
		arena_init(&a, 4096 * 4, NULL);
		struct buf b = buf_in(&a);
		scopes_put(&b, cases[i].scopes);
		assert_true(str_eq(buf_str(&b), str_of(cases[i].text)));
		arena_fini(&a);
	}
	assert_true(scope_parse(STR("admin"), &scope));
	assert_int_equal(scope, SCOPE_ADMIN);
	assert_false(scope_parse(STR("Admin"), &scope));
	assert_false(scope_parse(STR(""), &scope));
	assert_false(scope_parse(STR("events.write "), &scope));
	assert_int_equal(scope, SCOPE_ADMIN);
}

static void empty_catalog_has_nothing(void **state)
{
	(void)state;
	struct catalog *c = catalog_edit_done(begin(NULL));
	struct sha256 digest = digest_of(1);
	assert_null(catalog_key(c, &digest));
	assert_null(catalog_workspace(c, 1));
	assert_null(catalog_workspace_by_id(c, (struct uuid){ { 0 } }));
	catalog_unref(c);
}

static void everything_is_found_by_its_key(void **state)
{
	enum { WORKSPACES = 20, EACH = 150 };
	char name[40];
	(void)state;
	struct catalog_edit *e = begin(NULL);
	/* Downwards, so that each goes in before the others. */
	for (uint32_t w = WORKSPACES; w >= 1; w--) {
		add_workspace(e, w, "w");
		for (uint32_t i = 0; i < EACH; i++) {
			snprintf(name, sizeof(name), "event %u", i);
			define(e, w, w * EACH + i, name);
			add_key(e, w, w * EACH + i, name);
		}
		assert_int_equal(catalog_workspace(catalog_edit_so_far(e), w)->n_definitions, EACH);
	}
	struct catalog *c = catalog_edit_done(e);
	assert_int_equal(c->n_workspaces, WORKSPACES);
	assert_int_equal(c->n_keys, WORKSPACES * EACH);
	for (uint32_t w = 1; w <= WORKSPACES; w++) {
		const struct workspace *found = catalog_workspace(c, w);
		assert_int_equal(found->no, w);
		assert_ptr_equal(catalog_workspace_by_id(c, found->id), found);
		for (uint32_t i = 0; i < EACH; i++) {
			struct sha256 digest = digest_of(w * EACH + i);
			snprintf(name, sizeof(name), "event %u", i);
			assert_int_equal(workspace_definition(found, str_of(name))->no,
					 w * EACH + i);
			const struct key *k = catalog_key(c, &digest);
			assert_int_equal(k->no, w * EACH + i);
			assert_ptr_equal(k->workspace, found);
			assert_ptr_equal(catalog_named_key(c, str_of(name), &digest), k);
			assert_null(catalog_named_key(c, STR("another"), &digest));
		}
		assert_null(workspace_definition(found, STR("event 150")));
	}
	catalog_unref(c);
}

static void add_field(struct catalog_edit *e, uint32_t no, const char *name, const char *title)
{
	const struct contact_field f = { .no = no,
					 .id = { { 9, [15] = (uint8_t)no } },
					 .name = str_of(name),
					 .title = str_of(title),
					 .description = STR(""),
					 .fallback = STR("") };
	assert_int_equal(catalog_edit_contact_field(e, 1, &f), 0);
}

static const char *title_of(const struct workspace *w, const char *name)
{
	const struct contact_field *f = workspace_contact_field(w, str_of(name));
	return f ? (f->title.n ? f->title.p : "") : NULL;
}

static void contact_fields_are_looked_up(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "w");
	assert_null(title_of(catalog_workspace(catalog_edit_so_far(e), 1), "age"));
	add_field(e, 1, "size", "");
	add_field(e, 2, "age", "");
	add_field(e, 3, "gender", "");
	struct catalog *c = catalog_edit_done(e);
	const struct workspace *w = catalog_workspace(c, 1);
	assert_non_null(workspace_contact_field(w, STR("age")));
	assert_non_null(workspace_contact_field(w, STR("gender")));
	assert_non_null(workspace_contact_field(w, STR("size")));
	assert_null(workspace_contact_field(w, STR("")));
	assert_null(workspace_contact_field(w, STR("ag")));
	assert_null(workspace_contact_field(w, STR("zoo")));
	assert_int_equal(
		contact_field_by_id(w->contact_fields, (struct uuid){ { 9, [15] = 2 } })->no, 2);
	assert_null(contact_field_by_id(w->contact_fields, (struct uuid){ { 8 } }));
	assert_null(contact_field_by_id(NULL, (struct uuid){ { 9, [15] = 2 } }));
	catalog_unref(c);
}

/* A snapshot's list stays as it is, however the next ones differ; who changes something else of the
 * workspace shares it. */
static void contact_fields_change_in_the_next_snapshot_only(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "w");
	add_field(e, 1, "age", "old");
	struct catalog *one = catalog_edit_done(e);

	e = begin(one);
	add_field(e, 1, "age", "new");
	add_field(e, 2, "zip", "");
	add_field(e, 3, "abc", "");
	assert_int_equal(catalog_edit_no_contact_field(e, 1, STR("abc")), 0);
	assert_int_equal(catalog_edit_no_contact_field(e, 1, STR("nobody")), 0);
	struct catalog *two = catalog_edit_done(e);

	e = begin(two);
	add_workspace(e, 1, "renamed");
	define(e, 1, 1, "order");
	struct catalog *three = catalog_edit_done(e);

	const struct workspace *w1 = catalog_workspace(one, 1), *w2 = catalog_workspace(two, 1),
			       *w3 = catalog_workspace(three, 1);
	assert_string_equal(title_of(w1, "age"), "old");
	assert_null(title_of(w1, "zip"));
	assert_string_equal(title_of(w2, "age"), "new");
	assert_string_equal(title_of(w2, "zip"), "");
	assert_null(title_of(w2, "abc"));
	assert_int_equal(w2->contact_fields->n, 2);
	assert_ptr_equal(w3->contact_fields, w2->contact_fields);
	catalog_unref(two);
	catalog_unref(one);
	assert_string_equal(title_of(w3, "age"), "new");
	catalog_unref(three);
}

static void declare(struct catalog_edit *e, uint32_t workspace, uint32_t no, const char *name)
{
	const struct document d = {
		.no = no, .kind = DOCUMENT_AUTOMATION, .name = str_of(name), .body = STR("{}")
	};
	assert_int_equal(catalog_edit_document(e, workspace, &d), 0);
}

static void change_nothing(struct catalog_edit *e)
{
	(void)e;
}

static void change_what_is_no_document(struct catalog_edit *e)
{
	define(e, 1, 9, "visit");
	add_field(e, 1, "age", "");
	add_key(e, 2, 9, "another");
	add_workspace(e, 2, "renamed");
	add_workspace(e, 4, "without any");
}

static void declare_once_more(struct catalog_edit *e)
{
	declare(e, 1, 5, "a");
}

static void declare_another(struct catalog_edit *e)
{
	declare(e, 2, 9, "b");
}

static void declare_the_first(struct catalog_edit *e)
{
	declare(e, 3, 9, "a");
}

static void drop_one(struct catalog_edit *e)
{
	assert_int_equal(catalog_edit_no_document(e, 1, DOCUMENT_AUTOMATION, STR("b")), 0);
}

static void drop_the_last(struct catalog_edit *e)
{
	assert_int_equal(catalog_edit_no_document(e, 2, DOCUMENT_AUTOMATION, STR("a")), 0);
}

static void documents_are_the_same_until_one_is_declared(void **state)
{
	static const struct {
		void (*change)(struct catalog_edit *e);
		bool same;
	} cases[] = {
		{ change_nothing, true },     { change_what_is_no_document, true },
		{ declare_once_more, false }, { declare_another, false },
		{ declare_the_first, false }, { drop_one, false },
		{ drop_the_last, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct catalog_edit *e = begin(NULL);
		for (uint32_t no = 1; no <= 3; no++)
			add_workspace(e, no, "w");
		declare(e, 1, 5, "a");
		declare(e, 1, 6, "b");
		declare(e, 2, 7, "a");
		struct catalog *before = catalog_edit_done(e);
		e = begin(before);
		cases[i].change(e);
		struct catalog *after = catalog_edit_done(e);
		assert_int_equal(catalog_has_same_documents(before, after), cases[i].same);
		assert_int_equal(catalog_has_same_documents(after, before), cases[i].same);
		catalog_unref(before);
		catalog_unref(after);
	}
}

static void switches_are_looked_up_and_copied(void **state)
{
	char name[] = "strict_50", value[] = "true";
	struct switch_setting list[] = { { STR("zoom"), STR("out") },
					 { str_of(name), str_of(value) },
					 { STR("empty"), STR("") } };
	struct workspace like = { .no = 1, .name = STR("w"), .switches = list, .n_switches = 3 };
	(void)state;
	switch_settings_sort(list, ARRAY_LEN(list));
	struct catalog_edit *e = begin(NULL);
	assert_int_equal(catalog_edit_workspace(e, &like), 0);
	memset(name, 'x', sizeof(name));
	memset(value, 'x', sizeof(value));
	struct catalog *first = catalog_edit_done(e);
	/* A change of anything in the workspace makes another copy. */
	e = begin(first);
	define(e, 1, 1, "a");
	catalog_unref(first);
	struct catalog *c = catalog_edit_done(e);
	const struct workspace *w = catalog_workspace(c, 1);
	assert_int_equal(w->n_switches, 3);
	assert_true(str_eq(w->switches[0].name, STR("empty")));
	assert_true(str_eq(workspace_switch(w, STR("strict_50")), STR("true")));
	assert_true(str_eq(workspace_switch(w, STR("zoom")), STR("out")));
	assert_non_null(workspace_switch(w, STR("empty")).p);
	assert_null(workspace_switch(w, STR("strict_5")).p);
	assert_null(workspace_switch(w, STR("")).p);
	like.n_switches = 0;
	assert_null(workspace_switch(&like, STR("zoom")).p);
	catalog_unref(c);
}

static void edit_shares_what_it_leaves_alone(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "one");
	add_workspace(e, 2, "two");
	define(e, 1, 1, "a");
	define(e, 2, 2, "b");
	add_key(e, 1, 1, "key one");
	add_key(e, 2, 2, "key two");
	struct catalog *old = catalog_edit_done(e);

	e = begin(old);
	define(e, 2, 3, "c");
	assert_non_null(
		workspace_definition(catalog_workspace(catalog_edit_so_far(e), 2), STR("c")));
	assert_null(workspace_definition(catalog_workspace(catalog_edit_so_far(e), 1), STR("c")));
	assert_null(catalog_workspace(catalog_edit_so_far(e), 3));
	struct catalog *next = catalog_edit_done(e);

	struct sha256 digest = digest_of(2);
	assert_ptr_equal(catalog_workspace(old, 1), catalog_workspace(next, 1));
	assert_ptr_not_equal(catalog_workspace(old, 2), catalog_workspace(next, 2));
	assert_ptr_equal(workspace_definition(catalog_workspace(old, 2), STR("b")),
			 workspace_definition(catalog_workspace(next, 2), STR("b")));
	assert_null(workspace_definition(catalog_workspace(old, 2), STR("c")));
	assert_ptr_equal(catalog_key(old, &digest)->workspace, catalog_workspace(old, 2));
	assert_ptr_equal(catalog_key(next, &digest)->workspace, catalog_workspace(next, 2));
	catalog_unref(old);
	assert_true(str_eq(catalog_key(next, &digest)->workspace->name, STR("two")));
	assert_true(str_eq(catalog_key(next, &digest)->name, STR("key two")));
	catalog_unref(next);
}

static void replaced_workspace_keeps_its_definitions(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "before");
	define(e, 1, 7, "a");
	add_key(e, 1, 1, "k");
	add_workspace(e, 1, "within the same edit");
	struct catalog *old = catalog_edit_done(e);
	e = begin(old);
	add_workspace(e, 1, "after");
	struct catalog *next = catalog_edit_done(e);
	const struct workspace *w = catalog_workspace(next, 1);
	struct sha256 digest = digest_of(1);
	assert_true(str_eq(w->name, STR("after")));
	assert_true(str_eq(catalog_workspace(old, 1)->name, STR("within the same edit")));
	assert_int_equal(w->n_definitions, 1);
	assert_int_equal(workspace_definition(w, STR("a"))->no, 7);
	assert_ptr_equal(catalog_key(next, &digest)->workspace, w);
	catalog_unref(old);
	catalog_unref(next);
}

static void definition_of_the_same_name_is_replaced(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "w");
	define(e, 1, 1, "a");
	define(e, 1, 2, "a");
	assert_int_equal(catalog_workspace(catalog_edit_so_far(e), 1)->n_definitions, 1);
	assert_int_equal(
		workspace_definition(catalog_workspace(catalog_edit_so_far(e), 1), STR("a"))->no,
		2);
	catalog_edit_drop(e);
}

static void keys_change_by_row(void **state)
{
	struct sha256 one = digest_of(1), two = digest_of(2);
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "w");
	add_key(e, 1, 1, "k");
	struct catalog *c = catalog_edit_done(e);

	e = begin(c);
	struct key k = { .no = 1, .digest = one, .name = STR("k"), .revoked = true };
	assert_int_equal(catalog_edit_key(e, 1, &k), 0);
	struct catalog *revoked = catalog_edit_done(e);
	assert_non_null(catalog_key(c, &one));
	assert_null(catalog_key(revoked, &one));
	assert_null(catalog_named_key(revoked, STR("k"), &one));

	e = begin(revoked);
	k = (struct key){ .no = 1, .digest = two, .name = STR("k") };
	assert_int_equal(catalog_edit_key(e, 1, &k), 0);
	struct catalog *moved = catalog_edit_done(e);
	assert_null(catalog_key(moved, &one));
	assert_int_equal(catalog_key(moved, &two)->no, 1);
	assert_int_equal(moved->n_keys, 1);
	catalog_unref(c);
	catalog_unref(revoked);
	catalog_unref(moved);
}

static struct catalog *with_page_key(struct catalog *from, uint32_t no, unsigned n_origins,
				     bool revoked)
{
	static const struct str origins[] = { STR_INIT("https://c.example"),
					      STR_INIT("https://a.example"),
					      STR_INIT("https://b.example") };
	struct catalog_edit *e = begin(from);
	add_workspace(e, 1, "w");
	struct key k = { .no = no,
			 .digest = digest_of((uint8_t)no),
			 .name = STR("page"),
			 .publishable = true,
			 .revoked = revoked,
			 .origins = origins,
			 .n_origins = n_origins };
	assert_int_equal(catalog_edit_key(e, 1, &k), 0);
	return catalog_edit_done(e);
}

static void origins_are_those_of_the_keys_there(void **state)
{
	(void)state;
	struct catalog *one = with_page_key(NULL, 1, 2, false);
	struct catalog *two = with_page_key(one, 2, 3, false);
	struct catalog *less = with_page_key(two, 2, 0, false);
	struct catalog *none = with_page_key(less, 1, 2, true);
	assert_true(catalog_has_origin(one, STR("https://a.example")));
	assert_true(catalog_has_origin(one, STR("https://c.example")));
	assert_false(catalog_has_origin(one, STR("https://b.example")));
	assert_false(catalog_has_origin(one, STR("https://a.exampl")));
	assert_false(catalog_has_origin(one, STR("")));
	assert_true(catalog_has_origin(two, STR("https://b.example")));
	assert_int_equal(two->n_origins, 5);
	assert_true(catalog_has_origin(less, STR("https://a.example")));
	assert_false(catalog_has_origin(less, STR("https://b.example")));
	assert_int_equal(none->n_origins, 0);
	struct sha256 digest = digest_of(2);
	assert_true(key_has_origin(catalog_key(two, &digest), STR("https://b.example")));
	assert_false(key_has_origin(catalog_key(less, &digest), STR("https://b.example")));
	/* What leaves them as they are shares them. */
	struct catalog_edit *e = begin(two);
	add_workspace(e, 2, "v");
	struct catalog *same = catalog_edit_done(e);
	assert_ptr_equal(same->origins, two->origins);
	assert_ptr_equal(catalog_key(same, &digest)->origins, catalog_key(two, &digest)->origins);
	catalog_unref(same);
	catalog_unref(one);
	catalog_unref(two);
	catalog_unref(less);
	catalog_unref(none);
}

static struct key client_like(uint32_t no, struct str name, const char *secret,
			      const struct str *redirects, unsigned n)
{
	struct sha256 digest = sha256_of(str_of(secret));
	return (struct key){ .no = no,
			     .digest = catalog_client_digest(name, &digest),
			     .client = true,
			     .name = name,
			     .redirects = redirects,
			     .n_redirects = n };
}

/* Through growth, another secret, an end, and a snapshot made from another. */
static void clients_are_found_by_name(void **state)
{
	enum { CLIENTS = 100 };
	struct str to[] = { STR("https://a.b/"), STR("https://a.b/c") };
	char name[16];
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "one");
	add_key(e, 1, CLIENTS + 1, "client 7");
	for (uint32_t i = 1; i <= CLIENTS; i++) {
		snprintf(name, sizeof(name), "client %u", i);
		struct key k = client_like(i, str_of(name), "s", to, i % 3);
		assert_int_equal(catalog_edit_key(e, 1, &k), 0);
	}
	struct catalog *first = catalog_edit_done(e);
	e = begin(first);
	struct key seven = client_like(7, STR("client 7"), "new", to + 1, 1);
	struct key eight = client_like(8, STR("client 8"), "s", NULL, 0);
	eight.revoked = true;
	assert_int_equal(catalog_edit_key(e, 1, &seven), 0);
	assert_int_equal(catalog_edit_key(e, 1, &eight), 0);
	struct catalog *second = catalog_edit_done(e);
	for (uint32_t i = 1; i <= CLIENTS; i++) {
		snprintf(name, sizeof(name), "client %u", i);
		assert_int_equal(catalog_named_client(first, str_of(name))->no, i);
		if (i != 8)
			assert_int_equal(catalog_named_client(second, str_of(name))->no, i);
	}
	const struct key *k = catalog_named_client(second, STR("client 7"));
	assert_true(key_has_redirect(k, STR("https://a.b/c")));
	assert_false(key_has_redirect(k, STR("https://a.b/")));
	assert_false(key_has_redirect(k, STR("https://a.b/c/")));
	assert_true(key_has_redirect(catalog_named_client(first, STR("client 7")),
				     STR("https://a.b/")));
	assert_null(catalog_named_client(second, STR("client 8")));
	assert_null(catalog_named_client(second, STR("client")));
	assert_null(catalog_named_client(second, STR("")));
	catalog_unref(first);
	catalog_unref(second);
}

static void dropped_edit_leaves_the_origin(void **state)
{
	(void)state;
	struct catalog_edit *e = begin(NULL);
	add_workspace(e, 1, "w");
	struct catalog *c = catalog_edit_done(e);
	e = begin(c);
	define(e, 1, 1, "a");
	catalog_edit_drop(e);
	assert_null(workspace_definition(catalog_workspace(c, 1), STR("a")));
	catalog_unref(c);
	catalog_edit_drop(NULL);
	catalog_unref(NULL);
}

static void refresh_sees_what_was_published(void **state)
{
	struct catalog_cell cell;
	struct catalog *mine = NULL;
	(void)state;
	catalog_cell_init(&cell);
	catalog_refresh(&cell, &mine);
	assert_null(mine);
	catalog_publish(&cell, catalog_edit_done(begin(NULL)));
	catalog_refresh(&cell, &mine);
	struct catalog *first = mine;
	assert_int_equal(first->version, 1);
	catalog_refresh(&cell, &mine);
	assert_ptr_equal(mine, first);
	catalog_publish(&cell, catalog_edit_done(begin(mine)));
	catalog_refresh(&cell, &mine);
	assert_int_equal(mine->version, 2);
	catalog_cell_fini(&cell);
	assert_int_equal(mine->n_workspaces, 0);
	catalog_unref(mine);
}

/* One publishes, many refresh; each sees versions grow and snapshots whole: version n has n
 * definitions. Under the thread sanitizer this says more than the asserts. */
enum { VERSIONS = 300 };

static struct catalog_cell shared;

static void *look(void *arg)
{
	struct catalog *mine = NULL;
	uint64_t last = 0;
	(void)arg;
	while (last < VERSIONS) {
		catalog_refresh(&shared, &mine);
		if (!mine)
			continue;
		const struct workspace *w = catalog_workspace(mine, 1);
		char name[20];
		must(mine->version >= last && w->n_definitions == mine->version);
		last = mine->version;
		snprintf(name, sizeof(name), "%llu", (unsigned long long)last);
		must(workspace_definition(w, str_of(name))->no == last);
	}
	catalog_unref(mine);
	return NULL;
}

static void threads_see_whole_snapshots(void **state)
{
	pthread_t threads[4];
	struct catalog *mine = NULL;
	(void)state;
	catalog_cell_init(&shared);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
	for (uint32_t i = 1; i <= VERSIONS; i++) {
		char name[20];
		struct catalog_edit *e = begin(mine);
		if (!mine)
			add_workspace(e, 1, "w");
		snprintf(name, sizeof(name), "%u", i);
		define(e, 1, i, name);
		catalog_publish(&shared, catalog_edit_done(e));
		catalog_refresh(&shared, &mine);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	catalog_unref(mine);
	catalog_cell_fini(&shared);
}

/* Of the numbers of keys a workspace has as many as would be free without it. */
static void numbers_of_keys_are_shared_fairly(void **state)
{
	enum { HALF = KEY_NO_MAX / 2 };
	struct catalog_edit *e = begin(NULL);
	const struct catalog *c = catalog_edit_so_far(e);
	uint32_t no = 1;
	(void)state;
	add_workspace(e, 1, "one");
	add_workspace(e, 2, "two");
	assert_true(catalog_has_number_for_key(c, 1));
	while (no < HALF)
		add_key(e, 1, no++, "k");
	assert_true(catalog_has_number_for_key(c, 1));
	add_key(e, 1, no++, "k");
	assert_false(catalog_has_number_for_key(c, 1));
	while (no <= HALF + HALF / 2)
		add_key(e, 2, no++, "k");
	assert_true(catalog_has_number_for_key(c, 2));
	add_key(e, 2, no++, "k");
	assert_false(catalog_has_number_for_key(c, 2));
	catalog_edit_drop(e);
}

static struct definition *definition_of(uint32_t no, const char *name, size_t bytes)
{
	struct definition *d = definition_new(
		&(struct definition){ .no = no, .name = str_of(name), .description = STR("") });
	assert_non_null(d);
	assert_true(d->bytes >= sizeof(*d));
	d->bytes = bytes;
	return d;
}

/* As large as it is said to be. */
static void define_large(struct catalog_edit *e, uint32_t workspace, const char *name, size_t bytes)
{
	struct definition *d = definition_of(1, name, bytes);
	assert_int_equal(catalog_edit_define(e, workspace, d), 0);
	definition_unref(d);
}

static bool fits(const struct catalog *c, uint32_t workspace, const char *name, size_t bytes)
{
	struct definition *d = definition_of(2, name, bytes);
	bool yes = catalog_has_room_for_definition(c, catalog_workspace(c, workspace), d);
	definition_unref(d);
	return yes;
}

static void definitions_have_room(void **state)
{
	const size_t most = WORKSPACE_DEFINITIONS_BYTES_MAX;
	struct catalog_edit *e = begin(NULL);
	(void)state;
	add_workspace(e, 1, "one");
	add_workspace(e, 2, "two");
	define_large(e, 1, "a", 1000);
	define_large(e, 1, "a", most - 1000);
	struct catalog *c = catalog_edit_done(e);
	assert_int_equal(c->definitions_bytes, most - 1000);
	assert_true(fits(c, 1, "b", 1000));
	assert_false(fits(c, 1, "b", 1001));
	assert_true(fits(c, 1, "a", most));
	assert_false(fits(c, 1, "a", most + 1));
	assert_true(fits(c, 2, "b", most));

	/* Into another snapshot, with a name that changes all of the workspace, and out of it. */
	e = begin(c);
	add_workspace(e, 1, "renamed");
	assert_false(fits(catalog_edit_so_far(e), 1, "b", 1001));
	define_large(e, 1, "b", 1000);
	assert_int_equal(catalog_edit_undefine(e, 1, STR("a")), 0);
	assert_int_equal(catalog_edit_undefine(e, 1, STR("a")), 0);
	assert_int_equal(catalog_edit_so_far(e)->definitions_bytes, 1000);
	assert_true(fits(catalog_edit_so_far(e), 1, "a", most - 1000));
	catalog_edit_drop(e);
	assert_int_equal(c->definitions_bytes, most - 1000);
	catalog_unref(c);
}

/* Of all there is, a workspace has as much as would be free without it. */
static void definitions_are_shared_fairly(void **state)
{
	const size_t most = WORKSPACE_DEFINITIONS_BYTES_MAX;
	struct catalog_edit *e = begin(NULL);
	uint32_t n = DEFINITIONS_BYTES_MAX / most - 1;
	(void)state;
	for (uint32_t no = 1; no <= n + 1; no++)
		add_workspace(e, no, "one");
	for (uint32_t no = 1; no <= n; no++)
		define_large(e, no, "a", most);
	const struct catalog *c = catalog_edit_so_far(e);
	assert_true(fits(c, n + 1, "a", most / 2));
	assert_false(fits(c, n + 1, "a", most / 2 + 1));
	/* What is no larger than before always may be. */
	assert_true(fits(c, 1, "a", most));
	assert_false(fits(c, 1, "a", most + 1));
	catalog_edit_drop(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scopes_are_words),
		cmocka_unit_test(empty_catalog_has_nothing),
		cmocka_unit_test(everything_is_found_by_its_key),
		cmocka_unit_test(numbers_of_keys_are_shared_fairly),
		cmocka_unit_test(definitions_have_room),
		cmocka_unit_test(definitions_are_shared_fairly),
		cmocka_unit_test(contact_fields_are_looked_up),
		cmocka_unit_test(contact_fields_change_in_the_next_snapshot_only),
		cmocka_unit_test(documents_are_the_same_until_one_is_declared),
		cmocka_unit_test(switches_are_looked_up_and_copied),
		cmocka_unit_test(edit_shares_what_it_leaves_alone),
		cmocka_unit_test(replaced_workspace_keeps_its_definitions),
		cmocka_unit_test(definition_of_the_same_name_is_replaced),
		cmocka_unit_test(keys_change_by_row),
		cmocka_unit_test(origins_are_those_of_the_keys_there),
		cmocka_unit_test(clients_are_found_by_name),
		cmocka_unit_test(dropped_edit_leaves_the_origin),
		cmocka_unit_test(refresh_sees_what_was_published),
		cmocka_unit_test(threads_see_whole_snapshots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
