/*
 * A short life of a store in which something may fail: every kind of write, with reading in
 * between. Afterwards: what was acknowledged is there, once and whole; what was not is there whole
 * or not at all; and a store goes on in the directory. For the programs that let something fail.
 */
#pragma once

#include "fixture.h"

enum { BATCHES = 3, PER_BATCH = 3 };

/* What became of each batch. */
enum fate { LOST, ACKNOWLEDGED };

struct life {
	struct fixture f;
	enum fate fates[BATCHES];
	unsigned acknowledged; /* batches */
};

/* New contacts, a known one, an attribute that changes, a definition that grows: all kinds of
 * writes. n: unique, in the event's properties. */
static inline struct op life_op(struct fixture *f, unsigned batch, unsigned i)
{
	struct seen_field *seen = arena_new(&f->arena, struct seen_field);
	struct attribute_change *change = arena_new(&f->arena, struct attribute_change);
	struct op op =
		fixture_op(f, i ? arena_printf(&f->arena, "%u-%u@x.io", batch, i).p : "known@x.io");
	*seen = (struct seen_field){ arena_printf(&f->arena, "field%u", batch), FIELD_STRING,
				     FIELD_BIT(FIELD_STRING) };
	*change =
		(struct attribute_change){ ATTRIBUTE_SET, false, STR("city"),
					   .json = arena_printf(&f->arena, "\"city %u\"", batch) };
	op.definition = 0;
	op.definition_name = STR("inferred");
	op.seen = seen;
	op.n_seen = 1;
	op.changes = change;
	op.n_changes = 1;
	op.properties = arena_printf(&f->arena, "{\"n\":%u}", batch * PER_BATCH + i);
	return op;
}

static inline int life_write(struct fixture *f, unsigned batch)
{
	int r = store_begin(f->store);
	for (unsigned i = 0; r == 0 && i < PER_BATCH; i++) {
		struct op op = life_op(f, batch, i);
		r = store_apply(f->store, &op);
	}
	return r ? r : store_commit(f->store);
}

static inline void life_recover(struct fixture *f)
{
	char why[100];
	store_abandon(f->store);
	assert_false(store_takes_writes(f->store, why, sizeof(why)));
	assert_true(str_starts(str_of(why), STR("store failed: ")));
	assert_true(store_begin(f->store) < 0);
	/* The failure may be in the way of the first try, but happens once. */
	if (store_recover(f->store) < 0)
		assert_done(store_recover(f->store));
	assert_true(store_takes_writes(f->store, why, sizeof(why)));
}

static inline void life_open(struct fixture *f)
{
	struct store_config config = fixture_config(f);
	if (store_open(&config, &f->store) < 0)
		assert_done(store_open(&config, &f->store));
}

static inline void life_provision(struct fixture *f)
{
	const struct provision_workspace w = { .id = fixture_workspace_id(1), .name = STR("acme") };
	const struct provision p = { .workspaces = &w, .n_workspaces = 1 };
	if (store_provision(f->store, &p) == 0)
		return;
	/* Declarations that came to nothing are no failure of the store. */
	if (!store_takes_writes(f->store, NULL, 0))
		life_recover(f);
	assert_done(store_provision(f->store, &p));
}

/* Reading fails, or tells the truth. */
static inline int life_read(struct life *life, struct store_reader *reader)
{
	struct event_row *rows;
	unsigned n;
	uint64_t next;
	const struct event_query q = { .workspace = 1, .limit = 100, .until = INT64_MAX };
	int r = store_read_events(reader, &life->f.arena, &q, &rows, &n, &next);
	if (r < 0)
		return r;
	/* A batch whose sync failed may turn out stored, whole (docs/durability.md). */
	assert_int_equal(n % PER_BATCH, 0);
	assert_in_range(n / PER_BATCH, life->acknowledged, BATCHES);
	return r;
}

static inline void life_look(struct life *life)
{
	struct store_reader *reader;
	if (store_reader_open(life->f.store, &reader) < 0)
		assert_done(store_reader_open(life->f.store, &reader));
	if (life_read(life, reader) < 0) {
		store_reader_close(reader);
		assert_done(store_reader_open(life->f.store, &reader));
		assert_done(life_read(life, reader));
	}
	store_reader_close(reader);
}

static inline void life_live(struct life *life)
{
	struct fixture *f = &life->f;
	life_open(f);
	life_provision(f);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		if (life_write(f, batch) == 0) {
			life->fates[batch] = ACKNOWLEDGED;
			life->acknowledged++;
		} else {
			life_recover(f);
		}
		life_look(life);
	}
	store_close(f->store);
}

/* n of an event: {"n":7} */
static inline unsigned life_number(const struct event_row *row)
{
	uint64_t n;
	assert_true(str_to_u64(str_head(str_from(row->properties, 5), row->properties.n - 6), &n));
	assert_in_range(n, 0, BATCHES * PER_BATCH - 1);
	return (unsigned)n;
}

static inline void life_check_contact(struct fixture *f, uint64_t contact)
{
	struct event_row *rows;
	unsigned n;
	uint64_t next;
	char number[24];
	const struct event_query q = {
		.workspace = 1, .contact = contact, .limit = 100, .until = INT64_MAX
	};
	snprintf(number, sizeof(number), "%llu", (unsigned long long)contact);
	struct contact_view row = fixture_contact(f, 1, IDENTITY_NUMBER, number);
	assert_int_equal(row.number, contact);
	assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &next));
	assert_int_equal(row.event_count, n);
}

static inline void life_check(struct life *life)
{
	struct fixture *f = &life->f;
	struct event_row *rows;
	struct contact_view *contacts;
	bool more;
	struct store_stats stats;
	unsigned n, found[BATCHES * PER_BATCH] = { 0 };
	uint64_t next;
	fixture_open(f);
	struct event_query q = { .workspace = 1, .limit = 100, .until = INT64_MAX };
	assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &next));
	for (unsigned i = 0; i < n; i++)
		found[life_number(&rows[i])]++;
	for (unsigned i = 0; i < BATCHES * PER_BATCH; i++) {
		assert_int_equal(found[i], found[i / PER_BATCH * PER_BATCH]); /* whole */
		assert_in_range(found[i], life->fates[i / PER_BATCH] == ACKNOWLEDGED, 1);
	}
	assert_done(store_read_stats(f->reader, &f->arena, 1, &stats));
	assert_int_equal(stats.events, n);
	assert_done(store_read_contacts(f->reader, &f->arena,
					&(struct contact_query){ .workspace = 1, .limit = 100 },
					&contacts, &n, &more));
	assert_int_equal(stats.contacts, n);
	for (unsigned i = 0; i < n; i++)
		life_check_contact(f, contacts[i].number);
}

/* A store that goes on in the directory as it is. */
static inline void life_go_on(struct life *life)
{
	struct fixture *f = &life->f;
	struct op op = fixture_op(f, "late@x.io");
	op.definition = 0;
	op.definition_name = STR("inferred");
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
	assert_int_equal(fixture_contact(f, 1, IDENTITY_EMAIL, "late@x.io").event_count, 1);
}
