/*
 * What a delivery says: the event and its contact as the native API shows them, under the names that
 * Standard Webhooks recommends. Made anew for each attempt, so that nothing personal is stored for
 * it and a contact that was deleted is never sent.
 */
#pragma once

#include "deliver/ledger.h"
#include "model/automation.h"
#include "model/destination.h"
#include "store/store.h"

/* What a delivery is about. */
struct payload {
	struct str id; /* the delivery's */
	const struct automation *automation;
	unsigned action; /* which of its actions it was, when it was decided */
	const struct destination *to;
	const struct event_row *event;
	const struct contact_view *contact;
};

enum {
	PAYLOAD_WRONG = 1, /* the template makes no JSON of it: `why` */
};

/*
 * What the action's template makes of it, or else the destination's, or else
 * {"type":"order.completed","timestamp":"...","data":{"delivery_id":"...","automation":"...",
 * "event":{...},"contact":{...}}}. In the arena; below zero: -ENOMEM.
 */
MUST_CHECK int payload_make(struct arena *a, const struct payload *p, struct str *json,
			    const char **why);

/* The event that the delivery is about; NULL: it is not there. A store that was put back to an earlier
 * state than the ledger's may have another one in its place by now: somebody else's, or one that was
 * received only after this had been decided. */
MUST_CHECK int payload_read_event(struct store_reader *r, struct arena *a, const struct delivery *d,
				  const struct event_row **event);

/* The delivery's outward id, the same with every attempt and after every restart: made of the event,
 * the automation and the action. */
struct str payload_id(struct arena *a, const struct delivery *d, const struct event_row *e);
