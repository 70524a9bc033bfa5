/* events.h - which events of a packet the user wants to hear of, and how loudly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_EVENTS_H
#define MQTTSCOPE_CHECK_EVENTS_H

#include "../model/facts/facts.h"
#include "check.h"

/** An event to be shown. */
struct check_event {
    const struct track_event *event; /**< of the facts */
    enum check_severity severity;
};

/** The events of one packet, the worst first. */
struct check_events {
    unsigned count;
    struct check_event list[TRACK_EVENTS_MAX];
};

/** A kind's severity as its row has it. */
enum check_severity check_event_severity(enum track_event_kind kind);

/** The kind of a name; TRACK_EVENT_KINDS where there is none. */
enum track_event_kind check_find_event(const char *name);

/** Finds the events of a packet that are to be shown. Its end is none of them. */
void check_find_events(const struct check_policy *policy, const struct track_facts *facts, struct check_events *events);

/** How the connection ended at the packet; NULL where it did not. */
const struct track_event *check_find_end(const struct track_facts *facts);

#endif
