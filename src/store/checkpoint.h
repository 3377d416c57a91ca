/*
 * Moving what is committed from the write-ahead log into the database file, away from the commit
 * path: a checkpoint inside a commit stalls it for tens of milliseconds.
 *
 * A thread with a connection of its own copies the bulk while the committer goes on. The log can
 * start over from its beginning only at a moment when all of it has been copied, and under load
 * that moment never comes by itself; so when the thread has left little, the committer copies that
 * rest between two batches. Should the thread fall behind, the committer waits for it: the log
 * stays bounded, unless a reader holds on to it.
 */
#pragma once

#include "store/db.h"

struct checkpoint;

enum checkpoint_end {
	CHECKPOINT_NO_END, /* none was asked for or is called for, or the thread is still copying */
	CHECKPOINT_ENDED, /* all that was committed is in the database file, and the log is empty */
	/* A reader needs the log: its end has to be asked for again. Also where none was asked for
	 * and the log grows behind somebody who reads for long: once he has gone it is large. */
	CHECKPOINT_HELD,
};

/* `writer` is the committer's connection, which is watched for the size of the log. `begin_at`: the
 * pages from which on it is copied; 0: what suits. */
MUST_CHECK int checkpoint_start(const char *db_path, sqlite3 *writer, unsigned begin_at,
				struct checkpoint **out);
/* The failure of its thread, if there was one. NULL is fine; the writer is still open. */
MUST_CHECK int checkpoint_stop(struct checkpoint *c);

/* The committer: the log is to be copied whole and cut to nothing, by the calls that follow. */
void checkpoint_ask_for_end(struct checkpoint *c);
/* Whether the thread is at work; until it has done, further calls bring an end no nearer. */
bool checkpoint_is_copying(const struct checkpoint *c);

/* The committer, between two batches. A failure of the thread comes to light here. */
MUST_CHECK int checkpoint_between_batches(struct checkpoint *c, enum checkpoint_end *end);
