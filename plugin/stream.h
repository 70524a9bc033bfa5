/* stream.h - the connection that a chunk of stream data belongs to, whatever transport carries it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_STREAM_H
#define MQTTSCOPE_STREAM_H

#include <epan/packet.h>

#include "model/tracker.h"

/** What the framing knows of one direction; written on the first visit only. */
struct tcp_direction {
    bool seen;              /**< data of this direction was met before */
    bool from_start;        /**< the first of it was the stream's first byte */
    bool has_packets;       /**< a packet of it was met */
    bool framed;            /**< it is known where the next packet begins */
    bool lacks_rest;        /**< the packet before that place was shown without its end */
    bool skips;             /**< and need not continue up to there: its first byte is invalid */
    bool tried;             /**< the latest segment may begin a packet before that place, and waits for the next one */
    uint8_t open_bytes : 4; /**< the bytes of that one's Remaining Length that are there, plus 1; 0: all of them */
    uint8_t unproved : 4;   /**< after a search: segments that have yet to hold packets where they should */
    uint32_t open_length;   /**< the Remaining Length by those bytes */
    uint32_t
        begins_at;     /**< the sequence number of that place: after the last packet, met or still to come. Over TLS and
                               QUIC, where `skips`: how many bytes come before it */
    uint32_t next_seq; /**< the sequence number after the last byte met */
    uint32_t last_frame; /**< the frame that held it */
};

/** A packet that spans WebSocket messages; written on the first visit only. */
struct websocket_direction {
    uint32_t id;        /**< its number in the reassembly table; 0 while no packet is under way */
    uint32_t length;    /**< its length; 0 while its Remaining Length is not complete */
    uint32_t collected; /**< the bytes met so far */
    uint8_t header[5];  /**< its first bytes, until the length is known */
    uint32_t parts;     /**< messages that have one of it */
    bool is_over_limit; /**< it will not be put together, for want of memory */
    bool is_broken;     /**< it will not be put together: a part was not captured, or that is not wanted */
    bool skips;         /**< it is not waited for, since its first byte is invalid */
    bool is_lost;       /**< no packet is under way, and it is not known where the next one begins */
};

/** Counts the messages of one direction: where some were missed, the lengths of those met do not add up to TCP's sequence
 *  numbers. Written on the first visit only. */
struct websocket_count {
    bool is_begun;    /**< a message was met */
    bool is_unsure;   /**< some may have been missed, and what was read since may be no packets */
    uint32_t at;      /**< the sequence number after the latest message, by its length */
    uint32_t sent_to; /**< the one after the segment that it ended in */
};

/** The subprotocols of a WebSocket's handshake (MQTT 5.0 section 6). File scope; NULL where there is none, or it was not
 *  captured, or cut. */
struct websocket_handshake {
    const char *offered; /**< the Client's list; not known before Wireshark 4.6 */
    const char *chosen;  /**< the Server's choice */
    bool lacks_choice;   /**< the Client offered `mqtt`, and the Server chose none */
};

/** What a WebSocket adds; written on the first visit only. */
struct websocket {
    struct websocket_direction directions[2];
    struct websocket_count counts[2];
    bool may_lack; /**< the counts did not add up */
    uint32_t
        begun_in; /**< the frame of the first message met: those before were left to others, and are on later visits */
    struct websocket_handshake handshake;
};

/** A stream that carries MQTT: the model's connection, and what its transport has to remember. File scope; hangs on
 *  Wireshark's conversation. End 0 is the one that sent the first data met. There may be 100,000 of them: what few need
 *  is made where it is needed. */
struct stream {
    struct track_connection *connection;
    const struct tcp_analysis *analysis; /**< Wireshark's analysis of the TCP connection; NULL over anything else */
    struct websocket *websocket;         /**< NULL over anything but WebSocket */
    struct tcp_direction tcp[2];
    bool has_records;   /**< a layer between TCP and MQTT has units of its own: TLS or WebSocket */
    bool is_left;       /**< it begins with what is no MQTT: others may have it */
    bool is_inner_left; /**< the same of what is in its records */
    bool end0_is_flow1; /**< which of the two directions in `analysis` is end 0's */
};

/** What the framing hands to each control packet of one chunk of data. On the caller's stack. */
struct stream_chunk {
    struct stream *stream;
    unsigned sender;        /**< 0 or 1: the end that sent these bytes */
    bool in_websocket_text; /**< they came in a WebSocket text frame */
    bool is_unsure;         /**< a WebSocket message before them may have been missed, and they may be no packets */
    bool may_lack;          /**< one of either end may have been missed */
    bool is_partial;        /**< the packet being dissected is not waited for, and only its beginning is there */
    bool is_tentative;      /**< whole packets fill the segment, but it is not known that one begins there */
    bool is_foreign;        /**< what is being dissected is another protocol's */
    bool can_skip;          /**< the rest of a packet that is not waited for can be found in what follows */
    bool has_places;        /**< it is known where in the stream its bytes are: the next member is good */
    uint32_t next_seq;      /**< the sequence number after its bytes */
};

/** Fills a chunk for the packet's conversation; makes the stream's record where it is met for the first time. */
void stream_chunk_begin(struct stream_chunk *chunk, packet_info *pinfo);

/** The end of the stream that sent the frame. */
unsigned stream_sender(const struct stream *stream, const packet_info *pinfo);

/** Numbers the control packets of a frame: the next number, from 1. The same packet gets the same number on each visit,
 *  because a frame's packets are met in one order. */
uint32_t stream_next_pdu(packet_info *pinfo);

/** Frame and number of the next packet of this frame. */
struct track_pdu_ref stream_next_pdu_ref(packet_info *pinfo);

/** The same for the WebSocket messages of a frame, or its TLS records. */
uint32_t stream_next_message(packet_info *pinfo);

/** The latest number is to be given out again. */
void stream_return_message(packet_info *pinfo);

/** The handshake was captured, so that it is known where the first byte of both directions is. NULL: it was not. */
bool stream_has_handshake(const struct tcp_analysis *tcp);

/** A sequence number of the frame's sender is known to be the stream's first byte's. Wireshark counts them from the SYN
 *  unless the user does not want it; without a SYN + ACK its count may begin anywhere. */
bool stream_is_start(const struct tcp_analysis *tcp, uint32_t seq);

/** Takes note of the TCP segment, with its header, that is dissected next; NULL: it was dissected. */
void stream_enter_segment(const packet_info *pinfo, tvbuff_t *segment);

/** The raw sequence number after the data of the TCP segment that is being dissected. False where that is not known. */
bool stream_segment_end(const packet_info *pinfo, uint32_t *end);

/** The data of a TCP segment. */
struct segment_data {
    uint32_t seq; /**< the raw sequence number of the first byte */
    uint32_t length;
    const uint8_t *bytes;
};

/** The data of the TCP segment that is being dissected. False where it is not all there. */
bool stream_segment_data(const packet_info *pinfo, struct segment_data *data);

/** When and how the frame's packets arrived; first visit only, when TCP's analysis has reached the frame. */
void stream_arrival(const struct stream *stream, const packet_info *pinfo, struct track_arrival *arrival);

/** Forgets what belongs to the file just closed; connections are counted from 0 again. */
void stream_reset(void);

/** Charges memory that is kept for the file's life to the user's limit; false where that is reached. First visit only. */
bool stream_charge(uint64_t size);

#endif
