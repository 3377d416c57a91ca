/*
 * Instants: microseconds since 1970-01-01T00:00:00Z, proleptic Gregorian, no leap seconds. Text is
 * RFC 3339 / ISO 8601. Years 0001..9999 only, in and out.
 */
#pragma once

#include "base/buf.h"

typedef int64_t instant_us;

#define US_PER_S 1000000LL

/* What besides YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM) a caller takes. Bits. */
enum time_form {
	TIME_STRICT = 0,
	TIME_ZONE_OPTIONAL = 1, /* no zone means UTC */
	TIME_DATE_ALONE = 2,    /* YYYY-MM-DD means midnight UTC */
	TIME_SPACE = 4,         /* a blank may stand for the T (RFC 3339 section 5.6, NOTE) */
	TIME_NO_SECONDS = 8,    /* HH:MM will do, as ISO 8601 allows */
	TIME_ISO_ZONE = 16,     /* +HHMM and +HH will do for the zone, as ISO 8601 allows */
};

/*
 * True when all of s is one instant in an accepted form, on a real calendar day. A fraction has 1
 * to 9 digits, of which what is finer than a microsecond is cut. Second 60 is taken only where a
 * leap second can fall (23:59:60 UTC) and reads as the last microsecond of that minute. `t`, `z`
 * count as `T`, `Z` (RFC 3339). out may be NULL.
 */
MUST_CHECK bool time_parse(struct str s, unsigned forms, instant_us *out);

/* Exactly YYYY-MM-DD and a real day. */
MUST_CHECK bool time_is_date(struct str s);

/* YYYY-MM-DDTHH:MM:SS.ffffffZ with `digits` of fraction: 0..7 (the seventh is always 0), cut and
 * not rounded. An instant outside of the years above is written as the nearest inside. */
void time_put(struct buf *b, instant_us t, int digits);

/* Days, hours ... of an instant as RFC 9110 section 5.6.7 wants them: 29 characters and a NUL. */
void time_http_date(instant_us t, char out[30]);

/* The wall clock. */
instant_us time_now(void);

/* A clock that never goes back, for deadlines and rates; milliseconds from an unknown start. */
int64_t time_monotonic_ms(void);
int64_t time_monotonic_us(void); /* the same clock */
