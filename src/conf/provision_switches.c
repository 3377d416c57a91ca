/* The part of provision_judge.h about switches: which there are is the dialects' table. */
#include "conf/provision_judge.h"

#include "base/fail.h"
#include "dialect/switches.h"

#include <errno.h>

static int wrong_name(struct judge *j, const struct yaml_place *key)
{
	char known[400];
	struct buf b = buf_over(known, sizeof(known));
	for (unsigned i = SWITCH_NONE + 1; i < SWITCHES_END; i++)
		buf_printf(&b, "%s" STR_FMT, b.n ? ", " : "", STR_ARG(switches[i].name));
	return yaml_wrong(j->doc, key, "is no switch; there are %.*s", (int)b.n, b.p);
}

static int wrong_value(struct judge *j, const struct yaml_place *at, enum switch_no no)
{
	char words[200];
	struct buf b = buf_over(words, sizeof(words));
	const struct str *values = switches[no].values;
	for (unsigned i = 0; i < SWITCH_VALUES_MAX && values[i].p; i++)
		buf_printf(&b, "%s" STR_FMT, b.n ? ", " : "", STR_ARG(values[i]));
	if (at->node->type != YAML_SCALAR_NODE)
		return yaml_wrong(j->doc, at, "must be one of %.*s, not %s", (int)b.n, b.p,
				  yaml_type_name(at->node));
	struct str got = yaml_text(at->node);
	return yaml_wrong(j->doc, at, "must be one of %.*s, not \"%.*s\"", (int)b.n, b.p,
			  (int)MIN(got.n, YAML_NAMES_SHOWN), got.p);
}

/* Names and values are the table's own strings. */
static int judge_switch(struct judge *j, const struct yaml_place *at, const yaml_node_pair_t *pair,
			struct switch_setting *out)
{
	yaml_node_t *key = yaml_document_get_node(&j->doc->document, pair->key);
	struct yaml_place place = { .up = at, .name = yaml_text(key), .node = key };
	if (key->type != YAML_SCALAR_NODE)
		return yaml_wrong(j->doc, at, "a key must be a string");
	enum switch_no no = switch_find(place.name);
	if (no == SWITCH_NONE)
		return wrong_name(j, &place);
	int r = judge_unique(j, &place, &j->switches, switches[no].name);
	place.node = yaml_document_get_node(&j->doc->document, pair->value);
	if (r)
		return r;
	const struct str *value = switch_parse(no, yaml_text(place.node));
	if (!value)
		return wrong_value(j, &place, no);
	*out = (struct switch_setting){ switches[no].name, *value };
	return 0;
}

int judge_switches(struct judge *j, const struct yaml_place *workspace,
		   struct provision_workspace *out)
{
	struct yaml_place at = yaml_member(j->doc, workspace, "switches");
	if (!at.node)
		return 0;
	if (at.node->type != YAML_MAPPING_NODE)
		return yaml_wrong(j->doc, &at, "must be a mapping, not %s",
				  yaml_type_name(at.node));
	const yaml_node_pair_t *pair = at.node->data.mapping.pairs.start;
	size_t n = (size_t)(at.node->data.mapping.pairs.top - pair);
	struct switch_setting *list = arena_array(j->out, struct switch_setting, n + 1);
	int r = list ? 0 : fail(-ENOMEM, "provisioning switches");
	for (size_t i = 0; i < n && r == 0; i++)
		r = judge_switch(j, &at, &pair[i], &list[i]);
	out->switches = list;
	out->n_switches = (unsigned)n;
	return r;
}
