#include "api/streams.h"

#include "api/native_query.h"
#include "api/problem_reply.h"
#include "base/fail.h"
#include "base/log.h"
#include "store/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
	PAGE_EVENTS = 256,
	PAGE_BYTES = 128 * 1024,       /* of properties; about twice that is sent at once */
	PAGE_SPAN = 2000,              /* events of any workspace that one page looks at */
	PAGE_MAX = 256 * 1024 * 1024,  /* bytes; one event can be large */
	PAGES_MAX = 512 * 1024 * 1024, /* bytes, of all streams */
	READING_MAX = 4,               /* pages of a loop that are with the workers */
};

struct stream {
	struct net_work work; /* first */
	struct reply_stream out;
	struct streams *all;
	struct native_query *q;
	TAILQ_ENTRY(stream) link, turn;
	struct feed_query feed; /* `after`: all up to there is in `text` or was sent */
	struct arena page;
	struct buf text; /* empty: all of it was given */
	char beat[40];   /* what is given instead, in silence */
	bool waits;      /* for its turn to be read for */
	bool reads;      /* a worker thread has it */
	bool is_poor;    /* there was no memory for its page: not before the next beat again */
	bool failed;
};

TAILQ_HEAD(stream_list, stream);

/* The streams of one loop. */
struct branch {
	struct net_letter letter;         /* first */
	struct stream_list list, in_line; /* the loop's own: all; those that wait */
	unsigned n_reading;               /* likewise; READING_MAX, or nobody waits */

	pthread_mutex_t lock; /* for what follows */
	struct net_loop *loop;
	unsigned n; /* above zero: the loop runs */
	bool called;
};

struct streams {
	struct store *store;
	struct reader_pool *readers;
	struct arena_budget budget;
	atomic_uint n;
	struct branch branches[NET_LOOPS_MAX];
};

static struct branch *branch_of(const struct stream *s)
{
	return &s->all->branches[net_loop_index(s->q->req->loop)];
}

/* --- A page --- */

/* In JSON the ends of lines can only stand between tokens; here they would end the event. */
static void put_on_one_line(struct buf *b, const struct event_row *row)
{
	size_t from = b->n;
	render_event(b, row);
	for (size_t i = from; i < b->n; i++)
		if (b->p[i] == '\n' || b->p[i] == '\r')
			b->p[i] = ' ';
}

static void put_event(struct buf *b, const struct event_row *row)
{
	buf_printf(b, "id: %llu\nevent: event\ndata: ", (unsigned long long)row->seq);
	put_on_one_line(b, row);
	buf_lit(b, "\n\n");
}

static int read_page(struct stream *s, struct store_reader *r)
{
	struct event_row *rows;
	unsigned n;
	uint64_t seen;
	int e = store_read_feed_of(r, &s->page, &s->feed, &rows, &n, &seen);
	if (e < 0)
		return pass(e);
	for (unsigned i = 0; i < n; i++)
		put_event(&s->text, &rows[i]);
	if (s->text.failed)
		return fail(-ENOMEM, "a page of a stream");
	s->feed.after = seen;
	return 0;
}

/* Nothing of the page is left. */
static void forget_page(struct stream *s)
{
	arena_reset(&s->page);
	s->text = (struct buf){ 0 };
}

static void say_failed(struct stream *s, int e)
{
	s->is_poor = e == -ENOMEM && s->page.poor && !s->page.full;
	s->failed = !s->is_poor;
	if (s->is_poor)
		log_warning("stream_waits", LOG_S("cause", "the memory of all streams is taken"));
	else
		log_error("stream_failed", LOG_S("cause", fail_text()));
	forget_page(s);
}

/* On a worker thread. */
static void run(struct net_work *work)
{
	struct stream *s = (struct stream *)work;
	struct store_reader *r = NULL;
	int e = reader_pool_borrow(s->all->readers, &r);
	e = e ?: read_page(s, r);
	if (r)
		reader_pool_return(s->all->readers, r, e);
	if (e < 0)
		say_failed(s, e);
}

/* --- Its life --- */

static void finish(struct stream *s)
{
	struct branch *b = branch_of(s);
	TAILQ_REMOVE(&b->list, s, link);
	if (s->waits)
		TAILQ_REMOVE(&b->in_line, s, turn);
	pthread_mutex_lock(&b->lock);
	b->n--;
	pthread_mutex_unlock(&b->lock);
	atomic_fetch_sub(&s->all->n, 1);
	arena_fini(&s->page);
	reply_stream_end(&s->out);
}

static void stand_in_line(struct stream *s)
{
	if (!s->waits)
		TAILQ_INSERT_TAIL(&branch_of(s)->in_line, s, turn);
	s->waits = true;
}

static void read_on(struct stream *s, uint64_t end)
{
	struct branch *b = branch_of(s);
	if (b->n_reading == READING_MAX)
		return stand_in_line(s);
	s->text = buf_in(&s->page);
	s->feed.until = MIN(end, s->feed.after + PAGE_SPAN);
	if (net_loop_work(s->q->req->loop, &s->work) < 0)
		return finish(s);
	s->reads = true;
	b->n_reading++;
}

/* With how far it has come, also where nothing on the way was meant: a client takes an id without data
 * for what it goes on from, and for no event. */
static void give_beat(struct stream *s)
{
	int n = snprintf(s->beat, sizeof(s->beat), ":\nid: %llu\n\n",
			 (unsigned long long)s->feed.after);
	s->is_poor = false;
	reply_stream_put(&s->out, (struct str){ s->beat, (size_t)n });
}

