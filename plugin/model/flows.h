/* flows.h - one packet of an exchange, as its observers see it; for flows*.c alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FLOWS_H
#define MQTTSCOPE_MODEL_FLOWS_H

#include "watch.h"

/** The DUP bit of the fixed header, in MQTT 3.1 for SUBSCRIBE, UNSUBSCRIBE and PUBREL too. */
enum { FLOW_DUP = 0x08 };

/** Reason Code "Packet Identifier not found". */
enum { FLOW_NOT_FOUND = 0x92 };

/** A packet, and what is known of its exchange before it. */
struct flow_view {
    struct mqtt_tracking *tracking;
    const struct mqtt_packet *packet;
    struct mqtt_watch *watch;
    unsigned end;                     /**< the end whose identifier it is: the one that began the exchange */
    const struct mqtt_ledger *ledger; /**< of that end */
    const struct mqtt_flow *flow;     /**< the exchange under way with the identifier; NULL for none */
    struct mqtt_oddity *oddity;       /**< of the identifier; NULL for none */
    bool is_sure;                     /**< what it may rest on was captured */
};

/** What is remembered of the packets of the end whose identifier it is. */
struct mqtt_watched_end *flow_watched_end(const struct flow_view *view);

/** The oddity of the packet's identifier; made where there is none. */
struct mqtt_oddity *flow_make_oddity(const struct flow_view *view);

/** Forgets what was odd with the packet's identifier, but for answers that may still come. */
void flow_drop_oddity(struct flow_view *view);

/** Adds one to a count, as far as it goes. */
void flow_count_up(uint8_t *count);

/** Takes one from a count; false where it is 0. */
bool flow_take(uint8_t *count);

/** The exchange was found broken before. */
bool flow_is_accused(const struct flow_view *view);

/** Keeps an observation about the exchange: of the packet's identifier, with `frame` and numbers. */
void flow_observe(const struct flow_view *view, enum mqtt_observation_kind kind, uint8_t doubt, uint32_t value);

/** The same, and the exchange is accused from then on. */
void flow_accuse(struct flow_view *view, enum mqtt_observation_kind kind, uint32_t value);

/** The sender of the packet had the CONNACK, or sent it. */
bool flow_knows_connack(const struct flow_view *view);

/** Nothing of an earlier connection goes on in this one, and the packet's sender had to know. */
bool flow_is_fresh(const struct flow_view *view);

/** The other end answered one of the packets that `end` sent. */
void flow_note_answered(struct flow_view *view, unsigned end, const struct mqtt_note *note);

/** True where a PUBLISH may have had this identifier on this connection. */
bool flow_was_used(const struct mqtt_watched_end *end, uint16_t packet_id);

/** A PUBLISH above QoS 0 takes one of the send quota (MQTT 5.0 section 4.9). */
void flow_take_quota(const struct flow_view *view);

/** An acknowledgement gives one of the send quota back to the end that began the exchange. */
void flow_give_quota_back(const struct flow_view *view);

/** What there is to notice at a PUBLISH; at SUBSCRIBE and UNSUBSCRIBE; at PUBACK and PUBREC; at PUBREL; at PUBCOMP; at
 *  SUBACK and UNSUBACK. */
void flow_observe_publish(struct flow_view *view);
void flow_observe_request(struct flow_view *view);
void flow_observe_publish_answer(struct flow_view *view);
void flow_observe_release(struct flow_view *view);
void flow_observe_completion(struct flow_view *view);
void flow_observe_request_answer(struct flow_view *view);

#endif
