/* What one run of the load generator is asked to do. */
#pragma once

#include "base/base.h"

struct options {
	const char *host;
	uint16_t port;
	const char *kind; /* of request: see request.c */
	const char *key, *population;
	const char *paths; /* file with a path per line, of kind get */
	unsigned connections;
	double rate; /* requests per second; 0: closed loop */
	double seconds, warmup;
	uint64_t requests; /* end after so many; 0: by the clock */
	uint64_t contacts; /* known ones, numbered from 1 */
	unsigned fresh;    /* percent of events from contacts that nobody knows yet */
	unsigned run;      /* 0..899; what is fresh in one run is fresh again in another */
	uint64_t seed;
	bool tls;
	bool in_order; /* contacts 1, 2, 3 ... instead of by chance */
};

/* Ends the program with a line of help when the arguments make no sense. */
void options_read(int argc, char **argv, struct options *o);
