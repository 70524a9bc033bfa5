/* scope.c - the generated subtree with what is inferred about a packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "../compat.h"
#include "fields.h"
#include "show.h"

#define FIELD(symbol) show_fields[SHOW_##symbol]

static const char *const version_source_names[] = {
    [MQTT_VERSION_FROM_NOTHING] = "unknown",
    [MQTT_VERSION_FROM_PREFERENCE] = "preference",
    [MQTT_VERSION_FROM_PACKETS] = "inferred",
    [MQTT_VERSION_FROM_CONNECT] = "CONNECT",
};

const char *show_topic_text(const struct show_context *context)
{
    const struct mqtt_packet *packet = context->packet;
    const struct mqtt_note *note = context->facts->note;
    struct mqtt_span topic = packet->publish.topic;

    if (topic.length > 0 && topic.at + topic.length <= packet->captured)
        return tvb_format_text(context->pinfo->pool, context->tvb, (int)topic.at, (int)topic.length);
    if (note != NULL && note->topic != NULL)
        return compat_format_text(context->pinfo->pool, note->topic->bytes, note->topic->length);
    return "";
}

/** The PUBLISH's topic whether or not an alias was used, and where the alias was set. */
static void show_resolved_topic(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_packet *packet = context->packet;
    const struct mqtt_note *note = context->facts->note;
    struct mqtt_span topic = packet->publish.topic;
    proto_item *item = NULL;

    if (topic.length > 0) {
        item = show_span(context, tree, FIELD(RESOLVED_TOPIC), topic, ENC_UTF_8);
    } else if (note != NULL && note->topic != NULL) {
        item = proto_tree_add_string(tree, FIELD(RESOLVED_TOPIC), context->tvb, 0, 0, (const char *)note->topic->bytes);
        proto_item_set_generated(
            proto_tree_add_uint(tree, FIELD(ALIAS_SET_IN), context->tvb, 0, 0, note->alias_set_in));
    }
    proto_item_set_generated(item);
}

void show_scope(const struct show_context *context, proto_tree *parent)
{
    const struct mqtt_facts *facts = context->facts;
    tvbuff_t *tvb = context->tvb;

    if (!proto_field_is_referenced(parent, show_proto_scope))
        return;
    proto_item *item = proto_tree_add_item(parent, show_proto_scope, tvb, 0, 0, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_SCOPE]);
    proto_item_set_generated(item);

    if (facts->version != MQTT_VERSION_UNKNOWN)
        proto_item_set_generated(proto_tree_add_uint(tree, FIELD(VERSION), tvb, 0, 0, facts->version));
    proto_item_set_generated(
        proto_tree_add_string(tree, FIELD(VERSION_SOURCE), tvb, 0, 0, version_source_names[facts->version_source]));
    proto_item_set_generated(proto_tree_add_uint(tree, FIELD(CONNECTION), tvb, 0, 0, facts->connection));
    proto_item_set_generated(proto_tree_add_uint(tree, FIELD(PDU), tvb, 0, 0, facts->place.pdu));
    if (context->packet->type == MQTT_TYPE_PUBLISH)
        show_resolved_topic(context, tree);
}
