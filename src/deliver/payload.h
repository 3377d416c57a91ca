/*
 * What a delivery says: the event and its contact as the native API shows them, under the names that
 * Standard Webhooks recommends. Made anew for each attempt, so that nothing personal is stored for
 * it and a contact that was deleted is never sent.
 */
#pragma once

#include "deliver/ledger.h"
#include "model/automation.h"
#include "store/store.h"

/* {"type":"order.completed","timestamp":"...","data":{"delivery_id":"...","automation":"...",
 * "event":{...},"contact":{...}}} */
void payload_put(struct buf *b, struct str id, const struct automation *m,
		 const struct event_row *e, const struct contact_view *c);

/* The delivery's outward id, the same with every attempt and after every restart: made of the event,
 * the automation and the action. */
struct str payload_id(struct arena *a, const struct delivery *d, const struct event_row *e);
