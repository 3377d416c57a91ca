#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../scratch.h"
#include "deliver/ledger.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AUTOMATION = 3, DESTINATION = 5, CONTACT = 70 };

static char dir[64];
static struct ledger *ledger;
static struct arena arena;

static int open_ledger(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/occurd-ledger-XXXXXX");
	assert_non_null(mkdtemp(dir));
	arena_init(&arena, 1 << 20, NULL);
	return ledger_open(dir, &ledger);
}

static int close_ledger(void **state)
{
	(void)state;
	ledger_close(ledger);
	arena_fini(&arena);
	return scratch_remove(dir);
}

static void reopen(void)
{
	ledger_close(ledger);
	assert_int_equal(ledger_open(dir, &ledger), 0);
}

static struct delivery decide(instant_us due_at, uint64_t contact)
{
	struct delivery d = { .workspace = 1,
			      .automation = AUTOMATION,
			      .destination = DESTINATION,
			      .seq = 1000,
			      .contact = contact,
			      .created_at = 7,
			      .due_at = due_at };
	assert_int_equal(ledger_decide(ledger, &d), 0);
	return d;
}

static unsigned due(struct due_place behind, instant_us now, unsigned limit, struct delivery **rows)
{
	struct due_page page;
	const struct due_query q = { DESTINATION, behind, now, false, limit };
	assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
	assert_int_equal(page.more, page.n == limit);
	*rows = page.rows;
	return page.n;
}

static void settle(struct delivery *d, enum delivery_state state, instant_us due_at,
		   instant_us ended_at)
{
	struct attempt_row attempt = { .n = ++d->attempts, .at = 50, .answer = STR("said") };
	d->state = state;
	d->due_at = due_at;
	d->ended_at = ended_at;
	d->answer = attempt.answer;
	assert_int_equal(ledger_settle(ledger, d, &attempt), 0);
}

static uint64_t pending(void)
{
	return ledger_count(ledger, DESTINATION, DELIVERY_PENDING);
}

/* What the database has, all that it shows behind one blank each; by a connection of its own. */
static const char *ask(const char *sql)
{
	static char out[500];
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	size_t n = 0;
	out[0] = '\0';
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW && n < sizeof(out))
		n += (size_t)snprintf(out + n, sizeof(out) - n, " %s", sqlite3_column_text(st, 0));
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return out;
}

static void test_position(void **state)
{
	uint64_t seq;
	(void)state;
	assert_int_equal(ledger_position(ledger, AUTOMATION, 41, &seq), 0);
	assert_int_equal(seq, 41);
	reopen();
	assert_int_equal(ledger_position(ledger, AUTOMATION, 99, &seq), 0);
	assert_int_equal(seq, 41);
	assert_int_equal(ledger_move(ledger, AUTOMATION, 42), 0);
	assert_int_equal(ledger_position(ledger, AUTOMATION, 99, &seq), 0);
	assert_int_equal(seq, 42);
}

static void test_decided_with_its_position_or_not_at_all(void **state)
{
	struct delivery *rows;
	uint64_t seq;
	(void)state;
	for (int commit = 0; commit <= 1; commit++) {
		assert_int_equal(ledger_begin(ledger), 0);
		decide(10, CONTACT);
		assert_int_equal(ledger_move(ledger, AUTOMATION, 1000), 0);
		if (commit)
			assert_int_equal(ledger_commit(ledger), 0);
		else
			ledger_abandon(ledger);
		reopen();
		assert_int_equal(ledger_position(ledger, AUTOMATION, 1, &seq), 0);
		assert_int_equal(seq, commit ? 1000 : 1);
		assert_int_equal(due((struct due_place){ 0 }, 10, 9, &rows), commit);
	}
}

