#include "base/fail.h"
#include "base/json.h"
#include "store/state.h"

#include <errno.h>

/*
 * Ids that callers chose. An event's leads to its row, which holds the facts; a whole request's
 * holds an outcome for each of its operations. Rows that have expired count as absent, and go with
 * the batches that follow: at least twice as many as come in, so that they never pile up.
 */
enum { PURGE_MIN = 16 };

static void bind_key(sqlite3_stmt *st, uint32_t workspace, const struct dedupe *id)
{
	must(id->key.n <= DEDUPE_KEY_MAX);
	db_bind_i64(st, 1, workspace);
	db_bind_i64(st, 2, id->space);
	db_bind_text(st, 3, id->key);
}

/* DB_ROW: the caller reads and resets it. */
static int find(struct store *s, uint32_t workspace, const struct dedupe *id)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_FIND];
	bind_key(st, workspace, id);
	db_bind_i64(st, 4, s->at.received_at);
	return db_step(st);
}

struct entry {
	uint64_t seq, payload;
	struct str outcomes;
};

static int put(struct store *s, uint32_t workspace, const struct dedupe *id, const struct entry *e)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_PUT];
	instant_us expires_at = id->keep_s ? s->at.received_at + id->keep_s * US_PER_S : 0;
	bind_key(st, workspace, id);
	db_bind_i64(st, 4, (int64_t)e->seq);
	db_bind_i64(st, 5, (int64_t)e->payload);
	db_bind_text(st, 6, e->outcomes);
	db_bind_i64(st, 7, expires_at);
	if (expires_at) {
		s->next_expiry = MIN(s->next_expiry, expires_at);
		s->n_expiring++;
	}
	return db_run(st);
}

/* --- An event's --- */

/* As long as the event itself, so only for who shows them: else there is nothing to be refused. */
static int take_first(sqlite3_stmt *st, struct op *op)
{
	if (!op->wants_first)
		return STORE_OK;
	op->properties = arena_str(op->arena, db_text(st, 4));
	op->definition_name = arena_str(op->arena, db_text(st, 5));
	return op->properties.p && op->definition_name.p ? STORE_OK : STORE_REFUSED;
}

static int take_facts(sqlite3_stmt *st, struct op *op, uint64_t seq)
{
	op->seq = seq;
	op->contact = (uint64_t)db_i64(st, 1);
	op->occurred_at = db_i64(st, 2);
	op->received_at = db_i64(st, 3);
	int r = db_blob(st, 0, op->event_id.b, sizeof(op->event_id.b));
	return r < 0 ? pass(r) : take_first(st, op);
}

static int read_facts(struct store *s, struct op *op, uint64_t seq)
{
	sqlite3_stmt *st = s->st[ST_EVENT_FACTS];
	int r = seq > s->kept.seq ? events_flush(s) : 0;
	db_bind_i64(st, 1, (int64_t)seq);
	r = r ?: db_step(st);
	if (r < 0)
		return pass(r);
	r = r == DB_ROW ? take_facts(st, op, seq) : db_damaged("the event of a caller's id");
	db_reset(st);
	op->repeated = r == STORE_OK;
	return r;
}

int dedupe_find(struct store *s, struct op *op)
{
	if (!op->dedupe.key.p)
		return STORE_NONE;
	int r = find(s, op->workspace, &op->dedupe);
	if (r < 0)
		return pass(r);
	uint64_t seq = r == DB_ROW ? (uint64_t)db_i64(s->st[ST_DEDUPE_FIND], 0) : 0;
	db_reset(s->st[ST_DEDUPE_FIND]);
	return seq ? read_facts(s, op, seq) : STORE_NONE;
}

int dedupe_add(struct store *s, const struct op *op)
{
	const struct entry e = { .seq = op->seq, .outcomes = STR("[]") };
	return op->dedupe.key.p ? put(s, op->workspace, &op->dedupe, &e) : 0;
}

/* --- A whole request's --- */

static void put_outcome(struct buf *b, const struct op *op)
{
	char id[UUID_TEXT + 1];
	bool refused = op->outcome == OP_REFUSED;
	uuid_text(op->event_id, id);
	buf_printf(b, "{\"refused\":%s,\"problem\":%d,", refused ? "true" : "false",
		   refused && op->problems ? (int)op->problems->list[0].code : PROBLEM_NONE);
	buf_printf(b, "\"event_id\":\"%s\",\"seq\":%llu,\"contact\":%llu,", id,
		   (unsigned long long)op->seq, (unsigned long long)op->contact);
	buf_printf(b, "\"occurred_at\":%lld,\"received_at\":%lld,", (long long)op->occurred_at,
		   (long long)op->received_at);
	buf_printf(b, "\"created\":%s,\"changed\":%s,\"definition\":%u}",
		   op->created ? "true" : "false", op->changed ? "true" : "false",
		   op->definition_no);
}

int store_remember(struct store *s, const struct store_request *request, const struct op *ops,
		   unsigned n_ops)
{
	must(s->in_batch);
	arena_reset(&s->scratch);
	struct buf b = buf_in(&s->scratch);
	buf_char(&b, '[');
	for (unsigned i = 0; i < n_ops; i++) {
		if (i > 0)
			buf_char(&b, ',');
		put_outcome(&b, &ops[i]);
	}
	buf_char(&b, ']');
	if (b.failed)
		return status_failed(s, fail(-ENOMEM, "outcomes of a request"));
	const struct entry e = { .payload = request->payload, .outcomes = buf_str(&b) };
	int r = put(s, request->workspace, &request->id, &e);
	return r < 0 ? status_failed(s, r) : 0;
}

