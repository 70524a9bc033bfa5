/* journey-facts.h - says what a packet is on the way of a message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_JOURNEY_FACTS_H
#define MQTTSCOPE_MODEL_JOURNEY_FACTS_H

#include "facts/facts.h"

/** Fills in the packet's part in the journey of a message, which track() and track_recall() leave empty; the same on each
 *  visit. */
void track_describe_journey(const struct track_connection *connection, const struct mqtt_packet *packet,
                            struct track_facts *facts);

/** How many deliveries of a publication there are by now, and the frames of the first of them in their order, no more than
 *  `most`. */
uint32_t track_journey_deliveries(const struct track_connection *connection, uint32_t publication, uint32_t *frames,
                                  uint32_t most);

/** The number of the latest message that packets of a frame belong to; 0 where there is none. */
uint32_t track_journey_message_in(const struct track_connection *connection, uint32_t frame);

/** The connection's broker among those at which messages are followed, from 1; 0 where it is none of them. */
uint32_t track_journey_broker(const struct track_connection *connection);

/** True where a Topic Filter is valid and matches a Topic Name. */
bool track_filter_matches(const struct track_text *filter, const uint8_t *topic, uint32_t length);

/** A kind's name, as in the filter field. */
const char *track_journey_kind_name(enum track_journey_kind kind);

#endif
