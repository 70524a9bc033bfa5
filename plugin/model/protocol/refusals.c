/* refusals.c - tells of subscriptions and publications that are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "refusals.h"

#include <string.h>

#include "../evidence/report-event.h"
#include "../store/text.h"
#include "inflight.h"
#include "subscriptions.h"

enum { FILTERS_NAMED = 4, NAMES_LENGTH = 160 };

/** The code of a SUBACK for a filter; success where it is not there. */
static uint8_t code_of(const struct mqtt_packet *packet, uint32_t index)
{
    bool is_there = index < packet->list.length && packet->list.at + index < packet->captured;
    return is_there ? packet->bytes[packet->list.at + index] : MQTT_REASON_SUCCESS;
}

/** The first filters that were refused, as one text; NULL where there is no memory for it. */
static const struct track_text *name_refused(struct track_context *tracking,
                                             const struct track_request_filters *filters)
{
    struct track_text *names = (struct track_text *)wmem_alloc0(NULL, sizeof *names + NAMES_LENGTH + 1);
    unsigned named = 0;

    for (uint32_t i = 0; i < filters->count && named < FILTERS_NAMED; i++) {
        const struct track_text *filter = filters->entries[i].filter;
        if (!mqtt_reason_is_error(MQTT_TYPE_SUBACK, code_of(tracking->packet, i)))
            continue;
        if (names->length + filter->length + 2 > NAMES_LENGTH)
            break;
        if (named++ > 0) {
            memcpy(names->bytes + names->length, ", ", 2);
            names->length += 2;
        }
        memcpy(names->bytes + names->length, filter->bytes, filter->length);
        names->length += filter->length;
    }
    const struct track_text *kept = named > 0 ? track_intern_text(tracking->capture, names) : NULL;
    wmem_free(NULL, names);
    return kept;
}

void track_report_refused_filters(struct track_context *tracking, const struct track_inflight_entry *entry)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_event event = {
        .kind = TRACK_EVENT_subscription_refused,
        .by = (uint8_t)tracking->sender,
        .other = packet->list.length,
        .frame = entry->waiting.first_frame,
    };

    if (!track_is_from_server(tracking) || mqtt_is_malformed(packet))
        return;
    for (uint32_t i = packet->list.length; i-- > 0;) {
        if (!mqtt_reason_is_error(packet->type, code_of(packet, i)))
            continue;
        event.code = code_of(packet, i);
        event.value++;
    }
    if (event.value == 0)
        return;
    if (entry->filters != NULL && entry->filters->count == packet->list.length)
        event.text = name_refused(tracking, entry->filters);
    track_report_event(tracking, event);
}

void track_report_refused_publish(struct track_context *tracking, const struct track_inflight_entry *entry)
{
    track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_publication_refused,
                                                      .by = (uint8_t)tracking->sender,
                                                      .code = tracking->packet->reason,
                                                      .frame = entry->waiting.first_frame});
}
