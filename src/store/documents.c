#include "base/fail.h"
#include "model/automation_sends.h"
#include "store/state.h"

#include <errno.h>

static int refuse(struct op *op, enum problem_code code, int64_t limit)
{
	return op_refuse(op, (struct problem){ .code = code,
					       .path = STR("name"),
					       .rule = document_kind_name(op->document->kind),
					       .limit = limit });
}

/* The one that the operation means, or stands in its way; NULL: none. */
static const struct document *there(struct store *s, const struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	return w ? workspace_document(w, op->document->kind, op->document->name) : NULL;
}

/* --- Automations and what they send to --- */

/* STORE_NONE: it is no automation, as this version knows them. */
static int read_automation(struct store *s, struct str body, struct automation *m)
{
	struct problems problems = { 0 };
	yyjson_val *v;
	enum json_outcome o = json_parse(&s->scratch, body, &v, NULL);
	if (o == JSON_OK && automation_read(&s->scratch, v, &problems, m))
		return STORE_OK;
	if (o == JSON_NO_MEMORY || (o == JSON_OK && problems.found == 0))
		return fail(-ENOMEM, "automations");
	return STORE_NONE;
}

/* Whoever judged the automation saw the destinations; they may have gone since. */
static int decide_sends(struct store *s, struct op *op, const struct workspace *w)
{
	struct automation m;
	struct problems *ps = op_problems(op);
	unsigned before = ps ? ps->found : 0;
	int r = ps ? read_automation(s, op->document->body, &m) : STORE_REFUSED;
	must(r != STORE_NONE);
	if (r != STORE_OK)
		return r;
	automation_judge_sends(&m, w, op->arena, ps);
	return ps->found == before ? STORE_OK : STORE_REFUSED;
}

/* Bodies are compact JSON of one writer: the member stands there as that writes it, and inside of no text,
 * or is not meant. So only what may send there is read. */
static bool may_send(const struct document *d, struct str member)
{
	return memmem(d->body.p, d->body.n, member.p, member.n) != NULL;
}

/* The first automation that does that with the destination; NULL: none does. */
static int find_sender(struct store *s, struct arena *a, const struct workspace *w,
		       struct str destination,
		       bool (*does)(const struct automation *m, struct str destination),
		       const struct document **out)
{
	unsigned n;
	const struct document *list = workspace_documents_of(w, DOCUMENT_AUTOMATION, &n);
	struct buf member = buf_in(a);
	buf_lit(&member, "\"send\":");
	buf_json_str(&member, destination);
	*out = NULL;
	if (member.failed)
		return STORE_REFUSED;
	for (unsigned i = 0; i < n && !*out; i++) {
		struct automation m;
		if (!may_send(&list[i], buf_str(&member)))
			continue;
		arena_reset(&s->scratch);
		int r = read_automation(s, list[i].body, &m);
		if (r < 0)
			return pass(r);
		if (r == STORE_OK && does(&m, destination))
			*out = &list[i];
	}
	return STORE_OK;
}

static int decide_unused(struct store *s, struct op *op, const struct workspace *w)
{
	const struct document *sender;
	int r = find_sender(s, op->arena, w, op->document->name, automation_sends_to, &sender);
	if (r != STORE_OK || !sender)
		return r;
	return op_refuse(op, (struct problem){ .code = PROBLEM_IN_USE, .path = sender->name });
}

int document_judge_relay(struct store *s, struct arena *a, const struct workspace *w,
			 const struct document *d, struct problem *out)
{
	const struct document *sender = NULL;
	int r = STORE_OK;
	if (document_is_relay(a, d))
		r = find_sender(s, a, w, d->name, automation_sends_body_to, &sender);
	if (r != STORE_OK || !sender)
		return r;
	struct str rule = arena_printf(a, "the body that the automation \"" STR_FMT "\" has for it",
				       STR_ARG(sender->name));
	*out = (struct problem){ .code = PROBLEM_CLASH, .path = STR("type"), .rule = rule.p };
	return STORE_REFUSED;
}

/* What it was has been judged with each automation that sends there. */
static int decide_type(struct store *s, struct op *op, const struct workspace *w,
		       const struct document *old)
{
	struct problem p = { .code = PROBLEM_NONE };
	if (!old || document_is_relay(op->arena, old))
		return STORE_OK;
	int r = document_judge_relay(s, op->arena, w, op->document, &p);
	return r == STORE_REFUSED && p.code ? op_refuse(op, p) : r;
}

/* --- Deciding --- */

static int decide_new(struct op *op, const struct workspace *w)
{
	unsigned n;
	workspace_documents_of(w, op->document->kind, &n);
	if (op->rules & DOCUMENT_MUST_EXIST)
		return refuse(op, PROBLEM_UNKNOWN_DOCUMENT, 0);
	return n < DOCUMENTS_MAX ? STORE_OK : refuse(op, PROBLEM_DOCUMENTS_FULL, DOCUMENTS_MAX);
}

