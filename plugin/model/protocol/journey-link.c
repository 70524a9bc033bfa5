/* journey-link.c - which publication a delivery stems from.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The publications of the delivery's content are looked through from the latest back. Those that order excludes do not count.
 * The link is certain where one message is left, all of them were looked at, and none can have been missed.
 */
#include "journey.h"

#include "../store/packet-records.h"
#include "match-delivery.h"

enum { LOOKED_AT_MOST = 64, DELIVERIES_MOST = 16 };

static const int64_t MICROSECOND_NS = 1000;
static const int64_t DELAY_LEAST_NS = INT64_C(5000000);

/** A delivery that is to be linked, and what was found for it. */
struct search {
    struct track_context *tracking;
    struct track_journeys *journeys;
    const struct track_journey_place *place;
    uint64_t content;
    uint64_t lane;   /**< of subscriber and topic: what all its lanes have in common */
    uint32_t latest; /**< index + 1 of the latest publication of the content */
    /* Of the subscriptions. */
    bool is_ordered;      /**< one subscription that is not shared explains it: each message comes once, and in order */
    bool is_explained;    /**< a subscription explains it, or it is not known which there are */
    bool is_shared;       /**< all that explain it are shared */
    bool lacks_own;       /**< all that explain it have No Local */
    bool may_keep_retain; /**< RETAIN 1 may be what was published */
    uint8_t granted;      /**< where `is_ordered`: the QoS of that subscription */
    /* Found. */
    uint32_t chosen;       /**< index + 1 of the likeliest candidate */
    bool has_its_qos;      /**< which would come with the delivery's QoS */
    uint32_t last_message; /**< number of the message of the latest candidate */
    bool is_ambiguous;     /**< there is more than one message */
    bool is_once;          /**< the message was published once, as far as is known */
    bool is_complete;      /**< all candidates were looked at */
    bool is_elsewhere;     /**< a candidate was published at another broker, or another port of it */
    bool has_other_source; /**< another open connection published the same */
    bool is_repeat; /**< all publications of the content were delivered before, and no other can have been missed */
};

static const struct track_publication_source *source_at(const struct search *search,
                                                        const struct track_publication *publication)
{
    return track_publication_source_of(&search->journeys->publications, publication);
}

/** The lane of a publication. */
static uint64_t lane_of(const struct search *search, const struct track_publication *publication)
{
    uint32_t connection = source_at(search, publication)->connection->number;
    uint64_t key = track_mix(search->lane, (uint64_t)connection << 2 | (publication->flags & TRACK_PUBLICATION_QOS));
    return key != 0 ? key : 1;
}

/** Where it is kept up to which publication of this content all were delivered to the subscriber, or will not be. */
static uint64_t content_lane_of(const struct search *search)
{
    uint64_t key = track_mix(search->content, (uint64_t)search->tracking->connection->journey.lanes << 8 | 0x80);
    return key != 0 ? key : 1;
}

/** The connection may publish more. */
static bool is_open(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);
    return !connection->session.disconnected && !transport.is_finished && !transport.is_reset;
}

/** Takes a publication in that may be the one. `order` is its index + 1. */
static void take_candidate(struct search *search, const struct track_publication *publication, uint32_t order)
{
    const struct track_connection *from = source_at(search, publication)->connection;
    uint32_t message = track_publication_number(&search->journeys->publications, order - 1);
    bool is_first = search->last_message == 0;
    bool is_here = from->journey.place == search->place;

    search->is_ambiguous |= !is_first && message != search->last_message;
    search->is_once = is_first && !(publication->flags & TRACK_PUBLICATION_CONTINUES);
    search->last_message = message;
    search->is_elsewhere |= !is_here;
}

/** True where a publication would come with the delivery's QoS: the lesser of its own and the granted one (section 3.8.4). */
static bool has_qos_of_delivery(const struct search *search, const struct track_publication *publication)
{
    uint8_t qos = publication->flags & TRACK_PUBLICATION_QOS;
    return !search->is_ordered || MIN(qos, search->granted) == search->tracking->packet->publish.qos;
}

/** True where an earlier candidate is the likelier one: what has the delivery's QoS, and else what may not be dropped comes in
 *  order, and what may, if it is not older than the broker usually takes. */
