/* The part of provision_judge.h about keys and OAuth clients. */
#include "conf/provision_judge.h"

#include "base/fail.h"

#include <errno.h>

/* The word of the scope with bit i. */
static const char *scope_word(unsigned i)
{
	static _Thread_local char word[32];
	struct buf b = buf_over(word, sizeof(word) - 1);
	scopes_put(&b, 1U << i);
	word[b.n] = '\0';
	return word;
}

static int judge_scopes(struct judge *j, const struct yaml_place *at, char *const *words,
			unsigned n, unsigned *out)
{
	struct yaml_place list = yaml_member(j->doc, at, "scopes");
	*out = 0;
	for (unsigned i = 0; i < n; i++) {
		struct yaml_place item = yaml_item(j->doc, &list, i);
		unsigned scope;
		if (!scope_parse(str_of(words[i]), &scope))
			return judge_choice_wrong(j, &item, words[i], scope_word,
						  (unsigned)__builtin_ctz(SCOPE_OPERATOR) + 1);
		*out |= scope;
	}
	return 0;
}

/* What no header can carry as it is, no client could send. */
static bool is_sendable(struct str secret)
{
	for (size_t i = 0; i < secret.n; i++)
		if ((unsigned char)secret.p[i] < ' ' || secret.p[i] == 0x7F)
			return false;
	return str_trim(secret).n == secret.n;
}

static int judge_secret(struct judge *j, const struct yaml_place *at, const char *secret,
			struct sha256 *out)
{
	struct yaml_place place = yaml_member(j->doc, at, "secret");
	if (!is_sendable(str_of(secret)))
		return yaml_wrong(j->doc, &place,
				  "must hold no control characters, nor a blank at either end");
	*out = sha256_of(str_of(secret));
	return 0;
}

/* A list of addresses, each of which is good; `rule` says what that is. */
struct addresses {
	const char *member, *rule;
	bool (*good)(struct str s);
};

static int judge_addresses(struct judge *j, const struct yaml_place *at,
			   const struct addresses *kind, char *const *texts, unsigned n,
			   const struct str **out)
{
	struct yaml_place list = yaml_member(j->doc, at, kind->member);
	struct str *copies = arena_array(j->out, struct str, n);
	int r = copies ? 0 : fail(-ENOMEM, "provisioning %u %s", n, kind->member);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place item = yaml_item(j->doc, &list, i);
		if (!kind->good(str_of(texts[i])))
			return yaml_wrong(j->doc, &item, "must be %s, not \"%s\"", kind->rule,
					  texts[i]);
		r = judge_copy(j, texts[i], &copies[i]);
	}
	*out = copies;
	return r;
}

static int judge_origins(struct judge *j, const struct yaml_place *at, const struct file_key *in,
			 struct provision_key *out)
{
	static const struct addresses origins = {
		"allowed_origins",
		"an origin like https://shop.example, in lower case and without a path",
		origin_is_valid,
	};
	out->n_origins = in->allowed_origins_count;
	return judge_addresses(j, at, &origins, in->allowed_origins, out->n_origins, &out->origins);
}

/* Whoever opens the page has the key. */
static int judge_publishable(struct judge *j, const struct yaml_place *at,
			     const struct file_key *in, struct provision_key *out)
{
	struct yaml_place scopes = yaml_member(j->doc, at, "scopes");
	struct yaml_place origins = yaml_member(j->doc, at, "allowed_origins");
	out->publishable = in->publishable;
	if (in->publishable && out->scopes != SCOPE_EVENTS_WRITE)
		return yaml_wrong(j->doc, &scopes,
				  "must be [events.write] of a publishable key, and no more");
	if (!in->publishable && in->allowed_origins_count > 0)
		return yaml_wrong(j->doc, &origins, "is only for a publishable key");
	return judge_origins(j, at, in, out);
}

static int judge_key(struct judge *j, const struct yaml_place *at, const struct file_key *in,
		     struct provision_key *out)
{
	struct yaml_place secret = yaml_member(j->doc, at, "secret");
	struct yaml_place name = yaml_member(j->doc, at, "name");
	int r = judge_place(j, at, &out->place);
	r = r ?: judge_secret(j, at, in->secret, &out->digest);
	struct str digest = { (const char *)out->digest.b, sizeof(out->digest.b) };
	out->revoked = in->revoked;
	r = r ?: judge_unique(j, &secret, &j->secrets, digest);
	r = r
		    ?: in->name ? judge_name(j, &name, in->name, &out->name)
				: judge_copy(j, NULL, &out->name);
	r = r ?: judge_scopes(j, at, in->scopes, in->scopes_count, &out->scopes);
	return r ?: judge_publishable(j, at, in, out);
}

