#include "deliver/walk.h"

#include "store/db.h"

#define COLUMNS                                                                                 \
	"SELECT no, workspace, automation, action, destination, seq, contact, state, attempts," \
	" tried, created_at, due_at, ended_at, status, answer, note, kind FROM delivery "
#define DOWN " AND no < ?2 ORDER BY no DESC LIMIT ?3"
#define UP   " AND no > ?2 AND no <= ?4 ORDER BY no LIMIT ?3"

const char *const walk_down_sql[WALKS] = {
	[WALK_CONTACT] = COLUMNS "WHERE contact = ?1" DOWN,
	[WALK_DEAD] = COLUMNS "WHERE workspace = ?1 AND state = 2" DOWN,
	[WALK_AUTOMATION] = COLUMNS "WHERE automation = ?1" DOWN,
	[WALK_DESTINATION] = COLUMNS "WHERE destination = ?1" DOWN,
	[WALK_WORKSPACE] = COLUMNS "WHERE workspace = ?1" DOWN,
};

const char *const walk_up_sql[WALKS] = {
	[WALK_CONTACT] = COLUMNS "WHERE contact = ?1" UP,
	[WALK_DEAD] = COLUMNS "WHERE workspace = ?1 AND state = 2" UP,
	[WALK_AUTOMATION] = COLUMNS "WHERE automation = ?1" UP,
	[WALK_DESTINATION] = COLUMNS "WHERE destination = ?1" UP,
	[WALK_WORKSPACE] = COLUMNS "WHERE workspace = ?1" UP,
};

const char walk_one_sql[] = COLUMNS "WHERE no = ?1";

enum walk walk_for(const struct delivery_filter *f, uint64_t *key)
{
	*key = f->contact;
	if (f->contact)
		return WALK_CONTACT;
	*key = f->workspace;
	if (f->state == DELIVERY_DEAD)
		return WALK_DEAD;
	*key = f->automation;
	if (f->automation)
		return WALK_AUTOMATION;
	*key = f->destination;
	if (f->destination)
		return WALK_DESTINATION;
	*key = f->workspace;
	return WALK_WORKSPACE;
}

int walk_take(sqlite3_stmt *st, struct delivery *d)
{
	*d = (struct delivery){
		.no = (uint64_t)db_i64(st, 0),
		.workspace = (uint32_t)db_i64(st, 1),
		.automation = (uint32_t)db_i64(st, 2),
		.action = (unsigned)db_i64(st, 3),
		.destination = (uint32_t)db_i64(st, 4),
		.seq = (uint64_t)db_i64(st, 5),
		.contact = (uint64_t)db_i64(st, 6),
		.state = (enum delivery_state)db_i64(st, 7),
		.attempts = (unsigned)db_i64(st, 8),
		.tried = (unsigned)db_i64(st, 9),
		.created_at = db_i64(st, 10),
		.due_at = db_i64(st, 11),
		.ended_at = db_i64(st, 12),
		.status = (int)db_i64(st, 13),
		.kind = (unsigned)db_i64(st, 16),
	};
	return (unsigned)d->state < DELIVERY_STATES ? 0 : db_damaged("a delivery's state");
}

struct str walk_answer(sqlite3_stmt *st)
{
	return db_text(st, 14);
}

struct str walk_note(sqlite3_stmt *st)
{
	return db_text(st, 15);
}

bool walk_means(const struct delivery_filter *f, const struct delivery *d)
{
	return d->workspace == f->workspace && (!f->contact || d->contact == f->contact) &&
	       (!f->automation || d->automation == f->automation) &&
	       (!f->destination || d->destination == f->destination) &&
	       (f->state < 0 || (int)d->state == f->state) && d->created_at >= f->since &&
	       d->created_at < f->until && (!f->ended_by || d->ended_at <= f->ended_by);
}
