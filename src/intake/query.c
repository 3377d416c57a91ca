#include "intake/query.h"

#include "base/fail.h"

#include <errno.h>

static int find(struct store_reader *r, struct arena *a, uint32_t workspace, const struct who *who,
		struct contact_view *row)
{
	return store_find_contact(r, a, workspace, who->kind, who->value, row);
}

/* Whoever the page begins at becomes a number. */
static int place(struct store_reader *r, struct arena *a, uint32_t workspace, struct query *q)
{
	struct contact_view at;
	if (!q->at)
		return 0;
	int e = find(r, a, workspace, q->at, &at);
	q->lost = e == STORE_NONE;
	if (e == STORE_OK)
		*(q->newer ? &q->after : &q->before) = at.number;
	return e == STORE_NONE ? 0 : pass(e);
}

/* Whom each of them names. */
static int find_named(struct store_reader *r, struct arena *a, uint32_t workspace,
		      const struct query *q, struct contact_view *row)
{
	struct contact_view other;
	must(q->n_who > 0);
	int e = find(r, a, workspace, q->who, row);
	for (unsigned i = 1; i < q->n_who && e == STORE_OK; i++) {
		e = find(r, a, workspace, &q->who[i], &other);
		if (e == STORE_OK && other.number != row->number)
			e = STORE_NONE;
	}
	return e;
}

static bool lies_between(const struct query *q, uint64_t number)
{
	return (!q->before || number < q->before) && (!q->after || number > q->after);
}

static int find_contact(struct store_reader *r, struct arena *a, uint32_t workspace,
			struct query *q)
{
	struct contact_view *row = arena_new(a, struct contact_view);
	if (!row)
		return fail(-ENOMEM, "a contact for one request");
	int e = place(r, a, workspace, q);
	if (e < 0 || q->lost)
		return pass(e);
	e = find_named(r, a, workspace, q, row);
	q->rows = row;
	q->n_rows = e == STORE_OK && lies_between(q, row->number);
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
					    .limit = q->limit,
					    .bytes_max = q->bytes_max };
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
