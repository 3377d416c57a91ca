/*
 * The truth that a store is held against: what op.h says, in plain arrays and loops, without a
 * database, a cache or a thought for speed. Copying the struct is its transaction.
 */
#pragma once

#include "fixture.h"

enum {
	MODEL_CONTACTS = 1500,
	MODEL_OWNED = 64,
	MODEL_ATTRIBUTES = 10,
	MODEL_TEXT = 400,
	MODEL_DEFINITIONS = 24,
	MODEL_FIELDS = 8,
	MODEL_EVENTS = 12000,
	MODEL_WHO = 4,
	MODEL_CHANGES = 3,
	MODEL_SEEN = 3,
};

struct model_owned {
	enum identity_kind kind;
	char value[24], key[24];
};

struct model_attribute {
	bool custom;
	char name[16], json[MODEL_TEXT];
};

struct model_contact {
	uint32_t workspace;
	struct model_owned owned[MODEL_OWNED];
	unsigned n_owned;
	struct model_attribute attributes[MODEL_ATTRIBUTES];
	unsigned n_attributes;
	unsigned n_events;
	instant_us last_event_at;
	bool deleted;
};

struct model_definition {
	uint32_t workspace, no;
	char name[16];
	bool inferred;
	struct {
		char name[16];
		enum field_type type;
	} fields[MODEL_FIELDS];
	unsigned n_fields;
};

struct model_event {
	struct uuid id;
	uint32_t workspace, contact; /* contact: number */
	char definition[16];
	char properties[32];
	instant_us received_at;
};

struct model {
	struct model_contact contacts[MODEL_CONTACTS]; /* by number - 1 */
	unsigned n_contacts;
	struct model_definition definitions[MODEL_DEFINITIONS];
	unsigned n_definitions;
	struct model_event events[MODEL_EVENTS]; /* by seq - 1 */
	unsigned n_events;
};

static inline void model_copy_str(char *to, size_t size, struct str s)
{
	assert_true(s.n < size);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

#define MODEL_COPY(to, s) model_copy_str((to), sizeof(to), (s))

static inline struct model_owned *model_owned(struct model_contact *c, enum identity_kind kind,
					      struct str key)
{
	for (unsigned i = 0; i < c->n_owned; i++)
		if (c->owned[i].kind == kind && str_eq(str_of(c->owned[i].key), key))
			return &c->owned[i];
	return NULL;
}

/* The number of the contact that owns an identity; 0: nobody. */
static inline unsigned model_owner(struct model *m, uint32_t workspace, const struct who *who)
{
	for (unsigned i = 0; i < m->n_contacts; i++)
		if (m->contacts[i].workspace == workspace &&
		    model_owned(&m->contacts[i], who->kind, who->key))
			return i + 1;
	return 0;
}

static inline struct model_attribute *model_attribute(struct model_contact *c, bool custom,
						      struct str name)
{
	for (unsigned i = 0; i < c->n_attributes; i++)
		if (c->attributes[i].custom == custom &&
		    str_eq(str_of(c->attributes[i].name), name))
			return &c->attributes[i];
	return NULL;
}

static inline void model_set(struct model_contact *c, bool custom, struct str name, struct str json)
{
	struct model_attribute *a = model_attribute(c, custom, name);
	if (!a) {
		assert_true(c->n_attributes < MODEL_ATTRIBUTES);
		a = &c->attributes[c->n_attributes++];
		a->custom = custom;
		MODEL_COPY(a->name, name);
	}
	MODEL_COPY(a->json, json);
}

static inline void model_remove(struct model_contact *c, bool custom, struct str name)
{
	struct model_attribute *a = model_attribute(c, custom, name);
	if (a)
		*a = c->attributes[--c->n_attributes];
}

/* Lists in these tests hold one-digit numbers: "[1,2,3]". */
static inline void model_extend(struct model_contact *c, const struct attribute_change *change)
{
	struct model_attribute *a = model_attribute(c, change->custom, change->name);
	char out[MODEL_TEXT] = "[";
	if (a && a->json[0] == '[')
		snprintf(out, sizeof(out), "%.*s", (int)strlen(a->json) - 1, a->json);
	for (size_t i = 1; i < change->json.n; i += 2) {
		char digit = change->json.p[i];
		size_t n = strlen(out);
		if (digit == ']' || strchr(out, digit))
			continue;
		assert_true(n + 4 < sizeof(out));
		snprintf(out + n, sizeof(out) - n, "%s%c", n > 1 ? "," : "", digit);
	}
	if (strcmp(out, "[") == 0)
		return;
	strcat(out, "]");
	model_set(c, change->custom, change->name, str_of(out));
}

static inline void model_reduce(struct model_contact *c, const struct attribute_change *change)
{
	struct model_attribute *a = model_attribute(c, change->custom, change->name);
	char out[MODEL_TEXT] = "[";
	size_t n = 1;
	if (!a || a->json[0] != '[')
		return;
	for (const char *at = a->json + 1; *at && *at != ']'; at++)
		if (*at != ',' && !memchr(change->json.p, *at, change->json.n))
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%c", n > 1 ? "," : "",
					      *at);
	assert_true(n + 1 < sizeof(out));
	out[n] = ']';
	model_set(c, change->custom, change->name, str_of(out));
}

