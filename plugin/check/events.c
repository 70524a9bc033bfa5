/* events.c - which events of a packet the user wants to hear of, and how loudly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "events.h"

#include <string.h>

enum check_severity check_event_severity(enum track_event_kind kind)
{
    static const enum check_severity severities[TRACK_EVENT_KINDS] = {
#define EVENT(name, severity, title, short_title) CHECK_##severity,
#include "../model/facts/events.def"
#undef EVENT
    };
    return severities[kind];
}

enum track_event_kind check_find_event(const char *name)
{
    unsigned kind = 0;

    while (kind < TRACK_EVENT_KINDS && strcmp(track_event_info((enum track_event_kind)kind)->name, name) != 0)
        kind++;
    return (enum track_event_kind)kind;
}

/** The severity that an event comes to; -1 where it is not to be shown. */
static int severity_of_event(const struct check_policy *policy, enum track_event_kind kind)
{
    int override = policy->event_overrides[kind];

    if (override == CHECK_OFF)
        return -1;
    int severity = override >= 0 ? override : (int)check_event_severity(kind);
    return severity < (int)policy->minimum ? -1 : severity;
}

/** Puts an event among those of its packet: the worst come first, and those of one severity in the order in which they happened. */
static void insert_event(struct check_events *events, struct check_event event)
{
    unsigned at = events->count++;

    for (; at > 0 && events->list[at - 1].severity < event.severity; at--)
        events->list[at] = events->list[at - 1];
    events->list[at] = event;
}

void check_find_events(const struct check_policy *policy, const struct track_facts *facts, struct check_events *events)
{
    events->count = 0;
    for (unsigned i = 0; i < facts->event_count; i++) {
        const struct track_event *event = facts->events[i];
        int severity =
            event->kind == TRACK_EVENT_END ? -1 : severity_of_event(policy, (enum track_event_kind)event->kind);
        if (severity >= 0)
            insert_event(events, (struct check_event){event, (enum check_severity)severity});
    }
}

const struct track_event *check_find_end(const struct track_facts *facts)
{
    for (unsigned i = 0; i < facts->event_count; i++)
        if (facts->events[i]->kind == TRACK_EVENT_END)
            return facts->events[i];
    return NULL;
}
