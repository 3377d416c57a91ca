/*
 * What Arsel's noes say. The words of 400, 401, 404 and 422 that the vendor shows are the vendor's
 * letter for letter; those of a validation are in the manner of class-validator, which it uses.
 */
#include "dialect/arsel_private.h"

/* Indexed by enum arsel_stage. `name` is what an answer says, `code` what a batch's item says: the
 * newer, narrower word, which an answer may say too (decisions 1 and 32). The message has what it is
 * about in the middle, or says nothing of it: then there is no `after`. */
static const struct stage {
	int status;
	struct str name, code, before, after;
} stages[] = {
	[ARSEL_MEMBERS] = { 422,
			    STR_INIT("validation_error"),
			    STR_INIT("validation_error"),
			    { 0 },
			    { 0 } },
	[ARSEL_BODY] = { 400,
			 STR_INIT("bad_request"),
			 STR_INIT("bad_request"),
			 STR_INIT("Request body must be a JSON object"),
			 { 0 } },
	[ARSEL_KEY] = { 400,
			STR_INIT("invalid_idempotency_key"),
			STR_INIT("invalid_idempotency_key"),
			STR_INIT("Idempotency-Key must have 1 to 256 characters."),
			{ 0 } },
	[ARSEL_OTHER_PAYLOAD] = { 409,
				  STR_INIT("invalid_idempotent_request"),
				  STR_INIT("invalid_idempotent_request"),
				  STR_INIT("Idempotency-Key was used with a different payload."),
				  { 0 } },
	[ARSEL_ANONYMOUS] = { 400,
			      STR_INIT("bad_request"),
			      STR_INIT("anonymous_id_not_allowed"),
			      STR_INIT("anonymous_id is not allowed with a secret API key."),
			      { 0 } },
	[ARSEL_CONTACT_ID] = { 400,
			       STR_INIT("bad_request"),
			       STR_INIT("contact_id_not_allowed"),
			       STR_INIT("contact_id is not allowed with a publishable API key."),
			       { 0 } },
	[ARSEL_WHO_NEEDED] = { 400,
			       STR_INIT("bad_request"),
			       STR_INIT("contact_required"),
			       STR_INIT("Provide anonymous_id, external_id, email or "
					"phone_number."),
			       { 0 } },
	[ARSEL_WHO_MISSING] = { 400,
				STR_INIT("bad_request"),
				STR_INIT("contact_required"),
				STR_INIT("Provide either email or contact_id."),
				{ 0 } },
	[ARSEL_WHO_AMBIGUOUS] = { 400,
				  STR_INIT("bad_request"),
				  STR_INIT("contact_ambiguous"),
				  STR_INIT("Provide either email or contact_id."),
				  { 0 } },
	[ARSEL_EVENT] = { 404, STR_INIT("not_found"), STR_INIT("event_not_found"),
			  STR_INIT("No event named \""),
			  STR_INIT("\" is defined in this organization.") },
	[ARSEL_PAYLOAD] = { 422, STR_INIT("validation_error"), STR_INIT("schema_mismatch"),
			    STR_INIT("Payload does not match the \""), STR_INIT("\" schema.") },
	[ARSEL_CONTACT] = { 404, STR_INIT("not_found"), STR_INIT("contact_not_found"),
			    STR_INIT("Contact "), STR_INIT(" not found") },
	[ARSEL_CURSORS] = { 400,
			    STR_INIT("bad_request"),
			    STR_INIT("bad_request"),
			    STR_INIT("Provide either after or before, not both."),
			    { 0 } },
	[ARSEL_NO_DEFINITION] = { 404, STR_INIT("not_found"), STR_INIT("event_not_found"),
				  STR_INIT("Event "), STR_INIT(" not found") },
	[ARSEL_DEFINED] = { 409, STR_INIT("conflict"), STR_INIT("conflict"),
			    STR_INIT("An event named \""), STR_INIT("\" already exists.") },
	[ARSEL_DEFINITION_CHANGED] = { 409, STR_INIT("conflict"), STR_INIT("conflict"),
				       STR_INIT("Event "),
				       STR_INIT(" was changed by another request meanwhile. Please "
						"retry.") },
	[ARSEL_DEFINITIONS_FULL] = { 403,
				     STR_INIT("event_limit_reached"),
				     STR_INIT("event_limit_reached"),
				     STR_INIT("The organization has as many events as it may."),
				     { 0 } },
	[ARSEL_CONVERSION] = { 400, STR_INIT("bad_request"), STR_INIT("bad_request"),
			       STR_INIT("conversion."),
			       STR_INIT(
				       " does not name a field of the schema of the right type.") },
	[ARSEL_NO_CONTACT] = { 404,
			       STR_INIT("not_found"),
			       STR_INIT("contact_not_found"),
			       STR_INIT("Contact not found"),
			       { 0 } },
	[ARSEL_CONTACT_EXISTS] = { 409, STR_INIT("conflict"), STR_INIT("conflict"),
				   STR_INIT("A contact with this "), STR_INIT(" already exists.") },
	[ARSEL_IDENTIFIER] = { 422,
			       STR_INIT("validation_error"),
			       STR_INIT("validation_error"),
			       STR_INIT("A contact must have an email, phone_number or "
					"external_id."),
			       { 0 } },
	[ARSEL_NO_PROPERTY] = { 404, STR_INIT("not_found"), STR_INIT("not_found"),
				STR_INIT("Property with id \""), STR_INIT("\" not found") },
	[ARSEL_PROPERTY_EXISTS] = { 409, STR_INIT("conflict"), STR_INIT("conflict"),
				    STR_INIT("A property with the key \""),
				    STR_INIT("\" already exists.") },
	[ARSEL_PROPERTIES_FULL] = { 403,
				    STR_INIT("forbidden"),
				    STR_INIT("forbidden"),
				    STR_INIT("The organization has as many properties as it may."),
				    { 0 } },
};

