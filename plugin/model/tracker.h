/* tracker.h - follows one MQTT connection packet by packet, and says what is known at each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * track() is the only function that changes what is known. It is called once for each packet, in the order of the
 * capture; track_recall() gives the same facts at any later time.
 */
#ifndef MQTTSCOPE_MODEL_CONNECTION_H
#define MQTTSCOPE_MODEL_CONNECTION_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "facts/facts.h"

/** All that is known about one capture file. File scope. */
struct track_capture;

/** One MQTT connection. File scope. */
struct track_connection;

/** An end's network address; tells brokers apart. */
struct track_endpoint {
    uint8_t address[16];
    uint16_t port;
    uint8_t length; /**< bytes of `address` that count */
};

/** What the transport knows of a connection when it is met. */
struct track_transport {
    struct track_endpoint ends[2];
    uint8_t server;     /**< the end that seems to be the server, or TRACK_END_UNKNOWN */
    uint8_t evidence;   /**< enum track_evidence: what that rests on: HANDSHAKE, PORT or NONE */
    const void *handle; /**< for state_of(); NULL where the transport knows no end */
    int64_t begun_ns;   /**< when its handshake began; TRACK_TIME_UNKNOWN where that was not seen */
};

/** How the transport of a connection stands, as far as the file was read. */
struct track_transport_state {
    bool is_finished; /**< closed by a FIN */
    bool is_reset;    /**< broken off by a RST */
    int64_t last_ns;  /**< when its last frame came; TRACK_TIME_UNKNOWN where that is not known */
    bool has_numbers; /**< it counts bytes: the two below are good */
    uint32_t sent_to; /**< the sequence number behind all that was sent, the sum of both ends' */
    uint32_t got_to;  /**< the sequence number up to which bytes were acknowledged, the sum of both ends' */
};

/** When and how a packet arrived. */
struct track_arrival {
    int64_t ns;       /**< the time of its frame, for differences */
    bool from_start;  /**< its sender's bytes were met from the first of the stream on */
    bool has_numbers; /**< the transport counts bytes: the two below are good */
    uint32_t sent_to; /**< the sequence number behind the bytes that its sender has sent by now */
    uint32_t got_to;  /**< the sequence number up to which its sender says to have received the other end's bytes */
};

/** How the user wants connections to be followed. */
struct track_options {
    enum mqtt_version preferred_version; /**< for connections that do not tell theirs; or MQTT_VERSION_UNKNOWN */
    uint32_t max_inflight;               /**< exchanges followed at once in each direction of a connection */
    uint64_t max_memory; /**< bytes of topics, filters, Client Identifiers and what belongs to them; 0: no limit */
    bool observes;       /**< notice what the rules ask for */
    struct track_transport_state (*state_of)(const void *handle); /**< asks the transport; may be NULL */
};

struct track_session;

/** A subscription as it stands in its session, or as it is asked for. File scope. */
struct track_subscription {
    struct track_subscription *next; /**< in its session, the latest first */
    struct track_subscription *previous;
    const struct track_session *session; /**< NULL until it is granted */
    const struct track_text *filter;
    uint8_t options; /**< as asked for */
    uint8_t granted; /**< the code of the SUBACK */
};

/** A connection at a glance, as it stands when asked. */
struct track_summary {
    uint32_t number;
    const struct track_snapshot *snapshot; /**< the latest; good until the connection's next packet */
    bool connack_seen;
    bool session_present;
    bool clean_start;
    uint8_t connack_code;
    bool disconnected;        /**< a DISCONNECT was seen */
    unsigned disconnected_by; /**< the end that sent it */
    uint8_t disconnect_reason;
    bool taken_over; /**< its Client Identifier connected anew while it lived */
    struct track_transport_state transport;
    int64_t last_client_ns; /**< when the client's latest packet was sent; TRACK_TIME_UNKNOWN before the first */
    const struct track_subscription *subscriptions; /**< of its session, the latest first; NULL for none */
};

/** Makes the record of a file in `scope`, which owns all that is later learnt. */
struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options);

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

/** Takes in one packet, first visit only, in the order of the capture, and says what is known with it. `sender` is the
 *  end that sent it, 0 or 1. `packet` was read by track_connection_version() and is read again where it settles another. */
void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts);

/** Takes in that bytes of the connection are missing before `pdu`, first visit only: what rests on having seen
 *  everything is unknown from there on. */
void track_gap(struct track_connection *connection, struct track_pdu_ref pdu);

/** Takes in that packets of the connection may go by unseen without a gap to tell it: what rests on having seen each of
 *  them is not judged. */
void track_loss(struct track_connection *connection);

/** The facts of a packet that was tracked before. Reads nothing that a later packet can change, but for links to answers
 *  that were not there on the first visit. */
void track_recall(const struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
                  struct track_facts *facts);

/** The connection at a glance. */
void track_summarise(const struct track_connection *connection, struct track_summary *summary);

#endif
