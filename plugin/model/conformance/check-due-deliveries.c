/* check-due-deliveries.c - finds messages that a subscriber has not got in time, and QoS 2 messages that it got twice (MQTT 5.0
 * sections 4.3.3 and 4.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A message that does not come proves nothing by itself: access rules and limits of the Server are not on the wire. Where the
 * user says that there are none, what the wire does show still excuses it: a response that refuses the message, its
 * expiry, Maximum Packet Size, the send quota, No Local, a change of the subscription, anything that was not captured.
 * Equal messages are counted and not told apart: a delivery takes the oldest that is due, so that one is left only
 * where fewer came than were published.
 */
#include "check-due-deliveries.h"

#include <string.h>

#include "../evidence/report-anomaly.h"
#include "../protocol/journey.h"
#include "../protocol/match-delivery.h"
#include "checks.h"

enum {
    SUBSCRIBERS_MOST = 1000, /**< connections that are judged at once */
    MESSAGES_MOST = 4096,    /**< messages that are followed at once; earlier ones are not judged */
    DUE_MOST = 256,          /**< likewise of one connection */
    DELIVERED_MOST = 32,     /**< QoS 2 messages by which a second delivery is found */
    USUAL_QUOTA = 10,        /**< what Servers have in flight at least where the Client does not limit it */
    FORWARDING_BYTES = 64,   /**< by which a message may be longer where it is delivered */
};

/** A message that is followed. */
struct due_message {
    uint64_t content;     /**< hash of topic and payload */
    int64_t ns;           /**< when it was published */
    int64_t accepted_ns;  /**< when the Server acknowledged it; TRACK_TIME_UNKNOWN until then */
    uint32_t publication; /**< index */
    uint32_t frame;
    uint32_t expiry_s; /**< 0: none */
};

/** A QoS 2 delivery. */
struct due_delivered {
    uint32_t publication; /**< index + 1; 0: none */
    uint32_t frame;
};

/** What is due to a connection. File scope. */
struct track_due_list {
    uint32_t due[DUE_MOST]; /**< numbers of messages, in their order */
    unsigned count;
    struct due_delivered delivered[DELIVERED_MOST];
    unsigned next_delivered;
    int64_t quota_used_ns; /**< when the Server was last seen without send quota, or with a packet under way */
    bool was_used;         /**< it was after the connection's latest packet */
};

/** A connection that messages may be due to. */
struct due_subscriber {
    const struct track_connection *connection;
    struct track_due_list *list;
};

/** The messages of a capture, and those that they may be due to. File scope. */
struct track_due_messages {
    struct due_message latest[MESSAGES_MOST];
    uint32_t count; /**< of all; the one of a number is in the slot of its remainder */
    struct due_subscriber subscribers[SUBSCRIBERS_MOST];
    unsigned subscriber_count;
    wmem_map_t *lists; /**< struct track_due_list by connection */
};

static struct track_due_messages *messages_of(struct track_context *tracking)
{
    struct track_capture_checks *checks = track_capture_checks_of(tracking->capture);

    if (checks->due == NULL)
        checks->due = (struct track_due_messages *)track_alloc(tracking, sizeof *checks->due);
    if (checks->due != NULL && checks->due->lists == NULL)
        checks->due->lists = wmem_map_new(tracking->capture->memory.scope, g_direct_hash, g_direct_equal);
    return checks->due;
}

/** The message of a number; NULL where too many came after it. */
static struct due_message *due_message_at(struct track_due_messages *messages, uint32_t number)
{
    return messages->count - number <= MESSAGES_MOST ? &messages->latest[number % MESSAGES_MOST] : NULL;
}

/** Everything that the connection's ends sent was captured, and its session began with it. */
static bool is_known(const struct track_connection *connection)
{
    const struct track_snapshot *snapshot = track_latest_snapshot(connection);
    const struct track_connection_session *session = &connection->session;

    return snapshot->connect_seen && !snapshot->has_gap && snapshot->session_known && !snapshot->is_copy &&
           !connection->may_lose && connection->journey.is_whole && session->connack_seen && !session->session_present;
}

static bool is_ended(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);

    return connection->session.disconnected || connection->session.taken_over || transport.is_finished ||
           transport.is_reset;
}

