/* What Infobip's event calls read alike: media type, body, eventId, properties. */
#include "dialect/infobip_private.h"

/* application/json, text/json, application/json-patch+json, application/<anything>+json */
static bool is_json_type(struct str type)
{
	if (str_eq_nocase(type, STR("application/json")) || str_eq_nocase(type, STR("text/json")))
		return true;
	static const struct str start = STR_INIT("application/"), end = STR_INIT("+json");
	return type.n > start.n + end.n && str_eq_nocase(str_head(type, start.n), start) &&
	       str_eq_nocase(str_from(type, type.n - end.n), end);
}

/* One that is missing will do, parameters do not matter. */
bool infobip_takes_content_type(const struct request *req)
{
	struct str type = request_header(req, STR("Content-Type"));
	return type.n == 0 || is_json_type(str_trim(str_head(type, str_find(type, ';'))));
}

enum refusal infobip_so_far(const struct call *call)
{
	return call->problems.found ? REFUSE_PROBLEMS : REFUSE_NOTHING;
}

enum refusal infobip_body(struct call *call, yyjson_val **root)
{
	if (!infobip_takes_content_type(call->req))
		return REFUSE_MEDIA_TYPE;
	enum refusal why = call_json(call, root);
	if (why || yyjson_is_obj(*root))
		return why;
	call->json_error = (struct json_error){ .what = "the body is not an object" };
	return REFUSE_JSON;
}

static bool form_event_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return true;
}

const struct shape_member infobip_event_id_member = {
	STR_INIT("eventId"),
	SHAPE_STRING,
	SHAPE_NULL_ABSENT | SHAPE_NOT_EMPTY,
	36,
	form_event_id,
	"text of letters (A-Z, a-z), digits, _ and -"
};

void infobip_dedupe(struct op *op, struct str event_id)
{
	op->dedupe = (struct dedupe){ .key = event_id, .space = DEDUPE_INFOBIP_EVENT };
}

enum refusal infobip_properties(struct call *call, const struct definition *d, yyjson_val *v,
				struct str path, struct op *op)
{
	enum {
		POLICY = CHECK_UNKNOWN | CHECK_ZONE_OPTIONAL | CHECK_DATE_OR_TIME |
			 CHECK_ARRAY_OBJECTS
	};
	if (yyjson_is_arr(v) && yyjson_arr_size(v) == 0)
		v = NULL; /* an empty map of PHP */
	if (v && !yyjson_is_obj(v))
		problem_at(&call->problems, PROBLEM_TYPE, path, .rule = "object",
			   .actual = json_type_name(v));
	else
		(void)check_properties(d, v, POLICY, op->arena, path, &call->problems);
	op->properties = v ? json_text(op->arena, v) : STR("{}");
	return infobip_so_far(call) ?: (op->properties.p ? REFUSE_NOTHING : REFUSE_OVERLOADED);
}