int arsel_no_status(const struct arsel_no *no)
{
	return stages[no->stage].status;
}

struct str arsel_no_name(const struct call *call, const struct arsel_no *no)
{
	bool specific = switch_on(call->workspace, SWITCH_ERROR_NAMES);
	return specific ? stages[no->stage].code : stages[no->stage].name;
}

struct str arsel_no_code(const struct arsel_no *no)
{
	return stages[no->stage].code;
}

/* --- Validation --- */

#define ONE_OF_TYPES "must be one of the following values: string, number, boolean, date"

/* What class-validator would say of any value that is not what the member must be. A member's name
 * means the same wherever it stands. */
static const struct {
	struct str name;
	const char *text;
} phrases[] = {
	{ STR_INIT("after"), "must be the id of an item" },
	{ STR_INIT("anonymous_id"), "must be a string" },
	{ STR_INIT("before"), "must be the id of an item" },
	{ STR_INIT("contact_id"), "must be a UUID" },
	{ STR_INIT("contact_ids"), "must be an array of UUIDs" },
	{ STR_INIT("conversion"), "must be an object" },
	{ STR_INIT("currencies"), "must be an array of ISO 4217 currency codes" },
	{ STR_INIT("currency_field"), "must be a string" },
	{ STR_INIT("data"), "must be an object" },
	{ STR_INIT("data_type"), ONE_OF_TYPES },
	{ STR_INIT("description"), "must be a string" },
	{ STR_INIT("display_name"), "must be a string" },
	{ STR_INIT("email"), "must be an email" },
	{ STR_INIT("enabled"), "must be a boolean value" },
	{ STR_INIT("event"), "must be a string" },
	{ STR_INIT("events"), "must be an array" },
	{ STR_INIT("external_id"), "must be a string" },
	{ STR_INIT("fallback_value"), "must be a string" },
	{ STR_INIT("field_key"), "must be a string" },
	{ STR_INIT("fields"), "must be an array" },
	{ STR_INIT("first_name"), "must be a string" },
	{ STR_INIT("last_name"), "must be a string" },
	{ STR_INIT("limit"), "must be an integer from 1 to 100" },
	{ STR_INIT("list_ids"), "must be an array" },
	{ STR_INIT("name"), "must be a string" },
	{ STR_INIT("phone_number"), "must be a valid phone number" },
	{ STR_INIT("properties"), "must be an object" },
	{ STR_INIT("required"), "must be a boolean value" },
	{ STR_INIT("schema"), "must be an object" },
	{ STR_INIT("timestamp"), "must be a valid ISO 8601 date string" },
	{ STR_INIT("type"), ONE_OF_TYPES },
	{ STR_INIT("value_field"), "must be a string" },
};

