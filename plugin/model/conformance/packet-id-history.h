/* packet-id-history.h - one packet with a Packet Identifier and what was out of the ordinary with that; for packet-id-*.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_HISTORY_H
#define MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_HISTORY_H

#include "../protocol/inflight.h"
#include "packet-id-state.h"

/** The DUP bit of the fixed header, in MQTT 3.1 for SUBSCRIBE, UNSUBSCRIBE and PUBREL too. */
enum { PACKET_ID_DUP = 0x08 };

/** A packet, and what is known of its transaction before it. */
struct packet_id_check {
    struct track_context *tracking;
    const struct mqtt_packet *packet;
    struct track_packet_id_state *state;
    unsigned end;                             /**< the end whose identifier it is: the one that began the transaction */
    const struct track_inflight *inflight;    /**< of that end */
    const struct track_inflight_entry *entry; /**< the transaction in flight with the identifier; NULL for none */
    struct track_packet_id_history *history;  /**< of the identifier; NULL for none */
    enum track_lack lack;                     /**< what of all that it may rest on was not captured */
    struct track_packet_id_history unkept;    /**< stands for `history` where there is no memory for one */
};

/** What is remembered of the end whose identifier it is. */
struct track_packet_id_end_state *packet_id_end_state(const struct packet_id_check *check);

/** The history of the packet's identifier; made where there is none. Where there is no memory for it the sequence is broken,
 *  and what is returned good until the next packet. */
struct track_packet_id_history *packet_id_make_history(struct packet_id_check *check);

/** Forgets the history of the packet's identifier, but for responses that may still come. */
void packet_id_drop_history(struct packet_id_check *check);

/** Adds one to a count, as far as it goes. */
void packet_id_count_up(uint8_t *count);

/** Takes one from a count; false where it is 0. */
bool packet_id_take(uint8_t *count);

/** The transaction was found broken before. */
bool packet_id_is_reported(const struct packet_id_check *check);

/** Reports an anomaly of the transaction: at the packet's identifier, with `frame` and numbers. */
void packet_id_report_anomaly(const struct packet_id_check *check, enum track_anomaly_kind kind, enum track_doubt doubt,
                              uint32_t value);

/** The same, and the transaction counts as broken from then on. */
void packet_id_report_once(struct packet_id_check *check, enum track_anomaly_kind kind, uint32_t value);

/** The sender of the packet had the CONNACK, or sent it. */
bool packet_id_knows_connack(const struct packet_id_check *check);

/** Nothing of an earlier connection continues in this one, and the packet's sender had to know. */
bool packet_id_is_fresh(const struct packet_id_check *check);

/** True where a PUBLISH may have had this identifier on this connection. */
bool packet_id_was_used(const struct track_packet_id_end_state *end, uint16_t packet_id);

#endif
