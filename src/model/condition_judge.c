#include "model/condition_private.h"

struct judge {
	const struct workspace *workspace;
	const struct str *definitions;
	unsigned n_definitions;
	struct spec *spec;
};

/* What a path into properties leads to, over the triggering definitions. */
struct way {
	bool known;     /* to a field that one of them declares */
	bool free;      /* or to where one of them declares nothing */
	bool into_list; /* past a list: nothing is ever there */
};

/* The declared field that the path leads to; NULL: none, or inside of an object that is free. */
static const struct field *declared(const struct definition *d, struct str path, struct way *way)
{
	const struct field *fields = d->fields, *f = NULL;
	unsigned n = d->n_fields;
	while (path.n > 0) {
		size_t dot = str_find(path, '.');
		f = field_find(fields, n, path) ?: field_find(fields, n, str_head(path, dot));
		way->free |= f && f->type == FIELD_OBJECT && f->n_fields == 0;
		if (!f)
			return NULL;
		path = str_from(path, MIN(f->name.n + 1, path.n));
		way->into_list |= f->type == FIELD_ARRAY && path.n > 0;
		fields = f->fields;
		n = f->n_fields;
	}
	return f;
}

/* What a test is about. */
struct aim {
	enum field_type type;
	bool is_instant; /* itself, and not a text that tells one */
};

static void judge_value(const struct judge *j, const struct condition *c, struct str path,
			struct aim aim, yyjson_val *v)
{
	const char *wanted = aim.is_instant ? operator_wants_instant(c->operator, v)
					    : operator_wants(c->operator, aim.type, v);
	if (wanted && aim.is_instant)
		problem_at(j->spec->problems, PROBLEM_FORMAT, path, .rule = wanted);
	else if (wanted)
		problem_at(j->spec->problems, PROBLEM_FIELD_TYPE, path, .rule = wanted,
			   .actual = json_type_name(v));
}

static void judge_values(const struct judge *j, const struct condition *c, struct aim aim)
{
	struct str path = spec_path(j->spec, c->path, condition_members[VALUE].name);
	size_t i, n;
	yyjson_val *v;
	if (!yyjson_is_arr(c->value))
		return judge_value(j, c, path, aim, c->value);
	yyjson_arr_foreach (c->value, i, n, v)
		judge_value(j, c, problem_index(j->spec->arena, path, i), aim, v);
}

static bool fits(const struct condition *c, struct aim aim)
{
	return aim.is_instant ? operator_fits_instant(c->operator)
			      : operator_fits(c->operator, aim.type);
}

static void judge_operator(const struct judge *j, const struct condition *c, struct aim aim)
{
	const char *wants = operator_type_rule(c->operator);
	struct str rule = { 0 };
	if (fits(c, aim))
		return judge_values(j, c, aim);
	rule = arena_printf(j->spec->arena, "a field of type %s: it wants %s",
			    field_type_name(aim.type), wants);
	j->spec->refused |= !rule.p;
	problem_at(j->spec->problems, PROBLEM_CLASH,
		   spec_path(j->spec, c->path, condition_members[OPERATOR].name), .rule = rule.p);
}

static void judge_property(const struct judge *j, const struct condition *c)
{
	struct str path = str_from(c->field, strlen("properties."));
	struct str at = spec_path(j->spec, c->path, condition_members[FIELD].name);
	struct way way = { .free = j->n_definitions == 0 };
	for (unsigned i = 0; i < j->n_definitions; i++) {
		const struct definition *d = workspace_definition(j->workspace, j->definitions[i]);
		struct way one = { .free = !d || d->n_fields == 0 };
		const struct field *f = d ? declared(d, path, &one) : NULL;
		way.free |= one.free;
		way.known |= f && !one.into_list;
		way.into_list |= one.into_list;
		if (f && !one.into_list)
			judge_operator(j, c, (struct aim){ .type = f->type });
	}
	if (way.known || way.free)
		return;
	if (way.into_list)
		problem_at(j->spec->problems, PROBLEM_FORMAT, at,
			   .rule = "way into objects: a list has no members");
	else
		problem_at(j->spec->problems, PROBLEM_UNKNOWN_FIELD, at);
}

static struct aim aim_at_event(struct str field)
{
	if (str_eq(field, STR("event.definition")))
		return (struct aim){ .type = FIELD_STRING };
	return (struct aim){ .type = FIELD_DATETIME, .is_instant = true };
}

static void judge_level(const struct judge *j, const struct condition *c)
{
	for (unsigned i = 0; i < c->n_parts; i++)
		judge_level(j, c->parts[i]);
	if (c->kind == CONDITION_TEST && str_starts(c->field, STR("properties.")))
		judge_property(j, c);
	if (c->kind == CONDITION_TEST && str_starts(c->field, STR("event.")))
		judge_operator(j, c, aim_at_event(c->field));
	if (c->kind == CONDITION_COUNT && c->of.p && !workspace_definition(j->workspace, c->of))
		problem_at(j->spec->problems, PROBLEM_UNKNOWN_DEFINITION,
			   spec_path(j->spec, c->path, condition_members[COUNT].name));
}

void condition_judge(const struct condition *c, const struct workspace *w,
		     const struct str *definitions, unsigned n, struct spec *s)
{
	const struct judge j = { w, definitions, n, s };
	judge_level(&j, c);
}
