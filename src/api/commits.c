#include "api/commits.h"

/* A job whose home is no loop. In its operation's arena. */
struct passage {
	struct commit_job job; /* first, and its letter first in it */
	struct deliver_op *work;
};

static void come_home(struct net_letter *letter)
{
	struct deliver_op *work = ((struct passage *)letter)->work;
	work->done(work);
}

static bool submit(void *committer, struct deliver_op *work)
{
	struct passage *p = arena_new(work->op.arena, struct passage);
	if (!p)
		return false;
	*p = (struct passage){
		.job = { .letter.run = come_home,
			 .ops = &work->op,
			 .n_ops = 1,
			 .workspace = work->op.workspace },
		.work = work,
	};
	if (committer_reserve(committer, &p->job) == COMMITTER_FULL)
		return false;
	committer_submit(committer, &p->job, &p->job);
	return true;
}

struct deliver_commits commits_to(struct committer *c)
{
	return (struct deliver_commits){ submit, c };
}
