/* connection-order.c - finds what is out of order in a connection: CONNECT, CONNACK and what comes before and after.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What one end sends comes in the order in which it was sent, so nothing here needs to know what had arrived, but for what
 * is said of a packet in response to one of the other end.
 */
#include "connection-order.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

bool track_has_crossed_connack(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    return track_is_from_client(tracking) && connection->session.connack.frame != 0 &&
           track_sender_had_received(tracking, &connection->session.connack) != TRACK_RECEIVED;
}

/** A Client that sends before the CONNACK has arrived cannot know what it grants (MQTT 5.0 section 3.1.4). */
static void check_sent_before_connack(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    if (track_has_crossed_connack(tracking))
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SENT_BEFORE_CONNACK,
                                                              .frame = connection->session.connack.frame});
}

/** The packet's sender, the Client, had not received the CONNACK when it sent it. */
static bool is_before_connack(const struct track_context *tracking)
{
    const struct track_stream_position *connack = &tracking->connection->session.connack;

    return !tracking->checks->order.has_connack ||
           (connack->frame != 0 && track_sender_had_received(tracking, connack) == TRACK_NOT_RECEIVED);
}

/** The Client's packets up to the CONNACK. */
static void check_client(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &tracking->checks->order;
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    bool is_connect = packet->type == MQTT_TYPE_CONNECT;

    if (!is_connect && tracking->arrival->is_first && !tracking->snapshot.has_gap)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_CONNECT_NOT_FIRST});
    if (is_connect && tracking->snapshot.connect_seen)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SECOND_CONNECT,
                                                              .lack = track_history_lack(tracking)});
    /* MQTT 5.0 section 6. */
    if (is_connect && tracking->arrival->lacks_subprotocol)
        track_report_anomaly_once(
            tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SUBPROTOCOL_MISSING, .at = {0, packet->length}});
    if (!track_has_history(tracking))
        return;
    bool is_allowed = is_connect || packet->type == MQTT_TYPE_AUTH || packet->type == MQTT_TYPE_DISCONNECT;
    /* A CONNACK may have been in what the Client has received and the capture lacks. */
    if (connect_info != NULL && connect_info->auth_method != NULL && !is_allowed && is_before_connack(tracking))
        track_report_anomaly(tracking,
                             (struct track_anomaly){.kind = TRACK_ANOMALY_CLIENT_BEFORE_CONNACK,
                                                    .lack = track_has_seen_received(tracking) ? TRACK_LACK_NOTHING
                                                                                              : TRACK_LACK_CONNACK});
    bool is_false_session = connect_info != NULL && connect_info->clean_start && connection->session.connack_seen &&
                            connection->session.connack_code == 0 && connection->session.session_present;
    if (is_false_session && !order->connects_again && packet->type != MQTT_TYPE_DISCONNECT &&
        track_sender_had_received(tracking, &connection->session.connack) == TRACK_RECEIVED)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_CLIENT_KEEPS_FALSE_SESSION,
                                                                   .frame = connection->session.connack.frame});
}

/** What a Server's packet after a refusing CONNACK is evidence of, by that one's code. */
static enum track_anomaly_kind refusal_kind(const struct track_context *tracking)
{
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    uint8_t code = tracking->connection->session.connack_code;

    if (code == MQTT_RETURN_UNACCEPTABLE_VERSION || code == MQTT_REASON_UNSUPPORTED_PROTOCOL_VERSION)
        return TRACK_ANOMALY_SERVER_AFTER_REFUSED_VERSION;
    if (code == MQTT_RETURN_IDENTIFIER_REJECTED || code == MQTT_REASON_CLIENT_ID_NOT_VALID)
        return TRACK_ANOMALY_SERVER_AFTER_REFUSED_CLIENT_ID;
    if (connect_info == NULL || connect_info->auth_method == NULL)
        return TRACK_ANOMALY_SERVER_AFTER_REFUSAL;
    return code == MQTT_REASON_BAD_AUTHENTICATION_METHOD || code == MQTT_REASON_NOT_AUTHORIZED
               ? TRACK_ANOMALY_SERVER_AFTER_REFUSED_METHOD
               : TRACK_ANOMALY_SERVER_AFTER_REFUSED_AUTHENTICATION;
}

