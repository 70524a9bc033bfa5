/* tree.c - the tree of one control packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../wire/utf8.h"
#include "fields.h"
#include "show.h"

#define FIELD(symbol) show_fields[SHOW_##symbol]

/** Adds a length-prefixed field: its two-byte length, and its content by one or two fields. */
static void show_prefixed(const struct show_context *context, proto_tree *tree, int length_field, int field,
                          struct mqtt_span span, unsigned encoding)
{
    if (span.at == 0)
        return;
    show_integer(context, tree, length_field, (int)span.at - 2, 2);
    show_leaf(context, tree, field, span, encoding);
}

static bool is_span_text(const struct show_context *context, struct mqtt_span span)
{
    const struct mqtt_packet *packet = context->packet;
    return span.at != 0 && span.at + span.length <= packet->captured &&
           mqtt_utf8_judge(packet->bytes + span.at, span.length, NULL) < MQTT_UTF8_ILL_FORMED;
}

/** Adds binary data, and as text as well where it is text. */
static void show_binary(const struct show_context *context, proto_tree *tree, int field, int text_field,
                        struct mqtt_span span)
{
    show_leaf(context, tree, field, span, ENC_NA);
    if (proto_field_is_referenced(tree, text_field) && is_span_text(context, span))
        show_span(context, tree, text_field, span, ENC_UTF_8 | ENC_NA);
}

static void show_fixed_header(const struct show_context *context, proto_tree *tree)
{
    static int *const publish_bits[] = {&FIELD(TYPE), &FIELD(DUP), &FIELD(QOS), &FIELD(RETAIN), NULL};
    static int *const v31_request_bits[] = {&FIELD(TYPE), &FIELD(DUP), &FIELD(QOS), &FIELD(RETAIN_RESERVED), NULL};
    static int *const other_bits[] = {&FIELD(TYPE), &FIELD(FLAGS_RESERVED), NULL};
    const struct mqtt_packet *packet = context->packet;
    int *const *bits = other_bits;

    if (packet->type == MQTT_TYPE_PUBLISH)
        bits = publish_bits;
    else if (packet->version == MQTT_V31 && mqtt_packet_type_flags(packet->type) == 2)
        bits = v31_request_bits;
    show_bits(context, tree, 0, FIELD(HEADER), show_subtrees[SHOW_SUBTREE_HEADER], bits);
    if (packet->remaining_length_at.at != 0)
        proto_tree_add_uint64(tree, FIELD(REMAINING_LENGTH), context->tvb, (int)packet->remaining_length_at.at,
                              (int)packet->remaining_length_at.length, packet->remaining_length);
}

static void show_connect_header(const struct show_context *context, proto_tree *tree)
{
    static int *const flag_bits[] = {
        &FIELD(CONNECT_USER_NAME), &FIELD(CONNECT_PASSWORD), &FIELD(CONNECT_WILL_RETAIN), &FIELD(CONNECT_WILL_QOS),
        &FIELD(CONNECT_WILL),      &FIELD(CONNECT_CLEAN),    &FIELD(CONNECT_RESERVED),    NULL};
    const struct mqtt_connect *connect = &context->packet->connect;
    tvbuff_t *tvb = context->tvb;

    show_prefixed(context, tree, FIELD(PROTOCOL_LENGTH), FIELD(PROTOCOL), connect->protocol_name, ENC_UTF_8);
    if (connect->level_at != 0) {
        proto_item *item = proto_tree_add_item(tree, FIELD(LEVEL), tvb, (int)connect->level_at, 1, ENC_BIG_ENDIAN);
        if (connect->level & MQTT_LEVEL_BRIDGE) {
            proto_tree *level = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_LEVEL]);
            show_integer(context, level, FIELD(LEVEL_BRIDGE), (int)connect->level_at, 1);
            show_integer(context, level, FIELD(LEVEL_NUMBER), (int)connect->level_at, 1);
        }
    }
    if (connect->flags_at != 0)
        show_bits(context, tree, (int)connect->flags_at, FIELD(CONNECT_FLAGS), show_subtrees[SHOW_SUBTREE_FLAGS],
                  flag_bits);
    if (connect->keep_alive_at != 0)
        show_integer(context, tree, FIELD(KEEP_ALIVE), (int)connect->keep_alive_at, 2);
}

