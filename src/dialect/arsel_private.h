/*
 * What Arsel's files share: arsel.c (routes, answers), arsel_event.c (a body becomes an operation).
 */
#pragma once

#include "dialect/dialect.h"

/* Where the checks stopped; they run in this order (decision 5), the last in the committer. */
enum arsel_stage {
	ARSEL_BODY,
	ARSEL_MEMBERS,
	ARSEL_ANONYMOUS,
	ARSEL_WHO,
	ARSEL_EVENT,
	ARSEL_PAYLOAD,
	ARSEL_CONTACT,
};

/* What a refusal needs to know of the event. */
struct arsel_event {
	enum arsel_stage stage;
	struct str about;      /* what the words of that stage name */
	struct str contact_id; /* as sent; .p NULL: none */
};

/* Decodes POST /v1/events/send; call->state becomes a struct arsel_event. */
enum refusal arsel_send_decode(struct call *call);

/* What class-validator says of any value that is not what the member must be. */
const char *arsel_must_be(struct str path);
