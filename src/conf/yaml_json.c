#include "conf/yaml_json.h"

#include "base/json.h"

static size_t digits(struct str s, size_t from)
{
	size_t at = from;
	while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
		at++;
	return at - from;
}

static bool at_is(struct str s, size_t at, const char *any_of)
{
	return at < s.n && strchr(any_of, s.p[at]);
}

/* RFC 8259 section 6. */
static bool is_number(struct str s)
{
	size_t at = at_is(s, 0, "-"), n = digits(s, at);
	if (n == 0 || (n > 1 && s.p[at] == '0'))
		return false;
	at += n;
	if (at_is(s, at, ".")) {
		n = digits(s, at + 1);
		if (n == 0)
			return false;
		at += 1 + n;
	}
	if (at_is(s, at, "eE")) {
		at += 1 + at_is(s, at + 1, "+-");
		n = digits(s, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == s.n;
}

static void put_scalar(const yaml_node_t *node, struct buf *b)
{
	struct str s = yaml_text(node);
	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		buf_json_str(b, s);
	else if (s.n == 0 || str_eq(s, STR("~")))
		buf_lit(b, "null");
	else if (str_eq(s, STR("null")) || str_eq(s, STR("true")) || str_eq(s, STR("false")) ||
		 (is_number(s) && json_number_in_range(s)))
		buf_put(b, s);
	else
		buf_json_str(b, s);
}

static int put_sequence(struct yaml_doc *d, const struct yaml_place *at, struct buf *b)
{
	size_t n =
		(size_t)(at->node->data.sequence.items.top - at->node->data.sequence.items.start);
	int r = 0;
	buf_char(b, '[');
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place item = yaml_item(d, at, i);
		if (i > 0)
			buf_char(b, ',');
		r = yaml_json_put(d, &item, b);
	}
	buf_char(b, ']');
	return r;
}

static bool given_before(struct yaml_doc *d, const yaml_node_t *mapping,
			 const yaml_node_pair_t *until, struct str key)
{
	const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	for (; pair < until; pair++)
		if (str_eq(yaml_text(yaml_document_get_node(&d->document, pair->key)), key))
			return true;
	return false;
}

static int put_member(struct yaml_doc *d, const struct yaml_place *at, const yaml_node_pair_t *pair,
		      struct buf *b)
{
	yaml_node_t *key = yaml_document_get_node(&d->document, pair->key);
	struct yaml_place member = { .up = at, .name = yaml_text(key), .node = key };
	if (member.name.n == 0)
		return yaml_wrong(d, at, "a key must be a string, and not empty");
	if (given_before(d, at->node, pair, member.name))
		return yaml_wrong(d, &member, "is given twice");
	buf_json_str(b, member.name);
	buf_char(b, ':');
	member.node = yaml_document_get_node(&d->document, pair->value);
	return yaml_json_put(d, &member, b);
}

static int put_mapping(struct yaml_doc *d, const struct yaml_place *at, struct buf *b)
{
	const yaml_node_pair_t *first = at->node->data.mapping.pairs.start;
	const yaml_node_pair_t *end = at->node->data.mapping.pairs.top;
	int r = 0;
	if (end - first > YAML_JSON_MEMBERS_MAX)
		return yaml_wrong(d, at, "must have at most %d members, not %zu",
				  YAML_JSON_MEMBERS_MAX, (size_t)(end - first));
	buf_char(b, '{');
	for (const yaml_node_pair_t *pair = first; pair < end && r == 0; pair++) {
		if (pair > first)
			buf_char(b, ',');
		r = put_member(d, at, pair, b);
	}
	buf_char(b, '}');
	return r;
}

int yaml_json_put(struct yaml_doc *d, const struct yaml_place *at, struct buf *b)
{
	switch (at->node->type) {
	case YAML_MAPPING_NODE:
		return put_mapping(d, at, b);
	case YAML_SEQUENCE_NODE:
		return put_sequence(d, at, b);
	case YAML_SCALAR_NODE:
		put_scalar(at->node, b);
		return 0;
	case YAML_NO_NODE:
		break;
	}
	must(!"a node without a type");
	return YAML_WRONG;
}
