#include "conf/yaml_doc.h"

#include "base/fail.h"
#include "conf/line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static int wrong_at_line(struct yaml_doc *d, size_t line, const char *what, const char *more)
{
	line_print(d->error, d->error_size, "%s:%zu: %s%s%s", d->file, line, what, more ? " " : "",
		   more ?: "");
	return YAML_WRONG;
}

/* What the parser stumbled over. Only for text that is no UTF-8 does it give no line. */
static int wrong_syntax(struct yaml_doc *d, const yaml_parser_t *p, struct str text)
{
	size_t line = p->problem_mark.line + 1;
	if (p->error == YAML_MEMORY_ERROR)
		return fail(-ENOMEM, "reading %s", d->file);
	if (p->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < MIN(p->problem_offset, text.n); i++)
			line += text.p[i] == '\n';
	}
	return wrong_at_line(d, line, p->problem ?: "is not YAML", p->context);
}

struct scan {
	struct yaml_doc *d;
	size_t depth, nodes, documents;
};

static const char *anchor_or_tag(const yaml_event_t *e)
{
	static const char anchor[] = "anchors and aliases are not taken",
			  tag[] = "tags are not taken";
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return anchor;
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor ? anchor : e->data.scalar.tag ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor ? anchor
		       : e->data.sequence_start.tag  ? tag
						     : NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor ? anchor
		       : e->data.mapping_start.tag  ? tag
						    : NULL;
	default:
		return NULL;
	}
}

static bool holds_nul(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT &&
	       memchr(e->data.scalar.value, '\0', e->data.scalar.length);
}

static int scan_event(struct scan *s, const yaml_event_t *e)
{
	size_t line = e->start_mark.line + 1;
	bool opens = e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT;
	bool closes = e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT;
	const char *refused = anchor_or_tag(e);

	s->depth += opens;
	s->depth -= closes;
	s->nodes += opens || e->type == YAML_SCALAR_EVENT;
	s->documents += e->type == YAML_DOCUMENT_START_EVENT;
	if (refused)
		return wrong_at_line(s->d, line, refused, NULL);
	if (holds_nul(e))
		return wrong_at_line(s->d, line, "a string must not hold U+0000", NULL);
	if (s->depth > YAML_DEPTH_MAX)
		return wrong_at_line(s->d, line, "nested deeper than 64 levels", NULL);
	if (s->nodes > YAML_NODES_MAX)
		return wrong_at_line(s->d, line, "more than 2000000 values", NULL);
	if (s->documents > 1)
		return wrong_at_line(s->d, line, "a second document is not taken", NULL);
	return 0;
}

/* By the byte order marks from which libyaml tells it; that of UTF-8 is taken. */
static bool is_utf16(struct str text)
{
	return str_starts(text, STR("\xFE\xFF")) || str_starts(text, STR("\xFF\xFE"));
}

/* All that is wrong with the text before its meaning matters, found without keeping any of it. */
static int scan_text(struct yaml_doc *d, struct str text)
{
	struct scan s = { .d = d };
	yaml_parser_t parser;
	bool end = false;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return fail(-ENOMEM, "reading %s", d->file);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (r == 0 && !end) {
		yaml_event_t e;
		if (!yaml_parser_parse(&parser, &e)) {
			r = wrong_syntax(d, &parser, text);
			break;
		}
		r = scan_event(&s, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return r;
}

static int load_text(struct yaml_doc *d, struct str text)
{
	yaml_parser_t parser;
	int r = 0;
	if (!yaml_parser_initialize(&parser))
		return fail(-ENOMEM, "reading %s", d->file);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	d->loaded = yaml_parser_load(&parser, &d->document);
	if (!d->loaded)
		r = wrong_syntax(d, &parser, text);
	yaml_parser_delete(&parser);
	return r;
}

int yaml_doc_load(struct yaml_doc *d, struct str text)
{
	d->loaded = false;
	if (text.n > YAML_TEXT_MAX)
		return wrong_at_line(d, 1, "must be at most 16 MiB", NULL);
	if (is_utf16(text))
		return wrong_at_line(d, 1, "must be UTF-8", NULL);
	return scan_text(d, text) ?: load_text(d, text);
}

void yaml_doc_fini(struct yaml_doc *d)
{
	if (d->loaded)
		yaml_document_delete(&d->document);
	d->loaded = false;
}

struct yaml_place yaml_root(struct yaml_doc *d)
{
	return (struct yaml_place){ .node = yaml_document_get_root_node(&d->document) };
}

struct yaml_place yaml_member(struct yaml_doc *d, const struct yaml_place *up, const char *name)
{
	struct yaml_place at = { .up = up, .name = str_of(name) };
	if (!up->node || up->node->type != YAML_MAPPING_NODE)
		return at;
	const yaml_node_pair_t *pair = up->node->data.mapping.pairs.start;
	for (; pair < up->node->data.mapping.pairs.top && !at.node; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&d->document, pair->key);
		if (str_eq(yaml_text(key), at.name))
			at.node = yaml_document_get_node(&d->document, pair->value);
	}
	return at;
}

struct yaml_place yaml_item(struct yaml_doc *d, const struct yaml_place *up, unsigned index)
{
	struct yaml_place at = { .up = up, .index = index };
	must(up->node && up->node->type == YAML_SEQUENCE_NODE);
	must(index < up->node->data.sequence.items.top - up->node->data.sequence.items.start);
	at.node = yaml_document_get_node(&d->document, up->node->data.sequence.items.start[index]);
	return at;
}

unsigned yaml_line(const struct yaml_place *at)
{
	while (!at->node && at->up)
		at = at->up;
	return at->node ? (unsigned)at->node->start_mark.line + 1 : 1;
}

struct str yaml_text(const yaml_node_t *scalar)
{
	if (scalar->type != YAML_SCALAR_NODE)
		return (struct str){ 0 };
	return (struct str){ (const char *)scalar->data.scalar.value, scalar->data.scalar.length };
}

const char *yaml_type_name(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_MAPPING_NODE:
		return "a mapping";
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_SCALAR_NODE:
		return "a string";
	case YAML_NO_NODE:
		break;
	}
	return "nothing";
}

void yaml_path_put(struct buf *b, const struct yaml_place *at)
{
	if (!at->up)
		return;
	yaml_path_put(b, at->up);
	if (!at->name.p) {
		buf_printf(b, "[%u]", at->index);
		return;
	}
	if (b->n > 0)
		buf_char(b, '.');
	buf_put(b, str_head(at->name, YAML_NAMES_SHOWN));
}

int yaml_wrong(struct yaml_doc *d, const struct yaml_place *at, const char *rule, ...)
{
	char path[400], said[600];
	struct buf b = buf_over(path, sizeof(path));
	va_list ap;
	yaml_path_put(&b, at);
	va_start(ap, rule);
	vsnprintf(said, sizeof(said), rule, ap);
	va_end(ap);
	line_print(d->error, d->error_size, "%s:%u: %.*s%s%s", d->file, yaml_line(at), (int)b.n,
		   b.p, b.n ? ": " : "", said);
	return YAML_WRONG;
}
