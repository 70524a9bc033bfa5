/* transport.h - what a connection's transport tells: addresses, how far its bytes went, whether it is open.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_TRANSPORT_H
#define MQTTSCOPE_MODEL_FACTS_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

/** An end's network address; tells brokers apart. */
struct track_endpoint {
    uint8_t address[16];
    uint16_t port;
    uint8_t length; /**< bytes of `address` that count */
};

/** What the transport knows of a connection when it is met. */
struct track_transport {
    struct track_endpoint ends[2];
    uint8_t server;        /**< the end that seems to be the server, or TRACK_END_UNKNOWN */
    uint8_t evidence;      /**< enum track_evidence: what that rests on: HANDSHAKE, PORT or NONE */
    const void *handle;    /**< for state_of(); NULL where the transport knows no end */
    uint32_t first_seq[2]; /**< the sequence number before each end's first byte, as TCP has it; 0: not known */
    int64_t begun_ns;      /**< when its handshake began; TRACK_TIME_UNKNOWN where that was not captured */
};

/** The state of a connection's transport, as far as the file was read. */
struct track_transport_state {
    bool is_finished; /**< closed by a FIN */
    bool is_reset;    /**< broken off by a RST */
    int64_t last_ns;  /**< when its last frame came; TRACK_TIME_UNKNOWN where that is not known */
    bool has_numbers; /**< it counts bytes: the two below are good */
    uint32_t sent_to; /**< the sequence number after all that was sent, the sum of both ends' */
    uint32_t got_to;  /**< the sequence number up to which bytes were acknowledged, the sum of both ends' */
    bool has_sent_by[2];
    uint32_t sent_by[2]; /**< each end: the sequence number after all that it sent; good where `has_sent_by` */
};

/** When and how a packet arrived. */
struct track_arrival {
    int64_t ns;             /**< the time of its frame, for differences */
    bool from_start;        /**< its sender's bytes were captured from the first of the stream on */
    bool is_first;          /**< and it begins with that byte */
    bool has_numbers;       /**< the transport counts bytes: the two below are good */
    uint32_t sent_to;       /**< the sequence number after the bytes that its sender has sent by now */
    uint32_t got_to;        /**< the sequence number up to which its sender acknowledges the other end's bytes */
    bool has_other;         /**< the one below is good */
    uint32_t other_sent_to; /**< the sequence number after the bytes of the other end that were captured by now */
    bool lacks_subprotocol; /**< over a WebSocket whose Server left out the subprotocol `mqtt`, which was offered */
    bool is_joined; /**< a layer below put its bytes together from several segments: when the first came is not known */
};

/** Where a packet ends in its sender's bytes; tells whether the other end had it when it sent something. */
struct track_stream_position {
    uint32_t frame;   /**< 0: there is no such packet */
    uint32_t sent_to; /**< 0: the transport does not count */
    int64_t ns;
};

#endif
