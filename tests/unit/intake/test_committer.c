/* The committer and the ids of whole requests. */
#include "../store/fixture.h"
#include "intake/committer.h"

#include <semaphore.h>

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

/* An event that is good, one that is refused, and one that is refused without room to say why. */
enum what { GOOD, BAD, MUTE };

static struct arena nothing;

static struct op op_of(struct fixture *f, enum what what)
{
	struct op op = fixture_op(f, "a@x.io");
	op.definition = what == GOOD ? op.definition : 99;
	op.arena = what == MUTE ? &nothing : op.arena;
	return op;
}

static const struct {
	enum what first[2];
	unsigned n;
	bool all_or_nothing;
	bool remembered;
} jobs[] = {
	{ { GOOD }, 1, false, true },
	{ { BAD }, 1, false, true },
	{ { MUTE }, 1, false, false },
	{ { BAD, MUTE }, 2, false, false },
	/* what was done must not be done again */
	{ { GOOD, MUTE }, 2, false, true },
	{ { GOOD, BAD }, 2, false, true },
	{ { GOOD, BAD }, 2, true, true },
	{ { GOOD, MUTE }, 2, true, false },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_lasts_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
