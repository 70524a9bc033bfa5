/* packet-id-history.c - what was out of the ordinary with a Packet Identifier.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A transaction that is broken once is not found broken again by each packet that follows from it: its Packet Identifier
 * has a history, and responses that the broken part may still bring are counted in it. Nothing is said where a missing,
 * late or truncated packet could excuse what was found.
 */
#include "packet-id-history.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

struct track_packet_id_end_state *packet_id_end_state(const struct packet_id_check *check)
{
    return &check->state->ends[check->end];
}

struct track_packet_id_history *packet_id_make_history(struct packet_id_check *check)
{
    struct track_packet_id_history *history =
        track_make_packet_id_history(check->tracking, check->end, check->packet->packet_id);
    return history != NULL ? history : &check->unkept;
}

void packet_id_drop_history(struct packet_id_check *check)
{
    struct track_packet_id_history *history = check->history;
    struct track_file_memory *memory = &check->tracking->capture->memory;

    if (history == NULL)
        return;
    *history = (struct track_packet_id_history){
        .by_id = history->by_id,
        .responses = history->responses,
        .completions = history->completions,
        .wrong_ack = history->responses > 0 ? history->wrong_ack : 0,
    };
    if (history->responses > 0 || history->completions > 0)
        return;
    track_id_table_remove(&packet_id_end_state(check)->histories, &history->by_id);
    track_file_free(memory, history, sizeof *history);
    check->history = NULL;
}

void packet_id_count_up(uint8_t *count)
{
    *count += *count < UINT8_MAX;
}

bool packet_id_take(uint8_t *count)
{
    if (*count == 0)
        return false;
    --*count;
    return true;
}

bool packet_id_is_reported(const struct packet_id_check *check)
{
    return check->history != NULL && check->history->is_reported;
}

/** A Packet Identifier of 0 is reported by the packet's own rule; MQTT 5.0 has none for acknowledgements. */
static bool has_own_rule(const struct mqtt_packet *packet)
{
    bool is_request = packet->type == MQTT_TYPE_PUBLISH || packet->type == MQTT_TYPE_SUBSCRIBE ||
                      packet->type == MQTT_TYPE_UNSUBSCRIBE;

    return packet->packet_id == 0 && (packet->version != MQTT_V50 || is_request);
}

void packet_id_report_anomaly(const struct packet_id_check *check, enum track_anomaly_kind kind, enum track_doubt doubt,
                              uint32_t value)
{
    const struct mqtt_packet *packet = check->packet;

    if (has_own_rule(packet))
        return;
    track_report_anomaly(check->tracking, (struct track_anomaly){
                                              .kind = (uint16_t)kind,
                                              .doubt = (uint8_t)doubt,
                                              .lack = check->lack,
                                              .at = {packet->packet_id_at, 2},
                                              .frame = check->entry != NULL ? check->entry->waiting.first_frame : 0,
                                              .value = value,
                                              .other = check->entry != NULL ? check->entry->type : 0,
                                          });
}

void packet_id_report_once(struct packet_id_check *check, enum track_anomaly_kind kind, uint32_t value)
{
    packet_id_report_anomaly(check, kind, TRACK_DOUBT_NONE, value);
    check->history = packet_id_make_history(check);
    check->history->is_reported = true;
}

bool packet_id_knows_connack(const struct packet_id_check *check)
{
    const struct track_context *tracking = check->tracking;
    const struct track_connection *connection = tracking->connection;

    if (!connection->session.connack_seen)
        return false;
    return tracking->sender == tracking->snapshot.broker ||
           track_sender_had_received(tracking, &connection->session.connack) == TRACK_RECEIVED;
}

bool packet_id_is_fresh(const struct packet_id_check *check)
{
    const struct track_connection *connection = check->tracking->connection;

    if (connection->session.clean_start)
        return true;
    /* A Server that kept a session and denies it is reported at its CONNACK, and not at what it continues. A Client
     * of MQTT 3.1.1 may continue with its own state then (section 3.2.2.2). */
    if (connection->session.previous != NULL &&
        (check->tracking->sender == check->tracking->snapshot.broker || check->packet->version == MQTT_V311))
        return false;
    return check->packet->version != MQTT_V31 && connection->session.connack_code == 0 &&
           !connection->session.session_present && packet_id_knows_connack(check);
}

bool packet_id_was_used(const struct track_packet_id_end_state *end, uint16_t packet_id)
{
    return packet_id <= end->highest_id && end->ids >> packet_id % 64 & 1;
}
