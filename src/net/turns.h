/*
 * Turns: what connections have sent ahead waits here until it is theirs, so that one that sends
 * without end, or what takes long, holds the others of its loop up by one small piece of work a
 * round. Private to this folder; loop thread only.
 *
 * The first request that a connection brings to a round is served at once, unless it is heavy, or its
 * last one was. All that is behind it and all that is heavy shares a round's allowance, a few requests
 * of each connection in the order in which they began to wait.
 *
 * Connections whose last request was not welcome (struct request), or was refused at once, share
 * another allowance for all that they send, which is renewed by the clock and not by the round: who
 * is refused and asks again at once cannot keep a processor busy. Nobody is refused for it. Those whose
 * request was somebody's have one of their own, so that no crowd of strangers stands before who has a
 * key and made a mistake. What those that linger still send is dropped at the expense of the strangers.
 *
 * Work is counted, not timed: a unit is an ordinary request, some microseconds. A large body counts as
 * many, as fewer if it was only read, and so does a large answer that is given at once. What that weighs is
 * known afterwards: an allowance may become a debt, which those that follow pay off before it is had again.
 * Where strangers are given large answers (net_app.anybodys), a new connection waits for that too.
 */
#pragma once

#include "base/base.h"

#include <sys/queue.h>
#include <uv.h>

struct conn;
struct net_loop;
struct request;

TAILQ_HEAD(conn_list, conn);

struct turns_line {
	struct conn_list waiting;
	int left; /* work; below zero: owed */
};

struct turns {
	struct turns_line known;              /* what is left is of this round */
	struct turns_line refused, unwelcome; /* what is left is until `pace` fires */
	uint64_t round;                       /* its number */
	uv_idle_t again;                      /* keeps the loop from sleeping */
	uv_timer_t pace;
};

void turns_init(struct net_loop *loop);

/* The connection has read something. */
void turns_arrive(struct conn *c);

/* Whether the next request may begin; if so, it counts as begun. */
bool turns_begin(struct conn *c);

/* Whether this one, which is read completely, may be served now. Who asks for what anybody may have is a
 * stranger from here on. */
bool turns_may_serve(struct conn *c, const struct request *req);
/* `made`: bytes that it took of its arena since; 0 for one that is not answered yet. */
void turns_served(struct conn *c, const struct request *req, size_t made);
/* Work for it that is no request. */
void turns_spend(struct conn *c, int work);

/* Until receive_turn() is called. Again is fine, in both. */
void turns_wait(struct conn *c);
void turns_leave(struct conn *c);

/* Gives turns as long as there is an allowance. False: nobody had one. */
bool turns_give(struct net_loop *loop);

/* The loop may sleep now, if nobody waits. */
void turns_end_round(struct net_loop *loop);
