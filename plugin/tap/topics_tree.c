/* topics_tree.c - `mqttscope_topics,tree`: the topics that are published, as a tree by level.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each level counts the messages at and below it, and shows their average, smallest and largest payload; a topic has
 * what was published and what was delivered below it, apart, each with its QoS. Levels after the first are written with the slash in front of them. No level
 * contains a slash (MQTT 5.0 section 4.7.1.1), so no name from the wire passes for one of ours: those among the
 * first levels contain a slash, and those below a topic do not begin with one.
 */
#include <string.h>

#include <epan/stats_tree.h>

#include "../compat.h"
#include "bounded.h"
#include "tap.h"

enum {
    MAX_NODES = 10000,
    MAX_LEVELS = 16,
    MAX_LEVEL_CHARACTERS = 64,
    LEAVES = 2, /* nodes that a topic has for the two directions, counted as if each topic had both */
};

#define ROOT_NAME "PUBLISH by topic"
#define ALIAS_NAME "(topic unknown: alias/set before the capture)"
#define TRUNCATED_NAME "(topic unknown: truncated/by the snapshot length)"
#define MALFORMED_NAME "(topic unknown: malformed/packet)"
#define EMPTY_NAME "(no topic/and no alias)"
#define FURTHER_NAME "(further topics/counted together)"
#define DEEPER_NAME "/... (deeper levels)"

static void topics_on_init(stats_tree *tree)
{
    bounded_begin(tree, ROOT_NAME, MAX_NODES);
}

/** The names of a topic's nodes, outermost first, each to be freed; returns their number. */
static unsigned split_topic(const char *topic, char *levels[MAX_LEVELS + 1])
{
    unsigned count = 0;
    const char *level = topic;

    while (level != NULL && count < MAX_LEVELS) {
        const char *slash = strchr(level, '/');
        size_t length = slash != NULL ? (size_t)(slash - level) : strlen(level);
        char *text = g_strndup(level, length);
        char *shortened = tap_shorten(text, MAX_LEVEL_CHARACTERS);
        bool needs_slash = count > 0 || length == 0;

        levels[count++] = needs_slash ? g_strconcat("/", shortened, NULL) : g_strdup(shortened);
        g_free(shortened);
        g_free(text);
        level = slash != NULL ? slash + 1 : NULL;
    }
    if (level != NULL)
        levels[count++] = g_strdup(DEEPER_NAME);
    return count;
}

/** How many of a topic's nodes are missing. */
static unsigned count_missing(const struct bounded_tree *bounded, char *levels[], unsigned count)
{
    int parent = bounded->root;

    for (unsigned i = 0; i < count; i++) {
        parent = bounded_child(bounded, parent, levels[i]);
        if (parent < 0)
            return count - i;
    }
    return 0;
}

/** Counts a message in a node and returns the node's id. */
static int count_in(struct bounded_tree *bounded, int parent, const char *name, int payload)
{
    int id = bounded_child(bounded, parent, name);

    if (id < 0)
        id = bounded_make(bounded, parent, name);
    if (parent == bounded->root) /* counts in the root as well */
        stats_tree_tick_pivot(bounded->tree, parent, name);
    else
        tick_stat_node(bounded->tree, name, parent, TRUE);
    avg_stat_node_add_value_notick(bounded->tree, name, parent, TRUE, payload);
    return id;
}

static void count_publish(struct bounded_tree *bounded, char *levels[], unsigned count,
                          const struct mqtt_publish *publish, enum tap_direction direction)
{
    static const char *const direction_names[] = {
        [TAP_TO_BROKER] = "published",
        [TAP_TO_CLIENT] = "delivered",
        [TAP_DIRECTION_UNKNOWN] = "published or delivered",
    };
    static const char *const qos_names[] = {"QoS 0", "QoS 1", "QoS 2", "QoS 3 (invalid)"};
    unsigned missing = count_missing(bounded, levels, count);
    int payload = (int)MIN(publish->payload.length, (uint32_t)G_MAXINT);
    int id = bounded->root;

    if (missing > 0 && !bounded_has_room(bounded, missing + LEAVES)) {
        count_in(bounded, bounded->root, FURTHER_NAME, payload);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        id = count_in(bounded, id, levels[i], payload);
    if (missing > 0)
        bounded->nodes += LEAVES;
    id = tick_stat_node(bounded->tree, direction_names[direction], id, TRUE);
    tick_stat_node(bounded->tree, qos_names[publish->qos & 3], id, FALSE);
    if (publish->retain)
        tick_stat_node(bounded->tree, "RETAIN", id, FALSE);
}

/** The name of the node for messages whose topic is not known. */
static const char *name_without_topic(const struct mqtt_packet *packet)
{
    if (mqtt_is_malformed(packet))
        return MALFORMED_NAME;
    if (mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS) != NULL)
        return ALIAS_NAME;
    return packet->fault.kind == MQTT_FAULT_CUT ? TRUNCATED_NAME : EMPTY_NAME;
}

static tap_packet_status topics_on_packet(stats_tree *tree, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                          const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;
    char *levels[MAX_LEVELS + 1];
    unsigned count = 0;

    if (record->packet.type != MQTT_TYPE_PUBLISH)
        return TAP_PACKET_DONT_REDRAW;
    if (record->topic[0] == '\0')
        levels[count++] = g_strdup(name_without_topic(&record->packet));
    else
        count = split_topic(record->topic, levels);
    count_publish(bounded_find(tree), levels, count, &record->packet.publish, tap_direction_of(record));
    while (count > 0)
        g_free(levels[--count]);
    return TAP_PACKET_REDRAW;
}

void tap_register_topics_tree(int proto _U_)
{
    stats_tree_register_plugin(TAP_NAME, "mqttscope_topics", "MQTT" COMPAT_SUBMENU "Topics",
                               ST_SORT_COL_NAME << ST_FLG_SRTCOL_SHIFT, topics_on_packet, topics_on_init, bounded_end);
}
