#include "store/heads.h"

#include "base/fail.h"
#include "base/space.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

struct head_block {
	_Atomic uint64_t seq[HEADS_BLOCK];
	uint64_t print[HEADS_BLOCK];
	uint32_t count[HEADS_BLOCK];
	bool dirty;
};

enum { SPACE = HEADS_BLOCKS_MAX * sizeof(_Atomic(struct head_block *)) };

int heads_init(struct heads *h)
{
	*h = (struct heads){ 0 };
	h->blocks = space_new(SPACE);
	return h->blocks ? 0 : fail(-ENOMEM, "heads");
}

static struct head_block *block_at(const struct heads *h, uint64_t i)
{
	return atomic_load_explicit(&h->blocks[i], memory_order_acquire);
}

void heads_fini(struct heads *h)
{
	for (uint32_t i = 0; i < h->n_blocks; i++)
		free(block_at(h, i));
	space_free(h->blocks, SPACE);
	free(h->batch);
	free(h->index);
	*h = (struct heads){ 0 };
}

/* The block that holds the contact, made when it is not there. */
static struct head_block *block_of(struct heads *h, uint64_t contact)
{
	if (contact > HEADS_CONTACT_MAX)
		return NULL;
	uint32_t i = (uint32_t)(contact / HEADS_BLOCK);
	struct head_block *b = block_at(h, i);
	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	atomic_store_explicit(&h->blocks[i], b, memory_order_release);
	h->n_blocks = MAX(h->n_blocks, i + 1);
	return b;
}

static uint32_t *index_slot(const struct heads *h, uint64_t contact)
{
	uint64_t mask = 2 * (uint64_t)h->room - 1;
	for (uint64_t i = contact * 0x9E3779B97F4A7C15 >> 32;; i++) {
		uint32_t *slot = &h->index[i & mask];
		if (*slot == 0 || h->batch[*slot - 1].contact == contact)
			return slot;
	}
}

static bool grow_batch(struct heads *h)
{
	unsigned room = h->room ? 2 * h->room : FIRST_ROOM;
	struct head *batch = realloc(h->batch, room * sizeof(*batch));
	if (!batch)
		return false;
	h->batch = batch;
	uint32_t *index = calloc(2 * (size_t)room, sizeof(*index));
	if (!index)
		return false;
	free(h->index);
	h->index = index;
	h->room = room;
	for (unsigned i = 0; i < h->n; i++)
		*index_slot(h, batch[i].contact) = i + 1;
	return true;
}

struct head *heads_touch(struct heads *h, uint64_t contact)
{
	/* The block is made now, so that nothing can fail after the commit. */
	struct head_block *b = block_of(h, contact);
	if (!b || (h->n == h->room && !grow_batch(h)))
		return NULL;
	uint32_t *slot = index_slot(h, contact);
	if (*slot == 0) {
		uint64_t i = contact % HEADS_BLOCK;
		h->batch[h->n] = (struct head){
			.contact = contact,
			.seq = atomic_load_explicit(&b->seq[i], memory_order_relaxed),
			.count = b->count[i],
			.print = b->print[i],
		};
		*slot = ++h->n;
	}
	return &h->batch[*slot - 1];
}

static void set(struct head_block *b, const struct head *head)
{
	uint64_t i = head->contact % HEADS_BLOCK;
	b->dirty |= atomic_load_explicit(&b->seq[i], memory_order_relaxed) != head->seq;
	b->count[i] = head->count;
	b->print[i] = head->print;
	atomic_store_explicit(&b->seq[i], head->seq, memory_order_release);
}

void heads_keep(struct heads *h)
{
	for (unsigned i = 0; i < h->n; i++)
		set(block_at(h, h->batch[i].contact / HEADS_BLOCK), &h->batch[i]);
	heads_drop(h);
}

void heads_drop(struct heads *h)
{
	/* Backwards, so that each slot is still found past those before it. */
	while (h->n > 0) {
		uint32_t *slot = index_slot(h, h->batch[h->n - 1].contact);
		*slot = 0;
		h->n--;
	}
}

void heads_forget_prints(struct heads *h)
{
	for (uint32_t i = 0; i < h->n_blocks; i++) {
		struct head_block *b = block_at(h, i);
		if (b)
			memset(b->print, 0, sizeof(b->print));
	}
}

int heads_replay(struct heads *h, uint64_t contact, uint64_t seq, uint32_t nth)
{
	struct head_block *b = block_of(h, contact);
	if (!b)
		return fail(-ENOMEM, "heads");
	uint64_t i = contact % HEADS_BLOCK;
	if (atomic_load_explicit(&b->seq[i], memory_order_relaxed) < seq)
		set(b, &(struct head){ contact, seq, nth, 0 });
	return 0;
}

uint64_t heads_seq(const struct heads *h, uint64_t contact)
{
	struct head_block *b =
		contact > HEADS_CONTACT_MAX ? NULL : block_at(h, contact / HEADS_BLOCK);
	return b ? atomic_load_explicit(&b->seq[contact % HEADS_BLOCK], memory_order_acquire) : 0;
}

bool heads_dirty(const struct heads *h, uint32_t block)
{
	struct head_block *b = block_at(h, block);
	return b && b->dirty;
}

/* Little-endian: all seqs, then all counts. */
void heads_write(const struct heads *h, uint32_t block, uint8_t out[HEADS_BLOCK_BYTES])
{
	struct head_block *b = block_at(h, block);
	for (size_t i = 0; i < HEADS_BLOCK; i++) {
		uint64_t seq = htole64(atomic_load_explicit(&b->seq[i], memory_order_relaxed));
		uint32_t count = htole32(b->count[i]);
		memcpy(out + 8 * i, &seq, sizeof(seq));
		memcpy(out + 8 * HEADS_BLOCK + 4 * i, &count, sizeof(count));
	}
}

void heads_saved(struct heads *h, uint32_t block)
{
	block_at(h, block)->dirty = false;
}

int heads_read(struct heads *h, uint32_t block, const uint8_t in[HEADS_BLOCK_BYTES])
{
	struct head_block *b = block_of(h, (uint64_t)block * HEADS_BLOCK);
	if (!b)
		return fail(-ENOMEM, "heads");
	b->dirty = false;
	for (size_t i = 0; i < HEADS_BLOCK; i++) {
		uint64_t seq, held = atomic_load_explicit(&b->seq[i], memory_order_relaxed);
		uint32_t count;
		memcpy(&seq, in + 8 * i, sizeof(seq));
		memcpy(&count, in + 8 * HEADS_BLOCK + 4 * i, sizeof(count));
		b->dirty |= held > le64toh(seq);
		if (held >= le64toh(seq))
			continue;
		b->count[i] = le32toh(count);
		atomic_store_explicit(&b->seq[i], le64toh(seq), memory_order_release);
	}
	return 0;
}
