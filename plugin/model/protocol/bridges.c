/* bridges.c - follows messages over bridges, from one broker to the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A prefix that the bridge adds is taken off level by level, until the topic is one that was published. One that it removes has
 * to be looked for in the topics of the last publications, which are kept for that once there is a bridge.
 */
#include "bridges.h"

#include <string.h>

enum {
    LEVELS_MOST = 8,  /**< of a prefix that a bridge may have added */
    RECENT_MOST = 64, /**< publications whose topic is kept */
    TOPIC_MOST = 128, /**< bytes of it; a longer one is not */
};

/** A publication with its topic. */
struct recent_topic {
    uint64_t payload;     /**< hash */
    uint32_t publication; /**< index + 1; 0: the slot is unused */
    uint32_t length;
    uint8_t bytes[TOPIC_MOST];
};

/** The last of them. File scope. */
struct track_recent_topics {
    struct recent_topic kept[RECENT_MOST];
    unsigned next;
};

void track_remember_for_bridges(struct track_context *tracking, struct track_topic topic)
{
    struct track_journeys *journeys = tracking->capture->journeys;

    if (journeys->topics == NULL || topic.length > TOPIC_MOST)
        return;
    struct recent_topic *slot = &journeys->topics->kept[journeys->topics->next++ % RECENT_MOST];
    slot->payload = tracking->payload_hash;
    slot->publication = journeys->publications.list.count;
    slot->length = topic.length;
    memcpy(slot->bytes, topic.bytes, topic.length);
}

/** True where a publication was made at another broker than the packet's. */
static bool is_elsewhere(const struct track_context *tracking, uint32_t index)
{
    const struct track_publications *publications = &tracking->capture->journeys->publications;
    const struct track_publication *publication = track_publication_at(publications, index);

    return track_publication_source_of(publications, publication)->connection->journey.place !=
           tracking->connection->journey.place;
}

/** Index + 1 of the publication whose topic has a prefix more; 0 where none has. */
static uint32_t find_longer(const struct track_context *tracking, struct track_topic topic)
{
    const struct track_recent_topics *topics = tracking->capture->journeys->topics;

    for (unsigned i = 1; i <= RECENT_MOST; i++) {
        const struct recent_topic *each = &topics->kept[(topics->next - i) % RECENT_MOST];
        if (each->publication == 0)
            return 0;
        uint32_t more = each->length > topic.length ? each->length - topic.length : 0;
        if (more > 1 && topic.length > 0 && each->payload == tracking->payload_hash && each->bytes[more - 1] == '/' &&
            memcmp(each->bytes + more, topic.bytes, topic.length) == 0 && is_elsewhere(tracking, each->publication - 1))
            return each->publication;
    }
    return 0;
}

/** Index + 1 of the publication of the topic, or of what is left of it without a prefix; 0 where there is none. */
static uint32_t find_shorter(struct track_context *tracking, struct track_topic topic)
{
    const struct track_publications *publications = &tracking->capture->journeys->publications;

    for (unsigned level = 0; level < LEVELS_MOST && topic.length > 0; level++) {
        uint64_t content = track_message_content(tracking, topic, tracking->packet->publish.payload);
        uint32_t order = track_publications_latest(publications, content);
        if (order == publications->list.count) /* the bridge's own */
            order = track_publication_at(publications, order - 1)->previous;
        if (order != 0 && is_elsewhere(tracking, order - 1))
            return order;
        const uint8_t *slash = (const uint8_t *)memchr(topic.bytes, '/', topic.length);
        uint32_t left = slash != NULL ? (uint32_t)(slash + 1 - topic.bytes) : topic.length;
        topic = (struct track_topic){topic.bytes + left, topic.length - left};
    }
    return 0;
}

void track_follow_bridge(struct track_context *tracking, struct track_topic topic)
{
    struct track_journeys *journeys = tracking->capture->journeys;
    uint32_t origin = find_shorter(tracking, topic);

    if (origin == 0 && journeys->topics != NULL)
        origin = find_longer(tracking, topic);
    if (origin != 0)
        track_publications_continue(&journeys->publications, origin - 1, TRACK_PUBLICATION_BRIDGED);
}

void track_begin_bridge(struct track_context *tracking)
{
    struct track_journeys *journeys = tracking->capture->journeys;

    if (journeys->topics == NULL)
        journeys->topics = (struct track_recent_topics *)track_alloc(tracking, sizeof *journeys->topics);
}
