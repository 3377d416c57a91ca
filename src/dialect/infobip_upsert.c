/*
 * PUT and PATCH /people/3/persons/upsert: up to 1000 persons, each found or made by what it names,
 * each for itself. The answer is 207 with two lists; whole-body errors are {code, message}.
 */
#include "dialect/infobip_private.h"

enum { PERSONS_MAX = 1000, UPSERT_BYTES_MAX = 4 * 1024 * 1024 };

enum { CODE_INVALID = 400100, CODE_MALFORMED = 400103, CODE_NO_PERSONS = 400104 };

static const char invalid[] = "One or more properties of the person are invalid";

struct upsert {
	enum infobip_person_use use;
	yyjson_val *persons;
	int code;          /* of the whole body; 0: it was read */
	unsigned *index;   /* of each operation: the item it came from */
	struct buf errors; /* of items, commas between */
};

/* --- Errors --- */

static void put_detail(struct buf *b, struct str property, const struct problem *p)
{
	struct buf text = buf_in(b->arena);
	struct problem told = *p;
	if (told.path.n == 0)
		told.path = STR("The person"); /* it is no body that the words speak of */
	infobip_put_problem(&text, &told);
	buf_lit(b, "{\"property\":");
	buf_json_str(b, echo(property));
	buf_lit(b, ",\"message\":");
	buf_json_str(b, buf_str(&text));
	buf_char(b, '}');
	b->failed |= text.failed;
}

static void add_error(struct upsert *u, unsigned index, const struct problems *ps)
{
	struct buf *b = &u->errors;
	if (b->n > 0)
		buf_char(b, ',');
	buf_printf(b, "{\"code\":%d,\"message\":\"%s\",\"details\":[", CODE_INVALID, invalid);
	for (unsigned i = 0; ps && i < ps->n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_detail(b, ps->list[i].path, &ps->list[i]);
	}
	buf_printf(b, "],\"index\":%u}", index);
}

/* --- Decoding --- */

enum { IDENTIFIER, TYPE, N_CONTACT };

static const struct shape_member contact_members[N_CONTACT] = {
	[IDENTIFIER] = { STR_INIT("identifier"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
	[TYPE] = { STR_INIT("type"), SHAPE_STRING, SHAPE_REQUIRED | SHAPE_NOT_EMPTY },
};

static const struct shape_member list_member = { STR_INIT("contactInformation"), SHAPE_ARRAY,
						 .flags = SHAPE_NULL_ABSENT };

static void read_contact(struct call *call, struct infobip_person *p, yyjson_val *contact,
			 struct str path)
{
	yyjson_val *v[N_CONTACT];
	enum identity_kind kind;
	if (!yyjson_is_obj(contact)) {
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(contact));
		return;
	}
	shape_read(call, contact, path, contact_members, N_CONTACT, false, v);
	if (!v[TYPE] || !v[IDENTIFIER])
		return;
	if (!infobip_identifier_type(json_str(v[TYPE]), &kind) ||
	    (kind != IDENTITY_EMAIL && kind != IDENTITY_PHONE))
		problem_at(&call->problems, PROBLEM_VALUE,
			   problem_path(p->op->arena, path, contact_members[TYPE].name),
			   .rule = "EMAIL, PHONE");
	else
		infobip_person_identity(
			call, p, kind, json_str(v[IDENTIFIER]),
			problem_path(p->op->arena, path, contact_members[IDENTIFIER].name));
}

static void judge_count(struct call *call, const struct op *op, enum identity_kind kind,
			const char *what)
{
	unsigned n = 0;
	for (unsigned i = 0; i < op->n_who; i++)
		n += op->who[i].kind == kind;
	if (n > INFOBIP_CONTACTS_MAX)
		problem_at(&call->problems, PROBLEM_TOO_MANY, list_member.name, .rule = what,
			   .limit = INFOBIP_CONTACTS_MAX, .size = n);
}

static void read_contacts(struct call *call, struct infobip_person *p, yyjson_val *list)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (list, i, n, v)
		read_contact(call, p, v, problem_index(p->op->arena, list_member.name, i));
	judge_count(call, p->op, IDENTITY_PHONE, "items of type PHONE");
	judge_count(call, p->op, IDENTITY_EMAIL, "items of type EMAIL");
}

static bool read_person(struct call *call, struct upsert *u, struct op *op, yyjson_val *person)
{
	struct infobip_person p = { .use = u->use, .finds = true };
	yyjson_val *list;
	if (!yyjson_is_obj(person)) {
		problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
			   .actual = json_type_name(person));
		return true;
	}
	shape_read(call, person, STR(""), &list_member, 1, false, &list);
	size_t n = yyjson_arr_size(list);
	if (n > 2 * INFOBIP_CONTACTS_MAX) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, list_member.name, .rule = "items",
			   .limit = 2 * INFOBIP_CONTACTS_MAX, .size = (int64_t)n);
		return true;
	}
	if (!infobip_person_begin(&p, op, (unsigned)n + 1))
		return false;
	if (!infobip_person_read(call, &p, person))
		return false;
	if (list)
		read_contacts(call, &p, list);
	op->rules = CONTACT_KEEPS_ONE | (u->use == INFOBIP_SET ? CONTACT_REPLACED : 0);
	if (op->n_who == 0 && !call->problems.found)
		problem_at(&call->problems, PROBLEM_ALTERNATIVES, STR(""),
			   .rule = "externalId, an EMAIL, a PHONE");
	return !p.no_memory;
}

