/*
 * Wishes: what other threads want of the delivering thread, which alone writes the ledger. It fulfils
 * those that wait with its next transaction and answers when that has been synced, so that whoever
 * tells a caller "accepted" tells the truth.
 *
 * Thread: any for deliver_ask() (deliver.h); all else the delivering thread.
 */
#pragma once

#include "deliver/replay.h"

#include <pthread.h>

enum wish_kind {
	WISH_REPLAY,      /* begins `replay`: of, per_second; the rest comes back */
	WISH_REPLAY_ONE,  /* tries `delivery` again: workspace, no, state; due_at comes back */
	WISH_REPLAY_STOP, /* stops `replay`: of.workspace, no */
};

/* Owned by whoever asks, who leaves it alone until done() is called. */
struct wish {
	struct wish *next;
	enum wish_kind kind;
	struct replay replay;
	struct delivery delivery;
	int outcome; /* enum replay_outcome; below zero: not known whether it was done */
	void (*done)(struct wish *w); /* on the delivering thread */
};

struct wishes {
	pthread_mutex_t lock;
	struct wish *first, **end; /* that nobody has looked at */
	unsigned n;
	struct wish *taken; /* into the transaction */
	bool closed;
};

void wishes_init(struct wishes *w);
void wishes_fini(struct wishes *w); /* all have been answered */

/* False: too many wait, or nobody fulfils them any more; done() is not called. */
bool wishes_add(struct wishes *w, struct wish *one);
/* Those that wait are taken; whether there are any. */
bool wishes_take(struct wishes *w);
/* In a transaction: those that were taken. */
MUST_CHECK int wishes_fulfil(struct wishes *w, struct ledger *l, instant_us now);
/* After it. `done`: it was synced, else nothing of it was. */
void wishes_answer(struct wishes *w, bool done);
/* From now on there are none. */
void wishes_close(struct wishes *w);
