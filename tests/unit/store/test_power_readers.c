/*
 * Somebody reads while a sync of the database file fails: of ours, or of another process. What had been
 * copied into the file before, up to where a reader stood and so without a sync, is lost by that sync as
 * well; and what SQLite believes to have copied is kept for as long as anybody has the database open.
 * After the recovery all of the log is copied once more: the power goes off, and all is there.
 */
#include "fixture.h"

#include "base/log.h"
#include "power_vfs.h"
#include "whole.h"

#include <sys/wait.h>

enum { SEEDS = 10, LOG_PAGES = 200, PER_BATCH = 4, BATCHES_MAX = 1000, FILL = 300 };

/* --- Another process, which has the database open --- */

struct other {
	pid_t pid;
	int to, from;
};

/* From the first byte that comes, if one does, until there can be none. */
static int live_as_other(const char *dir, int in, int out)
{
	sqlite3 *db;
	char path[100], byte;
	snprintf(path, sizeof(path), "%s/occurd.db", dir);
	if (read(in, &byte, 1) != 1)
		return 0;
	bool well =
		sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, power.real->zName) == SQLITE_OK &&
		sqlite3_exec(db, "SELECT count(*) FROM event", NULL, NULL, NULL) == SQLITE_OK &&
		write(out, "", 1) == 1;
	return well && read(in, &byte, 1) == 0 ? 0 : 1;
}

/* Before there are threads and connections. */
static void other_start(struct other *o, const char *dir)
{
	int to[2], from[2];
	assert_int_equal(pipe(to) | pipe(from), 0);
	o->pid = fork();
	assert_true(o->pid >= 0);
	if (o->pid == 0) {
		close(to[1]);
		_exit(live_as_other(dir, to[0], from[1]));
	}
	close(to[0]);
	close(from[1]);
	o->to = to[1];
	o->from = from[0];
}

static void other_open(struct other *o)
{
	char byte;
	assert_int_equal(write(o->to, "", 1), 1);
	assert_int_equal(read(o->from, &byte, 1), 1);
}

static void other_end(struct other *o)
{
	int status;
	close(o->to);
	assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
	assert_int_equal(status, 0);
	close(o->from);
}

/* --- A store --- */

struct world {
	struct fixture f;
	struct other other;
	char db[100], log[108];
	unsigned n; /* events acknowledged */
};

static int64_t count_events(sqlite3 *db)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM event", -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int write_batch(struct world *w)
{
	struct fixture *f = &w->f;
	arena_reset(&f->arena);
	clock_us += US_PER_S;
	int r = store_begin(f->store);
	for (unsigned i = 0; i < PER_BATCH && r == 0; i++) {
		struct op op = fixture_op(f, arena_printf(&f->arena, "%u@x.io", (w->n + i) % 50).p);
		op.properties = arena_printf(&f->arena, "{\"fill\":\"%0*d\"}", FILL, 1);
		r = store_apply(f->store, &op);
	}
	r = r ?: store_commit(f->store);
	w->n += r == 0 ? PER_BATCH : 0;
	return r;
}

static void write_batches(struct world *w, unsigned n)
{
	while (n-- > 0)
		assert_done(write_batch(w));
}

static void write_until_it_fails(struct world *w)
{
	unsigned n = 0;
	while (write_batch(w) == 0)
		assert_in_range(++n, 1, BATCHES_MAX);
	assert_int_equal(power.fail_n, 0);
	store_abandon(w->f.store);
}

/* One who reads in the midst of it sees what he saw. */
static void recover_beside_a_reader(struct world *w)
{
	sqlite3 *reader = fixture_log_reader(&w->f);
	int64_t seen = count_events(reader);
	assert_done(store_recover(w->f.store));
	write_batches(w, 1);
	assert_int_equal(count_events(reader), seen);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
}

/* What a log has of its own each time it begins: sqlite.org/fileformat2.html, 4.1. */
static uint64_t salt_of_log(const struct world *w)
{
	uint64_t salt = 0;
	int fd = open(w->log, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &salt, sizeof(salt), 16), sizeof(salt));
	close(fd);
	return salt;
}

static void write_until_the_log_begins_anew(struct world *w)
{
	uint64_t before = salt_of_log(w);
	for (unsigned n = 1; salt_of_log(w) == before; n++) {
		assert_in_range(n, 1, BATCHES_MAX);
		write_batches(w, 1);
	}
	write_batches(w, 1);
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fixture_dir(&w->f);
	other_start(&w->other, w->f.dir);
	struct store_config config = fixture_config(&w->f);
	config.log_pages = LOG_PAGES;
	snprintf(w->db, sizeof(w->db), "%s/occurd.db", w->f.dir);
	snprintf(w->log, sizeof(w->log), "%s-wal", w->db);
	assert_done(store_open(&config, &w->f.store));
	fixture_provision(&w->f);
	write_batches(w, 2);
}

static void copy_up_to_a_reader(struct world *w)
{
	sqlite3 *reader = fixture_log_reader(&w->f);
	write_batches(w, 2);
	fixture_copy_part(w->db);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
}

static void lose_power(struct world *w, uint64_t *rng)
{
	pthread_mutex_lock(&power.lock); /* the log may be being copied */
	power.off = true;
	pthread_mutex_unlock(&power.lock);
	other_end(&w->other);
	store_reader_close(w->f.reader);
	store_close(w->f.store);
	power_restart(rng);
}

static void end(struct world *w)
{
	arena_fini(&w->f.arena);
	assert_int_equal(scratch_remove(w->f.dir), 0);
	power_forget();
}

/* --- Who is there over the recovery --- */

struct readers {
	bool idle, other, amid; /* one of ours, another process, one of ours in a transaction */
};

static void open_idle(struct world *w, const struct readers *readers)
{
	if (readers->idle) {
		assert_done(store_reader_open(w->f.store, &w->f.reader));
		assert_true(fixture_contact(&w->f, 1, IDENTITY_EMAIL, "1@x.io").number > 0);
	}
	if (readers->other)
		other_open(&w->other);
}

static void run_world(uint64_t seed, const struct readers *readers)
{
	static struct world w;
	uint64_t rng = seed * 0x9E3779B97F4A7C15 | 1;
	begin(&w);
	open_idle(&w, readers);
	copy_up_to_a_reader(&w);
	power_fail_sync_of(w.db, power_draw(&rng, 1 << 30));
	write_until_it_fails(&w);
	if (readers->amid)
		recover_beside_a_reader(&w);
	else
		assert_done(store_recover(w.f.store));
	write_until_the_log_begins_anew(&w);
	lose_power(&w, &rng);
	assert_int_equal(whole_check(w.f.dir).events, w.n);
	end(&w);
}

static void what_was_copied_is_copied_again(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_world(seed, *state);
}

static struct readers nobody, idle = { .idle = true }, other = { .other = true },
			      amid = { .amid = true }, all = { true, true, true };

/* clang-format off */
#define CASE(who) { #who, what_was_copied_is_copied_again, NULL, NULL, &who }
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nobody), CASE(idle), CASE(other), CASE(amid), CASE(all),
	};
	log_set_level(LOG_ERROR);
	power_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
