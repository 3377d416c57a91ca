/* The part of provision_judge.h about definitions and their fields. */
#include "conf/provision_judge.h"

#include "base/fail.h"

#include <errno.h>

static const char *type_word(unsigned i)
{
	return field_type_name((enum field_type)i);
}

static int judge_type(struct judge *j, const struct yaml_place *at, const struct file_field *in,
		      struct field *out)
{
	struct yaml_place type = yaml_member(j->doc, at, "type");
	struct yaml_place fields = yaml_member(j->doc, at, "fields");
	if (!field_type_parse(str_of(in->type), &out->type))
		return judge_choice_wrong(j, &type, in->type, type_word, FIELD_TYPES);
	if (fields.node && out->type != FIELD_OBJECT && out->type != FIELD_ARRAY)
		return yaml_wrong(j->doc, &fields, "only an object or an array has fields, not %s",
				  type_word(out->type));
	return 0;
}

static int judge_level(struct judge *j, const struct yaml_place *list, unsigned depth,
		       const struct file_field *in, unsigned n, const struct field **out);

static int judge_field(struct judge *j, const struct yaml_place *at, unsigned depth,
		       struct seen *names, const struct file_field *in, struct field *out)
{
	struct yaml_place name = yaml_member(j->doc, at, "name");
	struct yaml_place fields = yaml_member(j->doc, at, "fields");
	int r = judge_name(j, &name, in->name, &out->name);
	r = r ?: judge_unique(j, &name, names, out->name);
	r = r ?: judge_type(j, at, in, out);
	out->required = in->required;
	out->n_fields = in->fields_count;
	return r ?: judge_level(j, &fields, depth + 1, in->fields, in->fields_count, &out->fields);
}

/* The fields of one list; `list` may be absent when n is 0. */
static int judge_level(struct judge *j, const struct yaml_place *list, unsigned depth,
		       const struct file_field *in, unsigned n, const struct field **out)
{
	struct seen names = { .arena = &j->scratch };
	if (n > 0 && depth > FIELD_DEPTH_MAX)
		return yaml_wrong(j->doc, list, "fields nest at most %d levels", FIELD_DEPTH_MAX);

	struct field *fields = arena_array(j->out, struct field, n);
	int r = fields ? 0 : fail(-ENOMEM, "provisioning %u fields", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, list, i);
		r = judge_field(j, &at, depth, &names, &in[i], &fields[i]);
	}
	*out = fields;
	return r;
}

static int judge_description(struct judge *j, const struct yaml_place *at, const char *text,
			     struct str *out)
{
	struct yaml_place place = yaml_member(j->doc, at, "description");
	size_t points = str_code_points(str_of(text ?: ""));
	if (points > DEFINITION_DESCRIPTION_MAX)
		return yaml_wrong(j->doc, &place, "must be at most %d characters long, not %zu",
				  DEFINITION_DESCRIPTION_MAX, points);
	return judge_copy(j, text, out);
}

static int judge_definition(struct judge *j, const struct yaml_place *at,
			    const struct file_definition *in, struct provision_definition *out)
{
	struct yaml_place name = yaml_member(j->doc, at, "name");
	struct yaml_place fields = yaml_member(j->doc, at, "fields");
	int r = judge_place(j, at, &out->place);
	r = r ?: judge_name(j, &name, in->name, &out->name);
	r = r ?: judge_unique(j, &name, &j->definitions, out->name);
	r = r ?: judge_description(j, at, in->description, &out->description);
	out->inferred = in->inferred;
	out->n_fields = in->fields_count;
	return r ?: judge_level(j, &fields, 1, in->fields, in->fields_count, &out->fields);
}

int judge_definitions(struct judge *j, const struct yaml_place *workspace,
		      const struct file_workspace *in, struct provision_workspace *out)
{
	struct yaml_place list = yaml_member(j->doc, workspace, "definitions");
	unsigned n = in->definitions_count;
	struct provision_definition *definitions =
		arena_array(j->out, struct provision_definition, n);
	int r = definitions ? 0 : fail(-ENOMEM, "provisioning %u definitions", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_definition(j, &at, &in->definitions[i], &definitions[i]);
	}
	out->definitions = definitions;
	out->n_definitions = n;
	return r;
}
