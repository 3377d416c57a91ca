/*
 * ~ A batch from its begin to its commit. Between them store_apply(), in apply.c beside this, first
 * ~ decides everything about an operation (whose contact, which definition, what changes), so that a
 * ~ refused one has written nothing, and then carries it out. The tour goes on in dialect/arsel.c.
 */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

static int check_well(struct store *s)
{
	char why[256];
	must(!s->in_batch);
	return status_is_failed(s, why, sizeof(why)) ? fail(-EIO, "%s", why) : 0;
}

int batch_begin(struct store *s)
{
	int r = check_well(s);
	if (r < 0)
		return pass(r);
	r = memory_fit(s);
	r = r ?: scrub_between_batches(s);
	r = r ?: db_run(s->st[ST_BEGIN]);
	if (r < 0)
		return status_failed(s, r);
	s->in_batch = true;
	s->at.received_at = MAX(s->kept.received_at, s->now());
	return 0;
}

instant_us batch_changed_at(const struct store *s, instant_us before)
{
	return MAX(s->at.received_at, before + 1);
}

/* Or STORE_FULL. A log that somebody held on to may have what is missing; as long as it can be
 * copied, it is given back without a batch. */
static int make_room(struct store *s)
{
	struct disk disk;
	int r = status_measure(s, &disk);
	if (r != STORE_FULL || disk.free_bytes < disk.log_wants_bytes)
		return r;
	r = scrub_between_batches(s);
	return r < 0 ? pass(r) : status_measure(s, &disk);
}

int store_begin(struct store *s)
{
	int r = check_well(s);
	if (r < 0)
		return pass(r);
	r = make_room(s);
	if (r < 0)
		return status_failed(s, r);
	return r == STORE_FULL ? STORE_FULL : batch_begin(s);
}

/* From here on everybody sees the batch. */
static void publish(struct store *s)
{
	/* In this order: what was saved is as it was before what is kept now. */
	heads_save_done(s, true);
	heads_keep(&s->heads);
	rollup_keep(s);
	memory_keep(s);
	s->in_batch = false;
	token_rows_keep(s);
	scrub_keep(s);
	if (!s->edit)
		return;
	catalog_publish(&s->cell, catalog_edit_done(steal(&s->edit)));
	catalog_refresh(&s->cell, &s->catalog);
}

int store_commit(struct store *s)
{
	must(s->in_batch);
	int r = events_flush(s);
	r = r ?: erasure_go_on(s);
	r = r ?: dedupe_purge(s);
	r = r ?: bulk_purge(s);
	r = r ?: token_rows_purge(s);
	r = r ?: rollup_write(s);
	r = r ?: heads_save_some(s, s->at.seq - s->kept.seq);
	r = r ?: db_run(s->st[ST_COMMIT]);
	if (r < 0)
		return status_failed(s, r);
	publish(s);
	return 0;
}

void store_abandon(struct store *s)
{
	if (!s->in_batch)
		return;
	s->in_batch = false;
	/* A failed statement may have ended the transaction already. */
	int r = sqlite3_get_autocommit(s->db) ? 0 : db_run(s->st[ST_ROLLBACK]);
	if (r < 0) /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): it ends here */
		r = status_failed(s, r);
	new_events_clear(&s->new_events);
	heads_drop(&s->heads);
	heads_save_done(s, false);
	rollup_forget(s);
	identity_cache_clear(&s->identities);
	catalog_forget_edit(s);
	token_rows_forget(s);
	s->erasing = true;
	s->next_expiry = 0;
	s->n_expiring = 0;
	s->next_bulk_expiry = 0;
	s->n_bulks = 0;
	s->at = s->kept;
}

bool store_has_chores(const struct store *s)
{
	return s->erasing || scrub_is_due(s);
}

bool store_has_later_chores(const struct store *s)
{
	return s->scrub_at_ms > 0;
}
