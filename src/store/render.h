/* Rows as JSON text: what the native API shows and destinations get. The shapes are fixed: others rely
 * on them. */
#pragma once

#include "store/store.h"

void render_event(struct buf *b, const struct event_row *e);
void render_contact(struct buf *b, const struct contact_view *c);
void render_definition(struct buf *b, const struct definition *d);
void render_key(struct buf *b, const struct key_row *k, struct str secret); /* .p NULL: unsaid */
void render_stats(struct buf *b, const struct store_stats *s); /* but for the closing brace */

/* One member, without a comma. */
void render_uuid(struct buf *b, const char *name, struct uuid id);
void render_time(struct buf *b, const char *name, instant_us t);
/* With the comma before it; null for 0. */
void render_more_time(struct buf *b, const char *name, instant_us t);
void render_text(struct buf *b, const char *name, struct str s);

/* {"data":[ ... ],"next_before":N|null}: open, one item after another, close. */
void render_list_open(struct buf *b);
void render_list_next(struct buf *b, unsigned i);
void render_list_close(struct buf *b, uint64_t next_before);
