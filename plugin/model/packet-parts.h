/* packet-parts.h - takes in parts of packets, before or without the whole of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All of it belongs to the first visit. Of a connection that is not tracked nothing is taken in.
 */
#ifndef MQTTSCOPE_MODEL_PACKET_PARTS_H
#define MQTTSCOPE_MODEL_PACKET_PARTS_H

#include "facts/facts.h"
#include "facts/transport.h"
#include "facts/unfinished.h"

struct track_connection;

/** Takes in that an end has begun a packet, of which more is to come. Where the packet is tracked before the
 *  rest of it, this comes after track(). */
void track_packet_begun(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival);

/** Takes in more bytes of a packet that was tracked without them, and whether they are the last. */
void track_packet_continues(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival,
                            bool is_end);

/** The end may begin its next packet with this byte, by what is known now. Where it may not, what follows need not be the rest of
 *  a packet, and is not waited for. `is_first`: it is the first byte that the end sends. */
bool track_may_begin(const struct track_connection *connection, unsigned sender, uint8_t first, bool is_first);

/** Takes in the beginning of a packet whose end comes later, or more of the same. The packet is forgotten where
 *  its sender's next packet is tracked. */
void track_begin_packet(struct track_connection *connection, const struct track_beginning *beginning);

/** Takes in that the rules of the fixed header have decided on the packet under way where it begins. */
void track_judge_packet(struct track_connection *connection, unsigned sender);

/** The packet under way was judged. */
bool track_is_packet_judged(const struct track_connection *connection, unsigned sender);

/** Takes in that it is not known any more where the packet under way ends. */
void track_lose_packet(struct track_connection *connection, unsigned sender);

/** Takes in that an end closes the transport, in a segment that arrived thus. `pdu` is where the frame's next packet would be. Says in `facts` what is known and
 *  was found, as track() does. Fills `list` with the packets that were under way and not reported before, and returns how
 *  many there are. */
unsigned track_close(struct track_connection *connection, const struct track_closing *closing,
                     const struct track_arrival *arrival, struct track_pdu_ref pdu, struct track_facts *facts,
                     struct track_unfinished list[2]);

/** Takes in a fatal alert of TLS in clear: it ends what was to be an MQTT connection. What there is to say of it is kept with `pdu`, which is
 *  where the frame's next packet would be. */
void track_alert(struct track_connection *connection, unsigned sender, uint8_t description,
                 const struct track_arrival *arrival, struct track_pdu_ref pdu);

/** A packet of either end was tracked. */
bool track_connection_has_packets(const struct track_connection *connection);

/** The frame of the CONNACK that the Client had not received when it sent what arrived thus; 0 where it had, where there is
 *  none, and where the sender is not the Client. */
uint32_t track_crossed_connack(struct track_connection *connection, unsigned sender,
                               const struct track_arrival *arrival);

#endif
