/* check-keep-alive.c - finds Clients that were silent too long, and ends that waited too long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clients count whole seconds, and a capture at the broker adds the network's delays, so each limit has some slack.
 */
#include "check-keep-alive.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/pending-requests.h"
#include "checks.h"

enum {
    MS_NS = 1000000,
    CLIENT_SLACK_MS = 2000, /**< over the Keep Alive before a Client is reported */
    SERVER_SLACK_MS = 5000, /**< over 1.5 times the Keep Alive before a Server is reported */
    PATIENCE_MS = 60000,    /**< longer than Clients and Servers in use wait for CONNACK and CONNECT */
};

static void report_ms(struct track_context *tracking, enum track_anomaly_kind kind, enum track_lack lack, int64_t ms)
{
    track_report_anomaly_once(tracking, (struct track_anomaly){.kind = (uint16_t)kind,
                                                               .lack = lack,
                                                               .value = (uint32_t)CLAMP(ms, 0, UINT32_MAX),
                                                               .other = tracking->snapshot.keep_alive_s});
}

/** What is missing of what the Client's silence and its Keep Alive rest on: in MQTT 5.0 the CONNACK may have changed it, and
 *  may not have been captured. */
static enum track_lack keep_alive_lack(const struct track_context *tracking)
{
    bool is_settled = tracking->snapshot.version != MQTT_V50 ||
                      (tracking->connection->session.connack_seen && !tracking->checks->order.connects_again);

    if (!tracking->snapshot.has_keep_alive)
        return TRACK_LACK_CONNECT;
    return is_settled ? track_history_lack(tracking) : TRACK_LACK_CONNACK;
}

/** How long the Client had sent nothing at a time, from the end of its latest packet on. */
struct silence {
    int64_t least_ms; /**< negative where that is not known */
    int64_t most_ms;
};

static struct silence silence_until(const struct track_context *tracking, int64_t at_ns)
{
    const struct track_clock *clock = &tracking->capture->clock;
    int64_t last_ns = tracking->connection->keep_alive.last_client_ns;

    if (last_ns == TRACK_TIME_UNKNOWN || at_ns == TRACK_TIME_UNKNOWN || !tracking->snapshot.has_keep_alive)
        return (struct silence){-1, INT64_MAX};
    return (struct silence){track_least_elapsed_ns(clock, last_ns, at_ns) / MS_NS,
                            track_most_elapsed_ns(clock, last_ns, at_ns) / MS_NS};
}

/** The Client has not been silent for its Keep Alive, whatever the clocks are worth; or that is not known. Mostly that is all. */
static bool is_silence_short(const struct track_context *tracking, int64_t at_ns)
{
    int64_t last_ns = tracking->connection->keep_alive.last_client_ns;
    int64_t limit_ns = tracking->snapshot.keep_alive_s * INT64_C(1000) * MS_NS;

    return last_ns == TRACK_TIME_UNKNOWN || at_ns == TRACK_TIME_UNKNOWN || at_ns - last_ns <= limit_ns;
}

/** How long ago something was at least, as of the packet being tracked; negative where that is not known. */
static int64_t waited_ms(const struct track_context *tracking, int64_t since_ns)
{
    return track_least_elapsed_ns(&tracking->capture->clock, since_ns, tracking->now_ns) / MS_NS;
}

/** The gap between two packets of the Client: from the end of one to the start of the next (section 3.1.2.10). */
static void check_silence(struct track_context *tracking)
{
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    int64_t limit = tracking->snapshot.keep_alive_s * INT64_C(1000);

    if (is_silence_short(tracking, tracking->begun_ns))
        return;
    int64_t silence = silence_until(tracking, tracking->begun_ns).least_ms;
    if (limit == 0 || silence <= limit + CLIENT_SLACK_MS)
        return;
    bool is_far = silence > limit + limit / 2;
    enum track_lack lack = keep_alive_lack(tracking);
    if (connect_info == NULL || connect_info->keep_alive_s == tracking->snapshot.keep_alive_s)
        report_ms(tracking, is_far ? TRACK_ANOMALY_KEEP_ALIVE_FAR_EXCEEDED : TRACK_ANOMALY_KEEP_ALIVE_EXCEEDED, lack,
                  silence);
    else
        report_ms(tracking,
                  is_far ? TRACK_ANOMALY_SERVER_KEEP_ALIVE_FAR_EXCEEDED : TRACK_ANOMALY_SERVER_KEEP_ALIVE_EXCEEDED,
                  lack, silence);
}

