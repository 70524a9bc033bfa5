/* journey.h - what is known of the way of an application message, as plain data for showing it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_JOURNEY_H
#define MQTTSCOPE_MODEL_FACTS_JOURNEY_H

#include <stdbool.h>
#include <stdint.h>

struct track_connection;
struct track_text;

/** Why the Server delivers a message. */
enum track_journey_kind {
    TRACK_JOURNEY_LIVE,     /**< as it was published */
    TRACK_JOURNEY_RETAINED, /**< it was stored for new subscriptions */
    TRACK_JOURNEY_QUEUED,   /**< the session had no connection when it was published */
    TRACK_JOURNEY_WILL,     /**< the Server publishes it for a Client that is gone */
    TRACK_JOURNEY_SHARED,   /**< to one of those that share a subscription */
    TRACK_JOURNEY_KINDS
};

/** What a packet is on the way of a message. */
enum track_journey_part {
    TRACK_JOURNEY_NO_PART,
    TRACK_JOURNEY_PUBLICATION,     /**< a Client's PUBLISH, or the CONNECT with a Will */
    TRACK_JOURNEY_DELIVERY,        /**< a Server's PUBLISH */
    TRACK_JOURNEY_ACKNOWLEDGEMENT, /**< of one of the two */
    TRACK_JOURNEY_UNKNOWN,         /**< a Server's PUBLISH whose publication was not captured */
};

/** A packet's part in the journey of a message. Times are TRACK_TIME_UNKNOWN where they are not certain. */
struct track_journey {
    uint32_t message; /**< number of the application message in the file, from 1; 0: none */
    uint8_t part;     /**< enum track_journey_part */
    uint8_t kind;     /**< enum track_journey_kind; DELIVERY only */
    bool is_certain;  /**< DELIVERY: exactly this publication can be it; else it is likely */
    bool is_awaited;  /**< DELIVERY: it was checked that each comes, and comes once (track_options.closed_world) */
    uint64_t content; /**< hash of topic and payload, of a PUBLICATION or DELIVERY */
    /* Of a DELIVERY. */
    uint32_t published_in;                    /**< the publication's frame */
    const struct track_connection *publisher; /**< its connection; of a PUBLICATION too */
    unsigned publisher_end;                   /**< and the end of it that published */
    const struct track_text *publisher_id;    /**< its Client Identifier; NULL: none */
    int64_t broker_ns;                        /**< since the publication was complete */
    /* Of the packet that completes a delivery. */
    int64_t end_to_end_ns; /**< since the first byte of the publication */
    /* Of a PUBLICATION. */
    uint32_t publication; /**< its index, for track_journey_deliveries() */
    bool is_will;         /**< it is the CONNECT of a Will */
    /* Of a request or reply of MQTT 5.0; frames are 0 where there is none. */
    uint32_t reply_in;
    uint32_t reply_to;
    int64_t reply_ns; /**< since the request; good where `reply_to` is not 0 */
};

#endif
