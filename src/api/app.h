/*
 * The app behind the HTTP layer: gives each request to who owns its path (a dialect through the
 * intake, the native API, the health checks) and writes the access log.
 */
#pragma once

#include "api/native.h"

struct app_config {
	struct store *store;
	struct committer *committer;
	struct deliver *deliver; /* NULL: it could not be started */
	unsigned loops;
	bool access_log;
};

struct app;

MUST_CHECK int app_new(const struct app_config *config, struct app **out);
void app_free(struct app *app); /* NULL is fine; net loops stopped first */

/* Any thread: events have been committed. */
void app_wake(struct app *app);

/* The callbacks to give to net_server_start(). */
struct net_app app_callbacks(struct app *app);
