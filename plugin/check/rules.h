/* rules.h - what is known of each rule, and the vocabulary of its row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A rule is one row of a check/rules-*.def file; check/rules.def includes them all and explains the cells. Enum, table,
 * functions (rule-functions.c), message, filter field, statistics row, documentation and the duty to have a case follow
 * from the row.
 */
#ifndef MQTTSCOPE_CHECK_RULES_H
#define MQTTSCOPE_CHECK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The rules, in the order of their rows. */
enum check_rule {
#define RULE(symbol, ...) CHECK_##symbol,
#include "rules.def"
#undef RULE
    CHECK_RULE_COUNT
};

/** How much a broken rule matters. */
enum check_severity {
    CHECK_CHAT,    /**< a milestone, or a permission that is used */
    CHECK_NOTE,    /**< a SHOULD, or unusual */
    CHECK_WARNING, /**< most likely broken, the evidence is incomplete; or the standard leaves room */
    CHECK_ERROR,   /**< a MUST is broken, and nothing unseen can excuse it */
    CHECK_SEVERITIES,
    CHECK_ROW_SEVERITY = CHECK_SEVERITIES, /**< a statement's severity is that of its row */
};

/** Wireshark's groups of expert items. */
enum check_group {
    CHECK_MALFORMED,
    CHECK_PROTOCOL,
    CHECK_SEQUENCE,
    CHECK_SECURITY,
};

/** What a rule is asked about. */
enum check_subject_kind {
    CHECK_ABOUT_PACKET,   /**< once a packet */
    CHECK_ABOUT_FAULT,    /**< once a packet that cannot be read to its end */
    CHECK_ABOUT_TEXT,     /**< each UTF-8 Encoded String */
    CHECK_ABOUT_PROPERTY, /**< each property of each block */
    CHECK_ABOUT_FILTER,   /**< each entry of a SUBSCRIBE or an UNSUBSCRIBE */
    CHECK_ABOUT_CODE,     /**< each code of a SUBACK or an UNSUBACK */
    CHECK_ABOUT_ANOMALY,  /**< something that the model noticed at the packet */
    CHECK_SUBJECT_KINDS
};

/** The side at fault where a rule is broken. */
enum check_side {
    CHECK_SIDE_UNKNOWN, /**< either may be, and the capture does not tell */
    CHECK_SIDE_CLIENT,
    CHECK_SIDE_BROKER,
    CHECK_SIDE_SENDER, /**< whichever of them sent the packet */
};

/** Numbers of the bits of enum check_needs. */
enum check_need_bit {
#define NEED(symbol, words) CHECK_NEED_BIT_##symbol,
#include "needs.def"
#undef NEED
    CHECK_NEED_BITS
};

/** What has to be known before a rule may speak. */
enum check_needs {
    CHECK_NEEDS_NOTHING = 0,
#define NEED(symbol, words) CHECK_NEEDS_##symbol = 1 << CHECK_NEED_BIT_##symbol,
#include "needs.def"
#undef NEED
};

/** A statement that a rule stands for. */
struct check_id {
    const char *id;        /**< NULL behind the last; "": see check/statements.def */
    const char *condition; /**< where the rule stands for it, as the row has it; "": wherever it is broken */
};

/** The statements of one version that a rule stands for. */
struct check_cell {
    enum check_severity severity; /**< CHECK_ROW_SEVERITY, or the version's own */
    const struct check_id *ids;   /**< the first is shown first; where there is none, the version has no such rule */
};

/** Index of a version's cell. */
enum check_column { CHECK_V31, CHECK_V311, CHECK_V50, CHECK_COLUMNS };

/** All packet types. */
enum { CHECK_ANY_PACKET = 0xFFFF };

/** What somebody who meets a broken rule may want to know: a row of a help-*.def. Texts without line ends; for as long as
 *  the program runs. */
struct check_help {
    const char *name;
    const char *wants;  /**< what the specification wants, and why it matters */
    const char *cause;  /**< how the rule usually comes to be broken, in Clients and in Servers */
    const char *mend;   /**< what to change */
    const char *excuse; /**< what excuses it; "" where nothing does */
};

/** A rule's row without its expressions. */
struct check_rule_info {
    const char *symbol;
    enum check_subject_kind about;
    int anomaly;      /**< CHECK_ABOUT_ANOMALY: enum track_anomaly_kind; -1 otherwise */
    uint32_t packets; /**< bit 1 << type for each packet that it is asked about */
    enum check_side side;
    enum check_severity severity;
    enum check_group group;
    uint32_t needs; /**< bits of enum check_needs */
    struct check_cell cells[CHECK_COLUMNS];
    const char *title;             /**< what is broken, in a few words */
    const char *short_title;       /**< the same for the Info column; "": the statement's id has to do */
    const struct check_help *help; /**< its name is "" where the row names none */
};

/** True where a version has the rule. */
static inline bool check_is_in_version(const struct check_rule_info *info, enum check_column column)
{
    return info->cells[column].ids[0].id != NULL;
}

/** True for a hint: what it finds is no broken rule, and no statement is about it. */
static inline bool check_is_hint(const struct check_rule_info *info)
{
    return info->needs & (CHECK_NEEDS_SOME_HINTS | CHECK_NEEDS_ALL_HINTS);
}

/** A rule's row. Never NULL. */
const struct check_rule_info *check_rule_info(enum check_rule rule);

/** A severity's name. */
const char *check_severity_name(enum check_severity severity);

/** The rule of a symbol, or of one that stands for a statement id, after `previous` (CHECK_RULE_COUNT: from the first
 *  on). CHECK_RULE_COUNT where there is none (further). */
enum check_rule check_find_rule(const char *symbol_or_id, enum check_rule previous);

/** The statement that a rule stands for where it is about one property in one packet or Will (MQTT 5.0). */
struct check_statement {
    enum check_rule rule;
    uint8_t packet;   /**< enum mqtt_packet_type */
    uint8_t property; /**< enum mqtt_property_index */
    const char *id;
};

/** All of them, and how many. */
const struct check_statement *check_statements(size_t *count);

#endif
