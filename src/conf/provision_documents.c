/*
 * The part of provision_judge.h about destinations and automations: free mappings that become JSON
 * and are judged as that, by themselves here and among what the workspace has by the store.
 */
#include "conf/provision_judge.h"

#include "base/fail.h"
#include "conf/line.h"
#include "conf/yaml_json.h"
#include "conf/yaml_shape.h"
#include "model/declaration.h"

#include <errno.h>

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning destinations and automations");
}

static int wrong(struct judge *j, const struct provision_document *d, const struct problem *p)
{
	struct buf rule = buf_in(&j->scratch);
	problem_put_rule(&rule, p);
	if (rule.failed)
		return no_memory();
	line_print(j->doc->error, j->doc->error_size, STR_FMT "%s" STR_FMT ": " STR_FMT,
		   STR_ARG(d->place), p->path.n ? "." : "", STR_ARG(p->path),
		   STR_ARG(buf_str(&rule)));
	return YAML_WRONG;
}

static int put_json(struct judge *j, const struct yaml_place *at, struct str *out)
{
	struct buf b = buf_in(j->out);
	int r = yaml_json_put(j->doc, at, &b);
	*out = buf_str(&b);
	return r == 0 && b.failed ? no_memory() : r;
}

static int read_declaration(struct judge *j, const struct provision_document *d, struct str *name)
{
	struct problems problems = { 0 };
	struct document read;
	yyjson_val *v;
	if (json_parse(j->out, d->body, &v, NULL) != JSON_OK)
		return no_memory();
	if (!declaration_read(j->out, d->kind, v, NULL, &problems, &read))
		return problems.n ? wrong(j, d, &problems.list[0]) : no_memory();
	*name = read.name;
	return 0;
}

static int judge_document(struct judge *j, const struct yaml_place *at, struct seen *names,
			  struct provision_document *out)
{
	struct yaml_place name = yaml_member(j->doc, at, "name");
	struct str word;
	int r = judge_place(j, at, &out->place);
	r = r ?: put_json(j, at, &out->body);
	r = r ?: read_declaration(j, out, &word);
	return r ?: judge_unique(j, &name, names, word);
}

static int judge_list(struct judge *j, const struct yaml_place *list, enum document_kind kind,
		      struct provision_document *out, unsigned n)
{
	struct seen names = { .arena = &j->scratch };
	int r = 0;
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, list, i);
		out[i].kind = kind;
		r = judge_document(j, &at, &names, &out[i]);
	}
	return r;
}

static unsigned items(const struct yaml_place *list)
{
	return list->node ? (unsigned)(list->node->data.sequence.items.top -
				       list->node->data.sequence.items.start)
			  : 0;
}

static int judge_shape(struct judge *j, const struct yaml_place *list)
{
	return list->node ? yaml_shape_judge(j->doc, list, &provision_document_list) : 0;
}

int judge_documents(struct judge *j, const struct yaml_place *workspace,
		    struct provision_workspace *out)
{
	struct yaml_place destinations = yaml_member(j->doc, workspace, "destinations");
	struct yaml_place automations = yaml_member(j->doc, workspace, "automations");
	int r = judge_shape(j, &destinations);
	r = r ?: judge_shape(j, &automations);
	if (r)
		return r;
	unsigned n = items(&destinations), more = items(&automations);
	struct provision_document *list = arena_array(j->out, struct provision_document, n + more);
	if (!list)
		return no_memory();
	out->documents = list;
	out->n_documents = n + more;
	r = judge_list(j, &destinations, DOCUMENT_DESTINATION, list, n);
	return r ?: judge_list(j, &automations, DOCUMENT_AUTOMATION, list + n, more);
}
