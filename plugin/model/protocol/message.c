/* message.c - what a PUBLISH or a Will carries: its topic, its contents, its properties.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "message.h"

#include <string.h>

#include "../facts/captured.h"
#include "../store/text.h"

/** Reads the topic of the PUBLISH being tracked: an Application Message's has no wildcard (section 4.7.1). */
static void read_topic(struct track_context *tracking)
{
    const struct track_packet_record *record = tracking->record;
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span span = packet->publish.topic;

    tracking->has_topic = true;
    if (span.at == 0 || span.at + span.length > packet->captured || span.at + span.length > packet->length)
        return;
    bool uses_alias = record != NULL && record->uses_alias;
    if (uses_alias && record->topic == NULL)
        return;
    const uint8_t *bytes = uses_alias ? record->topic->bytes : packet->bytes + span.at;
    uint32_t length = uses_alias ? record->topic->length : span.length;
    if (length == 0 || memchr(bytes, '+', length) != NULL || memchr(bytes, '#', length) != NULL)
        return;
    tracking->topic = bytes;
    tracking->topic_length = length;
}

bool track_topic_of_publish(struct track_context *tracking, struct track_topic *topic)
{
    if (!tracking->has_topic)
        read_topic(tracking);
    *topic = (struct track_topic){tracking->topic, tracking->topic_length};
    return topic->bytes != NULL;
}

/** A hash of a span: of as many of its first bytes as were captured. */
static uint32_t hash_captured(const struct mqtt_packet *packet, struct mqtt_span span)
{
    uint32_t at = MIN(span.at, packet->captured);
    return track_hash_bytes(packet->bytes + at, MIN(span.length, packet->captured - at)) ^ span.length;
}

uint32_t track_subscription_id_of(const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    const struct mqtt_property *id = mqtt_properties_find(properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);

    if (id == NULL || properties->repeated & mqtt_property_bit(MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER))
        return 0;
    return id->number;
}

/** A hash of a payload that was captured whole; of a long one only the ends count. */
static uint64_t hash_payload(const struct track_context *tracking, struct mqtt_span payload)
{
    const uint64_t key = tracking->capture->hash_key;
    const uint8_t *bytes = tracking->packet->bytes + payload.at;

    if (!track_is_sampled(payload))
        return track_hash_keyed(key, bytes, payload.length);
    return track_hash_keyed(key ^ payload.length, bytes, TRACK_SAMPLE) +
           track_hash_keyed(~key, bytes + payload.length - TRACK_SAMPLE, TRACK_SAMPLE);
}

/** The same of the payload of the PUBLISH being tracked, or a Will's; computed once. */
static uint64_t payload_hash(struct track_context *tracking, struct mqtt_span payload)
{
    if (!tracking->has_payload)
        tracking->payload_hash = hash_payload(tracking, payload);
    tracking->has_payload = true;
    return tracking->payload_hash;
}

uint32_t track_message_hash(struct track_context *tracking, uint32_t topic, struct mqtt_span payload)
{
    if (tracking->packet->fault.kind != MQTT_FAULT_NONE || payload.length < TRACK_CONTENT_LEAST)
        return 0;
    uint32_t hash = topic * 31 + payload.length;
    hash ^= (uint32_t)payload_hash(tracking, payload);
    return hash != 0 ? hash : 1;
}

uint64_t track_message_content(struct track_context *tracking, struct track_topic topic, struct mqtt_span payload)
{
    uint64_t hash = track_hash_keyed(tracking->capture->hash_key, topic.bytes, topic.length) * 31;
    return hash ^ payload_hash(tracking, payload);
}

uint32_t track_topic_hash(struct track_context *tracking, struct track_topic topic)
{
    if (!tracking->has_topic_hash)
        tracking->topic_hash = track_hash_bytes(topic.bytes, topic.length);
    tracking->has_topic_hash = true;
    return tracking->topic_hash;
}

uint32_t track_content_hash(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span payload = packet->publish.payload;
    struct track_topic topic;

    if (packet->type != MQTT_TYPE_PUBLISH) {
        struct mqtt_span all = {packet->packet_id_at, packet->length - packet->packet_id_at};
        return hash_captured(packet, all);
    }
    uint32_t hash = track_topic_of_publish(tracking, &topic) ? track_topic_hash(tracking, topic)
                                                             : hash_captured(packet, packet->publish.topic);
    return hash * 31 + (track_has_span(packet, payload) ? (uint32_t)payload_hash(tracking, payload)
                                                        : hash_captured(packet, payload));
}

