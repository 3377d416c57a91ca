/*
 * A dialect without sockets or store: a hand-made request goes through routing, credentials and
 * decode the way the intake takes it, and the answer is caught instead of sent. Unit tests look
 * into what comes out; fuzz targets check what must hold of it, whatever came in.
 *
 * Takes the place of net/reply.c: a program links one of the two.
 */
#pragma once

#include "dialect/dialect.h"

/* The catalog of every trial. */
#define TRIAL_WORKSPACE "7c9e6679-7425-40de-944b-e07fc1f90ae7" /* contact fields: age, gender */
/* A workspace of somebody else, without definitions, with all switches in another position. */
#define TRIAL_ELSEWHERE     "11111111-2222-4333-8444-555555555555"
#define TRIAL_KEY           "0f8fad5b-d9cb-469f-a165-70867728950e" /* may do everything */
#define TRIAL_KEY_READS     "0f8fad5b-d9cb-469f-a165-000000000001" /* only contacts.read */
#define TRIAL_KEY_PAGE      "pub_7f6e5d4c"                         /* publishable */
#define TRIAL_KEY_ELSEWHERE "elsewhere-1b2c3d4e"                   /* of TRIAL_ELSEWHERE */
#define TRIAL_ORIGIN        "https://shop.example"                 /* its only one */
#define TRIAL_CLIENT        "trial+client"                         /* events.write, contacts.read */
#define TRIAL_CLIENT_SECRET "s3cret"
#define TRIAL_REDIRECT      "https://app.example/back" /* its only one */
#define TRIAL_TOKEN         "dG9rZW4"                  /* of TRIAL_KEY, for who takes no key */

/* Declared: "purchase" (no fields), "order.completed" (arsel.md section 7), "rich" (one field of
 * each type, nested ones too), "crowded" (an array `items` of 128 strings a0 .. a127, an object `place`
 * of the first 64). Inferred: "viewed page". NULL when there is none. */
const struct definition *trial_definition(const char *name);

enum { TRIAL_HEADERS_MAX = 6, TRIAL_MEMORY = 8 * 1024 * 1024 };

#define HEADER(name, value)                     \
	{                                       \
		STR_INIT(name), STR_INIT(value) \
	}

struct trial_request {
	enum method method;
	const char *target;                       /* path, and ?query if any */
	struct header headers[TRIAL_HEADERS_MAX]; /* the first without a name ends them */
};

struct trial {
	struct request req; /* first: reply_*() find the trial by it */
	struct call call;
	enum refusal why; /* where the way ended; REFUSE_NOTHING: call.ops wait for the committer */

	/* What was answered. */
	unsigned answers; /* how many times: never more than once */
	int status;
	struct buf headers; /* lines "Name: value\n" */
	struct str type, body;
};

/* Up to the end of decode. `memory` bytes are what the request may take. */
void trial_run(struct trial *t, const struct dialect *d, const struct trial_request *from,
	       struct str body, size_t memory);

/* The call's one operation in words, to be compared with what is expected, each line like one of
 *   definition 1
 *   at 2026-02-04T13:25:00.123000Z
 *   properties {"a":"b"}
 *   who email lookup,creates,adopt,replace,shared John@b.co key john@b.co
 *   set custom.gender "f"
 * and for a definition
 *   define 2 rules 10
 *   name ...
 *   description ...
 *   annotations {}
 *   fields [...]
 * The rest of the request's memory must hold it. */
struct str trial_op_text(struct trial *t);

/* What follows: the refusal's answer when there is one; else the endpoint's, after a committer that
 * stored everything, or (with a code) refused the first operation for that reason, or could not. A
 * query finds trial_contact or trial_bulk; with a code, nothing. */
extern const struct contact_view trial_contact; /* what is found, and what an operation shows */
/* Of contacts: one made, one refused, one refused whose request was erased, one refused for want of
 * memory. */
extern const struct bulk_view trial_bulk;
#define TRIAL_BULK_ID "692cda8017fb89ee9dcab42a"
void trial_answer(struct trial *t);
void trial_answer_refused(struct trial *t, enum problem_code code);
void trial_answer_trouble(struct trial *t, enum refusal why);

/* The value of the first header that was answered under this name, .p NULL when there is none. */
struct str trial_header(const struct trial *t, const char *name);

void trial_end(struct trial *t);

/*
 * One input of a fuzz target. Its first byte chooses one of the `n` requests (255: the target is
 * the first line that follows), the second how much memory there is and how the committer decides;
 * the rest is the body.
 */
int dialect_fuzz(const struct dialect *d, const struct trial_request *requests, unsigned n,
		 const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
