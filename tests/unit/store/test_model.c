/*
 * Random batches of random operations against the model, with batches abandoned and stores closed,
 * reopened and crashed in between. OCCURD_SEED repeats a run.
 */
#include "model.h"

#include "base/uuid.h"

static uint64_t rng;

static unsigned pick(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng >> 33) % n;
}

static void seed(void)
{
	const char *given = getenv("OCCURD_SEED");
	rng = given ? strtoull(given, NULL, 0) : random_u64() | 1;
	print_message("OCCURD_SEED=%llu\n", (unsigned long long)rng);
}

/* Few values of few kinds, so that they meet. Some differ in their letters only. */
static struct who random_who(struct fixture *f)
{
	static const unsigned uses[] = {
		WHO_LOOKUP,
		WHO_LOOKUP | WHO_ADOPT,
		WHO_LOOKUP | WHO_CREATES | WHO_ADOPT,
		WHO_LOOKUP | WHO_CREATES | WHO_ADOPT,
		WHO_LOOKUP | WHO_CREATES | WHO_REPLACE | WHO_SHARED,
		WHO_CREATES | WHO_REPLACE | WHO_SHARED,
		WHO_REPLACE,
		WHO_ADOPT | WHO_SHARED,
		WHO_SHARED,
		WHO_ADD,
		WHO_LOOKUP | WHO_STAYS,
	};
	static const enum identity_kind kinds[] = { IDENTITY_EMAIL, IDENTITY_EMAIL, IDENTITY_PHONE,
						    IDENTITY_EXTERNAL_ID };
	enum identity_kind kind = kinds[pick(ARRAY_LEN(kinds))];
	unsigned n = pick(60), use = uses[pick(ARRAY_LEN(uses))];
	struct str value = kind == IDENTITY_EMAIL
				   ? arena_printf(&f->arena, "%c%u@x.io", pick(2) ? 'u' : 'U', n)
			   : kind == IDENTITY_PHONE
				   ? arena_printf(&f->arena, "%s49-%u", pick(2) ? "+" : "", n)
				   : arena_printf(&f->arena, "ext-%u", n);
	return fixture_who(f, kind, value.p, use);
}

static struct attribute_change random_change(struct fixture *f)
{
	static const char *const scalars[] = { "city", "state" }, *const lists[] = { "tags",
										     "log" };
	static const char *const values[] = { "1", "2.0", "true", "\"text\"", "{\"a\":1}" };
	struct attribute_change c = { .custom = pick(2) };
	switch (pick(4)) {
	case 0:
		c.verb = ATTRIBUTE_REMOVE;
		c.name = str_of(pick(2) ? scalars[pick(2)] : lists[pick(2)]);
		return c;
	case 1:
		c.verb = pick(8) ? ATTRIBUTE_UNION : pick(2) ? ATTRIBUTE_RECORD : ATTRIBUTE_WITHOUT;
		c.name = str_of(lists[pick(2)]);
		c.json = arena_printf(&f->arena, "[%u,%u]", pick(9), pick(9));
		return c;
	default:
		c.verb = ATTRIBUTE_SET;
		c.name = str_of(scalars[pick(2)]);
		c.json = str_of(values[pick(ARRAY_LEN(values))]);
		return c;
	}
}

static struct seen_field random_seen(unsigned i)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	static const enum field_type types[] = { FIELD_STRING, FIELD_STRING, FIELD_STRING,
						 FIELD_BOOLEAN };
	enum field_type type = types[pick(ARRAY_LEN(types))];
	return (struct seen_field){ str_of(names[i * 2 + pick(2)]), type, FIELD_BIT(type) };
}

static enum op_kind random_kind(void)
{
	switch (pick(24)) {
	case 0:
		return OP_CONTACT_DELETE;
	case 1:
	case 2:
		return OP_CONTACT;
	default:
		return OP_EVENT;
	}
}

