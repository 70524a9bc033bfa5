/* journey.c - the generated subtree with the journey of a packet's message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/to_str.h>

#include "../compat.h"
#include "../wire/utf8.h"
#include "fields.h"
#include "show.h"

/** Deliveries of one publication that are linked; what is more is counted. */
enum { LINKS_MOST = 1000 };

#define FIELD(symbol) show_fields[SHOW_##symbol]

static void add_journey_string(const struct show_context *context, proto_tree *tree, int field, const char *value)
{
    proto_item_set_generated(proto_tree_add_string(tree, field, context->tvb, 0, 0, value));
}

static void add_journey_number(const struct show_context *context, proto_tree *tree, int field, uint32_t value)
{
    proto_item_set_generated(proto_tree_add_uint(tree, field, context->tvb, 0, 0, value));
}

static void add_journey_time(const struct show_context *context, proto_tree *tree, int field, int64_t ns)
{
    nstime_t time = {(time_t)(ns / 1000000000), (int)(ns % 1000000000)};

    if (ns != TRACK_TIME_UNKNOWN)
        proto_item_set_generated(proto_tree_add_time(tree, field, context->tvb, 0, 0, &time));
}

const char *show_publisher(const struct show_context *context)
{
    const struct track_journey *journey = &context->facts->journey;

    if (journey->publisher_id != NULL)
        return show_text_value(context, journey->publisher_id);
    const struct track_endpoint *end = track_connection_end(journey->publisher, journey->publisher_end);
    bool is_v6 = end->length == 16;
    address where = ADDRESS_INIT(is_v6 ? AT_IPv6 : AT_IPv4, end->length, end->address);
    const char *text = address_to_str(context->pinfo->pool, &where);
    return wmem_strdup_printf(context->pinfo->pool, is_v6 ? "[%s]:%u" : "%s:%u", text, end->port);
}

const char *show_publisher_name(const struct show_context *context)
{
    const struct track_text *client_id = context->facts->journey.publisher_id;

    if (client_id == NULL)
        return show_publisher(context);
    if (mqtt_utf8_is_plain(client_id->bytes, client_id->length))
        return (const char *)client_id->bytes;
    return compat_format_text(context->pinfo->pool, client_id->bytes, client_id->length);
}

/** Where a publication is delivered. That lies in the future: on the first visit nothing is known of it. */
static void show_deliveries(const struct show_context *context, proto_tree *tree)
{
    const struct track_journey *journey = &context->facts->journey;

    if (!PINFO_FD_VISITED(context->pinfo) || journey->is_will)
        return;
    uint32_t *frames = wmem_alloc_array(context->pinfo->pool, uint32_t, LINKS_MOST);
    uint32_t count = track_journey_deliveries(journey->publisher, journey->publication, frames, LINKS_MOST);
    for (uint32_t i = 0; i < MIN(count, LINKS_MOST) && show_has_room(tree); i++)
        add_journey_number(context, tree, FIELD(DELIVERED_IN), frames[i]);
    add_journey_number(context, tree, FIELD(DELIVERIES), count);
}

/** Where a delivery comes from. */
static void show_origin(const struct show_context *context, proto_tree *tree)
{
    const struct track_journey *journey = &context->facts->journey;

    add_journey_number(context, tree, FIELD(PUBLISHED_IN), journey->published_in);
    add_journey_string(context, tree, FIELD(PUBLISHER), show_publisher(context));
    add_journey_string(context, tree, FIELD(MESSAGE_KIND),
                       track_journey_kind_name((enum track_journey_kind)journey->kind));
    add_journey_string(context, tree, FIELD(MESSAGE_CERTAINTY), journey->is_certain ? "certain" : "likely");
    add_journey_time(context, tree, FIELD(BROKER_TIME), journey->broker_ns);
}

/** The trace that the application carries along in a User Property (W3C Trace Context). */
static void show_trace(const struct show_context *context, proto_tree *tree)
{
    static const char name[] = "traceparent";
    const struct mqtt_packet *packet = context->packet;
    const struct mqtt_properties *properties = &packet->properties;
    struct mqtt_property property;
    uint32_t at = 0;

    if (packet->type != MQTT_TYPE_PUBLISH || !(properties->seen & mqtt_property_bit(MQTT_PROPERTY_USER_PROPERTY)))
        return;
    while (mqtt_properties_next(packet, properties, &at, &property))
        if (property.index == MQTT_PROPERTY_USER_PROPERTY && property.text.length == sizeof name - 1 &&
            memcmp(packet->bytes + property.text.at, name, sizeof name - 1) == 0) {
            proto_item_set_generated(show_span(context, tree, FIELD(TRACEPARENT), property.text2, ENC_UTF_8));
            return;
        }
}

/** What the PUBLISH replies to, and what replies to it. */
static void show_replies(const struct show_context *context, proto_tree *tree)
{
    const struct track_journey *journey = &context->facts->journey;

    if (journey->reply_in != 0)
        add_journey_number(context, tree, FIELD(REPLY_IN), journey->reply_in);
    if (journey->reply_to != 0) {
        add_journey_number(context, tree, FIELD(REPLY_TO), journey->reply_to);
        add_journey_time(context, tree, FIELD(REPLY_TIME), journey->reply_ns);
    }
}

void show_journey(const struct show_context *context, proto_tree *parent)
{
    const struct track_journey *journey = &context->facts->journey;

    show_replies(context, parent);
    show_trace(context, parent);
    if (journey->part == TRACK_JOURNEY_NO_PART)
        return;
    proto_item *item = NULL;
    proto_tree *tree =
        proto_tree_add_subtree(parent, context->tvb, 0, 0, show_subtrees[SHOW_SUBTREE_JOURNEY], &item, "Journey");
    proto_item_set_generated(item);
    if (journey->message != 0)
        add_journey_number(context, tree, FIELD(MESSAGE), journey->message);
    if (journey->part == TRACK_JOURNEY_UNKNOWN)
        add_journey_string(context, tree, FIELD(PUBLISHER), "unknown publisher");
    else if (journey->part == TRACK_JOURNEY_DELIVERY)
        show_origin(context, tree);
    else if (journey->part == TRACK_JOURNEY_PUBLICATION)
        show_deliveries(context, tree);
    add_journey_time(context, tree, FIELD(END_TO_END_TIME), journey->end_to_end_ns);
}
