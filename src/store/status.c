#include "base/fail.h"
#include "store/state.h"

#include <stdio.h>

enum { LOOK_EVERY_MS = 100 };
#define ROOMY_BYTES ((uint64_t)1 << 30) /* more than comes into the log meanwhile */

void status_init(struct store *s)
{
	must(pthread_mutex_init(&s->status.lock, NULL) == 0);
}

void status_fini(struct store *s)
{
	must(pthread_mutex_destroy(&s->status.lock) == 0);
}

static void set(struct store *s, bool failed, const char *why)
{
	must(pthread_mutex_lock(&s->status.lock) == 0);
	s->status.failed = failed;
	snprintf(s->status.why, sizeof(s->status.why), "store failed: %s", why);
	must(pthread_mutex_unlock(&s->status.lock) == 0);
}

int status_failed(struct store *s, int r)
{
	set(s, true, fail_text());
	return pass(r);
}

void status_well(struct store *s)
{
	set(s, false, "");
}

bool status_is_failed(struct store *s, char *why, size_t size)
{
	must(pthread_mutex_lock(&s->status.lock) == 0);
	bool failed = s->status.failed;
	if (failed && size)
		snprintf(why, size, "%s", s->status.why);
	must(pthread_mutex_unlock(&s->status.lock) == 0);
	return failed;
}

/* The database with all that is in the log. */
static const char all_of_it[] = "SELECT page_count * page_size FROM pragma_page_count,"
				" pragma_page_size";

/* a - b, or nothing. */
static uint64_t less(uint64_t a, uint64_t b)
{
	return a - MIN(a, b);
}

static int judge(const struct store *s, const struct disk *disk)
{
	bool full = less(disk->free_bytes, disk->log_wants_bytes) < s->reserve_bytes;
	return full ? STORE_FULL : STORE_OK;
}

/* Of a log of so many bytes: those that are not in the database's file yet. */
static int find_wanted(struct store *s, uint64_t log_bytes, uint64_t *out)
{
	int64_t all_bytes;
	int r = db_query_i64(s->db, all_of_it, &all_bytes);
	if (r < 0)
		return pass(r);
	*out = MIN(log_bytes,
		   less((uint64_t)all_bytes, directory_file_bytes(&s->dir, "occurd.db")));
	return 0;
}

/* Where there is much room now and then is enough: who looks at a file makes its next write note the time
 * anew, which with each batch is a sixth of what a batch of one event takes. */
static uint64_t look_at_log(struct store *s, uint64_t free_bytes)
{
	int64_t now_ms = time_monotonic_ms();
	bool roomy = free_bytes >= s->reserve_bytes + ROOMY_BYTES;
	if (roomy && now_ms < s->log_looked_ms + LOOK_EVERY_MS)
		return s->log_bytes;
	s->log_looked_ms = now_ms;
	s->log_bytes = directory_file_bytes(&s->dir, "occurd.db-wal");
	return s->log_bytes;
}

int status_measure(struct store *s, struct disk *disk)
{
	disk->log_wants_bytes = 0;
	int r = directory_free_bytes(&s->dir, &disk->free_bytes);
	if (r < 0)
		return pass(r);
	uint64_t log_bytes = look_at_log(s, disk->free_bytes);
	/* Where there is room for all, it is not asked how much of it is wanted. */
	if (disk->free_bytes < log_bytes || disk->free_bytes - log_bytes < s->reserve_bytes)
		r = find_wanted(s, log_bytes, &disk->log_wants_bytes);
	if (r < 0)
		return pass(r);
	atomic_store(&s->log_wants_bytes, disk->log_wants_bytes);
	return judge(s, disk);
}

static int look_at_disk(struct store *s, struct disk *disk)
{
	uint64_t log_bytes = directory_file_bytes(&s->dir, "occurd.db-wal");
	disk->log_wants_bytes = MIN(log_bytes, atomic_load(&s->log_wants_bytes));
	int r = directory_free_bytes(&s->dir, &disk->free_bytes);
	return r < 0 ? pass(r) : judge(s, disk);
}

static void say_full(const struct store *s, const struct disk *disk, char *why, size_t size)
{
	int n = snprintf(why, size, "free disk below reserve: %llu of %llu bytes",
			 (unsigned long long)disk->free_bytes,
			 (unsigned long long)s->reserve_bytes);
	if (disk->log_wants_bytes > 0 && n > 0 && (size_t)n < size)
		snprintf(why + n, size - (size_t)n, ", and the log will take %llu",
			 (unsigned long long)disk->log_wants_bytes);
}

bool store_takes_writes(struct store *s, char *why, size_t size)
{
	struct disk disk;
	if (status_is_failed(s, why, size))
		return false;
	int r = look_at_disk(s, &disk);
	if (r == STORE_OK)
		return true;
	if (r < 0)
		snprintf(why, size, "store failed: %s", fail_text());
	else
		say_full(s, &disk, why, size);
	return false;
}
