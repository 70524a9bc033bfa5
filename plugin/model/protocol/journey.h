/* journey.h - where the messages come from that a Server delivers (MQTT 5.0 section 4.6).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A delivery stems from a publication of the same topic and payload at the same broker. Equal messages are the normal case:
 * it is certain from which of them a delivery stems only where all but one are excluded, because they come after it, or
 * because the order of a lane (delivery-lanes.h) says that they were delivered, or never will be. What
 * might have been missed (a gap, a connection whose CONNECT is not in the capture, a delivery of what nobody published)
 * makes all later links at that broker likely at most. Time only ranks candidates, and a likely link excludes nothing.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_JOURNEY_H
#define MQTTSCOPE_MODEL_PROTOCOL_JOURNEY_H

#include "connection.h"
#include "delivery-lanes.h"
#include "message.h"
#include "publications.h"

enum { TRACK_PLACES_MAX = 64 };

/** A broker. */
struct track_journey_place {
    struct track_endpoint broker;
    bool is_doubted; /**< what was published there may have been missed */
};

/** What is remarkable of a delivery, or of an acknowledgement, as bits. */
enum track_journey_flag {
    TRACK_JOURNEY_KIND = 0x07, /**< enum track_journey_kind */
    TRACK_JOURNEY_CERTAIN = 0x08,
    TRACK_JOURNEY_ACKNOWLEDGES = 0x10,
    TRACK_JOURNEY_TIMED = 0x20,     /**< `ns` is good */
    TRACK_JOURNEY_COMPLETES = 0x40, /**< the delivery is complete with it */
    TRACK_JOURNEY_REPEATS =
        0x80, /**< all that was published alike has been delivered, and nothing can have been missed */
};

/** A delivery or an acknowledgement. */
struct track_journey_step {
    uint32_t frame;
    uint16_t pdu;
    uint16_t flags;       /**< enum track_journey_flag */
    uint32_t publication; /**< index */
    uint32_t before;      /**< index + 1 of the delivery before of the same publication */
    int64_t ns;           /**< since the publication was complete */
};

/** The journeys of a capture. Written by journey.c, journey-steps.c and journey-link.c, and where it says so. */
struct track_journeys {
    struct track_publications publications;
    struct track_pieces steps;
    struct track_delivery_lanes lanes;
    struct track_journey_place places[TRACK_PLACES_MAX];
    unsigned place_count;
    struct track_recent_topics *topics; /**< bridges.c: NULL until there is a bridge */
    bool is_doubted;                    /**< publications may have been missed anywhere */
    uint32_t full_from;                 /**< the first frame of which nothing was kept; 0: none */
};

/** Takes in a packet. */
void track_update_journey(struct track_context *tracking);

/** Publications at the connection's broker may have been missed; or anywhere. */
void track_journey_doubt(struct track_connection *connection);
void track_journeys_doubt(struct track_capture *capture);

/** There is no memory for what the packet being tracked says. */
void track_journey_is_full(struct track_context *tracking);

/** Adds a step at the packet being tracked; NULL where there is no memory for it. */
struct track_journey_step *track_journey_add_step(struct track_context *tracking, uint32_t publication, uint16_t flags);

/** The step of a packet; NULL where it is none. */
const struct track_journey_step *track_journey_find_step(const struct track_journeys *journeys,
                                                         struct track_pdu_ref pdu);

/** Links the Server's PUBLISH that is being tracked. */
void track_link_delivery(struct track_context *tracking, struct track_topic topic);

#endif
