/*
 * A contact as it is shown, and the outward ids derived from its row (design: a UUIDv7, a 64-bit
 * number, 24 hex digits). Pure.
 *
 * number  the row number itself
 * uuid    version 7: the millisecond of creation, and the number scrambled into its 62-bit tail,
 *         so that the row is found again without an index; a contact may instead have been given
 *         its UUID, which is then an identity of kind IDENTITY_UUID
 * hex     8 digits of the second of creation, 16 digits of the scrambled number
 */
#pragma once

#include "base/timefmt.h"
#include "base/uuid.h"
#include "model/identity.h"

/* All that is shown of a contact. */
struct contact_view {
	uint64_t number;
	struct uuid id;
	struct str identities; /* JSON: [{"kind":"email","value":"..."}] */
	struct str attributes; /* JSON: an object */
	instant_us created_at, updated_at;
	uint64_t event_count;
	instant_us last_event_at; /* received; only with event_count > 0 */
};

struct uuid contact_uuid(uint64_t number, instant_us created_at);
/* The number a derived UUID would belong to; whoever asks compares the row's own id with it. */
uint64_t contact_uuid_number(struct uuid id);

enum { CONTACT_HEX = 24 };
void contact_hex(uint64_t number, instant_us created_at, char out[CONTACT_HEX + 1]);
/* False when it is not 24 lower-case hex digits. The caller compares the created second. */
MUST_CHECK bool contact_hex_parse(struct str hex, uint64_t *number, int64_t *created_s);
