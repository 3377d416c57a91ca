/* Provisioning creates and updates what is declared, leaves the rest alone, and may be repeated. */
#include "fixture.h"

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&f);
	return 0;
}

static struct provision_workspace acme(void)
{
	return (struct provision_workspace){ .id = fixture_workspace_id(1), .name = STR("acme") };
}

static char told[300]; /* of what was refused last */

static int provision_n(const struct provision_workspace *w, unsigned n)
{
	told[0] = '\0';
	return store_provision(f.store, &(struct provision){ .workspaces = w,
							     .n_workspaces = n,
							     .error = told,
							     .error_size = sizeof(told) });
}

static int provision(const struct provision_workspace *w)
{
	return provision_n(w, 1);
}

/* With all that comes with it: nothing is written, and the store goes on. */
static void assert_refused(const struct provision_workspace *w, const char *line)
{
	uint64_t before = fixture_fingerprint(&f);
	assert_int_equal(provision(w), STORE_REFUSED);
	assert_string_equal(told, line);
	assert_int_equal(fixture_fingerprint(&f), before);
}

static struct catalog *snapshot(void)
{
	struct catalog *c = NULL;
	catalog_refresh(store_catalog(f.store), &c);
	return c;
}

static void repeating_changes_nothing(void **state)
{
	(void)state;
	uint64_t before = fixture_fingerprint(&f);
	clock_us += US_PER_S;
	fixture_provision(&f);
	assert_int_equal(fixture_fingerprint(&f), before);
	fixture_reopen(&f);
	fixture_provision(&f);
	struct catalog *c = snapshot();
	assert_int_equal(c->n_workspaces, 2);
	assert_int_equal(c->n_keys, 2);
	catalog_unref(c);
}

static void workspace_is_updated_by_its_id(void **state)
{
	const struct provision_contact_field fields[] = { { .name = STR("zip") },
							  { .name = STR("age") } };
	struct provision_workspace w = acme();
	(void)state;
	w.name = STR("renamed");
	w.contact_fields = fields;
	w.n_contact_fields = 2;
	w.requests_per_second = -1;
	assert_done(provision(&w));
	for (int round = 0; round < 2; round++) {
		struct catalog *c = snapshot();
		const struct workspace *now = catalog_workspace_by_id(c, w.id);
		assert_int_equal(now->no, 1);
		assert_str(now->name, "renamed");
		assert_int_equal(now->requests_per_second, -1);
		assert_non_null(workspace_contact_field(now, STR("zip")));
		/* What is not declared stays. */
		assert_non_null(workspace_contact_field(now, STR("gender")));
		assert_int_equal(workspace_contact_field(now, STR("age"))->type, FIELD_NUMBER);
		assert_non_null(workspace_definition(now, STR("purchase")));
		struct sha256 digest = sha256_of(STR("one"));
		assert_ptr_equal(catalog_key(c, &digest)->workspace, now);
		catalog_unref(c);
		fixture_reopen(&f);
	}
}

static void what_is_not_mentioned_stays(void **state)
{
	struct provision_workspace w = acme();
	(void)state;
	w.requests_per_second = 7;
	assert_done(provision(&w));
	uint64_t before = fixture_fingerprint(&f);
	w.name = STR("the id");
	w.requests_per_second = 0;
	w.keep_name = w.keep_rate = true;
	assert_done(provision(&w));
	assert_int_equal(fixture_fingerprint(&f), before);

	w.keep_name = false;
	assert_done(provision(&w));
	struct catalog *c = snapshot();
	assert_str(catalog_workspace(c, 1)->name, "the id");
	assert_int_equal(catalog_workspace(c, 1)->requests_per_second, 7);
	catalog_unref(c);

	/* Of a new one it is what stands for it. */
	w.id = fixture_workspace_id(3);
	w.keep_name = true;
	w.n_keys = 0;
	assert_done(provision(&w));
	c = snapshot();
	assert_str(catalog_workspace(c, 3)->name, "the id");
	assert_int_equal(catalog_workspace(c, 3)->requests_per_second, 0);
	catalog_unref(c);
}

