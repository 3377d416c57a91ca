/*
 * The schema and how it came to be. Each version is a step from the one before, applied in one
 * transaction; a step that was released is never edited.
 */
#pragma once

#include <sqlite3.h>

#include "base/base.h"

/* Makes an empty file ours and an older one current. -EINVAL: not ours, or from a newer occurd. */
MUST_CHECK int migrations_run(sqlite3 *db);
/* Nothing is changed. -EINVAL: not ours, or from a newer occurd. *empty: nothing is in it yet, not even
 * a schema. */
MUST_CHECK int migrations_look(sqlite3 *db, bool *empty);
/* The same; an older version is -EINVAL, too. */
MUST_CHECK int migrations_check(sqlite3 *db, bool *empty);
