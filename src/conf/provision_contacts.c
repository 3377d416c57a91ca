/* The part of provision_judge.h about contacts. */
#include "conf/provision_judge.h"

#include "base/fail.h"
#include "conf/yaml_json.h"
#include "model/action.h"
#include "model/op.h"

#include <errno.h>

_Static_assert((int)YAML_JSON_MEMBERS_MAX <= (int)CONTACT_CUSTOM_MAX,
	       "a mapping that is taken must fit a contact");

enum { BUILT_IN_MEMORY_MAX = 16 * 1024 * 1024 }; /* bytes; far above what attributes may need */

/* The kinds that a file may give a contact; its UUID is its `id`, its other outward ids are made.
 */
enum { KINDS_END = IDENTITY_UUID };

static const char *kind_word(unsigned i)
{
	return identity_kind_name((enum identity_kind)i);
}

static int judge_kind(struct judge *j, const struct yaml_place *at, const char *word,
		      enum identity_kind *out)
{
	struct yaml_place place = yaml_member(j->doc, at, "kind");
	if (identity_kind_parse(str_of(word), out) && (int)*out < KINDS_END)
		return 0;
	return judge_choice_wrong(j, &place, word, kind_word, KINDS_END);
}

/* Blanks around an e-mail or phone, which are not compared, are not shown either. */
static int judge_value(struct judge *j, const struct yaml_place *at, const char *text,
		       struct provision_identity *out)
{
	struct yaml_place place = yaml_member(j->doc, at, "value");
	bool trimmed = out->kind == IDENTITY_EMAIL || out->kind == IDENTITY_PHONE;
	struct str value = trimmed ? str_trim(str_of(text)) : str_of(text);
	if (out->kind == IDENTITY_EMAIL && !email_is_valid(value))
		return yaml_wrong(j->doc, &place, "must be an e-mail address");
	if (out->kind == IDENTITY_PHONE && !strpbrk(text, "0123456789"))
		return yaml_wrong(j->doc, &place, "must have digits");
	out->value = arena_str(j->out, value);
	out->key = out->value.p ? identity_key(j->out, out->kind, out->value) : out->value;
	return out->key.p ? 0 : fail(-ENOMEM, "provisioning identities");
}

static int judge_identity(struct judge *j, const struct yaml_place *at,
			  const struct file_identity *in, struct provision_identity *out)
{
	struct yaml_place value = yaml_member(j->doc, at, "value");
	int r = judge_kind(j, at, in->kind, &out->kind);
	r = r ?: judge_value(j, at, in->value, out);
	if (r)
		return r;
	struct str word =
		arena_printf(&j->scratch, "%d " STR_FMT, (int)out->kind, STR_ARG(out->key));
	if (!word.p)
		return fail(-ENOMEM, "provisioning identities");
	return judge_unique(j, &value, &j->identities, word);
}

static int judge_identities(struct judge *j, const struct yaml_place *contact,
			    const struct file_contact *in, struct provision_contact *out)
{
	struct yaml_place list = yaml_member(j->doc, contact, "identities");
	unsigned n = in->identities_count;
	struct provision_identity *identities = arena_array(j->out, struct provision_identity, n);
	int r = identities ? 0 : fail(-ENOMEM, "provisioning %u identities", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_identity(j, &at, &in->identities[i], &identities[i]);
	}
	out->identities = identities;
	out->n_identities = n;
	return r;
}

static int built_in_wrong(struct judge *j, const struct yaml_place *at, const struct problem *p)
{
	struct str name = arena_str(&j->scratch, p->path);
	struct buf rule = buf_in(&j->scratch);
	bool scalar = p->code == PROBLEM_TYPE && p->rule && strcmp(p->rule, "string") == 0 &&
		      strcmp(p->actual, "array") != 0 && strcmp(p->actual, "object") != 0;
	problem_put_rule(&rule, p);
	if (!name.p || rule.failed)
		return fail(-ENOMEM, "provisioning attributes");
	struct yaml_place place = yaml_member(j->doc, at, name.p);
	return yaml_wrong(j->doc, &place, STR_FMT "%s", STR_ARG(buf_str(&rule)),
			  scalar ? ": put it in quotes" : "");
}

