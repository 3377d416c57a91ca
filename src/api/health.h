/* GET /healthz: the process lives. GET /readyz: the store takes writes, or why not. No key. */
#pragma once

#include "net/reply.h"
#include "store/store.h"

/* False when the path is neither; then nothing was answered. */
bool health_serve(struct store *store, struct request *req);
