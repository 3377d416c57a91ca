/*
 * Load generator of the measurements: see options.c for what it can be asked, engine.h for how it
 * measures. Prints what was seen for people, and as one line RESULT with a JSON object.
 */
#include "load/engine.h"

#include <stdio.h>

static const struct {
	const char *name;
	double share;
} shares[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "max", 1 } };

static double ms(const struct seen *s, double share)
{
	return (double)(share < 1 ? histogram_at(&s->latency, share) : s->latency.max) / 1e6;
}

static double per_second(const struct seen *s)
{
	return (double)s->good / s->seconds;
}

static void tell(const struct options *o, const struct requests *r, const struct seen *s)
{
	if (o->rate > 0)
		printf("%s at %.0f requests/s", o->kind, o->rate);
	else
		printf("%s in a closed loop", o->kind);
	printf(", %u connections, %.1f s\n", o->connections, s->seconds);
	printf("  good      %.0f requests/s, %.0f events/s\n", per_second(s),
	       per_second(s) * r->events);
	printf("  latency  ");
	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		printf(" %s %.3f", shares[i].name, ms(s, shares[i].share));
	printf(" ms\n  answers  ");
	for (unsigned status = 0; status < STATUS_END; status++)
		if (s->status[status])
			printf(" %u: %lu", status, s->status[status]);
	printf("; lost %lu, unsent %lu\n", s->lost, s->unsent);
}

static void tell_machine(const struct requests *r, const struct seen *s)
{
	const char *comma = "";
	printf("RESULT {\"rate\":%.1f,\"events_rate\":%.1f,\"good\":%lu,\"seconds\":%.3f",
	       per_second(s), per_second(s) * r->events, s->good, s->seconds);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		printf(",\"%s\":%.4f", shares[i].name, ms(s, shares[i].share));
	printf(",\"lost\":%lu,\"unsent\":%lu,\"vague\":%lu,\"status\":{", s->lost, s->unsent,
	       s->vague);
	for (unsigned status = 0; status < STATUS_END; status++) {
		if (!s->status[status])
			continue;
		printf("%s\"%u\":%lu", comma, status, s->status[status]);
		comma = ",";
	}
	printf("}}\n");
}

int main(int argc, char **argv)
{
	static struct seen seen;
	struct options options;
	struct requests requests;
	options_read(argc, argv, &options);
	requests_init(&requests, &options);
	engine_run(&options, &requests, &seen);
	tell(&options, &requests, &seen);
	tell_machine(&requests, &seen);
	requests_fini(&requests);
	return 0;
}