/** Responses that the Client waits for in vain. */
static void check_waiting(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    const struct track_connection_order *order = &tracking->checks->order;
    const struct track_keep_alive_check *state = &tracking->checks->keep_alive;
    const struct track_response_log *log = track_response_log_of(tracking->checks);
    const struct track_arrival *arrival = tracking->arrival;
    int64_t limit = tracking->snapshot.keep_alive_s * INT64_C(1000) + CLIENT_SLACK_MS;

    if (connection->pending[tracking->sender] == NULL && (log == NULL || log->pings == 0))
        return;
    if (tracking->packet->type == MQTT_TYPE_DISCONNECT || !track_has_history(tracking))
        return;
    if (log != NULL && log->pings > 0 && order->has_connack && keep_alive_lack(tracking) == TRACK_LACK_NOTHING &&
        tracking->snapshot.keep_alive_s > 0) {
        /* The Client has received nothing since, so that no answer can have escaped the capture. */
        bool got_nothing = arrival->has_numbers && arrival->got_to == log->ping_got_to;
        int64_t waited = waited_ms(tracking, log->ping_since_ns);
        if (got_nothing && waited > limit)
            report_ms(tracking, TRACK_ANOMALY_PINGRESP_MISSED, TRACK_LACK_NOTHING, waited);
    }
    const struct track_pending_packet *connect =
        track_find_pending_request(connection, tracking->sender, MQTT_TYPE_CONNECT);
    bool got_nothing = state->has_connect_got_to && arrival->has_numbers && arrival->got_to == state->connect_got_to;
    if (connect == NULL || !got_nothing || order->connects_again)
        return;
    int64_t waited = waited_ms(tracking, connect->sent_ns);
    if (waited > PATIENCE_MS)
        report_ms(tracking, TRACK_ANOMALY_CONNACK_MISSED, TRACK_LACK_NOTHING, waited);
}

/** A CONNECT long after the transport had begun (section 3.1). */
static void check_connect_time(struct track_context *tracking)
{
    const struct track_connection_order *order = &tracking->checks->order;
    int64_t begun_ns = tracking->connection->transport.begun_ns;

    if (begun_ns != TRACK_TIME_UNKNOWN)
        begun_ns = track_clock_convert(&tracking->capture->clock, begun_ns);
    if (begun_ns != TRACK_TIME_UNKNOWN && !order->has_sent[0] && !order->has_sent[1] &&
        waited_ms(tracking, begun_ns) > PATIENCE_MS)
        report_ms(tracking, TRACK_ANOMALY_CONNECT_LATE, TRACK_LACK_NOTHING, waited_ms(tracking, begun_ns));
}

static void check_client_time(struct track_context *tracking)
{
    if (tracking->packet->type == MQTT_TYPE_CONNECT)
        check_connect_time(tracking);
    check_silence(tracking);
    check_waiting(tracking);
}

static void check_server_time(struct track_context *tracking)
{
    const struct track_response_log *log = track_response_log_of(tracking->checks);
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;
    int64_t keep_alive = tracking->snapshot.keep_alive_s * INT64_C(1000);
    bool is_disconnect = packet->type == MQTT_TYPE_DISCONNECT;
    bool is_other = !is_disconnect && packet->type != MQTT_TYPE_PINGRESP;

    if ((is_other && is_silence_short(tracking, tracking->now_ns)) || track_is_other_sending(tracking))
        return;
    struct silence silence = silence_until(tracking, tracking->now_ns);
    enum track_lack lack = keep_alive_lack(tracking);
    if (packet->type == MQTT_TYPE_PINGRESP && (log == NULL || log->pings == 0) && tracking->snapshot.connect_seen)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_PINGRESP_WITHOUT_PINGREQ,
                                                              .lack = track_history_lack(tracking)});
    if (is_disconnect && packet->reason == MQTT_REASON_KEEP_ALIVE_TIMEOUT && silence.least_ms >= 0 &&
        connect_info != NULL && connect_info->keep_alive_s == tracking->snapshot.keep_alive_s &&
        (keep_alive == 0 || silence.most_ms < keep_alive))
        report_ms(tracking, TRACK_ANOMALY_KEEP_ALIVE_CUT_SHORT, lack, silence.most_ms);
    if (keep_alive > 0 && !is_disconnect && silence.least_ms > keep_alive + keep_alive / 2 + SERVER_SLACK_MS)
        report_ms(tracking, TRACK_ANOMALY_SENT_TO_SILENT_CLIENT, lack, silence.least_ms);
}

void track_check_keep_alive(struct track_context *tracking)
{
    struct track_keep_alive_check *state = &tracking->checks->keep_alive;

    if (track_is_from_client(tracking))
        check_client_time(tracking);
    else if (track_is_from_server(tracking))
        check_server_time(tracking);
    if (tracking->packet->type == MQTT_TYPE_CONNECT && track_is_from_client(tracking)) {
        state->has_connect_got_to = tracking->arrival->has_numbers;
        state->connect_got_to = tracking->arrival->got_to;
    }
}
