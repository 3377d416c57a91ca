/*
 * A store in a directory of its own, a clock that the test moves, and operations as a dialect
 * would make them. For the programs of this folder, each of which includes it once.
 */
#pragma once

#include "../scratch.h"
#include "base/fail.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Shows the cause of a failure, not only its number. */
#define assert_done(call)                                            \
	do {                                                         \
		int done_ = (call);                                  \
		if (done_ < 0)                                       \
			print_error("%s: %s\n", #call, fail_text()); \
		assert_int_equal(done_, 0);                          \
	} while (0)

#define assert_str(s, text)                                                            \
	do {                                                                           \
		struct str str_ = (s);                                                 \
		if (!str_eq(str_, str_of(text)))                                       \
			print_error("got " STR_FMT ", not %s\n", STR_ARG(str_), text); \
		assert_true(str_eq(str_, str_of(text)));                               \
	} while (0)

static _Atomic instant_us clock_us;

static inline instant_us fixture_now(void)
{
	return clock_us;
}

enum { DIALECT_A = 1, DIALECT_B = 2 };

static const struct store_dialect fixture_dialects[] = {
	{ DIALECT_A, "pristo" },
	{ DIALECT_B, "arsel" },
};

struct fixture {
	char dir[64];
	struct store *store;
	struct store_reader *reader;
	struct arena arena;
};

/* Rounds in which heads are saved, so short that they end, and begin anew, within every test. */
static unsigned fixture_round_events = 10;

static inline struct store_config fixture_config(const struct fixture *f)
{
	return (struct store_config){
		.dir = f->dir,
		.dialects = fixture_dialects,
		.n_dialects = ARRAY_LEN(fixture_dialects),
		.now = fixture_now,
		.round_events = fixture_round_events,
	};
}

static inline void fixture_open(struct fixture *f)
{
	struct store_config config = fixture_config(f);
	assert_done(store_open(&config, &f->store));
	assert_done(store_reader_open(f->store, &f->reader));
}

static inline void fixture_close(struct fixture *f)
{
	store_reader_close(f->reader);
	store_close(f->store);
	f->reader = NULL;
	f->store = NULL;
}

static inline void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

/* Memory where there is some: no test here is about what the disk does with a sync. Only the one
 * that writes much asks for a disk. */
static bool fixture_wants_disk;

static inline const char *fixture_root(void)
{
	const char *tmp = getenv("TMPDIR");
	if (!fixture_wants_disk && access("/dev/shm", W_OK) == 0)
		return "/dev/shm";
	return tmp && strlen(tmp) < 40 ? tmp : "/tmp";
}

/* An empty directory and no store in it yet. */
static inline void fixture_dir(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%s/occurd-XXXXXX", fixture_root());
	assert_non_null(mkdtemp(f->dir));
	arena_init(&f->arena, 256 * 1024 * 1024, NULL);
	clock_us = 1780000000LL * US_PER_S + 123456;
}

static inline void fixture_begin(struct fixture *f)
{
	fixture_dir(f);
	fixture_open(f);
}

static inline void fixture_end(struct fixture *f)
{
	fixture_close(f);
	arena_fini(&f->arena);
	assert_int_equal(scratch_remove(f->dir), 0);
}

/* Provisioning of two workspaces: 1 with the declared definition "purchase", 2 without. */
static inline struct uuid fixture_workspace_id(uint8_t no)
{
	return (struct uuid){ { 0xAA, 0xBB, [6] = 0x40, [8] = 0x80, [15] = no } };
}

static const struct field fixture_fields[] = {
	{ .name = STR_INIT("total"), .type = FIELD_NUMBER, .required = true },
	{ .name = STR_INIT("note"), .type = FIELD_STRING },
};

static const struct provision_definition fixture_definitions[] = {
	{ STR_INIT("purchase"), STR_INIT("Fired on checkout."), false, fixture_fields, 2, { 0 } },
	{ STR_INIT("visit"), STR_INIT(""), false, NULL, 0, { 0 } },
};

static inline struct provision_key fixture_key(const char *secret, const char *name)
{
	return (struct provision_key){ .digest = sha256_of(str_of(secret)),
				       .name = str_of(name),
				       .scopes = SCOPE_EVENTS_WRITE | SCOPE_ADMIN };
}

static inline void fixture_provision(struct fixture *f)
{
	const struct provision_contact_field contact_fields[] = {
		{ .name = STR("gender") },
		{ .name = STR("age"), .typed = true, .type = FIELD_NUMBER },
	};
	const struct provision_key key1 = fixture_key("one", "backend");
	const struct provision_key key2 = fixture_key("two", "other");
	const struct provision_workspace workspaces[] = {
		{
			.id = fixture_workspace_id(1),
			.name = STR("acme"),
			.contact_fields = contact_fields,
			.n_contact_fields = 2,
			.keys = &key1,
			.n_keys = 1,
			.definitions = fixture_definitions,
			.n_definitions = 2,
		},
		{ .id = fixture_workspace_id(2), .name = STR("zeta"), .keys = &key2, .n_keys = 1 },
	};
	assert_done(store_provision(
		f->store, &(struct provision){ .workspaces = workspaces, .n_workspaces = 2 }));
}

/* Row number of a definition; 0 when there is none. */
static inline uint32_t fixture_definition(struct fixture *f, uint32_t workspace, const char *name)
{
	struct catalog *c = NULL;
	catalog_refresh(store_catalog(f->store), &c);
	const struct workspace *w = catalog_workspace(c, workspace);
	struct definition *d = w ? workspace_definition(w, str_of(name)) : NULL;
	uint32_t no = d ? d->no : 0;
	catalog_unref(c);
	return no;
}

/* One identity of a report. */
static inline struct who fixture_who(struct fixture *f, enum identity_kind kind, const char *value,
				     unsigned use)
{
	return (struct who){ kind, use, str_of(value),
			     identity_key(&f->arena, kind, str_of(value)) };
}

/* An event of workspace 1, definition `purchase`, by somebody's e-mail, creating. */
static inline struct op fixture_op(struct fixture *f, const char *email)
{
	struct who *who = arena_new(&f->arena, struct who);
	assert_non_null(who);
	*who = fixture_who(f, IDENTITY_EMAIL, email, WHO_LOOKUP | WHO_CREATES | WHO_ADOPT);
	return (struct op){
		.arena = &f->arena,
		.workspace = 1,
		.dialect = DIALECT_A,
		.who = who,
		.n_who = 1,
		.definition = fixture_definition(f, 1, "purchase"),
		.properties = STR("{\"total\":1}"),
	};
}

/* A batch of one; the outcome of store_apply(). */
static inline int fixture_apply(struct fixture *f, struct op *op)
{
	assert_done(store_begin(f->store));
	int r = store_apply(f->store, op);
	if (r < 0)
		print_error("store_apply: %s\n", fail_text());
	assert_true(r >= 0);
	assert_done(store_commit(f->store));
	return r;
}

/* A destination or automation of workspace 1; an empty body deletes it. */
static inline struct op fixture_document(struct fixture *f, unsigned rules, enum document_kind kind,
					 const char *name, const char *body)
{
	struct document *d = arena_new(&f->arena, struct document);
	assert_non_null(d);
	*d = (struct document){ .kind = kind, .name = str_of(name), .body = str_of(body) };
	return (struct op){ .arena = &f->arena,
			    .kind = body[0] ? OP_DOCUMENT : OP_DOCUMENT_DELETE,
			    .workspace = 1,
			    .rules = rules,
			    .document = d };
}

/* Applied; its number. */
static inline uint32_t fixture_declare(struct fixture *f, unsigned rules, enum document_kind kind,
				       const char *name, const char *body)
{
	struct op op = fixture_document(f, rules, kind, name, body);
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	return op.document_no;
}

static inline struct contact_view fixture_contact(struct fixture *f, uint32_t workspace,
						  enum identity_kind kind, const char *value)
{
	struct contact_view row = { 0 };
	int r = store_find_contact(f->reader, &f->arena, workspace, kind, str_of(value), &row);
	if (r < 0)
		print_error("store_find_contact: %s\n", fail_text());
	assert_true(r == STORE_OK || r == STORE_NONE);
	return row;
}

static inline void fixture_copy_file(const struct fixture *from, const struct fixture *to,
				     const char *name)
{
	char path[100], bytes[65536];
	ssize_t n;
	snprintf(path, sizeof(path), "%s/%s", from->dir, name);
	int in = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/%s", to->dir, name);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

/* Another directory, with the files as a kill at this moment would leave them. */
static inline void fixture_copy_files(const struct fixture *from, struct fixture *to)
{
	instant_us now = clock_us;
	fixture_dir(to);
	clock_us = now;
	fixture_copy_file(from, to, "occurd.db");
	fixture_copy_file(from, to, "occurd.db-wal");
}

static inline void fixture_copy(const struct fixture *from, struct fixture *to)
{
	fixture_copy_files(from, to);
	fixture_open(to);
}

static inline sqlite3 *fixture_sqlite(const char *dir, int flags)
{
	char path[100];
	sqlite3 *db;
	snprintf(path, sizeof(path), "%s/occurd.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &db, flags, NULL), SQLITE_OK);
	return db;
}

/* Behind the store's back; how many rows the last statement changed. */
static inline int fixture_sql(const char *dir, const char *sql)
{
	sqlite3 *db = fixture_sqlite(dir, SQLITE_OPEN_READWRITE);
	int r = sqlite3_exec(db, sql, NULL, NULL, NULL), changes = sqlite3_changes(db);
	if (r != SQLITE_OK)
		print_error("%s: %s\n", sql, sqlite3_errmsg(db));
	assert_int_equal(r, SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return changes;
}

/* A reader that holds on to the log until it is closed. */
static inline sqlite3 *fixture_log_reader(const struct fixture *f)
{
	sqlite3 *db = fixture_sqlite(f->dir, SQLITE_OPEN_READONLY);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL),
			 SQLITE_OK);
	return db;
}

/* SQLite copies nothing by a connection that has never read, and says that it went well. */
static inline int fixture_copy_log(const char *path, int manner, int *pages, int *copied)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	int rc = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	rc = rc ? rc : sqlite3_wal_checkpoint_v2(db, NULL, manner, pages, copied);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rc;
}

/* Of a log that a reader holds on to: what is behind him stays where it is, and what is copied is not
 * synced as long as there is more. */
static inline void fixture_copy_part(const char *path)
{
	int pages = 0, copied = 0;
	assert_int_equal(fixture_copy_log(path, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied),
			 SQLITE_OK);
	assert_in_range(copied, 1, pages - 1);
}

/* Everything that the database holds, in one number; two equal stores have equal ones. */
static inline uint64_t fixture_fingerprint(struct fixture *f)
{
	static const char *const tables[] = {
		"workspace",    "access_key", "oauth_client", "definition", "contact",
		"identity",     "event",      "rollup",       "dialect",    "meta",
		"contact_head", "erasure",    "dedupe",       "token",      "contact_field",
		"bulk",         "bulk_item",  "document",
	};
	char sql[100];
	sqlite3 *db = fixture_sqlite(f->dir, SQLITE_OPEN_READONLY);
	uint64_t print = 0;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		sqlite3_stmt *st;
		snprintf(sql, sizeof(sql), "SELECT * FROM %s", tables[i]);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW)
			for (int c = 0; c < sqlite3_column_count(st); c++) {
				const void *p = sqlite3_column_blob(st, c);
				size_t n = (size_t)sqlite3_column_bytes(st, c);
				print = hash64_seeded((struct str){ p, n }, print + n);
			}
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return print;
}

/* The operation is refused for one reason, which comes back, and writes nothing. */
static inline struct problem fixture_refused(struct fixture *f, struct op *op)
{
	uint64_t before = fixture_fingerprint(f);
	assert_int_equal(fixture_apply(f, op), STORE_REFUSED);
	assert_int_equal(op->problems->n, 1);
	assert_int_equal(fixture_fingerprint(f), before);
	return op->problems->list[0];
}
