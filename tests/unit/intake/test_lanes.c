#include "intake/lanes.h"

#include "intake/committer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX = 1024, JOBS = 4000 };

static struct lanes *lanes;
static struct commit_job jobs[JOBS];
static unsigned n_jobs;

static int open_lanes(void **state)
{
	(void)state;
	n_jobs = 0;
	return lanes_new(&lanes);
}

static int close_lanes(void **state)
{
	(void)state;
	assert_true(lanes_are_empty(lanes));
	lanes_free(lanes);
	return 0;
}

/* n jobs of a key, in one list. */
static void put(uint32_t key_no, unsigned n, unsigned n_ops)
{
	struct commit_job *list = &jobs[n_jobs];
	for (unsigned i = 0; i < n; i++) {
		assert_true(n_jobs < JOBS);
		jobs[n_jobs] = (struct commit_job){ .key_no = key_no, .n_ops = n_ops };
		if (i)
			jobs[n_jobs - 1].letter.next = &jobs[n_jobs].letter;
		n_jobs++;
	}
	lanes_put(lanes, list);
}

struct batch {
	unsigned ops, jobs, of_key[10];
};

/* Jobs of a key must come in their order, over all batches. */
static struct batch cut(const struct commit_job *last[10])
{
	struct batch b = { 0 };
	for (struct commit_job *job = lanes_cut(lanes, MAX); job;
	     job = (struct commit_job *)job->letter.next) {
		assert_true(job > last[job->key_no]);
		last[job->key_no] = job;
		b.ops += job->n_ops;
		b.jobs++;
		b.of_key[job->key_no]++;
	}
	return b;
}

static void one_key_fills_batches(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 2500, 1);
	assert_int_equal(cut(last).ops, MAX);
	assert_int_equal(cut(last).ops, MAX);
	assert_int_equal(cut(last).ops, 2500 - 2 * MAX);
}

static void who_asks_little_goes_ahead(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 3000, 1);
	put(2, 5, 1);
	(void)cut(last); /* what the flood had in the fast lane goes before */
	assert_int_equal(last[2] - jobs, 3004);
	put(3, 1, 1);
	struct batch b = cut(last);
	assert_int_equal(b.of_key[3], 1);
	assert_int_equal(b.ops, MAX);
	while (!lanes_are_empty(lanes))
		(void)cut(last);
}

static void the_flood_gets_its_half(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 1800, 1);
	(void)cut(last);
	for (uint32_t key = 2; key < 7; key++)
		put(key, 400, 1);
	struct batch b = cut(last);
	assert_int_equal(b.of_key[1], MAX / 2);
	assert_int_equal(b.ops, MAX);
	while (!lanes_are_empty(lanes))
		(void)cut(last);
}

static void a_large_job_goes_alone(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 2, 2000);
	put(2, 1, 1);
	assert_int_equal(cut(last).ops, 2000);
	assert_int_equal(cut(last).ops, 2000); /* passed over before, so it goes first */
	struct batch b = cut(last);
	assert_int_equal(b.jobs, 1); /* neither large one left room beside it */
	assert_int_equal(b.of_key[2], 1);
}

/* Others come without an end; a job of the slow lane goes all the same, however large. */
static void no_size_waits_for_ever(void **state)
{
	static const struct {
		unsigned large;  /* operations of each of three jobs */
		unsigned others; /* jobs of 100 that each of three keys puts before each cut */
	} cases[] = {
		{ 2000, 1 },        /* larger than a batch */
		{ 2000, 4 },        /* beside a full fast lane */
		{ MAX, 1 },         /* just fits */
		{ MAX / 2 + 1, 4 }, /* more than the fast lane leaves */
		{ MAX / 2, 4 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct commit_job *last[10] = { 0 };
		unsigned gone = 0;
		n_jobs = 0;
		put(1, 3, cases[i].large);
		for (unsigned n = 0; n < 6; n++) {
			for (uint32_t key = 2; key < 5; key++)
				put(key, cases[i].others, 100);
			gone += cut(last).of_key[1];
		}
		while (!lanes_are_empty(lanes))
			(void)cut(last);
		assert_int_equal(gone, 3);
	}
}

/* Keys that come and go, with jobs of any size: nothing is lost and nothing overtakes its like. */
static void keeps_the_order_of_a_key(void **state)
{
	const struct commit_job *last[10] = { 0 };
	unsigned seen = 0;
	(void)state;
	srand(1);
	while (n_jobs < JOBS - 600) {
		put((uint32_t)rand() % 10, 1 + (unsigned)rand() % 600, 1 + (unsigned)rand() % 3);
		if (rand() % 2)
			seen += cut(last).jobs;
	}
	while (!lanes_are_empty(lanes))
		seen += cut(last).jobs;
	assert_int_equal(seen, n_jobs);
}

/* --- What a batch had no time for --- */

static struct commit_job *next_of(const struct commit_job *job)
{
	return (struct commit_job *)job->letter.next;
}

static void put_any(void)
{
	if (n_jobs < JOBS - 300)
		put((uint32_t)rand() % 10, 1 + (unsigned)rand() % 300, 1 + (unsigned)rand() % 3);
}

static void put_nothing(void)
{
}

/* The first `n` of the next batch, which took so long; the rest is put back. */
static struct commit_job *cut_some(unsigned n, uint32_t took_us, void (*meanwhile)(void))
{
	struct commit_job *first = lanes_cut(lanes, MAX), *last = first, *rest;
	meanwhile();
	last->took_us = took_us;
	for (; n > 1 && next_of(last); n--) {
		last = next_of(last);
		last->took_us = took_us;
	}
	rest = next_of(last);
	last->letter.next = NULL;
	if (rest)
		lanes_put_back(lanes, first, rest);
	return first;
}

static void who_takes_much_time_waits_for_the_others(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 500, 1);
	put(2, 100, 1);
	(void)cut_some(3, 10000, put_nothing);
	put(3, 1, 1);
	put(1, 10, 1); /* behind its others */
	struct commit_job *batch = lanes_cut(lanes, MAX);
	for (unsigned i = 0; i < 101; i++, batch = next_of(batch))
		assert_int_equal(batch->key_no, i < 100 ? 2 : 3);
	for (unsigned i = 0; i < 507; i++, batch = next_of(batch))
		assert_ptr_equal(batch, i < 497 ? &jobs[3 + i] : &jobs[601 + i - 497]);
	assert_null(batch);
	put(1, 1, 1); /* and then it is one of many again */
	(void)cut(last);
	put(1, 1, 1);
	put(2, 1, 1);
	batch = lanes_cut(lanes, MAX);
	assert_int_equal(batch->key_no, 1);
}

