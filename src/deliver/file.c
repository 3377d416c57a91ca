/*
 * Files: one line of JSON per delivery, under `out` in the data directory. It is delivered once the
 * sync that covers it is done; until then it is under way, with others of its file.
 */
#include "base/fail.h"
#include "deliver/bell.h"
#include "deliver/file_writer.h"
#include "deliver/sender.h"

#include <errno.h>
#include <stdlib.h>

struct files {
	struct http *http;
	struct file_writer *writer; /* NULL: there was no delivery yet */
	int bell;
	struct file_line_list begun; /* not yet the writer's */
};

/* An attempt's, in its arena. */
struct sent_line {
	struct file_line line; /* first */
	struct attempt *attempt;
	int64_t began_ms;
};

static void end_attempt(struct sent_line *s)
{
	struct attempt *a = s->attempt;
	a->outcome = s->line.taken ? ATTEMPT_DELIVERED : ATTEMPT_RETRY;
	a->status = 0;
	a->retry_after_s = -1;
	a->answer = str_of(s->line.why);
	a->duration_ms = time_monotonic_ms() - s->began_ms;
	a->done(a);
}

static void end_all(void *arg)
{
	struct files *f = arg;
	struct file_line_list back;
	struct file_line *line, *next;
	bell_hush(f->bell);
	file_writer_take(f->writer, &back);
	for (line = TAILQ_FIRST(&back); line; line = next) {
		next = TAILQ_NEXT(line, link);
		end_attempt((struct sent_line *)line);
	}
}

static int open_writer(struct files *f)
{
	int r = bell_open(f->http, end_all, f, &f->bell);
	if (r < 0)
		return pass(r);
	r = file_writer_open(f->bell, &f->writer);
	if (r < 0)
		bell_close(f->http, f->bell);
	return pass(r);
}

static int file_send(struct http *h, struct attempt *a)
{
	struct files *f = a->kept;
	struct sent_line *s = arena_new(&a->arena, struct sent_line);
	(void)h;
	int r = f->writer ? 0 : open_writer(f);
	if (r < 0)
		return pass(r);
	if (!s)
		return fail(-ENOMEM, "a line");
	s->line.to = (struct file_place){ a->data_dir, a->destination->path,
					  a->destination->rotate_bytes };
	s->line.text = a->body;
	s->line.now = a->now;
	s->attempt = a;
	s->began_ms = time_monotonic_ms();
	TAILQ_INSERT_TAIL(&f->begun, &s->line, link);
	return 0;
}

static void file_flush(void *kept)
{
	struct files *f = kept;
	if (!TAILQ_EMPTY(&f->begun))
		file_writer_add(f->writer, &f->begun);
}

static int file_open(struct http *h, void **kept)
{
	struct files *f = calloc(1, sizeof(*f));
	if (!f)
		return fail(-ENOMEM, "files");
	f->http = h;
	TAILQ_INIT(&f->begun);
	*kept = f;
	return 0;
}

static void file_close(void *kept)
{
	struct files *f = kept;
	if (f->writer) {
		file_writer_close(f->writer);
		bell_close(f->http, f->bell);
	}
	free(f);
}

const struct sender file = {
	.type = DESTINATION_FILE,
	.open = file_open,
	.close = file_close,
	.send = file_send,
	.flush = file_flush,
};