static inline void model_change(struct model_contact *c, const struct attribute_change *change)
{
	switch (change->verb) {
	case ATTRIBUTE_SET:
		return model_set(c, change->custom, change->name, change->json);
	case ATTRIBUTE_REMOVE:
		return model_remove(c, change->custom, change->name);
	case ATTRIBUTE_UNION:
	case ATTRIBUTE_RECORD:
		return model_extend(c, change);
	case ATTRIBUTE_WITHOUT:
		return model_reduce(c, change);
	case ATTRIBUTE_NEWER: /* test_contacts.c has these in a table */
	case ATTRIBUTE_NOW:
		break;
	}
}

/* One report while the model applies it. */
struct model_report {
	struct model_contact *c;
	const struct op *op;
	bool is_new, email_done, phone_done;
};

static inline void model_put_shown(struct model_contact *c, enum identity_kind kind,
				   struct str value)
{
	char json[40];
	snprintf(json, sizeof(json), "\"" STR_FMT "\"", STR_ARG(value));
	model_set(c, false, str_of(identity_kind_name(kind)), str_of(json));
}

static inline void model_show(struct model_report *r, enum identity_kind kind, struct str value,
			      bool only_if_absent)
{
	bool *done = kind == IDENTITY_EMAIL ? &r->email_done : &r->phone_done;
	if (kind != IDENTITY_EMAIL && kind != IDENTITY_PHONE)
		return;
	if (*done ||
	    (only_if_absent && model_attribute(r->c, false, str_of(identity_kind_name(kind)))))
		return;
	*done = true;
	model_put_shown(r->c, kind, value);
}

static inline bool model_names(const struct op *op, const struct model_owned *o)
{
	for (unsigned i = 0; i < op->n_who; i++)
		if (op->who[i].kind == o->kind && str_eq(op->who[i].key, str_of(o->key)))
			return true;
	return false;
}

static inline unsigned model_count_kind(const struct model_contact *c, enum identity_kind kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < c->n_owned; i++)
		n += c->owned[i].kind == kind;
	return n;
}

/* Whether the attribute shows it, however it is spelled there. */
static inline bool model_shows(struct model_contact *c, const struct model_owned *o)
{
	const struct model_attribute *a =
		model_attribute(c, false, str_of(identity_kind_name(o->kind)));
	struct arena arena;
	if (!a || (o->kind != IDENTITY_EMAIL && o->kind != IDENTITY_PHONE))
		return false;
	arena_init(&arena, 64 * 1024, NULL);
	struct str text = { a->json + 1, strlen(a->json) - 2 };
	bool yes = str_eq(identity_key(&arena, o->kind, text), str_of(o->key));
	arena_fini(&arena);
	return yes;
}

static inline void model_lose(struct model_contact *c, unsigned at)
{
	memmove(&c->owned[at], &c->owned[at + 1], (c->n_owned - at - 1) * sizeof(c->owned[0]));
	c->n_owned--;
}

static inline void model_drop_replaceable(struct model_report *r, enum identity_kind kind)
{
	struct model_contact *c = r->c;
	unsigned at = c->n_owned;
	for (unsigned i = 0; i < c->n_owned; i++) {
		if (c->owned[i].kind != kind || model_names(r->op, &c->owned[i]))
			continue;
		if (at == c->n_owned || model_shows(c, &c->owned[i]))
			at = i;
	}
	if (at < c->n_owned)
		model_lose(c, at);
}