static int provision_many(unsigned n)
{
	static struct provision_workspace many[WORKSPACES_MAX + 1];
	for (unsigned i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct provision_workspace){
			.id = { { 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } },
			.name = STR("w"),
			.place = i == n - 1 ? STR("f:7: workspaces[last]") : STR("f:1: another"),
		};
	return provision_n(many, n);
}

static void there_are_so_many_workspaces_and_no_more(void **state)
{
	const unsigned room = WORKSPACES_MAX - 2; /* two are there */
	uint64_t before = fixture_fingerprint(&f);
	(void)state;
	assert_int_equal(provision_many(room + 1), STORE_REFUSED);
	assert_string_equal(told,
			    "f:7: workspaces[last]: there would be more than 10000 workspaces");
	assert_int_equal(fixture_fingerprint(&f), before);
	assert_done(provision_many(room));
	uint64_t full = fixture_fingerprint(&f);
	assert_done(provision_many(room));
	assert_int_equal(provision_many(room + 1), STORE_REFUSED);
	assert_int_equal(fixture_fingerprint(&f), full);
}

static void switches_of_acme(const char *expect)
{
	char text[200];
	for (int round = 0; round < 2; round++) {
		struct buf b = buf_over(text, sizeof(text));
		struct catalog *c = snapshot();
		const struct workspace *w = catalog_workspace(c, 1);
		for (unsigned i = 0; i < w->n_switches; i++)
			buf_printf(&b, STR_FMT "=" STR_FMT " ", STR_ARG(w->switches[i].name),
				   STR_ARG(w->switches[i].value));
		catalog_unref(c);
		assert_str(buf_str(&b), expect);
		fixture_reopen(&f);
	}
}

/* Those that the file names, each by itself; those that it does not mention stay. */
static void switches_are_set_one_by_one(void **state)
{
	const struct switch_setting two[] = { { STR("strict"), STR("true") },
					      { STR("names"), STR("a \"quoted\" one") } };
	const struct switch_setting one = { STR("strict"), STR("false") };
	struct provision_workspace w = acme();
	(void)state;
	switches_of_acme("");
	w.switches = two;
	w.n_switches = 2;
	assert_done(provision(&w));
	switches_of_acme("names=a \"quoted\" one strict=true ");

	uint64_t before = fixture_fingerprint(&f);
	assert_done(provision(&w));
	assert_int_equal(fixture_fingerprint(&f), before);

	w.n_switches = 0;
	w.name = STR("renamed");
	assert_done(provision(&w));
	switches_of_acme("names=a \"quoted\" one strict=true ");

	w.switches = &one;
	w.n_switches = 1;
	assert_done(provision(&w));
	switches_of_acme("names=a \"quoted\" one strict=false ");

	struct catalog *c = snapshot();
	assert_int_equal(catalog_workspace(c, 2)->n_switches, 0);
	catalog_unref(c);
}

static void key_is_updated_by_its_secret(void **state)
{
	struct provision_key key = fixture_key("one", "other name");
	struct provision_workspace w = acme();
	(void)state;
	key.scopes = SCOPE_CONTACTS_READ;
	w.keys = &key;
	w.n_keys = 1;
	assert_done(provision(&w));
	for (int round = 0; round < 2; round++) {
		struct catalog *c = snapshot();
		const struct key *k = catalog_key(c, &key.digest);
		assert_int_equal(k->no, 1);
		assert_int_equal(k->scopes, SCOPE_CONTACTS_READ);
		assert_str(k->name, "other name");
		assert_int_equal(c->n_keys, 2);
		catalog_unref(c);
		fixture_reopen(&f);
	}
	key.revoked = true;
	assert_done(provision(&w));
	struct catalog *c = snapshot();
	assert_null(catalog_key(c, &key.digest));
	catalog_unref(c);
	key.revoked = false;
	assert_done(provision(&w));
	c = snapshot();
	assert_non_null(catalog_key(c, &key.digest));
	catalog_unref(c);
}

