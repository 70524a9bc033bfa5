/* journey.c - where the messages come from that a Server delivers (MQTT 5.0 section 4.6).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "journey.h"

#include "../evidence/receipt.h"
#include "../store/endpoint.h"
#include "bridges.h"

static uint64_t key_of_step(const void *item)
{
    const struct track_journey_step *step = (const struct track_journey_step *)item;
    return track_journey_key(step->frame, step->pdu);
}

/** The journeys of the capture; made on first use. NULL where there is no memory for them. */
static struct track_journeys *journeys_of(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;

    if (capture->journeys != NULL)
        return capture->journeys;
    capture->journeys = (struct track_journeys *)track_alloc(tracking, sizeof *capture->journeys);
    if (capture->journeys == NULL)
        return NULL;
    track_publications_begin(&capture->journeys->publications, &capture->memory);
    track_pieces_begin(&capture->journeys->steps, capture->memory.scope, sizeof(struct track_journey_step),
                       key_of_step);
    return capture->journeys;
}

/** The broker of the connection; NULL where there are too many, or it is not known which end that is. */
static struct track_journey_place *find_place(struct track_context *tracking)
{
    struct track_journeys *journeys = tracking->capture->journeys;
    struct track_journey_state *state = &tracking->connection->journey;
    unsigned broker = tracking->snapshot.broker;

    if (broker == TRACK_END_UNKNOWN)
        return NULL;
    if (state->place != NULL && state->broker == broker)
        return state->place;
    const struct track_endpoint *end = &tracking->connection->transport.ends[broker];
    state->broker = (uint8_t)broker;
    for (unsigned i = 0; i < journeys->place_count; i++)
        if (track_is_same_endpoint(&journeys->places[i].broker, end))
            return state->place = &journeys->places[i];
    if (journeys->place_count == TRACK_PLACES_MAX) {
        journeys->is_doubted = true;
        return NULL;
    }
    state->place = &journeys->places[journeys->place_count++];
    state->place->broker = *end;
    return state->place;
}

/** Notes once where a connection may have published what was not captured. */
static void follow_doubt(struct track_context *tracking)
{
    struct track_journey_state *state = &tracking->connection->journey;
    bool lacks = !tracking->snapshot.connect_seen || tracking->snapshot.has_gap;
    /* A single byte is the Client's FIN: no packet is so short. */
    bool lacks_now = track_is_from_server(tracking) && track_uncaptured_received(tracking) > 1;

    if ((!lacks || state->is_doubted) && !lacks_now)
        return;
    state->is_doubted = true;
    track_journey_doubt(tracking->connection);
}

/** The connection as a source of publications: index + 1; 0 where there is no memory for it. */
static uint32_t source_of(struct track_context *tracking)
{
    struct track_publications *publications = &tracking->capture->journeys->publications;
    struct track_journey_state *state = &tracking->connection->journey;
    struct track_publication_source now = {tracking->connection, tracking->snapshot.client_id, tracking->sender};

    if (state->source != 0) {
        const struct track_publication_source *last =
            (const struct track_publication_source *)track_pieces_item(&publications->sources, state->source - 1);
        if (last->client_id == now.client_id && last->end == now.end)
            return state->source;
    }
    state->source = track_publications_add_source(publications, &now);
    return state->source;
}

/** Adds what the packet publishes; index + 1, or 0 where there is no memory for it. */
static uint32_t add_publication(struct track_context *tracking, struct track_topic topic, struct mqtt_span payload,
                                uint16_t flags)
{
    struct track_publications *publications = &tracking->capture->journeys->publications;
    uint32_t source = source_of(tracking);
    uint64_t content = track_message_content(tracking, topic, payload);

    if (track_is_sampled(payload))
        flags |= TRACK_PUBLICATION_SAMPLED;
    struct track_publication *publication =
        source != 0 && tracking->pdu.pdu <= UINT16_MAX
            ? track_publications_add(publications, tracking->pdu, content, source - 1, flags)
            : NULL;
    if (publication == NULL) {
        track_journey_is_full(tracking);
        return 0;
    }
    publication->ns = tracking->now_ns;
    if (tracking->begun_ns != TRACK_TIME_UNKNOWN && tracking->now_ns - tracking->begun_ns < TRACK_BEGUN_UNKNOWN)
        publication->begun_or_origin = (uint32_t)(tracking->now_ns - tracking->begun_ns);
    return publications->list.count;
}

/** A PUBLISH of a Client. One that is re-sent is the same message, which the Server may take for another. */
static void publish(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic topic;

    if (packet->fault.kind != MQTT_FAULT_NONE || packet->publish.qos > 2 || !track_topic_of_publish(tracking, &topic)) {
        track_journey_doubt(tracking->connection);
        return;
    }
    uint16_t flags = packet->publish.qos;
    if (packet->publish.retain)
        flags |= TRACK_PUBLICATION_RETAIN;
    uint32_t publication = add_publication(tracking, topic, packet->publish.payload, flags);
    if (publication != 0 && tracking->message.publication != 0)
        track_publications_continue(&tracking->capture->journeys->publications, tracking->message.publication - 1, 0);
    else if (publication != 0 && tracking->snapshot.is_bridge)
        track_follow_bridge(tracking, topic);
    if (publication != 0)
        track_remember_for_bridges(tracking, topic);
    if (tracking->exchange != NULL && tracking->message.publication == 0)
        tracking->exchange->message = (struct track_exchange_message){.publication = publication, .is_certain = true};
}

