/*
 * The events of a running server as they are committed, a line of JSON each. When the connection
 * ends it begins anew behind the last event that was printed.
 */
#include "base/buf.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/options.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 256 * 1024 * 1024,
	SILENCE_S = 60, /* the server says something every 15 s */
	SILENCE_MAX_S = 24 * 60 * 60,
	PAUSE_S = 2,        /* before it is tried again */
	PROBLEM_MAX = 2000, /* bytes that are shown of an answer that says no */
};

static const char usage[] =
	"usage: occurd tail [--url URL] [--key KEY] [--definition NAME] [--contact ID]\n"
	"                   [--after SEQ] [--cacert FILE] [--silence SECONDS]\n\n"
	"Prints the events of the server at URL (http://127.0.0.1:8090 unless said) as they are\n"
	"committed, one line of JSON each: those of the key's workspace, all or of one type or\n"
	"contact (any of its ids), from now on or behind SEQ (0: from the first). KEY needs the\n"
	"scope admin; it is better given as OCCURD_KEY, because others can see the arguments.\n"
	"Goes on by itself when the connection was lost, or when nothing came for SECONDS (60\n"
	"unless said; the server says something every 15). FILE holds certificates (PEM) to trust\n"
	"beside https.\n\n"
	"Exit status: 0 it was told to stop, 1 the server refuses, 2 it was asked for wrongly.\n";

static volatile sig_atomic_t told_to_stop;

static void on_signal(int sig)
{
	(void)sig;
	told_to_stop = 1;
}

struct tail {
	const char *url, *key, *definition, *contact, *after, *cacert;
	uint64_t silence_s;
	int64_t heard_at_ms; /* when something came, or was asked for */
	CURL *curl;
	struct curl_slist *headers;
	struct arena memory;
	struct buf line; /* the one under way */
	struct buf data; /* of the event under way */
	uint64_t id;     /* likewise */
	uint64_t last;   /* of what was printed, or where the server said to go on */
	bool begun;      /* `last` is known */
	bool failed;     /* the output cannot be written, or a line is too long */
};

/* --- What comes --- */

static void begin_event(struct tail *t)
{
	arena_reset(&t->memory);
	t->line = buf_in(&t->memory);
	t->data = buf_in(&t->memory);
}

static void end_event(struct tail *t)
{
	struct str data = buf_str(&t->data);
	if (data.n && (fwrite(data.p, 1, data.n, stdout) < data.n || putchar('\n') == EOF ||
		       fflush(stdout) == EOF))
		t->failed = true;
	else if (t->id != UINT64_MAX) {
		t->last = t->id;
		t->begun = true;
	}
	t->id = UINT64_MAX;
	begin_event(t);
}

static void take_line(struct tail *t)
{
	struct str line = buf_str(&t->line);
	uint64_t id;
	if (line.n == 0)
		return end_event(t);
	if (str_starts(line, STR("id: ")) && str_to_u64(str_from(line, 4), &id))
		t->id = id;
	else if (str_starts(line, STR("data: ")))
		buf_put(&t->data, str_from(line, 6));
	t->line = buf_in(&t->memory);
}

static bool is_good(struct tail *t)
{
	long status = 0;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

static void take_text(struct tail *t, struct str rest)
{
	while (rest.n && !t->failed) {
		size_t end = str_find(rest, '\n');
		buf_put(&t->line, str_head(rest, end));
		t->failed |= t->line.failed || t->data.failed;
		if (end < rest.n && !t->failed)
			take_line(t);
		rest = str_from(rest, MIN(end + 1, rest.n));
	}
}

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct tail *t = ctx;
	struct str text = { p, size * n };
	if (is_good(t))
		take_text(t, text);
	else if (t->data.n < PROBLEM_MAX) /* why not */
		buf_put(&t->data, text);
	t->heard_at_ms = time_monotonic_ms(); /* printing may have waited for who reads it */
	return t->failed ? 0 : text.n;
}

/* By the clock: libcurl's own limit counts bytes a second, and a quiet stream has few of them. */
static bool is_silent(const struct tail *t)
{
	return time_monotonic_ms() - t->heard_at_ms > (int64_t)t->silence_s * 1000;
}

/* About once a second. */
static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct tail *t = ctx;
	(void)a, (void)b, (void)c, (void)d;
	return told_to_stop || is_silent(t);
}

/* --- Asking --- */

static bool put_choice(struct tail *t, struct buf *b, const char **joint, const char *name,
		       const char *value)
{
	if (!value)
		return true;
	char *encoded = curl_easy_escape(t->curl, value, 0);
	if (!encoded)
		return false;
	buf_printf(b, "%s%s=%s", *joint, name, encoded);
	curl_free(encoded);
	*joint = "&";
	return true;
}

