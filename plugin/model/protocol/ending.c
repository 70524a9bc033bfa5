/* ending.c - how a connection ends: who ends it, with what, how long after the last packet, and what explains it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first thing that ends a connection counts: what comes after it (the FIN after a DISCONNECT, the other end's FIN) explains
 * nothing. Where packets before it may be missing, no explanation is taken for granted.
 */
#include "ending.h"

#include "../evidence/report-event.h"
#include "../facts/captured.h"
#include "../store/text.h"
#include "connection.h"
#include "rivals.h"

static const int64_t SECOND_NS = INT64_C(1000000000);

static int64_t since(const struct track_context *tracking, int64_t earlier_ns)
{
    return earlier_ns == TRACK_TIME_UNKNOWN || earlier_ns > tracking->now_ns ? TRACK_TIME_UNKNOWN
                                                                             : tracking->now_ns - earlier_ns;
}

/** How long the Client had been silent, where the Server ends the connection; else both ends. */
static int64_t silence_before(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    return since(tracking,
                 track_is_from_server(tracking) ? connection->keep_alive.last_client_ns : connection->ending.last_ns);
}

/** The connection ends with the packet, or the frame, being tracked. */
static void end_connection(struct track_context *tracking, struct track_event end)
{
    struct track_ending *ending = &tracking->connection->ending;

    end.kind = TRACK_EVENT_END;
    end.by = (uint8_t)tracking->sender;
    end.ns = tracking->connection->has_packets ? silence_before(tracking) : TRACK_TIME_UNKNOWN;
    ending->is_over = true;
    ending->over_ns = tracking->now_ns;
    ending->end = track_report_event(tracking, end);
}

/** The Client's connection before is open, and has to end for this one. */
static void begin_takeover(struct track_context *tracking)
{
    struct track_connection *old = tracking->connection->session.previous;
    struct track_ending *ending = &old->ending;
    struct track_event event = {
        .kind = TRACK_EVENT_reconnected_while_open,
        .by = (uint8_t)tracking->sender,
        .frame = ending->connect_in,
        .other = old->number,
        .ns = since(tracking, ending->last_ns),
    };

    ending->taken_over_in = tracking->pdu.frame;
    track_report_event(tracking, event);
    event.kind = TRACK_EVENT_END;
    event.by = (uint8_t)(1 - tracking->sender);
    event.how = TRACK_ENDED_BY_CONNECT;
    event.why = TRACK_ENDED_TAKEN_OVER;
    track_report_event(tracking, event);
}

static void begin_connection_ending(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_ending *ending = &tracking->connection->ending;
    struct mqtt_span user = packet->connect.user_name;

    *ending = (struct track_ending){.connect_in = tracking->pdu.frame, .last_ns = ending->last_ns};
    if (user.length > 0 && track_has_span(packet, user) && !tracking->snapshot.is_copy)
        ending->user_name = track_intern_span(tracking->capture, packet, user);
    if (tracking->record != NULL && tracking->record->is_id_in_use && tracking->record->takes_over != 0)
        begin_takeover(tracking);
    track_update_reconnects(tracking);
}

/** The Server's answer to the CONNECT. */
static void take_answer(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connection *connection = tracking->connection;
    struct track_connection *old = connection->session.takes_over ? connection->session.previous : NULL;

    if (packet->reason_at == 0)
        return;
    if (packet->reason != 0) {
        if (old != NULL)
            old->ending.taken_over_in = 0;
        track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_connection_refused,
                                                          .by = (uint8_t)tracking->sender,
                                                          .code = packet->reason,
                                                          .value = connection->ending.connect_in != 0,
                                                          .text = connection->ending.user_name});
        end_connection(tracking, (struct track_event){.how = TRACK_ENDED_BY_REFUSAL, .code = packet->reason});
    } else if (old != NULL && old->ending.taken_over_in != 0) {
        track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_taken_over,
                                                          .by = (uint8_t)tracking->sender,
                                                          .frame = old->ending.connect_in,
                                                          .other = old->number});
    }
}

/** The limit that a code says was exceeded, as the sender of the packet granted it. False where the code is about none. */
static bool read_limit(const struct track_context *tracking, uint32_t *limit)
{
    const struct track_limits *limits = tracking->snapshot.limits[tracking->sender];

    *limit = 0;
    switch (tracking->packet->reason) {
    case MQTT_REASON_RECEIVE_MAXIMUM_EXCEEDED:
        *limit = limits != NULL ? limits->receive_maximum : 0;
        return true;
    case MQTT_REASON_TOPIC_ALIAS_INVALID:
        *limit = limits != NULL ? limits->topic_alias_maximum : 0;
        return true;
    case MQTT_REASON_PACKET_TOO_LARGE:
        *limit = limits != NULL ? limits->maximum_packet_size : 0;
        return true;
    case MQTT_REASON_MESSAGE_RATE_TOO_HIGH:
    case MQTT_REASON_QUOTA_EXCEEDED:
        return true;
    default:
        return false;
    }
}

