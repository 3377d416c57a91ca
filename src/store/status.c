#include "base/fail.h"
#include "store/state.h"

#include <stdio.h>

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

int status_disk(struct store *s, uint64_t *free_bytes)
{
	int r = directory_free_bytes(&s->dir, free_bytes);
	if (r < 0)
		return pass(r);
	return *free_bytes < s->reserve_bytes ? STORE_FULL : STORE_OK;
}

bool store_takes_writes(struct store *s, char *why, size_t size)
{
	uint64_t free_bytes;
	if (status_is_failed(s, why, size))
		return false;
	int r = status_disk(s, &free_bytes);
	if (r == STORE_OK)
		return true;
	if (r < 0)
		snprintf(why, size, "store failed: %s", fail_text());
	else
		snprintf(why, size, "free disk below reserve: %llu of %llu bytes",
			 (unsigned long long)free_bytes, (unsigned long long)s->reserve_bytes);
	return false;
}
