/* journey-steps.c - what is kept of journeys, and that something was not captured or not kept.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "journey.h"

#include <string.h>

void track_journey_is_full(struct track_context *tracking)
{
    struct track_journeys *journeys = tracking->capture->journeys;

    journeys->is_doubted = true;
    if (journeys->full_from == 0)
        journeys->full_from = tracking->pdu.frame;
    track_report_memory_limit(tracking);
}

/** Another port of the same machine is the same broker, maybe. */
static bool is_same_machine(const struct track_endpoint *one, const struct track_endpoint *other)
{
    return one->length == other->length && memcmp(one->address, other->address, one->length) == 0;
}

void track_journey_doubt(struct track_connection *connection)
{
    struct track_journeys *journeys = connection->capture->journeys;
    const struct track_journey_place *place = connection->journey.place;

    if (journeys == NULL)
        return; /* the connection's next packet says so as well */
    if (place == NULL)
        journeys->is_doubted = true;
    else
        for (unsigned i = 0; i < journeys->place_count; i++)
            journeys->places[i].is_doubted |= is_same_machine(&journeys->places[i].broker, &place->broker);
}

void track_journeys_doubt(struct track_capture *capture)
{
    if (capture->journeys != NULL)
        capture->journeys->is_doubted = true;
}

struct track_journey_step *track_journey_add_step(struct track_context *tracking, uint32_t publication, uint16_t flags)
{
    struct track_journeys *journeys = tracking->capture->journeys;
    const struct track_publication *from = track_publication_at(&journeys->publications, publication);

    if (tracking->pdu.pdu > UINT16_MAX ||
        !track_file_charge(&tracking->capture->memory, track_pieces_growth(&journeys->steps))) {
        track_journey_is_full(tracking);
        return NULL;
    }
    struct track_journey_step *step = (struct track_journey_step *)track_pieces_add(&journeys->steps);
    *step = (struct track_journey_step){
        .frame = tracking->pdu.frame,
        .pdu = (uint16_t)tracking->pdu.pdu,
        .flags = flags,
        .publication = publication,
        .ns = tracking->now_ns - from->ns,
    };
    return step;
}

const struct track_journey_step *track_journey_find_step(const struct track_journeys *journeys,
                                                         struct track_pdu_ref pdu)
{
    const struct track_pieces *steps = &journeys->steps;
    uint64_t key = track_journey_key(pdu.frame, pdu.pdu);

    if (steps->count == 0 || pdu.pdu > UINT16_MAX)
        return NULL;
    /* On the first visit it is the latest. */
    const void *found = track_pieces_item(steps, steps->count - 1);
    if (steps->key_of(found) > key)
        found = track_pieces_find(steps, key);
    return found != NULL && steps->key_of(found) == key ? (const struct track_journey_step *)found : NULL;
}
