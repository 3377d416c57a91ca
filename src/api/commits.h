/*
 * The way from deliveries to the committer: what automations do themselves becomes jobs like those
 * of requests, with a share of the queue as one key has it.
 */
#pragma once

#include "deliver/commits.h"
#include "intake/committer.h"

/* As long as the committer lives. */
struct deliver_commits commits_to(struct committer *c);
