/*
 * Errors of the dated API: problem documents, sent as plain JSON (omnisend.md 2.3).
 */
#include "dialect/omnisend_private.h"

/* Indexed by enum problem_code: the vendor shows "invalid_format", the others are ours. */
static const char *const codes[] = {
	[PROBLEM_NONE] = "invalid",
	[PROBLEM_REQUIRED] = "required",
	[PROBLEM_TYPE] = "invalid_type",
	[PROBLEM_FORMAT] = "invalid_format",
	[PROBLEM_EMPTY] = "required",
	[PROBLEM_TOO_LONG] = "too_long",
	[PROBLEM_TOO_MANY] = "too_many",
	[PROBLEM_UNKNOWN_MEMBER] = "unknown_field",
	[PROBLEM_NAME] = "invalid_name",
	[PROBLEM_VALUE] = "invalid_value",
	[PROBLEM_NESTED] = "invalid_type",
	[PROBLEM_ALTERNATIVES] = "required",
	[PROBLEM_UNKNOWN_WORKSPACE] = "not_found",
	[PROBLEM_UNKNOWN_DEFINITION] = "not_found",
	[PROBLEM_UNKNOWN_FIELD] = "unknown_field",
	[PROBLEM_FIELD_TYPE] = "invalid_type",
	[PROBLEM_UNKNOWN_CONTACT] = "not_found",
	[PROBLEM_EXISTS] = "already_exists",
	[PROBLEM_TAKEN] = "already_taken",
	[PROBLEM_CONTACT_FULL] = "limit_exceeded",
	[PROBLEM_DEFINITIONS_FULL] = "limit_exceeded",
	[PROBLEM_CONTACT_FIELDS_FULL] = "limit_exceeded",
	[PROBLEM_CLASH] = "not_combinable",
};

static void put_text(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, "\"%s\":", name);
	buf_json_str(b, s);
}

static void put_one(struct buf *b, const struct problem *p)
{
	struct buf message = buf_in(b->arena);
	omnisend_put_problem(&message, p);
	b->failed |= message.failed;
	buf_char(b, '{');
	put_text(b, "field", p->path);
	buf_char(b, ',');
	put_text(b, "code", str_of(codes[p->code]));
	buf_char(b, ',');
	put_text(b, "message", buf_str(&message));
	buf_char(b, '}');
}

static void put_errors(struct buf *b, const struct problems *ps)
{
	buf_lit(b, ",\"errors\":[");
	for (unsigned i = 0; i < ps->n; i++) {
		struct problem p = ps->list[i];
		p.path = echo(p.path);
		if (i > 0)
			buf_char(b, ',');
		put_one(b, &p);
	}
	buf_char(b, ']');
}

/* The caller's own id of the request where it is a UUID, else a new one. */
static void put_instance(struct buf *b, const struct call *call)
{
	char text[UUID_TEXT + 1];
	struct uuid id;
	if (!uuid_parse(call->req->id, &id))
		id = uuid_v4();
	uuid_text(id, text);
	buf_printf(b, ",\"instance\":\"urn:omnisend:request:%s\"", text);
}

static void put_detail(struct buf *b, const struct call *call, enum refusal why,
		       const struct omnisend_no *no)
{
	buf_printf(b, ",\"detail\":\"%s", no->detail);
	if (why == REFUSE_SCOPE) {
		buf_lit(b, ": ");
		omnisend_put_scope(b, call);
	}
	buf_char(b, '"');
}

void omnisend_put_document(struct buf *b, const struct call *call, enum refusal why,
			   const struct omnisend_no *no)
{
	buf_printf(b, "{\"type\":\"https://problems.omnisend.com/%s\",\"title\":\"%s\"", no->type,
		   no->title);
	buf_printf(b, ",\"status\":%d", no->status);
	put_detail(b, call, why, no);
	put_instance(b, call);
	if (why == REFUSE_PROBLEMS && !call->state)
		put_errors(b, &call->problems);
	if (why == REFUSE_RATE)
		buf_printf(b, ",\"retryAfter\":%u", call->rate.reset_s);
	buf_char(b, '}');
}
