/* What reaches a loop from outside its thread: letters, the order to stop, finished work. */
#include "net/loop.h"

#include "base/fail.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void mailbox_init(struct mailbox *box)
{
	must(uv_mutex_init(&box->lock) == 0);
	box->first = NULL;
	box->end = &box->first;
}

void mailbox_fini(struct mailbox *box)
{
	uv_mutex_destroy(&box->lock);
}

void net_loop_post(struct net_loop *loop, struct net_letter *list)
{
	struct mailbox *box = &loop->mailbox;
	struct net_letter *last = list;
	if (!list)
		return;
	while (last->next)
		last = last->next;

	uv_mutex_lock(&box->lock);
	*box->end = list;
	box->end = &last->next;
	/* Under the lock: the loop may end as soon as it has run the last letter. */
	must(uv_async_send(&loop->wake) == 0);
	uv_mutex_unlock(&box->lock);
}

void loop_stop(struct net_loop *loop)
{
	struct mailbox *box = &loop->mailbox;
	uv_mutex_lock(&box->lock);
	box->stop = true;
	must(uv_async_send(&loop->wake) == 0);
	uv_mutex_unlock(&box->lock);
}

static struct net_letter *take_letters(struct mailbox *box, bool *stop)
{
	uv_mutex_lock(&box->lock);
	struct net_letter *list = box->first;
	box->first = NULL;
	box->end = &box->first;
	*stop = box->stop;
	uv_mutex_unlock(&box->lock);
	return list;
}

void mailbox_look(struct net_loop *loop)
{
	bool stop;
	struct net_letter *next, *letter = take_letters(&loop->mailbox, &stop);
	for (; letter; letter = next) {
		next = letter->next;
		letter->run(letter);
	}
	if (stop && !loop->draining)
		loop_drain(loop);
}

void mailbox_on_wake(uv_async_t *wake)
{
	mailbox_look(wake->data);
}

struct work {
	uv_work_t uv;
	TAILQ_ENTRY(work) link;
	struct net_loop *loop;
	struct net_work *owner;
};

/* Reading and rendering yield to the loops and the committer when there are more than the cores can
 * run: what is read is a list that somebody looks at, what is written is a promise. */
static void be_nice(void)
{
	enum { NICE = 5 };
	static _Thread_local bool is_nice;
	if (!is_nice) /* of this thread alone, on Linux; as good without */
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	is_nice = true;
}

static void on_work(uv_work_t *uv)
{
	be_nice();
	struct net_work *w = ((struct work *)uv)->owner;
	w->run(w);
}

static void on_work_done(uv_work_t *uv, int status)
{
	struct work *work = (struct work *)uv;
	struct net_work *w = work->owner;
	must(status == 0 || status == UV_ECANCELED);
	w->dropped = status == UV_ECANCELED;
	TAILQ_REMOVE(&work->loop->works, work, link);
	free(work);
	w->done(w);
}

int net_loop_work(struct net_loop *loop, struct net_work *w)
{
	struct work *work = malloc(sizeof(*work));
	if (!work)
		return fail(-ENOMEM, "no memory for a piece of work");
	work->loop = loop;
	work->owner = w;
	int r = uv_queue_work(&loop->uv, &work->uv, on_work, on_work_done);
	if (r < 0) {
		free(work);
		return fail(r, "cannot queue a piece of work");
	}
	TAILQ_INSERT_TAIL(&loop->works, work, link);
	return 0;
}

/* Those that run go on, and are waited for. */
void mailbox_drop_works(struct net_loop *loop)
{
	for (struct work *work = TAILQ_FIRST(&loop->works); work; work = TAILQ_NEXT(work, link))
		(void)uv_cancel((uv_req_t *)&work->uv);
}
