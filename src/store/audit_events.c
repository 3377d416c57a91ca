#include "base/fail.h"
#include "base/json.h"
#include "base/uuid.h"
#include "store/audit_private.h"

#include <errno.h>
#include <inttypes.h>

enum { DIALECT_MAX = 255 };

/* An event's row; properties are a view until the next step. */
struct row {
	int64_t seq, workspace, contact, prev, nth, definition, dialect, received_at;
	struct uuid id;
	bool has_id;
	struct str properties, mismatches, cause;
};

struct pass_over {
	struct audit *a;
	struct audit_counts *counts;
	sqlite3_stmt *relink, *waits, *erase;
	bool dialects[DIALECT_MAX + 1];
	struct row last; /* seq 0: none yet */
};

static struct row read_row(sqlite3_stmt *st)
{
	struct row e = {
		.seq = db_i64(st, 0),
		.workspace = db_i64(st, 2),
		.contact = db_i64(st, 3),
		.prev = db_i64(st, 4),
		.nth = db_i64(st, 5),
		.definition = db_i64(st, 6),
		.dialect = db_i64(st, 7),
		.received_at = db_i64(st, 8),
		.properties = db_text(st, 9),
		.mismatches = db_text(st, 10),
		.cause = db_text(st, 11),
	};
	e.has_id = db_blob(st, 1, e.id.b, sizeof(e.id.b)) == 0;
	return e;
}

/* What grows with seq; seq itself by one. */
static void judge_order(struct pass_over *p, const struct row *e)
{
	const struct row *last = &p->last;
	if (e->seq == last->seq + 2)
		audit_found(p->a, FINDING_ORDER, "event %" PRId64 ": it is missing", e->seq - 1);
	else if (e->seq != last->seq + 1)
		audit_found(p->a, FINDING_ORDER,
			    "events %" PRId64 " to %" PRId64 ": they are missing", last->seq + 1,
			    e->seq - 1);
	if (!e->has_id)
		audit_found(p->a, FINDING_EVENT, "event %" PRId64 ": its id is none", e->seq);
	else if (last->has_id && memcmp(last->id.b, e->id.b, sizeof(e->id.b)) >= 0)
		audit_found(p->a, FINDING_ORDER,
			    "event %" PRId64 ": its id is not greater than that of the one before",
			    e->seq);
	if (e->received_at < last->received_at)
		audit_found(p->a, FINDING_ORDER,
			    "event %" PRId64 ": it was received before the one before", e->seq);
}

static int judge_json(struct audit *a, const struct row *e, struct str text,
		      bool (*is)(yyjson_val *v), const char *wrong)
{
	yyjson_val *root = NULL;
	arena_reset(&a->scratch);
	enum json_outcome parsed = json_parse(&a->scratch, text, &root, NULL);
	if (parsed == JSON_NO_MEMORY && !a->scratch.full)
		return fail(-ENOMEM, "an event's JSON");
	if (parsed != JSON_OK || !is(root))
		audit_found(a, FINDING_EVENT, "event %" PRId64 ": %s", e->seq, wrong);
	return 0;
}

static int judge_texts(struct audit *a, const struct row *e)
{
	int r = judge_json(a, e, e->properties, yyjson_is_obj, "its properties are none");
	if (e->mismatches.n > 0)
		r = r ?: judge_json(a, e, e->mismatches, yyjson_is_arr, "its mismatches are none");
	if (e->cause.n > 0)
		r = r ?: judge_json(a, e, e->cause, yyjson_is_obj, "its cause is none");
	return pass(r);
}

/* Whether the event can be counted and listed. */
static bool judge_references(struct pass_over *p, const struct row *e, const struct tally *t)
{
	int64_t owner = t ? (int64_t)t->owner - 1 : -1;
	int64_t of = audit_counts_workspace(p->counts, e->definition);
	if (owner < 0)
		audit_found(p->a, FINDING_EVENT,
			    "event %" PRId64 ": contact %" PRId64 " is not there", e->seq,
			    e->contact);
	else if (owner != 0 && owner != e->workspace)
		audit_found(p->a, FINDING_EVENT,
			    "event %" PRId64 ": contact %" PRId64 " is of workspace %" PRId64
			    ", the event of %" PRId64,
			    e->seq, e->contact, owner, e->workspace);
	if (of == 0 || of != e->workspace)
		audit_found(p->a, FINDING_EVENT,
			    "event %" PRId64 ": definition %" PRId64 " is not there, or not of"
			    " workspace %" PRId64,
			    e->seq, e->definition, e->workspace);
	if (e->dialect < 0 || e->dialect > DIALECT_MAX || !p->dialects[e->dialect])
		audit_found(p->a, FINDING_EVENT,
			    "event %" PRId64 ": dialect %" PRId64 " is not there", e->seq,
			    e->dialect);
	return of != 0 && of == e->workspace;
}

