/* observe.c - keeps what is noticed at a packet, and tells what its sender can have known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture shows packets in the order in which they passed one place, not in the order in which the ends met them. What a
 * packet's sender had received by then is told by the acknowledgement number of its TCP segment.
 */
#include "state.h"

/* Where no numbers tell: what was captured this long before has arrived. */
static const int64_t SURELY_ARRIVED_NS = INT64_C(2000000000);

struct mqtt_mark mqtt_mark_of(const struct mqtt_tracking *tracking)
{
    const struct mqtt_arrival *arrival = tracking->arrival;
    return (struct mqtt_mark){tracking->place.frame, arrival->has_numbers ? arrival->sent_to : 0, arrival->ns};
}

enum mqtt_awareness mqtt_sender_awareness(const struct mqtt_tracking *tracking, const struct mqtt_mark *mark)
{
    const struct mqtt_arrival *arrival = tracking->arrival;

    if (mark->frame == 0)
        return MQTT_UNAWARE;
    if (mark->sent_to != 0 && arrival->has_numbers)
        return (int32_t)(arrival->got_to - mark->sent_to) >= 0 ? MQTT_AWARE : MQTT_UNAWARE;
    return arrival->ns - mark->ns > SURELY_ARRIVED_NS ? MQTT_AWARE : MQTT_MAYBE_AWARE;
}

bool mqtt_has_got_unseen(const struct mqtt_tracking *tracking)
{
    const struct mqtt_end *other = &tracking->connection->ends[1 - tracking->sender];
    const struct mqtt_arrival *arrival = tracking->arrival;

    return arrival->has_numbers && other->has_seen_to && (int32_t)(arrival->got_to - other->seen_to) > 0;
}

void mqtt_observe(struct mqtt_tracking *tracking, struct mqtt_observation observation)
{
    struct mqtt_world *world = tracking->connection->world;
    struct mqtt_facts *facts = tracking->facts;

    if (!world->options.observes || facts->observation_count >= MQTT_OBSERVATIONS_MAX)
        return;
    observation.frame_at = tracking->place.frame;
    observation.pdu_at = tracking->place.pdu;
    const struct mqtt_observation *kept = mqtt_notes_add_observation(world->notes, &observation);
    if (kept == NULL)
        mqtt_note_no_memory(tracking);
    else
        facts->observations[facts->observation_count++] = kept;
}
