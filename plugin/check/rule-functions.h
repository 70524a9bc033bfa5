/* rule-functions.h - what each rule says of a finding.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_RULE_FUNCTIONS_H
#define MQTTSCOPE_CHECK_RULE_FUNCTIONS_H

#include "check.h"

/** What a row says of a finding. */
struct check_rule_functions {
    /** Writes the detail of the message. */
    void (*write_detail)(const struct check_subject *subject, char *buffer, size_t size);
    /** Adds the statements that the rule stands for in a version. */
    void (*add_ids)(const struct check_finding *finding, enum check_column column, struct check_ids *ids);
};

/** A rule's functions. */
extern const struct check_rule_functions check_rule_functions[CHECK_RULE_COUNT];

#endif