static void test_due_in_order(void **state)
{
	struct delivery *rows;
	instant_us at;
	(void)state;
	uint64_t late = decide(30, 1).no, first = decide(10, 2).no, second = decide(10, 3).no;
	decide(31, 4);
	assert_int_equal(due((struct due_place){ 0 }, 30, 9, &rows), 3);
	assert_int_equal(rows[0].no, first);
	assert_int_equal(rows[1].no, second);
	assert_int_equal(rows[2].no, late);
	assert_int_equal(rows[1].contact, 3);
	assert_int_equal(rows[1].automation, AUTOMATION);
	assert_int_equal(rows[1].seq, 1000);
	assert_int_equal(due((struct due_place){ 0 }, 30, 2, &rows), 2);
	assert_int_equal(due((struct due_place){ 10, first }, 30, 9, &rows), 2);
	assert_int_equal(rows[0].no, second);
	assert_int_equal(due((struct due_place){ 30, late }, 30, 9, &rows), 0);
	assert_int_equal(ledger_next_due(ledger, DESTINATION, (struct due_place){ 30, late }, &at),
			 0);
	assert_int_equal(at, 31);
	assert_int_equal(ledger_next_due(ledger, DESTINATION + 1, (struct due_place){ 0 }, &at), 0);
	assert_int_equal(at, 0);
}

/* Of each contact the first that is pending, also when that is not due. */
static void test_first_of_each_contact(void **state)
{
	const struct due_query q = { DESTINATION, { 0 }, 20, true, 9 };
	struct delivery first = decide(10, 1), later = decide(99, 2);
	struct due_page page;
	(void)state;
	decide(11, 1);
	decide(12, 2);
	uint64_t third = decide(13, 3).no;
	assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
	assert_int_equal(page.n, 2);
	assert_false(page.more);
	assert_int_equal(page.rows[0].no, first.no);
	assert_int_equal(page.rows[1].no, third);
	settle(&first, DELIVERY_DONE, 10, 60);
	settle(&later, DELIVERY_DEAD, 10, 60);
	assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
	assert_int_equal(page.n, 3);
	assert_int_equal(page.rows[0].contact, 1);
	assert_int_equal(page.rows[1].contact, 2);
}

/* What waits for another destination stands in nobody's way here. */
static void test_first_of_each_destination(void **state)
{
	const struct due_query q = { DESTINATION + 1, { 0 }, 20, true, 9 };
	struct due_page page;
	(void)state;
	struct delivery other = decide(10, 1);
	other.destination++;
	assert_int_equal(ledger_decide(ledger, &other), 0);
	assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
	assert_int_equal(page.n, 1);
	assert_int_equal(page.rows[0].no, other.no);
}

/* Page behind page all are found, each once, however many others of their contacts are between. */
static void test_first_among_many_in_pages(void **state)
{
	struct due_query q = { DESTINATION, { 0 }, 5000, true, 2 };
	unsigned found = 0, pages = 0;
	struct due_page page = { .more = true };
	(void)state;
	decide(5000, 7); /* the others of the contact wait for it */
	assert_int_equal(ledger_begin(ledger), 0);
	for (unsigned i = 0; i < 3000; i++)
		decide(10 + i, i % 1000 == 999 ? 10 + i : 7);
	assert_int_equal(ledger_commit(ledger), 0);
	for (; page.more; pages++, q.behind = page.end) {
		assert_int_equal(ledger_due(ledger, &arena, &q, &page), 0);
		assert_in_range(page.n, 0, q.limit);
		for (unsigned i = 0; i < page.n; i++, found++)
			assert_int_equal(page.rows[i].contact,
					 found == 3 ? 7 : 10 + found * 1000 + 999);
	}
	assert_int_equal(found, 4);
	assert_in_range(pages, 3, 12);
}

static void test_settled(void **state)
{
	struct delivery d = decide(10, 1), again = decide(10, 2), *rows;
	(void)state;
	settle(&d, DELIVERY_DONE, 10, 60);
	settle(&again, DELIVERY_PENDING, 500, 0);
	assert_int_equal(pending(), 1);
	assert_int_equal(due((struct due_place){ 0 }, 499, 9, &rows), 0);
	assert_int_equal(due((struct due_place){ 0 }, 500, 9, &rows), 1);
	assert_int_equal(rows[0].no, again.no);
	assert_int_equal(rows[0].attempts, 1);
	settle(&again, DELIVERY_DEAD, 500, 600);
	assert_int_equal(pending(), 0);
}

