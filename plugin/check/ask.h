/* ask.h - asks the rules about one subject.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_ASK_H
#define MQTTSCOPE_CHECK_ASK_H

#include "check.h"

/** Beside the needs (enum check_needs) that are not met, what keeps a rule from being asked. */
enum check_silence {
    CHECK_NOT_IN_V31 = 1 << 16, /**< the version in force is 3.1, and it has no such rule */
    CHECK_NOT_IN_V311 = 1 << 17,
    CHECK_NOT_IN_V50 = 1 << 18,
    CHECK_NOT_IN_EACH_VERSION = 1 << 19, /**< the version in force is not certain, and the rule needs one */
    CHECK_NOT_IF_TRUNCATED = 1 << 20,    /**< the packet is truncated, and the rule may look at what is not there */
    CHECK_NOT_IF_MALFORMED = 1 << 21,    /**< the packet is malformed, and the rule may look after the fault */
    CHECK_NOT_BY_FIXED_HEADER = 1 << 22, /**< only the fixed header is there, and the rule needs more */
};

/** About what the rules are asked, and which. */
struct check_question {
    struct check_subject subject;
    uint32_t silence; /**< bits of enum check_needs and enum check_silence: a rule that has one of them is not asked */
    /** Asks all rules about one kind of subject: check_ask(), or check_ask_occasions(). */
    void (*ask)(struct check_question *question, enum check_subject_kind kind);
    /** check_ask(): called for each rule that is broken, with the bytes concerned. */
    void (*found)(struct check_question *question, enum check_rule rule, struct mqtt_span at);
    enum check_column column;        /**< check_ask_occasions(): of the version in force */
    struct check_receiver *receiver; /**< the same: who counts them */
};

/** Asks all rules about one kind of subject, in the order of their rows. */
void check_ask(struct check_question *question, enum check_subject_kind kind);

/** Asks them not whether they are broken, but whether the subject is an occasion to break or to keep them. */
void check_ask_occasions(struct check_question *question, enum check_subject_kind kind);

#endif
