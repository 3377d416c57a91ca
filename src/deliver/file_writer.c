#include "deliver/file_writer.h"

#include "base/fail.h"
#include "deliver/bell.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct file_writer {
	pthread_t thread;
	int bell;

	pthread_mutex_t lock;
	pthread_cond_t added;
	struct file_line_list waiting, back;
	bool closing;
};

/* Lines for one file. */
struct batch {
	struct file_line *lines[FILE_LINES_MAX];
	struct str texts[FILE_LINES_MAX];
	unsigned n;
};

/* --- One batch --- */

static bool go_together(const struct file_line *a, const struct file_line *b)
{
	return str_eq(a->to.name, b->to.name) && str_eq(a->to.dir, b->to.dir) &&
	       a->to.rotate_bytes == b->to.rotate_bytes;
}

/* The oldest line and all that go to its file. */
static void take_batch(struct file_writer *w, struct batch *b)
{
	const struct file_line *oldest = TAILQ_FIRST(&w->waiting);
	struct file_line *line, *next;
	b->n = 0;
	for (line = TAILQ_FIRST(&w->waiting); line && b->n < FILE_LINES_MAX; line = next) {
		next = TAILQ_NEXT(line, link);
		if (!go_together(line, oldest))
			continue;
		TAILQ_REMOVE(&w->waiting, line, link);
		b->lines[b->n] = line;
		b->texts[b->n++] = line->text;
	}
}

/* All from there on. */
static void refuse(struct batch *b, unsigned from, struct str why)
{
	for (unsigned i = from; i < b->n; i++)
		snprintf(b->lines[i]->why, FILE_WHY_MAX, STR_FMT, STR_ARG(why));
}

static void write_batch(struct batch *b)
{
	unsigned done = 0, taken;
	int r = 0;
	while (done < b->n && r == 0) {
		const struct file_line *first = b->lines[done];
		r = file_lines_append(&first->to, first->now, b->texts + done, b->n - done, &taken);
		must(taken <= b->n - done && (taken > 0 || r < 0));
		for (unsigned i = 0; i < taken; i++)
			b->lines[done++]->taken = true;
	}
	if (r < 0)
		refuse(b, done, fail_words());
}

/* --- The thread --- */

static void give_back(struct file_writer *w, const struct batch *b)
{
	bool first = TAILQ_EMPTY(&w->back);
	for (unsigned i = 0; i < b->n; i++)
		TAILQ_INSERT_TAIL(&w->back, b->lines[i], link);
	if (first)
		bell_ring(w->bell);
}

static bool wait_for_lines(struct file_writer *w)
{
	while (!w->closing && TAILQ_EMPTY(&w->waiting))
		pthread_cond_wait(&w->added, &w->lock);
	return !w->closing;
}

static void *file_writer_main(void *arg)
{
	struct file_writer *w = arg;
	struct batch b;
	pthread_mutex_lock(&w->lock);
	while (wait_for_lines(w)) {
		take_batch(w, &b);
		pthread_mutex_unlock(&w->lock);
		write_batch(&b);
		pthread_mutex_lock(&w->lock);
		give_back(w, &b);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void file_writer_add(struct file_writer *w, struct file_line_list *lines)
{
	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(&w->waiting, lines, link);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->added);
}

void file_writer_take(struct file_writer *w, struct file_line_list *back)
{
	TAILQ_INIT(back);
	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(back, &w->back, link);
	pthread_mutex_unlock(&w->lock);
}

/* --- Life --- */

static void file_writer_free(struct file_writer *w)
{
	pthread_cond_destroy(&w->added);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int file_writer_open(int bell, struct file_writer **out)
{
	struct file_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return fail(-ENOMEM, "a writer of files");
	w->bell = bell;
	TAILQ_INIT(&w->waiting);
	TAILQ_INIT(&w->back);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->added, NULL);
	int r = -pthread_create(&w->thread, NULL, file_writer_main, w);
	if (r < 0) {
		file_writer_free(w);
		return fail(r, "starting the thread that writes files");
	}
	pthread_setname_np(w->thread, "deliver-files");
	*out = w;
	return 0;
}

void file_writer_close(struct file_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->added);
	pthread_join(w->thread, NULL);
	file_writer_free(w);
}