static void show_connect(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_connect *connect = &context->packet->connect;

    show_connect_header(context, tree);
    show_properties(context, tree, &context->packet->properties, false);
    show_prefixed(context, tree, FIELD(CLIENT_ID_LENGTH), FIELD(CLIENT_ID), connect->client_id, ENC_UTF_8);
    show_properties(context, tree, &connect->will_properties, true);
    if (connect->will_topic.at != 0) {
        show_integer(context, tree, FIELD(WILL_TOPIC_LENGTH), (int)connect->will_topic.at - 2, 2);
        if (connect->will_topic.length > 0)
            show_leaf(context, tree, FIELD(WILL_TOPIC), connect->will_topic, ENC_UTF_8);
    }
    if (connect->will_payload.at != 0) {
        show_integer(context, tree, FIELD(WILL_PAYLOAD_LENGTH), (int)connect->will_payload.at - 2, 2);
        show_binary(context, tree, FIELD(WILL_PAYLOAD), FIELD(WILL_PAYLOAD_TEXT), connect->will_payload);
    }
    show_prefixed(context, tree, FIELD(USER_NAME_LENGTH), FIELD(USER_NAME), connect->user_name, ENC_UTF_8);
    if (connect->password.at != 0) {
        show_integer(context, tree, FIELD(PASSWORD_LENGTH), (int)connect->password.at - 2, 2);
        show_leaf(context, tree, FIELD(PASSWORD_BYTES), connect->password, ENC_NA);
        /* A password is binary data; its text is kept for filters made for Wireshark's own dissector. */
        proto_item *item = show_leaf(context, tree, FIELD(PASSWORD), connect->password, ENC_UTF_8);
        if (!is_span_text(context, connect->password))
            proto_item_set_hidden(item);
    }
}

/** Adds the code of an answer under the field that its packet and version have. */
static void show_reason(const struct show_context *context, proto_tree *tree, uint32_t at)
{
    static const enum show_field fields[16] = {
        [MQTT_TYPE_CONNACK] = SHOW_REASON_CONNACK,   [MQTT_TYPE_PUBACK] = SHOW_REASON_PUBACK,
        [MQTT_TYPE_PUBREC] = SHOW_REASON_PUBREC,     [MQTT_TYPE_PUBREL] = SHOW_REASON_PUBREL,
        [MQTT_TYPE_PUBCOMP] = SHOW_REASON_PUBCOMP,   [MQTT_TYPE_SUBACK] = SHOW_REASON_SUBACK,
        [MQTT_TYPE_UNSUBACK] = SHOW_REASON_UNSUBACK, [MQTT_TYPE_DISCONNECT] = SHOW_REASON_DISCONNECT,
        [MQTT_TYPE_AUTH] = SHOW_REASON_AUTH,
    };
    const struct mqtt_packet *packet = context->packet;
    int field = show_fields[fields[packet->type]];

    if (packet->version != MQTT_V50)
        field = packet->type == MQTT_TYPE_CONNACK ? FIELD(RETURN_CODE) : FIELD(GRANTED_QOS);
    show_integer(context, tree, field, (int)at, 1);
}

