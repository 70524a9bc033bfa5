/* walk.c - looks at everything that a decoded packet points to, and says what of it cannot be.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "walk.h"

#include <stddef.h>

#include "../../wire/utf8.h"
#include "../../wire/validity.h"

#define FAIL_IF(wrong, text)                                                                                           \
    do {                                                                                                               \
        if (wrong)                                                                                                     \
            return text;                                                                                               \
    } while (0)

/** Keeps the compiler from leaving the reads out. */
static volatile unsigned sum;

static uint32_t readable_length(const struct mqtt_packet *packet)
{
    return packet->captured < packet->length ? packet->captured : packet->length;
}

/** Touches what the buffer holds of a span. */
static const char *walk_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    FAIL_IF(span.at > packet->length || span.length > packet->length - span.at, "a span leaves the packet");
    if (packet->fault.kind == MQTT_FAULT_NONE)
        FAIL_IF(span.length > 0 && span.at + span.length > readable_length(packet), "a span leaves the buffer");
    for (uint32_t i = span.at; i < span.at + span.length && i < packet->captured; i++)
        sum += packet->bytes[i];
    if (span.at < packet->captured && span.length <= packet->captured - span.at) {
        uint32_t worst_at;
        mqtt_utf8_judge(packet->bytes + span.at, span.length, &worst_at);
        FAIL_IF(worst_at > 0 && worst_at >= span.length, "the UTF-8 judge names a byte outside of the text");
    }
    return NULL;
}

static bool is_within(struct mqtt_span inner, struct mqtt_span outer)
{
    return inner.at == 0 || (inner.at >= outer.at && inner.at + inner.length <= outer.at + outer.length);
}

static const char *walk_property(const struct mqtt_packet *packet, const struct mqtt_properties *properties,
                                 const struct mqtt_property *property)
{
    const struct mqtt_span spans[] = {property->whole, property->value, property->text, property->text2};

    FAIL_IF((unsigned)property->index >= MQTT_PROPERTY_COUNT, "a property has no row");
    FAIL_IF(!(properties->seen & 1u << property->index), "the iterator finds a property that decoding did not");
    FAIL_IF(property->whole.length < 2, "a property is shorter than an identifier and a byte");
    FAIL_IF(!is_within(property->whole, properties->block), "a property leaves its block");
    for (unsigned i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        FAIL_IF(!is_within(spans[i], property->whole), "a part of a property leaves it");
        const char *wrong = walk_span(packet, spans[i]);
        FAIL_IF(wrong, wrong);
    }
    return NULL;
}

static const char *walk_properties(const struct mqtt_packet *packet, const struct mqtt_properties *properties)
{
    struct mqtt_property property;
    uint32_t at = 0, previous, count = 0, seen = 0, repeated = 0;

    if (properties->length_at.at == 0) {
        FAIL_IF(properties->seen, "properties without a block");
        return NULL;
    }
    const char *wrong = walk_span(packet, properties->length_at);
    FAIL_IF(wrong, wrong);
    FAIL_IF(properties->block.at + properties->block.length > packet->length, "a property block leaves the packet");
    for (previous = 0; mqtt_properties_next(packet, properties, &at, &property); previous = at) {
        FAIL_IF(at <= previous, "the property iterator stands still");
        wrong = walk_property(packet, properties, &property);
        FAIL_IF(wrong, wrong);
        repeated |= seen & 1u << property.index;
        seen |= 1u << property.index;
        count++;
    }
    FAIL_IF(count > properties->block.length, "more properties than bytes");
    FAIL_IF(seen != properties->seen, "the property iterator and decoding saw different properties");
    FAIL_IF(repeated != properties->repeated, "the property iterator and decoding saw different repetitions");
    for (unsigned i = 0; i < MQTT_PROPERTY_COUNT; i++) {
        const struct mqtt_property *found = mqtt_properties_find(properties, (enum mqtt_property_index)i);
        FAIL_IF((found != NULL) != !!(seen & 1u << i), "the search finds other properties than the iterator");
        FAIL_IF(found != NULL && found->index != i, "the search finds a property of another kind");
    }
    return NULL;
}

