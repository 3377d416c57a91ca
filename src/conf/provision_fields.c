/*
 * The part of provision_judge.h about the fields that contacts may have: an item of the list is a
 * name, or a mapping of name and type. libcyaml knows no such choice, so the tree is read.
 */
#include "conf/provision_judge.h"

#include "base/fail.h"
#include "conf/yaml_shape.h"

#include <errno.h>

static const char *type_word(unsigned i)
{
	return contact_field_type_fits((enum field_type)i) ? field_type_name((enum field_type)i)
							   : NULL;
}

static int judge_type(struct judge *j, const struct yaml_place *at,
		      struct provision_contact_field *out)
{
	struct str word = yaml_text(at->node);
	out->typed = true;
	if (field_type_parse(word, &out->type) && contact_field_type_fits(out->type))
		return 0;
	return judge_choice_wrong(j, at, word.p, type_word, FIELD_TYPES);
}

static int judge_field(struct judge *j, const struct yaml_place *at,
		       struct provision_contact_field *out)
{
	bool named_only = at->node->type == YAML_SCALAR_NODE;
	struct yaml_place name = named_only ? *at : yaml_member(j->doc, at, "name");
	struct yaml_place type = { 0 };
	const cyaml_schema_value_t *shape = named_only ? &provision_field_name : &provision_field;
	int r = judge_place(j, at, &out->place);
	r = r ?: yaml_shape_judge(j->doc, at, shape);
	r = r ?: judge_name(j, &name, yaml_text(name.node).p, &out->name);
	r = r ?: judge_unique(j, &name, &j->fields, out->name);
	if (r || named_only)
		return r;
	type = yaml_member(j->doc, at, "type");
	return type.node ? judge_type(j, &type, out) : 0;
}

int judge_contact_fields(struct judge *j, const struct yaml_place *workspace,
			 struct provision_workspace *out)
{
	struct yaml_place list = yaml_member(j->doc, workspace, "contact_fields");
	if (!list.node)
		return 0;
	int r = yaml_shape_judge(j->doc, &list, &provision_field_list);
	if (r)
		return r;
	size_t n =
		(size_t)(list.node->data.sequence.items.top - list.node->data.sequence.items.start);
	struct provision_contact_field *fields =
		arena_array(j->out, struct provision_contact_field, n);
	if (!fields)
		return fail(-ENOMEM, "provisioning %zu contact fields", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_field(j, &at, &fields[i]);
	}
	out->contact_fields = fields;
	out->n_contact_fields = (unsigned)n;
	return r;
}
