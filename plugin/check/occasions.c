/* occasions.c - asks on which occasions rules can be kept or broken.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A rule that was never broken may never have been put to the test. Each row's cell WHEN becomes a function
 * occasion_SYMBOL(), its statement's if-part. Of a rule about a fault each packet of its types is one, malformed or not, and
 * of one about an anomaly each packet at which the anomaly may come.
 */
#include <string.h>

#include "ask-cells.h"

#define RULE(symbol, about, on, when, ...)                                                                             \
    static inline bool occasion_##symbol(const struct check_subject *subject)                                          \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE(subject)                                                                                      \
        return WHEN_##when;                                                                                            \
    }
#include "rules.def"
#undef RULE

#define SUBJECT_ANOMALY(symbol) kind == CHECK_ABOUT_ANOMALY

/** What has to be known. Where an anomaly is shown by a packet of one end, what was asked for is in another of the other end: WHEN
 *  says whose packet it is, and that it is known. Content is what a PUBLISH has. */
ASKED_IN_PLACE uint32_t needs_of(uint32_t needs, enum check_subject_kind kind, unsigned type)
{
    const uint32_t sides = CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER;

    if (kind != CHECK_ABOUT_ANOMALY)
        return needs;
    if (needs & sides)
        needs = (needs & ~sides) | CHECK_NEEDS_DIRECTION;
    return type == MQTT_TYPE_PUBLISH ? needs : needs & ~(uint32_t)CHECK_NEEDS_CONTENT;
}

/** Asks about one kind of subject in one type of packet. */
ASKED_IN_PLACE void find(const struct check_question *question, enum check_subject_kind kind, unsigned type,
                         struct check_occasions *found)
{
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, ...)                    \
    if (ABOUT_##about && ON_##on >> type & 1 &&                                                                        \
        !(question->silence & SILENCE(needs_of(NEEDS_##needs, kind, type), V31_##v31, V311_##v311, V50_##v50))) {      \
        check_add_rule(&found->asked, CHECK_##symbol);                                                                 \
        if (occasion_##symbol(&question->subject))                                                                     \
            check_add_rule(&found->came, CHECK_##symbol);                                                              \
    }
#include "rules.def"
#undef RULE
}

/** Asks about one kind of subject. Most packets are of the first two types. */
ASKED_IN_PLACE void find_in_type(const struct check_question *question, enum check_subject_kind kind,
                                 struct check_occasions *found)
{
    switch (found->type) {
    case MQTT_TYPE_PUBLISH:
        find(question, kind, MQTT_TYPE_PUBLISH, found);
        break;
    case MQTT_TYPE_PUBACK:
        find(question, kind, MQTT_TYPE_PUBACK, found);
        break;
    default:
        find(question, kind, found->type, found);
        break;
    }
}

void check_ask_occasions(struct check_question *question, enum check_subject_kind kind)
{
    const struct check_subject *subject = &question->subject;
    bool has_property = kind == CHECK_ABOUT_PROPERTY;
    struct check_occasions found;

    memset(&found, 0, sizeof found); /* they are compared byte by byte */
    found.column = (uint8_t)question->column;
    found.type = (uint8_t)subject->packet->type;
    found.sender = is_from_client(subject->facts)   ? CHECK_SIDE_CLIENT
                   : is_from_server(subject->facts) ? CHECK_SIDE_BROKER
                                                    : CHECK_SIDE_UNKNOWN;
    found.property = has_property ? (uint8_t)subject->property.index : 0;
    found.block_type = has_property ? (uint8_t)subject->block_type : 0;
    switch (kind) {
    case CHECK_ABOUT_PACKET:
        find_in_type(question, CHECK_ABOUT_PACKET, &found);
        break;
    case CHECK_ABOUT_TEXT:
        find_in_type(question, CHECK_ABOUT_TEXT, &found);
        break;
    case CHECK_ABOUT_PROPERTY:
        find_in_type(question, CHECK_ABOUT_PROPERTY, &found);
        break;
    case CHECK_ABOUT_ANOMALY:
        find_in_type(question, CHECK_ABOUT_ANOMALY, &found);
        break;
    case CHECK_ABOUT_FAULT:
        find(question, CHECK_ABOUT_FAULT, found.type, &found);
        break;
    case CHECK_ABOUT_FILTER:
        find(question, CHECK_ABOUT_FILTER, found.type, &found);
        break;
    case CHECK_ABOUT_CODE:
        find(question, CHECK_ABOUT_CODE, found.type, &found);
        break;
    case CHECK_SUBJECT_KINDS:
        break;
    }
    question->receiver->count(question->receiver, &found, subject);
}
