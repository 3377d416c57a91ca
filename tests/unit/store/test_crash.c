/*
 * A process that writes is killed at any moment, again and again, in one directory: each event that
 * it acknowledged is there once, and the lists and counts fit what is there.
 */
#include "fixture.h"

#include "whole.h"

#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 8, PER_BATCH = 20, CONTACTS = 50 };

/* Writes until it is killed; says the last seq of each batch after its commit. */
static void write_forever(const char *dir, int to)
{
	struct fixture f;
	memset(&f, 0, sizeof(f));
	snprintf(f.dir, sizeof(f.dir), "%s", dir);
	arena_init(&f.arena, 1024 * 1024, NULL);
	struct store_config config = fixture_config(&f);
	must(store_open(&config, &f.store) == 0);
	for (unsigned n = 0;; clock_us += US_PER_S) {
		struct op op = { 0 };
		must(store_begin(f.store) == 0);
		for (int i = 0; i < PER_BATCH; i++, n++) {
			arena_reset(&f.arena);
			op = fixture_op(&f, arena_printf(&f.arena, "%u@x.io", n % CONTACTS).p);
			must(store_apply(f.store, &op) == 0);
		}
		must(store_commit(f.store) == 0);
		must(write(to, &op.seq, sizeof(op.seq)) == sizeof(op.seq));
	}
}

/* The last seq that was acknowledged before the kill. */
static uint64_t kill_a_writer(const char *dir, unsigned after_batches)
{
	int ends[2];
	uint64_t seq = 0, last = 0;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		write_forever(dir, ends[1]);
		_exit(1);
	}
	close(ends[1]);
	for (unsigned i = 0; i < after_batches; i++) {
		assert_int_equal(read(ends[0], &seq, sizeof(seq)), sizeof(seq));
		last = seq;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq))
		last = seq;
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return last;
}

static uint64_t count_all(struct fixture *f)
{
	struct event_query q = { .workspace = 1, .limit = 1000, .until = INT64_MAX };
	uint64_t n_all = 0, newest = 0;
	do {
		struct event_row *rows;
		unsigned n;
		arena_reset(&f->arena);
		assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &n, &q.before));
		for (unsigned i = 0; i < n; i++, n_all++) {
			newest = newest ? newest : rows[i].seq;
			assert_int_equal(rows[i].seq, newest - n_all);
		}
	} while (q.before);
	assert_int_equal(n_all, newest);
	return n_all;
}

static uint64_t count_by_contact(struct fixture *f)
{
	struct contact_view *contacts;
	bool more;
	unsigned n;
	uint64_t sum = 0, next;
	arena_reset(&f->arena);
	assert_done(store_read_contacts(f->reader, &f->arena,
					&(struct contact_query){ .workspace = 1, .limit = 1000 },
					&contacts, &n, &more));
	assert_in_range(n, 1, CONTACTS);
	for (unsigned i = 0; i < n; i++) {
		const struct event_query q = { .workspace = 1,
					       .contact = contacts[i].number,
					       .limit = 5000,
					       .until = INT64_MAX };
		struct event_row *rows;
		unsigned found;
		assert_done(store_read_events(f->reader, &f->arena, &q, &rows, &found, &next));
		assert_int_equal(found, contacts[i].event_count);
		sum += found;
	}
	return sum;
}

static void acknowledged_events_survive_kills(void **state)
{
	struct fixture f;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_close(&f);
	for (unsigned i = 0; i < KILLS; i++) {
		uint64_t acknowledged = kill_a_writer(f.dir, 1 + i * 5);
		fixture_open(&f);
		uint64_t events = count_all(&f);
		assert_in_range(events, acknowledged, acknowledged + PER_BATCH);
		assert_int_equal(events % PER_BATCH, 0);
		assert_int_equal(count_by_contact(&f), events);
		fixture_close(&f);
		whole_check(f.dir);
	}
	fixture_open(&f);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged_events_survive_kills),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
