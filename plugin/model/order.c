/* order.c - notices what is out of order in the life of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "state.h"

/** A Client that sends before the CONNACK has arrived cannot know what it grants (MQTT 5.0 section 3.1.4). */
static void observe_crossing(struct mqtt_tracking *tracking)
{
    const struct mqtt_connection *connection = tracking->connection;

    if (tracking->epoch.broker != 1 - tracking->sender || connection->connack.frame == 0)
        return;
    if (mqtt_sender_awareness(tracking, &connection->connack) != MQTT_AWARE)
        mqtt_observe(tracking, (struct mqtt_observation){.kind = MQTT_OBSERVED_SENT_BEFORE_CONNACK,
                                                         .frame = connection->connack.frame});
}

void mqtt_track_order(struct mqtt_tracking *tracking)
{
    observe_crossing(tracking);
}
