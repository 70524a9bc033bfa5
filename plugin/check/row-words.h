/* row-words.h - what the cells of the rules' rows may name, for the files that expand them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_ROW_WORDS_H
#define MQTTSCOPE_CHECK_ROW_WORDS_H

#include "predicates.h"

/** The names that stand for what a subject has to do with. */
#define SUBJECT_IN_SCOPE(subject)                                                                                      \
    __attribute__((unused)) const struct check_subject *s = subject;                                                   \
    __attribute__((unused)) const struct mqtt_packet *p = s->packet;                                                   \
    __attribute__((unused)) const struct track_facts *f = s->facts;                                                    \
    __attribute__((unused)) const struct track_snapshot *e = f->snapshot;                                              \
    __attribute__((unused)) const struct track_anomaly *a = s->anomaly;

#define NONE

/* Constants and no macros: the table of the rules has the words. */
enum { ALWAYS = true, ONE_OF = true };

/* Begins a DETAIL whose 0xNN has no name after it: it is no code, or one that is not defined. */
#define UNNAMED ""

/* The words of the cells ON() and NEEDS(). */
enum {
    ANY = CHECK_ANY_PACKET,
#define PACKET_TYPE(symbol, number, name, senders, flags) symbol = 1 << MQTT_TYPE_##symbol,
#include "../wire/packet-types.def"
#undef PACKET_TYPE
};
enum {
    NOTHING = CHECK_NEEDS_NOTHING,
#define NEED(symbol, words) symbol = CHECK_NEEDS_##symbol,
#include "needs.def"
#undef NEED
};

#endif
