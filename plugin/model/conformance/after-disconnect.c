/* after-disconnect.c - notices who goes on after a packet that should have ended the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TCP acknowledges bytes before their program reads them. So an end is blamed for going on only some time after it had the
 * other end's packet, and once a connection.
 */
#include "../../wire/validity.h"
#include "../state.h"

static const int64_t TIME_TO_REACT_NS = INT64_C(2000000000);

/** Malformed, or a Protocol Error that has to end the connection: by its bytes, or as a second CONNECT (section 3.1). */
static bool is_bad(const struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool is_second_connect =
        packet->type == MQTT_TYPE_CONNECT && packet->version != MQTT_V31 && tracking->snapshot.connect_seen;

    return mqtt_is_invalid(packet) || (is_second_connect && packet->fault.kind == MQTT_FAULT_NONE);
}

/** How long the packet's sender had an earlier packet of the other end; -1 where it may not have had it long enough. */
static int64_t had_it_for(const struct track_context *tracking, const struct track_stream_position *mark)
{
    int64_t ns = tracking->now_ns - mark->ns;
    return track_sender_had_received(tracking, mark) == TRACK_RECEIVED && ns >= TIME_TO_REACT_NS ? ns : -1;
}

/** Packets after a DISCONNECT that their own sender had sent. */
static void observe_own_end(struct track_context *tracking)
{
    const struct track_connection_order *order = &tracking->connection->order;
    struct track_anomaly anomaly = {.kind = TRACK_ANOMALY_AFTER_OWN_DISCONNECT,
                                    .value = tracking->connection->disconnect_reason};

    if (!order->has_disconnected[tracking->sender])
        return;
    if (order->is_disconnect_error[tracking->sender])
        anomaly.kind = order->is_reauthenticating ? TRACK_ANOMALY_AFTER_OWN_DISCONNECT_ON_AUTHENTICATION
                                                  : TRACK_ANOMALY_AFTER_OWN_DISCONNECT_ON_ERROR;
    track_report_anomaly_once(tracking, anomaly);
}

/** Packets in spite of what the other end had sent. */
static void observe_other_end(struct track_context *tracking)
{
    const struct track_connection_order *order = &tracking->connection->order;
    const struct track_malformed_packet *bad = order->bad;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_refusal = packet->type == MQTT_TYPE_CONNACK && packet->reason_at != 0 &&
                      mqtt_reason_is_error(packet->type, packet->reason);
    int64_t ns;

    if (packet->type == MQTT_TYPE_DISCONNECT || is_refusal)
        return;
    if (order->first_disconnect.frame != 0 && order->first_disconnect_by != tracking->sender &&
        (ns = had_it_for(tracking, &order->first_disconnect)) >= 0)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_AFTER_RECEIVED_DISCONNECT,
                                                                   .frame = order->first_disconnect.frame,
                                                                   .value = (uint32_t)MIN(ns / 1000000, UINT32_MAX)});
    else if (bad != NULL && bad->sender != tracking->sender && had_it_for(tracking, &bad->mark) >= 0)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = bad->has_bad_flags
                                                                               ? TRACK_ANOMALY_WENT_ON_AFTER_BAD_FLAGS
                                                                               : TRACK_ANOMALY_WENT_ON_AFTER_BAD_PACKET,
                                                                   .frame = bad->mark.frame});
}

/** Takes in a packet that should be the last. */
static void remember(struct track_context *tracking)
{
    struct track_connection_order *order = &tracking->connection->order;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_disconnect =
        packet->type == MQTT_TYPE_DISCONNECT && (packet->version == MQTT_V50 || track_is_from_client(tracking));

    if (is_disconnect && packet->fault.kind <= MQTT_FAULT_CUT) {
        order->has_disconnected[tracking->sender] = true;
        order->is_disconnect_error[tracking->sender] = mqtt_reason_is_error(packet->type, packet->reason);
        if (order->first_disconnect.frame == 0) {
            order->first_disconnect = track_stream_position_of(tracking);
            order->first_disconnect_by = (uint8_t)tracking->sender;
        }
    } else if (order->bad == NULL && is_bad(tracking)) {
        order->bad = wmem_new(tracking->connection->capture->scope, struct track_malformed_packet);
        *order->bad = (struct track_malformed_packet){
            .mark = track_stream_position_of(tracking),
            .sender = (uint8_t)tracking->sender,
            .has_bad_flags = packet->fault.kind == MQTT_FAULT_NONE && mqtt_has_invalid_flags(packet),
        };
    }
}

void track_check_after_disconnect(struct track_context *tracking)
{
    if (tracking->snapshot.broker == TRACK_END_UNKNOWN || tracking->snapshot.has_gap ||
        (!tracking->snapshot.connect_seen && tracking->packet->type != MQTT_TYPE_CONNECT))
        return;
    observe_own_end(tracking);
    observe_other_end(tracking);
    remember(tracking);
}
