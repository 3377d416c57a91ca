#include "base/log.h"

#include "base/buf.h"
#include "base/timefmt.h"

#include <errno.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 8192,
	STRING_MAX_BYTES = 1000,
};

/* Ends a line that has not room for all of its fields. */
#define CUT_END ",\"cut\":true}\n"

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

static enum log_level least = LOG_INFO;

void log_set_level(enum log_level at_least)
{
	least = at_least;
}

bool log_level_parse(struct str name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (!str_eq(name, str_of(level_names[i])))
			continue;
		*out = (enum log_level)i;
		return true;
	}
	return false;
}

static void put_text(struct buf *line, struct str s)
{
	s = str_head(s, STRING_MAX_BYTES);
	buf_json_str(line, str_head(s, str_utf8_prefix(s)));
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
	buf_lit(line, "{\"time\":\"");
	time_put(line, time_now(), 3);
	buf_lit(line, "\",\"level\":\"");
	buf_put(line, str_of(level_names[level]));
	buf_lit(line, "\",\"event\":");
	put_text(line, str_of(event));
}

static void put_field(struct buf *line, const struct log_field *f)
{
	buf_char(line, ',');
	put_text(line, str_of(f->name));
	buf_char(line, ':');
	switch (f->kind) {
	case LOG_FIELD_STR:
		put_text(line, f->str);
		break;
	case LOG_FIELD_INT:
		buf_i64(line, f->i);
		break;
	}
}

/* False when one does not fit; it and the rest are left out then, so that the line stays JSON. */
static bool put_fields(struct buf *line, const struct log_field *fields)
{
	for (; fields->name; fields++) {
		size_t before = line->n;
		put_field(line, fields);
		if (line->failed) {
			line->n = before;
			line->failed = false;
			return false;
		}
	}
	return true;
}

static void write_line(struct str line)
{
	ssize_t r;
	do
		r = write(STDERR_FILENO, line.p, line.n);
	while (r < 0 && errno == EINTR);
	/* A log that cannot be written has nowhere to say so. */
}

void log_line(enum log_level level, const char *event, const struct log_field *fields)
{
	if (level < least)
		return;

	int saved_errno = errno;
	char text[LINE_MAX_BYTES];
	struct buf line = buf_over(text, sizeof(text) - strlen(CUT_END));
	put_head(&line, level, event);
	bool whole = put_fields(&line, fields);
	line.room = sizeof(text);
	buf_put(&line, whole ? STR("}\n") : STR(CUT_END));
	write_line(buf_str(&line));
	errno = saved_errno;
}
