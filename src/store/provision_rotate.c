/*
 * A key's name stands for one holder. When the file gives a name other secrets than are stored for
 * it, those have been replaced and no longer let anybody in. Names that the file does not mention
 * are left alone, as everything is that it does not mention; a list of two secrets under one name
 * keeps both, for the time it takes to change over.
 */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <stdlib.h>

/* The keys of a file, by secret and by name. */
struct declared {
	const struct provision_key **by_digest, **by_name;
	unsigned n;
};

static int compare_digests(const void *a, const void *b)
{
	const struct provision_key *x = *(const struct provision_key *const *)a;
	const struct provision_key *y = *(const struct provision_key *const *)b;
	return memcmp(x->digest.b, y->digest.b, sizeof(x->digest.b));
}

static int compare_names(const void *a, const void *b)
{
	const struct provision_key *x = *(const struct provision_key *const *)a;
	const struct provision_key *y = *(const struct provision_key *const *)b;
	return str_cmp(x->name, y->name);
}

static int sort_declared(struct store *s, const struct provision_workspace *p, struct declared *d)
{
	size_t n = p->n_keys;
	d->by_digest = arena_array(&s->scratch, const struct provision_key *, n + 1);
	d->by_name = arena_array(&s->scratch, const struct provision_key *, n + 1);
	d->n = p->n_keys;
	if (!d->by_digest || !d->by_name)
		return fail(-ENOMEM, "provisioning");
	for (unsigned i = 0; i < d->n; i++)
		d->by_digest[i] = d->by_name[i] = &p->keys[i];
	/* NOLINTBEGIN(bugprone-sizeof-expression): pointers are what is sorted and looked up */
	qsort(d->by_digest, n, sizeof(*d->by_digest), compare_digests);
	qsort(d->by_name, n, sizeof(*d->by_name), compare_names);
	return 0;
}

/* Whether its name is there, and with other secrets only. */
static bool is_replaced(const struct declared *d, const struct key *k)
{
	const struct provision_key like = { .name = k->name, .digest = k->digest };
	const struct provision_key *key = &like;
	return bsearch(&key, d->by_name, d->n, sizeof(key), compare_names) &&
	       !bsearch(&key, d->by_digest, d->n, sizeof(key), compare_digests);
	/* NOLINTEND(bugprone-sizeof-expression) */
}

static int revoke(struct store *s, uint32_t workspace, struct key *k)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(s->db, start_sql[START_KEY_REVOKE], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, k->no);
	k->revoked = true;
	r = db_run(st);
	r = r ?: catalog_begin_edit(s);
	return pass(r ?: catalog_edit_key(s->edit, workspace, k));
}

static int judge(struct store *s, uint32_t workspace, const struct declared *d, sqlite3_stmt *st)
{
	struct key k = { .no = (uint32_t)db_i64(st, 0), .name = db_text(st, 1) };
	int r = db_blob(st, 2, k.digest.b, sizeof(k.digest.b));
	if (r < 0 || k.name.n == 0 || !is_replaced(d, &k))
		return pass(r);
	return revoke(s, workspace, &k);
}

int provision_rotate(struct store *s, uint32_t workspace, const struct provision_workspace *p)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	struct declared d;
	int r = sort_declared(s, p, &d);
	r = r ?: db_prepare(s->db, start_sql[START_KEYS_OF], &st);
	if (r < 0)
		return pass(r);
	db_bind_i64(st, 1, workspace);
	while ((r = db_step(st)) == DB_ROW) {
		r = judge(s, workspace, &d, st);
		if (r < 0)
			return pass(r);
	}
	return r < 0 ? pass(r) : 0;
}
