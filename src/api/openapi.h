/* GET /_/openapi/{name}.json: what each dialect and the native API serve, as OpenAPI 3.1. No key. */
#pragma once

#include "net/reply.h"

/* False when the path is none of these; then nothing was answered. */
bool openapi_serve(struct request *req);
