/* bounded.c - a statistics tree whose nodes are named by the wire, and which stays small all the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's trees make a node for each name they are given and have no way to ask for one without making it. So their
 * names are kept here as well, as far as the limit goes.
 */
#include "bounded.h"

/* struct bounded_tree by its stats_tree: there is one for each window, or each -z, of a kind. */
static GHashTable *trees;

static void free_bounded(void *data)
{
    struct bounded_tree *bounded = (struct bounded_tree *)data;

    g_hash_table_destroy(bounded->ids);
    g_free(bounded);
}

void bounded_begin(stats_tree *tree, const char *root_name, unsigned limit)
{
    struct bounded_tree *bounded = g_new0(struct bounded_tree, 1);

    if (trees == NULL)
        trees = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_bounded);
    bounded->tree = tree;
    bounded->limit = limit;
    bounded->root = stats_tree_create_node(tree, root_name, 0, STAT_DT_INT, TRUE);
    bounded->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_replace(trees, tree, bounded);
}

struct bounded_tree *bounded_find(stats_tree *tree)
{
    return (struct bounded_tree *)g_hash_table_lookup(trees, tree);
}

void bounded_end(stats_tree *tree)
{
    if (trees != NULL)
        g_hash_table_remove(trees, tree);
}

int bounded_child(const struct bounded_tree *bounded, int parent, const char *name)
{
    char *key = g_strdup_printf("%d/%s", parent, name);
    gpointer id = g_hash_table_lookup(bounded->ids, key);

    g_free(key);
    return id != NULL ? GPOINTER_TO_INT(id) : -1;
}

int bounded_make(struct bounded_tree *bounded, int parent, const char *name)
{
    int id = increase_stat_node(bounded->tree, name, parent, TRUE, 0);

    g_hash_table_insert(bounded->ids, g_strdup_printf("%d/%s", parent, name), GINT_TO_POINTER(id));
    bounded->nodes++;
    return id;
}

bool bounded_has_room(const struct bounded_tree *bounded, unsigned nodes)
{
    return bounded->nodes + nodes <= bounded->limit;
}
