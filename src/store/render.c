#include "store/render.h"

static void put_name(struct buf *b, const char *name)
{
	buf_char(b, '"');
	buf_put(b, str_of(name));
	buf_lit(b, "\":");
}

void render_uuid(struct buf *b, const char *name, struct uuid id)
{
	char text[UUID_TEXT + 1];
	uuid_text(id, text);
	put_name(b, name);
	buf_char(b, '"');
	buf_put(b, (struct str){ text, UUID_TEXT });
	buf_char(b, '"');
}

void render_time(struct buf *b, const char *name, instant_us t)
{
	put_name(b, name);
	buf_char(b, '"');
	time_put(b, t, 6);
	buf_char(b, '"');
}

void render_more_time(struct buf *b, const char *name, instant_us t)
{
	buf_char(b, ',');
	if (t)
		return render_time(b, name, t);
	put_name(b, name);
	buf_lit(b, "null");
}

void render_text(struct buf *b, const char *name, struct str s)
{
	put_name(b, name);
	buf_json_str(b, s);
}

void render_event(struct buf *b, const struct event_row *e)
{
	buf_char(b, '{');
	render_uuid(b, "id", e->id);
	buf_lit(b, ",\"seq\":");
	buf_u64(b, e->seq);
	buf_char(b, ',');
	render_text(b, "dialect", e->dialect);
	buf_char(b, ',');
	render_text(b, "definition", e->definition);
	buf_char(b, ',');
	render_uuid(b, "contact_id", e->contact_id);
	buf_char(b, ',');
	render_time(b, "occurred_at", e->occurred_at);
	buf_char(b, ',');
	render_time(b, "received_at", e->received_at);
	buf_lit(b, ",\"properties\":");
	buf_put(b, e->properties);
	if (e->mismatches.n > 0) {
		buf_lit(b, ",\"mismatches\":");
		buf_put(b, e->mismatches);
	}
	if (e->cause.n > 0) {
		buf_lit(b, ",\"cause\":");
		buf_put(b, e->cause);
	}
	buf_char(b, '}');
}

void render_contact(struct buf *b, const struct contact_view *c)
{
	buf_char(b, '{');
	render_uuid(b, "id", c->id);
	buf_printf(b, ",\"number\":%llu,\"identities\":", (unsigned long long)c->number);
	buf_put(b, c->identities);
	buf_lit(b, ",\"attributes\":");
	buf_put(b, c->attributes);
	buf_char(b, ',');
	render_time(b, "created_at", c->created_at);
	buf_char(b, ',');
	render_time(b, "updated_at", c->updated_at);
	buf_printf(b, ",\"event_count\":%llu,", (unsigned long long)c->event_count);
	if (c->event_count > 0)
		render_time(b, "last_event_at", c->last_event_at);
	else
		buf_lit(b, "\"last_event_at\":null");
	buf_char(b, '}');
}

void render_definition(struct buf *b, const struct definition *d)
{
	buf_char(b, '{');
	render_uuid(b, "id", d->id);
	buf_char(b, ',');
	render_text(b, "name", d->name);
	buf_char(b, ',');
	render_text(b, "description", d->description);
	buf_printf(b, ",\"inferred\":%s,\"fields\":", d->inferred ? "true" : "false");
	fields_put_json(b, d->fields, d->n_fields);
	buf_char(b, ',');
	render_time(b, "created_at", d->created_at);
	buf_char(b, ',');
	render_time(b, "updated_at", d->updated_at);
	buf_char(b, '}');
}

/* Words with blanks between. */
static void put_scopes(struct buf *b, struct str words)
{
	buf_char(b, '[');
	for (unsigned i = 0; words.n > 0; i++) {
		struct str word = str_head(words, str_find(words, ' '));
		render_list_next(b, i);
		buf_json_str(b, word);
		words = str_from(words, MIN(word.n + 1, words.n));
	}
	buf_char(b, ']');
}

void render_key(struct buf *b, const struct key_row *k, struct str secret)
{
	buf_printf(b, "{\"number\":%u,", k->no);
	render_text(b, "name", k->name);
	buf_lit(b, ",\"scopes\":");
	put_scopes(b, k->scopes);
	buf_printf(b, ",\"publishable\":%s", k->origins.n > 0 ? "true" : "false");
	if (k->origins.n > 0) {
		buf_lit(b, ",\"allowed_origins\":");
		buf_put(b, k->origins);
	}
	buf_printf(b, ",\"revoked\":%s,", k->revoked ? "true" : "false");
	render_time(b, "created_at", k->created_at);
	if (secret.p) {
		buf_char(b, ',');
		render_text(b, "secret", secret);
	}
	buf_char(b, '}');
}

void render_stats(struct buf *b, const struct store_stats *s)
{
	buf_printf(b,
		   "{\"events\":%llu,\"contacts\":%llu,\"database_bytes\":%llu,\"wal_bytes\":%llu",
		   (unsigned long long)s->events, (unsigned long long)s->contacts,
		   (unsigned long long)s->database_bytes, (unsigned long long)s->wal_bytes);
	buf_lit(b, ",\"definitions\":[");
	for (unsigned i = 0; i < s->n_definitions; i++) {
		const struct definition_count *d = &s->definitions[i];
		render_list_next(b, i);
		buf_char(b, '{');
		render_text(b, "name", d->definition);
		buf_printf(b, ",\"events\":%llu,\"events_last_hour\":%llu}",
			   (unsigned long long)d->events, (unsigned long long)d->events_last_hour);
	}
	buf_char(b, ']');
}

void render_list_open(struct buf *b)
{
	buf_lit(b, "{\"data\":[");
}

void render_list_next(struct buf *b, unsigned i)
{
	if (i > 0)
		buf_char(b, ',');
}

void render_list_close(struct buf *b, uint64_t next_before)
{
	buf_lit(b, "],\"next_before\":");
	if (next_before)
		buf_u64(b, next_before);
	else
		buf_lit(b, "null");
	buf_char(b, '}');
}
