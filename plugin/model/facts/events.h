/* events.h - what happened to a Client without any rule being broken, and how a connection ended.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_EVENTS_H
#define MQTTSCOPE_MODEL_FACTS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct mqtt_packet;
struct track_facts;
struct track_text;

/** A row of events.def; or the end of a connection, which is told of each. */
enum track_event_kind {
#define EVENT(name, ...) TRACK_EVENT_##name,
#include "events.def"
#undef EVENT
    TRACK_EVENT_KINDS,
    TRACK_EVENT_END = TRACK_EVENT_KINDS,
};

_Static_assert(TRACK_EVENT_KINDS < 32, "a set of kinds has a bit for each");

/** What ended a connection. */
enum track_end_how {
    TRACK_ENDED_BY_DISCONNECT,
    TRACK_ENDED_BY_REFUSAL, /**< a CONNACK */
    TRACK_ENDED_BY_FIN,
    TRACK_ENDED_BY_RST,
    TRACK_ENDED_BY_CONNECT, /**< of the same Client Identifier, on another connection; `other` is the number of the one ended */
};

/** What explains it. */
enum track_end_why {
    TRACK_ENDED_UNEXPLAINED,
    TRACK_ENDED_DOUBTFUL,     /**< packets before it may be missing: a reason may have been among them */
    TRACK_ENDED_KEEP_ALIVE,   /**< nothing came from the Client for one and a half times `value` seconds */
    TRACK_ENDED_TAKEN_OVER,   /**< by the CONNECT at `frame` */
    TRACK_ENDED_UNANSWERED,   /**< the CONNECT at `frame` had no answer */
    TRACK_ENDED_MALFORMED,    /**< the other end's packet at `frame` was malformed */
    TRACK_ENDED_TLS_ALERT,    /**< TLS had failed: the alert `value` at `frame` */
    TRACK_ENDED_NO_HANDSHAKE, /**< the SYN was answered with RST */
};

/** One thing that happened at one packet, or at a frame that closes a connection. File scope, never changed. */
struct track_event {
    uint32_t frame_at; /**< which packet: its frame and number in it */
    uint32_t pdu_at;
    uint8_t kind;    /**< enum track_event_kind */
    uint8_t by : 1;  /**< the end that did it: 0 or 1 */
    uint8_t how : 3; /**< enum track_end_how */
    uint8_t why : 4; /**< enum track_end_why */
    uint8_t code;    /**< what follows depends on the kind: events.def; of an end, the code of DISCONNECT or CONNACK */
    uint32_t frame;  /**< another packet; 0: none */
    uint32_t other;
    uint32_t value;
    int64_t ns; /**< a span of time; of an end, since the last packet of either side, or of the Client where the Server
                     ends it; TRACK_TIME_UNKNOWN */
    const struct track_text *text;
};

/** How many events of one packet are kept. */
enum { TRACK_EVENTS_MAX = 6 };

/** A row of events.def. */
struct track_event_info {
    const char *name;
    const char *title;
    const char *short_title;
};

/** The row of a kind. Never NULL. */
const struct track_event_info *track_event_info(enum track_event_kind kind);

enum { TRACK_EVENT_TEXT_SIZE = 512 };

/** What an event says: its title and what it was. Whatever the wire had in it is not made printable. `packet` is the one that
 *  it happened at, empty where there is none. */
void track_event_text(const struct track_event *event, const struct mqtt_packet *packet,
                      const struct track_facts *facts, char buffer[TRACK_EVENT_TEXT_SIZE]);

/** How a connection ended, in a sentence. `broker` is the end that is the broker, `version` that of the connection. */
void track_end_text(const struct track_event *end, unsigned broker, unsigned version,
                    char buffer[TRACK_EVENT_TEXT_SIZE]);

#endif
