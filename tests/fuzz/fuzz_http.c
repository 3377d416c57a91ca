/*
 * Bytes of a client through the HTTP parser, without sockets: whole, byte by byte, and in pieces
 * whose sizes follow from the bytes. What is understood must be the same each time.
 */
#include "net/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t limit_of(const struct request *req)
{
	return str_eq(req->path, STR("/small")) ? 10 : 1000;
}

static size_t body_limit(void *ctx, struct request *req)
{
	(void)ctx;
	return limit_of(req);
}

/* Small, so that the fuzzer finds what lies beyond them. */
static const struct net_config config = {
	.limits = { .head_max = 600,
		    .target_max = 100,
		    .headers_max = 10,
		    .overhead_max = 200,
		    .request_memory_max = 1 << 20 },
	.app = { .body_limit = body_limit },
};

/* FNV-1a over all that was understood. */
struct digest {
	uint64_t h;
};

static void add_byte(struct digest *d, uint8_t c)
{
	d->h = (d->h ^ c) * 0x100000001b3ULL;
}

static void add_str(struct digest *d, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		add_byte(d, (uint8_t)s.p[i]);
	add_byte(d, (uint8_t)s.n);
}

static void add_request(struct digest *d, const struct request *req)
{
	must(req->fault != FAULT_NO_MEMORY);
	must(req->fault == FAULT_NONE || req->close_after);
	must(req->fault == FAULT_NONE || req->body.n == 0);
	must(req->fault != FAULT_NONE || (req->path.n && req->path.p[0] == '/'));
	must(req->body.n <= limit_of(req));
	add_byte(d, (uint8_t)req->fault);
	add_byte(d, (uint8_t)req->method);
	add_byte(d, req->close_after);
	add_byte(d, req->old_http);
	add_str(d, req->target);
	add_str(d, req->path);
	add_str(d, req->query);
	add_str(d, req->body);
	for (unsigned i = 0; i < req->n_headers; i++) {
		add_str(d, req->headers[i].name);
		add_str(d, req->headers[i].value);
	}
}

/* Chooses the next piece; each run has its own. */
typedef size_t (*splitter)(uint64_t *state);

static size_t split_whole(uint64_t *state)
{
	(void)state;
	return SIZE_MAX;
}

static size_t split_bytes(uint64_t *state)
{
	(void)state;
	return 1;
}

static size_t split_pieces(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return 1 + (*state >> 33) % 40;
}

/* One connection. */
struct client {
	struct arena arena;
	struct request req;
	struct parse *in;
	enum parse_blank blank;
	struct digest digest;
	bool over;
};

static size_t take(struct client *c, const char *data, size_t n)
{
	size_t blank = 0;
	if (!c->in) {
		blank = parse_skip_blank(&c->blank, data, n);
		if (blank == n)
			return n;
		arena_reset(&c->arena);
		c->req = (struct request){ .arena = c->arena };
		c->in = parse_new(&c->req, &config, c->blank);
		must(c->in);
		c->blank = BLANK_NONE;
	}
	size_t took = parse_feed(c->in, data + blank, n - blank);
	must(took <= n - blank && (took || c->in->stage == PARSE_DONE));
	if (c->in->stage == PARSE_DONE) {
		add_request(&c->digest, &c->req);
		c->over = c->req.close_after;
		c->in = NULL;
		c->arena = c->req.arena;
	}
	return blank + took;
}

static uint64_t run(const char *data, size_t size, splitter next_size, uint64_t state)
{
	struct client c = { .digest = { 0xcbf29ce484222325ULL } };
	arena_init(&c.arena, config.limits.request_memory_max, NULL);
	for (size_t at = 0; at < size && !c.over;) {
		size_t wish = next_size(&state), n = MIN(wish, size - at);
		/* A copy of its own, so that reading beyond a piece shows. */
		char *piece = malloc(n);
		must(piece);
		memcpy(piece, data + at, n);
		for (size_t used = 0; used < n && !c.over;)
			used += take(&c, piece + used, n - used);
		free(piece);
		at += n;
	}
	if (c.in) {
		add_byte(&c.digest, (uint8_t)c.in->stage);
		add_byte(&c.digest, parse_give_up(c.in, FAULT_TIMEOUT, ""));
		add_byte(&c.digest, (uint8_t)c.in->stage);
		add_str(&c.digest, c.req.target);
		c.arena = c.req.arena;
	}
	arena_fini(&c.arena);
	return c.digest.h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct digest seed = { size };
	add_str(&seed, (struct str){ text, size });
	uint64_t whole = run(text, size, split_whole, 0);
	must(run(text, size, split_bytes, 0) == whole);
	must(run(text, size, split_pieces, seed.h) == whole);
	return 0;
}