static bool lets_in(const char *secret)
{
	CLEANUP(catalog_unref) struct catalog *c = snapshot();
	struct sha256 digest = sha256_of(str_of(secret));
	return catalog_key(c, &digest) != NULL;
}

/* Of a name that the file mentions only the secrets that it gives let anybody in. */
static void name_stands_for_the_secrets_it_is_given(void **state)
{
	const struct provision_key before[] = { fixture_key("s1", "shop"),
						fixture_key("p1", "page"), fixture_key("o1", "old"),
						fixture_key("n1", "") };
	const struct provision_key after[] = { fixture_key("z", "zoo"), fixture_key("s3", "shop"),
					       fixture_key("n2", ""), fixture_key("p1", "page"),
					       fixture_key("s2", "shop") };
	struct provision_workspace w = acme();
	(void)state;
	w.keys = before;
	w.n_keys = ARRAY_LEN(before);
	assert_done(provision(&w));
	assert_true(lets_in("s1"));
	w.keys = after;
	w.n_keys = ARRAY_LEN(after);
	for (int round = 0; round < 2; round++) {
		assert_done(provision(&w));
		assert_false(lets_in("s1"));
		for (size_t i = 0; i < ARRAY_LEN(after); i++)
			assert_true(lets_in((const char *[]){ "z", "s3", "n2", "p1", "s2" }[i]));
		assert_true(lets_in("o1"));  /* not mentioned */
		assert_true(lets_in("n1"));  /* of no name */
		assert_true(lets_in("one")); /* the workspace's from before */
		fixture_reopen(&f);
	}
	w.n_keys = 0;
	assert_done(provision(&w));
	assert_true(lets_in("s2") && lets_in("o1"));
}

static void publishable_key_and_its_origins(void **state)
{
	const struct str origins[] = { STR("https://b.example"), STR("https://a.example") };
	struct provision_key key = fixture_key("page", "page");
	struct provision_workspace w = acme();
	(void)state;
	key.publishable = true;
	key.origins = origins;
	w.keys = &key;
	w.n_keys = 1;
	for (unsigned n = 0; n <= ARRAY_LEN(origins); n++) {
		key.n_origins = n;
		assert_done(provision(&w));
		for (int round = 0; round < 2; round++) {
			struct catalog *c = snapshot();
			const struct key *k = catalog_key(c, &key.digest);
			assert_true(k->publishable);
			assert_int_equal(k->n_origins, n);
			assert_int_equal(key_has_origin(k, origins[0]), n > 0);
			assert_int_equal(catalog_has_origin(c, origins[1]), n > 1);
			catalog_unref(c);
			fixture_reopen(&f);
		}
	}
	key.publishable = false;
	key.n_origins = 0;
	assert_done(provision(&w));
	fixture_reopen(&f);
	struct catalog *c = snapshot();
	assert_false(catalog_key(c, &key.digest)->publishable);
	assert_int_equal(c->n_origins, 0);
	catalog_unref(c);
}

