#include "model/condition_private.h"

#include "base/fail.h"

/* Into objects: the last name may itself hold dots, and the longer one counts. */
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
