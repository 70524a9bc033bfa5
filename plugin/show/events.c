/* events.c - events and the end of a connection as expert items and fields.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <epan/expert.h>

#include "../compat.h"
#include "fields.h"
#include "show.h"

/* As the rules: an event's severity is the user's to change. */
static expert_field event_experts[TRACK_EVENT_KINDS][CHECK_SEVERITIES];

void show_register_events(expert_module_t *module)
{
    static const int severities[] = {
        [CHECK_CHAT] = PI_CHAT,
        [CHECK_NOTE] = PI_NOTE,
        [CHECK_WARNING] = PI_WARN,
        [CHECK_ERROR] = PI_ERROR,
    };
    static ei_register_info entries[TRACK_EVENT_KINDS][CHECK_SEVERITIES];

    for (unsigned kind = 0; kind < TRACK_EVENT_KINDS; kind++) {
        const struct track_event_info *info = track_event_info((enum track_event_kind)kind);
        const char *name = g_strconcat("mqttscope.event.", info->name, NULL);
        for (unsigned severity = 0; severity < CHECK_SEVERITIES; severity++) {
            event_experts[kind][severity] = (expert_field)EI_INIT;
            entries[kind][severity] = (ei_register_info){
                &event_experts[kind][severity], {name, PI_SEQUENCE, severities[severity], info->title, EXPFILL}};
        }
    }
    expert_register_field_array(module, &entries[0][0], TRACK_EVENT_KINDS * CHECK_SEVERITIES);
}

/** Text that may hold what the wire had, printable. */
static const char *printable_text(const struct show_context *context, const char *text)
{
    return compat_format_text(context->pinfo->pool, (const uint8_t *)text, strlen(text));
}

void show_events(const struct show_context *context, proto_tree *tree)
{
    const struct check_events *events = context->events;
    char text[TRACK_EVENT_TEXT_SIZE];

    for (unsigned i = 0; i < events->count; i++) {
        const struct track_event *event = events->list[i].event;
        track_event_text(event, context->packet, context->facts, text);
        proto_tree_add_expert_format(tree, context->pinfo, &event_experts[event->kind][events->list[i].severity],
                                     context->tvb, 0, 0, "%s", printable_text(context, text));
    }
}

static void add_event_string(const struct show_context *context, proto_tree *tree, enum show_field field,
                             const char *value)
{
    proto_item_set_generated(proto_tree_add_string(tree, show_fields[field], context->tvb, 0, 0, value));
}

void show_event_fields(const struct show_context *context, proto_tree *tree)
{
    const struct track_snapshot *snapshot = context->facts->snapshot;
    const struct track_event *end = check_find_end(context->facts);
    char text[TRACK_EVENT_TEXT_SIZE];

    for (unsigned i = 0; i < context->events->count; i++) {
        const struct track_event *event = context->events->list[i].event;
        add_event_string(context, tree, SHOW_EVENT, track_event_info((enum track_event_kind)event->kind)->name);
        if (event->frame != 0)
            proto_item_set_generated(
                proto_tree_add_uint(tree, show_fields[SHOW_EVENT_FRAME], context->tvb, 0, 0, event->frame));
    }
    if (end == NULL)
        return;
    track_end_text(end, snapshot->broker, snapshot->version, text);
    add_event_string(context, tree, SHOW_END, printable_text(context, text));
    if (snapshot->broker != TRACK_END_UNKNOWN)
        add_event_string(context, tree, SHOW_END_BY, end->by == snapshot->broker ? "broker" : "client");
}
