#include "model/condition.h"

#include "base/fail.h"
#include "model/condition_value.h"

enum condition_kind {
	CONDITION_ALL,
	CONDITION_ANY,
	CONDITION_NOT,
	CONDITION_TEST,
	CONDITION_COUNT,
};

struct condition {
	enum condition_kind kind;
	struct str path; /* in the declaration */

	const struct condition **parts; /* of all, any; the one of not */
	unsigned n_parts;

	struct str field; /* of a test */
	struct str of;    /* of a count: the definition; .p NULL: any */
	int64_t within_s; /* of a count; 0: ever */
	const struct operator* operator;
	yyjson_val *value; /* NULL: none */
};

/* --- Reading --- */

struct reader {
	struct spec *spec;
	unsigned n_tests;
};

enum { FIELD, COUNT, WITHIN, OPERATOR, VALUE, ALL, ANY, NOT, N_MEMBERS };

static const struct spec_member members[N_MEMBERS] = {
	[FIELD] = { STR_INIT("field"), SPEC_STRING, false, 1, CONDITION_FIELD_MAX },
	[COUNT] = { STR_INIT("count"), SPEC_ANY },
	[WITHIN] = { STR_INIT("within_seconds"), SPEC_INTEGER, false, 1, 366LL * 24 * 60 * 60 },
	[OPERATOR] = { STR_INIT("operator"), SPEC_STRING, false, 1, 20 },
	[VALUE] = { STR_INIT("value"), SPEC_ANY },
	[ALL] = { STR_INIT("all"), SPEC_ARRAY, false, 1, CONDITION_TESTS_MAX },
	[ANY] = { STR_INIT("any"), SPEC_ARRAY, false, 1, CONDITION_TESTS_MAX },
	[NOT] = { STR_INIT("not"), SPEC_OBJECT },
};

static struct condition *read_level(struct reader *r, yyjson_val *v, struct str path,
				    unsigned depth);

static void wrong(struct reader *r, struct str path, enum problem_code code, const char *rule)
{
	problem_at(r->spec->problems, code, path, .rule = rule);
}

static void read_list(struct reader *r, yyjson_val *list, struct condition *c, struct str path,
		      unsigned depth)
{
	size_t i, n;
	yyjson_val *v;
	c->parts = arena_array(r->spec->arena, const struct condition *, yyjson_arr_size(list));
	r->spec->refused |= !c->parts;
	if (!c->parts)
		return;
	yyjson_arr_foreach (list, i, n, v)
		c->parts[c->n_parts++] =
			read_level(r, v, problem_index(r->spec->arena, path, i), depth + 1);
}

static void read_not(struct reader *r, yyjson_val *v, struct condition *c, struct str path,
		     unsigned depth)
{
	c->parts = arena_array(r->spec->arena, const struct condition *, 1);
	r->spec->refused |= !c->parts;
	if (c->parts)
		c->parts[c->n_parts++] = read_level(r, v, path, depth + 1);
}

/* What a contact is shown with beside its attributes: no attribute, and so never there. */
static bool is_of_document(struct str field)
{
	static const struct str shown[] = {
		STR_INIT("contact.id"),          STR_INIT("contact.number"),
		STR_INIT("contact.identities"),  STR_INIT("contact.attributes"),
		STR_INIT("contact.created_at"),  STR_INIT("contact.updated_at"),
		STR_INIT("contact.event_count"), STR_INIT("contact.last_event_at"),
	};
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		if (str_eq(field, shown[i]))
			return true;
	return false;
}

