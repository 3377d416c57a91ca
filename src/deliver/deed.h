/*
 * Deeds: what automations do themselves, to the contact of an event. An attempt becomes an operation
 * that goes into the store like everybody's; what came of it is known on the thread that commits,
 * and is handed over here.
 *
 * In the ledger each workspace's deeds have a destination of their own, so that they go their way
 * beside those of others: only so many at once, of one workspace and of all, so that they never
 * stand in the way of what clients report.
 *
 * What makes a loop is not done, and dead with that reason: an event is recorded when at most
 * DEED_CHAIN_MAX automations led to it, each of them once.
 *
 * Thread: the delivering thread, unless it says otherwise.
 */
#pragma once

#include "deliver/commits.h"
#include "deliver/sender.h"

struct deeds;

enum {
	DEED_CHAIN_MAX = 5,
	DEEDS_MAX = 1024,             /* under way */
	DEEDS_OF_WORKSPACE_MAX = 128, /* likewise */
	/* How long an event that was recorded is known under its delivery's id: much longer than one
	 * may be under way. */
	DEED_KEPT_S = 90 * 24 * 60 * 60,
};

MUST_CHECK int deeds_new(const struct deliver_commits *commits, struct http *http,
			 struct deeds **out);
void deeds_free(struct deeds *d); /* nobody commits any more; NULL is fine */

/* How many others may be begun now. */
unsigned deeds_room(const struct deeds *d);

/* Ends the attempts of those that have come back. */
void deeds_come_home(struct deeds *d);

/* Begins one; `kept` of the attempt is a struct deeds, and it is part of a journey. */
extern const struct sender deed;

/* The destination that a workspace's deeds have: a number that no other has, and how it is used. */
uint32_t deeds_destination_no(uint32_t workspace);
bool deeds_are_at(uint32_t destination);
struct destination deeds_destination(uint32_t workspace);
