/*
 * Identities: the (kind, value) pairs that point at one contact of a workspace. Each has the value
 * as it was reported, which people are shown, and a key, which is compared. Pure.
 *
 *   kind         key
 *   email        ASCII letters in lower case, blanks around it dropped
 *   phone        digits only (infobip.md decision 47, omnisend.md 27)
 *   external_id  as reported; a UUID in lower case (pristo.md decision 2): it is one in all dialects
 *   others       as reported
 *
 * The outward ids of a contact (uuid, number, hex) are derived from its row and looked up without
 * an identity of their own; they appear here because a report may name a contact by them.
 */
#pragma once

#include "base/arena.h"

/* Stored in the database: never renumber, only add. */
enum identity_kind {
	IDENTITY_EXTERNAL_ID = 1,
	IDENTITY_EMAIL = 2,
	IDENTITY_PHONE = 3,
	IDENTITY_ANONYMOUS_ID = 4,
	/* The messaging ids of Infobip (infobip.md section 2.1). */
	IDENTITY_LINE = 10,
	IDENTITY_FACEBOOK,
	IDENTITY_TELEGRAM,
	IDENTITY_PUSH,
	IDENTITY_WEB_PUSH,
	IDENTITY_LIVE_CHAT,
	IDENTITY_VIBER_BOTS,
	IDENTITY_INSTAGRAM,
	IDENTITY_INSTAGRAM_DM,
	IDENTITY_TWITTER,
	IDENTITY_APPLE_BUSINESS_CHAT,
	IDENTITY_KAKAO_SANGDAM,
	IDENTITY_GOOGLE_BUSINESS_MESSAGES,
	IDENTITY_WHATSAPP,
	IDENTITY_ZALO_FOLLOWER,
	IDENTITY_TIKTOK_BM,
	IDENTITY_OPEN_CHANNEL,
	/* Outward ids; the first also as an identity of contacts whose UUID was given to us. */
	IDENTITY_UUID = 100,   /* value: 36 characters */
	IDENTITY_NUMBER = 101, /* value: decimal digits */
	IDENTITY_HEX = 102,    /* value: 24 lower-case hex digits */
};

enum { IDENTITY_VALUE_MAX = 512 }; /* bytes, of value and of key */

/* "external_id", "email", ...; NULL for a number that is no kind. */
const char *identity_kind_name(enum identity_kind kind);
MUST_CHECK bool identity_kind_parse(struct str name, enum identity_kind *out);

/* Whether the value has a key: not when it is empty or too long, nor a phone without digits. */
bool identity_has_key(enum identity_kind kind, struct str value);

/* The key of a value, which may be a view into it. .p is NULL when there is none, or memory is
 * refused. */
struct str identity_key(struct arena *a, enum identity_kind kind, struct str value);

/* A phone as E.164 writes it, "+" and the digits; as it is when it has none. .p is NULL when memory
 * is refused. */
struct str identity_e164(struct arena *a, struct str phone);

/* Address syntax as the dialects share it: one @, something before it, a dotted domain behind it,
 * no blanks or control characters, at most 320 bytes (254 is what SMTP can carry). What RFC 5322
 * wants quoted in front of the @, such as : and <, is refused: no URL is an address. */
bool email_is_valid(struct str s);
