#include "store/lookback.h"

#include "base/fail.h"
#include "store/reader.h"

void lookback_begin(struct lookback *b, struct store_reader *r, uint64_t seq)
{
	b->reader = r;
	b->next = seq;
	b->n = 0;
}

static void take_link(struct lookback *b, sqlite3_stmt *st, uint64_t prev)
{
	instant_us at = db_i64(st, 3), newer = b->n ? b->since[b->n - 1] : INT64_MAX;
	b->next = prev;
	b->definitions[b->n] = (uint32_t)db_i64(st, 2);
	b->since[b->n++] = MIN(at, newer);
}

/* One step down the contact's list; where it is damaged nobody gets any further. */
static int read_link(struct lookback *b)
{
	sqlite3_stmt *st = b->reader->st[RD_EVENT_LINK];
	db_bind_i64(st, 1, (int64_t)b->next);
	int x = db_step(st);
	uint64_t prev = x == DB_ROW ? (uint64_t)db_i64(st, 0) : b->next;
	bool good = prev < b->next;
	if (good)
		take_link(b, st, prev);
	db_reset(st);
	if (good)
		return 0;
	return x < 0 ? pass(x) : db_damaged("a contact's list of events");
}

static int read_until(struct lookback *b, instant_us since)
{
	int r = 0;
	while (r == 0 && b->next > 0 && b->n < CONDITION_COUNT_MAX &&
	       (b->n == 0 || b->since[b->n - 1] >= since))
		r = read_link(b);
	return pass(r);
}

static unsigned received_since(const struct lookback *b, instant_us since)
{
	unsigned low = 0, high = b->n;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (b->since[middle] >= since)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int lookback_count(struct lookback *b, uint32_t definition, instant_us since, uint64_t *n)
{
	int r = read_until(b, since);
	unsigned all = received_since(b, since);
	*n = definition == 0 ? all : 0;
	for (unsigned i = 0; i < all && definition > 0; i++)
		*n += b->definitions[i] == definition;
	return pass(r);
}
