/*
 * The power goes off at any write, sync, truncation, creation or deletion of a store's short lives,
 * and what was not synced has reached the disk in any part and order. After each cut: `occurd check`
 * has nothing to find; every batch that was acknowledged is there, in order, once; the one that was
 * on its way is there whole or not at all; deletions hold; and the store goes on. In some lives syncs
 * fail before that, and leave for good to chance what they were for, while everybody still sees it. In
 * half of the worlds somebody reads (test_power_readers.c has what is rare among them, each time).
 *
 * Arguments: how many worlds, and the seed of the first. A world is a directory and its few lives.
 * In half of the worlds the thread that copies the log runs, and so not every cut of theirs comes
 * at the same moment when a seed is run again.
 */
#include "fixture.h"

#include "base/log.h"
#include "base/uuid.h"
#include "power_vfs.h"
#include "whole.h"

enum { LIVES = 3, BATCHES = 5, PER_BATCH = 4, EVENTS_MAX = 200, VICTIMS_MAX = 100 };

struct world {
	struct fixture f;
	uint64_t seed, rng;
	bool threaded; /* the log is copied by the store's own thread, else by the test */
	bool read;     /* somebody has the database open all the time, and reads now and then */
	sqlite3 *reader;
	uint64_t reader_rng; /* of its own: what a kept seed does stays as it was */
	unsigned n_ops;

	/* What must be there, in this order; of the batch on its way all or nothing. */
	struct uuid events[EVENTS_MAX], on_way[PER_BATCH];
	unsigned n_events, n_on_way;

	/* Contacts made to be deleted; those up to n_gone are. */
	unsigned n_victims, n_gone;
	bool provisioned; /* workspace 1, and what it declares */
};

static unsigned pick(struct world *w, unsigned n)
{
	return (unsigned)power_draw(&w->rng, n);
}

/* --- What a life does --- */

static int open_store(struct world *w)
{
	struct store_config config = fixture_config(&w->f);
	config.log_pages = w->threaded ? 6 : 0;
	config.scrub_after_ms = w->threaded ? 1 : 0;
	return store_open(&config, &w->f.store);
}

static int provision(struct world *w)
{
	const struct provision_key key =
		fixture_key(arena_printf(&w->f.arena, "key %u", pick(w, 3)).p, "backend");
	const struct provision_workspace acme = {
		.id = fixture_workspace_id(1),
		.name = STR("acme"),
		.keys = &key,
		.n_keys = 1,
		.definitions = fixture_definitions,
		.n_definitions = 2,
	};
	int r = store_provision(w->f.store,
				&(struct provision){ .workspaces = &acme, .n_workspaces = 1 });
	w->provisioned |= r == 0;
	return r;
}

/* An event of anybody: known, new, of a definition that grows, under a caller's id, with an
 * attribute that changes, large enough for pages of its own. */
static struct op make_event(struct world *w)
{
	struct fixture *f = &w->f;
	unsigned n = w->n_ops++;
	struct op op = fixture_op(f, arena_printf(&f->arena, "%u@x.io", pick(w, 2) ? n % 5 : n).p);
	struct seen_field *seen = arena_new(&f->arena, struct seen_field);
	struct attribute_change *change = arena_new(&f->arena, struct attribute_change);
	if (pick(w, 3) == 0) {
		*seen = (struct seen_field){ arena_printf(&f->arena, "f%u", pick(w, 9)),
					     FIELD_STRING, FIELD_BIT(FIELD_STRING) };
		op.definition = 0;
		op.definition_name = STR("inferred");
		op.seen = seen;
		op.n_seen = 1;
	}
	*change = (struct attribute_change){ ATTRIBUTE_SET, true, STR("city"),
					     .json = arena_printf(&f->arena, "%u", n) };
	op.changes = change;
	op.n_changes = pick(w, 2);
	if (pick(w, 4) == 0)
		op.dedupe = (struct dedupe){ arena_printf(&f->arena, "id %u", n),
					     DEDUPE_INFOBIP_EVENT, pick(w, 2) ? 60 : 0 };
	op.properties = arena_printf(&f->arena, "{\"n\":%u,\"fill\":\"%0*d\"}", n,
				     pick(w, 6) ? 1 : 1 + (int)pick(w, 9000), 0);
	return op;
}

static struct op victim_op(struct world *w, unsigned victim)
{
	return fixture_op(&w->f, arena_printf(&w->f.arena, "victim%u@x.io", victim).p);
}

