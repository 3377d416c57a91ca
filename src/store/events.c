#include "base/fail.h"
#include "store/state.h"

enum { COUNTER_MAX = 0xFFF }; /* the 12 bits of a UUIDv7 that are ours */

static uint16_t counter_of(struct uuid id)
{
	return (uint16_t)((id.b[6] & 0x0F) << 8 | id.b[7]);
}

/* Greater than `last`, by the clock where that will do. A millisecond whose counter has run out
 * borrows the next one. */
static struct uuid next_id(struct uuid last, instant_us now)
{
	uint64_t now_ms = (uint64_t)now / 1000, last_ms = uuid_v7_ms(last);
	if (now_ms > last_ms)
		return uuid_v7(now_ms, 0, random_u64());
	uint16_t counter = counter_of(last);
	if (counter == COUNTER_MAX)
		return uuid_v7(last_ms + 1, 0, random_u64());
	return uuid_v7(last_ms, counter + 1, random_u64());
}

static struct new_event row_of(const struct op *op, uint32_t definition, const struct head *head)
{
	return (struct new_event){
		.id = op->event_id,
		.workspace = op->workspace,
		.contact = (int64_t)op->contact,
		.prev = (int64_t)head->seq,
		.nth = head->count + 1LL,
		.definition = definition,
		.dialect = op->dialect,
		.occurred_at = op->occurred_at,
		.received_at = op->received_at,
		.properties = op->properties,
		.mismatches = op->mismatches,
		.cause = op->cause,
	};
}

/* Whether or not seq and SQLite's count agree is not left to trust. */
int events_flush(struct store *s)
{
	if (s->new_events.n == 0)
		return 0;
	int r = db_run(s->st[ST_EVENTS_ADD]);
	new_events_clear(&s->new_events);
	if (r == 0 && sqlite3_last_insert_rowid(s->db) != (int64_t)s->at.seq)
		return db_damaged("events are not numbered one after the other");
	return pass(r);
}

/* A place of its own: seq, id and time. */
static void place(struct store *s, struct op *op)
{
	s->at.seq++;
	s->at.event_id = next_id(s->at.event_id, s->at.received_at);
	op->seq = s->at.seq;
	op->event_id = s->at.event_id;
	op->received_at = s->at.received_at;
	if (!op->occurred_given)
		op->occurred_at = op->received_at;
}

int event_write(struct store *s, struct op *op, uint32_t definition, struct head *head)
{
	size_t text = op->properties.n + op->mismatches.n + op->cause.n;
	int r = new_events_fit(&s->new_events, text) ? 0 : events_flush(s);
	place(s, op);
	op->contact = head->contact;
	struct new_event row = row_of(op, definition, head);
	if (r == 0 && !new_events_add(&s->new_events, &row))
		r = events_flush(s);
	r = r ?: rollup_count(s, op->workspace, definition);
	if (r < 0)
		return pass(r);
	head->seq = op->seq;
	head->count++;
	return 0;
}

int event_received_at(struct store *s, uint64_t seq, instant_us *out)
{
	sqlite3_stmt *st = s->st[ST_EVENT_FACTS];
	*out = s->at.received_at;
	if (seq > s->kept.seq) /* an event of this batch */
		return 0;
	db_bind_i64(st, 1, (int64_t)seq);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*out = db_i64(st, 3);
	db_reset(st);
	return r == DB_ROW ? 0 : db_damaged("a contact's newest event");
}
