/* properties.c - the tree of a property block (MQTT 5.0 section 2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each property has a field of its own. Under it are the identifier and the generic fields of Wireshark's own
 * dissector; the latter are hidden, because the property's field says the same, and made only where they are referenced.
 */
#include <epan/proto.h>

#include "fields.h"
#include "show.h"

#define FIELD(symbol) show_fields[SHOW_##symbol]

/** Adds a generic field of the built-in, hidden, if it is referenced. */
static void show_kept(const struct show_context *context, proto_tree *tree, int field, struct mqtt_span span,
                      unsigned encoding)
{
    proto_item_set_hidden(show_leaf(context, tree, field, span, encoding));
}

static struct mqtt_span prefix_of(struct mqtt_span text)
{
    return (struct mqtt_span){text.at - 2, 2};
}

/** The property's own field. */
static int field_of(const struct mqtt_property *property, bool in_will)
{
    /* A property that has no business in a Will has no field there. */
    bool has_will_field = mqtt_property_info(property->index)->packets & 1u << MQTT_TYPE_WILL;
    return in_will && has_will_field ? show_will_property_fields[property->index]
                                     : show_property_fields[property->index];
}

/** A User Property: the pair as one text, and its halves. */
static void show_user_property(const struct show_context *context, proto_tree *parent,
                               const struct mqtt_property *property, bool in_will, proto_tree **subtree)
{
    const int *halves = in_will ? show_will_user_property_fields : show_user_property_fields;
    int field = field_of(property, in_will);
    wmem_allocator_t *pool = context->pinfo->pool;
    tvbuff_t *tvb = context->tvb;
    struct mqtt_span name = property->text;
    struct mqtt_span value = property->text2;
    const char *pair = "";

    if (proto_field_is_referenced(parent, field))
        pair =
            wmem_strdup_printf(pool, "%s: %s", tvb_get_string_enc(pool, tvb, (int)name.at, (int)name.length, ENC_UTF_8),
                               tvb_get_string_enc(pool, tvb, (int)value.at, (int)value.length, ENC_UTF_8));
    proto_item *item =
        proto_tree_add_string(parent, field, tvb, (int)property->whole.at, (int)property->whole.length, pair);
    *subtree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PROPERTY]);
    proto_tree_add_item(*subtree, FIELD(PROPERTY_ID), tvb, (int)property->whole.at, 1, ENC_BIG_ENDIAN);
    proto_tree_add_item(*subtree, FIELD(PROPERTY_NAME_LENGTH), tvb, (int)name.at - 2, 2, ENC_BIG_ENDIAN);
    show_span(context, *subtree, halves[SHOW_USER_PROPERTY_NAME], name, ENC_UTF_8);
    show_kept(context, *subtree, FIELD(PROPERTY_NAME), name, ENC_UTF_8);
    proto_tree_add_item(*subtree, FIELD(PROPERTY_VALUE_LENGTH), tvb, (int)value.at - 2, 2, ENC_BIG_ENDIAN);
    show_span(context, *subtree, halves[SHOW_USER_PROPERTY_VALUE], value, ENC_UTF_8);
    show_kept(context, *subtree, FIELD(PROPERTY_VALUE), value, ENC_UTF_8);
}

/** A number: its own field, and the generic one unless the built-in had a field for this property. */
static proto_item *show_number(const struct show_context *context, proto_tree *tree, int field,
                               const struct mqtt_property *property)
{
    int start = (int)property->value.at;
    int size = (int)property->value.length;

    if (proto_registrar_get_ftype(field) == FT_BOOLEAN)
        return proto_tree_add_boolean(tree, field, context->tvb, start, size, property->number);
    return proto_tree_add_uint(tree, field, context->tvb, start, size, property->number);
}

static void show_kept_number(const struct show_context *context, proto_tree *tree, const struct mqtt_property *property)
{
    if (property->index == MQTT_PROPERTY_MAXIMUM_QOS || property->index == MQTT_PROPERTY_TOPIC_ALIAS ||
        !proto_field_is_referenced(tree, FIELD(PROPERTY_NUMBER)))
        return;
    proto_item_set_hidden(proto_tree_add_uint(tree, FIELD(PROPERTY_NUMBER), context->tvb, (int)property->value.at,
                                              (int)property->value.length, property->number));
}