static bool is_likelier(const struct search *search, const struct track_publication *publication, uint32_t order,
                        bool has_its_qos)
{
    const struct track_context *tracking = search->tracking;
    const struct track_delivery_lane *lane =
        track_delivery_lane_find(&search->journeys->lanes, lane_of(search, publication));
    int64_t age_ns = tracking->now_ns - publication->ns;
    const struct track_connection *previous = tracking->connection->session.previous;

    if (search->chosen == 0)
        return true;
    /* What was queued was published after what the connection before was delivered. */
    if (tracking->connection->session.session_present && previous != NULL && order <= previous->journey.delivered_to)
        return false;
    if (lane != NULL && order <= lane->ranked)
        return false;
    if (has_its_qos != search->has_its_qos)
        return has_its_qos;
    return tracking->packet->publish.qos > 0 ||
           age_ns <= 8 * MICROSECOND_NS * tracking->connection->journey.usual_us + DELAY_LEAST_NS;
}

/** True where a publication cannot be the one, wherever it is in order. */
static bool is_ruled_out(const struct search *search, const struct track_publication *publication)
{
    const struct track_connection *from = source_at(search, publication)->connection;

    if (publication->flags & TRACK_PUBLICATION_REMOVED)
        return true;
    if (search->lacks_own && from == search->tracking->connection)
        return true;
    /* What a bridge brought to another broker went there from here. */
    return from->journey.place != search->place && track_latest_snapshot(from)->is_bridge;
}

/** True where order says that a publication was delivered to the subscriber, or never will be. */
static bool is_passed(const struct search *search, const struct track_publication *publication, uint32_t order)
{
    if (!search->is_ordered || publication->flags & TRACK_PUBLICATION_WILL)
        return false;
    const struct track_delivery_lane *lane =
        track_delivery_lane_find(&search->journeys->lanes, lane_of(search, publication));
    return lane != NULL && order <= lane->floor;
}

/** Looks through the publications of the content for those that may be delivered live. */
static void search_live(struct search *search)
{
    const struct track_publications *publications = &search->journeys->publications;
    const struct track_delivery_lane *accounted =
        search->is_ordered ? track_delivery_lane_find(&search->journeys->lanes, content_lane_of(search)) : NULL;
    uint32_t floor = accounted != NULL ? accounted->floor : 0;
    uint32_t order = search->latest;

    for (unsigned looked = 0; order > floor && looked < LOOKED_AT_MOST; looked++) {
        const struct track_publication *publication = track_publication_at(publications, order - 1);
        bool is_passed_by = is_passed(search, publication, order);
        if (is_passed_by && publication->flags & TRACK_PUBLICATION_SAME)
            order = floor;
        else if (!is_passed_by && !is_ruled_out(search, publication)) {
            take_candidate(search, publication, order);
            bool has_its_qos = has_qos_of_delivery(search, publication);
            if (is_likelier(search, publication, order, has_its_qos)) {
                search->chosen = order;
                search->has_its_qos = has_its_qos;
            }
        }
        order = order != floor ? publication->previous : floor;
    }
    search->is_complete = order <= floor;
}

/** True where the broker had processed a publication before a frame: it acknowledged it, or delivered it. */
static bool is_processed_before(const struct search *search, const struct track_publication *publication,
                                uint32_t frame)
{
    const struct track_pdu_ref pdu = {publication->frame, publication->pdu};
    const struct track_packet_record *record = track_packet_records_find(search->tracking->capture->records, pdu);
    uint32_t step = publication->last_delivery;

    if (record != NULL && record->response_in != 0 && record->response_in < frame)
        return true;
    for (unsigned looked = 0; step != 0 && looked < DELIVERIES_MOST; looked++) {
        const struct track_journey_step *each =
            (const struct track_journey_step *)track_pieces_item(&search->journeys->steps, step - 1);
        if (each->frame < frame && each->flags & TRACK_JOURNEY_CERTAIN)
            return true;
        step = each->before;
    }
    return false;
}

/** Looks for the publication that was stored: the latest that the broker had processed when the Client subscribed. */
static void search_stored(struct search *search)
{
    const struct track_publications *publications = &search->journeys->publications;
    uint32_t subscribed_in = search->tracking->connection->journey.subscribed_in;
    uint32_t order = search->latest;

    for (unsigned looked = 0; order != 0 && looked < LOOKED_AT_MOST; looked++) {
        const struct track_publication *publication = track_publication_at(publications, order - 1);
        if (publication->flags & TRACK_PUBLICATION_RETAIN && !is_ruled_out(search, publication)) {
            take_candidate(search, publication, order);
            search->chosen = order;
            search->is_complete = search->last_message != 0 && subscribed_in != 0 &&
                                  publication->flags & TRACK_PUBLICATION_SAME &&
                                  !(publication->flags & TRACK_PUBLICATION_WILL) &&
                                  is_processed_before(search, publication, subscribed_in);
            if (search->is_complete || publication->frame < subscribed_in)
                return;
        }
        order = publication->previous;
    }
}

