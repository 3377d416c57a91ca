#include "base/fail.h"
#include "model/declaration.h"
#include "store/state.h"

#include <errno.h>

enum { USES_MEMORY_MAX = 16 * 1024 * 1024 }; /* bytes; far above what a declaration needs */

static int no_memory(void)
{
	return fail(-ENOMEM, "provisioning");
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

static int put(struct store *s, const struct workspace *w, const struct provision *p,
	       const struct provision_document *declared, struct document *d)
{
	unsigned n;
	size_t all;
	workspace_documents_of(w, d->kind, &n);
	if (n >= DOCUMENTS_MAX && !workspace_document(w, d->kind, d->name))
		return provision_refuse(p, declared->place,
					": a workspace would have more than %d %ss", DOCUMENTS_MAX,
					document_kind_name(d->kind));
	if (!document_fits(w, d, &all))
		return provision_refuse(p, declared->place,
					": a workspace would have %zu bytes of destinations and "
					"automations, more than %d",
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
		return problems.n
			       ? provision_refuse_problem(s, p, declared->place, &problems.list[0])
			       : no_memory();
	int r = keep_off(s, workspace_document(w, next.kind, next.name), v, &next);
	return r ?: put(s, w, p, declared, &next);
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
	/* What has changed is held against it, not the other way round. */
	if (d->updated_at < s->at.received_at)
		return STORE_OK;
	int r = document_judge_relay(s, a, w, d, problem);
	return r == STORE_OK ? document_judge_path(s, a, w->no, d, problem) : r;
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
		r = problem.code ? provision_refuse_problem(s, p, declared->place, &problem)
				 : no_memory();
	arena_fini(&a);
	return r;
}