static void show_connack(const struct show_context *context, proto_tree *tree)
{
    static int *const flag_bits[] = {&FIELD(ACK_FLAGS_RESERVED), &FIELD(ACK_SESSION_PRESENT), NULL};
    const struct mqtt_packet *packet = context->packet;

    if (packet->ack_flags_at != 0 && packet->version == MQTT_V31)
        show_integer(context, tree, FIELD(ACK_BYTE_RESERVED), (int)packet->ack_flags_at, 1);
    else if (packet->ack_flags_at != 0)
        show_bits(context, tree, (int)packet->ack_flags_at, FIELD(ACK_FLAGS), show_subtrees[SHOW_SUBTREE_FLAGS],
                  flag_bits);
    if (packet->reason_at != 0)
        show_reason(context, tree, packet->reason_at);
    /* A Server that does not know MQTT 5.0 refuses it in the form of its own version. Wireshark's own dissector has the code
     * under the name that it has in the version of the CONNECT. */
    if (packet->reason_at != 0 && packet->version != MQTT_V50 && context->facts->snapshot->version == MQTT_V50)
        proto_item_set_hidden(show_integer(context, tree, FIELD(REASON_CONNACK), (int)packet->reason_at, 1));
    show_properties(context, tree, &packet->properties, false);
}

static void show_packet_id(const struct show_context *context, proto_tree *tree)
{
    if (context->packet->packet_id_at != 0)
        show_integer(context, tree, FIELD(PACKET_ID), (int)context->packet->packet_id_at, 2);
}

