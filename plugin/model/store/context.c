/* context.c - the record of the packet being tracked, and that the memory limit is reached.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "context.h"

#include <string.h>

#include "packet-records.h"

struct track_packet_record *track_record_of(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;

    if (tracking->record != NULL)
        return tracking->record;
    tracking->record = track_packet_records_add(capture->records, tracking->pdu);
    if (tracking->record == NULL && !tracking->reports->is_memory_limit) {
        tracking->reports->is_memory_limit = true;
        tracking->record = track_packet_records_add_always(capture->records, tracking->pdu);
        tracking->record->limits = TRACK_LIMIT_MEMORY;
    } else if (tracking->record == NULL) {
        memset(&capture->unkept, 0, sizeof capture->unkept);
        tracking->record = &capture->unkept;
    }
    return tracking->record;
}

struct track_packet_record *track_kept_record_of(struct track_context *tracking)
{
    struct track_packet_record *record = track_record_of(tracking);
    return record != &tracking->capture->unkept ? record : NULL;
}

void track_report_memory_limit(struct track_context *tracking)
{
    if (tracking->reports->is_memory_limit)
        return;
    track_record_of(tracking)->limits |= TRACK_LIMIT_MEMORY;
    tracking->reports->is_memory_limit = true;
}

void *track_alloc(struct track_context *tracking, size_t size)
{
    void *memory = track_file_alloc(&tracking->capture->memory, size);

    if (memory == NULL)
        track_report_memory_limit(tracking);
    return memory;
}

void *track_keep(struct track_context *tracking, size_t size)
{
    void *memory = track_file_keep(&tracking->capture->memory, size);

    if (memory == NULL)
        track_report_memory_limit(tracking);
    return memory;
}
