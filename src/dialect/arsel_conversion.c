/*
 * Whether an event counts as a conversion, and which of its fields say what it is worth. Nothing
 * here acts on it; it is kept for who reads the definition, as {"arsel":{"conversion":{...}}} of
 * its annotations.
 */
#include "dialect/arsel_private.h"

enum { ENABLED, VALUE_FIELD, CURRENCY_FIELD, CURRENCIES, N_MEMBERS };
enum { CURRENCIES_MAX = 200, CURRENCY = 3 /* letters */ };

static const struct shape_member members[N_MEMBERS] = {
	[ENABLED] = { STR_INIT("enabled"), SHAPE_BOOLEAN, SHAPE_REQUIRED | SHAPE_NULL_ABSENT, 0,
		      NULL, NULL },
	[VALUE_FIELD] = { STR_INIT("value_field"), SHAPE_STRING, SHAPE_NULL_ABSENT, 64, NULL,
			  NULL },
	[CURRENCY_FIELD] = { STR_INIT("currency_field"), SHAPE_STRING, SHAPE_NULL_ABSENT, 64, NULL,
			     NULL },
	[CURRENCIES] = { STR_INIT("currencies"), SHAPE_ARRAY, SHAPE_NULL_ABSENT, 0, NULL, NULL },
};

static bool is_currency(const yyjson_val *v)
{
	struct str s = json_str(v);
	bool good = yyjson_is_str((yyjson_val *)v) && s.n == CURRENCY;
	for (size_t i = 0; good && i < s.n; i++)
		good = s.p[i] >= 'A' && s.p[i] <= 'Z';
	return good;
}

static void judge_currencies(struct call *call, yyjson_val *list)
{
	size_t i, max;
	yyjson_val *item;
	bool good = yyjson_arr_size(list) <= CURRENCIES_MAX;
	if (!good)
		return problem_at(&call->problems, PROBLEM_TOO_MANY, STR("conversion.currencies"),
				  .rule = "items", .limit = CURRENCIES_MAX);
	yyjson_arr_foreach (list, i, max, item)
		good = good && is_currency(item);
	if (!good)
		problem_at(&call->problems, PROBLEM_FORMAT, STR("conversion.currencies"));
}

/* What is off is off: the rest of it is not kept. */
static void take(yyjson_val *const *v, struct arsel_conversion *out)
{
	*out = (struct arsel_conversion){ .enabled = yyjson_is_true(v[ENABLED]) };
	if (!out->enabled)
		return;
	out->value_field = json_str(v[VALUE_FIELD]);
	out->currency_field = json_str(v[CURRENCY_FIELD]);
	out->currencies = v[CURRENCIES];
}

void arsel_conversion_read(struct call *call, yyjson_val *body, struct arsel_conversion *out)
{
	yyjson_val *v[N_MEMBERS];
	shape_read(call, body, STR("conversion"), members, N_MEMBERS, false, v);
	if (v[CURRENCIES])
		judge_currencies(call, v[CURRENCIES]);
	take(v, out);
}

void arsel_conversion_stored(struct arena *a, const struct definition *d,
			     struct arsel_conversion *out)
{
	yyjson_val *root = NULL, *v[N_MEMBERS];
	*out = (struct arsel_conversion){ 0 };
	if (d->annotations.n == 0 || json_parse(a, d->annotations, &root, NULL) != JSON_OK)
		return;
	yyjson_val *kept = json_get(json_get(root, STR("arsel")), STR("conversion"));
	for (unsigned i = 0; i < N_MEMBERS; i++)
		v[i] = json_get(kept, members[i].name);
	take(v, out);
}

static bool names_field(const struct definition *d, struct str name, struct str type)
{
	const struct field *f = name.p ? field_find(d->fields, d->n_fields, name) : NULL;
	return !name.p || (f && str_eq(arsel_type_name(f->type), type));
}

bool arsel_conversion_fits(const struct arsel_conversion *c, const struct definition *d,
			   struct str *about)
{
	bool value = names_field(d, c->value_field, STR("number"));
	*about = value ? STR("currency_field") : STR("value_field");
	return value && names_field(d, c->currency_field, STR("string"));
}

void arsel_conversion_put(struct buf *b, const struct arsel_conversion *c)
{
	buf_printf(b, "{\"enabled\":%s", c->enabled ? "true" : "false");
	arsel_put_text(b, "value_field", c->value_field);
	arsel_put_text(b, "currency_field", c->currency_field);
	buf_lit(b, ",\"currencies\":");
	json_put(b, c->currencies);
	buf_char(b, '}');
}

struct str arsel_conversion_annotate(struct arena *a, const struct definition *old,
				     const struct arsel_conversion *c)
{
	struct buf b = buf_in(a);
	buf_lit(&b, "{\"conversion\":");
	arsel_conversion_put(&b, c);
	buf_char(&b, '}');
	return b.failed ? (struct str){ 0 } : annotate(a, old, STR("arsel"), buf_str(&b));
}
