#include "base/fail.h"
#include "base/timefmt.h"
#include "store/state.h"

/*
 * What is erased is overwritten with zeros where it stood, but the database file has those only when
 * they are copied there, and the log holds copies of before until it is written over, which on a
 * quiet server may take days. So some seconds after an erasure was committed all of the log is copied
 * and then cut to nothing. One such end serves all erasures before it, so that many of them cost no
 * more than one each time.
 *
 * Likewise the log is ended that grew while a reader held on to it, as a backup does, so that the disk
 * is given back: it is looked once a second whether the reader has gone.
 */
enum { AFTER_MS = 10 * 1000, AGAIN_MS = 1000 };

static void ask(struct store *s, int64_t after_ms)
{
	if (s->scrub_at_ms == 0)
		s->scrub_at_ms = time_monotonic_ms() + after_ms;
}

static int64_t usual(const struct store *s)
{
	return s->scrub_after_ms ? s->scrub_after_ms : AFTER_MS;
}

/* A kill has left a log, and whether something was erased in it nobody knows any more. */
void scrub_load(struct store *s)
{
	if (directory_file_bytes(&s->dir, "occurd.db-wal") > 0)
		ask(s, usual(s));
}

void scrub_keep(struct store *s)
{
	if (s->erased)
		ask(s, usual(s));
	s->erased = false;
}

bool scrub_is_due(const struct store *s)
{
	return s->checkpoint && s->scrub_at_ms > 0 && time_monotonic_ms() >= s->scrub_at_ms &&
	       !checkpoint_is_copying(s->checkpoint);
}

int scrub_between_batches(struct store *s)
{
	enum checkpoint_end end;
	if (scrub_is_due(s))
		checkpoint_ask_for_end(s->checkpoint);
	int r = checkpoint_between_batches(s->checkpoint, &end);
	if (r < 0 || end == CHECKPOINT_NO_END)
		return pass(r);
	s->scrub_at_ms = 0;
	if (end == CHECKPOINT_HELD)
		ask(s, AGAIN_MS);
	return 0;
}