/* Does the next thing, if there is one to do. The stream may have ended after it. */
static void go_on(struct stream *s)
{
	if (s->reads)
		return;
	if (reply_stream_is_gone(&s->out))
		return finish(s);
	if (!reply_stream_is_free(&s->out))
		return;
	if (reply_stream_stops(&s->out) || s->failed || !native_may(s->q))
		return finish(s);

	uint64_t end = store_feed_end(s->all->store);
	struct str text = buf_str(&s->text);
	s->text.n = 0; /* what it holds stays until it was taken */
	if (text.n)
		return reply_stream_put(&s->out, text);
	forget_page(s);
	if (s->out.beat)
		give_beat(s);
	else if (s->feed.after < end && !s->is_poor)
		read_on(s, end);
}

/* Before the one that was just read for: nobody is read for twice while another waits. */
static void go_on_in_line(struct branch *b)
{
	struct stream *s;
	while (b->n_reading < READING_MAX && (s = TAILQ_FIRST(&b->in_line))) {
		TAILQ_REMOVE(&b->in_line, s, turn);
		s->waits = false;
		go_on(s);
	}
}

static void on_read(struct net_work *work)
{
	struct stream *s = (struct stream *)work;
	struct branch *b = branch_of(s);
	s->reads = false;
	b->n_reading--;
	go_on_in_line(b);
	go_on(s);
}

static void on_look(struct reply_stream *out)
{
	go_on((struct stream *)((char *)out - offsetof(struct stream, out)));
}

static void on_letter(struct net_letter *letter)
{
	struct branch *b = (struct branch *)letter;
	pthread_mutex_lock(&b->lock);
	b->called = false;
	pthread_mutex_unlock(&b->lock);
	for (struct stream *next, *s = TAILQ_FIRST(&b->list); s; s = next) {
		next = TAILQ_NEXT(s, link);
		go_on(s);
	}
}

/* The lock keeps the loop alive meanwhile: it does not end before its streams have. */
void streams_wake(struct streams *all)
{
	if (atomic_load(&all->n) == 0)
		return;
	for (unsigned i = 0; i < NET_LOOPS_MAX; i++) {
		struct branch *b = &all->branches[i];
		pthread_mutex_lock(&b->lock);
		if (b->n > 0 && !b->called) {
			b->called = true;
			b->letter.next = NULL;
			net_loop_post(b->loop, &b->letter);
		}
		pthread_mutex_unlock(&b->lock);
	}
}

uint64_t streams_end(const struct streams *all)
{
	return store_feed_end(all->store);
}

unsigned streams_open(const struct streams *all)
{
	return atomic_load_explicit(&all->n, memory_order_relaxed);
}

/* --- Beginning --- */

/* Where it stands is told at once: who loses the connection before the first event goes on there. */
static void greet(struct stream *s)
{
	s->text = buf_in(&s->page);
	buf_printf(&s->text, "retry: 2000\nid: %llu\n\n", (unsigned long long)s->feed.after);
	s->failed = s->text.failed;
}

static void join(struct stream *s)
{
	struct branch *b = branch_of(s);
	TAILQ_INSERT_TAIL(&b->list, s, link);
	pthread_mutex_lock(&b->lock);
	b->loop = s->q->req->loop;
	b->n++;
	pthread_mutex_unlock(&b->lock);
}

static struct stream *stream_new(struct streams *all, struct native_query *q,
				 const struct feed_query *feed)
{
	struct stream *s = arena_new(&q->req->arena, struct stream);
	if (!s)
		return NULL;
	*s = (struct stream){
		.work = { .run = run, .done = on_read },
		.out = { .look = on_look },
		.all = all,
		.q = q,
		.feed = *feed,
	};
	s->feed.limit = PAGE_EVENTS;
	s->feed.bytes = PAGE_BYTES;
	arena_init(&s->page, PAGE_MAX, &all->budget);
	return s;
}

void streams_begin(struct streams *all, struct native_query *q, const struct feed_query *feed)
{
	struct request *req = q->req;
	struct stream *s = stream_new(all, q, feed);
	if (!s)
		return problem_reply(req, 503, STR(""));
	if (atomic_fetch_add(&all->n, 1) >= STREAMS_MAX) {
		atomic_fetch_sub(&all->n, 1);
		return problem_reply(req, 503, STR("there are as many streams as there can be"));
	}
	reply_begin(req, 200);
	reply_header(req, STR("Cache-Control"), STR("no-store"));
	reply_header(req, STR("X-Accel-Buffering"), STR("no")); /* for nginx: pass it on at once */
	if (!reply_stream_begin(req, STR("text/event-stream"), &s->out)) {
		atomic_fetch_sub(&all->n, 1);
		return;
	}
	greet(s);
	join(s);
	go_on(s);
}

/* --- All of them --- */

int streams_new(struct store *store, struct reader_pool *readers, struct streams **out)
{
	struct streams *all = calloc(1, sizeof(*all));
	if (!all)
		return fail(-ENOMEM, "streams");
	all->store = store;
	all->readers = readers;
	all->budget.max = PAGES_MAX;
	for (unsigned i = 0; i < NET_LOOPS_MAX; i++) {
		struct branch *b = &all->branches[i];
		TAILQ_INIT(&b->list);
		TAILQ_INIT(&b->in_line);
		b->letter.run = on_letter;
		must(pthread_mutex_init(&b->lock, NULL) == 0);
	}
	*out = all;
	return 0;
}

void streams_free(struct streams *all)
{
	if (!all)
		return;
	must(atomic_load(&all->n) == 0);
	for (unsigned i = 0; i < NET_LOOPS_MAX; i++)
		must(pthread_mutex_destroy(&all->branches[i].lock) == 0);
	free(all);
}
