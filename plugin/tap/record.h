/* record.h - what statistics, tables and exports get to know of each control packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_RECORD_H
#define MQTTSCOPE_TAP_RECORD_H

#include "../check/check.h"
#include "../check/events.h"
#include "../model/tracker.h"
#include "../wire/packet.h"

/** What a record is about. */
enum tap_subject {
    TAP_PACKET,    /**< a control packet */
    TAP_BEGINNING, /**< the beginning of one whose end has not come: `packet` has the fixed header only */
    TAP_CLOSING,   /**< the end of the connection: `packet` is empty */
};

/** One control packet, queued on the tap "mqttscope". Its texts and bytes are in the packet's pool and good while the tap
 *  callback runs; `connection` and the notes and texts that the facts point to are in file scope. */
struct tap_record {
    enum tap_subject subject;
    struct mqtt_packet packet;
    struct track_facts facts;
    struct track_snapshot snapshot; /**< what `facts.snapshot` points to */
    const struct track_connection *connection;
    const char *sender_name; /**< as in the Info column (show_end_name()); printable */
    const char *receiver_name;
    const char *sender_value; /**< the same as the values of the fields: not escaped */
    const char *receiver_value;
    bool exports_copies;               /**< the user wants each copy of a message exported */
    const struct check_policy *policy; /**< which rules were asked */
    const char *topic;                 /**< PUBLISH: its topic, an alias resolved; printable; "" where unknown */
    const char *line; /**< the Info column's entry without the names, where a flow graph is drawn; else "" */
    const struct check_findings *findings; /**< the rules that the packet breaks; NULL for none */
    struct check_events events;            /**< what happened at it; they are no broken rules */
};

/** The tap of what TLS clients offer. */
#define TAP_OFFERS "mqttscope.offers"

/** A protocol that a TLS client offers by ALPN, queued on that tap once for each. Good while the tap callback runs. */
struct tap_offer {
    uint32_t stream;      /**< of TCP */
    const char *protocol; /**< as on the wire */
};

/** The direction of a packet, as known at it. */
enum tap_direction {
    TAP_TO_BROKER,
    TAP_TO_CLIENT,
    TAP_DIRECTION_UNKNOWN,
};

/** The direction of a packet. */
enum tap_direction tap_direction_of(const struct tap_record *record);

/** The name of the connection's client for people; NULL where it is not known which end that is. */
const char *tap_client_of(const struct tap_record *record);

#endif
