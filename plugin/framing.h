/* framing.h - finds the control packets in a chunk of a stream, whatever carries it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_FRAMING_H
#define MQTTSCOPE_FRAMING_H

#include "stream.h"

/** Finds the fields of Wireshark's that it looks at; at hand-off. */
void framing_register(void);

/** Dissects the packets of a chunk, of which one begins at `from`. */
void framing_dissect(tvbuff_t *tvb, uint32_t from, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk);

/** It is not known any more where the sender's next packet begins; first visit only. */
void framing_lose_place(const struct stream_chunk *chunk);

/** Reads on in the Remaining Length of a packet that is not waited for, up to its end or that of the bytes; first visit only. Returns
 *  how many of them belong to it. */
uint32_t framing_read_header(struct tcp_direction *direction, tvbuff_t *tvb);

/** Whole packets fill the chunk. What a packet with an invalid first byte announces need not be the rest of one. */
bool framing_is_filled(tvbuff_t *tvb, const struct stream_chunk *chunk);

#endif
