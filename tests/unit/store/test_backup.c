/*
 * A copy of one moment, made beside a store that goes on, is a store of its own; it takes nobody's
 * place, and what fails leaves nothing behind.
 */
#include "fixture.h"

#include "store/backup.h"
#include "whole.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../calls.h"

enum { EVENTS = 300 };

/* NFS, 9p and most of FUSE know no flags. */
static bool knows_no_flags;

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (knows_no_flags && flags) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

static void add(struct fixture *f)
{
	struct op op = fixture_op(f, "a@x.io");
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static int copy_to(const struct fixture *f, const char *to, struct backup_result *out)
{
	return backup_run(&(struct backup_config){ .dir = f->dir, .to = to }, out);
}

static void check_whole(const struct fixture *f, uint64_t events)
{
	assert_int_equal(whole_check(f->dir).events, events);
}

static unsigned count_files(const char *path)
{
	unsigned n = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

/* The store's own directory may take it, under another name. */
static void copy_is_a_store(void **state)
{
	struct fixture f, copy;
	struct backup_result result;
	char path[100];
	struct stat st;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (int i = 0; i < EVENTS; i++)
		add(&f);
	fixture_dir(&copy);
	snprintf(path, sizeof(path), "%s/occurd.db", copy.dir);
	assert_done(copy_to(&f, path, &result));
	assert_string_equal(result.path, path);
	assert_int_equal(result.last_seq, EVENTS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, result.bytes);
	assert_int_equal(count_files(copy.dir), 1);
	add(&f);
	check_whole(&copy, EVENTS);
	fixture_open(&copy);
	assert_int_equal(fixture_contact(&copy, 1, IDENTITY_EMAIL, "a@x.io").event_count, EVENTS);
	add(&copy);
	fixture_end(&copy);
	fixture_end(&f);
}

static void a_directory_gets_a_new_file(void **state)
{
	struct fixture f, to;
	struct backup_result result;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_dir(&to);
	assert_done(copy_to(&f, to.dir, &result));
	assert_true(str_starts(str_of(result.path), str_of(to.dir)));
	assert_non_null(strstr(result.path, "/occurd-20"));
	/* In the same second its name is taken. */
	if (copy_to(&f, to.dir, &result) < 0)
		assert_non_null(strstr(fail_text(), "is there already"));
	fixture_open(&to);
	fixture_end(&to);
	fixture_end(&f);
}

static void nothing_is_overwritten_or_left_behind(void **state)
{
	struct fixture f, to;
	struct backup_result result;
	char path[100];
	struct stat st;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	fixture_dir(&to);
	snprintf(path, sizeof(path), "%s/mine", to.dir);
	FILE *mine = fopen(path, "w");
	fputs("mine", mine);
	fclose(mine);
	assert_int_equal(copy_to(&f, path, &result), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4);
	snprintf(path, sizeof(path), "%s/no/such", to.dir);
	assert_int_equal(copy_to(&f, path, &result), -ENOENT);
	assert_int_equal(copy_to(&to, "/dev/shm/x", &result), -ENOENT); /* no store */
	assert_int_equal(count_files(to.dir), 1);
	fixture_open(&to);
	fixture_end(&to);
	fixture_end(&f);
}

/* Wherever it is copied to. */
static void a_file_system_may_know_no_flags(void **state)
{
	knows_no_flags = true;
	copy_is_a_store(state);
	a_directory_gets_a_new_file(state);
	nothing_is_overwritten_or_left_behind(state);
	knows_no_flags = false;
}

static void begin_pair(struct fixture *f, struct fixture *to, char path[100])
{
	fixture_begin(f);
	fixture_provision(f);
	fixture_dir(to);
	snprintf(path, 100, "%s/copy", to->dir);
}

static void end_pair(struct fixture *f, struct fixture *to)
{
	fixture_open(to);
	fixture_end(to);
	fixture_end(f);
}

/* Whoever's name came there first: ours is not the only look at it. */
static void a_name_taken_meanwhile_is_kept(void **state)
{
	struct fixture f, to;
	struct backup_result result;
	char path[100];
	(void)state;
	begin_pair(&f, &to, path);
	assert_int_equal(symlink("nowhere", path), 0); /* which access() does not see */
	for (int i = 0; i < 2; i++) {
		knows_no_flags = i;
		assert_int_equal(copy_to(&f, path, &result), -EEXIST);
		assert_int_equal(count_files(to.dir), 1);
	}
	knows_no_flags = false;
	end_pair(&f, &to);
}

static void a_sync_that_fails_leaves_nothing(void **state)
{
	struct fixture f, to;
	struct backup_result result;
	char path[100];
	int n = 0;
	(void)state;
	begin_pair(&f, &to, path);
	for (int r = -EIO; r < 0;) {
		calls_arm(CALL_SYNC, ++n, 1, EIO);
		r = copy_to(&f, path, &result);
		assert_int_equal(r, atomic_load(&calls.failed) ? -EIO : 0);
		calls_arm(0, 0, 0, 0);
		assert_int_equal(count_files(to.dir), r < 0 ? 0 : 1);
	}
	assert_int_equal(n, 3); /* the file, its name, and none */
	end_pair(&f, &to);
}

static void who_is_told_to_stop_leaves_nothing(void **state)
{
	static const volatile sig_atomic_t stop = 1;
	struct fixture f, to;
	struct backup_result result;
	char path[100];
	(void)state;
	begin_pair(&f, &to, path);
	const struct backup_config config = { f.dir, path, &stop };
	assert_int_equal(backup_run(&config, &result), -EINTR);
	assert_int_equal(count_files(to.dir), 0);
	end_pair(&f, &to);
}

static void what_was_never_used_is_not_copied(void **state)
{
	struct fixture f;
	struct backup_result result;
	char path[100];
	(void)state;
	fixture_dir(&f);
	snprintf(path, sizeof(path), "%s/occurd.db", f.dir);
	fclose(fopen(path, "w"));
	snprintf(path, sizeof(path), "%s/copy", f.dir);
	assert_int_equal(copy_to(&f, path, &result), -ENOENT);
	assert_int_equal(count_files(f.dir), 1);
	fixture_open(&f);
	fixture_end(&f);
}

/* --- Beside a store that goes on --- */

struct beside {
	struct fixture copy;
	const struct fixture *f;
	struct backup_result result;
	atomic_bool done;
};

static void *copy_beside(void *arg)
{
	struct beside *b = arg;
	char path[100];
	snprintf(path, sizeof(path), "%s/occurd.db", b->copy.dir);
	assert_done(copy_to(b->f, path, &b->result));
	atomic_store(&b->done, true);
	return NULL;
}

static void copy_waits_for_nobody(void **state)
{
	struct fixture f;
	struct beside b = { .f = &f };
	pthread_t thread;
	uint64_t events = 0;
	(void)state;
	fixture_begin(&f);
	fixture_provision(&f);
	for (; events < 2000; events++)
		add(&f);
	fixture_dir(&b.copy);
	assert_int_equal(pthread_create(&thread, NULL, copy_beside, &b), 0);
	for (; !atomic_load(&b.done); events++)
		add(&f);
	pthread_join(thread, NULL);
	print_message("%llu of %llu events are in the copy\n",
		      (unsigned long long)b.result.last_seq, (unsigned long long)events);
	assert_in_range(b.result.last_seq, 2000, events);
	check_whole(&b.copy, b.result.last_seq);
	fixture_open(&b.copy);
	fixture_end(&b.copy);
	fixture_close(&f);
	check_whole(&f, events);
	fixture_open(&f);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_a_store),
		cmocka_unit_test(a_directory_gets_a_new_file),
		cmocka_unit_test(nothing_is_overwritten_or_left_behind),
		cmocka_unit_test(a_file_system_may_know_no_flags),
		cmocka_unit_test(a_name_taken_meanwhile_is_kept),
		cmocka_unit_test(a_sync_that_fails_leaves_nothing),
		cmocka_unit_test(who_is_told_to_stop_leaves_nothing),
		cmocka_unit_test(what_was_never_used_is_not_copied),
		cmocka_unit_test(copy_waits_for_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
