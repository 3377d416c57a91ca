/*
 * What Infobip's files share: infobip.c (credentials, routes, refusals) and one file per endpoint
 * or family of them.
 */
#pragma once

#include "dialect/dialect.h"

extern const struct endpoint infobip_send_event;
