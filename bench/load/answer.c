#include "load/answer.h"

#include <stdlib.h>
#include <string.h>

void answer_begin(struct answer *a)
{
	a->n_head = 0;
	a->in_body = false;
}

/* The header's value, or NULL. */
static const char *header(const struct answer *a, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = strchr(a->head, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, n) == 0)
			return line + n + strspn(line + n, " ");
	}
	return NULL;
}

static bool read_head(struct answer *a)
{
	if (strncmp(a->head, "HTTP/1.1 ", 9) != 0)
		return false;
	a->status = (unsigned)strtoul(a->head + 9, NULL, 10);
	const char *length = header(a, "Content-Length:"), *how = header(a, "Connection:");
	a->closes = how && strncasecmp(how, "close", 5) == 0;
	a->says_when = header(a, "Retry-After:") != NULL;
	a->body_left = length ? strtoull(length, NULL, 10) : 0;
	a->in_body = true;
	return a->status >= 200 && a->status < 600 && (length || a->status == 204);
}

/* Takes bytes up to the end of the head. */
static enum answer_outcome feed_head(struct answer *a, const char *p, size_t n, size_t *taken)
{
	size_t before = a->n_head, more = MIN(n, sizeof(a->head) - 1 - before);
	memcpy(a->head + before, p, more);
	a->head[before + more] = '\0';
	char *end = strstr(a->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
	a->n_head = before + more;
	*taken = more;
	if (!end)
		return a->n_head < sizeof(a->head) - 1 ? ANSWER_MORE : ANSWER_WRONG;
	*taken = (size_t)(end + 4 - a->head) - before;
	end[2] = '\0';
	return read_head(a) ? ANSWER_DONE : ANSWER_WRONG;
}

enum answer_outcome answer_feed(struct answer *a, const char *p, size_t n, size_t *taken)
{
	*taken = 0;
	if (!a->in_body) {
		enum answer_outcome head = feed_head(a, p, n, taken);
		if (head != ANSWER_DONE)
			return head;
	}
	uint64_t body = MIN(a->body_left, n - *taken);
	a->body_left -= body;
	*taken += body;
	return a->body_left == 0 ? ANSWER_DONE : ANSWER_MORE;
}
