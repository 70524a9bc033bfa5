/* journey-facts.c - says what a packet is on the way of a message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "journey-facts.h"

#include <string.h>

#include "protocol/journey.h"
#include "protocol/replies.h"
#include "protocol/topic-match.h"

/** What a Client hands to the Server. */
static void describe_publication(const struct track_journeys *journeys, const struct track_connection *connection,
                                 const struct mqtt_packet *packet, struct track_facts *facts)
{
    struct track_journey *journey = &facts->journey;
    uint32_t order = track_publications_find(&journeys->publications, facts->pdu);

    if (order == 0)
        return;
    journey->part = TRACK_JOURNEY_PUBLICATION;
    journey->message = track_publication_number(&journeys->publications, order - 1);
    journey->publisher = connection;
    journey->publication = order - 1;
    journey->content = track_publication_at(&journeys->publications, order - 1)->content;
    journey->is_will = packet->type == MQTT_TYPE_CONNECT;
}

/** A delivery, or an acknowledgement of either. */
static void describe_step(const struct track_journeys *journeys, const struct track_journey_step *step,
                          struct track_journey *journey)
{
    const struct track_publication *from = track_publication_at(&journeys->publications, step->publication);
    const struct track_publication_source *source = track_publication_source_of(&journeys->publications, from);
    bool has_begun = from->begun_or_origin != TRACK_BEGUN_UNKNOWN && !(from->flags & TRACK_PUBLICATION_CONTINUES);

    journey->message = track_publication_number(&journeys->publications, step->publication);
    if (step->flags & TRACK_JOURNEY_TIMED && step->flags & TRACK_JOURNEY_COMPLETES && has_begun)
        journey->end_to_end_ns = step->ns + from->begun_or_origin;
    if (step->flags & TRACK_JOURNEY_ACKNOWLEDGES) {
        journey->part = TRACK_JOURNEY_ACKNOWLEDGEMENT;
        return;
    }
    journey->part = TRACK_JOURNEY_DELIVERY;
    journey->kind = step->flags & TRACK_JOURNEY_KIND;
    journey->is_certain = step->flags & TRACK_JOURNEY_CERTAIN;
    journey->published_in = from->frame;
    journey->content = from->content;
    journey->publisher = source->connection;
    journey->publisher_end = source->end;
    journey->publisher_id = source->client_id;
    if (step->flags & TRACK_JOURNEY_TIMED)
        journey->broker_ns = step->ns;
}

/** True where it is worth saying that nobody is known to have published a PUBLISH of the Server. */
static bool is_unexplained(const struct track_journeys *journeys, const struct track_connection *connection,
                           const struct mqtt_packet *packet, const struct track_facts *facts)
{
    static const uint8_t system[] = {'$', 'S', 'Y', 'S', '/'};
    struct mqtt_span topic = packet->publish.topic;
    bool is_kept = journeys->full_from == 0 || facts->pdu.frame < journeys->full_from;
    bool has_topic = topic.length > 0 || track_alias_topic(facts) != NULL;

    if (!is_kept || !has_topic || packet->fault.kind != MQTT_FAULT_NONE || connection->journey.place == NULL)
        return false;
    return topic.length < sizeof system || memcmp(packet->bytes + topic.at, system, sizeof system) != 0;
}

/** The request or reply that a PUBLISH is. */
static void describe_reply(const struct track_capture *capture, struct track_pdu_ref pdu, struct track_journey *journey)
{
    const struct track_reply *reply = track_find_reply(capture, pdu);

    if (reply == NULL)
        return;
    if (reply->is_request) {
        journey->reply_in = reply->other;
    } else {
        journey->reply_to = reply->other;
        journey->reply_ns = reply->ns;
    }
}

void track_describe_journey(const struct track_connection *connection, const struct mqtt_packet *packet,
                            struct track_facts *facts)
{
    const struct track_journeys *journeys = connection->capture->journeys;
    const struct track_snapshot *snapshot = facts->snapshot;
    struct track_journey *journey = &facts->journey;