/* The last identity of its operation, so that none comes back. */
static inline void model_drop(struct model_report *r, const struct who *who)
{
	struct model_contact *c = r->c;
	struct model_owned gone = { .kind = who->kind }, *mine;
	MODEL_COPY(gone.key, who->key);
	bool shown = model_shows(c, &gone);
	mine = model_owned(c, who->kind, who->key);
	if (mine)
		model_lose(c, (unsigned)(mine - c->owned));
	if (!shown)
		return;
	model_remove(c, false, str_of(identity_kind_name(who->kind)));
	for (unsigned i = 0; i < c->n_owned; i++)
		if (c->owned[i].kind == who->kind)
			return model_put_shown(c, who->kind, str_of(c->owned[i].value));
}

static inline void model_take(struct model_report *r, const struct who *who)
{
	struct model_contact *c = r->c;
	if (who->use & WHO_REPLACE)
		model_drop_replaceable(r, who->kind);
	else if (!(who->use & WHO_ADD) && !r->is_new && model_count_kind(c, who->kind) > 0)
		return;
	assert_true(c->n_owned < MODEL_OWNED);
	struct model_owned *o = &c->owned[c->n_owned++];
	o->kind = who->kind;
	MODEL_COPY(o->value, who->value);
	MODEL_COPY(o->key, who->key);
	model_show(r, who->kind, who->value, who->use & WHO_ADD);
}

static inline void model_restate(struct model_report *r, const struct who *who,
				 struct model_owned *mine)
{
	if (who->use & WHO_REPLACE)
		MODEL_COPY(mine->value, who->value);
	if (who->use & (WHO_REPLACE | WHO_ADD | WHO_STAYS))
		model_show(r, who->kind, str_of(mine->value),
			   !(who->use & (WHO_REPLACE | WHO_STAYS)));
	r->email_done |= who->kind == IDENTITY_EMAIL;
	r->phone_done |= who->kind == IDENTITY_PHONE;
}

static inline void model_consider(struct model *m, struct model_report *r, const struct who *who)
{
	const unsigned takes = WHO_ADOPT | WHO_REPLACE | WHO_ADD;
	struct model_owned *mine = model_owned(r->c, who->kind, who->key);
	if (who->use & WHO_DROP)
		return model_drop(r, who);
	if (!(who->use & (takes | WHO_SHARED | WHO_STAYS)))
		return;
	if (mine)
		return model_restate(r, who, mine);
	bool owned = model_owner(m, r->op->workspace, who) != 0;
	if (!owned && who->use & takes)
		return model_take(r, who);
	if (who->use & WHO_SHARED)
		model_show(r, who->kind, who->value, (who->use & takes) == WHO_ADOPT);
}

static inline struct model_definition *model_definition(struct model *m, uint32_t workspace,
							struct str name)
{
	for (unsigned i = 0; i < m->n_definitions; i++)
		if (m->definitions[i].workspace == workspace &&
		    str_eq(str_of(m->definitions[i].name), name))
			return &m->definitions[i];
	return NULL;
}

static inline int model_field(const struct model_definition *d, struct str name)
{
	for (unsigned i = 0; i < d->n_fields; i++)
		if (str_eq(str_of(d->fields[i].name), name))
			return (int)i;
	return -1;
}

/* How many of the seen fields clash. */
static inline unsigned model_clashes(struct model *m, const struct op *op)
{
	const struct model_definition *d = model_definition(m, op->workspace, op->definition_name);
	unsigned clashes = 0;
	for (unsigned i = 0; d && i < op->n_seen; i++) {
		int at = model_field(d, op->seen[i].name);
		clashes += at >= 0 && !(op->seen[i].fits & FIELD_BIT(d->fields[at].type));
	}
	return clashes;
}

static inline void model_learn(struct model *m, const struct op *op)
{
	struct model_definition *d = model_definition(m, op->workspace, op->definition_name);
	if (!d) {
		assert_true(m->n_definitions < MODEL_DEFINITIONS);
		d = &m->definitions[m->n_definitions++];
		d->workspace = op->workspace;
		d->inferred = true;
		MODEL_COPY(d->name, op->definition_name);
	}
	for (unsigned i = 0; d->inferred && i < op->n_seen; i++) {
		if (model_field(d, op->seen[i].name) >= 0)
			continue;
		assert_true(d->n_fields < MODEL_FIELDS);
		MODEL_COPY(d->fields[d->n_fields].name, op->seen[i].name);
		d->fields[d->n_fields++].type = op->seen[i].type;
	}
}

static inline unsigned model_find(struct model *m, const struct op *op, bool *may_create)
{
	unsigned found = 0;
	*may_create = false;
	for (unsigned i = 0; i < op->n_who; i++) {
		*may_create |= (op->who[i].use & WHO_CREATES) != 0;
		if (!found && op->who[i].use & WHO_LOOKUP)
			found = model_owner(m, op->workspace, &op->who[i]);
	}
	return found;
}

