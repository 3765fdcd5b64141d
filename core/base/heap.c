/* heap: an intrusive binary heap; the smallest on top, among equals the one that came first.
 *
 * A node moved to another key counts as having come now. */
#include "base/heap.h"
#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

static bool heap_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void heap_set(struct heap *heap, size_t slot, struct heap_node *node)
{
	c_assert(slot >= 1 && slot <= heap->count);
	heap->nodes[slot - 1] = node;
	node->slot = slot;
}

static struct heap_node *heap_at(const struct heap *heap, size_t slot)
{
	return heap->nodes[slot - 1];
}

/* Finds the place of `node`, for which `slot` is free, upwards and then downwards. */
static void heap_settle(struct heap *heap, struct heap_node *node, size_t slot)
{
	while (slot > 1 && heap_before(node, heap_at(heap, slot / 2))) {
		heap_set(heap, slot, heap_at(heap, slot / 2));
		slot /= 2;
	}
	for (;;) {
		size_t child = slot * 2;
		if (child > heap->count)
			break;
		if (child < heap->count && heap_before(heap_at(heap, child + 1), heap_at(heap, child)))
			child++;
		if (!heap_before(heap_at(heap, child), node))
			break;
		heap_set(heap, slot, heap_at(heap, child));
		slot = child;
	}
	heap_set(heap, slot, node);
}

void heap_fini(struct heap *heap)
{
	c_assert(heap);
	for (size_t slot = 1; slot <= heap->count; slot++)
		heap_at(heap, slot)->slot = 0;
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}

void heap_add(struct heap *heap, struct heap_node *node, int64_t key)
{
	c_assert(heap && node);
	c_assert(node->slot == 0);
	if (heap->count == heap->cap) {
		heap->cap = heap->cap ? heap->cap * 2 : 16;
		heap->nodes = mem_grow(heap->nodes, heap->cap, sizeof(struct heap_node *));
	}
	node->key = key;
	node->order = heap->next_order++;
	heap->count++;
	heap->nodes[heap->count - 1] = node;
	heap_settle(heap, node, heap->count);
}

void heap_move(struct heap *heap, struct heap_node *node, int64_t key)
{
	c_assert(heap && node);
	c_assert(node->slot >= 1 && node->slot <= heap->count);
	c_assert(heap_at(heap, node->slot) == node);
	node->key = key;
	node->order = heap->next_order++;
	heap_settle(heap, node, node->slot);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	c_assert(heap && node);
	size_t slot = node->slot;
	if (slot == 0)
		return;
	c_assert(slot <= heap->count);
	c_assert(heap_at(heap, slot) == node);
	struct heap_node *last = heap_at(heap, heap->count);

	heap->count--;
	node->slot = 0;
	if (last != node)
		heap_settle(heap, last, slot);
}

struct heap_node *heap_top(const struct heap *heap)
{
	c_assert(heap);
	return heap->count ? heap->nodes[0] : NULL;
}