static void who_takes_little_keeps_the_place(void **state)
{
	struct commit_job *batch;
	(void)state;
	for (uint32_t key = 1; key < 9; key++)
		put(key, 2, 1);
	(void)cut_some(8, 4000,
		       put_nothing); /* of four keys, none of which took more than a part */
	put(9, 1, 1);
	batch = lanes_cut(lanes, MAX);
	for (unsigned i = 8; i < 17; i++, batch = next_of(batch))
		assert_ptr_equal(batch, &jobs[i]);
	assert_null(batch);
}

/* However much work there is in either lane, the other has its turn. */
static void no_work_waits_for_ever(void **state)
{
	unsigned of_key[10] = { 0 };
	(void)state;
	put(1, 1500, 1);
	for (unsigned i = 0; i < 100; i++) {
		put(2 + i % 8, 20, 1);
		of_key[cut_some(1, 50000, put_nothing)->key_no]++;
	}
	for (uint32_t key = 1; key < 10; key++)
		assert_true(of_key[key] > 0);
	while (!lanes_are_empty(lanes))
		(void)lanes_cut(lanes, MAX);
}

/* As above, with batches that end anywhere. */
static void what_is_put_back_keeps_its_order(void **state)
{
	const struct commit_job *last[10] = { 0 };
	unsigned seen = 0;
	(void)state;
	srand(2);
	for (put_any(); !lanes_are_empty(lanes); put_any()) {
		unsigned n = 1 + (unsigned)rand() % 400;
		for (struct commit_job *job = cut_some(n, 100, put_any); job;
		     job = next_of(job), seen++) {
			assert_true(job > last[job->key_no]);
			last[job->key_no] = job;
		}
	}
	assert_int_equal(seen, n_jobs);
}

/* --- What is divided --- */

/* As above, and of the last in a batch often only a part is done. */
static void what_is_divided_keeps_its_place(void **state)
{
	const struct commit_job *last[10] = { 0 };
	unsigned seen = 0;
	(void)state;
	srand(3);
	for (put_any(); !lanes_are_empty(lanes); put_any()) {
		struct commit_job *job, *next;
		for (job = cut_some(1 + (unsigned)rand() % 400, 100, put_any); job; job = next) {
			bool divided = !(next = next_of(job)) && rand() % 3;
			assert_true(job > last[job->key_no]);
			if (!divided)
				last[job->key_no] = job;
			else
				lanes_put_back_part(lanes, job);
			seen += !divided;
		}
	}
	assert_int_equal(seen, n_jobs);
}

/* Between its parts others have their turn, and their own parts too; what is newer of its key has not. */
static void what_is_divided_goes_behind_the_others(void **state)
{
	struct commit_job *job;
	(void)state;
	put(1, 1, 500);
	put(1, 1, 1);
	put(2, 1, 1);
	put(3, 1, 500);
	jobs[0].divisible = jobs[3].divisible = true;
	static const unsigned order[] = { 0, 2, 0, 3, 0, 3, 0, 1 };
	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		job = cut_some(1, 30000, put_nothing);
		assert_int_equal(job - jobs, order[i]);
		if (job->divisible && i < 5)
			lanes_put_back_part(lanes, job);
	}
}

/* However many operations are left of it, a batch has room for it. */
static void what_can_be_divided_fits(void **state)
{
	const struct commit_job *last[10] = { 0 };
	(void)state;
	put(1, 1, 2000);
	put(2, MAX / 2, 1);
	put(3, 1, 1);
	jobs[0].divisible = true;
	struct batch b = cut(last);
	assert_int_equal(b.of_key[1], 1);
	assert_int_equal(b.of_key[2], MAX / 2);
	assert_int_equal(b.of_key[3], 1);
	while (!lanes_are_empty(lanes))
		(void)cut(last);
}

int main(void)
{
#define LANES_TEST(name) cmocka_unit_test_setup_teardown(name, open_lanes, close_lanes)
	const struct CMUnitTest tests[] = {
		LANES_TEST(one_key_fills_batches),
		LANES_TEST(who_asks_little_goes_ahead),
		LANES_TEST(the_flood_gets_its_half),
		LANES_TEST(a_large_job_goes_alone),
		LANES_TEST(keeps_the_order_of_a_key),
		LANES_TEST(no_size_waits_for_ever),
		LANES_TEST(who_takes_much_time_waits_for_the_others),
		LANES_TEST(who_takes_little_keeps_the_place),
		LANES_TEST(no_work_waits_for_ever),
		LANES_TEST(what_is_put_back_keeps_its_order),
		LANES_TEST(what_is_divided_keeps_its_place),
		LANES_TEST(what_is_divided_goes_behind_the_others),
		LANES_TEST(what_can_be_divided_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
