/*
 * Requests that differ in whose event it is. Each kind has one text with places for a contact's
 * number, always ten digits so that the length stays; the numbers are drawn when it is sent.
 *
 * Contacts are named alike by all kinds and by bench/fill: c0000000001@bench.example and so on.
 */
#pragma once

#include "load/options.h"

enum { REQUEST_EVENTS_MAX = 50 };

struct requests {
	char **texts; /* one of them is drawn; only kind get has several */
	size_t n_texts;
	size_t size_max;
	unsigned events; /* in each request */
	struct {
		size_t at;
		bool again; /* the number of the place before */
	} places[2 * REQUEST_EVENTS_MAX];
	unsigned n_places;

	uint64_t contacts, chance, next_in_order, next_fresh;
	unsigned fresh;
	bool in_order;
};

/* Ends the program when there is no such kind. */
void requests_init(struct requests *r, const struct options *o);
void requests_fini(struct requests *r);
/* Writes the next one, at most size_max bytes; returns its size. */
size_t requests_write(struct requests *r, char *out);
