#include "fuzz/dialect_fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/* --- The catalog --- */

#define FIELD(name_, type_, ...)                                        \
	{                                                               \
		.name = STR_INIT(name_), .type = (type_), ##__VA_ARGS__ \
	}
#define FIELDS(list) .fields = (list), .n_fields = ARRAY_LEN(list)

static const struct field order_fields[] = {
	FIELD("order_id", FIELD_STRING, .required = true),
	FIELD("total", FIELD_NUMBER, .required = true),
	FIELD("is_gift", FIELD_BOOLEAN),
	FIELD("placed", FIELD_DATE),
};

static const struct field item_fields[] = {
	FIELD("sku", FIELD_STRING, .required = true),
	FIELD("price", FIELD_NUMBER),
};

static const struct field rich_fields[] = {
	FIELD("text", FIELD_STRING),
	FIELD("flag", FIELD_BOOLEAN),
	FIELD("count", FIELD_INTEGER),
	FIELD("amount", FIELD_NUMBER),
	FIELD("day", FIELD_DATE),
	FIELD("moment", FIELD_DATETIME),
	FIELD("mail", FIELD_EMAIL),
	FIELD("link", FIELD_URL),
	FIELD("place", FIELD_OBJECT, FIELDS(item_fields)),
	FIELD("anything", FIELD_OBJECT),
	FIELD("items", FIELD_ARRAY, FIELDS(item_fields)),
	FIELD("list", FIELD_ARRAY),
};

/* As many fields inside a field as Infobip lets a List have. */
enum { CROWD = 128 };
static struct field crowd[CROWD];
static char crowd_names[CROWD][8];

static const struct field crowded_fields[] = {
	FIELD("items", FIELD_ARRAY, FIELDS(crowd)),
	FIELD("place", FIELD_OBJECT, .fields = crowd, .n_fields = CROWD / 2),
};

static void gather_crowd(void)
{
	for (unsigned i = 0; i < CROWD; i++) {
		int n = snprintf(crowd_names[i], sizeof(crowd_names[i]), "a%u", i);
		crowd[i] = (struct field){ .name = { crowd_names[i], (size_t)n } };
	}
}

static const struct field page_fields[] = {
	FIELD("url", FIELD_URL),
	FIELD("seconds", FIELD_INTEGER),
	FIELD("title", FIELD_STRING),
};

static const struct definition definitions[] = {
	{ .no = 1, .id = { { [15] = 1 } }, .name = STR_INIT("purchase") },
	{ .no = 2,
	  .id = { { [15] = 2 } },
	  .name = STR_INIT("order.completed"),
	  FIELDS(order_fields) },
	{ .no = 3, .id = { { [15] = 3 } }, .name = STR_INIT("rich"), FIELDS(rich_fields) },
	{ .no = 4,
	  .id = { { [15] = 4 } },
	  .name = STR_INIT("viewed page"),
	  .inferred = true,
	  FIELDS(page_fields) },
	{ .no = 5, .id = { { [15] = 5 } }, .name = STR_INIT("crowded"), FIELDS(crowded_fields) },
};

/* The types of two are not declared, as provisioned names have none. */
static const struct contact_field contact_fields[] = {
	{ .no = 1, .id = { { 1 } }, .name = STR_INIT("age") },
	{ .no = 2, .id = { { 2 } }, .name = STR_INIT("gender") },
	{ .no = 3,
	  .id = { { 3 } },
	  .name = STR_INIT("points"),
	  .typed = true,
	  .type = FIELD_NUMBER,
	  .title = STR_INIT("Points"),
	  .description = STR_INIT("of the club"),
	  .fallback = STR_INIT("0") },
};

static const struct str origins[] = { STR_INIT(TRIAL_ORIGIN) };
static const struct str redirects[] = { STR_INIT(TRIAL_REDIRECT) };

