/* packet-id-checks.h - one packet of an exchange, as its observers see it; for packet-id-checks*.c alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FLOWS_H
#define MQTTSCOPE_MODEL_FLOWS_H

#include "packet-id-state.h"

/** The DUP bit of the fixed header, in MQTT 3.1 for SUBSCRIBE, UNSUBSCRIBE and PUBREL too. */
enum { PACKET_ID_DUP = 0x08 };

/** Reason Code "Packet Identifier not found". */

/** A packet, and what is known of its exchange before it. */
struct packet_id_check {
    struct track_context *tracking;
    const struct mqtt_packet *packet;
    struct track_packet_id_state *packet_ids;
    unsigned end;                             /**< the end whose identifier it is: the one that began the exchange */
    const struct track_inflight *inflight;    /**< of that end */
    const struct track_inflight_entry *entry; /**< the exchange under way with the identifier; NULL for none */
    struct track_packet_id_history *history;  /**< of the identifier; NULL for none */
    bool is_sure;                             /**< what it may rest on was captured */
};

/** What is remembered of the packets of the end whose identifier it is. */
struct track_packet_id_end_state *packet_id_end_state(const struct packet_id_check *view);

/** The history of the packet's identifier; made where there is none. */
struct track_packet_id_history *packet_id_make_history(const struct packet_id_check *view);

/** Forgets what was odd with the packet's identifier, but for answers that may still come. */
void packet_id_drop_history(struct packet_id_check *view);

/** Adds one to a count, as far as it goes. */
void packet_id_count_up(uint8_t *count);

/** Takes one from a count; false where it is 0. */
bool packet_id_take(uint8_t *count);

/** The exchange was found broken before. */
bool packet_id_is_reported(const struct packet_id_check *view);

/** Keeps an anomaly about the exchange: of the packet's identifier, with `frame` and numbers. */
void packet_id_report_anomaly(const struct packet_id_check *view, enum track_anomaly_kind kind, enum track_doubt doubt,
                              uint32_t value);

/** The same, and the exchange is accused from then on. */
void packet_id_report_once(struct packet_id_check *view, enum track_anomaly_kind kind, uint32_t value);

/** The sender of the packet had the CONNACK, or sent it. */
bool packet_id_knows_connack(const struct packet_id_check *view);

/** Nothing of an earlier connection goes on in this one, and the packet's sender had to know. */
bool packet_id_is_fresh(const struct packet_id_check *view);

/** The other end answered one of the packets that `end` sent. */
void packet_id_note_response(struct packet_id_check *view, unsigned end, const struct track_packet_record *record);

/** True where a PUBLISH may have had this identifier on this connection. */
bool packet_id_was_used(const struct track_packet_id_end_state *end, uint16_t packet_id);

/** A PUBLISH above QoS 0 takes one of the send quota (MQTT 5.0 section 4.9). */
void packet_id_take_quota(const struct packet_id_check *view);

/** An acknowledgement gives one of the send quota back to the end that began the exchange. */
void packet_id_give_quota_back(const struct packet_id_check *view);

/** What there is to notice at a PUBLISH; at SUBSCRIBE and UNSUBSCRIBE; at PUBACK and PUBREC; at PUBREL; at PUBCOMP; at
 *  SUBACK and UNSUBACK. */
void packet_id_check_publish(struct packet_id_check *view);
void packet_id_check_request(struct packet_id_check *view);
void packet_id_check_publish_response(struct packet_id_check *view);
void packet_id_check_pubrel(struct packet_id_check *view);
void packet_id_check_pubcomp(struct packet_id_check *view);
void packet_id_check_request_response(struct packet_id_check *view);

#endif
