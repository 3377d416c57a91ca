/*
 * The writer: one thread that appends lines to files and syncs them, so that nobody else waits for the
 * disk. While one file is synced the lines for it gather, and the next sync is for all of them: that is
 * the whole batching, without timers. A line comes back after the sync that covers it, never before.
 *
 * Order: lines for one file are written in the order they were added in. The files take turns, the one
 * with the oldest line first. There is no ceiling here: a line stands in its attempt's memory, and
 * those that a destination has under way at once are what it has here.
 *
 * Thread: one; the line is the writer's from when it is added until it has come back.
 */
#pragma once

#include "deliver/file_lines.h"

#include <sys/queue.h>

enum { FILE_WHY_MAX = 300 };

struct file_line {
	TAILQ_ENTRY(file_line) link;
	struct file_place to;
	struct str text;
	instant_us now; /* for the name of a file that is put aside */

	/* What came of it. */
	bool taken;
	char why[FILE_WHY_MAX]; /* it was not */
};

TAILQ_HEAD(file_line_list, file_line);

struct file_writer;

/* Rings the bell when there is something to be taken back. */
MUST_CHECK int file_writer_open(int bell, struct file_writer **out);
/* Ends what it has begun, and drops the rest. */
void file_writer_close(struct file_writer *w);

/* They go together as far as they are for one file. The list is empty afterwards. */
void file_writer_add(struct file_writer *w, struct file_line_list *lines);
/* Those that have come back, in that order. */
void file_writer_take(struct file_writer *w, struct file_line_list *back);
