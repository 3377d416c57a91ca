#include "conf/yaml_shape.h"

#include <errno.h>
#include <stdlib.h>

static int judge_type(struct yaml_doc *d, const struct yaml_place *at, yaml_node_type_t wanted)
{
	yaml_node_t like = { .type = wanted };
	if (at->node->type == wanted)
		return 0;
	return yaml_wrong(d, at, "must be %s, not %s", yaml_type_name(&like),
			  yaml_type_name(at->node));
}

static int judge_string(struct yaml_doc *d, const struct yaml_place *at,
			const cyaml_schema_value_t *schema)
{
	size_t n = yaml_text(at->node).n;
	if (n < schema->string.min)
		return yaml_wrong(d, at, "must not be empty");
	if (n > schema->string.max)
		return yaml_wrong(d, at, "must be at most %u bytes long, not %zu",
				  (unsigned)schema->string.max, n);
	return 0;
}

/* Decimal only: libcyaml would read a leading 0 as octal. */
static bool is_int(const char *s)
{
	char *end;
	const char *digits = s + (*s == '-');
	if (*digits < '0' || *digits > '9' || (*digits == '0' && digits[1]))
		return false;
	errno = 0;
	strtoll(s, &end, 10);
	return errno == 0 && *end == '\0';
}

static int judge_int(struct yaml_doc *d, const struct yaml_place *at)
{
	struct str s = yaml_text(at->node);
	if (is_int(s.p))
		return 0;
	return yaml_wrong(d, at, "must be a whole number, not \"%.*s\"",
			  (int)MIN(s.n, YAML_NAMES_SHOWN), s.p);
}

static int judge_bool(struct yaml_doc *d, const struct yaml_place *at)
{
	struct str s = yaml_text(at->node);
	if (str_eq(s, STR("true")) || str_eq(s, STR("false")))
		return 0;
	return yaml_wrong(d, at, "must be true or false, not \"%.*s\"",
			  (int)MIN(s.n, YAML_NAMES_SHOWN), s.p);
}

static int judge_sequence(struct yaml_doc *d, const struct yaml_place *at,
			  const cyaml_schema_value_t *schema)
{
	const yaml_node_t *node = at->node;
	size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	int r = 0;
	if (n < schema->sequence.min)
		return yaml_wrong(d, at, "must have at least %u items, not %zu",
				  (unsigned)schema->sequence.min, n);
	if (n > schema->sequence.max)
		return yaml_wrong(d, at, "must have at most %u items, not %zu",
				  (unsigned)schema->sequence.max, n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place item = yaml_item(d, at, i);
		r = yaml_shape_judge(d, &item, schema->sequence.entry);
	}
	return r;
}

/* A key of the file as a place, for the line of an error. */
static struct yaml_place key_place(struct yaml_doc *d, const struct yaml_place *up,
				   const yaml_node_pair_t *pair)
{
	yaml_node_t *key = yaml_document_get_node(&d->document, pair->key);
	return (struct yaml_place){ .up = up, .name = yaml_text(key), .node = key };
}

static int wrong_unknown(struct yaml_doc *d, const struct yaml_place *key,
			 const cyaml_schema_field_t *fields)
{
	char known[300];
	struct buf b = buf_over(known, sizeof(known));
	for (const cyaml_schema_field_t *f = fields; f->key; f++)
		buf_printf(&b, "%s%s", b.n ? ", " : "", f->key);
	return yaml_wrong(d, key, "is not known here; known are %.*s", (int)b.n, b.p);
}

/* Every key of the file is a string, in the schema, and there once. */
static int judge_keys(struct yaml_doc *d, const struct yaml_place *at,
		      const cyaml_schema_field_t *fields)
{
	enum { FIELDS_MAX = 32 };
	bool seen[FIELDS_MAX] = { false };
	const yaml_node_pair_t *pair = at->node->data.mapping.pairs.start;
	for (; pair < at->node->data.mapping.pairs.top; pair++) {
		struct yaml_place key = key_place(d, at, pair);
		size_t i = 0;
		if (key.node->type != YAML_SCALAR_NODE)
			return yaml_wrong(d, at, "a key must be a string");
		while (fields[i].key && !str_eq(str_of(fields[i].key), key.name))
			i++;
		if (!fields[i].key)
			return wrong_unknown(d, &key, fields);
		must(i < FIELDS_MAX);
		if (seen[i])
			return yaml_wrong(d, &key, "is given twice");
		seen[i] = true;
	}
	return 0;
}

static int judge_mapping(struct yaml_doc *d, const struct yaml_place *at,
			 const cyaml_schema_field_t *fields)
{
	int r = judge_keys(d, at, fields);
	for (const cyaml_schema_field_t *f = fields; f->key && r == 0; f++) {
		struct yaml_place member = yaml_member(d, at, f->key);
		if (member.node)
			r = yaml_shape_judge(d, &member, &f->value);
		else if (!(f->value.flags & CYAML_FLAG_OPTIONAL))
			r = yaml_wrong(d, &member, "is required");
	}
	return r;
}

int yaml_shape_judge(struct yaml_doc *d, const struct yaml_place *at,
		     const cyaml_schema_value_t *schema)
{
	switch ((int)schema->type) {
	case CYAML_MAPPING:
		return judge_type(d, at, YAML_MAPPING_NODE)
			       ?: judge_mapping(d, at, schema->mapping.fields);
	case CYAML_SEQUENCE:
		return judge_type(d, at, YAML_SEQUENCE_NODE) ?: judge_sequence(d, at, schema);
	case CYAML_STRING:
		return judge_type(d, at, YAML_SCALAR_NODE) ?: judge_string(d, at, schema);
	case CYAML_INT:
		return judge_type(d, at, YAML_SCALAR_NODE) ?: judge_int(d, at);
	case CYAML_BOOL:
		return judge_type(d, at, YAML_SCALAR_NODE) ?: judge_bool(d, at);
	case CYAML_IGNORE:
		return 0;
	}
	must(!"a schema type that nobody judges");
	return YAML_WRONG;
}