static struct op random_op(struct fixture *f)
{
	struct who *who = arena_array(&f->arena, struct who, MODEL_WHO);
	struct attribute_change *changes =
		arena_array(&f->arena, struct attribute_change, MODEL_CHANGES);
	struct seen_field *seen = arena_array(&f->arena, struct seen_field, MODEL_SEEN);
	struct op op = {
		.arena = &f->arena,
		.kind = random_kind(),
		.wants_view = pick(4) == 0,
		.workspace = 1 + pick(4) / 3,
		.dialect = DIALECT_A + pick(2),
		.who = who,
		.n_who = 1 + pick(3),
		.changes = changes,
		.n_changes = pick(3) ? 0 : pick(MODEL_CHANGES),
		.seen = seen,
		.n_seen = pick(3) ? 0 : pick(MODEL_SEEN),
		.definition_name = arena_printf(&f->arena, "d%u", pick(6)),
		.properties = arena_printf(&f->arena, "{\"n\":%u}", pick(1000000)),
		.occurred_given = pick(2),
		.occurred_at = 5,
	};
	for (unsigned i = 0; i < op.n_who; i++)
		who[i] = random_who(f);
	if (pick(6) == 0)
		who[op.n_who - 1].use = pick(2) ? WHO_DROP : WHO_LOOKUP | WHO_DROP;
	for (unsigned i = 0; i < op.n_changes; i++)
		changes[i] = random_change(f);
	for (unsigned i = 0; i < op.n_seen; i++)
		seen[i] = random_seen(i);
	return op;
}

/* Some reports come twice, and the second one mostly says nothing new. */
static void apply_random(struct fixture *f, struct model *m)
{
	struct op op = random_op(f);
	for (unsigned times = 1 + (pick(5) == 0); times > 0; times--) {
		unsigned contact = model_apply(m, &op);
		int r = store_apply(f->store, &op);
		if (r < 0)
			print_error("store_apply: %s\n", fail_text());
		assert_int_equal(r, contact ? STORE_OK : STORE_REFUSED);
		if (!contact)
			return;
		assert_int_equal(op.contact, contact);
		if (op.kind == OP_EVENT)
			model_add_event(m, &op);
	}
}

static void run_batch(struct fixture *f, struct model *m)
{
	static struct model before;
	bool abandon = pick(8) == 0;
	arena_reset(&f->arena);
	clock_us += (int64_t)pick(30) * US_PER_S - 5 * US_PER_S; /* at times backwards */
	before = *m;
	assert_done(store_begin(f->store));
	for (unsigned n = pick(25); n > 0; n--)
		apply_random(f, m);
	if (abandon) {
		store_abandon(f->store);
		*m = before;
	} else {
		assert_done(store_commit(f->store));
	}
}

/* The files as a crash in the middle of a batch would leave them make a store of their own. */
static void check_crash(struct fixture *f, const struct model *m)
{
	struct fixture copy;
	static struct model unused;
	unused = *m;
	assert_done(store_begin(f->store));
	for (int i = 0; i < 5; i++)
		apply_random(f, &unused);
	fixture_copy(f, &copy);
	store_abandon(f->store);
	model_check(&copy, m);
	fixture_end(&copy);
}

static void note_declared(struct fixture *f, struct model *m)
{
	for (size_t i = 0; i < ARRAY_LEN(fixture_definitions); i++) {
		const struct provision_definition *p = &fixture_definitions[i];
		struct model_definition *d = &m->definitions[m->n_definitions++];
		d->workspace = 1;
		d->no = fixture_definition(f, 1, p->name.p);
		d->n_fields = p->n_fields;
		MODEL_COPY(d->name, p->name);
		for (unsigned k = 0; k < p->n_fields; k++) {
			MODEL_COPY(d->fields[k].name, p->fields[k].name);
			d->fields[k].type = p->fields[k].type;
		}
	}
}

static void store_agrees_with_the_model(void **state)
{
	static struct model m;
	struct fixture f;
	(void)state;
	seed();
	fixture_begin(&f);
	fixture_provision(&f);
	note_declared(&f, &m);
	for (unsigned batch = 1; batch <= 400; batch++) {
		run_batch(&f, &m);
		for (unsigned i = 0; i < 3 && m.n_contacts > 0; i++)
			model_check_contact(&f, &m, 1 + pick(m.n_contacts));
		if (batch % 70 == 0)
			check_crash(&f, &m);
		if (batch % 50 == 0) {
			fixture_reopen(&f);
			model_check(&f, &m);
		}
		if (batch % 40 == 0)
			assert_done(store_recover(f.store));
	}
	model_check(&f, &m);
	print_message("%u contacts, %u events\n", m.n_contacts, m.n_events);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_agrees_with_the_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