static void key_of_another_workspace_is_refused_with_all(void **state)
{
	struct provision_key keys[] = { fixture_key("three", "new"), fixture_key("two", "stolen") };
	struct provision_workspace w = acme();
	(void)state;
	keys[0].place = STR("f:6: workspaces[0].keys[0]");
	keys[1].place = STR("f:8: workspaces[0].keys[1]");
	w.keys = keys;
	w.n_keys = 2;
	assert_refused(&w,
		       "f:8: workspaces[0].keys[1].secret: belongs to another workspace already");
	struct catalog *c = snapshot();
	assert_null(catalog_key(c, &keys[0].digest));
	catalog_unref(c);
	/* And the store goes on. */
	w.n_keys = 1;
	assert_done(provision(&w));
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

static void oauth_client_belongs_to_one_workspace(void **state)
{
	struct provision_key client = fixture_key("secret", "shop");
	struct provision_workspace w = acme();
	(void)state;
	w.oauth_clients = &client;
	w.n_oauth_clients = 1;
	assert_done(provision(&w));
	client = fixture_key("another secret", "shop");
	assert_done(provision(&w));
	w.id = fixture_workspace_id(2);
	client.place = STR("f:9: workspaces[0].oauth_clients[0]");
	assert_refused(
		&w, "f:9: workspaces[0].oauth_clients[0].id: belongs to another workspace already");
	struct catalog *c = snapshot();
	assert_null(catalog_key(c, &client.digest)); /* a client's secret is no key */
	catalog_unref(c);
}

static struct definition *definition(struct catalog *c, const char *name)
{
	return workspace_definition(catalog_workspace(c, 1), str_of(name));
}

static void definition_keeps_id_and_age(void **state)
{
	static const struct field fields[] = { { .name = STR_INIT("sum"), .type = FIELD_INTEGER } };
	const struct provision_definition next = {
		STR_INIT("purchase"), STR_INIT("New."), false, fields, 1, { 0 }
	};
	struct provision_workspace w = acme();
	struct catalog *old = snapshot();
	struct definition *before = definition(old, "purchase");
	(void)state;
	w.definitions = &next;
	w.n_definitions = 1;
	clock_us += US_PER_S;
	assert_done(provision(&w));
	for (int round = 0; round < 2; round++) {
		struct catalog *c = snapshot();
		struct definition *d = definition(c, "purchase");
		assert_int_equal(d->no, before->no);
		assert_true(uuid_eq(d->id, before->id));
		assert_int_equal(d->created_at, before->created_at);
		assert_int_equal(d->updated_at, clock_us);
		assert_str(d->description, "New.");
		assert_int_equal(d->n_fields, 1);
		assert_non_null(definition(c, "visit"));
		catalog_unref(c);
		fixture_reopen(&f);
	}
	catalog_unref(old);
}

static void inferred_definition_keeps_what_it_learned(void **state)
{
	static const struct field declared = { .name = STR_INIT("sku"), .type = FIELD_STRING };
	static const struct seen_field seen = { STR_INIT("price"), FIELD_NUMBER,
						FIELD_BIT(FIELD_NUMBER) };
	const struct provision_definition p = {
		STR_INIT("viewed"), STR_INIT(""), true, &declared, 1, { 0 }
	};
	struct provision_workspace w = acme();
	(void)state;
	w.definitions = &p;
	w.n_definitions = 1;
	assert_done(provision(&w));
	struct op op = fixture_op(&f, "a@x.io");
	op.definition = 0;
	op.definition_name = STR("viewed");
	op.seen = &seen;
	op.n_seen = 1;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	uint64_t before = fixture_fingerprint(&f);
	assert_done(provision(&w));
	assert_int_equal(fixture_fingerprint(&f), before);
	struct catalog *c = snapshot();
	assert_int_equal(definition(c, "viewed")->n_fields, 2);
	catalog_unref(c);
}

static void learned_fields_count(void **state)
{
	struct field *fields = arena_array(&f.arena, struct field, DEFINITION_FIELDS_MAX);
	struct provision_definition p = { .name = STR("viewed"),
					  .inferred = true,
					  .fields = fields,
					  .n_fields = DEFINITION_FIELDS_MAX,
					  .place = STR("f:5: workspaces[0].definitions[0]") };
	struct provision_workspace w = acme();
	(void)state;
	for (unsigned i = 0; i < DEFINITION_FIELDS_MAX; i++)
		fields[i].name = arena_printf(&f.arena, "f%u", i);
	w.definitions = &p;
	w.n_definitions = 1;
	assert_done(provision(&w));
	fields[0].name = STR("another");
	assert_refused(&w, "f:5: workspaces[0].definitions[0]: would have more than 1000 fields, "
			   "with those that events have taught it");
}

static const struct uuid given = { { 0x3f, 0x25, 0x04, 0xe0, 0x4f, 0x89, 0x41, 0xd3, 0x9a, 0x0c } };
static const char given_text[] = "3f2504e0-4f89-41d3-9a0c-000000000000";

static struct provision_identity identity(enum identity_kind kind, const char *value)
{
	return (struct provision_identity){ kind, str_of(value),
					    identity_key(&f.arena, kind, str_of(value)) };
}

static void expect_contact(const char *identities, const char *attributes)
{
	struct contact_view row = fixture_contact(&f, 1, IDENTITY_UUID, given_text);
	assert_int_equal(row.number, 1);
	assert_true(uuid_eq(row.id, given));
	assert_str(row.identities, identities);
	assert_str(row.attributes, attributes);
}

static void contact_is_made_and_kept_as_declared(void **state)
{
	struct provision_identity identities[] = { identity(IDENTITY_EMAIL, "Dana@x.io"),
						   identity(IDENTITY_EXTERNAL_ID, "e1") };
	struct provision_contact contact = {
		.has_id = true,
		.id = given,
		.identities = identities,
		.n_identities = 2,
		.attributes = STR("{\"city\":\"Bonn\",\"custom\":{\"age\":4,\"size\":\"L\"}}"),
	};
	struct provision_workspace w = acme();
	(void)state;
	w.contacts = &contact;
	w.n_contacts = 1;
	assert_done(provision(&w));
	expect_contact("[{\"kind\":\"email\",\"value\":\"Dana@x.io\"},"
		       "{\"kind\":\"external_id\",\"value\":\"e1\"}]",
		       "{\"email\":\"Dana@x.io\",\"city\":\"Bonn\","
		       "\"custom\":{\"age\":4,\"size\":\"L\"}}");
	uint64_t before = fixture_fingerprint(&f);
	clock_us += US_PER_S;
	assert_done(provision(&w));
	assert_int_equal(fixture_fingerprint(&f), before);

	/* Its members are set; others stay. */
	contact.attributes = STR("{\"city\":\"Rome\",\"custom\":{\"age\":5}}");
	contact.n_identities = 1;
	assert_done(provision(&w));
	fixture_reopen(&f);
	expect_contact("[{\"kind\":\"email\",\"value\":\"Dana@x.io\"},"
		       "{\"kind\":\"external_id\",\"value\":\"e1\"}]",
		       "{\"email\":\"Dana@x.io\",\"city\":\"Rome\","
		       "\"custom\":{\"age\":5,\"size\":\"L\"}}");
	struct store_stats stats;
	assert_done(store_read_stats(f.reader, &f.arena, 1, &stats));
	assert_int_equal(stats.contacts, 1);

	/* Events find it by any of its names. */
	const struct who names[] = {
		{ IDENTITY_UUID, WHO_LOOKUP, str_of(given_text), { 0 } },
		fixture_who(&f, IDENTITY_EXTERNAL_ID, "e1", WHO_LOOKUP),
		fixture_who(&f, IDENTITY_EMAIL, "DANA@x.io", WHO_LOOKUP),
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct op op = fixture_op(&f, "unused@x.io");
		op.who = &names[i];
		assert_int_equal(fixture_apply(&f, &op), STORE_OK);
		assert_int_equal(op.contact, 1);
	}
	w.id = fixture_workspace_id(2);
	contact.place = STR("f:12: workspaces[0].contacts[0]");
	assert_refused(&w,
		       "f:12: workspaces[0].contacts[0].id: belongs to another workspace already");
}

/* What is there counts, too. */
static void contact_has_so_many_attributes_and_no_more(void **state)
{
	struct provision_contact contact = { .has_id = true, .id = given };
	struct provision_workspace w = acme();
	struct buf b = buf_in(&f.arena);
	(void)state;
	for (unsigned i = 0; i < CONTACT_CUSTOM_MAX; i++)
		buf_printf(&b, "%s\"a%u\":1", i ? "," : "{\"custom\":{", i);
	buf_lit(&b, "}}");
	contact.attributes = buf_str(&b);
	contact.place = STR("f:12: workspaces[0].contacts[0]");
	w.contacts = &contact;
	w.n_contacts = 1;
	assert_done(provision(&w));
	contact.attributes = STR("{\"custom\":{\"a0\":2}}");
	assert_done(provision(&w));
	contact.attributes = STR("{\"custom\":{\"b\":1}}");
	assert_refused(&w, "f:12: workspaces[0].contacts[0]: may not go beyond the 1000 custom "
			   "attributes of one contact");
}

/* Each tag once, as all that put tags on a contact do; and what the file no longer has goes. */
static void tags_are_a_set(void **state)
{
	static const struct {
		const char *declared, *expect;
	} cases[] = {
		{ "{\"tags\":[\"b\",\"a\",\"b\"]}", "{\"tags\":[\"b\",\"a\"]}" },
		{ "{\"tags\":[\"c\",\"a\"]}", "{\"tags\":[\"c\",\"a\"]}" },
		{ "{\"tags\":null}", "{\"tags\":[]}" },
		{ "{\"tags\":[\"b\"]}", "{\"tags\":[\"b\"]}" },
		{ "{\"tags\":[]}", "{\"tags\":[]}" },
		/* A custom attribute of that name is any list. */
		{ "{\"custom\":{\"tags\":[1,1]}}", "{\"tags\":[],\"custom\":{\"tags\":[1,1]}}" },
	};
	struct provision_contact contact = { .has_id = true, .id = given };
	struct provision_workspace w = acme();
	(void)state;
	w.contacts = &contact;
	w.n_contacts = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		contact.attributes = str_of(cases[i].declared);
		assert_done(provision(&w));
		expect_contact("[]", cases[i].expect);
		uint64_t before = fixture_fingerprint(&f);
		clock_us += US_PER_S;
		assert_done(provision(&w));
		assert_int_equal(fixture_fingerprint(&f), before);
	}
}