static const struct {
	uint32_t no, workspace;
	struct str secret;
	unsigned scopes;
	bool publishable;
} keys[] = {
	{ 1, 1, STR_INIT(TRIAL_KEY),
	  SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ | SCOPE_CONTACTS_WRITE | SCOPE_DEFINITIONS_READ |
		  SCOPE_DEFINITIONS_WRITE | SCOPE_ADMIN,
	  false },
	{ 2, 1, STR_INIT(TRIAL_KEY_READS), SCOPE_CONTACTS_READ, false },
	{ 3, 1, STR_INIT(TRIAL_KEY_PAGE), SCOPE_EVENTS_WRITE, true },
	{ 4, 2, STR_INIT(TRIAL_KEY_ELSEWHERE),
	  SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ | SCOPE_CONTACTS_WRITE | SCOPE_DEFINITIONS_READ |
		  SCOPE_DEFINITIONS_WRITE,
	  false },
};

/* Every switch in another position than its default. */
static unsigned all_switches(struct switch_setting *list)
{
	unsigned n = 0;
	for (unsigned i = SWITCH_NONE + 1; i < SWITCHES_END; i++)
		list[n++] = (struct switch_setting){ switches[i].name, switches[i].values[1] };
	switch_settings_sort(list, n);
	return n;
}

static void add_workspace(struct catalog_edit *e, uint32_t no, struct str id, bool switched)
{
	struct switch_setting list[SWITCHES_END];
	struct workspace w = { .no = no,
			       .name = STR("trial"),
			       .switches = list,
			       .n_switches = switched ? all_switches(list) : 0 };
	must(uuid_parse(id, &w.id));
	must(catalog_edit_workspace(e, &w) == 0);
	for (size_t i = 0; i < ARRAY_LEN(contact_fields); i++)
		must(catalog_edit_contact_field(e, no, &contact_fields[i]) == 0);
}

static void add_client(struct catalog_edit *e)
{
	struct sha256 secret = sha256_of(STR(TRIAL_CLIENT_SECRET));
	struct key client = { .no = 9,
			      .client = true,
			      .digest = catalog_client_digest(STR(TRIAL_CLIENT), &secret),
			      .name = STR(TRIAL_CLIENT),
			      .scopes = SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ,
			      .redirects = redirects,
			      .n_redirects = ARRAY_LEN(redirects) };
	must(catalog_edit_key(e, 1, &client) == 0);
}

static const struct catalog *make_catalog(void)
{
	struct catalog_edit *e = NULL;
	must(catalog_edit_new(NULL, &e) == 0);
	add_workspace(e, 1, STR(TRIAL_WORKSPACE), false);
	add_workspace(e, 2, STR(TRIAL_ELSEWHERE), true);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct key key = { .no = keys[i].no,
				   .digest = sha256_of(keys[i].secret),
				   .name = STR("trial"),
				   .scopes = keys[i].scopes,
				   .publishable = keys[i].publishable,
				   .origins = origins,
				   .n_origins = keys[i].publishable ? ARRAY_LEN(origins) : 0 };
		must(catalog_edit_key(e, keys[i].workspace, &key) == 0);
	}
	add_client(e);
	gather_crowd();
	for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
		struct definition *d = definition_new(&definitions[i]);
		must(d && catalog_edit_define(e, 1, d) == 0);
		definition_unref(d);
	}
	return catalog_edit_done(e);
}

static const struct catalog *catalog(void)
{
	static const struct catalog *made;
	if (!made)
		made = make_catalog();
	return made;
}

const struct definition *trial_definition(const char *name)
{
	return workspace_definition(catalog_workspace(catalog(), 1), str_of(name));
}

/* --- The way in: what the intake does --- */

static bool make_request(struct trial *t, const struct trial_request *from, struct str body,
			 size_t memory)
{
	struct request *req = &t->req;
	size_t query;
	arena_init(&req->arena, memory, NULL);
	req->method = from->method;
	req->method_text = str_of(method_name(from->method));
	req->target = str_of(from->target);
	query = str_find(req->target, '?');
	req->path = str_head(req->target, query);
	if (query < req->target.n)
		req->query = str_from(req->target, query + 1);
	req->headers = from->headers;
	while (req->n_headers < TRIAL_HEADERS_MAX && from->headers[req->n_headers].name.p)
		req->n_headers++;
	req->body = body;
	req->received_at = 1764547200 * US_PER_S;
	return url_place_make(&req->arena, req->target, &req->place);
}