/** What a DISCONNECT of MQTT 5.0 gives as its reason. */
static void report_reason(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = tracking->packet;
    bool is_from_server = track_is_from_server(tracking);
    struct track_event event = {.kind = TRACK_EVENT_closed_with_reason,
                                .by = (uint8_t)tracking->sender,
                                .code = packet->reason,
                                .ns = TRACK_TIME_UNKNOWN};

    if (!is_from_server && !mqtt_reason_is_error(packet->type, packet->reason))
        return;
    /* The CONNACK of the connection that took over has said it. */
    if (packet->reason == MQTT_REASON_SESSION_TAKEN_OVER && connection->ending.taken_over_in != 0)
        return;
    if (read_limit(tracking, &event.value)) {
        event.kind = TRACK_EVENT_limit_exceeded;
    } else if (is_from_server && packet->reason == MQTT_REASON_KEEP_ALIVE_TIMEOUT) {
        event.kind = TRACK_EVENT_keep_alive_ran_out;
        event.value = tracking->snapshot.has_keep_alive ? tracking->snapshot.keep_alive_s : 0;
        event.ns = silence_before(tracking);
    }
    track_report_event(tracking, event);
}

static void take_disconnect(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_ending *ending = &tracking->connection->ending;
    struct track_event end = {.how = TRACK_ENDED_BY_DISCONNECT, .code = packet->reason};

    if (ending->is_over || tracking->snapshot.broker == TRACK_END_UNKNOWN)
        return;
    if (ending->taken_over_in != 0) {
        end.why = TRACK_ENDED_TAKEN_OVER;
        end.frame = ending->taken_over_in;
    } else if (ending->malformed_in[1 - tracking->sender] != 0 && mqtt_reason_is_error(packet->type, packet->reason)) {
        end.why = TRACK_ENDED_MALFORMED;
        end.frame = ending->malformed_in[1 - tracking->sender];
    }
    if (packet->version == MQTT_V50 && packet->fault.kind == MQTT_FAULT_NONE)
        report_reason(tracking);
    end_connection(tracking, end);
}

void track_update_ending(struct track_context *tracking)
{
    switch (tracking->packet->type) {
    case MQTT_TYPE_CONNECT:
        if (track_is_from_client(tracking))
            begin_connection_ending(tracking);
        break;
    case MQTT_TYPE_CONNACK:
        if (track_is_from_server(tracking) && !tracking->connection->ending.is_over)
            take_answer(tracking);
        break;
    case MQTT_TYPE_DISCONNECT:
        take_disconnect(tracking);
        break;
    default:
        break;
    }
}

void track_update_last_packet(struct track_context *tracking)
{
    struct track_ending *ending = &tracking->connection->ending;

    ending->last_ns = tracking->now_ns;
    ending->is_answered |= track_is_from_server(tracking);
    ending->malformed_in[tracking->sender] = mqtt_is_malformed(tracking->packet) ? tracking->pdu.frame : 0;
}

/** All that an end sent was captured, but for what the layers between may send when they close. */
static bool has_all_of(const struct track_context *tracking, const struct track_closing *closing, unsigned end)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_end_progress *progress = &connection->progress.ends[end];
    struct track_transport_state transport = track_transport_state_of(connection);
    bool is_closing = closing->by == end;
    bool is_under_way = connection->begun != NULL && connection->begun->ends[end].is_under_way;

    if (tracking->snapshot.has_gap || connection->may_lose || !progress->is_known || !transport.has_sent_by[end])
        return false;
    uint32_t sent_to = transport.sent_by[end] - (is_closing && !closing->is_reset);
    return is_under_way || (int32_t)(sent_to - progress->captured_to) <= (is_closing ? closing->goodbye : 0);
}

static bool is_accepted(const struct track_context *tracking)
{
    const struct track_connection_session *session = &tracking->connection->session;
    const struct track_snapshot *snapshot = &tracking->snapshot;

    if (session->connack_seen)
        return session->connack_code == 0;
    return !snapshot->connect_seen && snapshot->evidence > TRACK_EVIDENCE_HANDSHAKE;
}

/** What Keep Alive has to do with it that the Server closes. */
enum keep_alive_part { NOT_RUN_OUT, MAY_HAVE_RUN_OUT, HAS_RUN_OUT };

/** The Client may have been silent for so long that the Server closes (MQTT 5.0 section 3.1.2.10). Brokers count in seconds, and
 *  some are a second early. */
