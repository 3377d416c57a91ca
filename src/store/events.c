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

static void bind(sqlite3_stmt *st, const struct op *op, uint32_t definition,
		 const struct head *head)
{
	db_bind_i64(st, 1, (int64_t)op->seq);
	db_bind_blob(st, 2, op->event_id.b, sizeof(op->event_id.b));
	db_bind_i64(st, 3, op->workspace);
	db_bind_i64(st, 4, (int64_t)op->contact);
	db_bind_i64(st, 5, (int64_t)head->seq);
	db_bind_i64(st, 6, head->count + 1LL);
	db_bind_i64(st, 7, definition);
	db_bind_i64(st, 8, op->dialect);
	db_bind_i64(st, 9, op->occurred_at);
	db_bind_i64(st, 10, op->received_at);
	db_bind_text(st, 11, op->properties);
	db_bind_text(st, 12, op->mismatches.p ? op->mismatches : STR(""));
}

int event_write(struct store *s, struct op *op, uint32_t definition, struct head *head)
{
	s->at.seq++;
	s->at.event_id = next_id(s->at.event_id, s->at.received_at);
	op->seq = s->at.seq;
	op->event_id = s->at.event_id;
	op->contact = head->contact;
	op->received_at = s->at.received_at;
	if (!op->occurred_given)
		op->occurred_at = op->received_at;

	bind(s->st[ST_EVENT_ADD], op, definition, head);
	int r = db_run(s->st[ST_EVENT_ADD]);
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
	db_bind_i64(st, 1, (int64_t)seq);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	*out = db_i64(st, 3);
	db_reset(st);
	return r == DB_ROW ? 0 : db_damaged("a contact's newest event");
}
