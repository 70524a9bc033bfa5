/* unfinished-packets.h - packets of which only the beginning has come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet is tracked where it is complete. Where the connection closes before, nobody would hear of it: a CONNECT whose
 * Remaining Length is too large makes a capture look empty. So each end's packet under way is remembered, until it is
 * complete or its place is lost.
 */
#ifndef MQTTSCOPE_MODEL_UNFINISHED_PACKETS_H
#define MQTTSCOPE_MODEL_UNFINISHED_PACKETS_H

#include "../facts/unfinished.h"

struct track_capture;
struct track_connection;

/** One end's packet under way. */
struct track_begun_packet {
    struct track_beginning beginning;
    bool is_under_way;
    bool is_judged; /**< the rules of the fixed header have decided where it begins */
};

/** Both ends' packets under way. File scope; made for the first one. */
struct track_begun_packets {
    struct track_begun_packet ends[2];
};

/** The end may begin its next packet with this byte, by what is known now. Where it may not, what follows need not be the rest of
 *  a packet, and is not waited for. `is_first`: it is the first byte that the end sends. */
bool track_unfinished_may_begin(const struct track_connection *connection, unsigned sender, uint8_t first,
                                bool is_first);

/** Takes in the beginning of a packet, or more of the same; first visit only. The packet is forgotten where its sender's
 *  next packet is tracked. */
void track_unfinished_begin(struct track_connection *connection, const struct track_beginning *beginning);

/** Takes in that the rules of the fixed header have decided on the packet under way where it begins; first visit only. */
void track_unfinished_judge(struct track_connection *connection, unsigned sender);

/** The packet under way was judged. */
bool track_unfinished_is_judged(const struct track_connection *connection, unsigned sender);

/** Takes in that it is not known any more where the packet under way ends; first visit only. */
void track_unfinished_lose(struct track_connection *connection, unsigned sender);

/** The packet under way is complete: forgets it. True where it was judged. */
bool track_unfinished_complete(struct track_connection *connection, unsigned sender);

/** Takes in that an end closes the transport; first visit only. Fills `list` with the packets that were under way and not told
 *  of before, and returns how many there are. */
unsigned track_unfinished_close(struct track_connection *connection, const struct track_closing *closing,
                                struct track_unfinished list[2]);

/** Fills `list` with the packets that are under way now, and returns how many there are. */
unsigned track_unfinished_list(const struct track_connection *connection, struct track_unfinished list[2]);

#endif
