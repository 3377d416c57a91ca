/*
 * The rollup's slices, for who writes and who checks them: one ends with its minute, or when its
 * first event is so many seqs ago. As many rows at most does a reader look at to find one event.
 */
#pragma once

enum { ROLLUP_SLICE = 4096 };