/** The Server grants subscriptions: what is published from here on may be due. */
static void add_subscriber(struct track_context *tracking)
{
    struct track_due_messages *messages = messages_of(tracking);
    struct track_due_list *list;

    if (messages == NULL || wmem_map_lookup(messages->lists, tracking->connection) != NULL ||
        messages->subscriber_count == SUBSCRIBERS_MOST)
        return;
    list = (struct track_due_list *)track_alloc(tracking, sizeof *list);
    if (list == NULL)
        return;
    list->quota_used_ns = TRACK_TIME_UNKNOWN;
    wmem_map_insert(messages->lists, tracking->connection, list);
    messages->subscribers[messages->subscriber_count++] = (struct due_subscriber){tracking->connection, list};
}

/** Takes the filters of a list in that match a topic: `*granted` is the highest QoS. False where one is in doubt. */
static bool take_filters(const struct track_subscribed_filter *list, struct track_topic topic, uint8_t *granted,
                         bool *takes_own)
{
    for (; list != NULL; list = list->next) {
        if (track_match_topic(list->text, topic, false) != TRACK_MATCHES)
            continue;
        if (list->pending > 0 || list->is_shared)
            return false;
        if (!list->was_granted || list->removed_in != 0)
            continue;
        *granted = MAX(*granted, list->granted);
        *takes_own |= list->takes_own;
    }
    return true;
}

/** A message of the packet being tracked is due to a subscriber with QoS 1 or 2. */
static bool is_due_to(struct track_context *tracking, const struct track_connection *subscriber,
                      struct track_topic topic)
{
    const struct track_subscription_history *history = subscriber->subscribed;
    const struct track_snapshot *snapshot = track_latest_snapshot(subscriber);
    unsigned client = 1 - snapshot->broker;
    uint8_t granted = 0;
    bool takes_own = false;

    if (history == NULL || history->is_incomplete || snapshot->broker == TRACK_END_UNKNOWN || !is_known(subscriber))
        return false;
    uint32_t hash = track_topic_hash(tracking, topic);
    if (!take_filters(history->wide, topic, &granted, &takes_own) ||
        !take_filters(track_exact_filters(history, hash), topic, &granted, &takes_own) || granted == 0)
        return false;
    if (subscriber == tracking->connection && !takes_own)
        return false;
    uint32_t most = snapshot->limits[client] != NULL ? snapshot->limits[client]->maximum_packet_size : 0;
    return most == 0 || (uint64_t)tracking->packet->length + topic.length + FORWARDING_BYTES <= most;
}

/** Appends a message to what is due to a connection; the oldest goes where there is no room. */
static void add_due_message(struct track_due_list *list, uint32_t number)
{
    if (list->count == DUE_MOST) {
        memmove(list->due, list->due + 1, (DUE_MOST - 1) * sizeof *list->due);
        list->count--;
    }
    list->due[list->count++] = number;
}

static void remove_due(struct track_due_list *list, unsigned at)
{
    list->count--;
    memmove(list->due + at, list->due + at + 1, (list->count - at) * sizeof *list->due);
}

/** A Client publishes with QoS 1 or 2. */
static void follow_publication(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_publications *publications = &tracking->capture->journeys->publications;
    uint32_t order = track_publications_find(publications, tracking->pdu);
    const struct mqtt_property *expiry =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL);
    struct track_due_messages *messages = messages_of(tracking);
    struct track_topic topic;
    bool is_kept = false;

    if (messages == NULL || order == 0 || packet->publish.qos == 0 || packet->publish.qos > 2 || packet->publish.dup ||
        packet->fault.kind != MQTT_FAULT_NONE || !track_topic_of_publish(tracking, &topic) || topic.length == 0 ||
        topic.bytes[0] == '$' || (expiry != NULL && expiry->number == 0))
        return;
    const struct track_publication *publication = track_publication_at(publications, order - 1);
    if (publication->flags & TRACK_PUBLICATION_CONTINUES && !(publication->flags & TRACK_PUBLICATION_BRIDGED))
        return;
    for (unsigned i = messages->subscriber_count; i > 0; i--) {
        const struct track_connection *subscriber = messages->subscribers[i - 1].connection;
        if (is_ended(subscriber)) {
            messages->subscribers[i - 1] = messages->subscribers[--messages->subscriber_count];
        } else if (subscriber->journey.place == tracking->connection->journey.place &&
                   is_due_to(tracking, subscriber, topic)) {
            add_due_message(messages->subscribers[i - 1].list, messages->count);
            is_kept = true;
        }
    }
    if (!is_kept)
        return;
    messages->latest[messages->count++ % MESSAGES_MOST] =
        (struct due_message){.content = publication->content,
                             .ns = publication->ns,
                             .accepted_ns = TRACK_TIME_UNKNOWN,
                             .publication = order - 1,
                             .frame = tracking->pdu.frame,
                             .expiry_s = expiry != NULL ? expiry->number : 0};
}

