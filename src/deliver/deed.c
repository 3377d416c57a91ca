#include "deliver/deed.h"

#include "base/fail.h"
#include "deliver/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct deeds {
	struct deliver_commits commits;
	struct http *http;
	unsigned n_under_way;

	pthread_mutex_t lock;
	struct deed *home; /* those that have come back, not yet looked at */
};

/* One under way, in its attempt's arena. */
struct deed {
	struct deliver_op work; /* first */
	struct deeds *all;
	struct attempt *attempt;
	const struct action *action;
	struct deed *next;
	int64_t began_ms;
};

/* --- Where they stand in the ledger --- */

#define OWN 0x80000000U /* documents have no such numbers */

uint32_t deeds_destination_no(uint32_t workspace)
{
	return OWN | workspace;
}

bool deeds_are_at(uint32_t destination)
{
	return destination & OWN;
}

/* Soon again where there was only no room; then slower, for three days: a disk that is full has to
 * be looked at by somebody. */
struct destination deeds_destination(uint32_t workspace)
{
	static const uint32_t retry_s[] = { 1,     1,     2,     5,     10,    30,   60,
					    120,   300,   600,   1800,  3600,  7200, 7200,
					    14400, 14400, 28800, 28800, 86400, 86400 };
	return (struct destination){
		.no = deeds_destination_no(workspace),
		.workspace = workspace,
		.declared_at = 1, /* it never changes */
		.retry_s = retry_s,
		.n_retries = ARRAY_LEN(retry_s),
		.concurrency = DEEDS_OF_WORKSPACE_MAX,
	};
}

/* --- What came of them --- */

static void end(struct attempt *a, enum attempt_outcome outcome, struct str answer)
{
	a->outcome = outcome;
	a->status = 0;
	a->retry_after_s = -1;
	a->answer = answer.p ? answer : STR("");
	a->done(a);
}

static void end_unasked(struct attempt *a, struct str why)
{
	a->unasked = true;
	end(a, ATTEMPT_DEAD, why);
}

static struct str told(struct arena *a, const struct problems *ps)
{
	struct buf b = buf_in(a);
	for (unsigned i = 0; i < ps->n; i++) {
		buf_put(&b, i ? STR("; ") : STR(""));
		problem_put_english(&b, &ps->list[i]);
	}
	return b.failed ? STR("it was refused") : buf_str(&b);
}

static struct str why_refused(const struct op *op)
{
	if (!op->problems || op->problems->n == 0)
		return STR("it was refused");
	if (op->problems->list[0].code == PROBLEM_UNKNOWN_CONTACT)
		return STR("the contact was deleted");
	return told(op->arena, op->problems);
}

static struct str what_was_done(const struct op *op)
{
	char id[UUID_TEXT + 1];
	if (op->kind != OP_EVENT)
		return op->changed ? STR("changed") : STR("it was so already");
	uuid_text(op->event_id, id);
	return arena_printf(op->arena, "recorded event %s", id);
}

static void come_home(struct deed *d)
{
	const struct op *op = &d->work.op;
	struct attempt *a = d->attempt;
	a->duration_ms = time_monotonic_ms() - d->began_ms;
	switch (op->outcome) {
	case OP_DONE:
		return end(a, ATTEMPT_DELIVERED, what_was_done(op));
	case OP_REFUSED:
		return end(a, ATTEMPT_DEAD, why_refused(op));
	case OP_OVERLOADED:
		return end(a, ATTEMPT_RETRY, STR("there is no room: the disk is nearly full"));
	case OP_PENDING:
	case OP_UNAVAILABLE:
		return end(a, ATTEMPT_RETRY, STR("the store could not write it"));
	}
}

void deeds_come_home(struct deeds *d)
{
	pthread_mutex_lock(&d->lock);
	struct deed *list = steal(&d->home), *next;
	pthread_mutex_unlock(&d->lock);
	for (; list; list = next) {
		next = list->next;
		d->n_under_way--;
		come_home(list);
	}
}

/* On the thread that commits: it must not touch the attempt. */
static void on_committed(struct deliver_op *work)
{
	struct deed *d = (struct deed *)work;
	struct deeds *all = d->all;
	pthread_mutex_lock(&all->lock);
	bool was_empty = !all->home;
	d->next = all->home;
	all->home = d;
	pthread_mutex_unlock(&all->lock);
	if (was_empty)
		http_wake(all->http);
}

/* --- Loops --- */

/* Those that led to the event the deed is about; NULL: a client reported it. */
static int read_chain(const struct attempt *a, struct arena *arena, yyjson_val **out)
{
	yyjson_val *cause = NULL;
	*out = NULL;
	if (a->event->cause.n == 0)
		return 0;
	if (json_parse(arena, a->event->cause, &cause, NULL) != JSON_OK)
		return fail(-ENOMEM, "an event's cause");
	*out = json_get(cause, STR("automations"));
	return 0;
}

static const char *loop_of(const struct attempt *a, yyjson_val *chain)
{
	size_t i, n;
	yyjson_val *v;
	if (!chain)
		return NULL;
	yyjson_arr_foreach (chain, i, n, v)
		if (str_eq(json_str(v), a->automation->name))
			return "a loop: the automation has led to this event itself";
	if (n >= DEED_CHAIN_MAX)
		return "a loop: five automations have led to this event, one after the other";
	return NULL;
}

static void put_chain(struct buf *b, yyjson_val *chain)
{
	size_t i, n;
	yyjson_val *v;
	if (!chain)
		return;
	yyjson_arr_foreach (chain, i, n, v) {
		json_put(b, v);
		buf_char(b, ',');
	}
}