uint32_t track_publish_hash(struct track_context *tracking, struct track_topic topic)
{
    if (!tracking->has_content)
        tracking->content_hash =
            track_message_hash(tracking, track_topic_hash(tracking, topic), tracking->packet->publish.payload);
    tracking->has_content = true;
    return tracking->content_hash;
}

static uint32_t hash_value(const struct mqtt_packet *packet, struct mqtt_span span)
{
    uint32_t hash = track_hash_bytes(packet->bytes + span.at, span.length);
    return hash != 0 ? hash : 1;
}

/** A hash of a text without its U+FEFF, which is EF BB BF in UTF-8; 0 where it has none. */
static uint32_t hash_bare(const struct mqtt_packet *packet, struct mqtt_span text)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    const uint8_t *bytes = packet->bytes + text.at;
    uint8_t *bare = NULL;
    uint32_t length = 0;

    for (uint32_t i = 0; i < text.length; i++) {
        if (text.length - i >= sizeof mark && memcmp(bytes + i, mark, sizeof mark) == 0) {
            if (bare == NULL)
                bare = (uint8_t *)memcpy(g_malloc(text.length), bytes, i);
            i += sizeof mark - 1;
            continue;
        }
        if (bare != NULL)
            bare[length] = bytes[i];
        length++;
    }
    uint32_t hash = bare != NULL ? track_hash_bytes(bare, length) : 0;
    bool has_mark = bare != NULL;
    g_free(bare);
    return !has_mark ? 0 : hash != 0 ? hash : 1;
}

/** The properties but the User Properties. */
static void read_forwarded_values(const struct mqtt_packet *packet, const struct mqtt_properties *block,
                                  struct track_forwarded_properties *properties)
{
    static const enum mqtt_property_index kinds[TRACK_FORWARDED_KINDS] = {
        [TRACK_FORWARDED_FORMAT] = MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR,
        [TRACK_FORWARDED_CONTENT_TYPE] = MQTT_PROPERTY_CONTENT_TYPE,
        [TRACK_FORWARDED_RESPONSE_TOPIC] = MQTT_PROPERTY_RESPONSE_TOPIC,
        [TRACK_FORWARDED_CORRELATION] = MQTT_PROPERTY_CORRELATION_DATA,
    };
    const struct mqtt_property *expiry = mqtt_properties_find(block, MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL);

    properties->has_expiry = expiry != NULL;
    properties->expiry_s = expiry != NULL ? expiry->number : 0;
    for (unsigned kind = 0; kind < TRACK_FORWARDED_KINDS; kind++) {
        const struct mqtt_property *found = mqtt_properties_find(block, kinds[kind]);
        /* A Payload Format Indicator of 0 says what none says. */
        if (found != NULL && !(kind == TRACK_FORWARDED_FORMAT && found->number == 0))
            properties->values[kind] = hash_value(packet, found->text.at != 0 ? found->text : found->value);
        if (found != NULL && (kind == TRACK_FORWARDED_CONTENT_TYPE || kind == TRACK_FORWARDED_RESPONSE_TOPIC))
            properties->bare[kind] = hash_bare(packet, found->text);
    }
}

static void add_user_property(const struct mqtt_packet *packet, const struct mqtt_property *property,
                              struct track_forwarded_properties *properties)
{
    uint32_t hash = hash_value(packet, property->value);

    properties->users = properties->users * 31 + hash;
    properties->users_unsorted += hash;
    properties->user_count++;
}

void track_read_forwarded(const struct mqtt_packet *packet, const struct mqtt_properties *block,
                          struct track_forwarded_properties *properties)
{
    const uint32_t user = mqtt_property_bit(MQTT_PROPERTY_USER_PROPERTY);
    const uint32_t others =
        mqtt_property_bit(MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR) | mqtt_property_bit(MQTT_PROPERTY_CONTENT_TYPE) |
        mqtt_property_bit(MQTT_PROPERTY_RESPONSE_TOPIC) | mqtt_property_bit(MQTT_PROPERTY_CORRELATION_DATA) |
        mqtt_property_bit(MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL);
    struct mqtt_property property;
    uint32_t at = 0;

    memset(properties, 0, sizeof *properties);
    if (block->seen & others)
        read_forwarded_values(packet, block, properties);
    if (block->seen & user && !(block->repeated & user)) {
        add_user_property(packet, &block->first[MQTT_PROPERTY_USER_PROPERTY], properties);
        return;
    }
    while (block->seen & user && mqtt_properties_next(packet, block, &at, &property))
        if (property.index == MQTT_PROPERTY_USER_PROPERTY)
            add_user_property(packet, &property, properties);
}
