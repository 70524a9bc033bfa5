/* stream-bytes.c - the views of bytes that are no control packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/expert.h>

#include "fields.h"
#include "show.h"

#define FIELD(symbol) show_fields[SHOW_##symbol]

/** Adds stream bytes under a tree item of their own, with one expert item. */
static void show_stream_bytes(tvbuff_t *tvb, packet_info *pinfo, proto_tree *parent, enum show_expert expert)
{
    proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, tvb, 0, -1, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);

    item = proto_tree_add_item(tree, FIELD(UNFRAMED), tvb, 0, -1, ENC_NA);
    expert_add_info(pinfo, item, &show_experts[expert]);
}

void show_unframed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    show_info_remark(pinfo, "[start of an MQTT packet unknown]");
    show_stream_bytes(tvb, pinfo, tree, SHOW_EXPERT_UNFRAMED);
}

void show_over_limit(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    show_info_remark(pinfo, "[packet not reassembled: memory limit reached]");
    show_stream_bytes(tvb, pinfo, tree, SHOW_EXPERT_LIMIT_MEMORY);
}

void show_proxy_header(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    show_info_remark(pinfo, "[PROXY protocol header]");
    show_stream_bytes(tvb, pinfo, tree, SHOW_EXPERT_PROXY_HEADER);
}

void show_foreign(tvbuff_t *tvb, packet_info *pinfo, proto_tree *parent, const char *name, bool is_answer)
{
    proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, tvb, 0, -1, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);

    show_info_remark(pinfo, wmem_strdup_printf(pinfo->pool, "[not MQTT: %s]", name));
    item = proto_tree_add_item(tree, FIELD(UNFRAMED), tvb, 0, -1, ENC_NA);
    if (is_answer)
        expert_add_info_format(pinfo, item, &show_experts[SHOW_EXPERT_FOREIGN],
                               "Client and Server use different protocols: expected MQTT, found %s", name);
    else
        expert_add_info_format(pinfo, item, &show_experts[SHOW_EXPERT_FOREIGN_CLIENT],
                               "Client begins with another protocol: expected CONNECT, found %s", name);
}

void show_unframeable(const struct show_context *context, proto_tree *parent)
{
    const struct show_faults faults = {1, {{SHOW_EXPERT_FRAMING, {0, context->packet->captured}}}};
    proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, context->tvb, 0, -1, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);

    show_info_remark(context->pinfo, "[Remaining Length of more than four bytes]");
    proto_tree_add_item(tree, FIELD(UNFRAMED), context->tvb, 0, -1, ENC_NA);
    show_faults(context, tree, &faults);
    show_findings(context, tree);
    show_scope(context, tree);
}

void show_repeated(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    show_info_remark(pinfo, "[earlier bytes, retransmitted or captured out of order]");
    show_stream_bytes(tvb, pinfo, tree, SHOW_EXPERT_REPEATED);
}