static void delete_given(void)
{
	struct who who = { IDENTITY_UUID, WHO_LOOKUP, str_of(given_text), { 0 } };
	struct op op = fixture_op(&f, "unused@x.io");
	op.kind = OP_CONTACT_DELETE;
	op.who = &who;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
}

/* Declared again it is somebody new, and what is left of the old one goes by another id. */
static void given_id_is_of_one_contact(void **state)
{
	struct provision_identity email = identity(IDENTITY_EMAIL, "a@x.io");
	const struct provision_contact contact = { true, given, &email, 1, STR(""), { 0 } };
	struct provision_workspace w = acme();
	struct event_query q = { .workspace = 1, .limit = 10, .until = INT64_MAX };
	struct event_row *events;
	unsigned n;
	uint64_t next;
	(void)state;
	w.contacts = &contact;
	w.n_contacts = 1;
	assert_done(provision(&w));
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	delete_given();
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_UUID, given_text).number, 0);
	assert_done(provision(&w));
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_UUID, given_text).number, 2);
	op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_done(store_read_events(f.reader, &f.arena, &q, &events, &n, &next));
	assert_int_equal(n, 2);
	assert_true(uuid_eq(events[0].contact_id, given));
	assert_false(uuid_eq(events[1].contact_id, given));
}

