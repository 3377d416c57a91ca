#include "base/json.h"
#include "model/problem.h"

enum { PATH_MAX_BYTES = 256 }; /* of a path that is kept: whoever sent it knows the rest */

static void put_text(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json_str(b, str_of(text));
}

static void put_one(struct buf *b, const struct problem *p)
{
	struct str path = str_head(p->path, PATH_MAX_BYTES);
	buf_printf(b, "{\"code\":%d,\"path\":", (int)p->code);
	buf_json_str(b, str_head(path, str_utf8_prefix(path)));
	put_text(b, "rule", p->rule);
	put_text(b, "actual", p->actual);
	buf_printf(b, ",\"limit\":%lld,\"size\":%lld}", (long long)p->limit, (long long)p->size);
}

void problems_put_json(struct buf *b, const struct problems *ps)
{
	buf_printf(b, "{\"found\":%u,\"list\":[", ps->found);
	for (unsigned i = 0; i < ps->n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_one(b, &ps->list[i]);
	}
	buf_lit(b, "]}");
}

/* 0 for what is no number. */
static int64_t number(yyjson_val *v, struct str name)
{
	int64_t n = 0;
	yyjson_val *member = json_get(v, name);
	return member && json_number_to_i64(member, &n) ? n : 0;
}

/* The tree's strings end with a NUL. */
static const char *text(yyjson_val *v, struct str name)
{
	return yyjson_get_str(json_get(v, name));
}

static bool read_one(yyjson_val *v, struct problem *p)
{
	int64_t code = number(v, STR("code"));
	struct str path = json_str(json_get(v, STR("path")));
	*p = (struct problem){ .code = (enum problem_code)code,
			       .path = path,
			       .rule = text(v, STR("rule")),
			       .actual = text(v, STR("actual")),
			       .limit = number(v, STR("limit")),
			       .size = number(v, STR("size")) };
	return code > PROBLEM_NONE && code <= PROBLEM_LAST && path.p;
}

bool problems_read_json(struct arena *a, struct str json, struct problems *ps)
{
	yyjson_val *root, *list, *v;
	size_t i, n;
	*ps = (struct problems){ 0 };
	if (json_parse(a, json, &root, NULL) != JSON_OK)
		return false;
	list = json_get(root, STR("list"));
	int64_t found = number(root, STR("found"));
	if (!yyjson_is_arr(list) || yyjson_arr_size(list) > PROBLEMS_MAX || found < 1 ||
	    found > UINT32_MAX)
		return false;
	yyjson_arr_foreach (list, i, n, v) {
		if (!read_one(v, &ps->list[ps->n++]))
			return false;
	}
	ps->found = (unsigned)found;
	return ps->n > 0;
}
