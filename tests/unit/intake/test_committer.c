/* The committer and the ids of whole requests. */
#include "../store/fixture.h"
#include "intake/committer.h"

#include <semaphore.h>
#include <sys/statvfs.h>
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

/* --- One job of much work --- */

/* What the disk does from the batch on that is so many commits away. */
enum disk { WELL, SYNC_FAILS, IS_FULL };

static atomic_int disk, well_for;

static bool disk_is(enum disk what)
{
	return disk == (int)what && well_for <= 0;
}

/* In the place of libc's, for the whole program. */
int fdatasync(int fd)
{
	if (!disk_is(SYNC_FAILS))
		return (int)syscall(SYS_fdatasync, fd);
	errno = EIO;
	return -1;
}

int fstatvfs(int fd, struct statvfs *out)
{
	*out = (struct statvfs){ .f_bavail = disk_is(IS_FULL) ? 0 : 1 << 20, .f_frsize = 4096 };
	return fd < 0 ? -1 : 0;
}

static void note_commit(void *follower)
{
	(void)follower;
	well_for--;
}

struct work {
	struct fixture f;
	struct committer *c;
	struct errand list[3];
	struct op ops[3][MANY];
};

static struct commit_job *came_home[3];
static atomic_uint n_home;

static void come_home_in_turn(struct net_letter *letter)
{
	came_home[n_home++] = (struct commit_job *)letter;
	come_home(letter);
}

/* Changes of contacts of their own. */
static void fill_job(struct work *w, unsigned i, unsigned n, uint32_t key_no, bool divisible)
{
	for (unsigned k = 0; k < n; k++) {
		struct buf email = buf_in(&w->f.arena);
		buf_printf(&email, "%u.%u@x.io%c", i, k, 0);
		w->ops[i][k] = fixture_op(&w->f, buf_str(&email).p);
		w->ops[i][k].kind = OP_CONTACT;
	}
	w->list[i] = (struct errand){ .job = { .letter.run = come_home_in_turn,
					       .ops = w->ops[i],
					       .n_ops = n,
					       .workspace = 1,
					       .key_no = key_no,
					       .divisible = divisible } };
	sem_init(&w->list[i].home, 0, 0);
	assert_int_equal(committer_reserve(w->c, &w->list[i].job), COMMITTER_OK);
	if (i)
		w->list[i - 1].job.letter.next = &w->list[i].job.letter;
}

static void work_begin(struct work *w)
{
	fixture_dir(&w->f);
	struct store_config store = fixture_config(&w->f);
	store.reserve_bytes = 1;
	assert_done(store_open(&store, &w->f.store));
	assert_done(store_reader_open(w->f.store, &w->f.reader));
	fixture_provision(&w->f);
	const struct committer_config config = { .store = w->f.store,
						 .queue_max = 4 * MANY,
						 .batch_max = 2 * MANY,
						 .committed = note_commit };
	assert_done(committer_start(&config, &w->c));
	each_ms = 1000; /* so each operation takes a second */
}

static void submit_all(struct work *w)
{
	n_home = 0;
	committer_submit(w->c, &w->list[0].job, &w->list[2].job);
}

static void wait_for_all(struct work *w)
{
	for (unsigned i = 0; i < 3; i++) {
		sem_wait(&w->list[i].home);
		sem_destroy(&w->list[i].home);
	}
}

static void work_end(struct work *w)
{
	committer_stop(w->c);
	each_ms = 0;
	run_ms = 0;
	disk = WELL;
	fixture_end(&w->f);
}

static void expect_done(const struct work *w, unsigned i)
{
	const struct commit_job *job = &w->list[i].job;
	for (unsigned k = 0; k < job->n_ops; k++)
		assert_int_equal(job->ops[k].outcome, OP_DONE);
}

/* Others go in between, but not those of its own key: a job of its key, and one of another's, come
 * after it. */
