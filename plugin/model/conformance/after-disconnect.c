/* after-disconnect.c - finds packets after one that should have ended the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TCP acknowledges bytes before their program reads them. So an end is blamed for continuing only some time after it had
 * received the other end's packet, and once a connection.
 */
#include "after-disconnect.h"

#include "../../wire/validity.h"
#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

static const int64_t TIME_TO_REACT_NS = INT64_C(2000000000);

/** Malformed, or a Protocol Error that has to end the connection: by its bytes, or as a second CONNECT (section 3.1). */
static bool should_end_connection(const struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool is_second_connect =
        packet->type == MQTT_TYPE_CONNECT && packet->version != MQTT_V31 && tracking->snapshot.connect_seen;

    return mqtt_is_invalid(packet) || (is_second_connect && packet->fault.kind == MQTT_FAULT_NONE);
}

/** How long ago the packet's sender had received an earlier packet of the other end; -1 where that may not be long enough. */
static int64_t had_it_for(const struct track_context *tracking, const struct track_stream_position *position)
{
    int64_t ns = track_least_elapsed_ns(&tracking->capture->clock, position->ns, tracking->now_ns);
    return track_sender_had_received(tracking, position) == TRACK_RECEIVED && ns >= TIME_TO_REACT_NS ? ns : -1;
}

/** Packets after a DISCONNECT that their own sender had sent. */
static void check_own_disconnect(struct track_context *tracking)
{
    const struct track_after_disconnect *state = &tracking->checks->after_disconnect;
    struct track_anomaly anomaly = {
        .kind = TRACK_ANOMALY_AFTER_OWN_DISCONNECT,
        .lack = track_history_lack(tracking),
        .frame = state->first_disconnect_by == tracking->sender ? state->first_disconnect.frame : 0,
        .value = tracking->connection->session.disconnect_reason};

    if (!state->has_disconnected[tracking->sender])
        return;
    if (state->is_disconnect_error[tracking->sender])
        anomaly.kind = tracking->checks->authentication.is_reauthenticating
                           ? TRACK_ANOMALY_AFTER_OWN_DISCONNECT_ON_AUTHENTICATION
                           : TRACK_ANOMALY_AFTER_OWN_DISCONNECT_ON_ERROR;
    track_report_anomaly_once(tracking, anomaly);
}

/** Packets in spite of what the other end had sent. */
static void check_other_end(struct track_context *tracking)
{
    const struct track_after_disconnect *state = &tracking->checks->after_disconnect;
    const struct track_malformed_packet *malformed = state->malformed;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_refusal = packet->type == MQTT_TYPE_CONNACK && packet->reason_at != 0 &&
                      mqtt_reason_is_error(packet->type, packet->reason);
    enum track_lack lack = track_history_lack(tracking);
    int64_t ns;

    if (packet->type == MQTT_TYPE_DISCONNECT || is_refusal)
        return;
    if (state->first_disconnect.frame != 0 && state->first_disconnect_by != tracking->sender &&
        (ns = had_it_for(tracking, &state->first_disconnect)) >= 0)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_AFTER_RECEIVED_DISCONNECT,
                                                                   .lack = lack,
                                                                   .frame = state->first_disconnect.frame,
                                                                   .value = (uint32_t)MIN(ns / 1000000, UINT32_MAX)});
    else if (malformed != NULL && malformed->sender != tracking->sender &&
             had_it_for(tracking, &malformed->position) >= 0)
        track_report_anomaly_once(tracking,
                                  (struct track_anomaly){.kind = malformed->has_bad_flags
                                                                     ? TRACK_ANOMALY_CONTINUES_AFTER_INVALID_FLAGS
                                                                     : TRACK_ANOMALY_CONTINUES_AFTER_MALFORMED,
                                                         .lack = lack,
                                                         .frame = malformed->position.frame});
}

/** Remembers a packet that should be the last. */
static void remember_last(struct track_context *tracking)
{
    struct track_after_disconnect *state = &tracking->checks->after_disconnect;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_disconnect =
        packet->type == MQTT_TYPE_DISCONNECT && (packet->version == MQTT_V50 || track_is_from_client(tracking));

    if (is_disconnect && !mqtt_is_malformed(packet)) {
        state->has_disconnected[tracking->sender] = true;
        state->is_disconnect_error[tracking->sender] = mqtt_reason_is_error(packet->type, packet->reason);
        if (state->first_disconnect.frame == 0) {
            state->first_disconnect = track_stream_position_of(tracking);
            state->first_disconnect_by = (uint8_t)tracking->sender;
        }
    } else if (state->malformed == NULL && should_end_connection(tracking)) {
        state->malformed = (struct track_malformed_packet *)track_alloc(tracking, sizeof *state->malformed);
        if (state->malformed == NULL)
            return;
        *state->malformed = (struct track_malformed_packet){
            .position = track_stream_position_of(tracking),
            .sender = (uint8_t)tracking->sender,
            .has_bad_flags = packet->fault.kind == MQTT_FAULT_NONE && mqtt_has_invalid_flags(packet),
        };
    }
}

void track_check_after_disconnect(struct track_context *tracking)
{
    if (tracking->snapshot.broker == TRACK_END_UNKNOWN ||
        (!tracking->snapshot.connect_seen && tracking->packet->type != MQTT_TYPE_CONNECT))
        return;
    const struct track_after_disconnect *state = &tracking->checks->after_disconnect;
    if (state->first_disconnect.frame != 0 || state->malformed != NULL) {
        check_own_disconnect(tracking);
        check_other_end(tracking);
    }
    if (!tracking->snapshot.has_gap)
        remember_last(tracking);
}