static struct str put_cause(const struct attempt *a, struct arena *arena, yyjson_val *chain)
{
	char id[UUID_TEXT + 1];
	struct buf b = buf_in(arena);
	uuid_text(a->event->id, id);
	buf_printf(&b, "{\"event_id\":\"%s\",\"automations\":[", id);
	put_chain(&b, chain);
	buf_json_str(&b, a->automation->name);
	buf_lit(&b, "]}");
	return b.failed ? (struct str){ 0 } : buf_str(&b);
}

/* --- Beginning one --- */

static int no_memory(void)
{
	return fail(-ENOMEM, "what an automation does");
}

static const struct workspace *workspace_of(const struct attempt *a)
{
	const struct journey *j = (const struct journey *)a;
	return catalog_workspace(j->rules->catalog, j->delivery.workspace);
}

static int name_contact(struct deed *d)
{
	const struct journey *j = (const struct journey *)d->attempt;
	struct op *op = &d->work.op;
	struct who *who = arena_new(op->arena, struct who);
	struct str number =
		arena_printf(op->arena, "%llu", (unsigned long long)j->delivery.contact);
	if (!who || !number.p)
		return no_memory();
	*who = (struct who){ .kind = IDENTITY_NUMBER, .use = WHO_LOOKUP, .value = number };
	op->who = who;
	op->n_who = 1;
	return 0;
}

/* Above zero: `why` not. */
static int make_event(struct deed *d, const char **why)
{
	struct op *op = &d->work.op;
	struct attempt *a = d->attempt;
	yyjson_val *chain;
	int r = read_chain(a, op->arena, &chain);
	if (r < 0)
		return pass(r);
	*why = loop_of(a, chain);
	if (*why)
		return 1;
	op->kind = OP_EVENT;
	op->definition = workspace_definition(workspace_of(a), d->action->definition)->no;
	op->cause = put_cause(a, op->arena, chain);
	op->properties =
		d->action->properties ? json_text(op->arena, d->action->properties) : STR("{}");
	op->dedupe = (struct dedupe){ .key = a->id, .space = DEDUPE_DEED, .keep_s = DEED_KEPT_S };
	return op->cause.p && op->properties.p ? 0 : no_memory();
}

static int make_op(struct deed *d, const char **why)
{
	struct op *op = &d->work.op;
	*op = (struct op){
		.arena = &d->attempt->arena,
		.kind = OP_CONTACT,
		.workspace = d->attempt->destination->workspace,
		.dialect = DIALECT_AUTOMATION,
		.changes = d->action->changes,
		.n_changes = d->action->n_changes,
	};
	int r = name_contact(d);
	if (r == 0 && d->action->kind == ACTION_RECORD)
		r = make_event(d, why);
	return r < 0 ? pass(r) : r;
}

/* It was judged when it was saved; definitions and contact fields may have changed since. */
static bool is_still_right(struct deed *d, struct str *why)
{
	struct problems problems = { 0 };
	struct spec s = { .arena = &d->attempt->arena, .problems = &problems };
	const struct workspace *w = workspace_of(d->attempt);
	*why = STR("the workspace was deleted");
	if (!w)
		return false;
	action_judge(d->action, w, STR(""), &s);
	*why = told(s.arena, &problems);
	return problems.found == 0;
}

/* NULL: the automation was changed, and no longer does that. */
static const struct action *action_of(const struct attempt *a)
{
	const struct delivery *d = &((const struct journey *)a)->delivery;
	const struct automation *m = a->automation;
	bool same = d->action < m->n_actions && m->actions[d->action].kind == d->kind;
	return same ? &m->actions[d->action] : NULL;
}

static void submit(struct deeds *all, struct deed *d)
{
	all->n_under_way++;
	if (all->commits.submit(all->commits.ctx, &d->work))
		return;
	all->n_under_way--;
	end(d->attempt, ATTEMPT_RETRY, STR("there is no room in the queue"));
}

static int deed_send(struct http *h, struct attempt *a)
{
	struct str wrong;
	const char *why = NULL;
	struct deed *d = arena_new(&a->arena, struct deed);
	(void)h;
	if (!d)
		return no_memory();
	*d = (struct deed){ .work.done = on_committed,
			    .all = a->kept,
			    .attempt = a,
			    .action = action_of(a),
			    .began_ms = time_monotonic_ms() };
	if (!d->action) {
		end_unasked(a, STR("the automation was changed and does not do that"));
		return 0;
	}
	if (!is_still_right(d, &wrong)) {
		end_unasked(a, wrong);
		return 0;
	}
	int r = make_op(d, &why);
	if (r == 0)
		submit(d->all, d);
	else if (r > 0)
		end_unasked(a, str_of(why));
	return r < 0 ? pass(r) : 0;
}

/* A power cut may take what was decided last out of the ledger, and then it is decided anew: about a
 * contact that is no longer as it was when a deed has been done already. */
static bool is_noted(const struct destination *to)
{
	(void)to;
	return true;
}

const struct sender deed = { .makes_own = true, .send = deed_send, .is_noted = is_noted };

/* --- Life --- */

unsigned deeds_room(const struct deeds *d)
{
	return d->n_under_way < DEEDS_MAX ? DEEDS_MAX - d->n_under_way : 0;
}

int deeds_new(const struct deliver_commits *commits, struct http *http, struct deeds **out)
{
	struct deeds *d = calloc(1, sizeof(*d));
	if (!d)
		return no_memory();
	d->commits = *commits;
	d->http = http;
	pthread_mutex_init(&d->lock, NULL);
	*out = d;
	return 0;
}

void deeds_free(struct deeds *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d);
}
