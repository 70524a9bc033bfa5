/* unfinished.h - what is there of a packet whose end has not come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_UNFINISHED_H
#define MQTTSCOPE_MODEL_FACTS_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a transport was closed. */
struct track_closing {
    bool is_closed;
    bool is_reset;          /**< by RST, and not by FIN */
    uint8_t by;             /**< the end that sent it */
    uint8_t goodbye;        /**< bytes that the layers between TCP and MQTT may send at most before they close */
    bool is_refusal;        /**< the RST answers the SYN: nothing of MQTT was sent */
    bool lacks_subprotocol; /**< a WebSocket whose Server left out the subprotocol `mqtt`, which was offered */
};

/** What is there of a packet whose end has not come. */
struct track_unfinished {
    uint8_t sender;               /**< the end that sends it */
    uint8_t first;                /**< its first byte */
    bool is_at_least;             /**< more of it than `arrived` may have come */
    struct track_closing closing; /**< the transport was closed meanwhile, and `arrived` is what had come by then */
    uint32_t length;              /**< its length; 0 while its Remaining Length is not complete */
    uint32_t arrived;             /**< bytes of it that have come */
};

/** A packet under way as it is met. */
struct track_beginning {
    struct track_unfinished packet;
    bool has_number;
    uint32_t from; /**< the transport's number of the packet's first byte; good where `has_number` */
};

/** What there is to say of an unfinished packet: `PUBLISH not completed: 97 of 1539 bytes when the Server closed`. `broker` is
 *  the end that is the broker, or TRACK_END_UNKNOWN. Cut where `size` is too small. */
void track_unfinished_text(const struct track_unfinished *packet, unsigned broker, char *buffer, size_t size);

enum { TRACK_UNFINISHED_TEXT_SIZE = 128 };

#endif
