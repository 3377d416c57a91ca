#include "intake/outbox.h"

void outbox_init(struct outbox *o, struct committer *committer)
{
	*o = (struct outbox){ .committer = committer };
}

enum refusal outbox_submit(struct outbox *o, struct commit_job *job)
{
	unsigned i = net_loop_index(job->loop);
	if (committer_reserve(o->committer, job) == COMMITTER_FULL)
		return REFUSE_OVERLOADED;
	if (o->loops[i].first)
		o->loops[i].last->letter.next = &job->letter;
	else
		o->loops[i].first = job;
	o->loops[i].last = job;
	return REFUSE_NOTHING;
}

void outbox_round_end(struct outbox *o, struct net_loop *loop)
{
	unsigned i = net_loop_index(loop);
	if (!o->loops[i].first)
		return;
	committer_submit(o->committer, o->loops[i].first, o->loops[i].last);
	o->loops[i].first = o->loops[i].last = NULL;
}

enum refusal outbox_trouble(const struct op *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ops[i].outcome == OP_OVERLOADED)
			return REFUSE_OVERLOADED;
		if (ops[i].outcome == OP_UNAVAILABLE)
			return REFUSE_UNAVAILABLE;
	}
	return REFUSE_NOTHING;
}