static enum keep_alive_part keep_alive_part(const struct track_context *tracking, const struct track_closing *closing)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_snapshot *snapshot = &tracking->snapshot;
    const struct track_clock *clock = &tracking->capture->clock;
    int64_t last_ns = connection->keep_alive.last_client_ns;
    int64_t keep_alive_s = snapshot->keep_alive_s;
    int64_t limit_ns = MAX(keep_alive_s * 3 / 2 - 1, keep_alive_s) * SECOND_NS;
    unsigned client = 1 - tracking->sender;
    /* In MQTT 5.0 a CONNACK that was not captured may have changed the Keep Alive. */
    bool is_known = snapshot->has_keep_alive && last_ns != TRACK_TIME_UNKNOWN &&
                    (snapshot->version != MQTT_V50 || connection->session.connack_seen);

    if (is_known && keep_alive_s == 0)
        return NOT_RUN_OUT;
    if (!is_known || !is_accepted(tracking) || !has_all_of(tracking, closing, client))
        return MAY_HAVE_RUN_OUT;
    if (!connection->progress.ends[client].is_sending &&
        track_least_elapsed_ns(clock, last_ns, tracking->now_ns) >= limit_ns)
        return HAS_RUN_OUT;
    return track_most_elapsed_ns(clock, last_ns, tracking->now_ns) >= limit_ns ? MAY_HAVE_RUN_OUT : NOT_RUN_OUT;
}

/** What explains that the transport is closed. */
static void explain(const struct track_context *tracking, const struct track_closing *closing, struct track_event *end)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_ending *ending = &connection->ending;
    unsigned other = 1 - tracking->sender;
    enum keep_alive_part part = track_is_from_server(tracking) ? keep_alive_part(tracking, closing) : NOT_RUN_OUT;
    bool is_unanswered = ending->connect_in != 0 && !connection->session.connack_seen;

    end->why = TRACK_ENDED_UNEXPLAINED;
    if (ending->taken_over_in != 0) {
        end->why = TRACK_ENDED_TAKEN_OVER;
        end->frame = ending->taken_over_in;
    } else if (ending->alert_in != 0) {
        end->why = TRACK_ENDED_TLS_ALERT;
        end->frame = ending->alert_in;
        end->value = ending->alert;
    } else if (part == HAS_RUN_OUT) {
        end->why = TRACK_ENDED_KEEP_ALIVE;
        end->value = tracking->snapshot.keep_alive_s;
    } else if (is_unanswered && !ending->is_answered && has_all_of(tracking, closing, tracking->snapshot.broker)) {
        end->why = TRACK_ENDED_UNANSWERED;
        end->frame = ending->connect_in;
    } else if (is_unanswered || part == MAY_HAVE_RUN_OUT || !has_all_of(tracking, closing, tracking->sender)) {
        end->why = TRACK_ENDED_DOUBTFUL;
    } else if (ending->malformed_in[other] != 0) {
        end->why = TRACK_ENDED_MALFORMED;
        end->frame = ending->malformed_in[other];
    }
}

/** What happened, if that the transport is closed is not what one expects. */
static void report_closing(struct track_context *tracking, const struct track_event *end)
{
    bool is_by_server = track_is_from_server(tracking);
    struct track_event event = *end;

    event.by = (uint8_t)tracking->sender;
    event.ns = silence_before(tracking);
    switch ((enum track_end_why)end->why) {
    case TRACK_ENDED_KEEP_ALIVE:
        event.kind = TRACK_EVENT_keep_alive_ran_out;
        break;
    case TRACK_ENDED_UNANSWERED:
        event.kind = TRACK_EVENT_connection_unanswered;
        break;
    case TRACK_ENDED_UNEXPLAINED:
    case TRACK_ENDED_MALFORMED:
        if (!is_accepted(tracking))
            return;
        event.kind = is_by_server ? TRACK_EVENT_server_closed : TRACK_EVENT_ended_without_disconnect;
        event.ns = since(tracking, tracking->connection->ending.last_ns);
        break;
    default:
        return;
    }
    track_report_event(tracking, event);
}

void track_update_alert(struct track_context *tracking, uint8_t description)
{
    struct track_ending *ending = &tracking->connection->ending;

    if (ending->alert_in != 0 || ending->is_over)
        return;
    ending->alert_in = tracking->pdu.frame;
    ending->alert = description;
    track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_tls_alert,
                                                      .by = (uint8_t)tracking->sender,
                                                      .code = description,
                                                      .ns = TRACK_TIME_UNKNOWN});
}

void track_close_ending(struct track_context *tracking, const struct track_closing *closing)
{
    struct track_connection *connection = tracking->connection;
    struct track_event end = {.how = closing->is_reset ? TRACK_ENDED_BY_RST : TRACK_ENDED_BY_FIN};

    if (!connection->has_packets && connection->ending.alert_in == 0 && !closing->is_refusal)
        return;
    if (connection->ending.is_over) {
        track_rival_closes(tracking, closing);
        return;
    }
    if (closing->is_refusal) {
        end.why = TRACK_ENDED_NO_HANDSHAKE;
        track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_tcp_refused,
                                                          .by = (uint8_t)tracking->sender,
                                                          .ns = TRACK_TIME_UNKNOWN});
    } else if (tracking->snapshot.broker == TRACK_END_UNKNOWN) {
        end.why = TRACK_ENDED_DOUBTFUL;
    } else {
        explain(tracking, closing, &end);
        report_closing(tracking, &end);
    }
    end_connection(tracking, end);
}
