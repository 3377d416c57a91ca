/* Single values: how far something has got, and when it happened last. */
#include "deliver/ledger_private.h"

/* Kept where no automation's position is. */
enum { GONE = 0, ORIGIN = -1 };

static int move(struct ledger *l, int64_t whose, uint64_t seq)
{
	ledger_bind_pair(l->st[POSITION_SET], (uint64_t)whose, seq);
	return pass(db_run(l->st[POSITION_SET]));
}

static int position(struct ledger *l, int64_t whose, uint64_t start, uint64_t *seq)
{
	int64_t at;
	bool found;
	db_bind_i64(l->st[POSITION_GET], 1, whose);
	int r = ledger_get_i64(l->st[POSITION_GET], &at, &found);
	if (r < 0)
		return pass(r);
	*seq = found ? (uint64_t)at : start;
	return found ? 0 : pass(move(l, whose, start));
}

int ledger_move(struct ledger *l, uint32_t automation, uint64_t seq)
{
	return pass(move(l, automation, seq));
}

int ledger_position(struct ledger *l, uint32_t automation, uint64_t start, uint64_t *seq)
{
	return pass(position(l, automation, start, seq));
}

int ledger_paused(struct ledger *l, uint32_t automation, bool *paused)
{
	int64_t is = 0;
	db_bind_i64(l->st[PAUSED_GET], 1, automation);
	int r = db_first_i64(l->st[PAUSED_GET], &is);
	*paused = is != 0;
	return pass(r);
}

int ledger_pause(struct ledger *l, uint32_t automation, bool paused)
{
	ledger_bind_pair(l->st[PAUSED_SET], automation, paused);
	return pass(db_run(l->st[PAUSED_SET]));
}

int ledger_origin(struct ledger *l, uint64_t end, uint64_t *origin)
{
	int r = ledger_sync_commits(l, true);
	r = r ?: position(l, ORIGIN, end, origin);
	return pass(r ?: ledger_sync_commits(l, false));
}

int ledger_gone(struct ledger *l, uint64_t *no)
{
	return pass(position(l, GONE, 0, no));
}

int ledger_set_gone(struct ledger *l, uint64_t no)
{
	return pass(move(l, GONE, no));
}

int ledger_knows(struct ledger *l, uint32_t automation, bool *known)
{
	int64_t seq;
	db_bind_i64(l->st[POSITION_GET], 1, automation);
	return pass(ledger_get_i64(l->st[POSITION_GET], &seq, known));
}

int ledger_fired(struct ledger *l, uint32_t automation, uint64_t contact, instant_us *at)
{
	bool found;
	*at = 0;
	ledger_bind_pair(l->st[FIRED_GET], automation, contact);
	return pass(ledger_get_i64(l->st[FIRED_GET], at, &found));
}

int ledger_fire(struct ledger *l, uint32_t automation, uint64_t contact, instant_us at)
{
	ledger_bind_pair(l->st[FIRED_SET], automation, contact);
	db_bind_i64(l->st[FIRED_SET], 3, at);
	return pass(db_run(l->st[FIRED_SET]));
}

int ledger_next_fired(struct ledger *l, uint32_t *automation)
{
	int64_t next = 0;
	db_bind_i64(l->st[FIRED_NEXT], 1, *automation);
	int r = db_first_i64(l->st[FIRED_NEXT], &next);
	*automation = (uint32_t)next;
	return pass(r);
}

int ledger_forget_fired(struct ledger *l, uint32_t automation, unsigned limit, bool *all)
{
	ledger_bind_pair(l->st[FIRED_DROP], automation, limit);
	int r = db_run(l->st[FIRED_DROP]);
	*all = r == 0 && (unsigned)sqlite3_changes(l->db) < limit;
	return pass(r);
}

int ledger_silence(struct ledger *l, uint32_t destination, instant_us declared_at)
{
	ledger_bind_pair(l->st[SILENCE_SET], destination, (uint64_t)declared_at);
	return pass(db_run(l->st[SILENCE_SET]));
}

int ledger_silenced(struct ledger *l, uint32_t destination, instant_us *declared_at)
{
	bool found;
	*declared_at = 0;
	db_bind_i64(l->st[SILENCE_GET], 1, destination);
	return pass(ledger_get_i64(l->st[SILENCE_GET], declared_at, &found));
}