/* Its events stay, and say nothing. */
static inline unsigned model_delete(struct model *m, unsigned contact)
{
	struct model_contact *c = contact ? &m->contacts[contact - 1] : NULL;
	if (!c)
		return 0;
	c->deleted = true;
	c->n_owned = c->n_attributes = 0;
	for (unsigned i = 0; i < m->n_events; i++)
		if (m->events[i].contact == contact)
			MODEL_COPY(m->events[i].properties, STR("{}"));
	return contact;
}

/* The number of the contact that the operation reaches; 0: it is refused and changes nothing. */
static inline unsigned model_apply(struct model *m, const struct op *op)
{
	bool may_create;
	unsigned contact = model_find(m, op, &may_create);
	if (op->kind == OP_CONTACT_DELETE)
		return model_delete(m, contact);
	if ((!contact && !may_create) || (op->kind == OP_EVENT && model_clashes(m, op) > 0))
		return 0;
	struct model_report r = { .op = op, .is_new = !contact };
	if (!contact) {
		contact = ++m->n_contacts;
		assert_true(contact <= MODEL_CONTACTS);
		m->contacts[contact - 1].workspace = op->workspace;
	}
	r.c = &m->contacts[contact - 1];
	for (unsigned i = 0; i < op->n_who; i++)
		model_consider(m, &r, &op->who[i]);
	for (unsigned i = 0; i < op->n_changes; i++)
		model_change(r.c, &op->changes[i]);
	if (op->kind == OP_EVENT)
		model_learn(m, op);
	return contact;
}

/* The event of an operation that was taken, as the store answered it. */
static inline void model_add_event(struct model *m, const struct op *op)
{
	assert_true(m->n_events < MODEL_EVENTS);
	assert_int_equal(op->seq, m->n_events + 1);
	struct model_event *e = &m->events[m->n_events++];
	struct model_contact *c = &m->contacts[op->contact - 1];
	e->id = op->event_id;
	e->workspace = op->workspace;
	e->contact = (uint32_t)op->contact;
	e->received_at = op->received_at;
	MODEL_COPY(e->definition, op->definition_name);
	MODEL_COPY(e->properties, op->properties);
	c->n_events++;
	c->last_event_at = op->received_at;
	if (m->n_events > 1) {
		assert_true(memcmp(e[-1].id.b, e->id.b, 16) < 0);
		assert_true(e[-1].received_at <= e->received_at);
	}
}

/*
 * Holding a store against the model.
 */
static inline void model_check_attributes(struct fixture *f, const struct model_contact *c,
					  struct str json)
{
	yyjson_val *root;
	size_t custom = 0;
	assert_int_equal(json_parse(&f->arena, json, &root, NULL), JSON_OK);
	for (unsigned i = 0; i < c->n_attributes; i++) {
		const struct model_attribute *a = &c->attributes[i];
		yyjson_val *in = a->custom ? json_get(root, STR("custom")) : root;
		struct buf b = buf_in(&f->arena);
		yyjson_val *v = json_get(in, str_of(a->name));
		if (!v)
			print_error("%s is missing from " STR_FMT "\n", a->name, STR_ARG(json));
		assert_non_null(v);
		json_put(&b, v);
		assert_str(buf_str(&b), a->json);
		custom += a->custom;
	}
	assert_int_equal(yyjson_obj_size(json_get(root, STR("custom"))), custom);
	assert_int_equal(yyjson_obj_size(root), c->n_attributes - custom + (custom > 0));
}

static inline void model_check_identities(struct fixture *f, const struct model_contact *c,
					  uint64_t number, struct str json)
{
	struct buf b = buf_in(&f->arena);
	buf_char(&b, '[');
	for (unsigned i = 0; i < c->n_owned; i++) {
		const struct model_owned *o = &c->owned[i];
		buf_printf(&b, "%s{\"kind\":\"%s\",\"value\":\"%s\"}", i ? "," : "",
			   identity_kind_name(o->kind), o->value);
		assert_int_equal(fixture_contact(f, c->workspace, o->kind, o->value).number,
				 number);
	}
	buf_lit(&b, "]\0");
	assert_str(json, b.p);
}

static inline void model_check_row(const struct model *m, const struct event_row *row)
{
	assert_in_range(row->seq, 1, m->n_events);
	const struct model_event *e = &m->events[row->seq - 1];
	assert_true(uuid_eq(row->id, e->id));
	assert_str(row->definition, e->definition);
	assert_str(row->properties, e->properties);
	assert_int_equal(row->received_at, e->received_at);
}

