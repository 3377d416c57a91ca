/*
 * Lines in a file: appended together and synced once. A file that has reached its size is renamed to
 * its name with the time behind it, and a new one begun. What a crash left of a line is ended before
 * the next, so that each line is one delivery's or none's.
 *
 * No file stays open: whoever moves one away gets a new one with the next lines.
 *
 * Thread: any, but one at a time.
 */
#pragma once

#include "base/timefmt.h"

enum {
	FILE_LINES_MAX = 500,               /* at once */
	FILE_LINES_BYTES = 8 * 1024 * 1024, /* likewise, give or take a line */
};

struct file_place {
	struct str dir;        /* the data directory */
	struct str name;       /* relative to `out` there */
	uint64_t rotate_bytes; /* from that size on */
};

/* *taken: how many of them, from the first on, are whole in the file and synced; at least one if it
 * returns 0. The others are not, or nobody knows it, if it fails; else they are still to be appended,
 * to the next file or for want of room. */
MUST_CHECK int file_lines_append(const struct file_place *to, instant_us now,
				 const struct str *lines, unsigned n, unsigned *taken);