/* Until it is settled it stays in doubt, since the first time. */
static void test_doubted(void **state)
{
	struct delivery d = decide(10, 1), *rows;
	(void)state;
	assert_int_equal(ledger_doubt(ledger, &d.no, 1, 70), 0);
	assert_int_equal(ledger_doubt(ledger, &d.no, 1, 80), 0);
	reopen();
	assert_int_equal(due((struct due_place){ 0 }, 499, 9, &rows), 1);
	assert_int_equal(rows[0].doubt_at, 70);
	settle(&d, DELIVERY_PENDING, 10, 0);
	assert_int_equal(due((struct due_place){ 0 }, 499, 9, &rows), 1);
	assert_int_equal(rows[0].doubt_at, 0);
}

static void test_fired(void **state)
{
	instant_us at;
	(void)state;
	assert_int_equal(ledger_fired(ledger, AUTOMATION, CONTACT, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(ledger_fire(ledger, AUTOMATION, CONTACT, 5), 0);
	assert_int_equal(ledger_fire(ledger, AUTOMATION, CONTACT, 6), 0);
	assert_int_equal(ledger_fired(ledger, AUTOMATION, CONTACT, &at), 0);
	assert_int_equal(at, 6);
	assert_int_equal(ledger_fired(ledger, AUTOMATION + 1, CONTACT, &at), 0);
	assert_int_equal(at, 0);
}

static void forget_rows(uint64_t contact)
{
	unsigned left = UINT_MAX;
	bool all;
	assert_int_equal(ledger_forget(ledger, contact, &left, &all), 0);
	assert_true(all);
}

/* With what its destinations answered; and nobody else's. */
static void test_forgotten(void **state)
{
	instant_us at;
	struct delivery gone[2], kept[2];
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(gone); i++) {
		gone[i] = decide(10, CONTACT);
		kept[i] = decide(10, CONTACT + 1);
	}
	settle(&gone[0], DELIVERY_PENDING, 10, 0);
	settle(&gone[0], DELIVERY_DEAD, 10, 60);
	settle(&gone[1], DELIVERY_DONE, 10, 60);
	settle(&kept[0], DELIVERY_PENDING, 10, 0);
	settle(&kept[0], DELIVERY_PENDING, 10, 0);
	assert_string_equal(ask("SELECT delivery FROM attempt ORDER BY delivery, n"), " 1 1 2 2 3");
	assert_int_equal(ledger_fire(ledger, AUTOMATION, CONTACT, 5), 0);
	assert_int_equal(ledger_fire(ledger, AUTOMATION, CONTACT + 1, 6), 0);
	forget_rows(CONTACT);
	assert_int_equal(pending(), 2);
	assert_string_equal(ask("SELECT no FROM delivery ORDER BY no"), " 2 4");
	assert_string_equal(ask("SELECT delivery || '/' || n FROM attempt"), " 2/1 2/2");
	assert_int_equal(ledger_fired(ledger, AUTOMATION, CONTACT, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(ledger_fired(ledger, AUTOMATION, CONTACT + 1, &at), 0);
	assert_int_equal(at, 6);
}

/* However many there are, none is counted that is gone, and other contacts' stay. */
static void test_forgotten_in_pieces(void **state)
{
	enum { ROWS = 7, PIECE = 3 };
	bool all = false;
	unsigned pieces = 0;
	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		struct delivery d = decide(10, CONTACT);
		settle(&d, i % 2 ? DELIVERY_DEAD : DELIVERY_PENDING, 10, i % 2 ? 60 : 0);
	}
	decide(10, CONTACT + 1);
	for (; !all; pieces++) {
		unsigned left = PIECE;
		assert_int_equal(ledger_forget(ledger, CONTACT, &left, &all), 0);
		assert_int_equal(left, all ? PIECE - ROWS % PIECE : 0);
	}
	assert_int_equal(pieces, 3);
	assert_int_equal(pending(), 1);
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_DEAD), 0);
	assert_string_equal(ask("SELECT no FROM delivery"), " 8");
	assert_string_equal(ask("SELECT count(*) FROM attempt"), " 0");
}

