/* tracker.h - follows one MQTT connection packet by packet, and says what is known at each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * track() is the only function that changes what is known. It is called once for each packet, in the order of the
 * capture; track_recall() gives the same facts at any later time.
 */
#ifndef MQTTSCOPE_MODEL_TRACKER_H
#define MQTTSCOPE_MODEL_TRACKER_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "facts/facts.h"
#include "facts/options.h"
#include "facts/subscription.h"
#include "facts/transport.h"
#include "facts/unfinished.h"
#include "journey-facts.h"
#include "packet-parts.h"

/** All that is known about one capture file. File scope. */
struct track_capture;

/** One MQTT connection. File scope. */
struct track_connection;

/** A connection at a glance, as it is by now. */
struct track_summary {
    uint32_t number;
    bool has_packets;                      /**< one was tracked */
    const struct track_snapshot *snapshot; /**< the latest; good until the connection's next packet */
    struct track_deeds deeds[2];           /**< of each end */
    bool connack_seen;
    bool session_present;
    bool clean_start;
    uint8_t connack_code;
    uint8_t connack_version; /**< in whose form it came, enum mqtt_version */
    int64_t
        begun_ns; /**< of the transport, by its frames' time: when its handshake began; TRACK_TIME_UNKNOWN where that was
                                   not captured */
    int64_t ended_ns;         /**< likewise, when its last frame came; TRACK_TIME_UNKNOWN where that is not known */
    bool disconnected;        /**< a DISCONNECT was seen */
    unsigned disconnected_by; /**< the end that sent it */
    uint8_t disconnect_reason;
    bool taken_over;               /**< its Client Identifier connected again while it was alive */
    const struct track_event *end; /**< how it ended; NULL while it is open */
    uint32_t taken_over_in; /**< frame of the CONNECT of its Client Identifier that came while it was open; 0: none */
    struct track_transport_state transport;
    struct track_closing closing;
    unsigned unfinished_count; /**< packets under way */
    struct track_unfinished unfinished[2];
    int64_t last_client_ns; /**< when the client's latest packet was sent; TRACK_TIME_UNKNOWN before the first */
    const struct track_subscription *subscriptions; /**< of its session, the latest first; NULL for none */
};

/** Makes the record of a file in `scope`, which owns all that is later learnt. */
struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options);

/** Charges file-scope memory that others allocate to the limit of the user's; false where that is reached. */
bool track_capture_charge(struct track_capture *capture, uint64_t size);

/** Makes the record of a connection that was just met; connections are numbered from 0. */
struct track_connection *track_connection_new(struct track_capture *capture, const struct track_transport *transport);

/** Says that packets of the connection are about to be tracked, so that the processor fetches the record while they are being
 *  framed: with many connections in turn, waiting for memory is what most of the tracking takes. */
void track_connection_expect(const struct track_connection *connection);

/** The same for what the record points to, once it is at hand: when a packet of an end is about to be read. */
void track_connection_expect_packet(const struct track_connection *connection, unsigned sender);

/** The network address of an end. */
const struct track_endpoint *track_connection_end(const struct track_connection *connection, unsigned end);

/** The version by which to read a packet at first. */
enum mqtt_version track_connection_version(const struct track_connection *connection);

/** The version by which to look for packets where it is not known that one begins: MQTT_VERSION_UNKNOWN while it is a guess,
 *  lest the packet that proves another be passed over. */
enum mqtt_version track_connection_sure_version(const struct track_connection *connection);

/** Takes in one packet, first visit only, each after the one before in the file, and says what is known with it. `sender` is the
 *  end that sent it, 0 or 1. `packet` was read by track_connection_version() and is read again where it settles another. */
void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts);

/** Takes in that bytes of the connection are missing before `pdu`, first visit only: what rests on having captured
 *  everything is unknown from there on. */
void track_gap(struct track_connection *connection, struct track_pdu_ref pdu);

/** Takes in that packets of the connection may be missed without a gap that tells: what rests on having captured each of
 *  them is not judged. */
void track_may_lose(struct track_connection *connection);

/** Takes in that a packet of the connection may have been missed: where messages come from is doubtful, too. */
void track_loss(struct track_connection *connection);

/** The facts of a packet that was tracked before. Reads nothing that a later packet can change, but for links to answers
 *  that were not there on the first visit. */
void track_recall(const struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
                  struct track_facts *facts);

/** The connection at a glance. */
void track_summarise(const struct track_connection *connection, struct track_summary *summary);

#endif
