#include "model/condition_private.h"

struct reader {
	struct spec *spec;
	unsigned n_tests;
};

const struct spec_member condition_members[N_MEMBERS] = {
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
		wrong(r, spec_path(r->spec, c->path, condition_members[FIELD].name), PROBLEM_VALUE,
		      "properties.NAME, contact.NAME, contact.custom.NAME, event.definition, "
		      "event.occurred_at, event.received_at");
	if (v[WITHIN])
		wrong(r, spec_path(r->spec, c->path, condition_members[WITHIN].name),
		      PROBLEM_UNKNOWN_MEMBER, NULL);
}

static void read_count(struct reader *r, yyjson_val **v, struct condition *c)
{
	c->kind = CONDITION_COUNT;
	c->of = json_str(v[COUNT]);
	c->within_s = spec_integer(v[WITHIN], 0);
	if (!yyjson_is_str(v[COUNT]) && !yyjson_is_true(v[COUNT]))
		wrong(r, spec_path(r->spec, c->path, condition_members[COUNT].name), PROBLEM_FORMAT,
		      "definition's name, or true for any");
}

static void read_operator(struct reader *r, yyjson_val **v, struct condition *c)
{
	struct str at = spec_path(r->spec, c->path, condition_members[OPERATOR].name);
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
		wrong(r, spec_path(r->spec, c->path, condition_members[VALUE].name), PROBLEM_FORMAT,
		      rule);
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
	spec_read(r->spec, v, path, condition_members, N_MEMBERS, m);
	if (r->spec->problems->found != before)
		return c;
	if (!is_one_thing(m)) {
		wrong(r, path, PROBLEM_ALTERNATIVES, "field, count, all, any, not");
	} else if (m[ALL] || m[ANY]) {
		unsigned k = m[ALL] ? ALL : ANY;
		c->kind = m[ALL] ? CONDITION_ALL : CONDITION_ANY;
		read_list(r, m[k], c, spec_path(r->spec, path, condition_members[k].name), depth);
	} else if (m[NOT]) {
		c->kind = CONDITION_NOT;
		read_not(r, m[NOT], c, spec_path(r->spec, path, condition_members[NOT].name),
			 depth);
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