/* What is pending never goes, and of the rest the oldest first, each with its attempts. */
static void test_purged(void **state)
{
	static const instant_us ended_at[] = { 107, 101, 104, 103, 105, 106, 102, 100, 0, 0 };
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ended_at); i++) {
		struct delivery d = decide(10, i);
		settle(&d, DELIVERY_PENDING, 10, 0);
		if (ended_at[i])
			settle(&d, i % 2 ? DELIVERY_DONE : DELIVERY_DEAD, 10, ended_at[i]);
	}
	assert_int_equal(ledger_purge(ledger, 105, 3), 0);
	assert_string_equal(ask("SELECT no FROM delivery ORDER BY no"), " 1 3 4 5 6 9 10");
	assert_int_equal(ledger_purge(ledger, 105, 100), 0);
	assert_string_equal(ask("SELECT no FROM delivery ORDER BY no"), " 1 5 6 9 10");
	assert_string_equal(ask("SELECT delivery || '/' || n FROM attempt ORDER BY delivery, n"),
			    " 1/1 1/2 5/1 5/2 6/1 6/2 9/1 10/1");
	assert_int_equal(pending(), 2);
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_DONE), 1);
	assert_int_equal(ledger_count(ledger, DESTINATION, DELIVERY_DEAD), 2);
	assert_int_equal(ledger_purge(ledger, INT64_MAX, 100), 0);
	assert_string_equal(ask("SELECT delivery || '/' || n FROM attempt"), " 9/1 10/1");
}

/* An attempt at one that has left may still be under way: what comes of it is nobody else's. */
static void test_a_number_never_comes_twice(void **state)
{
	struct delivery first = decide(10, 1), second = decide(10, 2);
	(void)state;
	assert_int_equal(first.no, 1);
	forget_rows(2);
	assert_int_equal(decide(10, 3).no, second.no + 1);
	forget_rows(3);
	reopen();
	struct delivery last = decide(10, 4);
	assert_int_equal(last.no, second.no + 2);
	settle(&first, DELIVERY_DONE, 10, 60);
	settle(&last, DELIVERY_DONE, 10, 60);
	assert_int_equal(ledger_purge(ledger, 61, 9), 0);
	assert_string_equal(ask("SELECT no FROM delivery"), "");
	struct delivery next = decide(10, 5);
	assert_int_equal(next.no, last.no + 1);
	settle(&second, DELIVERY_DONE, 10, 60);
	settle(&last, DELIVERY_DEAD, 10, 60);
	assert_string_equal(ask("SELECT no || '/' || state FROM delivery"), " 5/0");
	assert_int_equal(pending(), 1);
}

static off_t log_bytes(void)
{
	char path[100];
	struct stat st;
	snprintf(path, sizeof(path), "%s/deliveries.db-wal", dir);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void decide_many(unsigned n)
{
	assert_int_equal(ledger_begin(ledger), 0);
	for (unsigned i = 0; i < n; i++)
		decide(10, i);
	assert_int_equal(ledger_commit(ledger), 0);
}

/* However long the server lives: it begins anew once it has been copied. */
static void test_log_stays_short(void **state)
{
	off_t most = 0;
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		decide_many(20);
		assert_int_equal(ledger_settle_log(ledger, false), 0);
		most = MAX(most, log_bytes());
	}
	assert_in_range(most, 1 << 20, 8 << 20);
	decide_many(1);
	assert_int_equal(ledger_settle_log(ledger, true), 0);
	decide_many(1);
	assert_in_range(log_bytes(), 1, most);
}

/* --- What somebody's receivers answered, once the contact was deleted --- */

#define MARK "Zebedee-4711"

static bool file_has(const char *of, const char *name)
{
	static char text[1 << 20];
	char path[100];
	snprintf(path, sizeof(path), "%s/%s", of, name);
	FILE *file = fopen(path, "rb");
	size_t n = file ? fread(text, 1, sizeof(text), file) : 0;
	assert_true(n < sizeof(text));
	if (file)
		assert_int_equal(fclose(file), 0);
	return memmem(text, n, MARK, strlen(MARK)) != NULL;
}

static bool any_has(const char *of)
{
	return file_has(of, "deliveries.db") || file_has(of, "deliveries.db-wal");
}

static void answer(uint64_t contact, const char *text)
{
	assert_int_equal(ledger_begin(ledger), 0);
	struct delivery d = decide(10, contact);
	const struct attempt_row attempt = { .n = 1, .answer = str_of(text) };
	d.answer = attempt.answer;
	d.state = DELIVERY_DEAD;
	d.attempts = 1;
	assert_int_equal(ledger_settle(ledger, &d, &attempt), 0);
	assert_int_equal(ledger_commit(ledger), 0);
	assert_int_equal(ledger_settle_log(ledger, true), 0);
}

