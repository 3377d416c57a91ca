#include "base/fail.h"
#include "model/declaration.h"
#include "store/state.h"

#include <errno.h>
#include <stdio.h>

enum { USES_MEMORY_MAX = 16 * 1024 * 1024 }; /* bytes; far above what a declaration needs */

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning");
}

/* "FILE:9: workspaces[0].automations[1].actions[0].send: names no destination that is there" */
static int refuse(struct store *s, const struct provision *p, const struct provision_document *d,
		  const struct problem *problem)
{
	struct buf rule = buf_in(&s->scratch);
	problem_put_rule(&rule, problem);
	if (rule.failed)
		return no_memory();
	if (p->error_size)
		snprintf(p->error, p->error_size, STR_FMT "%s" STR_FMT ": " STR_FMT,
			 STR_ARG(d->place), problem->path.n ? "." : "", STR_ARG(problem->path),
			 STR_ARG(buf_str(&rule)));
	return STORE_REFUSED;
}

/* What was switched off while the server ran stays so, unless the file says something about it. */
static int keep_off(struct store *s, const struct document *old, yyjson_val *declared,
		    struct document *next)
{
	bool said = json_get(declared, declaration_off(next->kind));
	if (said || !old || !declaration_is_off(&s->scratch, old))
		return 0;
	next->body = declaration_switch(&s->scratch, next, true);
	return next->body.p ? 0 : no_memory();
}

static int put(struct store *s, const struct workspace *w, struct document *d)
{
	unsigned n;
	size_t all;
	workspace_documents_of(w, d->kind, &n);
	if (n >= DOCUMENTS_MAX && !workspace_document(w, d->kind, d->name))
		return fail(-E2BIG, "a workspace would have too many %ss",
			    document_kind_name(d->kind));
	if (!document_fits(w, d, &all))
		return fail(-E2BIG,
			    "a workspace would have %zu bytes of destinations and automations, "
			    "more than %d",
			    all, DOCUMENTS_BYTES_MAX);
	return pass(document_declare(s, w->no, d));
}

int provision_document(struct store *s, uint32_t workspace, const struct provision *p,
		       const struct provision_document *declared)
{
	const struct workspace *w = catalog_find_workspace(s, workspace);
	struct problems problems = { 0 };
	struct document next;
	yyjson_val *v;
	if (json_parse(&s->scratch, declared->body, &v, NULL) != JSON_OK)
		return no_memory();
	if (!declaration_read(&s->scratch, declared->kind, v, w, &problems, &next))
		return problems.n ? refuse(s, p, declared, &problems.list[0]) : no_memory();
	int r = keep_off(s, workspace_document(w, next.kind, next.name), v, &next);
	return pass(r ?: put(s, w, &next));
}

static int judge_uses(struct store *s, const struct workspace *w, struct arena *a,
		      const struct provision_document *declared, struct problem *problem)
{
	yyjson_val *v;
	if (json_parse(a, declared->body, &v, NULL) != JSON_OK)
		return no_memory();
	const struct document *d =
		workspace_document(w, DOCUMENT_DESTINATION, json_str(json_get(v, STR("name"))));
	must(d);
	return document_judge_relay(s, a, w, d, problem);
}

int provision_document_uses(struct store *s, uint32_t workspace, const struct provision *p,
			    const struct provision_document *declared)
{
	struct problem problem = { .code = PROBLEM_NONE };
	struct arena a;
	if (declared->kind != DOCUMENT_DESTINATION)
		return 0;
	arena_init(&a, USES_MEMORY_MAX, NULL);
	int r = judge_uses(s, catalog_find_workspace(s, workspace), &a, declared, &problem);
	if (r == STORE_REFUSED)
		r = problem.code ? refuse(s, p, declared, &problem) : no_memory();
	arena_fini(&a);
	return r;
}