/** Whether another open connection published the same lately: what it published may have been missed. */
static void look_for_others(struct search *search)
{
    enum { LATEST = 4 };
    const struct track_publications *publications = &search->journeys->publications;
    const struct track_connection *chosen =
        source_at(search, track_publication_at(publications, search->chosen - 1))->connection;
    uint32_t order = search->latest;

    if (track_publication_at(publications, order - 1)->flags & TRACK_PUBLICATION_SAME)
        return;
    for (unsigned looked = 0; order != 0 && looked < LATEST; looked++) {
        const struct track_publication *publication = track_publication_at(publications, order - 1);
        const struct track_connection *from = source_at(search, publication)->connection;
        search->has_other_source |= from != chosen && !(publication->flags & TRACK_PUBLICATION_WILL) && is_open(from);
        order = publication->previous;
    }
}

/** What the Client's subscriptions say. */
static void look_at_subscriptions(struct search *search, struct track_topic topic)
{
    struct track_context *tracking = search->tracking;
    struct track_delivery delivery;
    unsigned shared = 0;

    search->is_explained = true;
    search->may_keep_retain = tracking->packet->version == MQTT_V50 || tracking->snapshot.is_bridge;
    if (!track_match_delivery(tracking, topic, &delivery) && !track_match_resumed(tracking, topic, &delivery))
        return;
    search->is_explained = delivery.is_explained;
    search->lacks_own = delivery.count > 0;
    search->may_keep_retain = tracking->snapshot.is_bridge;
    for (unsigned i = 0; i < delivery.count; i++) {
        shared += delivery.matches[i]->is_shared;
        search->lacks_own &= !delivery.matches[i]->takes_own;
        search->may_keep_retain |= delivery.matches[i]->keeps_retain;
    }
    search->lacks_own &= !delivery.has_too_many;
    search->is_shared = delivery.count > 0 && shared == delivery.count;
    /* What was granted another QoS before may overtake what is granted this one. */
    search->is_ordered = delivery.count == 1 && !delivery.has_too_many && shared == 0 && delivery.is_explained &&
                         delivery.matches[0]->granted == delivery.matches[0]->granted_most;
    search->granted = search->is_ordered ? delivery.matches[0]->granted : 0;
}

/** Why the Server delivers the message. */
static enum track_journey_kind kind_of(const struct search *search, const struct track_publication *chosen,
                                       bool is_stored)
{
    const struct track_connection *connection = search->tracking->connection;

    if (is_stored)
        return TRACK_JOURNEY_RETAINED;
    if (chosen->flags & TRACK_PUBLICATION_WILL)
        return TRACK_JOURNEY_WILL;
    if (search->is_shared)
        return TRACK_JOURNEY_SHARED;
    return connection->session.session_present && search->chosen <= connection->journey.begun_at ? TRACK_JOURNEY_QUEUED
                                                                                                 : TRACK_JOURNEY_LIVE;
}

/** True where exactly the chosen message can be it. */
static bool is_certain(const struct search *search, const struct track_publication *chosen)
{
    const struct track_context *tracking = search->tracking;
    bool is_found = search->is_complete && !search->is_ambiguous && search->last_message != 0;
    bool may_be_missed = search->journeys->is_doubted || search->place->is_doubted || search->has_other_source ||
                         !tracking->connection->journey.is_whole || tracking->capture->clock.ran_back;

    return is_found && !may_be_missed && search->is_explained && !search->is_elsewhere &&
           !(chosen->flags & (TRACK_PUBLICATION_SAMPLED | TRACK_PUBLICATION_BRIDGED)) && !tracking->packet->publish.dup;
}

/** Remembers what a certain delivery excludes, and by a likely one what comes next. */
static void move_lanes(const struct search *search, const struct track_publication *chosen, bool is_sure,
                       bool is_stored)
{
    struct track_file_memory *memory = &search->tracking->capture->memory;
    struct track_delivery_lanes *lanes = &search->journeys->lanes;
    uint32_t floor = is_sure ? search->chosen : 0;

    if (!search->is_ordered)
        return;
    if (!(chosen->flags & TRACK_PUBLICATION_WILL))
        track_delivery_lane_move(lanes, memory, lane_of(search, chosen), floor, search->chosen);
    if (is_sure && !is_stored &&
        !(track_publication_at(&search->journeys->publications, search->latest - 1)->flags & TRACK_PUBLICATION_SAME))
        track_delivery_lane_move(lanes, memory, content_lane_of(search), search->latest, search->latest);
}

/** Takes in how long the broker took for a delivery. */
static void take_delay(uint32_t *usual_us, int64_t delay_ns)
{
    int64_t usual = *usual_us;

    usual += (delay_ns / MICROSECOND_NS - usual) / (usual != 0 ? 8 : 1);
    *usual_us = (uint32_t)CLAMP(usual, 1, UINT32_MAX);
}

