#include "conf/seen.h"

#include "base/digest.h"
#include "base/fail.h"

#include <errno.h>

/* Where the word is, or the free slot where it belongs. */
static struct seen_word *slot_of(struct seen_word *slots, unsigned room, struct str word,
				 uint64_t hash)
{
	unsigned i = (unsigned)hash & (room - 1);
	while (slots[i].word.p && (slots[i].hash != hash || !str_eq(slots[i].word, word)))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static int grow(struct seen *s)
{
	unsigned room = s->room ? s->room * 2 : 16;
	struct seen_word *slots = arena_array(s->arena, struct seen_word, room);
	if (!slots)
		return fail(-ENOMEM, "a table of %u words", room);
	for (unsigned i = 0; i < s->room; i++)
		if (s->slots[i].word.p)
			*slot_of(slots, room, s->slots[i].word, s->slots[i].hash) = s->slots[i];
	s->slots = slots;
	s->room = room;
	return 0;
}

int seen_add(struct seen *s, struct str word, unsigned line, unsigned *first)
{
	uint64_t hash = hash64(word);
	if (s->n * 2 >= s->room) {
		int r = grow(s);
		if (r < 0)
			return pass(r);
	}
	struct seen_word *slot = slot_of(s->slots, s->room, word, hash);
	if (slot->word.p) {
		*first = slot->line;
		return SEEN_BEFORE;
	}
	*slot = (struct seen_word){ .word = word, .hash = hash, .line = line };
	s->n++;
	return SEEN_NEW;
}