static enum refusal route(struct trial *t, const struct dialect *d)
{
	struct route_table *table = NULL;
	struct route_match m = { 0 };
	must(route_table_new(d->routes, d->n_routes, d->slash_optional, &table) == 0);
	enum route_outcome found = route_find(table, &t->req, &m);
	route_table_free(table);
	t->call.allowed = m.allowed;
	if (found != ROUTE_FOUND)
		return found == ROUTE_UNKNOWN ? REFUSE_ROUTE : REFUSE_METHOD;
	t->call.endpoint = m.route->target;
	memcpy(t->call.params, m.params, sizeof(m.params));
	return REFUSE_NOTHING;
}

static const struct key *find_key(const struct credentials *c);

/* A person's browser: the key that is shown stands beside the client. */
static const struct key *find_visitor(struct trial *t, const struct credentials *c)
{
	const struct credentials shown = { .secret = c->secret };
	t->call.person = find_key(&shown);
	return catalog_named_client(catalog(), c->name);
}

static const struct key *find_key(const struct credentials *c)
{
	if (!c->secret.p)
		return NULL;
	struct sha256 digest = sha256_of(c->token ? STR(TRIAL_KEY) : c->secret);
	if (c->token && !str_eq(c->secret, STR(TRIAL_TOKEN)))
		return NULL;
	if (c->client)
		return catalog_client(catalog(), c->name, &digest);
	return c->name.p ? catalog_named_key(catalog(), c->name, &digest)
			 : catalog_key(catalog(), &digest);
}

static enum refusal authorise(struct trial *t, const struct dialect *d)
{
	struct credentials c = { 0 };
	enum refusal why = REFUSE_NOTHING;
	if (t->call.endpoint->identify)
		why = t->call.endpoint->identify(&t->call, &c);
	else
		d->credentials(&t->call, &c);
	if (why)
		return why;
	const struct key *key = c.by_person ? find_visitor(t, &c) : find_key(&c);
	if (!key)
		return REFUSE_CREDENTIALS;
	t->call.key = key;
	t->call.key_no = key->no;
	t->call.scopes = key->scopes;
	t->call.workspace = key->workspace;
	enum switch_no needs = t->call.endpoint->needs;
	if (needs && !switch_on(key->workspace, needs))
		return REFUSE_ROUTE;
	unsigned scope = t->call.scope = t->call.endpoint->scope;
	if ((key->scopes & scope) != scope || (key->publishable && !t->call.endpoint->public))
		return REFUSE_SCOPE;
	struct str origin = request_header(&t->req, STR("Origin"));
	bool may = !key->publishable || !origin.p || key_has_origin(key, origin);
	return may ? REFUSE_NOTHING : REFUSE_SCOPE;
}

void trial_run(struct trial *t, const struct dialect *d, const struct trial_request *from,
	       struct str body, size_t memory)
{
	*t = (struct trial){ 0 };
	bool made = make_request(t, from, body, memory);
	if (!made)
		t->req.fault = FAULT_NO_MEMORY;
	t->call.req = &t->req;
	t->call.dialect = d;
	struct str origin = request_header(&t->req, STR("Origin"));
	if (origin.p && catalog_has_origin(catalog(), origin))
		t->call.origin = origin;
	t->why = made ? route(t, d) : REFUSE_FAULT;
	t->why = t->why ?: authorise(t, d);
	if (!t->why && body.n > t->call.endpoint->body_max) {
		t->req.fault = FAULT_BODY_TOO_LARGE;
		t->why = REFUSE_FAULT;
	}
	t->why = t->why ?: t->call.endpoint->decode(&t->call);
}

/* --- What came of it --- */

