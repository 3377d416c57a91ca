/*
 * POST and DELETE .../contacts/tags: tags put on many contacts, or taken off them. Who is not known
 * is passed over; the vendor does it later and answers 202, here it is done by then.
 */
#include "dialect/omnisend_private.h"

enum { TAGGED_MAX = 250 /* contacts of each list */ };

/* How the contacts may be named. */
static const struct list {
	struct str name;
	enum identity_kind kind;
} lists[] = {
	{ STR_INIT("contactIDs"), IDENTITY_HEX },
	{ STR_INIT("emails"), IDENTITY_EMAIL },
	{ STR_INIT("phones"), IDENTITY_PHONE },
};

enum { TAGS = ARRAY_LEN(lists), SEGMENT, N_MEMBERS };

static const struct shape_member members[N_MEMBERS] = {
	{ STR_INIT("contactIDs"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	{ STR_INIT("emails"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	{ STR_INIT("phones"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN },
	[TAGS] = { STR_INIT("tags"), SHAPE_ARRAY, .flags = OMNISEND_GIVEN | SHAPE_REQUIRED },
	[SEGMENT] = { STR_INIT("segmentID"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
};

void omnisend_strings(struct call *call, yyjson_val *list, struct str path, size_t most)
{
	size_t n = yyjson_arr_size(list), i, max;
	yyjson_val *v;
	if (n > most) {
		problem_at(&call->problems, PROBLEM_TOO_MANY, path, .rule = "items",
			   .limit = (int64_t)most, .size = (int64_t)n);
		return;
	}
	yyjson_arr_foreach (list, i, max, v)
		if (!yyjson_is_str(v))
			problem_at(&call->problems, PROBLEM_TYPE,
				   problem_index(&call->req->arena, path, i), .rule = "string",
				   .actual = json_type_name(v));
}

static bool are_empty(yyjson_val *tags)
{
	size_t i, max;
	yyjson_val *v;
	yyjson_arr_foreach (tags, i, max, v)
		if (!yyjson_is_str(v) || yyjson_get_len(v) > 0)
			return false;
	return true;
}

static void judge(struct call *call, yyjson_val **v)
{
	bool named = v[SEGMENT] != NULL;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		named |= v[i] != NULL;
		omnisend_strings(call, v[i], lists[i].name, TAGGED_MAX);
	}
	omnisend_strings(call, v[TAGS], members[TAGS].name, OMNISEND_TAGS_MAX);
	if (v[TAGS] && are_empty(v[TAGS]))
		problem_at(&call->problems, PROBLEM_EMPTY, members[TAGS].name);
	if (!named)
		problem_at(&call->problems, PROBLEM_ALTERNATIVES, STR(""),
			   .rule = "contactIDs, emails, phones, segmentID");
}

static bool add_op(struct call *call, enum identity_kind kind, struct str value,
		   const struct attribute_change *change)
{
	value = str_trim(value);
	if (!omnisend_is_name(kind, value))
		return true;
	struct who *who = arena_new(&call->req->arena, struct who);
	if (!who || !omnisend_who(&call->req->arena, who, kind, value))
		return false;
	call->ops[call->n_ops++] = (struct op){ .arena = &call->req->arena,
						.kind = OP_CONTACT,
						.workspace = call->workspace->no,
						.dialect = (uint8_t)call->dialect->no,
						.who = who,
						.n_who = 1,
						.changes = change,
						.n_changes = 1,
						.custom_max = OMNISEND_CUSTOM_MAX };
	return true;
}

static bool add_ops(struct call *call, yyjson_val **v, const struct attribute_change *change)
{
	size_t i, max;
	yyjson_val *value;
	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		yyjson_arr_foreach (v[l], i, max, value)
			if (!add_op(call, lists[l].kind, json_str(value), change))
				return false;
	return true;
}

static enum refusal make_ops(struct call *call, yyjson_val **v, enum attribute_verb verb)
{
	struct arena *a = &call->req->arena;
	struct attribute_change *change = arena_new(a, struct attribute_change);
	size_t n = yyjson_arr_size(v[0]) + yyjson_arr_size(v[1]) + yyjson_arr_size(v[2]);
	struct buf json = buf_in(a);
	call->ops = arena_array(a, struct op, n);
	call->divisible = true;
	omnisend_put_tags(&json, v[TAGS]);
	buf_char(&json, ']');
	if (!change || !call->ops || json.failed)
		return REFUSE_OVERLOADED;
	*change = (struct attribute_change){ .verb = verb,
					     .name = STR("tags"),
					     .json = buf_str(&json) };
	return add_ops(call, v, change) ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static enum refusal decode(struct call *call, enum attribute_verb verb)
{
	yyjson_val *root, *v[N_MEMBERS];
	enum refusal why = omnisend_body(call, &root);
	if (why)
		return why;
	shape_read(call, root, STR(""), members, N_MEMBERS, false, v);
	judge(call, v);
	return call->problems.found ? REFUSE_PROBLEMS : make_ops(call, v, verb);
}

static enum refusal tag_decode(struct call *call)
{
	return decode(call, ATTRIBUTE_UNION);
}

static enum refusal untag_decode(struct call *call)
{
	return decode(call, ATTRIBUTE_WITHOUT);
}

/* Nobody by that name is no fault; a contact that would hold too much is, and the others are done. */
static const struct op *refused(const struct call *call)
{
	for (unsigned i = 0; i < call->n_ops; i++) {
		const struct op *op = &call->ops[i];
		bool unknown =
			op->problems && op->problems->list[0].code == PROBLEM_UNKNOWN_CONTACT;
		if (op->outcome == OP_REFUSED && !unknown)
			return op;
	}
	return NULL;
}

static void answer(struct call *call)
{
	const struct op *op = refused(call);
	if (op)
		call_refuse_op(call, op);
	else
		omnisend_accepted(call);
}

#define TAGGING(decode_)                                                                    \
	{                                                                                   \
		.scope = SCOPE_CONTACTS_WRITE, .body_max = OMNISEND_BODY_MAX,               \
		.rate = { .requests = 60, .window_s = 60 }, .bucket = OMNISEND_BUCKET_TAGS, \
		.decode = (decode_), .answer = answer                                       \
	}

const struct endpoint omnisend_tag = TAGGING(tag_decode);
const struct endpoint omnisend_untag = TAGGING(untag_decode);