static const char *must_be(struct str path)
{
	struct str name = path;
	for (size_t dot; (dot = str_find(name, '.')) < name.n;)
		name = str_from(name, dot + 1);
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (str_eq(phrases[i].name, name))
			return phrases[i].text;
	return "must be an object"; /* an item of a list */
}

/* Likewise of a value that is not of the type declared for it. */
static const char *must_be_of_type(const char *type)
{
	enum field_type t = FIELD_STRING;
	must(field_type_parse(str_of(type), &t));
	switch (t) {
	case FIELD_BOOLEAN:
		return "must be a boolean value";
	case FIELD_INTEGER:
		return "must be an integer number";
	case FIELD_NUMBER:
		return "must be a number conforming to the specified constraints";
	case FIELD_DATE:
	case FIELD_DATETIME:
		return "must be a valid ISO 8601 date string";
	case FIELD_EMAIL:
		return "must be an email";
	case FIELD_URL:
		return "must be a URL address";
	case FIELD_STRING:
	case FIELD_OBJECT:
	case FIELD_ARRAY:
	case FIELD_TYPES:
		break;
	}
	return "must be a string";
}

static void put_too_many(struct buf *b, const struct problem *p)
{
	if (p->rule && strcmp(p->rule, "bytes") == 0)
		return buf_printf(b, "'s byte length must fall into (1, %lld) range",
				  (long long)p->limit);
	buf_printf(b, " must contain no more than %lld elements", (long long)p->limit);
}

static void put_predicate(struct buf *b, const struct problem *p)
{
	if (p->code == PROBLEM_EMPTY)
		return buf_lit(b, " should not be empty");
	if (p->code == PROBLEM_TOO_LONG)
		return buf_printf(b, " must be shorter than or equal to %lld characters",
				  (long long)p->limit);
	if (p->code == PROBLEM_TOO_MANY)
		return put_too_many(b, p);
	bool told = p->code == PROBLEM_FORMAT && p->rule;
	if (told || p->code == PROBLEM_NAME || p->code == PROBLEM_NESTED)
		return buf_printf(b, " %s", p->rule);
	if (p->code == PROBLEM_FIELD_TYPE)
		return buf_printf(b, " %s", must_be_of_type(p->rule));
	buf_printf(b, " %s", must_be(p->path));
}

static void put_problem(struct buf *b, const struct problem *p)
{
	struct problem shorter = *p;
	shorter.path = echo(p->path);
	if (p->code == PROBLEM_UNKNOWN_MEMBER || p->code == PROBLEM_UNKNOWN_FIELD) {
		buf_lit(b, "property ");
		buf_put(b, shorter.path);
		return buf_lit(b, " should not exist");
	}
	bool committers = p->code > PROBLEM_UNKNOWN_WORKSPACE && p->code != PROBLEM_FIELD_TYPE;
	if (p->path.n == 0 || committers)
		return problem_put_english(b, &shorter);
	buf_put(b, shorter.path);
	put_predicate(b, p);
}

void arsel_put_message(struct buf *b, const struct arsel_no *no, const struct problems *ps)
{
	const struct stage *stage = &stages[no->stage];
	if (stage->before.p) {
		buf_put(b, stage->before);
		if (stage->after.p)
			buf_put(b, no->about);
		return buf_put(b, stage->after);
	}
	for (unsigned i = 0; i < ps->n; i++) {
		if (i > 0)
			buf_lit(b, ", ");
		put_problem(b, &ps->list[i]);
	}
}
