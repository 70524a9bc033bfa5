/* packet-id-checks.c - finds what does not fit in the transactions of a connection (MQTT 5.0 sections 2.2.1 and 4.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each packet is checked before transactions.c lets it change what is in flight.
 */
#include "packet-id-checks.h"

#include "../protocol/connection.h"
#include "checks.h"
#include "packet-id-checks-requests.h"
#include "packet-id-checks-responses.h"

/** Which end's identifier a packet has: its sender's own, or that of the end that it answers. */
static unsigned requester_of(const struct track_context *tracking)
{
    switch (tracking->packet->type) {
    case MQTT_TYPE_PUBLISH:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        return tracking->sender;
    default:
        return 1 - tracking->sender;
    }
}

void track_check_packet_ids(struct track_context *tracking)
{
    static void (*const checks[16])(struct packet_id_check *) = {
        [MQTT_TYPE_PUBLISH] = packet_id_check_publish,           [MQTT_TYPE_PUBACK] = packet_id_check_publish_response,
        [MQTT_TYPE_PUBREC] = packet_id_check_publish_response,   [MQTT_TYPE_PUBREL] = packet_id_check_pubrel,
        [MQTT_TYPE_PUBCOMP] = packet_id_check_pubcomp,           [MQTT_TYPE_SUBSCRIBE] = packet_id_check_request,
        [MQTT_TYPE_SUBACK] = packet_id_check_request_response,   [MQTT_TYPE_UNSUBSCRIBE] = packet_id_check_request,
        [MQTT_TYPE_UNSUBACK] = packet_id_check_request_response,
    };
    const struct track_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = tracking->packet;

    if ((!tracking->checks->sequence.has_connect && !tracking->capture->options.keeps_undecided) ||
        packet->packet_id_at == 0 || checks[packet->type & 0x0F] == NULL)
        return;
    unsigned end = requester_of(tracking);
    struct track_packet_id_state *state = track_packet_id_state_of(tracking);
    if (state == NULL)
        return;
    struct packet_id_check check = {
        .tracking = tracking,
        .packet = packet,
        .state = state,
        .end = end,
        .inflight = &connection->inflight[end],
        .lack = track_sequence_lack(tracking),
    };
    check.entry = track_inflight_find(check.inflight, packet->packet_id);
    check.history = track_find_packet_id_history(check.state, end, packet->packet_id);
    checks[packet->type & 0x0F](&check);
}
