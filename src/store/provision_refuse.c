/* What a provisioning file declares and cannot be: the line for who has to mend it. */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int provision_refuse(const struct provision *p, struct str place, const char *rule, ...)
{
	int n = snprintf(p->error, p->error_size, STR_FMT, STR_ARG(place));
	va_list ap;
	va_start(ap, rule);
	if (n >= 0 && (size_t)n < p->error_size)
		vsnprintf(p->error + n, p->error_size - (size_t)n, rule, ap);
	va_end(ap);
	return STORE_REFUSED;
}

int provision_refuse_problem(struct store *s, const struct provision *p, struct str place,
			     const struct problem *problem)
{
	struct buf rule = buf_in(&s->scratch);
	problem_put_rule(&rule, problem);
	if (rule.failed)
		return fail(-ENOMEM, "provisioning");
	return provision_refuse(p, place, "%s" STR_FMT ": " STR_FMT, problem->path.n ? "." : "",
				STR_ARG(problem->path), STR_ARG(buf_str(&rule)));
}
