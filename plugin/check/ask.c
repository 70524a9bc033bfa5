/* ask.c - asks the rules about one subject.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row becomes a function check_SYMBOL(), which debugger and profiler see, and a call of it. Most packets break no rule,
 * so that what asking takes counts: there is a function for each packet type with the calls of its rules alone.
 */
#include "ask.h"

#include <string.h>

#include "row-words.h"

/* An anomaly is an occasion by itself: WHEN is for packets without one. */
#define COMES_ABOUT(what) COMES_##what
#define COMES_PACKET false
#define COMES_FAULT false
#define COMES_TEXT false
#define COMES_PROPERTY false
#define COMES_FILTER false
#define COMES_CODE false
#define COMES_ANOMALY(symbol) true
#define WHEN_WHEN(...) (__VA_ARGS__)
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

/* Which rules are asked is known when this is compiled, but for the version and the anomaly. */
#define ABOUT_ABOUT(what) SUBJECT_##what
#define SUBJECT_PACKET about == CHECK_ABOUT_PACKET
#define SUBJECT_FAULT about == CHECK_ABOUT_FAULT
#define SUBJECT_TEXT about == CHECK_ABOUT_TEXT
#define SUBJECT_PROPERTY about == CHECK_ABOUT_PROPERTY
#define SUBJECT_FILTER about == CHECK_ABOUT_FILTER
#define SUBJECT_CODE about == CHECK_ABOUT_CODE
#define SUBJECT_ANOMALY(symbol)                                                                                        \
    about == CHECK_ABOUT_ANOMALY && question->subject.anomaly->kind == TRACK_ANOMALY_##symbol
#define ON_ON(types) (types)
#define NEEDS_NEEDS(needs) (needs)
#define V31_V31(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V31
#define V31_V31_AT(severity, ids) V31_V31(ids)
#define V311_V311(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V311
#define V311_V311_AT(severity, ids) V311_V311(ids)
#define V50_V50(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V50
#define V50_V50_AT(severity, ids) V50_V50(ids)
#define IS_IN_VERSION(ids) (0 ids)
#define ID(...) | 1
#define BY_PROPERTY | 1
#define HINT | 1

/* What keeps a rule from being asked. */
#define SILENCE(needs, v31, v311, v50)                                                                                 \
    ((uint32_t)(needs) | (v31) | (v311) | (v50) | ((needs)&CHECK_NEEDS_ANY_VERSION ? 0 : CHECK_NOT_IN_EACH_VERSION) |  \
     ((needs)&CHECK_NEEDS_OK_IF_TRUNCATED ? 0 : CHECK_NOT_IF_TRUNCATED) |                                              \
     ((needs)&CHECK_NEEDS_OK_IF_MALFORMED ? 0 : CHECK_NOT_IF_MALFORMED) |                                              \
     ((needs)&CHECK_NEEDS_FIXED_HEADER ? 0 : CHECK_NOT_BY_FIXED_HEADER))

/** Asks the rules about one kind of subject in one type of packet. Both are constants where it is called, and no code is
 *  made for other rules. */
static inline __attribute__((always_inline)) void ask(struct check_question *question, enum check_subject_kind about,
                                                      unsigned type)
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
static inline __attribute__((always_inline)) void ask_in_type(struct check_question *question,
                                                              enum check_subject_kind about)
{
    switch (question->subject.packet->type) {
#define PACKET_TYPE(symbol, number, name, senders, flags)                                                              \
    case MQTT_TYPE_##symbol:                                                                                           \
        ask(question, about, MQTT_TYPE_##symbol);                                                                      \
        break;
#include "../wire/packet-types.def"
#undef PACKET_TYPE
    case MQTT_TYPE_WILL:
        break;
    }
}

void check_ask(struct check_question *question, enum check_subject_kind about)
{
    switch (about) {
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