/** What was not captured since the connection's first packet. */
static enum track_lack gap_lack(const struct track_context *tracking)
{
    return tracking->snapshot.has_gap ? TRACK_LACK_BYTES : TRACK_LACK_NOTHING;
}

/** A CONNACK: the second one, or one that accepts what it should not. */
static void check_connack(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &tracking->checks->order;
    const struct mqtt_packet *packet = tracking->packet;

    if (order->has_connack) {
        /* What the Server has received and the capture lacks may be a second CONNECT. */
        bool is_sure = !tracking->snapshot.has_gap && !track_sender_received_uncaptured(tracking);
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SECOND_CONNACK,
                                                              .lack = is_sure ? TRACK_LACK_NOTHING : TRACK_LACK_BYTES,
                                                              .frame = connection->session.connack.frame});
        return;
    }
    if (packet->reason_at == 0 || mqtt_reason_is_error(packet->type, packet->reason))
        return;
    struct track_anomaly accepted = {
        .kind = TRACK_ANOMALY_BAD_CONNECT_ACCEPTED, .lack = gap_lack(tracking), .at = {packet->reason_at, 1}};
    if (order->unknown_level != 0) {
        accepted.kind = TRACK_ANOMALY_UNKNOWN_LEVEL_ACCEPTED;
        accepted.value = order->unknown_level;
        track_report_anomaly_once(tracking, accepted);
    } else if (tracking->connection->connect.is_malformed) {
        track_report_anomaly_once(tracking, accepted);
    }
}

/** The Server's packets before a CONNACK that accepts. */
static void check_server(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &tracking->checks->order;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_v50 = tracking->snapshot.version == MQTT_V50;
    bool is_refused = connection->session.connack_seen && connection->session.connack_code != 0;
    bool is_disconnect = packet->type == MQTT_TYPE_DISCONNECT;
    bool has_none = !order->has_connack && tracking->arrival->from_start && !connection->may_lose;
    enum track_lack lack = gap_lack(tracking);

    /* Only where the Server's first byte was captured was there surely no CONNACK. */
    if (!order->has_connack && !has_none && !is_refused) {
        has_none = true;
        lack = TRACK_LACK_CONNACK;
    }
    if (order->connects_again || !(mqtt_packet_type_senders(packet->type) & MQTT_SENT_BY_SERVER))
        return;
    if (packet->type == MQTT_TYPE_CONNACK)
        check_connack(tracking);
    if (!tracking->snapshot.connect_seen || (is_disconnect && !is_v50))
        return;
    if (is_disconnect && (has_none || is_refused))
        track_report_anomaly_once(
            tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SERVER_DISCONNECT_UNACCEPTED, .lack = lack});
    else if (has_none && packet->type != MQTT_TYPE_CONNACK && !(is_v50 && packet->type == MQTT_TYPE_AUTH))
        track_report_anomaly_once(tracking,
                                  (struct track_anomaly){.kind = TRACK_ANOMALY_SERVER_BEFORE_CONNACK, .lack = lack});
    else if (is_refused && packet->type != MQTT_TYPE_CONNACK && connection->session.connack.frame != 0)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = (uint16_t)refusal_kind(tracking),
                                                                   .lack = lack,
                                                                   .frame = connection->session.connack.frame,
                                                                   .value = connection->session.connack_code});
}

void track_check_connection_order(struct track_context *tracking)
{
    check_sent_before_connack(tracking);
    if (track_is_from_client(tracking))
        check_client(tracking);
    else if (track_is_from_server(tracking))
        check_server(tracking);
}

void track_update_connection_order(struct track_context *tracking)
{
    struct track_connection_order *order = &tracking->checks->order;
    const struct mqtt_packet *packet = tracking->packet;

    order->has_sent[tracking->sender] = true;
    if (packet->type == MQTT_TYPE_CONNACK && track_is_from_server(tracking))
        order->has_connack = true;
    if (packet->type != MQTT_TYPE_CONNECT || !track_is_from_client(tracking))
        return;
    order->connects_again |= tracking->snapshot.connect_seen;
    order->unknown_level = packet->fault.kind == MQTT_FAULT_LEVEL_UNKNOWN ? packet->connect.level : 0;
}
