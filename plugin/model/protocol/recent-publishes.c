/* recent-publishes.c - what Clients published lately at each broker.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "recent-publishes.h"

#include <string.h>

#include "../conformance/check-delivery.h"

/** The messages at the connection's broker; NULL where there are none yet, or too many brokers. */
static struct track_broker_history *history_of(const struct track_context *tracking, bool makes)
{
    struct track_connection *connection = tracking->connection;
    struct track_capture *capture = connection->capture;
    const struct track_endpoint *broker = &connection->transport.ends[tracking->snapshot.broker];

    for (unsigned i = 0; i < capture->broker_count; i++) {
        struct track_broker_history *history = capture->brokers[i];
        if (track_is_same_endpoint(&history->broker, broker))
            return history;
    }
    if (!makes || capture->broker_count == TRACK_BROKERS_MAX)
        return NULL;
    if (capture->brokers == NULL)
        capture->brokers = (struct track_broker_history **)wmem_alloc0(
            capture->scope, TRACK_BROKERS_MAX * sizeof(struct track_broker_history *));
    struct track_broker_history *made = wmem_new0(capture->scope, struct track_broker_history);
    made->broker = *broker;
    capture->brokers[capture->broker_count++] = made;
    return made;
}

/** A hash of topic and payload; 0 where they are not all there, or too short to be told from others. */
static uint32_t content_of(const struct mqtt_packet *packet, uint32_t topic, struct mqtt_span payload)
{
    enum { SHORTEST = 6, MOST = 1024 };

    if (packet->fault.kind != MQTT_FAULT_NONE || payload.length < SHORTEST)
        return 0;
    uint32_t hash = topic * 31 + payload.length;
    hash ^= track_hash_bytes(packet->bytes + payload.at, MIN(payload.length, MOST));
    if (payload.length > MOST)
        hash += 17 * track_hash_bytes(packet->bytes + payload.at + payload.length - MOST, MOST);
    return hash != 0 ? hash : 1;
}

/** The same of the PUBLISH being tracked; reckoned once. */
static uint32_t content_of_publish(struct track_context *tracking, struct track_topic topic)
{
    if (!tracking->has_content)
        tracking->content = content_of(tracking->packet, track_hash_bytes(topic.bytes, topic.length),
                                       tracking->packet->publish.payload);
    tracking->has_content = true;
    return tracking->content;
}

static uint32_t hash_span(const struct mqtt_packet *packet, struct mqtt_span span)
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

void track_read_forwarded(const struct mqtt_packet *packet, const struct mqtt_properties *block,
                          struct track_forwarded_properties *properties)
{
    static const enum mqtt_property_index kinds[TRACK_FORWARDED_KINDS] = {
        [TRACK_FORWARDED_FORMAT] = MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR,
        [TRACK_FORWARDED_CONTENT_TYPE] = MQTT_PROPERTY_CONTENT_TYPE,
        [TRACK_FORWARDED_RESPONSE_TOPIC] = MQTT_PROPERTY_RESPONSE_TOPIC,
        [TRACK_FORWARDED_CORRELATION] = MQTT_PROPERTY_CORRELATION_DATA,
    };
    const struct mqtt_property *expiry = mqtt_properties_find(block, MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL);
    struct mqtt_property property;
    uint32_t at = 0;

    memset(properties, 0, sizeof *properties);
    properties->has_expiry = expiry != NULL;
    properties->expiry_s = expiry != NULL ? expiry->number : 0;
    for (unsigned kind = 0; kind < TRACK_FORWARDED_KINDS; kind++) {
        const struct mqtt_property *found = mqtt_properties_find(block, kinds[kind]);
        /* A Payload Format Indicator of 0 says what none says. */
        if (found != NULL && !(kind == TRACK_FORWARDED_FORMAT && found->number == 0))
            properties->values[kind] = hash_span(packet, found->text.at != 0 ? found->text : found->value);
        if (found != NULL && (kind == TRACK_FORWARDED_CONTENT_TYPE || kind == TRACK_FORWARDED_RESPONSE_TOPIC))
            properties->bare[kind] = hash_bare(packet, found->text);
    }
    while (mqtt_properties_next(packet, block, &at, &property)) {
        if (property.index != MQTT_PROPERTY_USER_PROPERTY)
            continue;
        uint32_t hash = hash_span(packet, property.value);
        properties->users = properties->users * 31 + hash;
        properties->users_unsorted += hash;
        properties->user_count++;
    }
}

/** The first, from a place in `oldest` or `later` on, that has this content; 0 where there is none. */
static uint16_t find_from(const struct track_broker_history *history, uint16_t place, uint32_t content)
{
    while (place != 0 && history->contents[place - 1] != content)
        place = history->later[place - 1];
    return place;
}

/** Finds a content; the kept publications' place, or TRACK_RECENT_PUBLISHES_MAX. */
static unsigned find_content(const struct track_broker_history *history, uint32_t content)
{
    uint16_t place = content != 0 ? find_from(history, history->oldest[content % TRACK_CONTENT_SLOTS], content) : 0;
    return place != 0 ? place - 1u : TRACK_RECENT_PUBLISHES_MAX;
}

/** Keeps a content in the place of the oldest one, which is returned. */
static unsigned keep_content(struct track_broker_history *history, uint32_t content)
{
    unsigned at = history->count++ % TRACK_RECENT_PUBLISHES_MAX;
    uint32_t gone = history->contents[at];

    if (gone != 0)
        history->oldest[gone % TRACK_CONTENT_SLOTS] = history->later[at];
    history->contents[at] = content;
    history->later[at] = 0;
    if (content != 0) {
        unsigned slot = content % TRACK_CONTENT_SLOTS;
        uint16_t place = (uint16_t)(at + 1);
        if (history->oldest[slot] == 0)
            history->oldest[slot] = place;
        else
            history->later[history->latest[slot] - 1] = place;
        history->latest[slot] = place;
    }
    return at;
}

