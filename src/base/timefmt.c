#include "base/timefmt.h"

#include <time.h>

enum {
	S_PER_MINUTE = 60,
	S_PER_HOUR = 3600,
	S_PER_DAY = 86400,
	DAYS_PER_ERA = 146097, /* 400 years: after that many the calendar repeats */
	DAYS_0000_03_01_TO_1970 = 719468,
};

static const instant_us FIRST_US = -62135596800 * US_PER_S;    /* 0001-01-01T00:00:00Z */
static const instant_us LAST_US = 253402300800 * US_PER_S - 1; /* the end of year 9999 */

struct civil {
	int year, month, day;
};

/*
 * Between days and dates by the arithmetic of a year that begins in March, so that the leap day is
 * its last day and month m (0 is March) begins on day (153 m + 2) / 5.
 */
static int64_t days_from_civil(struct civil c)
{
	int year = c.year - (c.month <= 2);
	int era = year / 400; /* never negative: years begin at 1, so `year` at 0 */
	int year_of_era = year % 400;
	int day_of_year = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (int64_t)era * DAYS_PER_ERA + day_of_era - DAYS_0000_03_01_TO_1970;
}

static struct civil civil_from_days(int64_t days)
{
	int since = (int)days + DAYS_0000_03_01_TO_1970; /* at least 306: year 1 begins there */
	int era = since / DAYS_PER_ERA;
	int day_of_era = since % DAYS_PER_ERA;
	int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * day_of_year + 2) / 153;

	struct civil c;
	c.day = day_of_year - (153 * month + 2) / 5 + 1;
	c.month = month < 10 ? month + 3 : month - 9;
	c.year = era * 400 + year_of_era + (c.month <= 2);
	return c;
}

static bool is_real_day(struct civil c)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1)
		return false;
	bool leap_day = c.month == 2 && c.year % 4 == 0 && (c.year % 100 != 0 || c.year % 400 == 0);
	return c.day <= days[c.month - 1] + leap_day;
}

/* Text being read. The eat functions take what they are named for, or nothing and return false. */
struct cursor {
	const char *at, *end;
};

