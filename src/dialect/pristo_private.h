/*
 * What Pristo's files share: pristo.c (routes, answers), pristo_event.c (a report becomes an
 * operation).
 */
#pragma once

#include "dialect/dialect.h"

/* Decodes POST /v1/events/send/{populationId}. */
enum refusal pristo_send_decode(struct call *call);
