#include "deliver/http.h"

#include "base/address.h"
#include "base/fail.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
	KEPT_CONNECTIONS = 1000,
	READ_MAX = 1024 * 1024, /* bytes of an answer, head and trailers too, which libcurl keeps;
				 * who sends more is cut off */
	SPARE_MAX = 100,
};

/* A transfer of libcurl's, with what it must find again. */
struct transfer {
	TAILQ_ENTRY(transfer) link;
	CURL *easy;
	struct curl_slist *headers;
	struct exchange *exchange;
	size_t read;
	bool denied, allowed; /* addresses, of those it would have connected to */
	bool astray;          /* on a kept connection to an address that it may not use */
	bool alone;           /* the second time, on a connection of its own */
};

TAILQ_HEAD(transfer_list, transfer);

struct watch {
	void (*readable)(void *arg);
	void *arg;
};

struct http {
	CURLM *multi;
	struct transfer_list active, spare;
	unsigned n_spare;
	bool begun; /* a transfer, since they were moved */
	struct curl_waitfd watched[HTTP_WATCHES_MAX];
	struct watch watches[HTTP_WATCHES_MAX]; /* of those */
	unsigned n_watches;
};

/* --- What libcurl asks --- */

static size_t count(struct transfer *t, size_t n)
{
	t->read += n;
	return t->read > READ_MAX ? CURL_WRITEFUNC_ERROR : n;
}

static size_t on_head_line(char *data, size_t one, size_t n, void *arg)
{
	(void)data, (void)one;
	return count(arg, n);
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct exchange *x = t->exchange;
	size_t keep = MIN(n, sizeof(x->answer) - x->answer_n);
	(void)one;
	memcpy(x->answer + x->answer_n, data, keep);
	x->answer_n += keep;
	return count(t, n);
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
	struct transfer *t = arg;
	(void)purpose;
	bool denied = !t->exchange->allow_private && address_is_private(&at->addr);
	t->denied |= denied;
	t->allowed |= !denied;
	if (denied)
		return CURL_SOCKET_BAD;
	return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
}

/* Just before the request goes out. Also for a connection that another exchange has opened, one
 * which might go to a private address. */
static int on_connected(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;
	(void)from, (void)to_port, (void)from_port;
	t->astray = !t->exchange->allow_private && address_text_is_private(to);
	t->exchange->sent |= !t->astray;
	return t->astray ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* --- One transfer --- */

static void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	curl_slist_free_all(t->headers);
	curl_easy_cleanup(t->easy);
	free(t);
}

static struct transfer *transfer_get(struct http *h)
{
	struct transfer *t = TAILQ_FIRST(&h->spare);
	if (t) {
		TAILQ_REMOVE(&h->spare, t, link);
		h->n_spare--;
		return t;
	}
	t = calloc(1, sizeof(*t));
	if (t && !(t->easy = curl_easy_init())) {
		free(t);
		return NULL;
	}
	return t;
}

static void transfer_put(struct http *h, struct transfer *t)
{
	if (h->n_spare == SPARE_MAX) {
		transfer_free(t);
		return;
	}
	curl_slist_free_all(t->headers);
	curl_easy_reset(t->easy);
	*t = (struct transfer){ .easy = t->easy };
	TAILQ_INSERT_HEAD(&h->spare, t, link);
	h->n_spare++;
}

static bool add_header(struct transfer *t, const char *text)
{
	struct curl_slist *longer = text ? curl_slist_append(t->headers, text) : NULL;
	if (longer)
		t->headers = longer;
	return longer != NULL;
}

static bool add_headers(struct transfer *t)
{
	struct exchange *x = t->exchange;
	struct arena a;
	arena_init(&a, 64 * 1024, NULL);
	bool ok = add_header(t, "Expect:"); /* no 100-continue */
	for (unsigned i = 0; i < x->n_headers && ok; i++)
		ok = add_header(t,
				arena_printf(&a, STR_FMT ": " STR_FMT, STR_ARG(x->headers[i].name),
					     STR_ARG(x->headers[i].value))
					.p);
	arena_fini(&a);
	return ok;
}