static void put_who(struct buf *b, const struct who *w)
{
	static const struct {
		unsigned use;
		const char *name;
	} uses[] = { { WHO_LOOKUP, "lookup" },       { WHO_CREATES, "creates" },
		     { WHO_ADOPT, "adopt" },         { WHO_REPLACE, "replace" },
		     { WHO_SHARED, "shared" },       { WHO_CLAIMS, "claims" },
		     { WHO_EXCLUSIVE, "exclusive" }, { WHO_DROP, "drop" },
		     { WHO_DROP_KIND, "drop-kind" }, { WHO_ADD, "add" },
		     { WHO_STAYS, "stays" } };
	char between = ' ';
	buf_printf(b, "who %s", identity_kind_name(w->kind));
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		if (!(w->use & uses[i].use))
			continue;
		buf_char(b, between);
		buf_put(b, str_of(uses[i].name));
		between = ',';
	}
	buf_char(b, ' ');
	buf_put(b, w->value);
	if (w->key.p)
		buf_lit(b, " key ");
	buf_put(b, w->key);
	buf_char(b, '\n');
}

static void put_change(struct buf *b, const struct attribute_change *c)
{
	static const char *const verbs[] = { "set",     "remove", "union", "record",
					     "without", "newer",  "now" };
	buf_printf(b, "%s %s", verbs[c->verb], c->custom ? "custom." : "");
	buf_put(b, c->name);
	buf_char(b, ' ');
	buf_put(b, c->json);
	if (c->of)
		buf_printf(b, " of %s", identity_kind_name(c->of->kind));
	buf_char(b, '\n');
}

static void put_event(struct buf *b, const struct op *op)
{
	buf_lit(b, "definition ");
	buf_u64(b, op->definition);
	buf_put(b, op->definition_name);
	if (op->occurred_given) {
		buf_lit(b, "\nat ");
		time_put(b, op->occurred_at, 6);
	}
	buf_lit(b, "\nproperties ");
	buf_put(b, op->properties);
	if (op->mismatches.p)
		buf_lit(b, "\nmismatches ");
	buf_put(b, op->mismatches);
	buf_char(b, '\n');
}

static void put_define(struct buf *b, const struct op *op)
{
	buf_printf(b, "define %u rules %u\nname ", op->definition, op->rules);
	buf_put(b, op->define->name);
	buf_lit(b, "\ndescription ");
	buf_put(b, op->define->description);
	buf_lit(b, "\nannotations ");
	buf_put(b, op->define->annotations);
	buf_lit(b, "\nfields ");
	fields_put_json(b, op->define->fields, op->define->n_fields);
	buf_char(b, '\n');
}

static void put_contact_field(struct buf *b, const struct op *op)
{
	const struct contact_field *f = op->contact_field;
	buf_printf(b, "field %u rules %u\nname ", f->id.b[0], op->rules);
	buf_put(b, f->name);
	buf_printf(b, "\ntype %s\ntitle ", f->typed ? field_type_name(f->type) : "");
	buf_put(b, f->title);
	buf_lit(b, "\ndescription ");
	buf_put(b, f->description);
	buf_lit(b, "\nfallback ");
	buf_put(b, f->fallback);
	buf_char(b, '\n');
}

struct str trial_op_text(struct trial *t)
{
	must(t->why == REFUSE_NOTHING && t->call.n_ops == 1);
	const struct op *op = t->call.ops;
	struct buf b = buf_in(&t->req.arena);
	if (op->kind == OP_EVENT)
		put_event(&b, op);
	if (op->kind == OP_DEFINITION)
		put_define(&b, op);
	if (op->kind == OP_CONTACT_FIELD)
		put_contact_field(&b, op);
	for (unsigned i = 0; i < op->n_who; i++)
		put_who(&b, &op->who[i]);
	for (unsigned i = 0; i < op->n_changes; i++)
		put_change(&b, &op->changes[i]);
	must(!b.failed);
	return buf_str(&b);
}

/* --- The way out: what the committer and the reply do --- */