static int judge_list(struct pass_over *p, const struct row *e, const struct tally *t)
{
	if (e->prev == (int64_t)t->seq && e->nth == t->count + 1LL)
		return 0;
	if (p->a->mending) {
		db_bind_i64(p->relink, 1, (int64_t)t->seq);
		db_bind_i64(p->relink, 2, t->count + 1LL);
		db_bind_i64(p->relink, 3, e->seq);
		return db_run(p->relink);
	}
	audit_found(p->a, FINDING_LIST,
		    "event %" PRId64 ": as number %" PRId64 " of contact %" PRId64
		    " it follows event %" PRId64 ", but it is number %" PRIu32
		    " and follows %" PRIu64,
		    e->seq, e->nth, e->contact, e->prev, t->count + 1, t->seq);
	return 0;
}

static int is_waiting(struct pass_over *p, const struct row *e, bool *yes)
{
	db_bind_i64(p->waits, 1, e->contact);
	db_bind_i64(p->waits, 2, e->seq);
	int r = db_step(p->waits);
	if (r < 0)
		return pass(r);
	*yes = r == DB_ROW;
	db_reset(p->waits);
	return 0;
}

/* A deleted contact's events are empty, or wait to become so. */
static int judge_deleted(struct pass_over *p, const struct row *e)
{
	bool waiting = false;
	if (str_eq(e->properties, STR("{}")) && e->mismatches.n == 0)
		return 0;
	int r = is_waiting(p, e, &waiting);
	if (r < 0 || waiting)
		return pass(r);
	if (p->a->mending) {
		db_bind_i64(p->erase, 1, e->contact);
		db_bind_i64(p->erase, 2, e->seq);
		return db_run(p->erase);
	}
	audit_found(p->a, FINDING_ERASURE,
		    "event %" PRId64 ": contact %" PRId64 " is deleted, its properties are not",
		    e->seq, e->contact);
	return 0;
}

static int judge_event(struct pass_over *p, const struct row *e)
{
	struct tally *t = audit_tally(p->a, e->contact);
	judge_order(p, e);
	int r = judge_texts(p->a, e);
	if (judge_references(p, e, t))
		r = r
			    ?: audit_count(p->counts,
					   &(struct counted){ e->seq,
							      e->received_at / (60 * 1000000),
							      (uint32_t)e->workspace,
							      (uint32_t)e->definition });
	if (!t)
		return pass(r);
	r = r ?: judge_list(p, e, t);
	if (t->owner == 1)
		r = r ?: judge_deleted(p, e);
	t->seq = (uint64_t)e->seq;
	t->count++;
	return pass(r);
}

static int read_dialects(struct pass_over *p)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(p->a->db, "SELECT no FROM dialect WHERE no BETWEEN 0 AND 255", &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		p->dialects[db_i64(st, 0)] = true;
		r = 0;
	}
	return r < 0 ? pass(r) : 0;
}

static int read_all(struct pass_over *p)
{
	CLEANUP(db_finalize) sqlite3_stmt *st = NULL;
	int r = db_prepare(p->a->db,
			   "SELECT seq, id, workspace, contact, prev, nth, definition, dialect,"
			   " received_at, properties, mismatches, cause FROM event ORDER BY seq",
			   &st);
	while (r == 0 && (r = db_step(st)) == DB_ROW) {
		struct row e = read_row(st);
		p->a->result->events++;
		r = judge_event(p, &e);
		p->last = e;
	}
	p->a->last_seq = (uint64_t)p->last.seq;
	return r < 0 ? pass(r) : 0;
}

int audit_events(struct audit *a)
{
	CLEANUP(db_finalize) sqlite3_stmt *relink = NULL, *waits = NULL, *erase = NULL;
	CLEANUP(audit_counts_free) struct audit_counts *counts = NULL;
	int r = db_prepare(a->db, "UPDATE event SET prev = ?, nth = ? WHERE seq = ?", &relink);
	r = r
		    ?: db_prepare(a->db,
				  "SELECT 1 FROM erasure WHERE contact = ? AND next_seq >= ?",
				  &waits);
	r = r
		    ?: db_prepare(a->db,
				  "INSERT INTO erasure VALUES(?, 0, ?, 0) ON CONFLICT(contact)"
				  " DO UPDATE SET next_seq = excluded.next_seq",
				  &erase);
	r = r ?: audit_counts_begin(a, &counts);
	struct pass_over p = {
		.a = a, .counts = counts, .relink = relink, .waits = waits, .erase = erase
	};
	r = r ?: read_dialects(&p);
	r = r ?: read_all(&p);
	return pass(r ?: audit_counts_end(counts));
}
