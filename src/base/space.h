/*
 * Room for a table as large as it may ever become: zeroed addresses, which the system backs with
 * memory where they are touched.
 */
#pragma once

#include "base/base.h"

MUST_CHECK void *space_new(size_t n); /* NULL: the system says no */
void space_free(void *p, size_t n);   /* the same n; NULL is fine */
