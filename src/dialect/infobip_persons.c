/*
 * Persons under /people/2/persons, and their e-mails and phones under contactInformation. All but
 * the creating call name the person in the query: identifier, type. What only the store can refuse
 * has People's own message ids.
 */
#include "dialect/infobip_private.h"
#include "net/url.h"

/* What has an answer of its own. */
struct refused {
	int status;
	const char *id, *text;
};

static const struct refused nobody = { 404, "40401", "PERSON_DOES_NOT_EXIST" };
static const struct refused no_destination = {
	400, "40018", "EMPTY_DESTINATIONS: A person needs a phone, an email or an externalId"
};
static const struct refused bad_query = {
	400, "40019",
	"BAD_QUERY: filter and orders other than createdAt are not served, nor pages that begin "
	"behind 100000 persons"
};

static const struct {
	enum identity_kind kind;
	struct refused refused;
} duplicates[] = {
	{ IDENTITY_EXTERNAL_ID,
	  { 400, "40003",
	    "DUPLICATE_EXT_PERSON_ID: Duplicate, person with this externalId already exists" } },
	{ IDENTITY_PHONE,
	  { 400, "40004",
	    "DUPLICATE_NUMBER_DESTINATION: Duplicate, person with this phone already exists" } },
	{ IDENTITY_EMAIL,
	  { 400, "40005",
	    "DUPLICATE_EMAIL_DESTINATION: Duplicate, person with this email already exists" } },
};

/* From decode to answer. */
struct persons {
	const struct refused *refused; /* known before the store is asked */
	bool list;
};

static const struct refused *duplicate_of(struct str kind)
{
	for (size_t i = 0; i < ARRAY_LEN(duplicates); i++)
		if (str_eq(kind, str_of(identity_kind_name(duplicates[i].kind))))
			return &duplicates[i].refused;
	return NULL;
}

/* NULL: nothing special. */
static const struct refused *refused_by(const struct op *op)
{
	if (!op->problems || op->problems->n == 0)
		return NULL;
	const struct problem *p = &op->problems->list[0];
	if (p->code == PROBLEM_UNKNOWN_CONTACT)
		return &nobody;
	if (p->code == PROBLEM_ALTERNATIVES)
		return &no_destination;
	return p->code == PROBLEM_EXISTS || p->code == PROBLEM_TAKEN ? duplicate_of(p->path) : NULL;
}

static struct persons *begin(struct call *call)
{
	struct persons *s = arena_new(&call->req->arena, struct persons);
	call->state = s;
	return s;
}

/* --- Who it is about --- */

static struct str param(struct call *call, const char *name)
{
	return url_query(call->req->place, call->req->query, str_of(name));
}

/* REFUSE_NOTHING with s->refused set when it can be nobody. */
static enum refusal read_identifier(struct call *call, struct persons *s, struct who *w)
{
	enum identity_kind kind = IDENTITY_NUMBER;
	struct str id = param(call, "identifier"), type = param(call, "type");
	if (id.n == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, STR("identifier"));
	if (type.n == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, STR("type"));
	else if (!infobip_identifier_type(type, &kind))
		problem_at(&call->problems, PROBLEM_VALUE, STR("type"),
			   .rule = infobip_identifier_types);
	else if (infobip_wants_sender(kind) && param(call, "sender").n == 0)
		problem_at(&call->problems, PROBLEM_REQUIRED, STR("sender"));
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	enum refusal why = infobip_identify(&call->req->arena, kind, id, w);
	if (why == REFUSE_PROBLEMS)
		s->refused = &nobody;
	w->use = WHO_LOOKUP;
	return why == REFUSE_PROBLEMS ? REFUSE_NOTHING : why;
}

/* --- Answers --- */

static void refuse(struct call *call, const struct refused *r)
{
	infobip_exception(call, r->status, r->id, r->text, NULL);
}

