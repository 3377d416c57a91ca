#include "model/document.h"

static const char *const kinds[] = {
	[DOCUMENT_DESTINATION] = "destination",
	[DOCUMENT_AUTOMATION] = "automation",
};

const char *document_kind_name(enum document_kind kind)
{
	must(kind >= DOCUMENT_DESTINATION && kind <= DOCUMENT_KINDS);
	return kinds[kind];
}

int document_compare(enum document_kind kind, struct str name, const struct document *d)
{
	if (kind != d->kind)
		return kind < d->kind ? -1 : 1;
	return str_cmp(name, d->name);
}

/* --- Merging --- */

static bool is_secret(struct str name)
{
	return str_eq(name, STR("secret")) || str_eq(name, STR("secrets"));
}

/* What is sent to a destination so that it takes the rest. */
static bool lets_in(struct str name)
{
	return str_eq(name, STR("password")) || str_eq(name, STR("key"));
}

/* Who does not know a password shall not learn it by sending it somewhere. */
static bool leads_elsewhere(yyjson_val *patch)
{
	static const struct str ways[] = {
		STR_INIT("brokers"), STR_INIT("tls"), STR_INIT("ca"),
		STR_INIT("sasl"),    STR_INIT("url"), STR_INIT("vendor")
	};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (json_get(patch, ways[i]))
			return true;
	return false;
}

/* Whether the patch says what comes of a member that is there. */
static bool is_replaced(yyjson_val *patch, struct str name)
{
	if (is_secret(name))
		return json_get(patch, STR("secret")) || json_get(patch, STR("secrets"));
	return json_get(patch, name) || (lets_in(name) && leads_elsewhere(patch));
}

static void put_member(struct buf *b, bool *first, struct str name, const yyjson_val *v)
{
	if (!*first)
		buf_char(b, ',');
	*first = false;
	buf_json_str(b, name);
	buf_char(b, ':');
	json_put(b, v);
}

struct str document_merge(struct arena *a, struct str body, yyjson_val *patch)
{
	struct buf b = buf_in(a);
	yyjson_val *old, *name, *v;
	size_t i, n;
	bool first = true;
	if (json_parse(a, body, &old, NULL) != JSON_OK || !yyjson_is_obj(old))
		return (struct str){ 0 };
	buf_char(&b, '{');
	json_foreach_member (old, i, n, name, v)
		if (!is_replaced(patch, json_str(name)))
			put_member(&b, &first, json_str(name), v);
	json_foreach_member (patch, i, n, name, v)
		if (!yyjson_is_null(v))
			put_member(&b, &first, json_str(name), v);
	buf_char(&b, '}');
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}
