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

enum { EVENTS = 300 };

static void add(struct fixture *f)
{
	struct op op = fixture_op(f, "a@x.io");
	assert_int_equal(fixture_apply(f, &op), STORE_OK);
}

static int copy_to(const struct fixture *f, const char *to, struct backup_result *out)
{
	return backup_run(&(struct backup_config){ f->dir, to }, out);
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
		cmocka_unit_test(what_was_never_used_is_not_copied),
		cmocka_unit_test(copy_waits_for_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