/* 0 for what is no number: we wrote it, so it is one. */
static int64_t number(yyjson_val *v, const char *name)
{
	int64_t n = 0;
	yyjson_val *member = json_get(v, str_of(name));
	return member && json_number_to_i64(member, &n) ? n : 0;
}

static int take_outcome(yyjson_val *v, struct op *op)
{
	int64_t problem = number(v, "problem");
	op->repeated = true;
	op->outcome = yyjson_get_bool(json_get(v, STR("refused"))) ? OP_REFUSED : OP_DONE;
	op->seq = (uint64_t)number(v, "seq");
	op->contact = (uint64_t)number(v, "contact");
	op->occurred_at = number(v, "occurred_at");
	op->received_at = number(v, "received_at");
	op->created = yyjson_get_bool(json_get(v, STR("created")));
	op->changed = yyjson_get_bool(json_get(v, STR("changed")));
	op->definition_no = (uint32_t)number(v, "definition");
	if (problem > PROBLEM_NONE && problem <= PROBLEM_LAST)
		op_problem(op, (struct problem){ .code = (enum problem_code)problem });
	if (!uuid_parse(json_str(json_get(v, STR("event_id"))), &op->event_id))
		return db_damaged("outcomes of a request");
	return 0;
}

static int take_outcomes(struct store *s, struct str json, struct op *ops, unsigned n_ops)
{
	yyjson_val *list, *v;
	size_t i, n;
	enum json_outcome parsed = json_parse(&s->scratch, json, &list, NULL);
	if (parsed == JSON_NO_MEMORY)
		return fail(-ENOMEM, "outcomes of a request");
	if (parsed != JSON_OK || !yyjson_is_arr(list))
		return db_damaged("outcomes of a request");
	if (yyjson_arr_size(list) != n_ops)
		return STORE_REFUSED;
	yyjson_arr_foreach (list, i, n, v) {
		int r = take_outcome(v, &ops[i]);
		if (r < 0)
			return pass(r);
	}
	return 0;
}

static int recall(struct store *s, const struct store_request *request, struct op *ops,
		  unsigned n_ops)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_FIND];
	int r = find(s, request->workspace, &request->id);
	if (r < 0)
		return pass(r);
	if (r == DB_END)
		r = STORE_NONE;
	else if ((uint64_t)db_i64(st, 1) != request->payload)
		r = STORE_REFUSED;
	else
		r = take_outcomes(s, db_text(st, 2), ops, n_ops);
	db_reset(st);
	for (unsigned i = 0; r == STORE_REFUSED && i < n_ops; i++)
		ops[i].outcome = OP_REFUSED;
	return r;
}

int store_recall(struct store *s, const struct store_request *request, struct op *ops,
		 unsigned n_ops)
{
	must(s->in_batch);
	arena_reset(&s->scratch);
	int r = recall(s, request, ops, n_ops);
	return r < 0 ? status_failed(s, r) : r;
}

/* --- Expiry --- */

struct expired {
	int64_t workspace, space;
	struct str key;
};

int dedupe_load(struct store *s)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_EXPIRY];
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	/* min() of no rows is NULL, which reads as 0. */
	s->next_expiry = db_i64(st, 0) ?: INT64_MAX;
	s->n_expiring = 0;
	db_reset(st);
	return 0;
}

/* The one that expired first; STORE_NONE when there is none. Its key is a copy. */
static int find_expired(struct store *s, struct expired *e)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_EXPIRED];
	db_bind_i64(st, 1, s->at.received_at);
	int r = db_step(st);
	if (r < 0)
		return pass(r);
	e->workspace = db_i64(st, 0);
	e->space = db_i64(st, 1);
	e->key = arena_str(&s->scratch, db_text(st, 2));
	db_reset(st);
	if (!e->key.p)
		return fail(-ENOMEM, "expired ids");
	return r == DB_ROW ? STORE_OK : STORE_NONE;
}

static int drop(struct store *s, const struct expired *e)
{
	sqlite3_stmt *st = s->st[ST_DEDUPE_DROP];
	db_bind_i64(st, 1, e->workspace);
	db_bind_i64(st, 2, e->space);
	db_bind_text(st, 3, e->key);
	return db_run(st);
}

static int drop_expired(struct store *s, unsigned limit)
{
	int r = STORE_OK;
	arena_reset(&s->scratch);
	while (r == STORE_OK && limit-- > 0) {
		struct expired e;
		r = find_expired(s, &e);
		if (r == STORE_OK)
			r = drop(s, &e);
	}
	return r == STORE_NONE ? 0 : pass(r);
}

int dedupe_purge(struct store *s)
{
	unsigned limit = PURGE_MIN + 2 * s->n_expiring;
	s->n_expiring = 0;
	if (s->next_expiry > s->at.received_at)
		return 0;
	int r = drop_expired(s, limit);
	return pass(r ?: dedupe_load(s));
}
