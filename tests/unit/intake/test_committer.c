/* The committer and the ids of whole requests. */
#include "../store/fixture.h"
#include "intake/committer.h"

#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* On the committer's thread: the job has no loop. */
struct errand {
	struct commit_job job; /* first: its letter is what comes home */
	sem_t home;
};

static void come_home(struct net_letter *letter)
{
	sem_post(&((struct errand *)letter)->home);
}

static void commit(struct committer *c, struct op *ops, unsigned n, bool all_or_nothing)
{
	struct errand e = { .job = { .letter.run = come_home,
				     .ops = ops,
				     .n_ops = n,
				     .workspace = 1,
				     .all_or_nothing = all_or_nothing,
				     .id = { STR("key"), DEDUPE_ARSEL_REQUEST, 3600 } } };
	sem_init(&e.home, 0, 0);
	assert_int_equal(committer_reserve(c, &e.job), COMMITTER_OK);
	committer_submit(c, &e.job, &e.job);
	sem_wait(&e.home);
	sem_destroy(&e.home);
	assert_false(e.job.other_payload);
}

/* An event that is good, and others that are refused: about nobody who is there, of a definition that is
 * not, of both, for want of room, and without room to say why. */
enum what { GOOD, LOST, BAD, LOST_BAD, FULL, MUTE };

static struct arena nothing;

/* About more than one contact may be known by. */
static void crowd(struct fixture *f, struct op *op)
{
	op->n_who = CONTACT_IDENTITIES_MAX + 1;
	struct who *who = arena_array(&f->arena, struct who, op->n_who);
	assert_non_null(who);
	for (unsigned i = 0; i < op->n_who; i++) {
		char *value = arena_alloc(&f->arena, 32);
		assert_non_null(value);
		snprintf(value, 32, "%u@x.io", i);
		who[i] = fixture_who(f, IDENTITY_EMAIL, value, WHO_LOOKUP | WHO_CREATES | WHO_ADD);
	}
	op->who = who;
}

static struct op op_of(struct fixture *f, enum what what)
{
	struct op op = fixture_op(f, "a@x.io");
	if (what == LOST || what == LOST_BAD)
		((struct who *)op.who)->use = WHO_LOOKUP;
	if (what == BAD || what == LOST_BAD || what == MUTE)
		op.definition = 99;
	if (what == FULL)
		crowd(f, &op);
	if (what == MUTE)
		op.arena = &nothing;
	return op;
}

static const struct {
	enum what first[2];
	unsigned n;
	bool all_or_nothing;
	bool remembered;
} jobs[] = {
	{ { GOOD }, 1, false, true },
	{ { LOST }, 1, false, true },
	{ { LOST, LOST }, 2, false, true },
	{ { LOST, LOST }, 2, true, true },
	/* what is so for now */
	{ { BAD }, 1, false, false },
	{ { LOST_BAD }, 1, false, false },
	{ { FULL }, 1, false, false },
	{ { MUTE }, 1, false, false },
	{ { LOST, BAD }, 2, false, false },
	{ { BAD, LOST }, 2, false, false },
	{ { LOST, FULL }, 2, false, false },
	{ { BAD, MUTE }, 2, false, false },
	{ { LOST, MUTE }, 2, false, false },
	{ { GOOD, BAD }, 2, true, false },
	{ { GOOD, MUTE }, 2, true, false },
	/* what was done must not be done again */
	{ { GOOD, MUTE }, 2, false, true },
	{ { GOOD, BAD }, 2, false, true },
	{ { FULL, GOOD }, 2, false, true },
};

static void run(struct fixture *f, struct committer *c, size_t i)
{
	struct op ops[2], again[2];
	print_message("job %zu\n", i);
	for (unsigned k = 0; k < jobs[i].n; k++) {
		ops[k] = op_of(f, jobs[i].first[k]);
		again[k] = op_of(f, GOOD);
	}
	commit(c, ops, jobs[i].n, jobs[i].all_or_nothing);
	commit(c, again, jobs[i].n, jobs[i].all_or_nothing);
	for (unsigned k = 0; k < jobs[i].n; k++) {
		assert_int_equal(again[k].repeated, jobs[i].remembered);
		assert_int_equal(again[k].outcome, jobs[i].remembered ? ops[k].outcome : OP_DONE);
	}
}

