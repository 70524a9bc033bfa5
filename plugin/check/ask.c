/* ask.c - asks the rules about one subject.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row becomes a function check_SYMBOL(), which debugger and profiler see, and a call of it.
 */
#include "ask-cells.h"

/* An anomaly is an occasion by itself: WHEN is for packets without one. */
#define COMES_ABOUT(what) COMES_##what
#define COMES_PACKET false
#define COMES_FAULT false
#define COMES_TEXT false
#define COMES_PROPERTY false
#define COMES_FILTER false
#define COMES_CODE false
#define COMES_ANOMALY(symbol) true
#define BROKEN_IF_BROKEN_IF(...) (__VA_ARGS__)
#define SPAN_SPAN(...) __VA_ARGS__
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static inline bool check_##symbol(const struct check_subject *subject, struct mqtt_span *at)                       \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE(subject)                                                                                      \
        if (!(COMES_##about || WHEN_##when) || !BROKEN_IF_##broken_if)                                                 \
            return false;                                                                                              \
        *at = SPAN_##span;                                                                                             \
        return true;                                                                                                   \
    }
#include "rules.def"
#undef RULE

#define SUBJECT_ANOMALY(symbol) kind == CHECK_ABOUT_ANOMALY && question->subject.anomaly->kind == TRACK_ANOMALY_##symbol

/** Asks the rules about one kind of subject in one type of packet. */
ASKED_IN_PLACE void ask(struct check_question *question, enum check_subject_kind kind, unsigned type)
{
    struct mqtt_span at;

#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    if (ABOUT_##about && ON_##on >> type & 1 &&                                                                        \
        !(question->silence & SILENCE(NEEDS_##needs, V31_##v31, V311_##v311, V50_##v50)) &&                            \
        check_##symbol(&question->subject, &at))                                                                       \
        question->found(question, CHECK_##symbol, at);
#include "rules.def"
#undef RULE
}

/** Asks the rules about one kind of subject. */
ASKED_IN_PLACE void ask_in_type(struct check_question *question, enum check_subject_kind kind)
{
    switch (question->subject.packet->type) {
#define PACKET_TYPE(symbol, number, name, senders, flags)                                                              \
    case MQTT_TYPE_##symbol:                                                                                           \
        ask(question, kind, MQTT_TYPE_##symbol);                                                                       \
        break;
#include "../wire/packet-types.def"
#undef PACKET_TYPE
    case MQTT_TYPE_WILL:
        break;
    }
}

void check_ask(struct check_question *question, enum check_subject_kind kind)
{
    switch (kind) {
    case CHECK_ABOUT_PACKET:
        ask_in_type(question, CHECK_ABOUT_PACKET);
        break;
    case CHECK_ABOUT_TEXT:
        ask_in_type(question, CHECK_ABOUT_TEXT);
        break;
    case CHECK_ABOUT_PROPERTY:
        ask_in_type(question, CHECK_ABOUT_PROPERTY);
        break;
    case CHECK_ABOUT_FAULT:
        ask(question, CHECK_ABOUT_FAULT, question->subject.packet->type);
        break;
    case CHECK_ABOUT_FILTER:
        ask(question, CHECK_ABOUT_FILTER, question->subject.packet->type);
        break;
    case CHECK_ABOUT_CODE:
        ask(question, CHECK_ABOUT_CODE, question->subject.packet->type);
        break;
    case CHECK_ABOUT_ANOMALY:
        ask(question, CHECK_ABOUT_ANOMALY, question->subject.packet->type);
        break;
    case CHECK_SUBJECT_KINDS:
        break;
    }
}
