/* items.c - what each part of the tree is built from: runs of bytes under a field, and the room that is left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <epan/prefs.h>

#include "fields.h"
#include "show.h"

bool show_is_wanted(proto_tree *tree)
{
    return tree != NULL &&
           (proto_field_is_referenced(tree, show_proto_mqtt) || proto_field_is_referenced(tree, show_proto_scope));
}

/** Wireshark would take the bytes after a NUL for stray ones, and report them; that is for our rules to do. */
static bool holds_nul(const struct show_context *context, int field, uint32_t at, uint32_t length)
{
    return proto_registrar_get_ftype(field) == FT_STRING && memchr(context->packet->bytes + at, 0, length) != NULL;
}

proto_item *show_span(const struct show_context *context, proto_tree *tree, int field, struct mqtt_span span,
                      unsigned encoding)
{
    uint32_t captured = context->packet->captured;

    if (span.at == 0 || span.at > captured)
        return NULL;
    uint32_t length = span.length < captured - span.at ? span.length : captured - span.at;
    int start = (int)span.at;
    proto_item *item = holds_nul(context, field, span.at, length)
                           ? proto_tree_add_string(tree, field, context->tvb, start, (int)length,
                                                   (const char *)tvb_get_string_enc(context->pinfo->pool, context->tvb,
                                                                                    start, (int)length, encoding))
                           : proto_tree_add_item(tree, field, context->tvb, start, (int)length, encoding);
    if (length < span.length)
        proto_item_append_text(item, " [cut: %u of %u bytes]", length, span.length);
    return item;
}

proto_item *show_leaf(const struct show_context *context, proto_tree *tree, int field, struct mqtt_span span,
                      unsigned encoding)
{
    return proto_field_is_referenced(tree, field) ? show_span(context, tree, field, span, encoding) : NULL;
}

proto_item *show_integer(const struct show_context *context, proto_tree *tree, int field, int at, int size)
{
    if (!proto_field_is_referenced(tree, field))
        return NULL;
    return proto_tree_add_item(tree, field, context->tvb, at, size, ENC_BIG_ENDIAN);
}

void show_bits(const struct show_context *context, proto_tree *tree, int at, int field, int subtree, int *const *bits)
{
    bool is_wanted = proto_field_is_referenced(tree, field);

    for (unsigned i = 0; !is_wanted && bits[i] != NULL; i++)
        is_wanted = proto_field_is_referenced(tree, *bits[i]);
    if (is_wanted)
        proto_tree_add_bitmask(tree, context->tvb, at, field, subtree, bits, ENC_BIG_ENDIAN);
}

bool show_has_room_for(const proto_tree *tree, uint64_t items)
{
    return tree == NULL || PTREE_DATA(tree)->count + items < prefs.gui_max_tree_items - prefs.gui_max_tree_items / 10;
}

bool show_has_room(const proto_tree *tree)
{
    return show_has_room_for(tree, 0);
}

void show_no_room(const struct show_context *context, proto_tree *tree)
{
    proto_tree_add_expert(tree, context->pinfo, &show_experts[SHOW_EXPERT_LIMIT_ITEMS], context->tvb, 0, 0);
}