const struct contact_view trial_contact = {
	.number = 1,
	.identities = STR_INIT(
		"[{\"kind\":\"email\",\"value\":\"jane@example.com\"},"
		"{\"kind\":\"phone\",\"value\":\"+37061234567\"},"
		"{\"kind\":\"external_id\",\"value\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"}]"),
	.attributes = STR_INIT("{\"email\":\"jane@example.com\",\"phone\":\"+37061234567\",\"first_"
			       "name\":\"Jane\","
			       "\"last_name\":\"Doe\",\"city\":7,\"tags\":[\"vip\"],"
			       "\"custom\":{\"age\":\"31\",\"score\":1.50,\"list\":[\"a\"]}}"),
	.created_at = 1764547200 * US_PER_S,
	.updated_at = 1764547260 * US_PER_S,
	.event_count = 2,
	.last_event_at = 1764547260 * US_PER_S,
};

static const struct bulk_item_view bulk_items[] = {
	{ .number = 1,
	  .outcome = BULK_MADE,
	  .request = STR_INIT("{\"email\":\"a@b.co\"}"),
	  .contact = 1,
	  .contact_created_at = 1764547200 * US_PER_S },
	{ .number = 2,
	  .outcome = BULK_REFUSED,
	  .problem = PROBLEM_FORMAT,
	  .request = STR_INIT("{\"email\":\"x\"}"),
	  .problems = STR_INIT("{\"found\":1,\"list\":[{\"code\":3,\"path\":\"email\",\"rule\":"
			       "\"email\",\"limit\":0,\"size\":0}]}") },
	{ .number = 3, .outcome = BULK_REFUSED, .problem = PROBLEM_TAKEN },
	{ .number = 4, .outcome = BULK_REFUSED, .request = STR_INIT("7") },
};

const struct bulk_view trial_bulk = {
	.number = 1,
	.space = BULK_OMNISEND_CONTACTS,
	.about = STR_INIT("{\"method\":\"POST\",\"origin\":\"shop\"}"),
	.n_items = ARRAY_LEN(bulk_items),
	.n_refused = 3,
	.created_at = 1764547200 * US_PER_S,
	.items = bulk_items,
};

static void store(struct trial *t, struct problems *ps)
{
	for (unsigned i = 0; i < t->call.n_ops; i++) {
		struct op *op = &t->call.ops[i];
		op->outcome = i == 0 && ps ? OP_REFUSED : OP_DONE;
		op->problems = i == 0 ? ps : NULL;
		op->event_id = uuid_v7(1764547200000, 0, i);
		op->seq = op->contact = i + 1;
		op->received_at = t->req.received_at;
		if (!op->occurred_given)
			op->occurred_at = op->received_at;
		op->bulk_no = 1;
		op->definition_no = op->definition ?: trial_definition("order.completed")->no;
		if (op->kind == OP_TOKEN_ISSUE) {
			op->created = true;
			op->token_scopes = op->token->scopes ?: SCOPE_EVENTS_WRITE;
		}
		op->contact_field_id = contact_fields[0].id;
		if (op->wants_view)
			op->view = trial_contact;
	}
}

static void read_rows(struct query *q)
{
	if (!q)
		return;
	q->rows = &trial_contact;
	q->bulks = &trial_bulk;
	q->n_rows = 1;
	q->count = 1;
}

void trial_answer(struct trial *t)
{
	if (t->why == REFUSE_METHOD && t->req.method == METHOD_OPTIONS && t->call.dialect->options)
		return t->call.dialect->options(&t->call);
	if (t->why)
		return t->call.dialect->refuse(&t->call, t->why);
	store(t, NULL);
	read_rows(t->call.query);
	t->call.endpoint->answer(&t->call);
}

void trial_answer_refused(struct trial *t, enum problem_code code)
{
	if (t->why)
		return trial_answer(t);
	if (t->call.n_ops == 0) { /* nothing to refuse: nothing is found */
		if (t->call.query)
			t->call.query->lost = t->call.query->at != NULL;
		return t->call.endpoint->answer(&t->call);
	}
	struct problems ps = { 0 };
	problem_at(&ps, code, STR(""), .limit = 1000, .size = 1001);
	store(t, &ps);
	t->call.endpoint->answer(&t->call);
}

void trial_answer_trouble(struct trial *t, enum refusal why)
{
	t->call.dialect->refuse(&t->call, t->why ?: why);
}