static void forget(uint64_t contact)
{
	assert_int_equal(ledger_begin(ledger), 0);
	forget_rows(contact);
	assert_int_equal(ledger_commit(ledger), 0);
	assert_int_equal(ledger_settle_log(ledger, true), 0);
}

/* Some seconds later, and once for all who were deleted until then. */
static void test_the_log_shows_nobody_who_was_deleted(void **state)
{
	(void)state;
	answer(1, MARK);
	answer(2, "other");
	assert_false(ledger_has_to_scrub(ledger));
	forget(3);
	assert_false(ledger_has_to_scrub(ledger));
	forget(1);
	assert_true(ledger_has_to_scrub(ledger) && any_has(dir));
	assert_int_equal(ledger_scrub(ledger, time_monotonic_ms()), 0);
	assert_true(ledger_has_to_scrub(ledger) && any_has(dir));
	assert_int_equal(ledger_scrub(ledger, time_monotonic_ms() + 11000), 0);
	assert_false(ledger_has_to_scrub(ledger) || any_has(dir));
	assert_int_equal(log_bytes(), 0);
	assert_string_equal(ask("SELECT answer FROM delivery"), " other");
}

/* And nobody waits for it meanwhile. */
static void test_a_reader_of_the_log_is_waited_for(void **state)
{
	sqlite3 *reader;
	char path[100];
	int64_t later = time_monotonic_ms() + 11000;
	(void)state;
	answer(1, MARK);
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM delivery", NULL, NULL, NULL),
		SQLITE_OK);
	forget(1);
	assert_int_equal(ledger_scrub(ledger, later), 0);
	assert_true(ledger_has_to_scrub(ledger) && any_has(dir));
	answer(2, "other");
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	assert_int_equal(ledger_scrub(ledger, later + 999), 0);
	assert_true(ledger_has_to_scrub(ledger) && any_has(dir));
	assert_int_equal(ledger_scrub(ledger, later + 1000), 0);
	assert_false(ledger_has_to_scrub(ledger) || any_has(dir));
}

