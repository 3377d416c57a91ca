/*
 * Reading back under /_/v1, without sockets: whatever path, parameters and Last-Event-ID say, a GET
 * is refused with a reason or answered with JSON, of the caller's workspace alone; a page has no
 * more than it may and lies behind its cursor. The store is a real one with few rows.
 *
 * The input is the target, up to a line's end, and then Last-Event-ID.
 */
#include "api/native.h"
#include "api/native_query.h"
#include "base/fail.h"
#include "deliver/ledger.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MEMORY_MAX = 64 * 1024 * 1024,
	CONTACTS = 5,
	EVENTS = 40,
	NOW_S = 1780000000,
	HEADER_MAX = 200,
};

/* In all that the other workspace has, and nowhere else. */
#define ELSEWHERE "elsewhere"

static struct {
	char dir[64];
	struct store *store;
	struct store_reader *reader;
	struct streams *streams;
	struct route_table *routes;
	struct catalog *catalog;
	instant_us now;
} world;

/* The native API's own, of which a resource reaches the streams. */
static struct native *native;

/* --- What there is to read --- */

static instant_us now(void)
{
	return world.now;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void end(void)
{
	catalog_unref(world.catalog);
	native_free(native);
	streams_free(world.streams);
	store_reader_close(world.reader);
	route_table_free(world.routes);
	store_close(world.store);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define DESTINATION "{\"name\":\"crm\",\"type\":\"file\",\"path\":\"crm\"}"
#define AUTOMATION  "{\"name\":\"rule\",\"actions\":[{\"send\":\"crm\"}]}"

static void provision(void)
{
	static const struct provision_document documents[] = {
		{ DOCUMENT_DESTINATION, STR_INIT(DESTINATION), STR_INIT("1") },
		{ DOCUMENT_AUTOMATION, STR_INIT(AUTOMATION), STR_INIT("2") },
	};
	static const struct provision_definition definitions[] = { { .name = STR_INIT("order") },
								   { .name = STR_INIT("visit") } };
	const struct provision_key key = { .digest = sha256_of(STR("k")), .name = STR("backend") };
	const struct provision_workspace list[] = {
		{ .id = { { 1 } },
		  .name = STR("acme"),
		  .keys = &key,
		  .n_keys = 1,
		  .definitions = definitions,
		  .n_definitions = ARRAY_LEN(definitions),
		  .documents = documents,
		  .n_documents = ARRAY_LEN(documents) },
		{ .id = { { 2 } },
		  .name = STR(ELSEWHERE),
		  .definitions = definitions,
		  .n_definitions = ARRAY_LEN(definitions) },
	};
	must(store_provision(world.store,
			     &(struct provision){ .workspaces = list, .n_workspaces = 2 }) == 0);
}

/* The n-th event: each seventh is of the other workspace. */
static void report(struct arena *a, unsigned n)
{
	bool other = n % 7 == 0;
	struct str email = arena_printf(a, "%u@%s.example", n % CONTACTS, other ? ELSEWHERE : "b");
	struct who who = { IDENTITY_EMAIL, WHO_LOOKUP | WHO_CREATES | WHO_ADOPT, email,
			   identity_key(a, IDENTITY_EMAIL, email) };
	const struct workspace *w = catalog_workspace(world.catalog, other ? 2 : 1);
	struct op op = {
		.arena = a,
		.workspace = w->no,
		.dialect = 1,
		.who = &who,
		.n_who = 1,
		.definition = workspace_definition(w, n % 3 ? STR("order") : STR("visit"))->no,
		.properties = other ? STR("{\"of\":\"" ELSEWHERE "\"}") : STR("{\"total\":1}"),
	};
	must(store_begin(world.store) == 0 && store_apply(world.store, &op) == 0);
	must(store_commit(world.store) == 0);
	world.now += 20 * US_PER_S;
}

static void deliver(void)
{
	struct ledger *l = NULL;
	must(ledger_open(world.dir, &l) == 0 && ledger_begin(l) == 0);
	for (uint64_t i = 1; i <= CONTACTS; i++) {
		struct delivery d = { .workspace = 1 + (i == CONTACTS),
				      .automation = 2,
				      .destination = 1,
				      .seq = i,
				      .contact = i,
				      .created_at = world.now,
				      .due_at = world.now };
		must(ledger_decide(l, &d) == 0);
	}
	must(ledger_commit(l) == 0);
	ledger_close(l);
}

static void begin(void)
{
	static const struct store_dialect dialect = { 1, "pristo" };
	const struct store_config config = {
		.dir = world.dir, .dialects = &dialect, .n_dialects = 1, .now = now
	};
	struct arena a;
	strcpy(world.dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/occurd-fuzz-XXXXXX"
							: "/tmp/occurd-fuzz-XXXXXX");
	must(mkdtemp(world.dir));
	world.now = NOW_S * US_PER_S;
	must(store_open(&config, &world.store) == 0);
	atexit(end);
	provision();
	catalog_refresh(store_catalog(world.store), &world.catalog);
	arena_init(&a, MEMORY_MAX, NULL);
	for (unsigned n = 0; n < EVENTS; n++)
		report(&a, n);
	arena_fini(&a);
	deliver();
	must(store_reader_open(world.store, &world.reader) == 0);
	must(streams_new(world.store, NULL, &world.streams) == 0);
	must(native_new(NULL, NULL, world.streams, NULL, &native) == 0);
	must(route_table_new(native_routes, n_native_routes, false, &world.routes) == 0);
}

/* --- One request --- */

/* As the HTTP layer lets it through: visible ASCII. False: it would not. */
static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
			return false;
	return s.n > 0 && s.p[0] == '/';
}

static bool contains(struct str s, struct str part)
{
	return memmem(s.p, s.n, part.p, part.n) != NULL;
}

static void judge_row(yyjson_val *row, uint64_t *before)
{
	yyjson_val *seq = json_get(row, STR("seq"));
	int64_t no = 0;
	if (!seq)
		return;
	must(json_number_to_i64(seq, &no) && no > 0);
	must(*before == 0 || (uint64_t)no < *before);
	*before = (uint64_t)no;
}

static void judge_list(const struct native_query *q, yyjson_val *rows, yyjson_val *next)
{
	size_t i, n;
	yyjson_val *row;
	int64_t before;
	uint64_t at = q->events.before;
	must(yyjson_arr_size(rows) <= q->events.limit || q->value.p);
	yyjson_arr_foreach (rows, i, n, row)
		judge_row(row, &at);
	if (!next || yyjson_is_null(next))
		return;
	must(json_number_to_i64(next, &before) && before > 0);
	must(q->events.before == 0 || (uint64_t)before < q->events.before);
}

static void judge_body(struct native_query *q)
{
	yyjson_val *root = NULL;
	must(json_parse(&q->req->arena, buf_str(&q->body), &root, NULL) == JSON_OK);
	must(yyjson_is_obj(root));
	must(!contains(buf_str(&q->body), STR(ELSEWHERE)));
	yyjson_val *rows = json_get(root, STR("data"));
	if (rows && q->events.limit)
		judge_list(q, rows, json_get(root, STR("next_before")));
}

static void read_or_show(struct native_query *q)
{
	int e = STORE_OK;
	if (q->resource->read)
		e = q->resource->read(q, world.reader);
	else
		q->resource->show(q);
	if (e < 0)
		fprintf(stderr, "%s\n", fail_text());
	must(e == STORE_OK || e == STORE_NONE);
	if (e == STORE_NONE || q->status >= 400 || q->resource->follow)
		return;
	must(q->status == 200 && !q->body.failed);
	judge_body(q);
}

static void ask(struct native_query *q)
{
	bool good = native_params(q) && (!q->resource->prepare || q->resource->prepare(q));
	if (good)
		read_or_show(q);
	else
		must(q->status >= 400 && q->status < 600 && q->detail.n > 0);
}

static void get(struct request *req)
{
	struct route_match m = { 0 };
	if (route_find(world.routes, req, &m) != ROUTE_FOUND)
		return;
	const struct workspace *w = catalog_workspace(world.catalog, 1);
	struct native_query q = {
		.req = req,
		.native = native,
		.resource = m.route->target,
		.catalog = world.catalog,
		.workspace = w,
		.scopes = ~(unsigned)SCOPE_OPERATOR,
		.events.workspace = w->no,
		.body_of = { .req = req },
		.body = buf_in(&req->arena),
		.status = 200,
	};
	memcpy(q.params, m.params, sizeof(m.params));
	ask(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct str target = str_head(text, str_find(text, '\n'));
	struct str last = str_trim(str_from(text, MIN(target.n + 1, text.n)));
	if (!world.store)
		begin();
	if (!is_target(target) || last.n > HEADER_MAX)
		return 0;
	const struct header header = { STR("Last-Event-ID"), last };
	struct str path = str_head(target, str_find(target, '?'));
	struct request req = {
		.method = METHOD_GET,
		.target = target,
		.path = path,
		.query = str_from(target, MIN(path.n + 1, target.n)),
		.headers = &header,
		.n_headers = last.n ? 1 : 0,
	};
	arena_init(&req.arena, MEMORY_MAX, NULL);
	must(url_place_make(&req.arena, target, &req.place));
	get(&req);
	arena_fini(&req.arena);
	return 0;
}
