/*
 * The reading half of a connection: bytes into requests, requests to the app; the pause when too
 * many wait for their answers, and the wait for one's turn. Private to this folder.
 */
#pragma once

#include "net/conn.h"

/* Whether more requests may come, and there is room for what would be read. */
bool receive_wanted(const struct conn *c);

/* Makes libuv read, or stop reading. The connection may be closed after it. */
void receive_set(struct conn *c, bool on);

/* Lets what was read before a pause wait for its turn, once there is room. */
void receive_resume(struct conn *c);

/* Its turn: takes what it may of what waits. The connection may be closed after it. */
void receive_turn(struct conn *c);

/* The request under way has taken too long. */
void receive_late(struct conn *c);

/* Drops what has been read and not been served. */
void receive_forget(struct conn *c);