static int apply(struct world *w, struct op op)
{
	int r = store_apply(w->f.store, &op);
	if (r == STORE_OK && op.kind == OP_EVENT)
		w->on_way[w->n_on_way++] = op.event_id;
	return r;
}

/* Which victims there are after the batch. */
static int apply_victim(struct world *w, unsigned *n_victims, unsigned *n_gone)
{
	if (*n_gone < w->n_victims && pick(w, 2)) {
		struct op op = victim_op(w, (*n_gone)++);
		op.kind = OP_CONTACT_DELETE;
		return apply(w, op);
	}
	return *n_victims < VICTIMS_MAX ? apply(w, victim_op(w, (*n_victims)++)) : 0;
}

static void keep_batch(struct world *w)
{
	for (unsigned i = 0; i < w->n_on_way; i++) {
		must(w->n_events < EVENTS_MAX);
		w->events[w->n_events++] = w->on_way[i];
	}
	w->n_on_way = 0;
}

static int run_batch(struct world *w)
{
	unsigned n_victims = w->n_victims, n_gone = w->n_gone;
	arena_reset(&w->f.arena);
	clock_us += (int64_t)pick(w, 50) * US_PER_S;
	w->n_on_way = 0;
	int r = store_begin(w->f.store);
	for (unsigned i = pick(w, PER_BATCH); r == 0 && i > 0; i--)
		r = apply(w, make_event(w));
	r = r ?: apply_victim(w, &n_victims, &n_gone);
	r = r ?: store_commit(w->f.store);
	if (r == 0)
		keep_batch(w);
	/* One that is deleted, or not yet made, for all that is acknowledged. */
	w->n_victims = r == 0 ? n_victims : w->n_victims;
	w->n_gone = r == 0 ? n_gone : w->n_gone;
	return r;
}

/* In one thread the same seed comes to the same cut. */
static void copy_log(struct world *w)
{
	static const int manners[] = { SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
				       SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE };
	char path[100];
	snprintf(path, sizeof(path), "%s/occurd.db", w->f.dir);
	(void)fixture_copy_log(path, manners[pick(w, 4)], NULL, NULL);
}

/* --- Who reads --- */

static void let_a_reader_come(struct world *w)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/occurd.db", w->f.dir);
	/* It may be without power. */
	(void)sqlite3_open_v2(path, &w->reader, SQLITE_OPEN_READONLY, NULL);
}

static void let_the_reader(struct world *w, const char *sql)
{
	if (w->reader)
		(void)sqlite3_exec(w->reader, sql, NULL, NULL, NULL);
}

/* What is read in a transaction keeps the log from being copied whole. */
static void let_the_reader_go_on(struct world *w)
{
	static const char *const manners[] = { "SELECT count(*) FROM event", "ROLLBACK",
					       "BEGIN; SELECT count(*) FROM event" };
	let_the_reader(w, manners[power_draw(&w->reader_rng, ARRAY_LEN(manners))]);
}

/* --- What is left --- */

static sqlite3_stmt *query(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	return st;
}

/* What is stored is what was acknowledged, and perhaps the batch that was on its way. */
static void check_events(struct world *w, sqlite3 *db)
{
	struct uuid stored[EVENTS_MAX];
	unsigned n = 0;
	sqlite3_stmt *st = query(db, "SELECT id FROM event ORDER BY seq");
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		assert_in_range(n, 0, EVENTS_MAX - 1);
		assert_int_equal(sqlite3_column_bytes(st, 0), 16);
		memcpy(stored[n].b, sqlite3_column_blob(st, 0), 16);
	}
	sqlite3_finalize(st);
	if (n != w->n_events) {
		assert_int_equal(n, w->n_events + w->n_on_way);
		keep_batch(w);
	}
	for (unsigned i = 0; i < n; i++)
		assert_true(uuid_eq(stored[i], w->events[i]));
	w->n_on_way = 0;
}

static bool victim_is_there(struct world *w, unsigned victim)
{
	char email[40];
	snprintf(email, sizeof(email), "victim%u@x.io", victim);
	return fixture_contact(&w->f, 1, IDENTITY_EMAIL, email).number > 0;
}

/* The batch on its way may have made or deleted one more. */
static void check_victims(struct world *w)
{
	arena_reset(&w->f.arena);
	for (unsigned i = 0; i < w->n_gone; i++)
		assert_false(victim_is_there(w, i));
	if (w->n_gone < w->n_victims && !victim_is_there(w, w->n_gone))
		w->n_gone++;
	for (unsigned i = w->n_gone; i < w->n_victims; i++)
		assert_true(victim_is_there(w, i));
	if (w->n_victims < VICTIMS_MAX && victim_is_there(w, w->n_victims))
		w->n_victims++;
}

