/*
 * How many deliveries of each destination are in which state: changed with every change that the
 * ledger makes, in memory and with each commit in its table, so that nobody counts a million rows.
 *
 * Thread: the delivering thread.
 */
#pragma once

#include "deliver/ledger.h"

#include <sqlite3.h>

struct tally;

/* On the ledger's connection, with what the table says. */
MUST_CHECK int tally_open(sqlite3 *db, struct tally **out);
void tally_close(struct tally *t); /* NULL is fine */

/* In a transaction: n more, or below zero fewer. */
MUST_CHECK int tally_add(struct tally *t, uint32_t destination, enum delivery_state state, int n);
/* In it, at its end. */
MUST_CHECK int tally_save(struct tally *t);

/* The next destination behind that one for which some are pending. False: there is none. */
bool tally_next_pending(const struct tally *t, uint32_t *destination);

uint64_t tally_of(const struct tally *t, uint32_t destination, enum delivery_state state);

/* All SQL of it, for a test that shows the plan of each. */
enum { TALLY_STATEMENTS = 3 };
extern const char *const tally_sql[TALLY_STATEMENTS];