int judge_keys(struct judge *j, const struct yaml_place *workspace, const struct file_workspace *in,
	       struct provision_workspace *out)
{
	struct yaml_place list = yaml_member(j->doc, workspace, "keys");
	struct provision_key *keys = arena_array(j->out, struct provision_key, in->keys_count);
	int r = keys ? 0 : fail(-ENOMEM, "provisioning %u keys", in->keys_count);
	for (unsigned i = 0; i < in->keys_count && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_key(j, &at, &in->keys[i], &keys[i]);
	}
	out->keys = keys;
	out->n_keys = in->keys_count;
	return r;
}

static bool is_host(struct str s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:";
	for (size_t i = 0; i < s.n; i++)
		if (!memchr(letters, s.p[i], sizeof(letters) - 1))
			return false;
	return s.n > 0;
}

/* Cuts "host" or "host:80" from the start; an IPv6 address stands in brackets. .n 0: there is none,
 * or not in the letters of a host, so that no browser reads another one out of it. */
static struct str cut_host(struct str s)
{
	uint64_t port = 0;
	s = str_head(s, MIN(str_find(s, '/'), str_find(s, '?')));
	bool bracket = s.n > 0 && s.p[0] == '[';
	size_t end = str_find(s, bracket ? ']' : ':');
	struct str rest = str_from(s, MIN(end + bracket, s.n));
	struct str host = str_head(s, s.n - rest.n);
	if (!is_host(bracket ? str_from(str_head(s, end), 1) : host) || (bracket && end == s.n))
		return STR("");
	if (rest.n == 0)
		return host;
	bool good = rest.p[0] == ':' && str_to_u64(str_from(rest, 1), &port) && port <= UINT16_MAX;
	return good ? host : STR("");
}

/* Where a code may go in the clear: to this very machine. */
static bool is_loopback(struct str host)
{
	return str_eq(host, STR("localhost")) || str_eq(host, STR("127.0.0.1")) ||
	       str_eq(host, STR("[::1]"));
}

/* "https://app.example/back", as clients repeat it letter for letter. */
static bool is_redirect(struct str s)
{
	static const struct str https = STR_INIT("https://"), http = STR_INIT("http://");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
			return false;
	if (str_starts(s, https))
		return cut_host(str_from(s, https.n)).n > 0;
	return str_starts(s, http) && is_loopback(cut_host(str_from(s, http.n)));
}

static int judge_redirects(struct judge *j, const struct yaml_place *at,
			   const struct file_client *in, struct provision_key *out)
{
	static const struct addresses redirects = {
		"redirect_uris",
		"an https address (or http on localhost) with its host in lower case and no "
		"fragment",
		is_redirect,
	};
	out->n_redirects = in->redirect_uris_count;
	return judge_addresses(j, at, &redirects, in->redirect_uris, out->n_redirects,
			       &out->redirects);
}

static int judge_client(struct judge *j, const struct yaml_place *at, const struct file_client *in,
			struct provision_key *out)
{
	struct yaml_place id = yaml_member(j->doc, at, "id");
	int r = judge_place(j, at, &out->place);
	r = r ?: judge_name(j, &id, in->id, &out->name);
	out->revoked = in->revoked;
	r = r ?: judge_unique(j, &id, &j->clients, out->name);
	r = r ?: judge_secret(j, at, in->secret, &out->digest);
	r = r ?: judge_scopes(j, at, in->scopes, in->scopes_count, &out->scopes);
	return r ?: judge_redirects(j, at, in, out);
}

int judge_clients(struct judge *j, const struct yaml_place *workspace,
		  const struct file_workspace *in, struct provision_workspace *out)
{
	struct yaml_place list = yaml_member(j->doc, workspace, "oauth_clients");
	unsigned n = in->oauth_clients_count;
	struct provision_key *clients = arena_array(j->out, struct provision_key, n);
	int r = clients ? 0 : fail(-ENOMEM, "provisioning %u clients", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_client(j, &at, &in->oauth_clients[i], &clients[i]);
	}
	out->oauth_clients = clients;
	out->n_oauth_clients = n;
	return r;
}
