/* recent-publishes.c - what Clients published lately at each broker, to recognise a message where it is delivered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "recent-publishes.h"

#include "../store/endpoint.h"
#include "../store/text.h"
#include "connection.h"

static struct track_broker_history *find_history(const struct track_context *tracking)
{
    const struct track_capture *capture = tracking->capture;
    const struct track_endpoint *broker = &tracking->connection->transport.ends[tracking->snapshot.broker];

    for (unsigned i = 0; i < capture->broker_count; i++)
        if (track_is_same_endpoint(&capture->brokers[i]->broker, broker))
            return capture->brokers[i];
    return NULL;
}

const struct track_broker_history *track_broker_history_of(const struct track_context *tracking)
{
    return find_history(tracking);
}

/** The messages at the connection's broker; made where there are none yet. NULL where there are too many brokers. */
static struct track_broker_history *make_history(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;
    struct track_broker_history *history = find_history(tracking);

    if (history != NULL || capture->broker_count == TRACK_BROKERS_MAX)
        return history;
    if (capture->brokers == NULL)
        capture->brokers = (struct track_broker_history **)track_file_alloc_always(
            &capture->memory, TRACK_BROKERS_MAX * sizeof(struct track_broker_history *));
    history = (struct track_broker_history *)track_alloc(tracking, sizeof *history);
    if (history == NULL)
        return NULL;
    history->broker = tracking->connection->transport.ends[tracking->snapshot.broker];
    history->number = capture->broker_count;
    capture->brokers[capture->broker_count++] = history;
    return history;
}

/** The first slot, from one in `oldest` or `later` on, that has this content; 0 where there is none. */
static uint16_t find_from(const struct track_broker_history *history, uint16_t slot, uint32_t content)
{
    while (slot != 0 && history->contents[slot - 1] != content)
        slot = history->later[slot - 1];
    return slot;
}

/** The first slot that has a content; 0 where none has. */
static uint16_t find_content(const struct track_broker_history *history, uint32_t content)
{
    return content != 0 ? find_from(history, history->oldest[content % TRACK_CONTENT_LISTS], content) : 0;
}

/** Keeps a content in the slot of the oldest one, which is returned. What has the same content is nobody's from here on. */
static struct track_recent_publish *keep_content(struct track_broker_history *history, uint32_t content,
                                                 bool *is_repeated)
{
    uint16_t same = find_content(history, content);
    uint16_t slot = (uint16_t)(history->count++ % TRACK_RECENT_PUBLISHES_MAX + 1);
    uint32_t gone = history->contents[slot - 1];

    *is_repeated = same != 0;
    if (same != 0)
        history->kept[same - 1].is_repeated = true;
    if (gone != 0)
        history->oldest[gone % TRACK_CONTENT_LISTS] = history->later[slot - 1];
    history->contents[slot - 1] = content;
    history->later[slot - 1] = 0;
    if (content != 0) {
        unsigned list = content % TRACK_CONTENT_LISTS;
        if (history->oldest[list] == 0)
            history->oldest[list] = slot;
        else
            history->later[history->latest[list] - 1] = slot;
        history->latest[list] = slot;
    }
    return &history->kept[slot - 1];
}

const struct track_recent_publish *track_find_recent_publish(struct track_context *tracking, struct track_topic topic)
{
    const struct track_broker_history *history = find_history(tracking);

    if (history == NULL)
        return NULL;
    uint16_t slot = find_content(history, track_publish_hash(tracking, topic));
    if (slot == 0 || history->kept[slot - 1].is_repeated || history->kept[slot - 1].order <= history->doubted_to)
        return NULL;
    return &history->kept[slot - 1];
}

const struct track_recent_publish *track_find_retained_replacement(const struct track_context *tracking, uint32_t topic,
                                                                   uint32_t order)
{
    const struct track_broker_history *history = find_history(tracking);
    const struct track_recent_publish *latest = NULL;

    for (unsigned i = 0; history != NULL && i < TRACK_RECENT_PUBLISHES_MAX; i++) {
        const struct track_recent_publish *each = &history->kept[i];
        if (each->topic == topic && each->retain && each->order > order &&
            (latest == NULL || each->order > latest->order))
            latest = each;
    }
    return latest;
}

bool track_is_published(const struct track_broker_history *history, uint32_t content)
{
    uint16_t slot = history->oldest[content % TRACK_CONTENT_LISTS];

    while ((slot = find_from(history, slot, content)) != 0 && history->kept[slot - 1].topic == 0)
        slot = history->later[slot - 1];
    return slot != 0;
}

void track_recent_publishes_doubt(struct track_capture *capture)
{
    for (unsigned i = 0; i < capture->broker_count; i++)
        capture->brokers[i]->doubted_to = capture->brokers[i]->count;
}

void track_update_recent_publishes(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic topic;
    bool is_repeated;

    if (packet->type != MQTT_TYPE_PUBLISH || mqtt_is_malformed(packet) || !track_is_from_client(tracking))
        return;
    struct track_broker_history *history = make_history(tracking);
    if (history == NULL)
        return;
    if (packet->fault.kind != MQTT_FAULT_NONE)
        history->doubted_to = history->count; /* it may be the same as one of them */
    if (!track_topic_of_publish(tracking, &topic))
        return;
    struct track_recent_publish *kept = keep_content(history, track_publish_hash(tracking, topic), &is_repeated);
    *kept = (struct track_recent_publish){
        .topic = track_topic_hash(tracking, topic),
        .frame = tracking->pdu.frame,
        .connection = tracking->connection->number,
        .order = history->count,
        .ns = tracking->now_ns,
        .qos = packet->publish.qos,
        .retain = packet->publish.retain,
        .is_empty = packet->publish.payload.length == 0,
        .is_repeated = is_repeated,
        .is_v5 = packet->version == MQTT_V50 && packet->fault.kind == MQTT_FAULT_NONE,
    };
    if (kept->is_v5)
        track_read_forwarded(packet, &packet->properties, &kept->properties);
}

uint32_t track_recent_publishes_add_will(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_broker_history *history = make_history(tracking);
    bool is_repeated;

    if (history == NULL)
        return 0;
    uint32_t topic = track_hash_bytes(packet->bytes + connect->will_topic.at, connect->will_topic.length);
    uint32_t content = track_message_hash(tracking, topic, connect->will_payload);
    struct track_recent_publish *kept = keep_content(history, content, &is_repeated);
    /* It may be published at any time, for this CONNECT or the next of the same Client: what looks like it is nobody's. */
    *kept = (struct track_recent_publish){.frame = tracking->pdu.frame, .is_repeated = true};
    return content;
}