static inline bool model_matches(const struct model_event *e, const struct event_query *q,
				 const char *definition)
{
	return e->workspace == q->workspace && (!q->contact || e->contact == q->contact) &&
	       (!definition || strcmp(e->definition, definition) == 0) &&
	       e->received_at >= q->since && e->received_at < q->until;
}

/* Reads all pages of a query; they are the model's events, newest first, none missing. */
static inline void model_check_query(struct fixture *f, const struct model *m, struct event_query q,
				     const char *definition)
{
	unsigned seq = m->n_events;
	do {
		struct event_row *rows;
		unsigned n;
		arena_reset(&f->arena);
		assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &q.before));
		assert_true(n <= q.limit);
		for (unsigned i = 0; i < n; i++, seq--) {
			while (seq > 0 && !model_matches(&m->events[seq - 1], &q, definition))
				seq--;
			assert_int_equal(rows[i].seq, seq);
			model_check_row(m, &rows[i]);
		}
		assert_true(q.before == 0 || n == q.limit);
	} while (q.before);
	while (seq > 0 && !model_matches(&m->events[seq - 1], &q, definition))
		seq--;
	assert_int_equal(seq, 0);
}

static inline void model_check_contact(struct fixture *f, const struct model *m, unsigned number)
{
	const struct model_contact *c = &m->contacts[number - 1];
	char text[12];
	arena_reset(&f->arena);
	snprintf(text, sizeof(text), "%u", number);
	struct contact_view row = fixture_contact(f, c->workspace, IDENTITY_NUMBER, text);
	assert_int_equal(row.number, c->deleted ? 0 : number);
	if (c->deleted)
		return;
	assert_int_equal(row.event_count, c->n_events);
	if (c->n_events)
		assert_int_equal(row.last_event_at, c->last_event_at);
	model_check_attributes(f, c, row.attributes);
	model_check_identities(f, c, number, row.identities);
	const struct event_query q = {
		.workspace = c->workspace, .contact = number, .limit = 7, .until = INT64_MAX
	};
	model_check_query(f, m, q, NULL);
}

static inline void model_check_definition(struct fixture *f, const struct model *m,
					  const struct model_definition *d)
{
	struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	struct definition *real =
		workspace_definition(catalog_workspace(c, d->workspace), str_of(d->name));
	assert_non_null(real);
	assert_int_equal(real->n_fields, d->n_fields);
	for (unsigned i = 0; i < d->n_fields; i++) {
		assert_str(real->fields[i].name, d->fields[i].name);
		assert_int_equal(real->fields[i].type, d->fields[i].type);
	}
	const struct event_query q = {
		.workspace = d->workspace, .definition = real->no, .limit = 50, .until = INT64_MAX
	};
	catalog_unref(c);
	model_check_query(f, m, q, d->name);
}

static inline void model_check_stats(struct fixture *f, const struct model *m, uint32_t workspace)
{
	struct store_stats stats;
	unsigned contacts = 0, events = 0, definitions = 0;
	arena_reset(&f->arena);
	for (unsigned i = 0; i < m->n_contacts; i++)
		contacts += m->contacts[i].workspace == workspace && !m->contacts[i].deleted;
	for (unsigned i = 0; i < m->n_events; i++)
		events += m->events[i].workspace == workspace;
	for (unsigned i = 0; i < m->n_definitions; i++)
		definitions += m->definitions[i].workspace == workspace;
	assert_done(store_read_stats(f->reader, &f->arena, workspace, &stats));
	assert_int_equal(stats.contacts, contacts);
	assert_int_equal(stats.events, events);
	assert_int_equal(stats.n_definitions, definitions);
	for (unsigned i = 0; i < stats.n_definitions; i++)
		events -= (unsigned)stats.definitions[i].events;
	assert_int_equal(events, 0);
}

static inline void model_check(struct fixture *f, const struct model *m)
{
	for (unsigned i = 1; i <= m->n_contacts; i++)
		model_check_contact(f, m, i);
	for (unsigned i = 0; i < m->n_definitions; i++)
		model_check_definition(f, m, &m->definitions[i]);
	for (uint32_t w = 1; w <= 2; w++) {
		model_check_stats(f, m, w);
		model_check_query(
			f, m,
			(struct event_query){ .workspace = w, .limit = 100, .until = INT64_MAX },
			NULL);
	}
}
