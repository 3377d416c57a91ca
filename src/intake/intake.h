/*
 * The intake: one request of a dialect, from its path to its answer. Routes it, asks who is
 * calling, lets the dialect decode and check it, submits the operations, and lets the dialect word
 * the answer when they come back. No vendor's word stands here.
 *
 * Thread: all but new and free run on the net loop of the request.
 */
#pragma once

#include "intake/access.h"
#include "intake/outbox.h"
#include "intake/reads.h"
#include "store/reader_pool.h"

struct intake_config {
	struct catalog_cell *catalog;
	struct tokens *tokens;
	struct committer *committer;
	struct reader_pool *readers;
	unsigned loops;
};

struct intake;

MUST_CHECK int intake_new(const struct intake_config *config, struct intake **out);
void intake_free(struct intake *in); /* NULL is fine; net loops stopped first */

/* The dialect that owns the path, or NULL. The longest prefix wins. */
const struct dialect *intake_owner(struct str path);

/* As struct net_app has them, for requests whose path has an owner. */
size_t intake_body_limit(struct intake *in, const struct dialect *owner, struct request *req);
void intake_serve(struct intake *in, struct request *req);

/* Submits what this round of the loop has left. */
void intake_round_end(struct intake *in, struct net_loop *loop);

/* From now on the key holds the request's memory, of which it may have a share only. */
void intake_own(struct intake *in, struct request *req, uint32_t key_no);

/* For operations that come from elsewhere; they leave with intake_round_end(), too. */
struct outbox *intake_outbox(struct intake *in);

/* For what is read elsewhere. */
struct reads *intake_reads(struct intake *in);

/* This loop's snapshot, current at this moment; valid until the next call on the same loop. */
const struct catalog *intake_catalog(struct intake *in, const struct net_loop *loop);

/* The call behind a request that intake serves, for the access log; NULL when there is none. */
const struct call *intake_call(const struct request *req);