/* True when the call is answered with a no. */
static bool refused(struct call *call)
{
	const struct persons *s = call->state;
	const struct op *op = call->ops;
	if (s->refused) {
		refuse(call, s->refused);
		return true;
	}
	if (call->n_ops == 0 || op->outcome != OP_REFUSED)
		return false;
	const struct refused *why = refused_by(op);
	if (why)
		refuse(call, why);
	else
		call_refuse_op(call, op);
	return true;
}

static void send_person(struct call *call, const struct contact_view *v)
{
	struct buf b = buf_in(&call->req->arena);
	b.failed = !infobip_person_put(&b, &call->req->arena, v);
	call_begin(call, 200);
	call_send_json(call, &b);
}

static void changed_answer(struct call *call)
{
	if (!refused(call))
		send_person(call, &call->ops->view);
}

static void deleted_answer(struct call *call)
{
	if (refused(call))
		return;
	call_begin(call, 200);
	reply_send(call->req, STR(""), STR(""));
}

static void put_persons(struct buf *b, struct arena *a, const struct query *q)
{
	for (unsigned i = 0; i < q->n_rows && !b->failed; i++) {
		if (i > 0)
			buf_char(b, ',');
		/* Rows are newest first, whichever end the page was counted from. */
		b->failed |= !infobip_person_put(b, a, &q->rows[q->oldest ? q->n_rows - 1 - i : i]);
	}
}

static void send_list(struct call *call)
{
	const struct query *q = call->query;
	struct buf b = buf_in(&call->req->arena);
	buf_lit(&b, "{\"persons\":[");
	put_persons(&b, &call->req->arena, q);
	buf_char(&b, ']');
	if (q->wants_count)
		buf_printf(&b, ",\"totalCount\":%llu", (unsigned long long)q->count);
	buf_char(&b, '}');
	call_begin(call, 200);
	call_send_json(call, &b);
}

static void get_answer(struct call *call)
{
	const struct persons *s = call->state;
	if (refused(call))
		return;
	if (s->list)
		return send_list(call);
	if (call->query->n_rows == 0)
		return refuse(call, &nobody);
	send_person(call, call->query->rows);
}

/* --- GET --- */

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 1000, SKIP_MAX = 100000 };

static uint64_t read_number(struct call *call, const char *name, uint64_t usual, uint64_t max)
{
	struct str v = param(call, name);
	if (v.n && (!str_to_u64(v, &usual) || usual == 0 || usual > max))
		problem_at(&call->problems, PROBLEM_FORMAT, str_of(name),
			   .rule = "whole number in range");
	return usual;
}

static bool read_flag(struct call *call, const char *name)
{
	struct str v = param(call, name);
	bool yes = str_eq_nocase(v, STR("true"));
	if (v.n && !yes && !str_eq_nocase(v, STR("false")))
		problem_at(&call->problems, PROBLEM_VALUE, str_of(name), .rule = "true, false");
	return yes;
}

/* The order in which they came to be, one way or the other; no index knows another. */
static bool read_order(struct call *call, bool *oldest)
{
	struct str order = param(call, "orderBy");
	*oldest = str_eq_nocase(order, STR("createdAt:asc"));
	return order.n == 0 || *oldest || str_eq_nocase(order, STR("createdAt:desc"));
}

/* Pages have numbers, so what is before one has to be stepped over: there is a ceiling to that. */
static enum refusal read_list(struct call *call, struct persons *s, struct query *q)
{
	uint64_t limit = read_number(call, "limit", LIMIT_DEFAULT, LIMIT_MAX);
	uint64_t page = read_number(call, "page", 1, UINT32_MAX);
	q->wants_count = read_flag(call, "includeTotalCount");
	if (call->problems.found)
		return REFUSE_PROBLEMS;
	uint64_t skip = limit * (page - 1);
	if (!read_order(call, &q->oldest) || param(call, "filter").n || skip > SKIP_MAX) {
		s->refused = &bad_query;
		return REFUSE_NOTHING;
	}
	s->list = true;
	q->kind = QUERY_CONTACTS;
	q->skip = (unsigned)skip;
	q->limit = (unsigned)limit;
	call->query = q;
	return REFUSE_NOTHING;
}

