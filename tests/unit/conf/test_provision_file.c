#include "conf/provision_file.h"

#include "base/fail.h"
#include "base/json.h"
#include "conf/yaml_doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define WS "workspaces:\n- id: 7c9e6679-7425-40de-944b-e07fc1f90ae7\n" /* two lines */
#define ID "7c9e6679-7425-40de-944b-e07fc1f90ae7"

static char dir[] = "/tmp/occurd-conf-XXXXXX";

static int enter_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave_dir(void **state)
{
	(void)state;
	unlink("demo.yaml");
	return rmdir(dir);
}

static void write_file(const char *text, size_t n)
{
	FILE *f = fopen("demo.yaml", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

struct reading {
	struct arena arena;
	struct provision p;
	char error[1000];
	int r;
};

static void read_n(struct reading *got, const char *text, size_t n)
{
	memset(got, 0, sizeof(*got));
	arena_init(&got->arena, 64 * 1024 * 1024, NULL);
	write_file(text, n);
	got->r = provision_file_read("demo.yaml", &got->arena, &got->p, got->error,
				     sizeof(got->error));
}

static void read_text(struct reading *got, const char *text)
{
	read_n(got, text, strlen(text));
}

/* What was read, as text that a table can tell. */

static void show_fields(struct buf *b, const struct field *fields, unsigned n)
{
	buf_char(b, '(');
	for (unsigned i = 0; i < n; i++) {
		buf_printf(b, "%s" STR_FMT ":%s%s", i ? " " : "", STR_ARG(fields[i].name),
			   field_type_name(fields[i].type), fields[i].required ? "!" : "");
		if (fields[i].n_fields)
			show_fields(b, fields[i].fields, fields[i].n_fields);
	}
	buf_char(b, ')');
}

static void show_keys(struct buf *b, const char *what, const struct provision_key *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char hex[64];
		hex_put(keys[i].digest.b, sizeof(keys[i].digest.b), hex);
		buf_printf(b, " %s %.8s '" STR_FMT "' %u%s%s", what, hex, STR_ARG(keys[i].name),
			   keys[i].scopes, keys[i].revoked ? " revoked" : "",
			   keys[i].publishable ? " publishable" : "");
		for (unsigned k = 0; k < keys[i].n_origins; k++)
			buf_printf(b, " " STR_FMT, STR_ARG(keys[i].origins[k]));
		for (unsigned k = 0; k < keys[i].n_redirects; k++)
			buf_printf(b, " to " STR_FMT, STR_ARG(keys[i].redirects[k]));
	}
}

static void show_contact(struct buf *b, const struct provision_contact *c)
{
	char id[UUID_TEXT + 1];
	uuid_text(c->id, id);
	buf_printf(b, " contact %.8s", c->has_id ? id : "-");
	for (unsigned i = 0; i < c->n_identities; i++)
		buf_printf(b, " %s=" STR_FMT "=" STR_FMT, identity_kind_name(c->identities[i].kind),
			   STR_ARG(c->identities[i].value), STR_ARG(c->identities[i].key));
	buf_printf(b, " " STR_FMT, STR_ARG(c->attributes));
}

static void show_workspace(struct buf *b, const struct provision_workspace *w)
{
	char id[UUID_TEXT + 1];
	uuid_text(w->id, id);
	buf_printf(b, "[%.8s '" STR_FMT "' rate %d", id, STR_ARG(w->name),
		   (int)w->requests_per_second);
	for (unsigned i = 0; i < w->n_contact_fields; i++)
		buf_printf(b, " custom " STR_FMT "%s%s", STR_ARG(w->contact_fields[i].name),
			   w->contact_fields[i].typed ? ":" : "",
			   w->contact_fields[i].typed ? field_type_name(w->contact_fields[i].type)
						      : "");
	for (unsigned i = 0; i < w->n_switches; i++)
		buf_printf(b, " " STR_FMT "=" STR_FMT, STR_ARG(w->switches[i].name),
			   STR_ARG(w->switches[i].value));
	show_keys(b, "key", w->keys, w->n_keys);
	show_keys(b, "client", w->oauth_clients, w->n_oauth_clients);
	for (unsigned i = 0; i < w->n_definitions; i++) {
		const struct provision_definition *d = &w->definitions[i];
		buf_printf(b, " %s '" STR_FMT "' '" STR_FMT "' ",
			   d->inferred ? "inferred" : "declared", STR_ARG(d->name),
			   STR_ARG(d->description));
		show_fields(b, d->fields, d->n_fields);
	}
	for (unsigned i = 0; i < w->n_documents; i++) {
		const struct provision_document *d = &w->documents[i];
		buf_printf(b, " %s " STR_FMT " " STR_FMT, document_kind_name(d->kind),
			   STR_ARG(d->place), STR_ARG(d->body));
	}
	for (unsigned i = 0; i < w->n_contacts; i++)
		show_contact(b, &w->contacts[i]);
	buf_char(b, ']');
}

static const char *show(struct reading *got)
{
	struct buf b = buf_in(&got->arena);
	for (unsigned i = 0; i < got->p.n_workspaces; i++)
		show_workspace(&b, &got->p.workspaces[i]);
	buf_char(&b, '\0');
	assert_false(b.failed);
	return b.p;
}

static void test_taken(void **state)
{
	static const struct {
		const char *text, *expect;
	} cases[] = {
		{ "workspaces: []\n", "" },
		{ WS, "[7c9e6679 '" ID "' rate 0]" },
		{ "\xEF\xBB\xBF" WS, "[7c9e6679 '" ID "' rate 0]" },
		{ "# JSON is YAML\n{\"workspaces\": [{\"id\": \"" ID "\", \"name\": \"a\"}]}",
		  "[7c9e6679 'a' rate 0]" },
		{ WS "  name: acme\n  contact_fields: [gender, age]\n",
		  "[7c9e6679 'acme' rate 0 custom gender custom age]" },
		{ WS "  name: acme\n  contact_fields:\n  - { name: age, type: number }\n"
		     "  - gender\n  - name: size\n  - { type: datetime, name: seen }\n",
		  "[7c9e6679 'acme' rate 0 custom age:number custom gender custom size custom "
		  "seen:datetime]" },
		{ WS "  name: acme\n  contact_fields: []\n", "[7c9e6679 'acme' rate 0]" },
		{ WS "  name: a\n  switches: { strict_50: true, error_names: 'specific',\n"
		     "    event_answer: generation_c }\n",
		  "[7c9e6679 'a' rate 0 strict_50=true error_names=specific "
		  "event_answer=generation_c]" },
		{ WS "  name: a\n  switches: {}\n", "[7c9e6679 'a' rate 0]" },
		/* Of each workspace its own. */
		{ WS "  name: a\n  switches: { strict_50: 'false' }\n"
		     "- id: 8c9e6679-7425-40de-944b-e07fc1f90ae7\n  name: b\n"
		     "  switches: { strict_50: true }\n",
		  "[7c9e6679 'a' rate 0 strict_50=false][8c9e6679 'b' rate 0 strict_50=true]" },
		/* sha256("s") begins 043a718774c5, of "123" a665a45920 */
		{ WS
		  "  name: a\n  keys:\n  - { secret: s, name: b, scopes: [events.write, admin] }\n"
		  "  - { secret: 123, scopes: [], revoked: true }\n",
		  "[7c9e6679 'a' rate 0 key 043a7187 'b' 33 key a665a459 '' 0 revoked]" },
		{ WS "  name: a\n  keys: [{ secret: s, scopes: [contacts.read] }]\n"
		     "  oauth_clients: [{ id: shop, secret: s, scopes: [events.write] }]\n",
		  "[7c9e6679 'a' rate 0 key 043a7187 '' 2 client 043a7187 'shop' 1]" },
		{ WS "  name: a\n  oauth_clients:\n"
		     "  - { id: old, secret: s, scopes: [], revoked: true }\n"
		     "  - id: shop\n    secret: s\n    scopes: []\n"
		     "    redirect_uris: ['https://a.b', 'https://a.b:8443/C?d=E&f', "
		     "'http://localhost/', 'http://127.0.0.1:65535/x', 'http://[::1]:1?x', "
		     "'https://[2001:db8::1]/']\n",
		  "[7c9e6679 'a' rate 0 client 043a7187 'old' 0 revoked client 043a7187 'shop' 0 "
		  "to https://a.b to https://a.b:8443/C?d=E&f to http://localhost/ to "
		  "http://127.0.0.1:65535/x to http://[::1]:1?x to https://[2001:db8::1]/]" },
		{ WS "  name: a\n  keys:\n  - { secret: s, scopes: [events.write], publishable: "
		     "true,\n"
		     "      allowed_origins: ['https://shop.example', 'http://localhost:3000',"
		     " 'http://[::1]:3000', 'capacitor://localhost'] }\n"
		     "  - { secret: 123, scopes: [events.write], publishable: true }\n",
		  "[7c9e6679 'a' rate 0 key 043a7187 '' 1 publishable https://shop.example"
		  " http://localhost:3000 http://[::1]:3000 capacitor://localhost"
		  " key a665a459 '' 1 publishable]" },
		{ WS "  name: a\n  limits: { requests_per_second: -1 }\n",
		  "[7c9e6679 'a' rate -1]" },
		{ WS "  name: a\n  limits: {}\n", "[7c9e6679 'a' rate 0]" },
		{ WS "  name: a\n  definitions:\n"
		     "  - { name: order.completed, description: Fired., fields: [\n"
		     "      { name: order_id, type: string, required: true },\n"
		     "      { name: items, type: array, fields: [{ name: sku, type: string }] },\n"
		     "      { name: sku, type: object } ] }\n"
		     "  - { name: free, inferred: true }\n",
		  "[7c9e6679 'a' rate 0 declared 'order.completed' 'Fired.' (order_id:string! "
		  "items:array(sku:string) sku:object) inferred 'free' '' ()]" },
		{ WS "  name: a\n  destinations:\n"
		     "  - { name: crm, type: webhook, url: \"https://crm.example/in\",\n"
		     "      retry_seconds: [5, 300], allow_private: true }\n"
		     "  - name: log\n    type: file\n    path: a/b.ndjson\n"
		     "  automations:\n"
		     "  - name: big-order\n"
		     "    trigger: { definitions: [order.completed] }\n"
		     "    conditions: { all: [ { field: properties.total, operator: gte,"
		     " value: 100 } ] }\n"
		     "    actions: [ { send: crm } ]\n"
		     "  - { name: crm, actions: [ { send: '2' } ] }\n",
		  "[7c9e6679 'a' rate 0"
		  " destination demo.yaml:5: workspaces[0].destinations[0] {\"name\":\"crm\","
		  "\"type\":\"webhook\",\"url\":\"https://crm.example/in\","
		  "\"retry_seconds\":[5,300],\"allow_private\":true}"
		  " destination demo.yaml:7: workspaces[0].destinations[1] {\"name\":\"log\","
		  "\"type\":\"file\",\"path\":\"a/b.ndjson\"}"
		  " automation demo.yaml:11: workspaces[0].automations[0] {\"name\":\"big-order\","
		  "\"trigger\":{\"definitions\":[\"order.completed\"]},\"conditions\":{\"all\":[{"
		  "\"field\":\"properties.total\",\"operator\":\"gte\",\"value\":100}]},"
		  "\"actions\":[{\"send\":\"crm\"}]}"
		  " automation demo.yaml:15: workspaces[0].automations[1] {\"name\":\"crm\","
		  "\"actions\":[{\"send\":\"2\"}]}]" },
		{ WS "  name: a\n  destinations: []\n  automations: []\n",
		  "[7c9e6679 'a' rate 0]" },
		{ WS "  name: a\n  contacts:\n"
		     "  - id: 3F2504E0-4f89-41d3-9a0c-0305e82c3301\n"
		     "  - identities:\n"
		     "    - { kind: email, value: John@Example.com }\n"
		     "    - { kind: phone, value: +972 50-1 }\n",
		  "[7c9e6679 'a' rate 0 contact 3f2504e0 {} contact - "
		  "email=John@Example.com=john@example.com phone=+972 50-1=972501 {}]" },
		/* Blanks around an e-mail or phone are no part of it; ids are what they are. */
		{ WS "  name: a\n  contacts:\n  - identities:\n"
		     "    - { kind: email, value: \" John.Doe@Example.com\\t\" }\n"
		     "    - { kind: phone, value: \" +972 50-1 \" }\n"
		     "    - { kind: external_id, value: \" x \" }\n",
		  "[7c9e6679 'a' rate 0 contact - email=John.Doe@Example.com=john.doe@example.com "
		  "phone=+972 50-1=972501 external_id= x = x  {}]" },
		/* The same address twice: in two workspaces that is two people. */
		{ WS "  name: a\n  contacts: [{ identities: [{ kind: email, value: a@b.c }] }]\n"
		     "- id: 8c9e6679-7425-40de-944b-e07fc1f90ae7\n  name: b\n"
		     "  contacts: [{ identities: [{ kind: email, value: a@b.c }] }]\n",
		  "[7c9e6679 'a' rate 0 contact - email=a@b.c=a@b.c {}]"
		  "[8c9e6679 'b' rate 0 contact - email=a@b.c=a@b.c {}]" },
		{ WS
		  "  name: a\n  contacts:\n"
		  "  - identities: [{ kind: external_id, value: x }]\n"
		  "    attributes:\n"
		  "      first_name: \"J\\\"\\n\"\n"
		  "      list: [a, 'true', true, null, ~, 1, -1.5e3, 007, +1, 1., .5, 1e, -, yes]\n"
		  "      last_name:\n"
		  "      custom: { age: 33, vip: false, birthdate: 2000-01-01, deep: { a: [] } }\n",
		  "[7c9e6679 'a' rate 0 contact - external_id=x=x {\"first_name\":\"J\\\"\\n\","
		  "\"list\":[\"a\",\"true\",true,null,null,1,-1.5e3,\"007\",\"+1\",\"1.\",\".5\","
		  "\"1e\",\"-\",\"yes\"],\"last_name\":null,\"custom\":{\"age\":33,\"vip\":false,"
		  "\"birthdate\":\"2000-01-01\",\"deep\":{\"a\":[]}}}]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading got;
		read_text(&got, cases[i].text);
		assert_string_equal(got.error, "");
		assert_int_equal(got.r, PROVISION_FILE_OK);
		assert_string_equal(show(&got), cases[i].expect);
		arena_fini(&got.arena);
	}
}

#define SCOPES                                                                               \
	"events.write, contacts.read, contacts.write, definitions.read, definitions.write, " \
	"admin, operator"
#define TYPES "string, boolean, integer, number, date, datetime, email, url, object, array"

static void test_refused(void **state)
{
	static const struct {
		const char *text, *expect; /* without demo.yaml: */
	} cases[] = {
		/* Not the YAML we take */
		{ "", "1: is empty; workspaces is required" },
		{ "# nothing\n", "1: is empty; workspaces is required" },
		{ "workspaces: [\n",
		  "2: did not find expected node content while parsing a flow node" },
		{ "workspaces:\n- id: a\n   b: c\n",
		  "3: mapping values are not allowed in this context" },
		{ "workspaces:\n- id: \"\xFF\"\n", "2: invalid leading UTF-8 octet" },
		{ "\xFF\xFEw", "1: must be UTF-8" },
		{ "workspaces: []\n---\nworkspaces: []\n", "2: a second document is not taken" },
		{ "workspaces: &a []\n", "1: anchors and aliases are not taken" },
		{ "workspaces:\n- *a\n", "2: anchors and aliases are not taken" },
		{ "workspaces: &a\n- {}\n", "1: anchors and aliases are not taken" },
		{ WS "  name: !!str a\n", "3: tags are not taken" },
		{ WS "  name: \"a\\0b\"\n", "3: a string must not hold U+0000" },
		/* Shape */
		{ "[]", "1: must be a mapping, not a list" },
		{ "hello", "1: must be a mapping, not a string" },
		{ "{}", "1: workspaces: is required" },
		{ "workspaces:\n", "1: workspaces: must be a list, not a string" },
		{ "workspaces: {}\n", "1: workspaces: must be a list, not a mapping" },
		{ "workspaces: [a]\n", "1: workspaces[0]: must be a mapping, not a string" },
		{ "workspaces:\n- name: a\n", "2: workspaces[0].id: is required" },
		{ "workspaces: []\nworkspace: []\n",
		  "2: workspace: is not known here; known are workspaces" },
		{ WS "  nmae: a\n", "3: workspaces[0].nmae: is not known here; known are id, name, "
				    "switches, contact_fields, keys, oauth_clients, definitions, "
				    "destinations, automations, contacts, limits" },
		{ WS "  name: a\n  name: b\n", "4: workspaces[0].name: is given twice" },
		{ WS "  ? [a]\n  : b\n", "2: workspaces[0]: a key must be a string" },
		{ WS "  <<: { name: a }\n",
		  "3: workspaces[0].<<: is not known here; known are id, name, switches, "
		  "contact_fields, keys, oauth_clients, definitions, destinations, automations, "
		  "contacts, limits" },
		{ WS "  \"a\\nb\": c\n",
		  "3: workspaces[0].a?b: is not known here; known are id, name, switches, "
		  "contact_fields, keys, oauth_clients, definitions, destinations, automations, "
		  "contacts, limits" },
		{ WS "  limits: { requests_per_second: many }\n",
		  "3: workspaces[0].limits.requests_per_second: must be a whole number, not "
		  "\"many\"" },
		{ WS "  limits: { requests_per_second: 010 }\n",
		  "3: workspaces[0].limits.requests_per_second: must be a whole number, not "
		  "\"010\"" },
		{ WS "  limits: { requests_per_second: 1.5 }\n",
		  "3: workspaces[0].limits.requests_per_second: must be a whole number, not "
		  "\"1.5\"" },
		{ WS "  limits: { requests_per_second: 9223372036854775808 }\n",
		  "3: workspaces[0].limits.requests_per_second: must be a whole number, not "
		  "\"9223372036854775808\"" },
		{ WS "  limits: 5\n", "3: workspaces[0].limits: must be a mapping, not a string" },
		/* Values */
		{ "workspaces:\n- id: 7\n", "2: workspaces[0].id: must be a UUID, not \"7\"" },
		{ WS "- id: 7C9E6679-7425-40de-944b-e07fc1f90ae7\n",
		  "3: workspaces[1].id: must be unique, but line 2 has the same" },
		{ WS "  name: ''\n", "3: workspaces[0].name: must not be empty" },
		{ WS "  name: ' '\n", "3: workspaces[0].name: must not be blank" },
		{ WS "  limits: { requests_per_second: -2 }\n",
		  "3: workspaces[0].limits.requests_per_second: must be -1 (none), 0 (the "
		  "dialect's default) or up to 1000000, not \"-2\"" },
		{ WS "  limits: { requests_per_second: 1000001 }\n",
		  "3: workspaces[0].limits.requests_per_second: must be -1 (none), 0 (the "
		  "dialect's default) or up to 1000000, not \"1000001\"" },
		{ WS "  contact_fields: [a, b, a]\n",
		  "3: workspaces[0].contact_fields[2]: must be unique, but line 3 has the same" },
		{ WS "  contact_fields: [a, { name: a }]\n",
		  "3: workspaces[0].contact_fields[1].name: must be unique, but line 3 has the "
		  "same" },
		{ WS "  contact_fields: a\n",
		  "3: workspaces[0].contact_fields: must be a list, not a string" },
		{ WS "  contact_fields: [[a]]\n",
		  "3: workspaces[0].contact_fields[0]: must be a mapping, not a list" },
		{ WS "  contact_fields: [' ']\n",
		  "3: workspaces[0].contact_fields[0]: must not be blank" },
		{ WS "  contact_fields: ['']\n",
		  "3: workspaces[0].contact_fields[0]: must not be empty" },
		{ WS "  contact_fields: [{ type: number }]\n",
		  "3: workspaces[0].contact_fields[0].name: is required" },
		{ WS "  contact_fields: [{ name: [a] }]\n",
		  "3: workspaces[0].contact_fields[0].name: must be a string, not a list" },
		{ WS "  contact_fields: [{ name: a, typ: number }]\n",
		  "3: workspaces[0].contact_fields[0].typ: is not known here; known are name, "
		  "type" },
		{ WS "  contact_fields: [{ name: a, type: object }]\n",
		  "3: workspaces[0].contact_fields[0].type: must be one of string, boolean, "
		  "integer, number, date, datetime, email, url, not \"object\"" },
	/* Switches */
#define SWITCHES(list) WS "  switches: " list "\n"
#define ALL_SWITCHES                                                          \
	"strict_50, contact_id_any_string, auto_define_event_types, "         \
	"unreachable_contacts, event_answer, older_generation, error_names, " \
	"null_removes_built_in, "                                             \
	"empty_definition_list"
		{ SWITCHES("[strict_50]"),
		  "3: workspaces[0].switches: must be a mapping, not a list" },
		{ SWITCHES(""), "3: workspaces[0].switches: must be a mapping, not a string" },
		{ SWITCHES("{ strict_51: true }"),
		  "3: workspaces[0].switches.strict_51: is no switch; there are " ALL_SWITCHES },
		{ SWITCHES("{ STRICT_50: true }"),
		  "3: workspaces[0].switches.STRICT_50: is no switch; there are " ALL_SWITCHES },
		{ SWITCHES("{ '': true }"),
		  "3: workspaces[0].switches.: is no switch; there are " ALL_SWITCHES },
		{ SWITCHES("{ [strict_50]: true }"),
		  "3: workspaces[0].switches: a key must be a string" },
		{ SWITCHES("\n    strict_50: yes"),
		  "4: workspaces[0].switches.strict_50: must be one "
		  "of false, true, not \"yes\"" },
		{ SWITCHES("{ strict_50: }"),
		  "3: workspaces[0].switches.strict_50: must be one of false, true, not \"\"" },
		{ SWITCHES("{ strict_50: [true] }"),
		  "3: workspaces[0].switches.strict_50: must be one of false, true, not a list" },
		{ SWITCHES("{ error_names: true }"),
		  "3: workspaces[0].switches.error_names: must be one of general, specific, not "
		  "\"true\"" },
		{ SWITCHES("\n    strict_50: true\n    strict_50: true"),
		  "5: workspaces[0].switches.strict_50: must be unique, but line 4 has the same" },
		/* Keys and clients */
		{ WS "  keys: [{ scopes: [] }]\n", "3: workspaces[0].keys[0].secret: is required" },
		{ WS "  keys: [{ secret: a }]\n", "3: workspaces[0].keys[0].scopes: is required" },
		{ WS "  keys:\n  - secret: a\n    scopes:\n    - admin\n    - event.write\n",
		  "7: workspaces[0].keys[0].scopes[1]: must be one of " SCOPES
		  ", not \"event.write\"" },
		{ WS "  keys: [{ secret: a, scopes: [], revoked: maybe }]\n",
		  "3: workspaces[0].keys[0].revoked: must be true or false, not \"maybe\"" },
#define PAGE(scopes, more) WS "  keys: [{ secret: a, scopes: [" scopes "]" more " }]\n"
#define NO_ORIGIN                                                              \
	"3: workspaces[0].keys[0].allowed_origins[0]: must be an origin like " \
	"https://shop.example, in lower case and without a path, not "
#define LETTERS_60      "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
#define PAGE_OF(origin) PAGE("events.write", ", publishable: true, allowed_origins: ['" origin "']")
		{ PAGE("", ", publishable: true"),
		  "3: workspaces[0].keys[0].scopes: must be [events.write] of a publishable key, "
		  "and no more" },
		{ PAGE("events.write, contacts.read", ", publishable: true"),
		  "3: workspaces[0].keys[0].scopes: must be [events.write] of a publishable key, "
		  "and no more" },
		{ PAGE("events.write", ", allowed_origins: ['https://shop.example']"),
		  "3: workspaces[0].keys[0].allowed_origins: is only for a publishable key" },
		{ PAGE_OF("https://shop.example/"), NO_ORIGIN "\"https://shop.example/\"" },
		{ PAGE_OF("https://Shop.example"), NO_ORIGIN "\"https://Shop.example\"" },
		{ PAGE_OF("shop.example"), NO_ORIGIN "\"shop.example\"" },
		{ PAGE_OF("https://"), NO_ORIGIN "\"https://\"" },
		{ PAGE_OF("://shop.example"), NO_ORIGIN "\"://shop.example\"" },
		{ PAGE_OF("https://*.shop.example"), NO_ORIGIN "\"https://*.shop.example\"" },
		{ PAGE_OF("https://" LETTERS_60 LETTERS_60 LETTERS_60 LETTERS_60 LETTERS_60),
		  "3: workspaces[0].keys[0].allowed_origins[0]: must be at most 300 bytes long, "
		  "not 308" },
		{ PAGE_OF("null"), NO_ORIGIN "\"null\"" },
		{ PAGE_OF("*"), NO_ORIGIN "\"*\"" },
		{ PAGE_OF(""), "3: workspaces[0].keys[0].allowed_origins[0]: must not be empty" },
		{ WS "  keys: [{ secret: '', scopes: [] }]\n",
		  "3: workspaces[0].keys[0].secret: must not be empty" },
		{ WS "  keys: [{ secret: \"SECRET\\t1\", scopes: [] }]\n",
		  "3: workspaces[0].keys[0].secret: must hold no control characters, nor a blank "
		  "at either end" },
		{ WS "  keys: [{ secret: [SECRET], scopes: [] }]\n",
		  "3: workspaces[0].keys[0].secret: must be a string, not a list" },
		{ WS "  keys:\n  - { secret: SECRET, scopes: [] }\n"
		     "  - { secret: SECRET, scopes: [] }\n",
		  "5: workspaces[0].keys[1].secret: must be unique, but line 4 has the same" },
		{ WS "  keys: [{ secret: SECRET, scopes: [] }]\n"
		     "- id: 8c9e6679-7425-40de-944b-e07fc1f90ae7\n"
		     "  keys: [{ secret: SECRET, scopes: [] }]\n",
		  "5: workspaces[1].keys[0].secret: must be unique, but line 3 has the same" },
		{ WS "  oauth_clients:\n  - { id: a, secret: b, scopes: [] }\n"
		     "  - { id: a, secret: c, scopes: [] }\n",
		  "5: workspaces[0].oauth_clients[1].id: must be unique, but line 4 has the same" },
#define GOES_TO(uri) \
	WS "  oauth_clients: [{ id: a, secret: b, scopes: [], redirect_uris: ['" uri "'] }]\n"
#define NO_REDIRECT                                                                         \
	"3: workspaces[0].oauth_clients[0].redirect_uris[0]: must be an https address (or " \
	"http on localhost) with its host in lower case and no fragment, not "
#define GOES_NOWHERE(uri) { GOES_TO(uri), NO_REDIRECT "\"" uri "\"" }
		GOES_NOWHERE("a.b/c"),
		GOES_NOWHERE("https:"),
		GOES_NOWHERE("https://"),
		GOES_NOWHERE("https:///c"),
		GOES_NOWHERE("https://?c"),
		GOES_NOWHERE("https://a.b/c#d"),
		GOES_NOWHERE("https://a.b/c d"),
		GOES_NOWHERE("https://a.b/\xc3\xa9"),
		GOES_NOWHERE("https://A.b/"),
		GOES_NOWHERE("HTTPS://a.b/"),
		GOES_NOWHERE("https://u@a.b/"),
		GOES_NOWHERE("https://*.a.b/"),
		GOES_NOWHERE("https://a.b;/"),
		GOES_NOWHERE("https://:80/"),
		GOES_NOWHERE("https://a.b:/"),
		GOES_NOWHERE("https://a.b:x/"),
		GOES_NOWHERE("https://a.b:65536/"),
		GOES_NOWHERE("https://[::1/"),
		GOES_NOWHERE("https://[]/"),
		GOES_NOWHERE("https://[::1]x/"),
		GOES_NOWHERE("https://a[b]/"),
		GOES_NOWHERE("http://a.b/"),
		GOES_NOWHERE("http://localhost.a.b/"),
		GOES_NOWHERE("http://127.0.0.1.a.b/"),
		GOES_NOWHERE("http://127.0.0.2/"),
		GOES_NOWHERE("app://a.b/"),
		GOES_NOWHERE("javascript:alert(1)"),
		{ WS "  oauth_clients: [{ id: a, secret: b, scopes: [''] }]\n",
		  "3: workspaces[0].oauth_clients[0].scopes[0]: must not be empty" },
		/* Definitions */
		{ WS "  definitions: [{ fields: [] }]\n",
		  "3: workspaces[0].definitions[0].name: is required" },
		{ WS "  definitions:\n  - name: a\n  - name: a\n",
		  "5: workspaces[0].definitions[1].name: must be unique, but line 4 has the same" },
		{ WS "  definitions:\n  - name: a\n    fields:\n    - name: b\n",
		  "6: workspaces[0].definitions[0].fields[0].type: is required" },
		{ WS "  definitions: [{ name: a, fields: [{ name: b, type: text }] }]\n",
		  "3: workspaces[0].definitions[0].fields[0].type: must be one of " TYPES
		  ", not \"text\"" },
		{ WS "  definitions: [{ name: a, fields: [{ name: b, type: date },\n"
		     "    { name: b, type: url }] }]\n",
		  "4: workspaces[0].definitions[0].fields[1].name: must be unique, but line 3 has "
		  "the same" },
		{ WS
		  "  definitions: [{ name: a, fields: [{ name: b, type: string, fields: [] }] }]\n",
		  "3: workspaces[0].definitions[0].fields[0].fields: only an object or an array "
		  "has fields, not string" },
		{ WS "  definitions: [{ name: a, fields: [{ name: b, type: array, fields: [\n"
		     "    { name: c, type: x }] }] }]\n",
		  "4: workspaces[0].definitions[0].fields[0].fields[0].type: must be one of " TYPES
		  ", not \"x\"" },
		{ WS
		  "  definitions: [{ name: a, fields: [{ name: b, type: url, required: yes }] }]\n",
		  "3: workspaces[0].definitions[0].fields[0].required: must be true or false, not "
		  "\"yes\"" },
		/* Destinations and automations */
		{ WS "  destinations: {}\n",
		  "3: workspaces[0].destinations: must be a list, not a mapping" },
		{ WS "  automations: x\n",
		  "3: workspaces[0].automations: must be a list, not a string" },
		{ WS "  destinations: [crm]\n",
		  "3: workspaces[0].destinations[0]: must be an object, not a string" },
		{ WS "  destinations:\n  - { type: file, path: a }\n",
		  "4: workspaces[0].destinations[0].name: is required" },
		{ WS "  destinations:\n  - { name: '', type: file, path: a }\n",
		  "4: workspaces[0].destinations[0].name: must not be empty" },
		{ WS "  destinations:\n  - { name: ' ', type: file, path: a }\n",
		  "4: workspaces[0].destinations[0].name: is not a valid name: it is blank" },
		{ WS "  destinations:\n  - { name: \"a\\nb\", type: file, path: a }\n",
		  "4: workspaces[0].destinations[0].name: is not a valid name: it holds a control "
		  "character" },
		{ WS "  destinations:\n  - { name: a, type: file, path: a }\n"
		     "  - { name: b, type: post, path: a }\n",
		  "5: workspaces[0].destinations[1].type: must be one of: webhook, file, kafka, "
		  "relay" },
		{ WS "  destinations:\n  - { name: a, type: webhook, url: https://a.b,\n"
		     "      secret: SECRET }\n",
		  "4: workspaces[0].destinations[0].secret: must be a text of \"whsec_\" and 24 to "
		  "64 "
		  "bytes in base64" },
		{ WS "  destinations:\n  - { name: a, type: webhook, url: https://a.b, a?b: 1 }\n",
		  "4: workspaces[0].destinations[0].a?b: is not a member that is known here" },
		{ WS "  destinations:\n  - name: a\n    type: file\n    name: b\n",
		  "6: workspaces[0].destinations[0].name: is given twice" },
		{ WS "  destinations:\n  - { name: a, type: file, path: a }\n"
		     "  - type: file\n    name: a\n    path: b\n",
		  "6: workspaces[0].destinations[1].name: must be unique, but line 4 has the "
		  "same" },
		{ WS "  automations:\n  - name: a\n",
		  "4: workspaces[0].automations[0].actions: is required" },
		{ WS "  automations:\n  - name: a\n    actions: [ { sned: crm } ]\n",
		  "4: workspaces[0].automations[0].actions[0].sned: is not a member that is known "
		  "here" },
		{ WS "  automations:\n  - name: a\n    actions: [ { send: crm } ]\n"
		     "    conditions: { all: [ { field: properties.a, operator: like, value: 1 } ] "
		     "}\n",
		  "4: workspaces[0].automations[0].conditions.all[0].operator: must be one of: "
		  "equals, not_equals, contains, starts_with, in, exists, gt, gte, lt, lte, "
		  "before, "
		  "after, within_last" },
		{ WS "  automations:\n  - { name: a, actions: [ { send: c } ] }\n"
		     "  - { name: a, actions: [ { send: c } ] }\n",
		  "5: workspaces[0].automations[1].name: must be unique, but line 4 has the same" },
		/* Contacts */
		{ WS "  contacts:\n  - attributes: {}\n",
		  "4: workspaces[0].contacts[0]: needs an id or an identity" },
		{ WS "  contacts: [{ id: 1 }]\n",
		  "3: workspaces[0].contacts[0].id: must be a UUID, not \"1\"" },
		{ WS "  contacts:\n  - id: " ID "\n  - id: " ID "\n",
		  "5: workspaces[0].contacts[1].id: must be unique, but line 4 has the same" },
		{ WS "  contacts: [{ identities: [{ kind: mail, value: a@b.c }] }]\n",
		  "3: workspaces[0].contacts[0].identities[0].kind: must be one of external_id, "
		  "email, phone, anonymous_id, line, facebook, telegram, push, web_push, "
		  "live_chat, viber_bots, instagram, instagram_dm, twitter, apple_business_chat, "
		  "kakao_sangdam, google_business_messages, whatsapp, zalo_follower, tiktok_bm, "
		  "open_channel, not \"mail\"" },
		{ WS "  contacts: [{ identities: [{ kind: email, value: nobody }] }]\n",
		  "3: workspaces[0].contacts[0].identities[0].value: must be an e-mail address" },
		{ WS "  contacts: [{ identities: [{ kind: email, value: \" a @b.c\" }] }]\n",
		  "3: workspaces[0].contacts[0].identities[0].value: must be an e-mail address" },
		{ WS "  contacts: [{ identities: [{ kind: email, value: \" \" }] }]\n",
		  "3: workspaces[0].contacts[0].identities[0].value: must be an e-mail address" },
		{ WS "  contacts: [{ identities: [{ kind: email, value: \" a@b.c\" },\n"
		     "      { kind: email, value: \"a@b.c \" }] }]\n",
		  "4: workspaces[0].contacts[0].identities[1].value: must be unique, but line 3 "
		  "has the same" },
		{ WS "  contacts: [{ identities: [{ kind: phone, value: none }] }]\n",
		  "3: workspaces[0].contacts[0].identities[0].value: must have digits" },
		{ WS "  contacts:\n  - identities: [{ kind: email, value: a@b.c }]\n"
		     "  - identities: [{ kind: phone, value: 1 },\n"
		     "      { kind: email, value: A@b.C }]\n",
		  "6: workspaces[0].contacts[1].identities[1].value: must be unique, but line 4 "
		  "has "
		  "the same" },
		{ WS "  definitions: [{ name: \"a\\tb\" }]\n",
		  "3: workspaces[0].definitions[0].name: is not a valid name: it holds a control "
		  "character" },
#define ATTRIBUTES(what) WS "  contacts:\n  - id: " ID "\n    attributes:\n      " what "\n"
#define AT_ATTRIBUTES    "6: workspaces[0].contacts[0].attributes."
		{ ATTRIBUTES("postal_code: 44100"),
		  AT_ATTRIBUTES "postal_code: must be a string, not a number: put it in quotes" },
		{ ATTRIBUTES("first_name: true"),
		  AT_ATTRIBUTES "first_name: must be a string, not a boolean: put it in quotes" },
		{ ATTRIBUTES("phone: []"), AT_ATTRIBUTES "phone: must be a string, not an array" },
		{ ATTRIBUTES("active: \"true\""),
		  AT_ATTRIBUTES "active: must be a boolean, not a string" },
		{ ATTRIBUTES("gender: male"), AT_ATTRIBUTES "gender: must be one of: m, f" },
		{ ATTRIBUTES("birthdate: \"21.11.1990\""),
		  AT_ATTRIBUTES "birthdate: must be a date" },
		{ ATTRIBUTES("tags: vip"), AT_ATTRIBUTES "tags: must be a list of strings" },
		{ ATTRIBUTES("tags: [vip, 5]"), AT_ATTRIBUTES "tags: must be a list of strings" },
		{ WS "  contacts:\n  - id: " ID "\n    attributes: [a]\n",
		  "5: workspaces[0].contacts[0].attributes: must be a mapping, not a list" },
		{ WS "  contacts:\n  - id: " ID "\n    attributes:\n      custom: a\n",
		  "6: workspaces[0].contacts[0].attributes.custom: must be a mapping, not a "
		  "string" },
		{ WS "  contacts:\n  - id: " ID "\n    attributes:\n      a: 1\n      a: 2\n",
		  "7: workspaces[0].contacts[0].attributes.a: is given twice" },
		{ WS "  contacts:\n  - id: " ID "\n    attributes:\n      a: { ? [b] : c }\n",
		  "6: workspaces[0].contacts[0].attributes.a: a key must be a string, and not "
		  "empty" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading got;
		char expect[1000];
		snprintf(expect, sizeof(expect), "demo.yaml:%s", cases[i].expect);
		read_text(&got, cases[i].text);
		assert_string_equal(got.error, expect);
		assert_int_equal(got.r, PROVISION_FILE_WRONG);
		assert_null(strstr(got.error, "SECRET"));
		arena_fini(&got.arena);
	}
}

/* Texts too large to write down: `head`, `n` times `piece`, `tail`. */
static void test_ceilings(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t n;
		const char *expect; /* NULL: taken */
	} cases[] = {
		{ "workspaces: ", "[", "", YAML_DEPTH_MAX, "1: nested deeper than 64 levels" },
		{ "workspaces: ", "- ", "", YAML_DEPTH_MAX,
		  "1: block sequence entries are not "
		  "allowed in this context" },
		{ WS "#", "x", "\n", YAML_TEXT_MAX, "1: must be at most 16 MiB" },
		{ "workspaces: [", ",\n  ", "]", 1,
		  "1: did not find expected node content while parsing a flow node" },
		{ WS "  name: ", "x", "\n", 255, NULL },
		{ WS "  name: ", "x", "\n", 256,
		  "3: workspaces[0].name: must be at most 255 characters long, not 256" },
		{ WS "  name: ", "\xF0\x9F\x98\x80", "\n", 255, NULL },
		{ WS "  definitions: [{ name: a, description: ", "\xF0\x9F\x98\x80", "}]\n", 2000,
		  NULL },
		{ WS "  definitions: [{ name: a, description: ", "x", "}]\n", 2001,
		  "3: workspaces[0].definitions[0].description: must be at most 2000 characters "
		  "long, not 2001" },
		{ WS "  contact_fields: [", "x", "]\n", 129,
		  "3: workspaces[0].contact_fields[0]: must be at most 128 bytes long, not 129" },
		{ WS "  contact_fields: [", "x,", "]\n", 1001,
		  "3: workspaces[0].contact_fields: must have at most 1000 items, not 1001" },
		{ WS "  contacts: [{ identities: [{ kind: line, value: ", "x", "}] }]\n", 513,
		  "3: workspaces[0].contacts[0].identities[0].value: must be at most 512 bytes "
		  "long, not 513" },
		{ WS "  contacts: [{ id: " ID ", attributes: { a: ", "x", "} }]\n", 256 * 1024,
		  "3: workspaces[0].contacts[0].attributes: must be at most 262144 bytes of JSON, "
		  "not 262152" },
		{ WS "  definitions: [{ name: a, ", "fields: [{ name: b, type: object, ", "", 0,
		  "4: did not find expected node content while parsing a flow node" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading got;
		char expect[300] = "";
		size_t piece = strlen(cases[i].piece);
		struct arena a;
		arena_init(&a, 64 * 1024 * 1024, NULL);
		struct buf b = buf_in(&a);
		buf_put(&b, str_of(cases[i].head));
		for (size_t k = 0; k < cases[i].n; k++)
			buf_put(&b, (struct str){ cases[i].piece, piece });
		buf_put(&b, str_of(cases[i].tail));
		assert_false(b.failed);
		if (cases[i].expect)
			snprintf(expect, sizeof(expect), "demo.yaml:%s", cases[i].expect);
		read_n(&got, b.p, b.n);
		assert_string_equal(got.error, expect);
		assert_int_equal(got.r, cases[i].expect ? PROVISION_FILE_WRONG : PROVISION_FILE_OK);
		arena_fini(&got.arena);
		arena_fini(&a);
	}
}

static void test_what_is_not_mentioned_is_kept(void **state)
{
	static const struct {
		const char *text;
		bool name, rate;
	} cases[] = {
		{ WS, true, true },
		{ WS "  name: a\n", false, true },
		{ WS "  limits: {}\n", true, true },
		{ WS "  limits: { requests_per_second: 0 }\n", true, false },
		{ WS "  name: a\n  limits: { requests_per_second: 9 }\n", false, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading got;
		read_text(&got, cases[i].text);
		assert_int_equal(got.r, PROVISION_FILE_OK);
		assert_int_equal(got.p.workspaces[0].keep_name, cases[i].name);
		assert_int_equal(got.p.workspaces[0].keep_rate, cases[i].rate);
		arena_fini(&got.arena);
	}
}

static void nested_fields(struct buf *b, unsigned levels)
{
	buf_lit(b, WS "  definitions: [{ name: a");
	for (unsigned i = 0; i < levels; i++)
		buf_lit(b, ", fields: [{ name: b, type: object");
	for (unsigned i = 0; i < levels; i++)
		buf_lit(b, " }]");
	buf_lit(b, " }]\n");
}

static void test_nesting_of_fields(void **state)
{
	struct reading got;
	char text[2000];
	(void)state;
	struct buf b = buf_over(text, sizeof(text));
	nested_fields(&b, FIELD_DEPTH_MAX);
	read_n(&got, b.p, b.n);
	assert_string_equal(got.error, "");
	assert_int_equal(got.r, PROVISION_FILE_OK);
	arena_fini(&got.arena);

	b = buf_over(text, sizeof(text));
	nested_fields(&b, FIELD_DEPTH_MAX + 1);
	read_n(&got, b.p, b.n);
	assert_non_null(strstr(got.error, "fields: fields nest at most 8 levels"));
	assert_int_equal(got.r, PROVISION_FILE_WRONG);
	arena_fini(&got.arena);
}

/* For what only the store can tell: it knows no file. */
static void test_places(void **state)
{
	struct reading got;
	(void)state;
	read_text(&got, WS "  contact_fields:\n  - a\n  - { name: b }\n"
			   "  keys:\n  - secret: s\n    scopes: []\n"
			   "  oauth_clients: [{ id: c, secret: s, scopes: [] }]\n"
			   "  definitions:\n  - name: d\n"
			   "  contacts:\n\n  - id: " ID "\n"
			   "- id: 8c9e6679-7425-40de-944b-e07fc1f90ae7\n");
	assert_string_equal(got.error, "");
	const struct provision_workspace *w = got.p.workspaces;
	const struct {
		struct str place;
		const char *expect;
	} cases[] = {
		{ w->place, "demo.yaml:2: workspaces[0]" },
		{ w->contact_fields[0].place, "demo.yaml:4: workspaces[0].contact_fields[0]" },
		{ w->contact_fields[1].place, "demo.yaml:5: workspaces[0].contact_fields[1]" },
		{ w->keys[0].place, "demo.yaml:7: workspaces[0].keys[0]" },
		{ w->oauth_clients[0].place, "demo.yaml:9: workspaces[0].oauth_clients[0]" },
		{ w->definitions[0].place, "demo.yaml:11: workspaces[0].definitions[0]" },
		{ w->contacts[0].place, "demo.yaml:14: workspaces[0].contacts[0]" },
		{ w[1].place, "demo.yaml:15: workspaces[1]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(cases[i].place.p, cases[i].expect);
	arena_fini(&got.arena);
}

static void test_cannot_be_read(void **state)
{
	struct arena a;
	struct provision p;
	char error[100] = "";
	(void)state;
	arena_init(&a, 1024 * 1024, NULL);
	assert_true(provision_file_read("absent.yaml", &a, &p, error, sizeof(error)) < 0);
	assert_non_null(strstr(fail_text(), "opening absent.yaml: No such file"));
	assert_true(provision_file_read(".", &a, &p, error, sizeof(error)) < 0);
	arena_fini(&a);
}

/* Whatever the room, memory that is refused is a failure and no wrong file. */
static void test_every_arena(void **state)
{
	static const char text[] =
		WS "  name: a\n  contact_fields: [b]\n  keys: [{ secret: s, scopes: [admin] }]\n"
		   "  oauth_clients: [{ id: i, secret: s, scopes: [] }]\n"
		   "  definitions: [{ name: d, fields: [{ name: o, type: object }] }]\n"
		   "  contacts: [{ identities: [{ kind: email, value: A@b.c }], attributes: { x: y "
		   "} }]"
		   "\n";
	(void)state;
	write_file(text, sizeof(text) - 1);
	size_t room = 0;
	int r = -1;
	for (; r != 0 && room < 1024 * 1024; room += 64) {
		struct arena a;
		struct provision p;
		char error[100] = "";
		arena_init(&a, room, NULL);
		r = provision_file_read("demo.yaml", &a, &p, error, sizeof(error));
		assert_string_equal(error, "");
		assert_true(r <= 0);
		arena_fini(&a);
	}
	assert_int_equal(r, 0);
	assert_true(room > 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_nesting_of_fields),
		cmocka_unit_test(test_what_is_not_mentioned_is_kept),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_cannot_be_read),
		cmocka_unit_test(test_every_arena),
	};
	return cmocka_run_group_tests(tests, enter_dir, leave_dir);
}