static unsigned statements;

static int count_statement(unsigned what, void *arg, void *statement, void *sql)
{
	(void)what;
	(void)arg;
	(void)statement;
	(void)sql;
	statements++;
	return 0;
}

static int watch(sqlite3 *db, char **error, const void *api)
{
	(void)error;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, NULL);
}

static unsigned statements_to_provision(const struct provision_workspace *w)
{
	statements = 0;
	assert_done(provision(w));
	return statements;
}

/* Each start declares all of them. */
static void contact_that_is_there_is_not_sought_elsewhere(void **state)
{
	enum { OTHERS = 60 };
	const struct provision_contact contact = { .has_id = true, .id = given };
	struct provision_workspace w = acme(), others[OTHERS];
	(void)state;
	w.contacts = &contact;
	w.n_contacts = 1;
	sqlite3_auto_extension((void (*)(void))watch);
	fixture_reopen(&f);
	sqlite3_cancel_auto_extension((void (*)(void))watch);
	assert_true(statements_to_provision(&w) > 0);
	unsigned alone = statements_to_provision(&w);
	for (unsigned i = 0; i < OTHERS; i++)
		others[i] = (struct provision_workspace){
			.id = fixture_workspace_id((uint8_t)(10 + i)),
			.name = STR("other"),
		};
	assert_done(provision_n(others, OTHERS));
	assert_int_equal(statements_to_provision(&w), alone);
}

