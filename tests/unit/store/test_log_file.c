/* The log's file: what is held back, and that nobody can tell. */
#include "fixture.h"

#include "faulty_vfs.h"
#include "store/log_file.h"

#include <fcntl.h>

static struct {
	sqlite3_vfs *vfs;
	sqlite3_file *file;
	char path[200];
} wal;

static void open_log(struct fixture *f)
{
	int out;
	fixture_dir(f);
	/* SQLite looks at the database for the log's mode. */
	snprintf(wal.path, sizeof(wal.path), "%s/x", f->dir);
	assert_int_equal(close(creat(wal.path, 0600)), 0);
	strcat(wal.path, "-wal");
	wal.vfs = sqlite3_vfs_find(log_file_system());
	assert_non_null(wal.vfs);
	wal.file = calloc(1, (size_t)wal.vfs->szOsFile);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
	assert_int_equal(wal.vfs->xOpen(wal.vfs, wal.path, wal.file, flags, &out), SQLITE_OK);
}

static void close_log(void)
{
	assert_int_equal(wal.file->pMethods->xClose(wal.file), SQLITE_OK);
	free(wal.file);
}

static void remove_log(struct fixture *f)
{
	arena_fini(&f->arena);
	assert_int_equal(scratch_remove(f->dir), 0);
}

static int put(const char *text, sqlite3_int64 at)
{
	return wal.file->pMethods->xWrite(wal.file, text, (int)strlen(text), at);
}

/* What others find there. */
static void expect_on_disk(const char *wanted)
{
	char text[100] = "";
	FILE *in = fopen(wal.path, "r");
	assert_non_null(in);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, in), strlen(wanted));
	fclose(in);
	assert_string_equal(text, wanted);
}

static void neighbours_wait_for_the_sync(void **state)
{
	struct fixture f = { 0 };
	(void)state;
	open_log(&f);
	assert_int_equal(put("abc", 0), SQLITE_OK);
	assert_int_equal(put("def", 3), SQLITE_OK);
	expect_on_disk("");
	assert_int_equal(wal.file->pMethods->xSync(wal.file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	expect_on_disk("abcdef");
	assert_int_equal(put("XY", 1), SQLITE_OK);
	assert_int_equal(put("Z", 1), SQLITE_OK); /* no neighbour: the one before goes first */
	expect_on_disk("aXYdef");
	close_log();
	expect_on_disk("aZYdef");
	remove_log(&f);
}

static void looking_shows_what_is_held(void **state)
{
	struct fixture f = { 0 };
	sqlite3_int64 size;
	char text[4] = "";
	(void)state;
	open_log(&f);
	assert_int_equal(put("abc", 0), SQLITE_OK);
	assert_int_equal(wal.file->pMethods->xRead(wal.file, text, 3, 0), SQLITE_OK);
	assert_string_equal(text, "abc");
	assert_int_equal(put("def", 3), SQLITE_OK);
	assert_int_equal(wal.file->pMethods->xFileSize(wal.file, &size), SQLITE_OK);
	assert_int_equal(size, 6);
	assert_int_equal(put("ghi", 6), SQLITE_OK);
	assert_int_equal(wal.file->pMethods->xTruncate(wal.file, 4), SQLITE_OK);
	expect_on_disk("abcd");
	close_log();
	remove_log(&f);
}

/* Pieces of any size that SQLite writes: a page has 64 KiB at most. */
static void long_rows_go_in_between(void **state)
{
	enum { HUGE = 1 << 20 };
	struct fixture f = { 0 };
	static char piece[HUGE], back[HUGE];
	(void)state;
	open_log(&f);
	for (size_t i = 0; i < HUGE; i++)
		piece[i] = (char)(i * 7 + i / 251);
	for (int at = 0, n = 24; at < HUGE; at += n, n = n == 24 ? 65536 : 24) {
		n = MIN(n, HUGE - at);
		assert_int_equal(wal.file->pMethods->xWrite(wal.file, piece + at, n, at),
				 SQLITE_OK);
	}
	assert_int_equal(wal.file->pMethods->xRead(wal.file, back, HUGE, 0), SQLITE_OK);
	assert_memory_equal(back, piece, HUGE);
	close_log();
	remove_log(&f);
}

/* Whatever comes next says so, and what failed is not tried again. */
static void a_write_that_fails_late_is_told(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		struct fixture f = { 0 };
		sqlite3_int64 size;
		char text[4];
		open_log(&f);
		const sqlite3_io_methods *m = wal.file->pMethods;
		assert_int_equal(put("abc", 0), SQLITE_OK);
		faulty_arm(1, false, SQLITE_IOERR_WRITE);
		int rc = how == 0   ? m->xSync(wal.file, SQLITE_SYNC_NORMAL)
			 : how == 1 ? m->xRead(wal.file, text, 3, 0)
			 : how == 2 ? m->xFileSize(wal.file, &size)
				    : put("xyz", 10);
		assert_int_equal(rc, SQLITE_IOERR_WRITE);
		close_log();
		remove_log(&f);
	}
}

int main(void)
{
	faulty_install();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_wait_for_the_sync),
		cmocka_unit_test(looking_shows_what_is_held),
		cmocka_unit_test(long_rows_go_in_between),
		cmocka_unit_test(a_write_that_fails_late_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