struct str trial_header(const struct trial *t, const char *name)
{
	struct str rest = buf_str(&t->headers), want = str_of(name);
	while (rest.n > 0) {
		size_t end = str_find(rest, '\n');
		struct str line = str_head(rest, end);
		size_t colon = str_find(line, ':');
		if (str_eq_nocase(str_head(line, colon), want))
			return str_from(line, colon + 2);
		rest = str_from(rest, end + 1);
	}
	return (struct str){ 0 };
}

void trial_end(struct trial *t)
{
	arena_fini(&t->req.arena);
	free(t->headers.p);
}

/* The caught answer's headers: not in the request's arena, which may be full by then. */
static void catch_header(struct request *req, struct str name, struct str value)
{
	enum { ROOM = 4096 };
	struct buf *b = &((struct trial *)req)->headers;
	if (!b->p)
		*b = buf_over(malloc(ROOM), ROOM);
	buf_put(b, name);
	buf_lit(b, ": ");
	buf_put(b, value);
	buf_lit(b, "\n");
}

void reply_begin(struct request *req, int status)
{
	((struct trial *)req)->status = status;
}

void reply_header(struct request *req, struct str name, struct str value)
{
	catch_header(req, name, value);
}

void reply_header_u64(struct request *req, struct str name, uint64_t value)
{
	char text[24];
	struct buf b = buf_over(text, sizeof(text));
	buf_u64(&b, value);
	catch_header(req, name, buf_str(&b));
}

void reply_send(struct request *req, struct str content_type, struct str body)
{
	struct trial *t = (struct trial *)req;
	t->type = content_type;
	t->body = body;
	t->answers++;
}

/* As net/reply.c has it: in place of all that was begun. */
void reply_send_503(struct request *req)
{
	struct trial *t = (struct trial *)req;
	t->headers.n = 0;
	reply_begin(req, 503);
	reply_header_u64(req, STR("Retry-After"), 1);
	reply_send(req, STR(""), STR(""));
}

/* For request.c, which would bring all of net/ along: nobody sits at the other end. */
const char *conn_peer(const struct conn *c);
const char *conn_peer(const struct conn *c)
{
	must(!c);
	return "";
}

bool conn_is_encrypted(const struct conn *c);
bool conn_is_encrypted(const struct conn *c)
{
	must(!c);
	return false;
}

/* --- Fuzzing: what must hold, whatever came in --- */

static bool is_json(struct str text, bool object)
{
	struct arena a;
	yyjson_val *root = NULL;
	arena_init(&a, 64 * 1024 * 1024, NULL);
	bool good =
		json_parse(&a, text, &root, NULL) == JSON_OK && (!object || yyjson_is_obj(root));
	arena_fini(&a);
	return good;
}

static void judge_bulk(const struct bulk *bulk)
{
	must(bulk->n_items > 0 && bulk->keep_s > 0 && is_json(bulk->about, true));
	for (unsigned i = 0; i < bulk->n_items; i++) {
		const struct bulk_item *item = &bulk->items[i];
		must(is_json(item->request, false));
		must(item->op || item->problems->n > 0);
	}
}

static void judge_op(const struct op *op)
{
	must(op->arena && op->workspace && op->dialect);
	if (op->kind == OP_BULK)
		judge_bulk(op->bulk);
	must(op->kind != OP_EVENT || op->n_who > 0);
	must(op->kind != OP_EVENT || is_json(op->properties, true));
	must(op->kind != OP_EVENT || op->definition != 0 || op->definition_name.n > 0);
	must(!op->mismatches.p || is_json(op->mismatches, false));
	must(op->kind != OP_TOKEN_ISSUE || (op->token && op->token_lives_s > 0));
	if (op->kind == OP_DEFINITION && op->rules & DEFINITION_ANNOTATIONS)
		must(is_json(op->define->annotations, true));
	if (op->kind == OP_CONTACT_FIELD && op->rules & CONTACT_FIELD_NEW)
		must(op->contact_field->name.n > 0 && op->contact_field->name.n <= FIELD_NAME_MAX &&
		     contact_field_type_fits(op->contact_field->type));
	for (unsigned i = 0; i < op->n_who; i++) {
		const struct who *w = &op->who[i];
		must(identity_kind_name(w->kind) && w->use != 0);
		if (w->use & WHO_DROP_KIND)
			continue;
		must(w->value.n > 0 && w->value.n <= IDENTITY_VALUE_MAX);
		must(w->key.p ? w->key.n > 0 : w->kind >= IDENTITY_UUID);
		must(str_utf8_prefix(w->value) == w->value.n);
	}
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		must(c->verb == ATTRIBUTE_REMOVE || is_json(c->json, false));
		must(str_utf8_prefix(c->name) == c->name.n);
	}
}

