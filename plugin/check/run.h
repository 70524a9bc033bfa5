/* run.h - one run of the rules over one packet, for check.c and undecided.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_RUN_H
#define MQTTSCOPE_CHECK_RUN_H

#include "ask.h"
#include "check.h"

/** One run over one packet. */
struct check_run {
    struct check_question question; /**< first: what is found of it is of the run */
    const struct check_policy *policy;
    struct _wmem_allocator_t *pool;
    struct check_findings *findings;
    enum check_column column; /**< of the version in force; CHECK_COLUMNS where it is not certain */
    uint32_t trusted;         /**< the bytes that a finding may be about; the fixed header always is one of them */
    uint32_t missing;         /**< needs that are not met, where what they keep silent is looked for; else 0 */
    bool is_undecided;        /**< what is not known is looked for: what the model left undecided is asked about, too */
    bool has_break;           /**< a rule is broken: for is_flawless() */
};

/** What keeps rules from being asked about a packet: the needs that are not met, the version in force, truncation. Without a
 *  policy hints are not asked. */
uint32_t check_silence_of(const struct check_policy *policy, const struct check_subject *subject,
                          enum check_column column);

/** Begins a run over a packet; false where the user wants none, its connection is in the capture twice, or it is not known that
 *  a packet begins there. */
bool check_begin_run(struct check_run *run, const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, struct _wmem_allocator_t *pool, struct check_findings *findings);

/** Asks about the packet, its parts, and what the model noticed. */
void check_ask_about_all(struct check_run *run);

/** Lists a finding, unless it is about bytes that are not trusted, or listed already. Of `what` the severity, the doubts and
 *  what is missing are taken. */
void check_list_finding(struct check_run *run, enum check_rule rule, struct mqtt_span at,
                        const struct check_finding *what);

#endif