static enum refusal read_persons(struct call *call, struct upsert *u)
{
	size_t i, n;
	yyjson_val *person;
	yyjson_arr_foreach (u->persons, i, n, person) {
		struct op *op = &call->ops[call->n_ops];
		*op = (struct op){ .arena = &call->req->arena,
				   .workspace = call->workspace->no,
				   .dialect = DIALECT_INFOBIP };
		if (!read_person(call, u, op, person))
			return REFUSE_OVERLOADED;
		if (call->problems.found)
			add_error(u, (unsigned)i, &call->problems);
		else
			u->index[call->n_ops++] = (unsigned)i;
		call->problems = (struct problems){ 0 };
	}
	return REFUSE_NOTHING;
}

static int judge_body(const struct upsert *u, enum refusal why)
{
	if (why == REFUSE_JSON)
		return CODE_MALFORMED;
	if (!yyjson_is_arr(u->persons))
		return CODE_NO_PERSONS;
	return yyjson_arr_size(u->persons) > PERSONS_MAX ? CODE_INVALID : 0;
}

static enum refusal decode(struct call *call, enum infobip_person_use use)
{
	struct arena *a = &call->req->arena;
	yyjson_val *root = NULL;
	struct upsert *u = arena_new(a, struct upsert);
	if (!u)
		return REFUSE_OVERLOADED;
	*u = (struct upsert){ .use = use, .errors = buf_in(a) };
	call->state = u;
	enum refusal why = infobip_body(call, &root);
	if (why && why != REFUSE_JSON)
		return why;
	u->persons = json_get(root, STR("persons"));
	u->code = judge_body(u, why);
	if (u->code)
		return REFUSE_NOTHING;
	size_t n = yyjson_arr_size(u->persons);
	call->ops = arena_array(a, struct op, n + 1);
	u->index = arena_array(a, unsigned, n + 1);
	call->divisible = true;
	return call->ops && u->index ? read_persons(call, u) : REFUSE_OVERLOADED;
}

static enum refusal replace_decode(struct call *call)
{
	return decode(call, INFOBIP_SET);
}

static enum refusal merge_decode(struct call *call)
{
	return decode(call, INFOBIP_ADD);
}

/* --- The answer --- */

static void send_body_error(struct call *call, const struct upsert *u)
{
	struct buf b = buf_in(&call->req->arena);
	struct problem many = { PROBLEM_TOO_MANY, STR("persons"), .rule = "items",
				.limit = PERSONS_MAX };
	struct problem none = { PROBLEM_REQUIRED, .path = STR("persons") };
	const char *message = u->code == CODE_MALFORMED    ? "Malformed JSON body, wrong syntax"
			      : u->code == CODE_NO_PERSONS ? "Missing required property 'persons'"
							   : invalid;
	buf_printf(&b, "{\"code\":%d,\"message\":\"%s\"", u->code, message);
	if (u->code != CODE_MALFORMED) {
		buf_lit(&b, ",\"details\":[");
		put_detail(&b, STR("persons"), u->code == CODE_NO_PERSONS ? &none : &many);
		buf_char(&b, ']');
	}
	buf_char(&b, '}');
	call_begin(call, 400);
	call_send_json(call, &b);
}

static void put_result(struct buf *b, const struct op *op, unsigned index)
{
	const char *status = op->created ? "CREATED" : op->changed ? "UPDATED" : "NOT_MODIFIED";
	buf_printf(b, "{\"id\":%llu,\"index\":%u,\"status\":\"%s\"}",
		   (unsigned long long)op->contact, index, status);
}

static void upsert_answer(struct call *call)
{
	struct upsert *u = call->state;
	struct buf b = buf_in(&call->req->arena), results = buf_in(&call->req->arena);
	if (u->code)
		return send_body_error(call, u);
	for (unsigned i = 0; i < call->n_ops; i++) {
		const struct op *op = &call->ops[i];
		if (op->outcome == OP_REFUSED) {
			add_error(u, u->index[i], op->problems);
			continue;
		}
		if (results.n > 0)
			buf_char(&results, ',');
		put_result(&results, op, u->index[i]);
	}
	buf_lit(&b, "{\"errors\":[");
	buf_put(&b, buf_str(&u->errors));
	buf_lit(&b, "],\"results\":[");
	buf_put(&b, buf_str(&results));
	buf_lit(&b, "]}");
	b.failed |= u->errors.failed || results.failed;
	call_begin(call, 207);
	call_send_json(call, &b);
}

#define ENDPOINT(decode_)                                                                  \
	{                                                                                  \
		.scope = SCOPE_CONTACTS_WRITE, .body_max = UPSERT_BYTES_MAX,               \
		.rate = { .requests = 5, .window_s = 1 }, .bucket = INFOBIP_BUCKET_UPSERT, \
		.decode = (decode_), .answer = upsert_answer,                              \
	}

const struct endpoint infobip_upsert_replace = ENDPOINT(replace_decode);
const struct endpoint infobip_upsert_merge = ENDPOINT(merge_decode);