static void what_can_be_divided_holds_up_nobody_else(void **state)
{
	static const struct {
		bool divisible;
		uint64_t batches;
		unsigned order[3];
	} cases[] = {
		{ true, MANY + 2, { 2, 0, 1 } },
		{ false, 3, { 0, 2, 1 } },
	};
	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct work w;
		struct committer_counts counts;
		work_begin(&w);
		fill_job(&w, 0, MANY, 1, cases[n].divisible);
		fill_job(&w, 1, 1, 1, false);
		fill_job(&w, 2, 1, 2, false);
		submit_all(&w);
		wait_for_all(&w);
		for (unsigned i = 0; i < 3; i++) {
			assert_ptr_equal(came_home[i], &w.list[cases[n].order[i]].job);
			expect_done(&w, i);
		}
		committer_count(w.c, &counts);
		assert_int_equal(counts.batches, cases[n].batches);
		assert_int_equal(counts.operations, MANY + 2);
		assert_int_equal(counts.queued, 0);
		work_end(&w);
	}
}

static bool is_there(struct work *w, unsigned i, unsigned k)
{
	char email[64];
	snprintf(email, sizeof(email), "%u.%u@x.io", i, k);
	return fixture_contact(&w->f, 1, IDENTITY_EMAIL, email).number > 0;
}

/* The outcomes are the truth, and who asks again gets the rest. */
static void what_is_divided_tells_which_part_is_done(void **state)
{
	static const struct {
		enum disk disk;
		int well_for; /* batches, the second of which is another key's */
		unsigned done;
		enum op_outcome rest;
	} cases[] = {
		{ SYNC_FAILS, 0, 0, OP_UNAVAILABLE },
		{ SYNC_FAILS, 3, 2, OP_UNAVAILABLE },
		{ SYNC_FAILS, MANY, MANY - 1, OP_UNAVAILABLE },
		{ SYNC_FAILS, MANY + 1, MANY, OP_DONE },
		{ IS_FULL, 0, 0, OP_OVERLOADED },
		{ IS_FULL, 3, 2, OP_OVERLOADED },
		{ IS_FULL, MANY + 1, MANY, OP_DONE },
	};
	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct work w;
		print_message("case %zu\n", n);
		work_begin(&w);
		fill_job(&w, 0, MANY, 1, true);
		fill_job(&w, 1, 1, 1, false);
		fill_job(&w, 2, 1, 2, false);
		well_for = cases[n].well_for;
		disk = (int)cases[n].disk;
		submit_all(&w);
		wait_for_all(&w);
		for (unsigned k = 0; k < MANY; k++) {
			bool done = k < cases[n].done;
			assert_int_equal(w.ops[0][k].outcome, done ? OP_DONE : cases[n].rest);
			/* Of whose sync failed nobody knows it. */
			if (done || cases[n].disk == IS_FULL)
				assert_int_equal(is_there(&w, 0, k), done);
		}
		disk = WELL;
		for (unsigned i = 0; i < 3; i++)
			fill_job(&w, i, i ? 1 : MANY, i ? i : 1, i == 0);
		submit_all(&w);
		wait_for_all(&w);
		for (unsigned i = 0; i < 3; i++)
			expect_done(&w, i);
		work_end(&w);
	}
}

static void what_is_divided_is_finished_at_the_end(void **state)
{
	struct work w;
	(void)state;
	work_begin(&w);
	for (unsigned i = 0; i < 3; i++)
		fill_job(&w, i, MANY, 1 + i / 2, true);
	submit_all(&w);
	committer_stop(w.c);
	w.c = NULL;
	wait_for_all(&w);
	for (unsigned i = 0; i < 3; i++)
		expect_done(&w, i);
	work_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_lasts_is_remembered),
		cmocka_unit_test(a_batch_ends_when_it_was_much_work),
		cmocka_unit_test(what_can_be_divided_holds_up_nobody_else),
		cmocka_unit_test(what_is_divided_tells_which_part_is_done),
		cmocka_unit_test(what_is_divided_is_finished_at_the_end),
		cmocka_unit_test(what_is_due_later_is_done_whatever_the_clock_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
