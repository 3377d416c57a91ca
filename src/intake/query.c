#include "intake/query.h"

#include "base/fail.h"

#include <errno.h>

static int find_contact(struct store_reader *r, struct arena *a, uint32_t workspace,
			struct query *q)
{
	struct contact_view *row = arena_new(a, struct contact_view);
	int e = STORE_NONE;
	if (!row)
		return fail(-ENOMEM, "a contact for one request");
	for (unsigned i = 0; i < q->n_who && e == STORE_NONE; i++)
		e = store_find_contact(r, a, workspace, q->who[i].kind, q->who[i].value, row);
	q->rows = row;
	q->n_rows = e == STORE_OK;
	return e == STORE_NONE ? 0 : pass(e);
}

/* Whoever the page begins at becomes a number. */
static int place(struct store_reader *r, struct arena *a, uint32_t workspace, struct query *q)
{
	struct contact_view at;
	if (q->n_who == 0)
		return 0;
	int e = store_find_contact(r, a, workspace, q->who->kind, q->who->value, &at);
	q->lost = e == STORE_NONE;
	if (e == STORE_OK)
		*(q->newer ? &q->after : &q->before) = at.number;
	return e == STORE_NONE ? 0 : pass(e);
}

static int list_contacts(struct store_reader *r, struct arena *a, uint32_t workspace,
			 struct query *q)
{
	struct contact_view *rows = NULL;
	int e = place(r, a, workspace, q);
	if (e < 0 || q->lost)
		return pass(e);
	const struct contact_query page = { .workspace = workspace,
					    .before = q->before,
					    .after = q->after,
					    .oldest = q->oldest,
					    .skip = q->skip,
					    .limit = q->limit };
	if (q->wants_count)
		e = store_count_contacts(r, workspace, &q->count);
	e = e ?: store_read_contacts(r, a, &page, &rows, &q->n_rows, &q->more);
	q->rows = rows;
	return pass(e);
}

static int list_bulks(struct store_reader *r, struct arena *a, uint32_t workspace, struct query *q)
{
	struct bulk_view *rows = NULL;
	int e = store_read_bulks(r, a, workspace, &q->bulk, &rows, &q->n_rows, &q->more);
	q->bulks = rows;
	return pass(e);
}

static int run(struct store_reader *r, struct arena *a, uint32_t workspace, struct query *q)
{
	switch (q->kind) {
	case QUERY_CONTACT:
		return find_contact(r, a, workspace, q);
	case QUERY_CONTACTS:
		return list_contacts(r, a, workspace, q);
	case QUERY_BULKS:
		return list_bulks(r, a, workspace, q);
	}
	return fail(-EINVAL, "a query of no kind");
}

int query_run(struct reader_pool *readers, struct arena *a, uint32_t workspace, struct query *q)
{
	struct store_reader *r;
	int e = reader_pool_borrow(readers, &r);
	if (e < 0)
		return pass(e);
	e = run(r, a, workspace, q);
	reader_pool_return(readers, r, e);
	return pass(e);
}
