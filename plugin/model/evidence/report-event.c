/* report-event.c - keeps what happened at a packet without any rule being broken, for people to see.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report-event.h"

#include "../store/packet-records.h"

const struct track_event *track_report_event(struct track_context *tracking, struct track_event event)
{
    struct track_facts *facts = tracking->facts;
    const struct track_packet_record *record = tracking->record;

    /* The CONNACK that gives a proxy's copy away comes after that one, which had the event already. */
    bool was_reported = record != NULL && record->is_captured_twice && event.kind != TRACK_EVENT_END;

    if (tracking->snapshot.is_copy || was_reported || facts->event_count >= TRACK_EVENTS_MAX)
        return NULL;
    event.frame_at = tracking->pdu.frame;
    event.pdu_at = tracking->pdu.pdu;
    const struct track_event *kept = track_packet_records_add_event(tracking->capture->records, &event);
    if (kept == NULL)
        track_report_memory_limit(tracking);
    else
        facts->events[facts->event_count++] = kept;
    return kept;
}

void track_report_event_once(struct track_context *tracking, struct track_event event)
{
    uint32_t bit = UINT32_C(1) << event.kind;

    if (tracking->reports->events & bit)
        return;
    tracking->reports->events |= bit;
    track_report_event(tracking, event);
}
