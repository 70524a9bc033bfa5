/* connection.h - follows one MQTT connection packet by packet, and says what is known at each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mqtt_track() is the only function that changes what is known. It is called once for each packet, in the order of the
 * capture; mqtt_recall() gives the same facts at any later time.
 */
#ifndef MQTTSCOPE_MODEL_CONNECTION_H
#define MQTTSCOPE_MODEL_CONNECTION_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "facts.h"

/** All that is known about one capture file. File scope. */
struct mqtt_world;

/** One MQTT connection. File scope. */
struct mqtt_connection;

/** An end's network address; tells brokers apart. */
struct mqtt_endpoint {
    uint8_t address[16];
    uint16_t port;
    uint8_t length; /**< bytes of `address` that count */
};

/** What the transport knows of a connection when it is met. */
struct mqtt_transport {
    struct mqtt_endpoint ends[2];
    uint8_t server;     /**< the end that seems to be the server, or MQTT_END_UNKNOWN */
    uint8_t evidence;   /**< enum mqtt_evidence: what that rests on: HANDSHAKE, PORT or NONE */
    const void *handle; /**< for state_of(); NULL where the transport knows no end */
    int64_t begun_ns;   /**< when its handshake began; MQTT_TIME_UNKNOWN where that was not seen */
};

/** How the transport of a connection stands, as far as the file was read. */
struct mqtt_transport_state {
    bool is_finished; /**< closed by a FIN */
    bool is_reset;    /**< broken off by a RST */
    int64_t last_ns;  /**< when its last frame came; MQTT_TIME_UNKNOWN where that is not known */
    bool has_numbers; /**< it counts bytes: the two below are good */
    uint32_t sent_to; /**< the sequence number behind all that was sent, the sum of both ends' */
    uint32_t got_to;  /**< the sequence number up to which bytes were acknowledged, the sum of both ends' */
};

/** When and how a packet arrived. */
struct mqtt_arrival {
    int64_t ns;       /**< the time of its frame, for differences */
    bool from_start;  /**< its sender's bytes were met from the first of the stream on */
    bool has_numbers; /**< the transport counts bytes: the two below are good */
    uint32_t sent_to; /**< the sequence number behind the bytes that its sender has sent by now */
    uint32_t got_to;  /**< the sequence number up to which its sender says to have received the other end's bytes */
};

/** How the user wants connections to be followed. */
struct mqtt_tracking_options {
    enum mqtt_version preferred_version; /**< for connections that do not tell theirs; or MQTT_VERSION_UNKNOWN */
    uint32_t max_inflight;               /**< exchanges followed at once in each direction of a connection */
    uint64_t max_memory; /**< bytes of topics, filters, Client Identifiers and what belongs to them; 0: no limit */
    bool observes;       /**< notice what the rules ask for */
    struct mqtt_transport_state (*state_of)(const void *handle); /**< asks the transport; may be NULL */
};

struct mqtt_session;

/** A subscription as it stands in its session, or as it is asked for. File scope. */
struct mqtt_subscription {
    struct mqtt_subscription *next; /**< in its session, the latest first */
    struct mqtt_subscription *previous;
    const struct mqtt_session *session; /**< NULL until it is granted */
    const struct mqtt_text *filter;
    uint8_t options; /**< as asked for */
    uint8_t granted; /**< the code of the SUBACK */
};

/** A connection at a glance, as it stands when asked. */
struct mqtt_summary {
    uint32_t number;
    const struct mqtt_epoch *epoch; /**< the latest; good until the connection's next packet */
    bool connack_seen;
    bool session_present;
    bool clean_start;
    uint8_t connack_code;
    bool disconnected;        /**< a DISCONNECT was seen */
    unsigned disconnected_by; /**< the end that sent it */
    uint8_t disconnect_reason;
    bool taken_over; /**< its Client Identifier connected anew while it lived */
    struct mqtt_transport_state transport;
    int64_t last_client_ns; /**< when the client's latest packet was sent; MQTT_TIME_UNKNOWN before the first */
    const struct mqtt_subscription *subscriptions; /**< of its session, the latest first; NULL for none */
};

/** Makes the record of a file in `scope`, which owns all that is later learnt. */
struct mqtt_world *mqtt_world_new(wmem_allocator_t *scope, const struct mqtt_tracking_options *options);

/** Makes the record of a connection that was just met; connections are numbered from 0. */
struct mqtt_connection *mqtt_connection_new(struct mqtt_world *world, const struct mqtt_transport *transport);

/** Says that packets of the connection are about to be tracked, so that the processor fetches the record while they are being
 *  framed: with many connections in turn, waiting for memory is what most of the tracking takes. */
void mqtt_connection_expect(const struct mqtt_connection *connection);

/** The same for what the record points to, once it is at hand: when a packet of an end is about to be read. */
void mqtt_connection_expect_packet(const struct mqtt_connection *connection, unsigned sender);

/** The network address of an end. */
const struct mqtt_endpoint *mqtt_connection_end(const struct mqtt_connection *connection, unsigned end);

/** The version by which to read a packet at first. */
enum mqtt_version mqtt_connection_version(const struct mqtt_connection *connection);

/** Takes in one packet, first visit only, in the order of the capture, and says what is known with it. `sender` is the
 *  end that sent it, 0 or 1. `packet` was read by mqtt_connection_version() and is read again where it settles another. */
void mqtt_track(struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                const struct mqtt_arrival *arrival, struct mqtt_packet *packet, struct mqtt_facts *facts);

/** Takes in that bytes of the connection are missing before `place`, first visit only: what rests on having seen
 *  everything is unknown from there on. */
void mqtt_track_gap(struct mqtt_connection *connection, struct mqtt_place place);

/** Takes in that packets of the connection may go by unseen without a gap to tell it: what rests on having seen each of
 *  them is not judged. */
void mqtt_track_loss(struct mqtt_connection *connection);

/** The facts of a packet that was tracked before. Reads nothing that a later packet can change, but for links to answers
 *  that were not there on the first visit. */
void mqtt_recall(const struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                 struct mqtt_facts *facts);

/** The connection at a glance. */
void mqtt_summarise(const struct mqtt_connection *connection, struct mqtt_summary *summary);

#endif
