/* midstream.c - judges whether a stream that is met in its middle is MQTT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most segments hold one packet, and one of two or four bytes says little. What many other protocols send fits now and then,
 * but not in one segment after the other, and not with the packets of a Client from one end and those of a Server from the
 * other.
 */
#include "midstream.h"

#include "packet.h"

enum { PACKETS_TO_BELIEVE = 3 };

bool mqtt_midstream_add(struct mqtt_midstream *midstream, unsigned end, const uint8_t *bytes, uint32_t length)
{
    struct mqtt_run run = mqtt_read_run(bytes, length, MQTT_VERSION_UNKNOWN);
    unsigned client = run.senders == MQTT_SENT_BY_CLIENT ? end : 1 - end;

    if (run.packets == 0 || run.length < length || run.senders == MQTT_SENT_BY_EITHER ||
        (run.senders != 0 && midstream->client != 0 && midstream->client != client + 1)) {
        *midstream = (struct mqtt_midstream){0, 0};
        return false;
    }
    if (run.senders != 0)
        midstream->client = (uint8_t)(client + 1);
    uint32_t packets = midstream->packets + run.packets;
    midstream->packets = (uint8_t)(packets < PACKETS_TO_BELIEVE ? packets : PACKETS_TO_BELIEVE);
    return midstream->packets == PACKETS_TO_BELIEVE;
}
