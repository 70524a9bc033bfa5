/* rules.h - what is known of each rule, and the vocabulary of its row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A rule is one row of a check/rules-*.def file; check/rules.def includes them all and explains the columns. Enum, table,
 * check function, message, filter field, statistics row, documentation and the duty to have a case follow from the row.
 */
#ifndef MQTTSCOPE_CHECK_RULES_H
#define MQTTSCOPE_CHECK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The rules, in the order of their rows. */
enum check_rule {
#define RULE(symbol, ...) CHECK_##symbol,
#define OBSERVED(symbol, ...) CHECK_##symbol,
#include "rules.def"
#undef RULE
#undef OBSERVED
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
    CHECK_ABOUT_OBSERVED, /**< something that the model noticed at the packet */
    CHECK_SUBJECT_KINDS
};

/** What has to be known before a rule may speak. */
enum check_needs {
    CHECK_NEEDS_NOTHING = 0,
    CHECK_NEEDS_DIRECTION = 1 << 0, /**< who is the broker; known from transport or port only, it lowers the severity */
    CHECK_NEEDS_FROM_CLIENT = 1 << 1,        /**< DIRECTION, and the Client sent the packet */
    CHECK_NEEDS_FROM_SERVER = 1 << 2,        /**< DIRECTION, and the Server did */
    CHECK_NEEDS_CONNECT = 1 << 3,            /**< the connection's CONNECT was captured */
    CHECK_NEEDS_HISTORY = 1 << 4,            /**< CONNECT, and no byte of the connection is missing before the packet */
    CHECK_NEEDS_SESSION = 1 << 5,            /**< HISTORY, and nothing in flight can stem from before the capture */
    CHECK_NEEDS_AWARENESS = 1 << 6,          /**< the sender had the CONNACK; one that had not lowers the severity */
    CHECK_NEEDS_HISTORY_TO_BE_SURE = 1 << 7, /**< without HISTORY the severity is lowered */
    CHECK_NEEDS_NO_VERSION = 1 << 8, /**< holds in every version: speaks even where the version is not certain */
    CHECK_NEEDS_NO_MORE_BYTES =
        1 << 9,                      /**< speaks of a packet that the capture cut, too: looks only at what is there */
    CHECK_NEEDS_NO_BRIDGE = 1 << 10, /**< the Client is no bridge */
};

/** The statements of one version that a rule stands for. */
struct check_cell {
    const char *ids; /**< statement ids, separated by spaces; the first is shown first; NULL: no such rule there */
    enum check_severity severity; /**< CHECK_ROW_SEVERITY, or the version's own */
};

/** Index of a version's cell. */
enum check_column { CHECK_V31, CHECK_V311, CHECK_V50, CHECK_COLUMNS };

/** A rule's row without its expressions. */
struct check_rule_info {
    const char *symbol;
    enum check_subject_kind about;
    uint32_t packets; /**< bit 1 << type for each packet that it is asked about */
    enum check_severity severity;
    enum check_group group;
    uint32_t needs; /**< bits of enum check_needs */
    struct check_cell cells[CHECK_COLUMNS];
    const char *title; /**< what is broken, in a few words */
};

/** A rule's row. Never NULL. */
const struct check_rule_info *check_rule_info(enum check_rule rule);

/** A severity's name. */
const char *check_severity_name(enum check_severity severity);

/** The rule of a symbol, or of one that stands for a statement id, after `previous` (CHECK_RULE_COUNT: from the first
 *  on). CHECK_RULE_COUNT where there is none (further). */
enum check_rule check_find_rule(const char *symbol_or_id, enum check_rule previous);

/** Statement ids of a rule that are about one property in one packet or Will (MQTT 5.0). */
struct check_statement {
    enum check_rule rule;
    uint8_t packet;   /**< enum mqtt_packet_type */
    uint8_t property; /**< enum mqtt_property_index */
    const char *ids;  /**< separated by spaces */
};

/** All of them, and how many. */
const struct check_statement *check_statements(size_t *count);

#endif