static const char *walk_connect(const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;
    const struct mqtt_span spans[] = {
        connect->protocol_name, connect->client_id, connect->will_topic,
        connect->will_payload,  connect->user_name, connect->password,
    };

    for (unsigned i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        const char *wrong = walk_span(packet, spans[i]);
        FAIL_IF(wrong, wrong);
    }
    FAIL_IF(connect->level_at >= packet->captured && connect->level_at != 0, "the level is not in the buffer");
    FAIL_IF(connect->flags_at >= packet->captured && connect->flags_at != 0, "the flags are not in the buffer");
    return walk_properties(packet, &connect->will_properties);
}

static const char *walk_list(const struct mqtt_packet *packet)
{
    struct mqtt_filter filter;
    uint32_t at = 0, previous = 0;

    const char *wrong = walk_span(packet, packet->list);
    FAIL_IF(wrong, wrong);
    if (packet->type != MQTT_TYPE_SUBSCRIBE && packet->type != MQTT_TYPE_UNSUBSCRIBE)
        return NULL;
    while (mqtt_filters_next(packet, &at, &filter)) {
        FAIL_IF(at <= previous, "the filter iterator stands still");
        previous = at;
        wrong = walk_span(packet, filter.text);
        FAIL_IF(wrong, wrong);
        FAIL_IF(filter.options_at >= packet->captured, "subscription options are not in the buffer");
        FAIL_IF((filter.options_at != 0) != (packet->type == MQTT_TYPE_SUBSCRIBE), "options in the wrong packet");
    }
    FAIL_IF(packet->list.at != 0 && packet->fault.kind == MQTT_FAULT_NONE && packet->list.length > 0 &&
                at != packet->list.at + packet->list.length,
            "the filters of a whole packet do not fill it");
    return NULL;
}

static const char *walk_fault(const struct mqtt_packet *packet)
{
    const struct mqtt_fault *fault = &packet->fault;

    FAIL_IF(packet->read_to > readable_length(packet), "read further than the buffer");
    if (fault->kind == MQTT_FAULT_NONE) {
        FAIL_IF(packet->read_to != packet->length, "no fault, though bytes are left");
        return NULL;
    }
    FAIL_IF(mqtt_fault_field_name(packet)[0] == '\0', "a fault without a field");
    FAIL_IF(fault->kind == MQTT_FAULT_CUT && packet->captured >= packet->length, "cut, though all bytes are there");
    FAIL_IF(mqtt_is_malformed(packet) && mqtt_trusted_length(packet) > packet->read_to, "trusted further than read");
    FAIL_IF(fault->at.at > packet->length || fault->at.length > packet->length - fault->at.at,
            "a fault's bytes leave the packet");
    return NULL;
}

const char *walk_packet(const struct mqtt_packet *packet)
{
    const char *wrong = walk_fault(packet);

    FAIL_IF(packet->packet_id_at != 0 && packet->packet_id_at + 2 > readable_length(packet),
            "the Packet Identifier is not in the buffer");
    FAIL_IF(packet->reason_at != 0 && packet->reason_at >= readable_length(packet), "the code is not in the buffer");
    if (wrong == NULL)
        wrong = walk_properties(packet, &packet->properties);
    if (wrong == NULL)
        wrong = walk_list(packet);
    if (wrong == NULL && packet->type == MQTT_TYPE_CONNECT)
        wrong = walk_connect(packet);
    if (wrong == NULL && packet->type == MQTT_TYPE_PUBLISH) {
        wrong = walk_span(packet, packet->publish.topic);
        if (wrong == NULL && packet->publish.payload.at != 0)
            FAIL_IF(packet->publish.payload.at + packet->publish.payload.length != packet->length,
                    "the payload does not end with the packet");
    }
    mqtt_packet_is_plausible(packet);
    return wrong;
}
