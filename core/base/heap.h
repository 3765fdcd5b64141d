/* heap: an intrusive binary heap; the smallest on top. Nodes are embedded, and know their slot, so that
 * any of them can be removed or moved. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	size_t slot; /* 1-based; 0 = in no heap */
	int64_t key;
	uint64_t order; /* among equal keys, who came first */
};
struct heap {
	struct heap_node **nodes;
	size_t count, cap;
	uint64_t next_order;
};

void heap_fini(struct heap *heap); /* not the nodes */
void heap_add(struct heap *heap, struct heap_node *node, int64_t key);
void heap_move(struct heap *heap, struct heap_node *node, int64_t key);
void heap_remove(struct heap *heap, struct heap_node *node); /* one in no heap is passed over */
struct heap_node *heap_top(const struct heap *heap);         /* NULL when empty */
static inline bool heap_has(const struct heap_node *node) { return node->slot != 0; }

#endif