/* Those that are built in have types, which answers to vendors' clients rely on. */
static int judge_built_in(struct judge *j, const struct yaml_place *at, struct str json)
{
	struct problems problems = { .n = 0 };
	struct arena a;
	struct spec s = { .arena = &a, .problems = &problems };
	yyjson_val *v;
	int r = 0;
	arena_init(&a, BUILT_IN_MEMORY_MAX, NULL);
	if (json_parse(&a, json, &v, NULL) == JSON_OK)
		action_judge_attributes(&s, v, STR(""));
	else
		s.refused = true;
	if (problems.n > 0)
		r = built_in_wrong(j, at, &problems.list[0]);
	else if (s.refused)
		r = fail(-ENOMEM, "provisioning attributes");
	arena_fini(&a);
	return r;
}

static int judge_attributes(struct judge *j, const struct yaml_place *contact, struct str *out)
{
	struct yaml_place at = yaml_member(j->doc, contact, "attributes");
	struct yaml_place custom = yaml_member(j->doc, &at, "custom");
	struct buf b = buf_in(j->out);
	*out = STR("{}");
	if (!at.node)
		return 0;
	if (at.node->type != YAML_MAPPING_NODE)
		return yaml_wrong(j->doc, &at, "must be a mapping, not %s",
				  yaml_type_name(at.node));
	if (custom.node && custom.node->type != YAML_MAPPING_NODE)
		return yaml_wrong(j->doc, &custom, "must be a mapping, not %s",
				  yaml_type_name(custom.node));
	int r = yaml_json_put(j->doc, &at, &b);
	if (r == 0 && b.failed)
		return fail(-ENOMEM, "provisioning attributes");
	if (r == 0 && b.n > CONTACT_ATTRIBUTES_MAX)
		return yaml_wrong(j->doc, &at, "must be at most %d bytes of JSON, not %zu",
				  CONTACT_ATTRIBUTES_MAX, b.n);
	*out = buf_str(&b);
	return r ?: judge_built_in(j, &at, *out);
}

static int judge_id(struct judge *j, const struct yaml_place *contact,
		    const struct file_contact *in, struct provision_contact *out)
{
	struct yaml_place id = yaml_member(j->doc, contact, "id");
	out->has_id = in->id != NULL;
	if (!in->id && in->identities_count == 0)
		return yaml_wrong(j->doc, contact, "needs an id or an identity");
	if (!in->id)
		return 0;
	struct str word = { (const char *)out->id.b, sizeof(out->id.b) };
	return judge_uuid(j, &id, in->id, &out->id) ?: judge_unique(j, &id, &j->contacts, word);
}

static int judge_contact(struct judge *j, const struct yaml_place *at,
			 const struct file_contact *in, struct provision_contact *out)
{
	int r = judge_place(j, at, &out->place);
	r = r ?: judge_id(j, at, in, out);
	r = r ?: judge_identities(j, at, in, out);
	return r ?: judge_attributes(j, at, &out->attributes);
}

int judge_contacts(struct judge *j, const struct yaml_place *workspace,
		   const struct file_workspace *in, struct provision_workspace *out)
{
	struct yaml_place list = yaml_member(j->doc, workspace, "contacts");
	unsigned n = in->contacts_count;
	struct provision_contact *contacts = arena_array(j->out, struct provision_contact, n);
	int r = contacts ? 0 : fail(-ENOMEM, "provisioning %u contacts", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_contact(j, &at, &in->contacts[i], &contacts[i]);
	}
	out->contacts = contacts;
	out->n_contacts = n;
	return r;
}
