/* story.h - tells the model a story, packet by packet, and looks at what it then knows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A story is a file without Wireshark: connections, and the packets that their ends send. Each packet is read and tracked
 * as the dissector does it. When a story ends, every packet is recalled: what was said of it at first has to be said still.
 */
#ifndef MQTTSCOPE_TEST_UNIT_STORY_H
#define MQTTSCOPE_TEST_UNIT_STORY_H

#include "../../model/tracker.h"
#include "check.h"

/** The ends of a connection that story_connect() makes. */
enum { CLIENT = 0, BROKER = 1 };

enum { MILLISECOND = 1000000 };

/** A packet of a story. */
struct scene {
    const struct track_connection *connection;
    struct track_facts facts; /**< its `snapshot` is the copy below; its record is the model's */
    struct track_snapshot snapshot;
    struct track_packet_record record; /**< as it was at once, before any answer came */
    struct mqtt_packet packet;
    struct buffer bytes;
    struct scene *previous;
};

/** A file\. Begin it with story_begin(). */
struct story {
    wmem_allocator_t *scope;
    struct track_capture *capture;
    struct track_pdu_ref pdu; /**< of the latest packet */
    int64_t now_ns;           /**< its time; add to it to let time pass */
    struct scene *latest;
};

/** Begins a story; `options` may be NULL for what users have. */
struct story story_begin(const struct track_options *options);

/** Recalls all packets and says whether it is what was said at first; `test` is the name to complain under. */
bool story_is_recalled(const struct story *story, const char *test);

/** Frees everything. */
void story_free(struct story *story);

/** The end of each story. */
static inline void story_end(struct story *story)
{
    CHECK(story_is_recalled(story, test_name));
    story_free(story);
}

/** The transport of most stories: the client 10.0.0.2 to the broker 10.0.0.1:1883, as the handshake shows. */
struct track_transport story_transport(void);

/** A connection by that transport. */
struct track_connection *story_connect(struct story *story);

/** A connection by another one. */
struct track_connection *story_connect_by(struct story *story, const struct track_transport *transport);

/** A connection that begins with this CONNECT and this CONNACK. */
struct track_connection *story_open(struct story *story, const char *connect, const char *connack);

/** One packet in a frame of its own, a millisecond after the one before. What it returns is good until the story ends;
 *  the record of it changes as the model's does. */
const struct track_facts *story_send(struct story *story, struct track_connection *connection, unsigned sender,
                                     const char *notation);

/** One more packet in the frame of the one before. */
const struct track_facts *story_send_with(struct story *story, struct track_connection *connection, unsigned sender,
                                          const char *notation);

/** The first `captured` bytes of a packet that the snap length cut. */
const struct track_facts *story_send_cut(struct story *story, struct track_connection *connection, unsigned sender,
                                         const char *notation, uint32_t captured);

/** As story_send(), with the Packet Identifier that stands at `id_at` replaced. */
const struct track_facts *story_send_id(struct story *story, struct track_connection *connection, unsigned sender,
                                        const char *notation, uint32_t id_at, uint16_t packet_id);

/** True where kept text is this; NULL stands for none. */
bool story_says(const struct track_text *text, const char *expected);

/** The frame of the latest packet. */
static inline uint32_t story_frame(const struct story *story)
{
    return story->pdu.frame;
}

#endif
