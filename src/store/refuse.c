#include "store/state.h"

struct problems *op_problems(struct op *op)
{
	if (!op->problems)
		op->problems = arena_new(op->arena, struct problems);
	return op->problems;
}

void op_problem(struct op *op, struct problem p)
{
	struct problems *ps = op_problems(op);
	if (ps)
		problem_add(ps, p);
}

int op_refuse(struct op *op, struct problem p)
{
	op_problem(op, p);
	return STORE_REFUSED;
}
