/*
 * What destinations of one type have in common for the engine: how an attempt is begun. One file
 * per type; the next type is added to senders[] and to model/destination, and nowhere else.
 *
 * Thread: the delivering thread alone.
 */
#pragma once

#include "deliver/http.h"
#include "model/automation.h"
#include "model/destination.h"
#include "store/store.h"

enum attempt_outcome {
	ATTEMPT_DELIVERED,
	ATTEMPT_RETRY,   /* as the schedule says, or after retry_after_s if that is later */
	ATTEMPT_DEAD,    /* no other attempt will help */
	ATTEMPT_DISABLE, /* the destination wants nothing any more (410): this one and all others wait
			  * until it is changed */
	ATTEMPT_WAIT,    /* not now; it counts as no try */
};

/* One attempt: filled by the engine, ended by the sender with done(), during send() or later. */
struct attempt {
	struct arena arena;
	const struct destination *destination;
	const struct automation *automation;
	const struct event_row *event;
	const struct contact_view *contact;
	const struct definition *definition; /* of the event; NULL: it is gone */
	void *kept;               /* what the type's open() has made; NULL: it has none */
	struct str id;            /* of the delivery, the same with every attempt */
	unsigned n;               /* 1 for the first */
	instant_us now;           /* when it began */
	struct str body;          /* what is to be sent: JSON on one line */
	instant_us doubt_at;      /* an earlier attempt, begun then, may have been taken; 0: none */
	struct str data_dir;      /* where relative paths begin */
	struct exchange exchange; /* for senders that speak HTTP */
	bool made;                /* of a template or without: its turn is used, sent or not */
	void (*done)(struct attempt *a);

	enum attempt_outcome outcome;
	int status;            /* HTTP's; 0: none */
	int64_t retry_after_s; /* -1: none */
	bool hold;             /* until then nothing else goes to the destination either */
	bool doubtful;         /* it may have been taken, only nobody said so */
	bool unasked;          /* it ended before anybody was asked: says nothing about them */
	struct str answer;     /* the first bytes of it, or one phrase on what went wrong */
	struct str note;       /* what of the event was left out; none if empty */
	int64_t duration_ms;
};

struct rules;

struct sender {
	enum destination_type type;
	bool makes_own; /* of the event: it needs no body */
	/* What the type keeps between attempts, all destinations together; NULL: nothing. close()
	 * drops attempts under way without done(). */
	int (*open)(struct http *h, void **kept);
	void (*close)(void *kept);
	void (*refresh)(void *kept,
			const struct rules *in_force); /* NULL: they are all the same to it */
	/* Below zero: it could not even be begun, for want of memory; done() is not called. */
	int (*send)(struct http *h, struct attempt *a);
	/* Behind all that a destination's turn has begun: they may go together. NULL: each went. */
	void (*flush)(void *kept);
	/* Whether an attempt must be known to the ledger before it begins, because one that is
	 * repeated may do harm. NULL: no. */
	bool (*is_noted)(const struct destination *to);
};

extern const struct sender webhook, file, kafka, relay;

/* By type. */
extern const struct sender *const senders[DESTINATION_TYPES];

/* Standard Webhooks 1.0.0: "v1,<base64 of HMAC-SHA256(id.timestamp.body)>" for each secret, blanks
 * between. .p NULL: memory is refused. */
struct str webhook_signature(struct arena *a, const struct destination *d, struct str id,
			     int64_t timestamp_s, struct str body);
