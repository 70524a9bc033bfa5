/* closing.c - what is shown of a packet whose end has not come: where it begins, and where the connection is closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/expert.h>

#include "fields.h"
#include "show.h"

void show_beginning(const struct show_context *context, proto_tree *parent, uint32_t arrived)
{
    const struct mqtt_packet *packet = context->packet;
    proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, context->tvb, 0, (int)packet->captured, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);

    proto_item_append_text(item, ", beginning of %s: %u of %u bytes", mqtt_packet_type_name(packet->type), arrived,
                           packet->length);
    show_info_of_beginning(context, arrived);
    show_findings(context, tree);
    show_connection_scope(context, tree);
}

/** Puts events before what TCP or TLS says in the Info column, which is too long for anything to be seen after it. */
static void prepend_events(const struct show_context *context)
{
    for (unsigned i = context->events->count; i-- > 0;) {
        const struct check_event *event = &context->events->list[i];
        if (event->severity >= CHECK_NOTE)
            col_prepend_fstr(context->pinfo->cinfo, COL_INFO, "[%s] ",
                             track_event_info((enum track_event_kind)event->event->kind)->short_title);
    }
}

/** The tree of TCP, which has just been dissected: a frame that merely closes a connection is TCP's, as Wireshark's own
 *  dissector leaves it. */
static proto_tree *find_tcp_tree(proto_tree *parent)
{
    proto_tree *tree = parent != NULL && parent->last_child != NULL ? proto_item_get_subtree(parent->last_child) : NULL;
    return tree != NULL ? tree : parent;
}

void show_closing(const struct show_context *context, proto_tree *parent, const struct track_unfinished *unfinished,
                  unsigned count)
{
    packet_info *pinfo = context->pinfo;
    proto_tree *tree = find_tcp_tree(parent);

    if (count > 0 || context->findings->count > 0) {
        proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, context->tvb, 0, 0, ENC_NA);
        tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);
        proto_item_append_text(item, ", end of the connection");
        col_set_str(pinfo->cinfo, COL_PROTOCOL, "MQTT");
    }
    for (unsigned i = 0; i < count; i++) {
        char text[TRACK_UNFINISHED_TEXT_SIZE];
        track_unfinished_text(&unfinished[i], context->facts->snapshot->broker, text, sizeof text);
        col_append_fstr(pinfo->cinfo, COL_INFO, " [%s]", text);
        proto_tree_add_expert_format(tree, pinfo, &show_experts[SHOW_EXPERT_NOT_COMPLETED], context->tvb, 0, 0, "%s",
                                     text);
    }
    prepend_events(context);
    show_findings(context, tree);
    show_events(context, tree);
    show_connection_scope(context, tree);
}
