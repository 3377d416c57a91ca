#include "store/reader_pool.h"

#include "base/fail.h"
#include "store/reader.h"

#include <errno.h>
#include <stdlib.h>

/* As many as the net layer's pool has threads. */
enum { IDLE_MAX = 4 };

struct reader_pool {
	struct store *store;
	pthread_mutex_t lock; /* for what is idle */
	struct store_reader *idle[IDLE_MAX];
	unsigned n_idle;
};

int reader_pool_new(struct store *s, struct reader_pool **out)
{
	struct reader_pool *p = calloc(1, sizeof(*p));
	if (!p)
		return fail(-ENOMEM, "readers");
	p->store = s;
	must(pthread_mutex_init(&p->lock, NULL) == 0);
	*out = p;
	return 0;
}

void reader_pool_free(struct reader_pool *p)
{
	if (!p)
		return;
	while (p->n_idle > 0)
		store_reader_close(p->idle[--p->n_idle]);
	must(pthread_mutex_destroy(&p->lock) == 0);
	free(p);
}

int reader_pool_borrow(struct reader_pool *p, struct store_reader **out)
{
	*out = NULL;
	must(pthread_mutex_lock(&p->lock) == 0);
	if (p->n_idle > 0)
		*out = p->idle[--p->n_idle];
	must(pthread_mutex_unlock(&p->lock) == 0);
	return *out ? 0 : store_reader_open(p->store, out);
}

static void keep(struct reader_pool *p, struct store_reader *r)
{
	must(pthread_mutex_lock(&p->lock) == 0);
	bool room = p->n_idle < IDLE_MAX;
	if (room)
		p->idle[p->n_idle++] = r;
	must(pthread_mutex_unlock(&p->lock) == 0);
	if (!room)
		store_reader_close(r);
}

void reader_pool_return(struct reader_pool *p, struct store_reader *r, int e)
{
	if (e < 0)
		reader_end(r); /* it was left half-way */
	if (e < 0 && e != -ENOMEM)
		store_reader_close(r);
	else
		keep(p, r);
}