static bool put_url(struct tail *t, struct buf *b)
{
	const char *joint = "?";
	struct str server = str_of(t->url);
	while (server.n && server.p[server.n - 1] == '/')
		server.n--;
	buf_put(b, server);
	buf_lit(b, "/_/v1/events/stream");
	if (!put_choice(t, b, &joint, "definition", t->definition) ||
	    !put_choice(t, b, &joint, "contact", t->contact))
		return false;
	if (t->begun)
		buf_printf(b, "%safter=%llu", joint, (unsigned long long)t->last);
	buf_char(b, '\0');
	return !b->failed;
}

static CURLcode ask(struct tail *t)
{
	begin_event(t);
	t->id = UINT64_MAX;
	t->heard_at_ms = time_monotonic_ms();
	struct buf url = buf_in(&t->memory);
	if (!put_url(t, &url) || curl_easy_setopt(t->curl, CURLOPT_URL, url.p) != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_perform(t->curl);
}

/* Above zero: the exit status; 0: it is worth another try. */
static int judge(struct tail *t, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->failed) {
		fputs("occurd tail: the events cannot be written out\n", stderr);
		return 1;
	}
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
		fprintf(stderr, "occurd tail: \"%s\" is no address of a server\n", t->url);
		return 2;
	}
	bool refused = status >= 400 && status < 500 && status != 429;
	if (status && status != 200)
		fprintf(stderr, "occurd tail: the server says %ld: " STR_FMT "\n", status,
			STR_ARG(buf_str(&t->data)));
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		fprintf(stderr, "occurd tail: nothing came for %u s; trying again\n",
			(unsigned)t->silence_s);
	else
		fprintf(stderr, "occurd tail: %s; trying again\n",
			code == CURLE_OK ? "the server has ended it" : curl_easy_strerror(code));
	return refused;
}

static int follow(struct tail *t)
{
	int status = 0;
	while (!told_to_stop && status == 0) {
		CURLcode code = ask(t);
		if (!told_to_stop)
			status = judge(t, code);
		if (!told_to_stop && status == 0)
			sleep(PAUSE_S);
	}
	return status;
}

/* --- Beginning --- */

static bool set_up(struct tail *t)
{
	char *bearer = NULL;
	if (asprintf(&bearer, "Authorization: Bearer %s", t->key) < 0)
		return false;
	t->headers = curl_slist_append(NULL, bearer);
	free(bearer);
	t->curl = curl_easy_init();
	if (!t->headers || !t->curl)
		return false;
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_PROXY, ""); /* the key is for the server alone */
	curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (t->cacert)
		curl_easy_setopt(t->curl, CURLOPT_CAINFO, t->cacert);
	return true;
}

static void take_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal }; /* sleep() ends */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int wrong(const char *what)
{
	fprintf(stderr, "occurd tail: %s\n\n%s", what, usage);
	return 2;
}

static int run(struct tail *t)
{
	int status = 1;
	take_signals();
	arena_init(&t->memory, LINE_MAX_BYTES, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && set_up(t))
		status = follow(t);
	else
		fputs("occurd tail: out of memory\n", stderr);
	curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->headers);
	curl_global_cleanup();
	arena_fini(&t->memory);
	return status;
}

int command_tail(int argc, char **argv)
{
	struct tail t = { .url = "http://127.0.0.1:8090", .key = getenv("OCCURD_KEY") };
	const char *silence = NULL;
	const struct option_row table[] = {
		{ "--url", &t.url, NULL },
		{ "--key", &t.key, NULL },
		{ "--definition", &t.definition, NULL },
		{ "--contact", &t.contact, NULL },
		{ "--after", &t.after, NULL },
		{ "--cacert", &t.cacert, NULL },
		{ "--silence", &silence, NULL },
		{ 0 },
	};
	enum options_outcome outcome = options_read(argc, argv, table, usage);
	if (outcome != OPTIONS_OK)
		return outcome == OPTIONS_HELP ? 0 : 2;
	if (!t.key || !*t.key)
		return wrong("a key is needed: --key or OCCURD_KEY");
	t.begun = t.after != NULL;
	if (t.after && !str_to_u64(str_of(t.after), &t.last))
		return wrong("--after is the seq of an event, a whole number");
	t.silence_s = SILENCE_S;
	if (silence && (!str_to_u64(str_of(silence), &t.silence_s) || t.silence_s == 0 ||
			t.silence_s > SILENCE_MAX_S))
		return wrong("--silence is how many seconds, 1..86400");
	return run(&t);
}
