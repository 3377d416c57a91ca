/*
 * Whether a store that no server has open is what it has to be: the file itself, the order of the
 * events, each contact's list of them, counts, saved positions, identities, what points at what.
 * Tells each finding in one line: what, where, what it means.
 *
 * Memory: 16 bytes per contact while the events are read, 20 more while the saved positions are,
 * 48 per definition; however many events there are. Before that what a server has of workspaces, keys,
 * definitions, documents and tokens. The database is only read, unless `repair`.
 */
#pragma once

#include "base/base.h"

struct audit_config {
	const char *dir;
	/* Makes anew, in one transaction, what follows from the rest: lists, counts, saved
	 * positions, look-ups. What is lost is not made up. */
	bool repair;
	void (*tell)(const char *line);
};

struct audit_result {
	uint64_t events, contacts, identities; /* looked at */
	uint64_t found;                        /* before any repair */
	uint64_t left;                         /* in the end */
};

/* Below zero: it could not be looked. -EBUSY: a server has the directory; -ENOENT: no store there;
 * -EINVAL: not ours, or of another version. */
MUST_CHECK int audit_run(const struct audit_config *config, struct audit_result *out);