/** The Server acknowledges a message: it has taken it over. Messages are in the order of their publications. */
static void follow_acceptance(struct track_context *tracking)
{
    struct track_due_messages *messages = track_capture_checks_of(tracking->capture)->due;
    uint32_t publication = tracking->message.publication - 1;

    if (messages == NULL || mqtt_reason_is_error(tracking->packet->type, tracking->packet->reason))
        return;
    uint32_t first = messages->count > MESSAGES_MOST ? messages->count - MESSAGES_MOST : 0;
    uint32_t end = messages->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (messages->latest[middle % MESSAGES_MOST].publication < publication)
            first = middle + 1;
        else
            end = middle;
    }
    struct due_message *message = &messages->latest[first % MESSAGES_MOST];
    if (first < messages->count && message->publication == publication && message->accepted_ns == TRACK_TIME_UNKNOWN)
        message->accepted_ns = tracking->now_ns;
}

/** A QoS 2 message that was delivered on the connection before. */
static void check_twice(struct track_context *tracking, struct track_due_list *list,
                        const struct track_journey_step *step)
{
    const struct track_publications *publications = &tracking->capture->journeys->publications;
    const struct track_publication *from = track_publication_at(publications, step->publication);
    struct track_delivery delivery;
    struct track_topic topic;

    if (tracking->packet->publish.qos != 2 || tracking->packet->publish.dup || tracking->packet->publish.retain ||
        (from->flags & TRACK_PUBLICATION_QOS) != 2)
        return;
    if (!(step->flags & TRACK_JOURNEY_REPEATS)) {
        if (step->flags & TRACK_JOURNEY_CERTAIN)
            list->delivered[list->next_delivered++ % DELIVERED_MOST] =
                (struct due_delivered){step->publication + 1, step->frame};
        return;
    }
    if (!track_topic_of_publish(tracking, &topic) || !track_match_delivery(tracking, topic, &delivery) ||
        delivery.count != 1 || delivery.matches[0]->is_shared || !is_known(tracking->connection))
        return;
    for (unsigned i = 0; i < DELIVERED_MOST; i++)
        if (list->delivered[i].publication == step->publication + 1)
            track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_DELIVERED_TWICE,
                                                                  .at = {tracking->packet->packet_id_at, 2},
                                                                  .frame = from->frame,
                                                                  .other = list->delivered[i].frame});
}

/** The Server delivers a message: one that is due has come. */
static void follow_delivery(struct track_context *tracking, struct track_due_list *list)
{
    const struct track_journeys *journeys = tracking->capture->journeys;
    struct track_due_messages *messages = messages_of(tracking);
    const struct track_journey_step *step = track_journey_find_step(journeys, tracking->pdu);

    if (messages == NULL || tracking->message.publication != 0 || step == NULL)
        return;
    check_twice(tracking, list, step);
    uint64_t content = track_publication_at(&journeys->publications, step->publication)->content;
    for (unsigned i = 0; i < list->count; i++) {
        const struct due_message *message = due_message_at(messages, list->due[i]);
        if (message != NULL && message->content == content) {
            remove_due(list, i);
            return;
        }
    }
}

/** Notes when the Server may not send: its send quota is used up (section 4.9), or a packet of it is under way. */
static void follow_quota(struct track_context *tracking, struct track_due_list *list)
{
    const struct track_connection *connection = tracking->connection;
    unsigned broker = tracking->snapshot.broker;
    const struct track_limits *limits = tracking->snapshot.limits[1 - broker];
    uint32_t quota =
        limits != NULL && limits->receive_maximum != 0 ? MIN(limits->receive_maximum, USUAL_QUOTA) : USUAL_QUOTA;
    bool is_used = connection->inflight[broker].entries.count >= quota ||
                   (connection->begun != NULL && connection->begun->ends[broker].is_under_way);

    if (is_used || list->was_used)
        list->quota_used_ns = tracking->now_ns;
    list->was_used = is_used;
}