static int decide_change(struct op *op, const struct document *old)
{
	if (op->rules & DOCUMENT_MUST_BE_NEW)
		return refuse(op, PROBLEM_EXISTS, 0);
	if (op->rules & DOCUMENT_AS_SEEN && old->updated_at != op->document->updated_at)
		return refuse(op, PROBLEM_CHANGED, 0);
	return STORE_OK;
}

bool document_fits(const struct workspace *w, const struct document *d, size_t *all)
{
	*all = d->body.n;
	for (unsigned i = 0; i < w->n_documents; i++)
		if (document_compare(d->kind, d->name, &w->documents[i]) != 0)
			*all += w->documents[i].body.n;
	return *all <= DOCUMENTS_BYTES_MAX;
}

static int decide_size(struct op *op, const struct workspace *w)
{
	size_t all;
	if (document_fits(w, op->document, &all))
		return STORE_OK;
	return op_refuse(op, (struct problem){ .code = PROBLEM_TOO_MANY,
					       .rule = "bytes together with all other destinations "
						       "and automations",
					       .limit = DOCUMENTS_BYTES_MAX,
					       .size = (int64_t)all });
}

int document_decide(struct store *s, struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	const struct document *old = there(s, op);
	if (!w)
		return op_refuse(op, (struct problem){ .code = PROBLEM_UNKNOWN_WORKSPACE });
	int r = old ? decide_change(op, old) : decide_new(op, w);
	if (r == STORE_OK && op->rules & DOCUMENT_SWITCHED_OFF)
		return STORE_OK;
	r = r ?: decide_size(op, w);
	if (r != STORE_OK)
		return r;
	return op->document->kind == DOCUMENT_AUTOMATION ? decide_sends(s, op, w)
							 : decide_type(s, op, w, old);
}

int document_delete_decide(struct store *s, struct op *op)
{
	const struct workspace *w = catalog_find_workspace(s, op->workspace);
	if (!there(s, op))
		return refuse(op, PROBLEM_UNKNOWN_DOCUMENT, 0);
	return op->document->kind == DOCUMENT_DESTINATION ? decide_unused(s, op, w) : STORE_OK;
}

/* --- Writing --- */

static int add_row(struct store *s, uint32_t workspace, struct document *d)
{
	int64_t no = 0;
	sqlite3_stmt *st = s->st[ST_DOCUMENT_ADD];
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, d->kind);
	db_bind_text(st, 3, d->name);
	db_bind_text(st, 4, d->body);
	db_bind_i64(st, 5, d->updated_at);
	int r = db_first_i64(st, &no);
	/* Numbers with the highest bit are not theirs: see deliver/deed.h. */
	if (r == 0 && no > INT32_MAX)
		return fail(-E2BIG, "row numbers have run out");
	d->no = (uint32_t)no;
	return pass(r);
}

static int set_row(struct store *s, const struct document *d)
{
	sqlite3_stmt *st = s->st[ST_DOCUMENT_SET];
	db_bind_text(st, 1, d->body);
	db_bind_i64(st, 2, d->updated_at);
	db_bind_i64(st, 3, d->no);
	return db_run(st);
}

static int put(struct store *s, uint32_t workspace, const struct document *old, struct document *d)
{
	d->no = old ? old->no : 0;
	d->created_at = old ? old->created_at : s->at.received_at;
	d->updated_at = old ? batch_changed_at(s, old->updated_at) : s->at.received_at;
	int r = old ? set_row(s, d) : add_row(s, workspace, d);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_document(s->edit, workspace, d));
}

int document_declare(struct store *s, uint32_t workspace, struct document *d)
{
	const struct workspace *w = catalog_find_workspace(s, workspace);
	const struct document *old = workspace_document(w, d->kind, d->name);
	return old && str_eq(old->body, d->body) ? 0 : pass(put(s, workspace, old, d));
}

/* Also one that makes no difference is a change: that is how somebody says that a destination, which has
 * said it wants nothing any more, shall be asked again. */
int document_write(struct store *s, struct op *op)
{
	struct document next = *op->document;
	const struct document *old = there(s, op);
	op->received_at = s->at.received_at;
	op->created = !old;
	op->changed = true;
	int r = put(s, op->workspace, old, &next);
	op->document_no = next.no;
	return pass(r);
}

int document_delete(struct store *s, struct op *op)
{
	const struct document *old = there(s, op);
	sqlite3_stmt *st = s->st[ST_DOCUMENT_DROP];
	must(old);
	op->received_at = s->at.received_at;
	op->changed = true;
	op->document_no = old->no;
	db_bind_i64(st, 1, old->no);
	int r = db_run(st);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_no_document(s->edit, op->workspace, old->kind, old->name));
}