/** The CONNECT of a Client: its Will may be published from here on. */
static void follow_connect(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_journey_state *state = &tracking->connection->journey;

    state->begun_at = tracking->capture->journeys->publications.list.count;
    if (tracking->snapshot.is_bridge)
        track_begin_bridge(tracking);
    if (mqtt_is_malformed(packet) || packet->fault.kind != MQTT_FAULT_NONE) {
        track_journey_doubt(tracking->connection);
        return;
    }
    if (!(connect->flags & MQTT_CONNECT_WILL) || connect->will_topic.at == 0)
        return;
    struct track_topic topic = {packet->bytes + connect->will_topic.at, connect->will_topic.length};
    uint16_t flags = TRACK_PUBLICATION_WILL | (connect->flags >> 3 & 3);
    if (connect->flags & MQTT_CONNECT_WILL_RETAIN)
        flags |= TRACK_PUBLICATION_RETAIN;
    state->will = add_publication(tracking, topic, connect->will_payload, flags);
}

/** The lanes of a connection are its own. A session that was resumed goes on with those of the connection before, if nothing
 *  was in flight: what may be sent once more would come out of order. */
static void find_lanes(struct track_connection *connection, unsigned broker)
{
    const struct track_connection *previous = connection->session.previous;
    const struct track_inflight *own = &connection->inflight[broker];
    bool goes_on = connection->session.session_present && previous != NULL && previous->journey.is_whole &&
                   !connection->session.takes_over && own->entries.count == 0 && !own->is_incomplete &&
                   previous->inflight[previous->journey.broker].entries.count == 0;

    connection->journey.lanes = goes_on ? previous->journey.lanes : connection->number;
}

/** Whether all that the Server may deliver on the connection was published in the capture: the session is new, or continues one
 *  of which that is known. */
static void follow_connack(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    const struct track_connection_session *session = &connection->session;
    bool is_new = !session->session_present && (session->clean_start || tracking->snapshot.version != MQTT_V31);

    find_lanes(connection, tracking->sender);
    if (tracking->packet->reason == 0 && tracking->snapshot.connect_seen && !mqtt_is_malformed(tracking->packet))
        connection->journey.is_whole = is_new || (session->previous != NULL && session->previous->journey.is_whole);
}

/** The Client's DISCONNECT takes its Will away. Where it comes after packets that have no response yet, a Server that closes on
 *  account of one of those never reads it. */
static void follow_disconnect(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    struct track_transport_state transport = track_transport_state_of(connection);

    if (tracking->packet->reason == 0 && connection->journey.will != 0 && !transport.is_reset &&
        !connection->session.taken_over && connection->inflight[tracking->sender].entries.count == 0)
        track_publication_at(&tracking->capture->journeys->publications, connection->journey.will - 1)->flags |=
            TRACK_PUBLICATION_REMOVED;
}

/** PUBACK and its like. */
static void acknowledge_message(struct track_context *tracking)
{
    uint16_t flags = TRACK_JOURNEY_ACKNOWLEDGES;

    if (tracking->message.publication == 0)
        return;
    if (tracking->message.is_timed && track_is_from_client(tracking) && tracking->record != NULL &&
        tracking->record->completes_delivery)
        flags |= TRACK_JOURNEY_TIMED | TRACK_JOURNEY_COMPLETES;
    track_journey_add_step(tracking, tracking->message.publication - 1, flags);
}

/** A PUBLISH of the Server. */
static void deliver(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic topic;

    if (packet->fault.kind != MQTT_FAULT_NONE || packet->publish.qos > 2 || !track_topic_of_publish(tracking, &topic))
        return;
    if (tracking->message.publication == 0) {
        track_link_delivery(tracking, topic);
        return;
    }
    /* It is re-sent: what it is was found before. */
    uint16_t flags = tracking->message.kind;
    if (tracking->message.is_certain)
        flags |= TRACK_JOURNEY_CERTAIN;
    track_journey_add_step(tracking, tracking->message.publication - 1, flags);
}

void track_update_journey(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool is_clients = track_is_from_client(tracking);
    bool is_servers = track_is_from_server(tracking);

    if (journeys_of(tracking) == NULL)
        return;
    find_place(tracking);
    follow_doubt(tracking);
    if (packet->type == MQTT_TYPE_PUBLISH && is_clients)
        publish(tracking);
    else if (packet->type == MQTT_TYPE_PUBLISH && is_servers)
        deliver(tracking);
    else if (packet->type >= MQTT_TYPE_PUBACK && packet->type <= MQTT_TYPE_PUBCOMP)
        acknowledge_message(tracking);
    else if (packet->type == MQTT_TYPE_CONNECT && is_clients)
        follow_connect(tracking);
    else if (packet->type == MQTT_TYPE_CONNACK && is_servers)
        follow_connack(tracking);
    else if (packet->type == MQTT_TYPE_DISCONNECT && is_clients)
        follow_disconnect(tracking);
    else if (packet->type == MQTT_TYPE_SUBSCRIBE && is_clients && tracking->connection->journey.subscribed_in == 0)
        tracking->connection->journey.subscribed_in = tracking->pdu.frame;
}