/** A message has been due for longer than the user allows. */
static bool is_overdue(const struct track_context *tracking, const struct track_due_list *list,
                       const struct due_message *message)
{
    const struct track_clock *clock = &tracking->capture->clock;
    int64_t since_ns = MAX(message->accepted_ns, list->quota_used_ns);

    return message->accepted_ns != TRACK_TIME_UNKNOWN &&
           track_least_elapsed_ns(clock, since_ns, tracking->now_ns) > tracking->capture->options.delivery_deadline_ns;
}

static bool is_expired(const struct track_context *tracking, const struct due_message *message)
{
    const int64_t second_ns = INT64_C(1000000000);
    int64_t most_ns = track_most_elapsed_ns(&tracking->capture->clock, message->ns, tracking->now_ns);

    return message->expiry_s != 0 && most_ns / second_ns + 1 >= message->expiry_s;
}

/** Nothing is missing from the capture that might be a delivery or excuse it. */
static bool is_judged(const struct track_context *tracking)
{
    const struct track_journeys *journeys = tracking->capture->journeys;
    const struct track_journey_place *place = tracking->connection->journey.place;

    return !journeys->is_doubted && place != NULL && !place->is_doubted && is_known(tracking->connection) &&
           !track_sender_received_uncaptured(tracking);
}

/** The subscriber sends a packet: what is due to it for too long is reported, all of it as one. */
static void report_overdue(struct track_context *tracking, struct track_due_list *list)
{
    struct track_due_messages *messages = messages_of(tracking);
    struct track_anomaly found = {.kind = TRACK_ANOMALY_DELIVERY_MISSING, .at = {0, 1}};
    unsigned left = 0;

    for (unsigned i = 0; messages != NULL && i < list->count; i++) {
        const struct due_message *message = due_message_at(messages, list->due[i]);
        if (message == NULL || is_expired(tracking, message))
            continue;
        if (!is_overdue(tracking, list, message)) {
            list->due[left++] = list->due[i];
            continue;
        }
        if (found.other++ == 0) {
            found.frame = message->frame;
            found.value = (uint32_t)((tracking->now_ns - message->accepted_ns) / 1000000000);
        }
    }
    list->count = left;
    if (found.other > 0)
        track_report_anomaly(tracking, found);
}

/** A packet of a connection that messages are due to. */
static void follow_subscriber(struct track_context *tracking, struct track_due_list *list)
{
    enum mqtt_packet_type type = tracking->packet->type;

    follow_quota(tracking, list);
    if (type == MQTT_TYPE_PUBLISH && track_is_from_server(tracking))
        follow_delivery(tracking, list);
    else if (type == MQTT_TYPE_DISCONNECT && track_is_from_server(tracking))
        list->count = 0;
    else if (track_is_from_client(tracking) && list->count > 0 && is_judged(tracking))
        report_overdue(tracking, list);
    else if (track_is_from_client(tracking))
        list->count = 0;
    /* What a subscription brings that is changed is for the Server to decide (sections 3.8.4 and 3.10.4). */
    if (type == MQTT_TYPE_SUBSCRIBE || type == MQTT_TYPE_UNSUBSCRIBE || type == MQTT_TYPE_CONNECT)
        list->count = 0;
}

void track_check_due_deliveries(struct track_context *tracking)
{
    enum mqtt_packet_type type = tracking->packet->type;

    if (tracking->capture->journeys == NULL || tracking->snapshot.broker == TRACK_END_UNKNOWN)
        return;
    const struct track_due_messages *messages = track_capture_checks_of(tracking->capture)->due;
    struct track_due_list *list =
        messages != NULL ? (struct track_due_list *)wmem_map_lookup(messages->lists, tracking->connection) : NULL;
    if (list != NULL)
        follow_subscriber(tracking, list);
    if (type == MQTT_TYPE_SUBACK && track_is_from_server(tracking))
        add_subscriber(tracking);
    else if (type == MQTT_TYPE_PUBLISH && track_is_from_client(tracking))
        follow_publication(tracking);
    else if ((type == MQTT_TYPE_PUBACK || type == MQTT_TYPE_PUBCOMP) && track_is_from_server(tracking) &&
             tracking->message.publication != 0)
        follow_acceptance(tracking);
}