static enum refusal get_decode(struct call *call)
{
	struct persons *s = begin(call);
	struct query *q = arena_new(&call->req->arena, struct query);
	struct who *w = arena_new(&call->req->arena, struct who);
	if (!s || !q || !w)
		return REFUSE_OVERLOADED;
	if (!param(call, "identifier").p && !param(call, "type").p)
		return read_list(call, s, q);
	enum refusal why = read_identifier(call, s, w);
	if (why || s->refused)
		return why;
	q->kind = QUERY_CONTACT;
	q->who = w;
	q->n_who = 1;
	call->query = q;
	return REFUSE_NOTHING;
}

/* --- Changes --- */

/* A person's body, all of it. */
static enum refusal read_person(struct call *call, struct infobip_person *p, yyjson_val *root)
{
	static const struct shape_member member = { STR_INIT("contactInformation"), SHAPE_OBJECT,
						    .flags = SHAPE_NULL_ABSENT };
	yyjson_val *contacts;
	shape_read(call, root, STR(""), &member, 1, false, &contacts);
	if (!infobip_person_read(call, p, root))
		return REFUSE_OVERLOADED;
	infobip_contacts_read(call, p, contacts, member.name);
	return p->no_memory ? REFUSE_OVERLOADED : infobip_so_far(call);
}

static unsigned count_of(yyjson_val *root)
{
	return 2 + infobip_contacts_count(json_get(root, STR("contactInformation")));
}

static enum refusal create_decode(struct call *call)
{
	yyjson_val *root;
	struct persons *s = begin(call);
	struct infobip_person p = { .use = INFOBIP_NEW, .finds = true };
	enum refusal why = s ? infobip_body(call, &root) : REFUSE_OVERLOADED;
	if (why)
		return why;
	if (!call_op(call) || !infobip_person_begin(&p, call->ops, count_of(root)))
		return REFUSE_OVERLOADED;
	p.op->rules = CONTACT_MUST_BE_NEW | CONTACT_KEEPS_ONE;
	p.op->wants_view = true;
	why = read_person(call, &p, root);
	if (why || p.op->n_who > 0)
		return why;
	s->refused = &no_destination;
	call->n_ops = 0;
	return REFUSE_NOTHING;
}

/* What PUT, PATCH and the calls about contacts begin with; s->refused may be set. */
static enum refusal begin_change(struct call *call, struct infobip_person *p, yyjson_val **root)
{
	struct who w;
	struct persons *s = begin(call);
	enum refusal why = s ? infobip_body(call, root) : REFUSE_OVERLOADED;
	why = why ?: read_identifier(call, s, &w);
	if (why || s->refused)
		return why;
	if (!call_op(call) || !infobip_person_begin(p, call->ops, 2 + count_of(*root)))
		return REFUSE_OVERLOADED;
	infobip_person_who(p, w);
	p->op->rules = CONTACT_KEEPS_ONE;
	p->op->wants_view = true;
	return REFUSE_NOTHING;
}

static enum refusal replace_decode(struct call *call)
{
	yyjson_val *root;
	struct infobip_person p = { .use = INFOBIP_SET };
	enum refusal why = begin_change(call, &p, &root);
	if (why || !p.op)
		return why;
	p.op->rules |= CONTACT_REPLACED;
	why = read_person(call, &p, root);
	/* Whoever names no way to reach the person leaves the one that was used. */
	if (p.op->n_who > 1 && p.who[0].kind < IDENTITY_LINE)
		p.who[0].use |= WHO_DROP;
	else
		p.who[0].use |= WHO_STAYS;
	return why;
}

/* The store replaces an identity by one of its kind, but none that the request goes by. */
static void give_way(struct infobip_person *p)
{
	for (unsigned i = 1; i < p->op->n_who; i++)
		if (p->who[0].kind == IDENTITY_EXTERNAL_ID && p->who[i].kind == p->who[0].kind)
			p->who[0].use |= WHO_DROP;
}