static void only_what_lasts_is_remembered(void **state)
{
	(void)state;
	arena_init(&nothing, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		struct fixture f;
		struct committer *c;
		fixture_begin(&f);
		fixture_provision(&f);
		const struct committer_config config = { .store = f.store,
							 .queue_max = 10,
							 .batch_max = 10 };
		assert_done(committer_start(&config, &c));
		run(&f, c, i);
		committer_stop(c);
		fixture_end(&f);
	}
	arena_fini(&nothing);
}

/* --- Clocks that are set --- */

static _Atomic int64_t step_s;          /* how far the wall's was */
static _Atomic int64_t run_ms, each_ms; /* how far the other has run, by so much with each look */

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, id, out);
	if (id == CLOCK_REALTIME)
		out->tv_sec += step_s;
	if (id == CLOCK_MONOTONIC && each_ms)
		run_ms += each_ms;
	if (id == CLOCK_MONOTONIC)
		*out = (struct timespec){ out->tv_sec + run_ms / 1000, out->tv_nsec };
	return r;
}

static size_t log_bytes(const struct fixture *f)
{
	return store_size(f->store).wal_bytes;
}

/* The committer looks again by itself, and not an hour later because the clock was set back. */
static void what_is_due_later_is_done_whatever_the_clock_says(void **state)
{
	enum { DEADLINE_MS = 60 * 1000 };
	struct fixture f;
	struct committer *c;
	(void)state;
	fixture_dir(&f);
	struct store_config store = fixture_config(&f);
	store.scrub_after_ms = 1;
	assert_done(store_open(&store, &f.store));
	assert_done(store_reader_open(f.store, &f.reader));
	fixture_provision(&f);
	const struct committer_config config = { .store = f.store,
						 .queue_max = 10,
						 .batch_max = 10 };
	struct op op = fixture_op(&f, "a@x.io");
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	op = fixture_op(&f, "a@x.io");
	op.kind = OP_CONTACT_DELETE;
	assert_int_equal(fixture_apply(&f, &op), STORE_OK);
	assert_true(log_bytes(&f) > 0);
	step_s = 3600; /* the clock by which it would wait, before it is set right */
	assert_done(committer_start(&config, &c));
	int64_t end_ms = time_monotonic_ms() + DEADLINE_MS;
	while (log_bytes(&f) > 0 && time_monotonic_ms() < end_ms)
		usleep(1000);
	assert_int_equal(log_bytes(&f), 0);
	step_s = 0;
	committer_stop(c);
	fixture_end(&f);
}

/* --- Much work --- */

enum { MANY = 10 };

/* What was asked for at once comes home over many batches, in its order, with others in between. */
static void a_batch_ends_when_it_was_much_work(void **state)
{
	struct fixture f;
	struct committer *c;
	struct committer_counts counts;
	struct errand list[MANY];
	struct op ops[MANY];
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	const struct committer_config config = { .store = f.store,
						 .queue_max = 2 * MANY,
						 .batch_max = 2 * MANY };
	assert_done(committer_start(&config, &c));
	for (unsigned i = 0; i < MANY; i++) {
		ops[i] = op_of(&f, GOOD);
		list[i] = (struct errand){ .job = { .letter.run = come_home,
						    .ops = &ops[i],
						    .n_ops = 1,
						    .workspace = 1,
						    .key_no = 1 } };
		sem_init(&list[i].home, 0, 0);
		assert_int_equal(committer_reserve(c, &list[i].job), COMMITTER_OK);
		if (i)
			list[i - 1].job.letter.next = &list[i].job.letter;
	}
	each_ms = 1000; /* so each operation takes a second */
	committer_submit(c, &list[0].job, &list[MANY - 1].job);
	for (unsigned i = 0; i < MANY; i++) {
		sem_wait(&list[i].home);
		sem_destroy(&list[i].home);
		assert_int_equal(ops[i].outcome, OP_DONE);
		assert_int_equal(ops[i].seq, i + 1);
	}
	each_ms = 0;
	committer_count(c, &counts);
	assert_int_equal(counts.batches, MANY);
	assert_int_equal(counts.operations, MANY);
	committer_stop(c);
	fixture_end(&f);
	run_ms = 0; /* who waits does by the kernel's clock */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_lasts_is_remembered),
		cmocka_unit_test(a_batch_ends_when_it_was_much_work),
		cmocka_unit_test(what_is_due_later_is_done_whatever_the_clock_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
