/* list: an intrusive, doubly linked ring. The head is a node of its own. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *head) { head->prev = head->next = head; }
static inline bool list_empty(const struct list *head) { return head->next == head; }
static inline bool list_linked(const struct list *node) { return node->next != NULL; }
static inline void list_add(struct list *head, struct list *node) /* at the end */
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}
/* One that is in no list (zeroed, or removed) is passed over. */
static inline void list_remove(struct list *node)
{
	if (!node->next)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = node->next = NULL;
}
static inline struct list *list_pop(struct list *head) /* the first, removed; NULL when empty */
{
	struct list *first = head->next;
	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

#define list_each(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
/* The current one may be removed. */
#define list_each_safe(node, head)                                                                       \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                \
	     node = node##_next, node##_next = node->next)
#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
