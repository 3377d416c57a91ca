/*
 * Lists of the dialects, page by page: whatever the query says, the page that is asked for is a
 * bounded one in one direction, and the cursors that its answer hands out are taken again.
 *
 * The input's first byte chooses the list, the rest is the query.
 */
#include "fuzz/dialect_fuzz.h"

#include "model/contact.h"

enum { LIMIT_MAX = 1000, SKIP_MAX = 100 * 1000, TARGET_MAX = 2048, MEMORY_MAX = 64 << 20 };

#define BEARER HEADER("Authorization", "Bearer " TRIAL_KEY)
#define APP    HEADER("Authorization", "App " TRIAL_KEY)

/* Where the answer says how to go on, "a.b" or "a[last].b"; NULL: pages have numbers. */
struct list {
	const struct dialect *dialect;
	struct trial_request request; /* the path */
	const char *next;
	const char *param; /* what takes it; NULL: it is a whole address */
};

static const struct list lists[] = {
	{ &arsel, { METHOD_GET, "/v1/contacts", { BEARER } }, "data[last].id", "after" },
	{ &arsel, { METHOD_GET, "/v1/events", { BEARER } }, "data[last].id", "after" },
	{ &arsel, { METHOD_GET, "/v1/properties", { BEARER } }, "data[last].id", "after" },
	{ &omnisend, { METHOD_GET, "/v5/contacts", { BEARER } }, "paging.next", NULL },
	{ &omnisend, { METHOD_GET, "/api/contacts", { BEARER } }, "paging.cursors.after", "after" },
	{ &omnisend, { METHOD_GET, "/v5/batches", { BEARER } }, "paging.next", NULL },
	{ &omnisend, { METHOD_GET, "/api/batches", { BEARER } }, NULL, NULL },
	{ &infobip, { METHOD_GET, "/people/2/persons", { APP } }, NULL, NULL },
	{ &infobip, { METHOD_GET, "/peopleevents/2/definitions", { APP } }, NULL, NULL },
};

/* A query as the HTTP layer lets it through: visible ASCII without a fragment. */
static bool put_query(struct buf *target, struct str query)
{
	buf_char(target, '?');
	for (size_t i = 0; i < query.n; i++) {
		if (query.p[i] <= ' ' || query.p[i] > '~' || query.p[i] == '#')
			return false;
		buf_char(target, query.p[i]);
	}
	buf_char(target, '\0');
	return !target->failed;
}

static void judge_query(const struct query *q)
{
	if (!q)
		return;
	must(q->before <= INT64_MAX && q->after <= INT64_MAX);
	if (q->kind == QUERY_CONTACT)
		return;
	unsigned limit = q->kind == QUERY_BULKS ? q->bulk.limit : q->limit;
	must(limit > 0 && limit <= LIMIT_MAX);
	must(q->skip <= SKIP_MAX && q->bulk.offset <= SKIP_MAX);
	must(!q->before || !q->after);
	must(!q->oldest || (!q->before && !q->after));
}

static yyjson_val *answer_json(struct trial *t, struct arena *a)
{
	yyjson_val *root = NULL;
	must(t->answers == 1 && t->status >= 200 && t->status < 600);
	must(json_parse(a, t->body, &root, NULL) == JSON_OK && yyjson_is_ctn(root));
	return root;
}

/* Of the answer what `path` names; .p NULL: nothing goes on from there. */
static struct str follow(yyjson_val *v, struct str path)
{
	while (v && path.n) {
		struct str step = str_head(path, str_find(path, '.'));
		path = str_from(path, MIN(step.n + 1, path.n));
		struct str name = str_head(step, str_find(step, '['));
		v = json_get(v, name);
		if (name.n < step.n)
			v = yyjson_arr_get_last(v);
	}
	return yyjson_is_str(v) ? json_str(v) : (struct str){ 0 };
}

/* An address without scheme and host. */
static struct str path_of(struct str address)
{
	must(str_starts(address, STR("http")));
	size_t slashes = str_find(address, '/') + 2;
	must(slashes < address.n);
	struct str rest = str_from(address, slashes);
	return str_from(rest, str_find(rest, '/'));
}

/* The target of the page behind the one that was answered; empty: there is none. */
static void put_next(struct buf *b, const struct list *list, const struct trial *t,
		     yyjson_val *answer)
{
	struct str cursor = { 0 };
	if (t->status == 200 && list->next)
		cursor = follow(answer, str_of(list->next));
	if (!cursor.p)
		return;
	if (list->param)
		buf_printf(b, "%s?%s=" STR_FMT, list->request.target, list->param, STR_ARG(cursor));
	else
		buf_put(b, path_of(cursor));
	buf_char(b, '\0');
}

/* One page, of which more follow. Its status. */
static int ask(const struct list *list, const char *target, struct arena *a, struct buf *next)
{
	struct trial t;
	struct trial_request from = list->request;
	from.target = target;
	trial_run(&t, list->dialect, &from, STR(""), TRIAL_MEMORY);
	judge_query(t.call.query);
	if (t.call.query)
		t.call.query->more = true;
	trial_answer(&t);
	put_next(next, list, &t, answer_json(&t, a));
	trial_end(&t);
	return t.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char first[TARGET_MAX], second[TARGET_MAX], third[TARGET_MAX];
	struct arena a;
	if (size < 1)
		return 0;
	const struct list *list = &lists[data[0] % ARRAY_LEN(lists)];
	struct buf target = buf_over(first, sizeof(first));
	struct buf next = buf_over(second, sizeof(second)), last = buf_over(third, sizeof(third));
	buf_put(&target, str_of(list->request.target));
	if (!put_query(&target, (struct str){ (const char *)data + 1, size - 1 }))
		return 0;
	arena_init(&a, MEMORY_MAX, NULL);
	ask(list, first, &a, &next);
	if (next.n && !next.failed)
		must(ask(list, second, &a, &last) == 200);
	arena_fini(&a);
	return 0;
}
