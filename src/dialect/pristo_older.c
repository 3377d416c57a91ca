#include "dialect/pristo_older.h"

/* --- Noes --- */

static const struct pristo_words not_found = {
	404, STR_INIT("CONTACT_NOT_FOUND"),
	STR_INIT("The population has no contact of these identifiers")
};

/* 404 is not among what an upsert is documented to answer. */
static const struct pristo_words not_found_to_update = {
	400, STR_INIT("CONTACT_NOT_FOUND"),
	STR_INIT("No contact has this pristoContactId; a new one needs clientContactId, phone or "
		 "email")
};

static const struct pristo_words unreachable = { 422, STR_INIT("INVALID_EMAIL_OR_PHONE"), { 0 } };

static bool is_reach(struct str path)
{
	return str_eq(path, STR("phone")) || str_eq(path, STR("email"));
}

const struct pristo_words *pristo_older_words(const struct call *call, const struct problem *p)
{
	bool upsert = call->endpoint == &pristo_older_upsert;
	if (call->endpoint->needs != SWITCH_OLDER_GENERATION)
		return NULL;
	if (p->code == PROBLEM_UNKNOWN_CONTACT)
		return upsert ? &not_found_to_update : &not_found;
	if (upsert && p->code == PROBLEM_FORMAT && is_reach(p->path))
		return &unreachable;
	return NULL;
}

/* --- The population and the body --- */

enum { POPULATION_MAX = 100 };

static void judge_population(struct call *call)
{
	size_t size = str_code_points(call->params[0]);
	if (size > POPULATION_MAX)
		problem_at(&call->problems, PROBLEM_TOO_LONG, STR("populationId"),
			   .limit = POPULATION_MAX, .size = (int64_t)size);
}

enum refusal pristo_older_read(struct call *call, struct pristo_older_body *body)
{
	enum refusal why = call_json(call, &body->root);
	if (why)
		return why;
	judge_population(call);
	if (yyjson_is_obj(body->root)) {
		shape_read(call, body->root, STR(""), body->members, body->n, false, body->v);
		return REFUSE_NOTHING;
	}
	problem_at(&call->problems, PROBLEM_TYPE, STR(""), .rule = "object",
		   .actual = json_type_name(body->root));
	return REFUSE_PROBLEMS;
}

bool pristo_older_population_is_callers(struct call *call)
{
	struct uuid id;
	struct str given = call->params[0];
	const struct workspace *w = call->workspace;
	if (str_eq(given, w->name) || (uuid_parse(given, &id) && uuid_eq(id, w->id)))
		return true;
	problem_at(&call->problems, PROBLEM_UNKNOWN_WORKSPACE, STR("populationId"));
	return false;
}

/* --- Whom a call names --- */

static const struct {
	struct str name;
	enum identity_kind kind;
} identifiers[OLDER_IDENTIFIERS] = {
	[OLDER_PRISTO_ID] = { STR_INIT("pristoContactId"), IDENTITY_UUID },
	[OLDER_CLIENT_ID] = { STR_INIT("clientContactId"), IDENTITY_EXTERNAL_ID },
	[OLDER_PHONE] = { STR_INIT("phone"), IDENTITY_PHONE },
	[OLDER_EMAIL] = { STR_INIT("email"), IDENTITY_EMAIL },
};

static struct str path_of(struct call *call, struct str path, unsigned identifier)
{
	return problem_path(&call->req->arena, path, identifiers[identifier].name);
}

void pristo_older_judge_ids(struct call *call, struct str path, yyjson_val *const *v, unsigned n)
{
	bool any = false;
	for (unsigned i = 0; i < n; i++)
		any |= v[i] != NULL;
	if (!any && call->problems.found == 0)
		problem_at(&call->problems, PROBLEM_ALTERNATIVES, path,
			   .rule = n > OLDER_PHONE
					   ? "pristoContactId, clientContactId, phone, email"
					   : "pristoContactId, clientContactId");
	for (unsigned i = OLDER_PRISTO_ID; i <= OLDER_CLIENT_ID; i++)
		if (v[i])
			pristo_judge_any_id(call, path_of(call, path, i), json_str(v[i]));
}

void pristo_older_judge_reach(struct call *call, struct str path, yyjson_val *const *v)
{
	enum { PHONE_MAX = 32 };
	struct str phone = v[OLDER_PHONE] ? json_str(v[OLDER_PHONE]) : STR("");
	if (v[OLDER_PHONE] && (str_code_points(phone) > PHONE_MAX || !pristo_form_phone(phone)))
		problem_at(&call->problems, PROBLEM_FORMAT, path_of(call, path, OLDER_PHONE),
			   .rule = "phone number with at least 5 digits and at most 32 characters");
	if (v[OLDER_EMAIL] && !form_email(json_str(v[OLDER_EMAIL])))
		problem_at(&call->problems, PROBLEM_FORMAT, path_of(call, path, OLDER_EMAIL),
			   .rule = "email");
}

bool pristo_older_who(struct op *op, yyjson_val *const *v, const unsigned *uses, unsigned n)
{
	struct who *list = arena_array(op->arena, struct who, n);
	bool good = list != NULL;
	op->who = list;
	for (unsigned i = 0; i < n && good; i++)
		if (v[i])
			good = pristo_who(op->arena, &list[op->n_who++], identifiers[i].kind,
					  uses[i], v[i]);
	return good;
}

/* --- Dynamic fields --- */

static bool is_known(const struct shape_member *members, unsigned n, struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(members[i].name, name))
			return true;
	return false;
}

bool pristo_older_is_field(const struct pristo_older_fields *f, yyjson_val *name)
{
	return !is_known(f->known, f->n_known, json_str(name));
}

/* With an object of their own, what else stands beside the members is nothing we know. */
static void judge_beside(struct call *call, const struct pristo_older_body *body)
{
	size_t i, max;
	yyjson_val *name, *v;
	json_foreach_member (body->root, i, max, name, v)
		if (!is_known(body->members, body->n, json_str(name)))
			problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER,
				   pristo_field_path(call, STR(""), name));
}

void pristo_older_fields_read(struct call *call, const struct pristo_older_body *body, unsigned at,
			      struct pristo_older_fields *out)
{
	size_t i, max;
	yyjson_val *name, *v, *const *own = &body->v[at];
	unsigned one = own[0] ? at : at + 1;
	*out = (struct pristo_older_fields){ body->root, STR(""), body->members, body->n };
	if (own[0] && own[1])
		problem_at(&call->problems, PROBLEM_UNKNOWN_MEMBER, body->members[at + 1].name);
	if (own[0] || own[1]) {
		*out = (struct pristo_older_fields){ body->v[one], body->members[one].name, NULL,
						     0 };
		judge_beside(call, body);
	}
	json_foreach_member (out->object, i, max, name, v)
		if (pristo_older_is_field(out, name))
			pristo_judge_field(call, out->path, name, v);
}
