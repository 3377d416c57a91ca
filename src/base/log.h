/*
 * The log: one JSON object per line on standard error, written whole by one write(2).
 *
 *   {"time":"2026-11-21T10:00:00.000Z","level":"info","event":"started","listen":"127.0.0.1:8090"}
 *
 * `event` is a fixed word, the rest are fields. No secret, e-mail or phone number is ever a field
 * below LOG_DEBUG; callers log ids and counts. Thread: any.
 */
#pragma once

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
	const char *name; /* NULL ends the list */
	enum { LOG_FIELD_STR, LOG_FIELD_INT } kind;
	struct str str;
	int64_t i;
};

#define LOG_S(field, text) ((struct log_field){ field, LOG_FIELD_STR, str_of(text), 0 })
#define LOG_STR(field, s)  ((struct log_field){ field, LOG_FIELD_STR, s, 0 })
#define LOG_I(field, v)    ((struct log_field){ field, LOG_FIELD_INT, { 0 }, (int64_t)(v) })

/* Lines below this level are dropped; LOG_INFO until said otherwise. Set before threads start. */
void log_set_level(enum log_level at_least);

/* False when `name` is none of debug, info, warning, error. */
MUST_CHECK bool log_level_parse(struct str name, enum log_level *out);

/* Strings that are not valid UTF-8 or longer than 1,000 bytes are cut to what is. */
void log_line(enum log_level level, const char *event, const struct log_field *fields);

#define log_info(event, ...) \
	log_line(LOG_INFO, event, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_warning(event, ...) \
	log_line(LOG_WARNING, event, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_error(event, ...) \
	log_line(LOG_ERROR, event, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