static enum refusal merge_decode(struct call *call)
{
	yyjson_val *root;
	struct infobip_person p = { .use = INFOBIP_ADD };
	enum refusal why = begin_change(call, &p, &root);
	if (why || !p.op)
		return why;
	why = read_person(call, &p, root);
	give_way(&p);
	return why;
}

static enum refusal contacts_decode(struct call *call, enum infobip_person_use use)
{
	static const struct shape_member member = { STR_INIT("contactInformation"), SHAPE_OBJECT,
						    .flags = SHAPE_REQUIRED };
	yyjson_val *root, *contacts;
	struct infobip_person p = { .use = use };
	enum refusal why = begin_change(call, &p, &root);
	if (why || !p.op)
		return why;
	if (use == INFOBIP_SET) {
		infobip_person_who(&p, (struct who){ IDENTITY_PHONE, .use = WHO_DROP_KIND });
		infobip_person_who(&p, (struct who){ IDENTITY_EMAIL, .use = WHO_DROP_KIND });
	}
	shape_read(call, root, STR(""), &member, 1, false, &contacts);
	infobip_contacts_read(call, &p, contacts, member.name);
	return p.no_memory ? REFUSE_OVERLOADED : infobip_so_far(call);
}

static enum refusal contacts_set_decode(struct call *call)
{
	return contacts_decode(call, INFOBIP_SET);
}

static enum refusal contacts_add_decode(struct call *call)
{
	return contacts_decode(call, INFOBIP_ADD);
}

static enum refusal contacts_remove_decode(struct call *call)
{
	return contacts_decode(call, INFOBIP_REMOVE);
}

static enum refusal delete_decode(struct call *call)
{
	struct persons *s = begin(call);
	struct who *w = arena_new(&call->req->arena, struct who);
	enum refusal why = s && w ? read_identifier(call, s, w) : REFUSE_OVERLOADED;
	if (why || s->refused)
		return why;
	struct op *op = call_op(call);
	if (!op)
		return REFUSE_OVERLOADED;
	op->kind = OP_CONTACT_DELETE;
	op->who = w;
	op->n_who = 1;
	return REFUSE_NOTHING;
}

/* --- Endpoints --- */

#define ENDPOINT(scope_, rate_, bucket_, decode_, answer_)                           \
	{                                                                            \
		.scope = (scope_), .body_max = INFOBIP_BODY_MAX,                     \
		.rate = { .requests = (rate_), .window_s = 1 }, .bucket = (bucket_), \
		.decode = (decode_), .answer = (answer_),                            \
	}
#define CHANGE(bucket, decode) ENDPOINT(SCOPE_CONTACTS_WRITE, 5, bucket, decode, changed_answer)

const struct endpoint infobip_person_get =
	ENDPOINT(SCOPE_CONTACTS_READ, 5, INFOBIP_BUCKET_GET, get_decode, get_answer);
const struct endpoint infobip_person_create =
	ENDPOINT(SCOPE_CONTACTS_WRITE, 10, INFOBIP_BUCKET_CREATE, create_decode, changed_answer);
const struct endpoint infobip_person_replace = CHANGE(INFOBIP_BUCKET_REPLACE, replace_decode);
const struct endpoint infobip_person_merge = CHANGE(INFOBIP_BUCKET_MERGE, merge_decode);
const struct endpoint infobip_person_delete =
	ENDPOINT(SCOPE_CONTACTS_WRITE, 5, INFOBIP_BUCKET_CONTACTS, delete_decode, deleted_answer);
const struct endpoint infobip_contacts_set = CHANGE(INFOBIP_BUCKET_CONTACTS, contacts_set_decode);
const struct endpoint infobip_contacts_add = CHANGE(INFOBIP_BUCKET_CONTACTS, contacts_add_decode);
const struct endpoint infobip_contacts_remove =
	CHANGE(INFOBIP_BUCKET_CONTACTS, contacts_remove_decode);
