/*
 * Webhooks: one POST per attempt, signed as Standard Webhooks 1.0.0 says.
 *
 *   2xx          delivered
 *   410          the receiver wants nothing any more: the destination is disabled
 *   all else     tried again, a redirect too: it is not followed
 *   private      an address that the destination does not allow: dead at once
 */
#include "base/digest.h"
#include "base/fail.h"
#include "deliver/sender.h"

#include <errno.h>

enum { TIMEOUT_MS = 15 * 1000 };

struct str webhook_signature(struct arena *a, const struct destination *d, struct str id,
			     int64_t timestamp_s, struct str body)
{
	struct buf text = buf_in(a), out = buf_in(a);
	buf_printf(&text, STR_FMT ".%lld.", STR_ARG(id), (long long)timestamp_s);
	buf_put(&text, body);
	for (unsigned i = 0; i < d->n_secrets && !text.failed; i++) {
		char base64[BASE64_ROOM(sizeof(struct sha256))];
		struct sha256 mac = hmac_sha256(d->secrets[i], buf_str(&text));
		size_t n = base64_put(mac.b, sizeof(mac.b), base64);
		buf_put(&out, i ? STR(" v1,") : STR("v1,"));
		buf_put(&out, (struct str){ base64, n });
	}
	return text.failed || out.failed ? (struct str){ 0 } : buf_str(&out);
}

static enum attempt_outcome judge(const struct exchange *x)
{
	if (x->refused)
		return ATTEMPT_DEAD;
	if (x->status >= 200 && x->status < 300)
		return ATTEMPT_DELIVERED;
	return x->status == 410 ? ATTEMPT_DISABLE : ATTEMPT_RETRY;
}

static void on_done(struct exchange *x)
{
	struct attempt *a = (struct attempt *)((char *)x - offsetof(struct attempt, exchange));
	a->outcome = judge(x);
	a->unasked = x->refused;
	a->status = x->status;
	a->retry_after_s = x->retry_after_s;
	a->duration_ms = x->duration_ms;
	a->answer = x->error ? str_of(x->error) : (struct str){ x->answer, x->answer_n };
	a->done(a);
}

static bool add_headers(struct attempt *a)
{
	struct exchange *x = &a->exchange;
	int64_t now_s = a->now / US_PER_S;
	struct str timestamp = arena_printf(&a->arena, "%lld", (long long)now_s);
	struct str signature = webhook_signature(&a->arena, a->destination, a->id, now_s, a->body);
	x->headers[0] = (struct http_header){ STR("content-type"), STR("application/json") };
	x->headers[1] = (struct http_header){ STR("webhook-id"), a->id };
	x->headers[2] = (struct http_header){ STR("webhook-timestamp"), timestamp };
	x->headers[3] = (struct http_header){ STR("webhook-signature"), signature };
	x->n_headers = a->destination->n_secrets ? 4 : 3;
	return timestamp.p && (signature.p || !a->destination->n_secrets);
}

static int webhook_send(struct http *h, struct attempt *a)
{
	a->exchange = (struct exchange){
		.url = a->destination->url,
		.body = a->body,
		.allow_private = a->destination->allow_private,
		.timeout_ms = TIMEOUT_MS,
		.done = on_done,
	};
	if (!add_headers(a))
		return fail(-ENOMEM, "a webhook's headers");
	return pass(http_start(h, &a->exchange));
}

const struct sender webhook = { .type = DESTINATION_WEBHOOK, .send = webhook_send };