struct track_recent_publish *track_find_recent_publish(struct track_context *tracking, struct track_topic topic)
{
    struct track_broker_history *history = history_of(tracking, false);

    if (history == NULL)
        return NULL;
    uint32_t content = content_of_publish(tracking, topic);
    unsigned at = find_content(history, content);
    if (at == TRACK_RECENT_PUBLISHES_MAX || history->kept[at].is_repeated ||
        history->kept[at].order <= history->doubted_to)
        return NULL;
    return &history->kept[at];
}

const struct track_recent_publish *track_find_retained_replacement(const struct track_context *tracking, uint32_t topic,
                                                                   uint32_t order)
{
    const struct track_broker_history *history = history_of(tracking, false);
    const struct track_recent_publish *latest = NULL;

    for (unsigned i = 0; history != NULL && i < TRACK_RECENT_PUBLISHES_MAX; i++) {
        const struct track_recent_publish *each = &history->kept[i];
        if (each->topic == topic && each->retain && each->order > order &&
            (latest == NULL || each->order > latest->order))
            latest = each;
    }
    return latest;
}

void track_recent_publishes_doubt(struct track_capture *capture)
{
    for (unsigned i = 0; i < capture->broker_count; i++)
        capture->brokers[i]->doubted_to = capture->brokers[i]->count;
}

void track_recent_publishes_add(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic topic;

    if (packet->fault.kind > MQTT_FAULT_CUT)
        return;
    struct track_broker_history *history = history_of(tracking, true);
    if (history == NULL)
        return;
    if (packet->fault.kind != MQTT_FAULT_NONE)
        history->doubted_to = history->count; /* it may be the same as one of them */
    if (!track_topic_of_publish(tracking, &topic))
        return;
    uint32_t topic_hash = track_hash_bytes(topic.bytes, topic.length);
    uint32_t content = content_of_publish(tracking, topic);
    unsigned same = find_content(history, content);
    if (same < TRACK_RECENT_PUBLISHES_MAX)
        history->kept[same].is_repeated = true;
    unsigned at = keep_content(history, content);
    history->kept[at] = (struct track_recent_publish){
        .topic = topic_hash,
        .frame = tracking->pdu.frame,
        .connection = tracking->connection->number,
        .order = history->count,
        .ns = tracking->now_ns,
        .qos = packet->publish.qos,
        .retain = packet->publish.retain,
        .is_empty = packet->publish.payload.length == 0,
        .is_repeated = same < TRACK_RECENT_PUBLISHES_MAX,
        .is_v5 = packet->version == MQTT_V50 && packet->fault.kind == MQTT_FAULT_NONE,
    };
    if (history->kept[at].is_v5)
        track_read_forwarded(packet, &packet->properties, &history->kept[at].properties);
}

void track_recent_publishes_add_will(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;

    if (packet->fault.kind != MQTT_FAULT_NONE || !(connect->flags & MQTT_CONNECT_WILL) || connect->will_topic.at == 0)
        return;
    struct track_broker_history *history = history_of(tracking, true);
    if (history == NULL)
        return;
    uint32_t topic = track_hash_bytes(packet->bytes + connect->will_topic.at, connect->will_topic.length);
    uint32_t content = content_of(packet, topic, connect->will_payload);
    unsigned same = find_content(history, content);
    if (same < TRACK_RECENT_PUBLISHES_MAX)
        history->kept[same].is_repeated = true;
    /* It may come at any time, from the CONNECT or the next of the same Client: what looks like it is nobody's. */
    unsigned at = keep_content(history, content);
    history->kept[at] = (struct track_recent_publish){.frame = tracking->pdu.frame, .is_repeated = true};
    track_wills_add(tracking, history, content);
}

/** True where a captured PUBLISH looks like this; `content` is not 0. */
static bool is_published(const struct track_broker_history *history, uint32_t content)
{
    uint16_t place = history->oldest[content % TRACK_CONTENT_SLOTS];

    while ((place = find_from(history, place, content)) != 0 && history->kept[place - 1].topic == 0)
        place = history->later[place - 1];
    return place != 0;
}

void track_check_will_delivery(struct track_context *tracking, struct track_topic topic,
                               enum track_will_question question)
{
    struct track_broker_history *history =
        tracking->connection->capture->wills != NULL ? history_of(tracking, false) : NULL;

    if (history == NULL)
        return;
    uint32_t content = content_of_publish(tracking, topic);
    if (content == 0 || is_published(history, content))
        return;
    if (question == TRACK_WILL_COPIES)
        track_wills_compare_copies(tracking, history, content);
    else if (question == TRACK_WILL_STORED)
        track_wills_compare_stored(tracking, history, content);
    else
        track_wills_compare(tracking, history, content);
}

void track_note_shared_failure(struct track_context *tracking)
{
    struct track_broker_history *history = history_of(tracking, false);
    uint32_t refused = tracking->record != NULL ? tracking->record->request_in : 0;

    for (unsigned i = 0; history != NULL && refused != 0 && i < TRACK_RECENT_PUBLISHES_MAX; i++)
        if (history->kept[i].shared_in == refused && history->kept[i].shared_to == tracking->connection)
            history->kept[i].is_refused = true;
}
