/* rule-functions.h - the expressions of the rules' rows, as functions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_RULE_FUNCTIONS_H
#define MQTTSCOPE_CHECK_RULE_FUNCTIONS_H

#include "check.h"

/** What a row says about a subject. */
struct check_rule_functions {
    /** The rule is broken; then `at` is set to the bytes concerned. */
    bool (*is_broken)(const struct check_subject *subject, struct mqtt_span *at);
    /** Writes the detail of the message. */
    void (*write_detail)(const struct check_subject *subject, char *buffer, size_t size);
    /** Adds the statements that the rule stands for in a version. */
    void (*add_ids)(const struct check_finding *finding, enum check_column column, struct check_ids *ids);
};

/** A rule's functions. */
extern const struct check_rule_functions check_rule_functions[CHECK_RULE_COUNT];

#endif
