/*
 * The insides of an audit, for the files audit*.c. Each looks at one part, and, where that follows
 * from the rest, makes it anew while `mending` is set: so both agree on what is right.
 */
#pragma once

#include "base/arena.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/identity_cache.h"

enum finding {
	FINDING_FILE,
	FINDING_ORDER,
	FINDING_EVENT,
	FINDING_LIST,
	FINDING_COUNT,
	FINDING_HEAD,
	FINDING_CONTACT,
	FINDING_IDENTITY,
	FINDING_ERASURE,
	FINDING_DEDUPE,
	FINDING_BULK,
	FINDING_REFERENCE,
	FINDINGS, /* how many */
};

/* What is known of a contact; its events so far while they are read. */
struct tally {
	uint64_t seq;
	uint32_t count;
	uint32_t owner; /* the workspace and 1 more; 0: there is no such contact */
};

struct audit {
	const struct audit_config *config;
	struct audit_result *result;
	struct directory dir;
	sqlite3 *db;
	struct arena scratch;
	bool mending;
	uint64_t found[FINDINGS];

	struct tally *tallies; /* by contact number */
	uint64_t n_tallies;
	uint64_t last_seq;
};

/* Says nothing while mending: what could not be mended is found again afterwards. */
void audit_found(struct audit *a, enum finding kind, const char *fmt, ...) PRINTF(3, 4);
/* The text of each row that the query gives is a finding. */
MUST_CHECK int audit_found_rows(struct audit *a, enum finding kind, const char *sql);
/* NULL: not a contact's number. */
struct tally *audit_tally(const struct audit *a, int64_t contact);

/* audit_rules.c: the tables that are small, those that a start reads as it reads them. */
MUST_CHECK int audit_file(struct audit *a);
MUST_CHECK int audit_rules(struct audit *a);
MUST_CHECK int audit_contact_counts(struct audit *a);

/* audit_contacts.c: contacts and what finds them; fills `tallies`. */
MUST_CHECK int audit_identities(struct audit *a);
MUST_CHECK int audit_contacts(struct audit *a);

/* audit_events.c: in one pass, events, lists, erasure. */
MUST_CHECK int audit_events(struct audit *a);

/* audit_counts.c: the rollup, along that pass. */
struct audit_counts;

struct counted {
	int64_t seq, minute;
	uint32_t workspace, definition;
};

MUST_CHECK int audit_counts_begin(struct audit *a, struct audit_counts **out);
MUST_CHECK int audit_count(struct audit_counts *c, const struct counted *e);
/* The workspace that a definition is of; 0: there is no such definition. */
uint32_t audit_counts_workspace(const struct audit_counts *c, int64_t definition);
MUST_CHECK int audit_counts_end(struct audit_counts *c);
void audit_counts_free(struct audit_counts *c); /* NULL is fine */
DEFINE_CLEANUP(struct audit_counts *, audit_counts_free);

/* audit_heads.c: the saved positions, after the events. */
MUST_CHECK int audit_heads(struct audit *a);
