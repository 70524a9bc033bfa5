/* rule-functions.c - makes the functions of the rules from their rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row becomes the functions check_SYMBOL(), detail_SYMBOL() and ids_SYMBOL(), which debugger and profiler see.
 */
#include "rule-functions.h"

#include <stdio.h>
#include <string.h>

#include "predicates.h"

#define SUBJECT_IN_SCOPE                                                                                               \
    __attribute__((unused)) const struct mqtt_packet *p = s->packet;                                                   \
    __attribute__((unused)) const struct track_facts *f = s->facts;                                                    \
    __attribute__((unused)) const struct track_snapshot *e = f->snapshot;                                              \
    __attribute__((unused)) const struct track_anomaly *a = s->anomaly;

#define ALWAYS true
#define WHEN_WHEN(...) (__VA_ARGS__)
#define BROKEN_IF_BROKEN_IF(...) (__VA_ARGS__)
#define SPAN_SPAN(...) __VA_ARGS__
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static bool check_##symbol(const struct check_subject *s, struct mqtt_span *at)                                    \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE                                                                                               \
        if (!WHEN_##when || !BROKEN_IF_##broken_if)                                                                    \
            return false;                                                                                              \
        *at = SPAN_##span;                                                                                             \
        return true;                                                                                                   \
    }
#include "rules.def"
#undef RULE

#define NO_DETAIL "%s", ""
#define DETAIL_DETAIL(...) __VA_ARGS__
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static void detail_##symbol(const struct check_subject *s, char *buffer, size_t size)                              \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE                                                                                               \
        snprintf(buffer, size, DETAIL_##detail);                                                                       \
    }
#include "rules.def"
#undef RULE

/** Adds an id that is not in the list yet. */
static void add_id(struct check_ids *ids, const char *id)
{
    for (unsigned i = 0; i < ids->count; i++)
        if (strcmp(ids->list[i], id) == 0)
            return;
    if (ids->count < CHECK_IDS_MAX)
        ids->list[ids->count++] = id;
}

/** Adds the id of the statement about the property that a rule is broken by. */
static void add_id_of_property(struct check_ids *ids, const struct check_finding *finding)
{
    const struct check_subject *subject = &finding->subject;
    size_t count;
    const struct check_statement *statements = check_statements(&count);

    for (size_t i = 0; i < count; i++)
        if (statements[i].rule == finding->rule && statements[i].packet == subject->block_type &&
            statements[i].property == subject->property.index)
            add_id(ids, statements[i].id);
}

#define ON(packet) (p->type == MQTT_TYPE_##packet)
#define ID(...) ID_AND_CONDITION(__VA_ARGS__, ALWAYS, )
#define ID_AND_CONDITION(id, condition, ...)                                                                           \
    if (condition)                                                                                                     \
        add_id(ids, id);
#define BY_PROPERTY add_id_of_property(ids, finding);
#define NONE
#define V31_V31(list) list
#define V31_V31_AT(severity, list) list
#define V311_V311(list) list
#define V311_V311_AT(severity, list) list
#define V50_V50(list) list
#define V50_V50_AT(severity, list) list
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static void ids_##symbol(const struct check_finding *finding, enum check_column column, struct check_ids *ids)     \
    {                                                                                                                  \
        const struct check_subject *s = &finding->subject;                                                             \
        SUBJECT_IN_SCOPE                                                                                               \
        if (column == CHECK_V31) {                                                                                     \
            V31_##v31                                                                                                  \
        } else if (column == CHECK_V311) {                                                                             \
            V311_##v311                                                                                                \
        } else {                                                                                                       \
            V50_##v50                                                                                                  \
        }                                                                                                              \
    }
#include "rules.def"
#undef RULE

const struct check_rule_functions check_rule_functions[CHECK_RULE_COUNT] = {
#define RULE(symbol, ...) {check_##symbol, detail_##symbol, ids_##symbol},
#include "rules.def"
#undef RULE
};