/** Text or binary data: its own field, its length, and the built-in's generic text. */
static void show_kept_text(const struct show_context *context, proto_tree *tree, const struct mqtt_property *property,
                           bool in_will)
{
    if (property->index == MQTT_PROPERTY_CONTENT_TYPE) {
        if (in_will)
            show_kept(context, tree, show_property_fields[property->index], prefix_of(property->text),
                      ENC_UTF_8 | ENC_BIG_ENDIAN);
        return;
    }
    proto_tree_add_item(tree, FIELD(PROPERTY_TEXT_LENGTH), context->tvb, (int)property->text.at - 2, 2, ENC_BIG_ENDIAN);
    show_kept(context, tree, FIELD(PROPERTY_TEXT), property->text, ENC_UTF_8);
}

/** A field is referenced that all properties have, or all of a type. */
static bool is_each_wanted(proto_tree *tree)
{
    static const enum show_field shared[] = {
        SHOW_PROPERTY_ID,          SHOW_PROPERTY_NUMBER, SHOW_PROPERTY_TEXT_LENGTH,  SHOW_PROPERTY_TEXT,
        SHOW_PROPERTY_NAME_LENGTH, SHOW_PROPERTY_NAME,   SHOW_PROPERTY_VALUE_LENGTH, SHOW_PROPERTY_VALUE};

    for (unsigned i = 0; i < G_N_ELEMENTS(shared); i++)
        if (proto_field_is_referenced(tree, show_fields[shared[i]]))
            return true;
    return false;
}

/** This property is referenced. */
static bool is_wanted(proto_tree *tree, const struct mqtt_property *property, bool in_will)
{
    const int *halves = in_will ? show_will_user_property_fields : show_user_property_fields;

    /* In a Will a property may be shown under its field of other packets as well. */
    if (proto_field_is_referenced(tree, field_of(property, in_will)) ||
        (in_will && proto_field_is_referenced(tree, show_property_fields[property->index])))
        return true;
    return property->index == MQTT_PROPERTY_USER_PROPERTY &&
           (proto_field_is_referenced(tree, halves[SHOW_USER_PROPERTY_NAME]) ||
            proto_field_is_referenced(tree, halves[SHOW_USER_PROPERTY_VALUE]));
}

static void show_property(const struct show_context *context, proto_tree *parent, const struct mqtt_property *property,
                          bool in_will)
{
    const struct mqtt_property_info *info = mqtt_property_info(property->index);
    int field = field_of(property, in_will);
    proto_item *item;
    proto_tree *tree;

    switch (info->type) {
    case MQTT_PROPERTY_PAIR:
        show_user_property(context, parent, property, in_will, &tree);
        return;
    case MQTT_PROPERTY_TEXT:
    case MQTT_PROPERTY_BINARY:
        if (property->index == MQTT_PROPERTY_CONTENT_TYPE)
            item = proto_tree_add_item(parent, field, context->tvb, (int)property->text.at - 2, 2,
                                       ENC_UTF_8 | ENC_BIG_ENDIAN);
        else
            item = show_span(context, parent, field, property->text,
                             info->type == MQTT_PROPERTY_TEXT ? ENC_UTF_8 : ENC_NA);
        tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PROPERTY]);
        proto_tree_add_item(tree, FIELD(PROPERTY_ID), context->tvb, (int)property->whole.at, 1, ENC_BIG_ENDIAN);
        show_kept_text(context, tree, property, in_will);
        return;
    default:
        item = show_number(context, parent, field, property);
        tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PROPERTY]);
        proto_tree_add_item(tree, FIELD(PROPERTY_ID), context->tvb, (int)property->whole.at, 1, ENC_BIG_ENDIAN);
        show_kept_number(context, tree, property);
        return;
    }
}

void show_properties(const struct show_context *context, proto_tree *parent, const struct mqtt_properties *properties,
                     bool in_will)
{
    if (properties->length_at.at == 0)
        return;

    struct mqtt_span whole = {properties->length_at.at, properties->length_at.length + properties->block.length};
    int field = in_will ? FIELD(WILL_PROPERTIES) : FIELD(PROPERTIES);
    proto_item *item = show_span(context, parent, field, whole, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PROPERTIES]);
    proto_tree_add_uint64(tree, FIELD(PROPERTY_LENGTH), context->tvb, (int)properties->length_at.at,
                          (int)properties->length_at.length, properties->announced);

    /* A filter references few fields, and asking that for each field of each property takes long. */
    bool shows_each = is_each_wanted(tree);
    struct mqtt_property property;
    uint32_t at = 0;
    while (show_has_room(tree) && mqtt_properties_next(context->packet, properties, &at, &property))
        if (shows_each || is_wanted(tree, &property, in_will))
            show_property(context, tree, &property, in_will);
}