static bool eat(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool eat_digits(struct cursor *c, int n, int *out)
{
	int v = 0;
	if (c->end - c->at < n)
		return false;
	for (int i = 0; i < n; i++) {
		unsigned digit = (unsigned char)c->at[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		v = v * 10 + (int)digit;
	}
	c->at += n;
	*out = v;
	return true;
}

static bool eat_date(struct cursor *c, struct civil *out)
{
	return eat_digits(c, 4, &out->year) && eat(c, '-') && eat_digits(c, 2, &out->month) &&
	       eat(c, '-') && eat_digits(c, 2, &out->day) && is_real_day(*out);
}

/* 1 to 9 digits as microseconds. */
static bool eat_fraction(struct cursor *c, int *us)
{
	int digits = 0, digit;
	*us = 0;
	for (; eat_digits(c, 1, &digit); digits++)
		if (digits < 6)
			*us = *us * 10 + digit;
	for (int i = digits; i < 6; i++)
		*us *= 10;
	return digits >= 1 && digits <= 9;
}

struct clock {
	int hour, minute, second, us;
};

static bool eat_clock(struct cursor *c, unsigned forms, struct clock *out)
{
	out->second = out->us = 0;
	if (!eat_digits(c, 2, &out->hour) || !eat(c, ':') || !eat_digits(c, 2, &out->minute) ||
	    out->hour > 23 || out->minute > 59)
		return false;
	if (!eat(c, ':'))
		return forms & TIME_NO_SECONDS;
	if (!eat_digits(c, 2, &out->second) || out->second > 60)
		return false;
	return !eat(c, '.') || eat_fraction(c, &out->us);
}

/* Behind the hours of a zone. */
static bool eat_zone_minutes(struct cursor *c, unsigned forms, int *minutes)
{
	*minutes = 0;
	if (eat(c, ':'))
		return eat_digits(c, 2, minutes);
	if (!(forms & TIME_ISO_ZONE))
		return false;
	return c->at == c->end || eat_digits(c, 2, minutes);
}

/* The seconds to take off for UTC. */
static bool eat_zone(struct cursor *c, unsigned forms, int *offset_s)
{
	int hours, minutes;
	*offset_s = 0;
	if (c->at == c->end)
		return forms & TIME_ZONE_OPTIONAL;
	if (eat(c, 'Z') || eat(c, 'z'))
		return true;
	int sign = eat(c, '+') ? 1 : eat(c, '-') ? -1 : 0;
	if (sign == 0 || !eat_digits(c, 2, &hours) || !eat_zone_minutes(c, forms, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*offset_s = sign * (hours * S_PER_HOUR + minutes * S_PER_MINUTE);
	return true;
}

static bool eat_separator(struct cursor *c, unsigned forms)
{
	return eat(c, 'T') || eat(c, 't') || ((forms & TIME_SPACE) && eat(c, ' '));
}

static bool to_instant(struct civil date, struct clock clock, int offset_s, instant_us *out)
{
	int64_t minute_s = days_from_civil(date) * S_PER_DAY + clock.hour * S_PER_HOUR +
			   clock.minute * S_PER_MINUTE - offset_s;
	if (clock.second == 60) {
		if ((minute_s + S_PER_MINUTE) % S_PER_DAY != 0)
			return false;
		clock.second = 59;
		clock.us = US_PER_S - 1;
	}
	*out = (minute_s + clock.second) * US_PER_S + clock.us;
	return *out >= FIRST_US && *out <= LAST_US;
}

bool time_parse(struct str s, unsigned forms, instant_us *out)
{
	struct cursor c = { s.p, s.n ? s.p + s.n : s.p };
	struct civil date;
	struct clock clock = { 0 };
	int offset_s = 0;
	instant_us t;

	if (!eat_date(&c, &date))
		return false;
	if (c.at == c.end) {
		if (!(forms & TIME_DATE_ALONE))
			return false;
	} else if (!eat_separator(&c, forms) || !eat_clock(&c, forms, &clock) ||
		   !eat_zone(&c, forms, &offset_s) || c.at != c.end) {
		return false;
	}
	if (!to_instant(date, clock, offset_s, &t))
		return false;
	if (out)
		*out = t;
	return true;
}

bool time_is_date(struct str s)
{
	struct cursor c = { s.p, s.n ? s.p + s.n : s.p };
	struct civil date;
	return eat_date(&c, &date) && c.at == c.end;
}

/* An instant taken apart; `days` since 1970. What lies outside of the years we know (a damaged
 * file) shows as the nearest instant inside. */
struct parts {
	int64_t days;
	struct civil date;
	struct clock clock;
};

static struct parts take_apart(instant_us t)
{
	t = MAX(FIRST_US, MIN(LAST_US, t));
	int64_t since_first = t - FIRST_US; /* not negative, so that / and % round down */
	int second_of_day = (int)(since_first / US_PER_S % S_PER_DAY);
	int64_t days = since_first / (US_PER_S * S_PER_DAY) + FIRST_US / (US_PER_S * S_PER_DAY);
	return (struct parts){
		.days = days,
		.date = civil_from_days(days),
		.clock = { second_of_day / S_PER_HOUR, second_of_day / S_PER_MINUTE % 60,
			   second_of_day % 60, (int)(since_first % US_PER_S) },
	};
}

/* v in exactly n digits; returns what follows them. */
static char *put_digits(char *at, int v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		at[i] = (char)('0' + v % 10);
	return at + n;
}

static char *put_char(char *at, char c)
{
	*at = c;
	return at + 1;
}

static char *put_clock(char *at, const struct clock *c)
{
	at = put_char(put_digits(at, c->hour, 2), ':');
	at = put_char(put_digits(at, c->minute, 2), ':');
	return put_digits(at, c->second, 2);
}

void time_put(struct buf *b, instant_us t, int digits)
{
	must(digits >= 0 && digits <= 7);
	struct parts p = take_apart(t);
	char text[sizeof("YYYY-MM-DDTHH:MM:SS.fffffffZ")];

	char *at = put_char(put_digits(text, p.date.year, 4), '-');
	at = put_char(put_digits(at, p.date.month, 2), '-');
	at = put_char(put_digits(at, p.date.day, 2), 'T');
	at = put_clock(at, &p.clock);
	if (digits > 0) {
		put_digits(put_char(at, '.'), p.clock.us * 10, 7);
		at += 1 + digits;
	}
	at = put_char(at, 'Z');
	buf_put(b, (struct str){ text, (size_t)(at - text) });
}

void time_http_date(instant_us t, char out[30])
{
	static const char weekdays[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct parts p = take_apart(t);
	int weekday = (int)((p.days % 7 + 7) % 7); /* day 0 was a Thursday */

	memcpy(out, "DDD, dd MMM YYYY HH:MM:SS GMT", 30);
	memcpy(out, weekdays[weekday], 3);
	put_digits(out + 5, p.date.day, 2);
	memcpy(out + 8, months[p.date.month - 1], 3);
	put_digits(out + 12, p.date.year, 4);
	put_clock(out + 17, &p.clock);
}

instant_us time_now(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t time_monotonic_us(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t time_monotonic_ms(void)
{
	return time_monotonic_us() / 1000;
}