/** Adds the link. */
static void link_delivery(struct search *search, bool is_stored)
{
    struct track_context *tracking = search->tracking;
    struct track_publications *publications = &search->journeys->publications;
    struct track_publication *chosen = track_publication_at(publications, search->chosen - 1);
    bool is_sure = is_certain(search, chosen);
    enum track_journey_kind kind = kind_of(search, chosen, is_stored);
    uint32_t origin = track_publication_origin(publications, search->chosen - 1);
    uint16_t flags = (uint16_t)kind;
    struct track_journey_step *step;

    if (is_sure)
        flags |= TRACK_JOURNEY_CERTAIN;
    if (is_sure && search->is_once && kind != TRACK_JOURNEY_WILL)
        flags |= TRACK_JOURNEY_TIMED;
    if (tracking->packet->publish.qos == 0)
        flags |= TRACK_JOURNEY_COMPLETES;
    if (search->is_repeat)
        flags |= TRACK_JOURNEY_REPEATS;
    step = track_journey_add_step(tracking, origin, flags);
    if (step == NULL)
        return;
    struct track_publication *first = track_publication_at(publications, origin);
    step->before = first->last_delivery;
    first->last_delivery = search->journeys->steps.count;
    move_lanes(search, chosen, is_sure, is_stored);
    uint32_t *delivered_to = &tracking->connection->journey.delivered_to;
    *delivered_to = MAX(*delivered_to, search->chosen);
    if (flags & TRACK_JOURNEY_TIMED && kind == TRACK_JOURNEY_LIVE)
        take_delay(&tracking->connection->journey.usual_us, step->ns);
    if (tracking->exchange != NULL)
        tracking->exchange->message = (struct track_exchange_message){.publication = origin + 1,
                                                                      .kind = (uint8_t)kind,
                                                                      .is_certain = is_sure,
                                                                      .is_timed = flags & TRACK_JOURNEY_TIMED};
}

/** True where a delivery that no publication is left for can only be one that came before: one Client published all of them,
 *  each once, and none was missed. */
static bool is_repeated(const struct search *search)
{
    const struct track_connection *connection = search->tracking->connection;

    if (search->latest == 0 || search->journeys->is_doubted || search->place->is_doubted || !search->is_ordered ||
        !connection->journey.is_whole || search->tracking->capture->clock.ran_back)
        return false;
    const struct track_publication *latest = track_publication_at(&search->journeys->publications, search->latest - 1);
    return latest->flags & TRACK_PUBLICATION_SAME &&
           !(latest->flags & (TRACK_PUBLICATION_CONTINUES | TRACK_PUBLICATION_WILL | TRACK_PUBLICATION_SAMPLED)) &&
           source_at(search, latest)->connection->journey.place == search->place;
}

/** Nothing stored is due: the session goes on, and its Client has not subscribed since. */
static bool is_session_without_subscribe(const struct track_connection *connection)
{
    return connection->session.session_present && connection->journey.is_whole &&
           connection->journey.subscribed_in == 0;
}

/** Topics of the Server's own, which no Client publishes to. */
static bool is_of_server(struct track_topic topic)
{
    return topic.length > 0 && topic.bytes[0] == '$';
}

void track_link_delivery(struct track_context *tracking, struct track_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    struct search search = {
        .tracking = tracking,
        .journeys = tracking->capture->journeys,
        .place = connection->journey.place,
        .content = track_message_content(tracking, topic, packet->publish.payload),
        .lane = track_mix(track_topic_hash(tracking, topic), (uint64_t)connection->journey.lanes << 8),
    };

    if (search.place == NULL)
        return;
    search.latest = track_publications_latest(&search.journeys->publications, search.content);
    look_at_subscriptions(&search, topic);
    bool is_stored = packet->publish.retain && !search.may_keep_retain;
    if (!is_stored || is_session_without_subscribe(connection))
        search_live(&search);
    /* A Server that keeps RETAIN in what it queued. */
    is_stored = is_stored && search.chosen == 0;
    if (is_stored)
        search_stored(&search);
    if (search.chosen == 0 && !is_stored && !is_of_server(topic)) {
        /* Nobody published it, or it came twice: something was not captured, or it is not what it seems. */
        search.is_repeat = is_repeated(&search);
        if (connection->journey.is_whole)
            track_journey_doubt(connection);
        search.chosen = search.latest;
    }
    if (search.chosen == 0)
        return;
    look_for_others(&search);
    link_delivery(&search, is_stored);
}