static void judge_decoded(const struct trial *t)
{
	if (t->why == REFUSE_PROBLEMS)
		must(t->call.problems.n > 0);
	if (t->why)
		return;
	must(t->call.problems.found == 0);
	for (unsigned i = 0; i < t->call.n_ops; i++)
		judge_op(&t->call.ops[i]);
}

static void judge_answer(const struct trial *t)
{
	must(t->answers == 1 && t->status >= 200 && t->status < 600);
	/* No body at all is a yes that says it all, or what is left when there is no memory for
	 * one. */
	bool bare = t->body.n == 0 && (t->status < 300 || t->status == 503);
	if (t->status == 303)
		must(t->body.n == 0 && trial_header(t, "Location").p);
	else if (str_starts(t->type, STR("text/html")))
		must(str_starts(t->body, STR("<!DOCTYPE html>")));
	else
		must(bare || is_json(t->body, t->status >= 300));
}

/* The second byte: its low bits say how the committer decides, the rest how much memory there is.
 */
static void answer(struct trial *t, uint8_t how)
{
	switch (how & 7) {
	case 0:
		return trial_answer_refused(t, PROBLEM_UNKNOWN_CONTACT);
	case 1:
		return trial_answer_refused(t, PROBLEM_CONTACT_FULL);
	case 2:
		return trial_answer_refused(t, PROBLEM_DEFINITIONS_FULL);
	case 3:
		return trial_answer_trouble(t, REFUSE_UNAVAILABLE);
	case 4:
		return trial_answer_trouble(t, REFUSE_OVERLOADED);
	default:
		return trial_answer(t);
	}
}

static size_t memory(uint8_t how)
{
	return how >> 3 == 0 ? TRIAL_MEMORY : (size_t)(how >> 3) * 1024;
}

/* What is small never wants more memory than there is: who says so takes something else for it, and
 * the client would try again for ever. */
static void judge_memory(const struct trial *t, uint8_t how, size_t size)
{
	enum { SMALL = 16 * 1024 };
	if (memory(how) == TRIAL_MEMORY && size <= SMALL)
		must(t->why != REFUSE_OVERLOADED);
}

/* A target out of the input: a line of visible ASCII, as the HTTP layer lets through. */
static bool target_line(struct str *input, char *out, size_t room)
{
	size_t n = str_find(*input, '\n');
	if (n == input->n || n == 0 || n >= room || input->p[0] != '/')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (input->p[i] <= ' ' || input->p[i] > '~')
			return false;
		out[i] = input->p[i];
	}
	out[n] = '\0';
	*input = str_from(*input, n + 1);
	return true;
}

int dialect_fuzz(const struct dialect *d, const struct trial_request *requests, unsigned n,
		 const uint8_t *data, size_t size)
{
	char target[1024];
	struct trial t;
	if (size < 2)
		return 0;
	struct str body = { (const char *)data + 2, size - 2 };
	struct trial_request from = requests[data[0] % n];
	if (data[0] == 255 && target_line(&body, target, sizeof(target)))
		from.target = target;
	trial_run(&t, d, &from, body, memory(data[1]));
	judge_memory(&t, data[1], size);
	judge_decoded(&t);
	answer(&t, data[1]);
	judge_answer(&t);
	trial_end(&t);
	return 0;
}