static bool field_is_known(struct str field)
{
	static const struct str events[] = { STR_INIT("event.definition"),
					     STR_INIT("event.occurred_at"),
					     STR_INIT("event.received_at") };
	static const struct str groups[] = { STR_INIT("properties."), STR_INIT("contact.custom."),
					     STR_INIT("contact.") };
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_eq(field, events[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (str_starts(field, groups[i]))
			return field.n > groups[i].n && !is_of_document(field);
	return false;
}

static void read_field(struct reader *r, yyjson_val **v, struct condition *c)
{
	c->kind = CONDITION_TEST;
	c->field = json_str(v[FIELD]);
	if (!field_is_known(c->field))
		wrong(r, spec_path(r->spec, c->path, members[FIELD].name), PROBLEM_VALUE,
		      "properties.NAME, contact.NAME, contact.custom.NAME, event.definition, "
		      "event.occurred_at, event.received_at");
	if (v[WITHIN])
		wrong(r, spec_path(r->spec, c->path, members[WITHIN].name), PROBLEM_UNKNOWN_MEMBER,
		      NULL);
}

static void read_count(struct reader *r, yyjson_val **v, struct condition *c)
{
	c->kind = CONDITION_COUNT;
	c->of = json_str(v[COUNT]);
	c->within_s = spec_integer(v[WITHIN], 0);
	if (!yyjson_is_str(v[COUNT]) && !yyjson_is_true(v[COUNT]))
		wrong(r, spec_path(r->spec, c->path, members[COUNT].name), PROBLEM_FORMAT,
		      "definition's name, or true for any");
}

static void read_operator(struct reader *r, yyjson_val **v, struct condition *c)
{
	struct str at = spec_path(r->spec, c->path, members[OPERATOR].name);
	bool counts = c->kind == CONDITION_COUNT;
	if (!v[OPERATOR])
		return wrong(r, at, PROBLEM_REQUIRED, NULL);
	c->operator= operator_find(json_str(v[OPERATOR]));
	if (!c->operator)
		return wrong(r, at, PROBLEM_VALUE, OPERATOR_NAMES);
	if (counts && !operator_counts(c->operator))
		return wrong(r, at, PROBLEM_VALUE, "equals, gt, gte, lt, lte");
	c->value = v[VALUE];
	const char *rule = counts ? operator_count_rule(c->value, CONDITION_COUNT_MAX)
				  : operator_value_rule(c->operator, c->value);
	if (rule)
		wrong(r, spec_path(r->spec, c->path, members[VALUE].name), PROBLEM_FORMAT, rule);
}

static void read_test(struct reader *r, yyjson_val **v, struct condition *c)
{
	if (++r->n_tests == CONDITION_TESTS_MAX + 1)
		problem_at(r->spec->problems, PROBLEM_TOO_MANY, c->path, .rule = "tests",
			   .limit = CONDITION_TESTS_MAX);
	if (v[FIELD])
		read_field(r, v, c);
	else
		read_count(r, v, c);
	read_operator(r, v, c);
}

/* Exactly one of the five, and with all, any and not nothing else. */
static bool is_one_thing(yyjson_val **v)
{
	unsigned tests = !!v[FIELD] + !!v[COUNT], groups = !!v[ALL] + !!v[ANY] + !!v[NOT];
	bool more = v[WITHIN] || v[OPERATOR] || v[VALUE];
	return tests + groups == 1 && !(groups && more);
}

static struct condition *read_level(struct reader *r, yyjson_val *v, struct str path,
				    unsigned depth)
{
	struct condition *c = arena_new(r->spec->arena, struct condition);
	yyjson_val *m[N_MEMBERS];
	unsigned before = r->spec->problems->found;
	r->spec->refused |= !c;
	if (!c)
		return NULL;
	c->path = path;
	if (depth > CONDITION_DEPTH_MAX) {
		problem_at(r->spec->problems, PROBLEM_NESTED, path, .limit = CONDITION_DEPTH_MAX);
		return c;
	}
	spec_read(r->spec, v, path, members, N_MEMBERS, m);
	if (r->spec->problems->found != before)
		return c;
	if (!is_one_thing(m)) {
		wrong(r, path, PROBLEM_ALTERNATIVES, "field, count, all, any, not");
	} else if (m[ALL] || m[ANY]) {
		unsigned k = m[ALL] ? ALL : ANY;
		c->kind = m[ALL] ? CONDITION_ALL : CONDITION_ANY;
		read_list(r, m[k], c, spec_path(r->spec, path, members[k].name), depth);
	} else if (m[NOT]) {
		c->kind = CONDITION_NOT;
		read_not(r, m[NOT], c, spec_path(r->spec, path, members[NOT].name), depth);
	} else {
		read_test(r, m, c);
	}
	return c;
}

const struct condition *condition_read(struct spec *s, yyjson_val *v, struct str path)
{
	struct reader r = { .spec = s };
	unsigned before = s->problems->found;
	const struct condition *c = read_level(&r, v, path, 1);
	return s->problems->found == before && !s->refused ? c : NULL;
}

/* --- Judging --- */

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

static void judge_value(const struct judge *j, const struct condition *c, struct str path,
			enum field_type type, yyjson_val *v)
{
	const char *wanted = operator_wants(c->operator, type, v);
	if (wanted)
		problem_at(j->spec->problems, PROBLEM_FIELD_TYPE, path, .rule = wanted,
			   .actual = json_type_name(v));
}

static void judge_values(const struct judge *j, const struct condition *c, enum field_type type)
{
	struct str path = spec_path(j->spec, c->path, members[VALUE].name);
	size_t i, n;
	yyjson_val *v;
	if (!yyjson_is_arr(c->value))
		return judge_value(j, c, path, type, c->value);
	yyjson_arr_foreach (c->value, i, n, v)
		judge_value(j, c, problem_index(j->spec->arena, path, i), type, v);
}

static void judge_operator(const struct judge *j, const struct condition *c, enum field_type type)
{
	const char *wants = operator_type_rule(c->operator);
	struct str rule = { 0 };
	if (operator_fits(c->operator, type))
		return judge_values(j, c, type);
	rule = arena_printf(j->spec->arena, "a field of type %s: it wants %s",
			    field_type_name(type), wants);
	j->spec->refused |= !rule.p;
	problem_at(j->spec->problems, PROBLEM_CLASH,
		   spec_path(j->spec, c->path, members[OPERATOR].name), .rule = rule.p);
}

static void judge_property(const struct judge *j, const struct condition *c)
{
	struct str path = str_from(c->field, strlen("properties."));
	struct str at = spec_path(j->spec, c->path, members[FIELD].name);
	struct way way = { .free = j->n_definitions == 0 };
	for (unsigned i = 0; i < j->n_definitions; i++) {
		const struct definition *d = workspace_definition(j->workspace, j->definitions[i]);
		struct way one = { .free = !d || d->n_fields == 0 };
		const struct field *f = d ? declared(d, path, &one) : NULL;
		way.free |= one.free;
		way.known |= f && !one.into_list;
		way.into_list |= one.into_list;
		if (f && !one.into_list)
			judge_operator(j, c, f->type);
	}
	if (way.known || way.free)
		return;
	if (way.into_list)
		problem_at(j->spec->problems, PROBLEM_FORMAT, at,
			   .rule = "way into objects: a list has no members");
	else
		problem_at(j->spec->problems, PROBLEM_UNKNOWN_FIELD, at);
}

static void judge_level(const struct judge *j, const struct condition *c)
{
	for (unsigned i = 0; i < c->n_parts; i++)
		judge_level(j, c->parts[i]);
	if (c->kind == CONDITION_TEST && str_starts(c->field, STR("properties.")))
		judge_property(j, c);
	if (c->kind == CONDITION_TEST && str_starts(c->field, STR("event.")))
		judge_operator(j, c,
			       str_eq(c->field, STR("event.definition")) ? FIELD_STRING
									 : FIELD_DATETIME);
	if (c->kind == CONDITION_COUNT && c->of.p && !workspace_definition(j->workspace, c->of))
		problem_at(j->spec->problems, PROBLEM_UNKNOWN_DEFINITION,
			   spec_path(j->spec, c->path, members[COUNT].name));
}

void condition_judge(const struct condition *c, const struct workspace *w,
		     const struct str *definitions, unsigned n, struct spec *s)
{
	const struct judge j = { w, definitions, n, s };
	judge_level(&j, c);
}

/* --- Asking --- */

/* Into objects: a name may itself hold dots, and the longer one counts. */
static yyjson_val *walk(yyjson_val *v, struct str path)
{
	while (v && path.n > 0) {
		yyjson_val *whole = json_get(v, path);
		if (whole)
			return whole;
		size_t dot = str_find(path, '.');
		if (dot == path.n)
			return NULL;
		v = json_get(v, str_head(path, dot));
		path = str_from(path, dot + 1);
	}
	return v;
}

static yyjson_val *identity_value(yyjson_val *identities, struct str kind)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (identities, i, n, v)
		if (str_eq(json_str(json_get(v, STR("kind"))), kind))
			return json_get(v, STR("value"));
	return NULL;
}

static struct operand operand_of(struct str field, const struct facts *f)
{
	static const struct str properties = STR_INIT("properties."),
				contact = STR_INIT("contact.");
	if (str_starts(field, properties))
		return operand_json(walk(f->properties, str_from(field, properties.n)));
	if (str_starts(field, contact)) {
		struct str name = str_from(field, contact.n);
		yyjson_val *v = walk(f->attributes, name);
		return operand_json(v ?: identity_value(f->identities, name));
	}
	if (str_eq(field, STR("event.definition")))
		return operand_text(f->definition);
	return operand_instant(str_eq(field, STR("event.occurred_at")) ? f->occurred_at
								       : f->received_at);
}

bool condition_asks_contact(const struct condition *c)
{
	bool asks = c->kind == CONDITION_TEST && str_starts(c->field, STR("contact."));
	for (unsigned i = 0; i < c->n_parts && !asks; i++)
		asks = condition_asks_contact(c->parts[i]);
	return asks;
}

static int count_meets(const struct condition *c, const struct facts *f, bool *met)
{
	uint64_t n = 0;
	instant_us since = c->within_s ? f->now - c->within_s * US_PER_S : 0;
	int r = f->count(f->ctx, c->of, since, &n);
	*met = r == 0 && operator_counted(c->operator, n, c->value);
	return pass(r);
}

static int group_meets(const struct condition *c, const struct facts *f, bool *met,
		       struct str *unmet)
{
	bool all = c->kind == CONDITION_ALL;
	int r = 0;
	*met = all;
	for (unsigned i = 0; i < c->n_parts && *met == all && r == 0; i++)
		r = condition_meets(c->parts[i], f, met, unmet);
	if (c->kind == CONDITION_NOT)
		*met = !*met;
	if (!all)
		*unmet = c->path;
	return pass(r);
}

int condition_meets(const struct condition *c, const struct facts *f, bool *met, struct str *unmet)
{
	switch (c->kind) {
	case CONDITION_ALL:
	case CONDITION_ANY:
	case CONDITION_NOT:
		return pass(group_meets(c, f, met, unmet));
	case CONDITION_COUNT:
		*unmet = c->path;
		return pass(count_meets(c, f, met));
	case CONDITION_TEST:
		break;
	}
	*unmet = c->path;
	*met = operator_met(c->operator, operand_of(c->field, f), c->value, f->now);
	return 0;
}
