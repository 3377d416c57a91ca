/*
 * A file system for SQLite that is the default one in all but this: what goes into a write-ahead log
 * gathers in memory until it is synced, read, or otherwise looked at, and then goes to the system in
 * one call. SQLite writes two pieces for each page, one behind the other, and a batch has dozens of
 * pages. Nothing counts as stored before the sync, and a write that fails late fails the sync.
 *
 * Only for a connection whose every commit syncs (synchronous=FULL): otherwise others could be told
 * of pages that are still in memory here.
 */
#pragma once

#include "base/base.h"

/* Its name, for db_open_on(); made anew when another one has become the default. Not while another
 * thread opens a database by that name. */
const char *log_file_system(void);
