/*
 * A contact as Omnisend shows it.
 */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

/* A member of the answer, and the attribute it comes from. */
struct shown {
	struct str name, attribute;
	char empty; /* what stands for absent: '"' a string, '[' a list, '{' an object */
};

static const struct shown v4[] = {
	{ STR_INIT("email"), STR_INIT("email"), '"' },
	{ STR_INIT("phoneNumber"), STR_INIT("phone"), '"' },
	{ STR_INIT("firstName"), STR_INIT("first_name"), '"' },
	{ STR_INIT("lastName"), STR_INIT("last_name"), '"' },
	{ STR_INIT("gender"), STR_INIT("gender"), '"' },
	{ STR_INIT("birthdate"), STR_INIT("birthdate"), '"' },
	{ STR_INIT("address"), STR_INIT("address"), '"' },
	{ STR_INIT("country"), STR_INIT("country"), '"' },
	{ STR_INIT("countryCode"), STR_INIT("country_code"), '"' },
	{ STR_INIT("city"), STR_INIT("city"), '"' },
	{ STR_INIT("state"), STR_INIT("state"), '"' },
	{ STR_INIT("postalCode"), STR_INIT("postal_code"), '"' },
	{ STR_INIT("tags"), STR_INIT("tags"), '[' },
	{ STR_INIT("consents"), STR_INIT("consents"), '[' },
	{ STR_INIT("optIns"), STR_INIT("opt_ins"), '[' },
	{ STR_INIT("optOuts"), STR_INIT("opt_outs"), '[' },
	{ STR_INIT("customProperties"), STR_INIT("custom"), '{' },
};

static bool is_of(yyjson_val *v, char type)
{
	if (type == '"')
		return yyjson_is_str(v);
	return type == '[' ? yyjson_is_arr(v) : yyjson_is_obj(v);
}

/* What another dialect has stored under the name in another type is not shown: clients are typed.
 */
static void put_member(struct buf *b, const struct shown *m, yyjson_val *attributes)
{
	yyjson_val *v = json_get(attributes, m->attribute);
	buf_char(b, ',');
	buf_json_str(b, m->name);
	buf_char(b, ':');
	if (is_of(v, m->empty))
		json_put(b, v);
	else
		buf_put(b, m->empty == '"' ? STR("\"\"") : m->empty == '[' ? STR("[]") : STR("{}"));
}

static void put_id(struct buf *b, const char *name, const struct contact_view *c)
{
	char hex[CONTACT_HEX + 1];
	contact_hex(c->number, c->created_at, hex);
	buf_printf(b, "\"%s\":\"%s\"", name, hex);
}

/* The store's own text: it fails to be read only when memory does. */
static yyjson_val *attributes_of(struct buf *b, const struct contact_view *c)
{
	yyjson_val *root = NULL;
	b->failed |= json_parse(b->arena, c->attributes, &root, NULL) != JSON_OK;
	return root;
}

void omnisend_put_v4(struct buf *b, const struct contact_view *c)
{
	yyjson_val *attributes = attributes_of(b, c);
	buf_char(b, '{');
	put_id(b, "id", c);
	for (size_t i = 0; i < ARRAY_LEN(v4); i++)
		put_member(b, &v4[i], attributes);
	buf_char(b, '}');
}
