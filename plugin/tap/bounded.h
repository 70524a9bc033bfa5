/* bounded.h - a statistics tree whose nodes are named by the wire, and which stays small all the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_BOUNDED_H
#define MQTTSCOPE_TAP_BOUNDED_H

#include <stdbool.h>
#include <stdint.h>

#include <epan/stats_tree.h>

/** What Wireshark's tree does not let be looked up: which nodes there are, and their number. Lives as long as the tree. */
struct bounded_tree {
    stats_tree *tree;
    int root;        /**< the node that all others are under */
    unsigned nodes;  /**< nodes made so far */
    unsigned limit;  /**< nodes that may be made */
    GHashTable *ids; /**< "PARENT/name" to the id of that node */
};

/** Begins a tree: makes its root node. Serves as the tree's init callback, which may come more than once. */
void bounded_begin(stats_tree *tree, const char *root_name, unsigned limit);

/** The tree as it was begun. */
struct bounded_tree *bounded_find(stats_tree *tree);

/** Forgets a tree; its cleanup callback. */
void bounded_end(stats_tree *tree);

/** The id of a child node, -1 where there is none of that name. */
int bounded_child(const struct bounded_tree *bounded, int parent, const char *name);

/** Makes a child node that can have children itself, not counted yet; returns its id. */
int bounded_make(struct bounded_tree *bounded, int parent, const char *name);

/** True where so many more nodes may be made. */
bool bounded_has_room(const struct bounded_tree *bounded, unsigned nodes);

#endif