static void look(struct world *w)
{
	char path[100];
	sqlite3 *db;
	assert_done(store_reader_open(w->f.store, &w->f.reader));
	snprintf(path, sizeof(path), "%s/occurd.db", w->f.dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	check_events(w, db);
	sqlite3_close(db);
	check_victims(w);
	store_reader_close(w->f.reader);
	w->f.reader = NULL;
}

/* --- A life --- */

/* A sync has failed, and the next ones may. What became of the batch is what is there now. */
static int recover(struct world *w)
{
	int r = -EIO;
	store_abandon(w->f.store);
	while (r < 0 && !power.off)
		r = store_recover(w->f.store);
	if (r == 0)
		look(w);
	return r;
}

/* Until the power goes off, or to a clean end; it may go off in that one, too. */
static void live(struct world *w)
{
	int r = open_store(w);
	if (r == 0 && (!w->provisioned || pick(w, 2)))
		r = provision(w);
	if (w->read)
		let_a_reader_come(w);
	for (unsigned batch = 0; r == 0 && batch < BATCHES; batch++) {
		r = run_batch(w);
		let_the_reader_go_on(w);
		if (r < 0 && !power.off)
			r = recover(w);
		if (r == 0 && !w->threaded && pick(w, 3) == 0)
			copy_log(w);
	}
	if (w->f.store && r < 0)
		store_abandon(w->f.store);
	let_the_reader(w, "ROLLBACK"); /* the end waits for him */
	store_close(w->f.store);
	w->f.store = NULL;
	sqlite3_close(steal(&w->reader));
}

static void check_left(struct world *w)
{
	whole_check(w->f.dir);
	assert_done(open_store(w));
	look(w);
	if (w->provisioned)
		assert_true(fixture_definition(&w->f, 1, "purchase") > 0);
	store_close(w->f.store);
	w->f.store = NULL;
	whole_check(w->f.dir);
}

/* The later a life's changes are, the rarer the cut reaches them: lengths of all kinds. */
static uint64_t draw_cut(struct world *w)
{
	static const unsigned at_most[] = { 20, 60, 150, 400 };
	return 1 + pick(w, at_most[pick(w, ARRAY_LEN(at_most))]);
}

static void run_world(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->rng = (seed + 1) * 0x9E3779B97F4A7C15;
	w->threaded = seed % 2;
	w->read = seed / 2 % 2;
	w->reader_rng = w->rng;
	fixture_dir(&w->f);
	for (unsigned life = 0; life < LIVES; life++) {
		power_cut_at(draw_cut(w));
		if (pick(w, 3) == 0)
			power_fail_syncs(draw_cut(w), 1 + pick(w, 3), power_draw(&w->rng, 1 << 30));
		live(w);
		power_restart(&w->rng);
		check_left(w);
	}
	arena_fini(&w->f.arena);
	assert_int_equal(scratch_remove(w->f.dir), 0);
	power_forget();
}

static struct {
	unsigned worlds;
	uint64_t first;
} asked;

static void what_was_acknowledged_survives_power_cuts(void **state)
{
	static struct world w;
	unsigned events = 0;
	(void)state;
	print_message("%u worlds from seed %llu\n", asked.worlds, (unsigned long long)asked.first);
	for (unsigned i = 0; i < asked.worlds; i++) {
		print_message("\rseed %llu", (unsigned long long)(asked.first + i));
		run_world(&w, asked.first + i);
		events += w.n_events;
	}
	print_message("\r%u events were acknowledged\n", events);
	assert_true(asked.worlds < 10 || events > asked.worlds);
}

/* Worlds that found something once. */
static void what_was_found_stays_found(void **state)
{
	static const uint64_t kept[] = {
		3181314809, /* the sync failed with which a database begins to have a log */
	};
	static struct world w;
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
		run_world(&w, kept[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_stays_found),
		cmocka_unit_test(what_was_acknowledged_survives_power_cuts),
	};
	asked.worlds = argc > 1 ? (unsigned)atoi(argv[1]) : 250;
	asked.first = argc > 2 ? strtoull(argv[2], NULL, 0) : random_u64() >> 32;
	log_set_level(LOG_ERROR); /* an end without power is warned of each time */
	power_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