static bool set_up(struct transfer *t)
{
	struct exchange *x = t->exchange;
	CURL *e = t->easy;
	CURLcode r = curl_easy_setopt(e, CURLOPT_URL, x->url.p);
	if (r != CURLE_OK || !add_headers(t))
		return false;
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
	/* Whose time is over does not wait until somebody has answered for a name. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "occurd/" OCCURD_VERSION);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body.p);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)x->once);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, (long)x->once);
	return true;
}

int http_start(struct http *h, struct exchange *x)
{
	struct transfer *t = transfer_get(h);
	if (!t)
		return fail(-ENOMEM, "an outgoing request");
	t->exchange = x;
	x->status = 0;
	x->error = NULL;
	x->refused = x->sent = false;
	x->begun_status = 0;
	x->retry_after_s = -1;
	x->answer_n = 0;
	x->duration_ms = 0;
	if (!set_up(t) || curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
		transfer_free(t);
		return fail(-ENOMEM, "an outgoing request");
	}
	TAILQ_INSERT_TAIL(&h->active, t, link);
	h->begun = true;
	return 0;
}

/* --- What came of it --- */

/* An answer counts even if not all of it was read; one that only announces another (1xx) is none. */
static void take_answer(struct transfer *t, CURLcode r)
{
	struct exchange *x = t->exchange;
	long status = 0;
	curl_off_t us = 0, retry_s = 0;
	curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &us);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	x->duration_ms = us / 1000;
	if (r != CURLE_OK && (t->read <= READ_MAX || status < 200)) {
		x->refused = t->denied && !t->allowed;
		x->error = x->refused ? "the address is private" : curl_easy_strerror(r);
		x->begun_status = (int)status;
		return;
	}
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_s);
	x->status = (int)status;
	x->retry_after_s = retry_s > 0 ? retry_s : -1;
}

/* The name may lead to another address, too: only without kept connections is each one judged. */
static bool begin_alone(struct http *h, struct transfer *t)
{
	if (!t->astray || t->alone)
		return false;
	t->alone = true;
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	return curl_multi_add_handle(h->multi, t->easy) == CURLM_OK;
}

static void end_transfer(struct http *h, CURL *easy, CURLcode r)
{
	struct transfer *t;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
	struct exchange *x = t->exchange;
	curl_multi_remove_handle(h->multi, easy);
	if (begin_alone(h, t))
		return;
	take_answer(t, r);
	TAILQ_REMOVE(&h->active, t, link);
	transfer_put(h, t);
	x->done(x);
}

/* Whether any has ended. */
static bool end_all(struct http *h)
{
	bool any = false;
	int left;
	CURLMsg *m;
	while ((m = curl_multi_info_read(h->multi, &left))) {
		any = true;
		end_transfer(h, m->easy_handle, m->data.result);
	}
	return any;
}

/* --- Waiting --- */

int http_watch(struct http *h, int fd, void (*readable)(void *arg), void *arg)
{
	if (h->n_watches == HTTP_WATCHES_MAX)
		return fail(-ENOSPC, "something else to wait for");
	h->watched[h->n_watches] = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
	h->watches[h->n_watches++] = (struct watch){ readable, arg };
	return 0;
}

void http_unwatch(struct http *h, int fd)
{
	unsigned i = 0;
	while (i < h->n_watches && h->watched[i].fd != fd)
		i++;
	must(i < h->n_watches);
	h->n_watches--;
	h->watched[i] = h->watched[h->n_watches];
	h->watches[i] = h->watches[h->n_watches];
}

static void serve_watches(struct http *h)
{
	for (unsigned i = 0; i < h->n_watches; i++)
		if (h->watched[i].revents)
			h->watches[i].readable(h->watches[i].arg);
}

/* Looks at every transfer there is, so only if one of them may have moved. True: any has ended. */
static bool move_all(struct http *h)
{
	int running;
	h->begun = false;
	curl_multi_perform(h->multi, &running);
	return end_all(h);
}

static bool a_timer_is_due(struct http *h)
{
	long ms;
	return curl_multi_timeout(h->multi, &ms) == CURLM_OK && ms == 0;
}

/* Transfers that end without a wait do not keep the watches from theirs. */
void http_run(struct http *h, int timeout_ms)
{
	int ready = 0;
	bool any = (h->begun || a_timer_is_due(h)) && move_all(h);
	if (any && h->n_watches == 0)
		return;
	for (unsigned i = 0; i < h->n_watches; i++)
		h->watched[i].revents = 0;
	curl_multi_poll(h->multi, h->watched, h->n_watches, any ? 0 : timeout_ms, &ready);
	serve_watches(h);
	if (ready > 0 || h->begun || a_timer_is_due(h))
		move_all(h);
}

void http_wake(struct http *h)
{
	curl_multi_wakeup(h->multi);
}

/* --- Life --- */

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_new(struct http **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_curl);
	struct http *h = calloc(1, sizeof(*h));
	if (!h || !(h->multi = curl_multi_init())) {
		free(h);
		return fail(-ENOMEM, "outgoing HTTP");
	}
	TAILQ_INIT(&h->active);
	TAILQ_INIT(&h->spare);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*out = h;
	return 0;
}

static void free_all(struct http *h, struct transfer_list *list)
{
	struct transfer *t;
	while ((t = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, t, link);
		curl_multi_remove_handle(h->multi, t->easy);
		transfer_free(t);
	}
}

void http_free(struct http *h)
{
	if (!h)
		return;
	free_all(h, &h->active);
	free_all(h, &h->spare);
	curl_multi_cleanup(h->multi);
	free(h);
}