    memset(journey, 0, sizeof *journey);
    journey->broker_ns = journey->end_to_end_ns = TRACK_TIME_UNKNOWN;
    if (journeys == NULL || snapshot->is_copy || snapshot->broker == TRACK_END_UNKNOWN ||
        track_is_untracked(connection))
        return;
    bool is_servers = snapshot->broker == facts->sender;
    bool is_publish = packet->type == MQTT_TYPE_PUBLISH;
    if (is_publish && connection->capture->replies != NULL)
        describe_reply(connection->capture, facts->pdu, journey);
    journey->is_awaited = connection->capture->options.closed_world && is_publish && packet->publish.qos > 0;
    bool is_response = packet->type >= MQTT_TYPE_PUBACK && packet->type <= MQTT_TYPE_PUBCOMP;
    if (!is_servers && (is_publish || packet->type == MQTT_TYPE_CONNECT)) {
        describe_publication(journeys, connection, packet, facts);
    } else if (is_publish || is_response) {
        const struct track_journey_step *step = track_journey_find_step(journeys, facts->pdu);
        if (step != NULL)
            describe_step(journeys, step, journey);
        else if (is_publish && is_unexplained(journeys, connection, packet, facts))
            journey->part = TRACK_JOURNEY_UNKNOWN;
    }
}

uint32_t track_journey_deliveries(const struct track_connection *connection, uint32_t publication, uint32_t *frames,
                                  uint32_t most)
{
    const struct track_journeys *journeys = connection->capture->journeys;
    uint32_t last = track_publication_at(&journeys->publications, publication)->last_delivery;
    const struct track_pieces *steps = &journeys->steps;
    uint32_t count = 0;
    uint32_t at;

    for (at = last; at != 0; at = ((const struct track_journey_step *)track_pieces_item(steps, at - 1))->before)
        count++;
    uint32_t left = count;
    for (at = last; at != 0; left--) {
        const struct track_journey_step *step = (const struct track_journey_step *)track_pieces_item(steps, at - 1);
        if (left <= most)
            frames[left - 1] = step->frame;
        at = step->before;
    }
    return count;
}

uint32_t track_journey_message_in(const struct track_connection *connection, uint32_t frame)
{
    const struct track_journeys *journeys = connection->capture->journeys;
    uint64_t last = track_journey_key(frame, UINT16_MAX);

    if (journeys == NULL)
        return 0;
    const struct track_journey_step *step =
        (const struct track_journey_step *)track_pieces_find(&journeys->steps, last);
    if (step != NULL && step->frame == frame)
        return track_publication_number(&journeys->publications, step->publication);
    uint32_t order = track_pieces_count_to(&journeys->publications.list, last);
    if (order == 0 || track_publication_at(&journeys->publications, order - 1)->frame != frame)
        return 0;
    return track_publication_number(&journeys->publications, order - 1);
}

uint32_t track_journey_broker(const struct track_connection *connection)
{
    const struct track_journeys *journeys = connection->capture->journeys;
    const struct track_journey_place *place = connection->journey.place;

    return journeys != NULL && place != NULL ? (uint32_t)(place - journeys->places) + 1 : 0;
}

bool track_filter_matches(const struct track_text *filter, const uint8_t *topic, uint32_t length)
{
    return track_is_clear_filter(filter) &&
           track_match_topic(filter, (struct track_topic){topic, length}, false) == TRACK_MATCHES;
}

const char *track_journey_kind_name(enum track_journey_kind kind)
{
    static const char *const names[TRACK_JOURNEY_KINDS] = {
        [TRACK_JOURNEY_LIVE] = "live", [TRACK_JOURNEY_RETAINED] = "retained", [TRACK_JOURNEY_QUEUED] = "queued",
        [TRACK_JOURNEY_WILL] = "will", [TRACK_JOURNEY_SHARED] = "shared",
    };
    return names[kind];
}
