/*
 * The switches of a workspace as JSON: all that there are, each with its value. Those that are on or
 * off are booleans, the others words.
 */
#include "api/native_query.h"
#include "dialect/switches.h"

static bool is_boolean(const struct switch_info *info)
{
	return str_eq(info->values[0], STR("false"));
}

void native_put_switches(struct buf *b, const struct workspace *w)
{
	char between = '{';
	for (enum switch_no no = SWITCH_NONE + 1; no < SWITCHES_END; no++) {
		const struct switch_info *info = &switches[no];
		struct str value = info->values[switch_value(w, no)];
		buf_char(b, between);
		buf_json_str(b, info->name);
		buf_char(b, ':');
		if (is_boolean(info))
			buf_put(b, value);
		else
			buf_json_str(b, value);
		between = ',';
	}
	buf_char(b, '}');
}

/* "a, b, c": what a switch can be set to. NULL: memory is refused. */
static const char *values_of(struct native_query *q, const struct switch_info *info)
{
	struct buf b = buf_in(&q->req->arena);
	for (unsigned i = 0; i < SWITCH_VALUES_MAX && info->values[i].p; i++) {
		if (i > 0)
			buf_lit(&b, ", ");
		buf_put(&b, info->values[i]);
	}
	buf_char(&b, '\0');
	return b.failed ? NULL : b.p;
}

/* The table's own string; NULL: it cannot be set to that. */
static const struct str *read_value(enum switch_no no, yyjson_val *v)
{
	if (yyjson_is_bool(v) != is_boolean(&switches[no]))
		return NULL;
	if (yyjson_is_bool(v))
		return switch_parse(no, yyjson_is_true(v) ? STR("true") : STR("false"));
	return yyjson_is_str(v) ? switch_parse(no, json_str(v)) : NULL;
}

static void read_switch(struct native_query *q, struct str name, yyjson_val *v,
			struct switch_setting *list, unsigned *n)
{
	struct str path = problem_path(&q->req->arena, STR("switches"), name);
	enum switch_no no = switch_find(name);
	if (no == SWITCH_NONE)
		return problem_at(&q->body_of.problems, PROBLEM_UNKNOWN_MEMBER, path);
	const struct str *value = read_value(no, v);
	if (!value)
		return problem_at(&q->body_of.problems, PROBLEM_VALUE, path,
				  .rule = values_of(q, &switches[no]));
	must(*n < SWITCHES_END);
	list[(*n)++] = (struct switch_setting){ switches[no].name, *value };
}

bool native_read_switches(struct native_query *q, yyjson_val *object, struct workspace *w)
{
	struct switch_setting *list =
		arena_array(&q->req->arena, struct switch_setting, SWITCHES_END);
	size_t i, max;
	yyjson_val *name, *v;
	if (!list)
		return native_refuse(q, 503, "");
	yyjson_obj_foreach (object, i, max, name, v)
		read_switch(q, json_str(name), v, list, &w->n_switches);
	w->switches = list;
	return true;
}