static void contact_of_events_gets_the_declared_id(void **state)
{
	struct provision_identity email = identity(IDENTITY_EMAIL, "a@x.io");
	const struct provision_contact contact = { true, given, &email, 1, STR(""), { 0 } };
	struct provision_workspace w = acme();
	char derived[UUID_TEXT + 1];
	(void)state;
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	uuid_text(fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io").id, derived);
	w.contacts = &contact;
	w.n_contacts = 1;
	assert_done(provision(&w));
	expect_contact("[{\"kind\":\"email\",\"value\":\"a@x.io\"}]", "{\"email\":\"a@x.io\"}");
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_UUID, derived).number, 0);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_NUMBER, "1").event_count, 1);
	/* The same event again: what memory holds of the contact is not stale. */
	op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_int_equal(op.contact, 1);
}

static void first_owner_keeps_an_identity(void **state)
{
	struct provision_identity identities[] = { identity(IDENTITY_EXTERNAL_ID, "e2"),
						   identity(IDENTITY_EMAIL, "a@x.io") };
	struct provision_contact contact = { .identities = identities, .n_identities = 1 };
	struct provision_workspace w = acme();
	(void)state;
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	w.contacts = &contact;
	w.n_contacts = 1;
	assert_done(provision(&w));
	contact.n_identities = 2;
	assert_done(provision(&w));
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io").number, 1);
	assert_int_equal(fixture_contact(&f, 1, IDENTITY_EXTERNAL_ID, "e2").number, 2);
}

static void wrong_attributes_are_refused(void **state)
{
	static const char *const wrong[] = { "{", "[]", "1", "{\"custom\":1}" };
	struct provision_identity email = identity(IDENTITY_EMAIL, "a@x.io");
	struct provision_workspace w = acme();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const struct provision_contact contact = { false, { { 0 } },        &email,
							   1,     str_of(wrong[i]), { 0 } };
		w.contacts = &contact;
		w.n_contacts = 1;
		assert_int_equal(provision(&w), -EINVAL);
		assert_int_equal(fixture_contact(&f, 1, IDENTITY_EMAIL, "a@x.io").number, 0);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(repeating_changes_nothing),
		CASE(workspace_is_updated_by_its_id),
		CASE(what_is_not_mentioned_stays),
		CASE(there_are_so_many_workspaces_and_no_more),
		CASE(switches_are_set_one_by_one),
		CASE(key_is_updated_by_its_secret),
		CASE(name_stands_for_the_secrets_it_is_given),
		CASE(publishable_key_and_its_origins),
		CASE(key_of_another_workspace_is_refused_with_all),
		CASE(oauth_client_belongs_to_one_workspace),
		CASE(definition_keeps_id_and_age),
		CASE(inferred_definition_keeps_what_it_learned),
		CASE(learned_fields_count),
		CASE(contact_is_made_and_kept_as_declared),
		CASE(contact_has_so_many_attributes_and_no_more),
		CASE(tags_are_a_set),
		CASE(given_id_is_of_one_contact),
		CASE(contact_that_is_there_is_not_sought_elsewhere),
		CASE(contact_of_events_gets_the_declared_id),
		CASE(first_owner_keeps_an_identity),
		CASE(wrong_attributes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
