/* keep-alive.c - notices who was silent too long, and who waited too long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clients count whole seconds, and a capture at the broker adds the network's delays, so each limit has some slack.
 */
#include "packet-id-state.h"

enum {
    MS_NS = 1000000,
    CLIENT_SLACK_MS = 2000,     /**< beyond the Keep Alive before a Client is told to be late */
    SERVER_SLACK_MS = 5000,     /**< beyond 1.5 times the Keep Alive before a Server is told to be late */
    PATIENCE_MS = 60000,        /**< beyond what Clients and Servers in use wait for CONNACK and CONNECT */
    LARGEST_SURE_PACKET = 1460, /**< a larger one may have been long under way when it was complete */
};

static void observe(struct track_context *tracking, enum track_anomaly_kind kind, int64_t ms)
{
    track_report_anomaly_once(tracking, (struct track_anomaly){.kind = (uint16_t)kind,
                                                               .value = (uint32_t)CLAMP(ms, 0, UINT32_MAX),
                                                               .other = tracking->snapshot.keep_alive_s});
}

/** How long the Client had sent no packet; -1 where that is not known. */
static int64_t silence_ms(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    if (connection->last_client_ns == TRACK_TIME_UNKNOWN || !track_has_history(tracking) ||
        !tracking->snapshot.has_keep_alive)
        return -1;
    return (tracking->now_ns - connection->last_client_ns) / MS_NS;
}

/** The gap between two packets of the Client. */
static void observe_silence(struct track_context *tracking)
{
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    int64_t limit = tracking->snapshot.keep_alive_s * INT64_C(1000);
    int64_t silence = silence_ms(tracking);

    if (limit == 0 || silence <= limit + CLIENT_SLACK_MS || tracking->packet->length > LARGEST_SURE_PACKET)
        return;
    bool is_far = silence > limit + limit / 2;
    if (connect_info == NULL || connect_info->keep_alive_s == tracking->snapshot.keep_alive_s)
        observe(tracking, is_far ? TRACK_ANOMALY_KEEP_ALIVE_FAR_EXCEEDED : TRACK_ANOMALY_KEEP_ALIVE_EXCEEDED, silence);
    else
        observe(tracking,
                is_far ? TRACK_ANOMALY_SERVER_KEEP_ALIVE_FAR_EXCEEDED : TRACK_ANOMALY_SERVER_KEEP_ALIVE_EXCEEDED,
                silence);
}

/** What the Client waits for in vain. */
static void observe_waiting(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &connection->order;
    const struct track_packet_id_state *packet_ids = connection->packet_ids;
    const struct track_arrival *arrival = tracking->arrival;
    const struct track_pending_packet *connect =
        track_find_pending_request(&connection->ends[tracking->sender], MQTT_TYPE_CONNECT);
    int64_t limit = tracking->snapshot.keep_alive_s * INT64_C(1000) + CLIENT_SLACK_MS;

    if (tracking->packet->type == MQTT_TYPE_DISCONNECT || !track_has_history(tracking))
        return;
    if (packet_ids != NULL && packet_ids->pings > 0 && order->has_connack && tracking->snapshot.keep_alive_s > 0) {
        /* The Client has received nothing since, so that no answer can have escaped the capture. */
        bool got_nothing = !arrival->has_numbers || arrival->got_to == packet_ids->ping_got_to;
        int64_t waited = (tracking->now_ns - packet_ids->ping_since_ns) / MS_NS;
        if (got_nothing && waited > limit)
            observe(tracking, TRACK_ANOMALY_PINGRESP_MISSED, waited);
    }
    bool got_nothing = order->has_connect_got_to && arrival->has_numbers && arrival->got_to == order->connect_got_to;
    if (connect == NULL || !got_nothing || order->connects_again)
        return;
    int64_t waited = (tracking->now_ns - connect->sent_ns) / MS_NS;
    if (waited > PATIENCE_MS)
        observe(tracking, TRACK_ANOMALY_CONNACK_MISSED, waited);
}

static void track_clients(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &connection->order;
    int64_t begun_ns = connection->transport.begun_ns;

    if (tracking->packet->type == MQTT_TYPE_CONNECT && begun_ns != TRACK_TIME_UNKNOWN && !order->has_sent[0] &&
        !order->has_sent[1] && (tracking->now_ns - begun_ns) / MS_NS > PATIENCE_MS)
        observe(tracking, TRACK_ANOMALY_CONNECT_LATE, (tracking->now_ns - begun_ns) / MS_NS);
    observe_silence(tracking);
    observe_waiting(tracking);
}

static void track_servers(struct track_context *tracking)
{
    const struct track_packet_id_state *packet_ids = tracking->connection->packet_ids;
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    int64_t keep_alive = tracking->snapshot.keep_alive_s * INT64_C(1000);
    int64_t silence = silence_ms(tracking);
    bool is_disconnect = packet->type == MQTT_TYPE_DISCONNECT;
    /* The Client may have sent what was not captured yet, or a part of a packet. */
    bool is_client_sending = track_sender_received_uncaptured(tracking);

    if (packet->type == MQTT_TYPE_PINGRESP && (packet_ids == NULL || packet_ids->pings == 0) &&
        track_has_history(tracking) && !is_client_sending)
        observe(tracking, TRACK_ANOMALY_PINGRESP_UNASKED, 0);
    if (is_disconnect && packet->reason == MQTT_REASON_KEEP_ALIVE_TIMEOUT && silence >= 0 && connect_info != NULL &&
        connect_info->keep_alive_s == tracking->snapshot.keep_alive_s && (keep_alive == 0 || silence < keep_alive))
        observe(tracking, TRACK_ANOMALY_KEEP_ALIVE_CUT_SHORT, silence);
    if (keep_alive > 0 && !is_disconnect && silence > keep_alive + keep_alive / 2 + SERVER_SLACK_MS &&
        !is_client_sending)
        observe(tracking, TRACK_ANOMALY_SENT_TO_SILENT_CLIENT, silence);
}

void track_check_keep_alive(struct track_context *tracking)
{
    if (track_is_from_client(tracking))
        track_clients(tracking);
    else if (track_is_from_server(tracking))
        track_servers(tracking);
}