static void copy_file(const char *name, const char *to)
{
	char command[300];
	snprintf(command, sizeof(command), "cp %s/%s %s/%s", dir, name, to, name);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

/* Whether somebody was deleted in what a kill left nobody knows. */
static void test_the_log_of_a_kill_shows_nobody_either(void **state)
{
	char killed[64] = "/tmp/occurd-ledger-XXXXXX";
	struct ledger *next;
	(void)state;
	answer(1, MARK);
	forget(1);
	assert_non_null(mkdtemp(killed));
	copy_file("deliveries.db", killed);
	copy_file("deliveries.db-wal", killed);
	assert_int_equal(ledger_open(killed, &next), 0);
	assert_true(ledger_has_to_scrub(next) && any_has(killed));
	assert_int_equal(ledger_scrub(next, time_monotonic_ms() + 11000), 0);
	assert_false(ledger_has_to_scrub(next) || any_has(killed));
	ledger_close(next);
	assert_int_equal(ledger_open(killed, &next), 0);
	assert_false(ledger_has_to_scrub(next)); /* a clean end leaves no log */
	ledger_close(next);
	assert_int_equal(scratch_remove(killed), 0);
}

/* What was committed before a failure is there behind it, what was not is not. */
static void test_opened_anew_after_a_failure(void **state)
{
	struct delivery *rows;
	(void)state;
	decide_many(3);
	assert_int_equal(ledger_begin(ledger), 0);
	decide(10, 7);
	ledger_abandon(ledger);
	ledger_close(ledger);
	assert_true(log_bytes() > 0);
	assert_int_equal(ledger_open(dir, &ledger), 0);
	assert_int_equal(due((struct due_place){ 0 }, 10, 9, &rows), 3);
}

/* What another process would be told of locks that this one has on the file. */
static bool is_locked(void)
{
	char path[100];
	int status;
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	pid_t other = fork();
	if (other == 0) {
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR | O_CLOEXEC);
		int r = fd < 0 ? -1 : fcntl(fd, F_GETLK, &whole);
		_exit(r < 0 ? 2 : whole.l_type != F_UNLCK);
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

/* Others of this process keep their locks; without them a process that looks in takes the log away. */
static void test_opened_anew_beside_a_reader(void **state)
{
	sqlite3 *reader;
	char path[100];
	(void)state;
	decide_many(3);
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "SELECT count(*) FROM delivery", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_true(is_locked());
	ledger_abandon(ledger);
	ledger_close(ledger);
	assert_true(is_locked());
	assert_int_equal(ledger_open(dir, &ledger), 0);
	assert_true(is_locked());
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
}

static void test_silenced(void **state)
{
	static const struct {
		instant_us declared_at, then;
	} cases[] = { { 100, 100 }, { 200, 200 }, { 100, 200 }, { 200, 200 }, { 201, 201 } };
	instant_us at;
	(void)state;
	assert_int_equal(ledger_silenced(ledger, DESTINATION, &at), 0);
	assert_int_equal(at, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ledger_silence(ledger, DESTINATION, cases[i].declared_at), 0);
		assert_int_equal(ledger_silenced(ledger, DESTINATION, &at), 0);
		assert_int_equal(at, cases[i].then);
	}
	assert_int_equal(ledger_silenced(ledger, DESTINATION + 1, &at), 0);
	assert_int_equal(at, 0);
}

static void test_fired_is_forgotten_in_pieces(void **state)
{
	uint32_t no = 0;
	bool all;
	instant_us at;
	(void)state;
	assert_int_equal(ledger_next_fired(ledger, &no), 0);
	assert_int_equal(no, 0);
	for (uint32_t i = 3; i < 6; i += 2)
		for (uint64_t contact = 0; contact < 5; contact++)
			assert_int_equal(ledger_fire(ledger, i, contact, 50), 0);
	assert_int_equal(ledger_next_fired(ledger, &no), 0);
	assert_int_equal(no, 3);
	for (unsigned left = 5; left > 1; left -= 2) {
		assert_int_equal(ledger_forget_fired(ledger, 3, 2, &all), 0);
		assert_false(all);
	}
	assert_int_equal(ledger_forget_fired(ledger, 3, 2, &all), 0);
	assert_true(all);
	no = 0;
	assert_int_equal(ledger_next_fired(ledger, &no), 0);
	assert_int_equal(no, 5);
	assert_int_equal(ledger_fired(ledger, 5, 4, &at), 0);
	assert_int_equal(at, 50);
	assert_int_equal(ledger_fired(ledger, 3, 4, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(ledger_next_fired(ledger, &no), 0);
	assert_int_equal(no, 0);
}

static void test_not_a_ledger(void **state)
{
	char path[100];
	struct ledger *l;
	(void)state;
	ledger_close(ledger);
	snprintf(path, sizeof(path), "%s/deliveries.db", dir);
	FILE *f = fopen(path, "w");
	fputs("no database at all, whatever its name says, and long enough to be looked at", f);
	fclose(f);
	assert_true(ledger_open(dir, &l) < 0);
	assert_true(ledger_open("/nonexistent", &l) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ledger_open(dir, &ledger), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_ledger, close_ledger)
		CASE(test_position),
		CASE(test_decided_with_its_position_or_not_at_all),
		CASE(test_due_in_order),
		CASE(test_first_of_each_contact),
		CASE(test_first_of_each_destination),
		CASE(test_first_among_many_in_pages),
		CASE(test_settled),
		CASE(test_doubted),
		CASE(test_fired),
		CASE(test_forgotten),
		CASE(test_forgotten_in_pieces),
		CASE(test_purged),
		CASE(test_a_number_never_comes_twice),
		CASE(test_opened_anew_beside_a_reader),
		CASE(test_silenced),
		CASE(test_fired_is_forgotten_in_pieces),
		CASE(test_not_a_ledger),
		CASE(test_log_stays_short),
		CASE(test_opened_anew_after_a_failure),
		CASE(test_the_log_shows_nobody_who_was_deleted),
		CASE(test_a_reader_of_the_log_is_waited_for),
		CASE(test_the_log_of_a_kill_shows_nobody_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