/** The topic of a PUBLISH that uses a Topic Alias, as if it had been written out. */
static void show_aliased_topic(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_property *alias = mqtt_properties_find(&context->packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    const struct track_packet_record *record = context->facts->record;
    const struct track_text *topic = track_alias_topic(context->facts);

    if (alias == NULL || record == NULL || !record->uses_alias)
        return;
    const char *text = topic != NULL ? show_text_value(context, topic) : "";
    proto_item_set_generated(proto_tree_add_string(tree, FIELD(TOPIC), context->tvb, (int)alias->value.at, 0, text));
}

static void show_publish(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_packet *packet = context->packet;
    struct mqtt_span topic = packet->publish.topic;

    if (topic.at != 0)
        show_integer(context, tree, FIELD(TOPIC_LENGTH), (int)topic.at - 2, 2);
    if (topic.length > 0)
        show_leaf(context, tree, FIELD(TOPIC), topic, ENC_UTF_8);
    show_packet_id(context, tree);
    show_properties(context, tree, &packet->properties, false);
    show_aliased_topic(context, tree);
    show_binary(context, tree, FIELD(PAYLOAD), FIELD(PAYLOAD_TEXT), packet->publish.payload);
}

/** One entry of a SUBSCRIBE or an UNSUBSCRIBE, under an item that names its Topic Filter. */
static void show_filter(const struct show_context *context, proto_tree *parent, const struct mqtt_filter *filter)
{
    static int *const option_bits[] = {&FIELD(OPTIONS_RESERVED),
                                       &FIELD(OPTIONS_RETAIN_HANDLING),
                                       &FIELD(OPTIONS_RETAIN_AS_PUBLISHED),
                                       &FIELD(OPTIONS_NO_LOCAL),
                                       &FIELD(OPTIONS_QOS),
                                       NULL};
    tvbuff_t *tvb = context->tvb;
    int start = (int)filter->text.at - 2;
    int size = 2 + (int)filter->text.length + (filter->options_at ? 1 : 0);

    proto_item *entry = proto_tree_add_item(parent, FIELD(FILTER_ENTRY), tvb, start, size, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(entry, show_subtrees[SHOW_SUBTREE_FILTER]);
    if (PTREE_DATA(parent)->visible)
        proto_item_append_text(entry, ": %s",
                               tvb_format_text(context->pinfo->pool, tvb, start + 2, (int)filter->text.length));

    show_integer(context, tree, FIELD(FILTER_LENGTH), start, 2);
    if (filter->text.length > 0)
        show_leaf(context, tree, FIELD(FILTER), filter->text, ENC_UTF_8);
    if (filter->options_at == 0)
        return;
    if (context->packet->version == MQTT_V50)
        proto_tree_add_bitmask(tree, tvb, (int)filter->options_at, FIELD(OPTIONS), show_subtrees[SHOW_SUBTREE_OPTIONS],
                               option_bits, ENC_BIG_ENDIAN);
    else
        show_integer(context, tree, FIELD(REQUESTED_QOS), (int)filter->options_at, 1);
}

static void show_filters(const struct show_context *context, proto_tree *tree)
{
    struct mqtt_filter filter;
    uint32_t at = 0;

    show_packet_id(context, tree);
    show_properties(context, tree, &context->packet->properties, false);
    while (show_has_room(tree) && mqtt_filters_next(context->packet, &at, &filter))
        show_filter(context, tree, &filter);
}

static void show_codes(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_packet *packet = context->packet;

    show_packet_id(context, tree);
    show_properties(context, tree, &packet->properties, false);
    for (uint32_t i = 0; show_has_room(tree) && i < packet->list.length && packet->list.at + i < packet->captured; i++)
        show_reason(context, tree, packet->list.at + i);
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT and AUTH: what they have of identifier, code and properties. */
static void show_simple(const struct show_context *context, proto_tree *tree)
{
    show_packet_id(context, tree);
    if (context->packet->reason_at != 0)
        show_reason(context, tree, context->packet->reason_at);
    show_properties(context, tree, &context->packet->properties, false);
}

static void show_body(const struct show_context *context, proto_tree *tree)
{
    switch (context->packet->type) {
    case MQTT_TYPE_CONNECT:
        show_connect(context, tree);
        break;
    case MQTT_TYPE_CONNACK:
        show_connack(context, tree);
        break;
    case MQTT_TYPE_PUBLISH:
        show_publish(context, tree);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        show_filters(context, tree);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        show_codes(context, tree);
        break;
    default:
        show_simple(context, tree);
        break;
    }
}

/** The bytes after the place where reading stopped, as far as the capture holds them. */
static void show_unread(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_packet *packet = context->packet;
    struct mqtt_span rest = {packet->read_to, packet->length - packet->read_to};

    if (packet->fault.kind == MQTT_FAULT_PROPERTY_UNKNOWN) {
        show_integer(context, tree, FIELD(PROPERTY_ID), (int)packet->fault.at.at, 1);
        show_leaf(context, tree, FIELD(PROPERTY_UNKNOWN), rest, ENC_UTF_8);
    }
    if (packet->fault.kind != MQTT_FAULT_NONE && rest.at < packet->captured && rest.length > 0)
        show_leaf(context, tree, FIELD(UNREAD), rest, ENC_NA);
}

proto_tree *show_tree(const struct show_context *context, proto_tree *parent, const struct show_faults *faults)
{
    const struct mqtt_packet *packet = context->packet;

    if (parent == NULL) {
        show_findings(context, NULL);
        show_events(context, NULL);
        show_faults(context, NULL, faults);
        return NULL;
    }
    proto_item *item = proto_tree_add_item(parent, show_proto_mqtt, context->tvb, 0, (int)packet->captured, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_PACKET]);

    show_findings(context, tree);
    show_events(context, tree);
    show_faults(context, tree, faults);
    /* Where nothing is wanted the item alone is made: Wireshark counts it in its protocol hierarchy. */
    if (!show_is_wanted(parent))
        return tree;
    if (PTREE_DATA(parent)->visible) {
        proto_item_append_text(item, ", %s", mqtt_packet_type_name(packet->type));
        if (packet->packet_id_at != 0)
            proto_item_append_text(item, " (%u)", packet->packet_id);
        if (packet->type == MQTT_TYPE_PUBLISH)
            proto_item_append_text(item, ", %s", show_topic_text(context));
    }
    show_fixed_header(context, tree);
    show_body(context, tree);
    show_unread(context, tree);
    show_scope(context, tree);
    return tree;
}
