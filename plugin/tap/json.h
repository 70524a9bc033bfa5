/* json.h - what the parts of `mqttscope,json` offer each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * JSON Lines: each object is a line of its own, and its member "type" says what it is. What they hold is written down in
 * doc/mqttscope.schema.json. All text is valid UTF-8 and of bounded length; where it is not what the wire has, byte by byte, the
 * bytes are beside it in hex.
 */
#ifndef MQTTSCOPE_TAP_JSON_H
#define MQTTSCOPE_TAP_JSON_H

#include <stdio.h>

#include <epan/packet.h>

#include <wsutil/json_dumper.h>

#include "tap.h"

/** The schema's version: the first number changes where a member is renamed or goes, the second where one is added. */
#define JSON_SCHEMA "1.4"

enum {
    JSON_TEXT_CHARACTERS = 256,     /**< longer text off the wire is shortened */
    JSON_HEX_BYTES = TAP_HEX_BYTES, /**< likewise bytes */
    JSON_PAYLOAD_BYTES = 64,        /**< likewise payloads */
};

/** Where objects are written, and the one that is being written. */
struct json_writer {
    FILE *file;
    GString *line; /**< the object, until its end */
    json_dumper dumper;
};

/** Begins an object; ends it, and writes its line. */
void json_open(struct json_writer *writer, const char *type);
void json_close(struct json_writer *writer);

/** Members of the object. `text` may hold anything; "" and NULL are left out. */
void json_string(struct json_writer *writer, const char *name, const char *text);
void json_unsigned(struct json_writer *writer, const char *name, uint64_t value);
void json_bool(struct json_writer *writer, const char *name, bool value);

/** A time or a span of time in seconds, to the nanosecond. */
void json_time(struct json_writer *writer, const char *name, const nstime_t *time);

/** A member whose value is ready as JSON. */
void json_ready(struct json_writer *writer, const char *name, const char *value);

/** Members of the object that are arrays or objects; json_end_...() ends them. A NULL name is for an element of an array. */
void json_begin_array(struct json_writer *writer, const char *name);
void json_end_array(struct json_writer *writer);
void json_begin_member(struct json_writer *writer, const char *name);
void json_end_member(struct json_writer *writer);

/** Elements of an array. */
void json_element_string(struct json_writer *writer, const char *text);
void json_element_unsigned(struct json_writer *writer, uint64_t value);

/** Text off the wire as the member `name`, and as NAME_hex where the two differ. */
void json_wire_text(struct json_writer *writer, const char *name, const uint8_t *bytes, uint32_t length);

/** The packet's first bytes as the member `bytes`, in hex; those of a Password or Authentication Data are `**`. */
void json_packet_bytes(struct json_writer *writer, const struct mqtt_packet *packet, bool is_sure);

/** Counts the findings of a packet by severity; what was counted, as a member. */
void json_add_findings(uint32_t counted[CHECK_SEVERITIES], const struct tap_record *record);
void json_severities(struct json_writer *writer, const char *name, const uint32_t counts[CHECK_SEVERITIES]);

/** PUBLISHes by QoS, as a member. */
void json_by_qos(struct json_writer *writer, const char *name, const uint32_t messages[4]);

/** One broken rule, one event, one PUBLISH, and one packet of another type. */
void json_finding(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo,
                  const struct check_finding *finding);
void json_event(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo,
                const struct check_event *event);
void json_message(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo);
void json_packet(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo);

/** The bytes of a PUBLISH's topic in hex, where `text` is not what they are; else NULL. For g_free(). */
char *json_topic_hex(const struct tap_record *record, const char *text);

/** What is counted of statements, and of those of one connection. */
struct json_statements;
struct json_coverage;

struct json_statements *json_statements_new(void);
void json_statements_free(struct json_statements *statements);
struct json_coverage *json_coverage_new(const struct json_statements *statements);
void json_coverage_free(struct json_coverage *coverage);

/** Counts which statements a packet was an occasion for, and which it breaks; `age_ns` is how long its connection has lasted.
 *  `coverage` is NULL where nobody asks for the connection's own. */
void json_judge(struct json_statements *statements, struct json_coverage *coverage, const struct tap_record *record,
                int64_t age_ns);

/** Writes the statements of the versions that occur, and the rules that were evaluated. */
void json_write_statements(struct json_writer *writer, struct json_statements *statements,
                           const bool versions[CHECK_COLUMNS]);

/** Writes the ids of what was broken and held on a connection, as a member. */
void json_write_coverage(struct json_writer *writer, struct json_statements *statements,
                         const struct json_coverage *coverage);

/** Topics and clients, counted by name; and those that the last packets of a connection were about, NULL for none, which
 *  begins all zero. */
struct json_names;
struct json_latest {
    struct json_client *client;
    struct json_topic *topic;
};

struct json_names *json_names_new(void);
void json_names_free(struct json_names *names);

/** Counts a packet for its client, and a PUBLISH for its topic. `latest` is that of its connection. */
void json_count_names(struct json_names *names, struct json_latest *latest, const struct tap_record *record,
                      packet_info *pinfo);

/** Writes an object for each topic and each client; and what the object about the capture says of those that have none. */
void json_write_names(struct json_writer *writer, const struct json_names *names);
void json_summarise_names(struct json_writer *writer, const struct json_names *names);

/** What is counted until the end of the file. */
struct json_counts;

/** How much of it is counted and written one by one. */
enum json_extent {
    JSON_ALL,     /**< connections, topics, clients and deliveries, too */
    JSON_VERDICT, /**< statements only: connections are counted, topics, clients and deliveries are not */
};

struct json_counts *json_counts_new(enum json_extent extent);
void json_counts_free(struct json_counts *counts);

/** Counts a control packet and, in JSON_ALL, its topic, its client and its delivery. */
void json_count(struct json_counts *counts, const struct tap_record *record, packet_info *pinfo);

/** Writes what was counted one by one; only while the file is open. */
void json_write_counts(struct json_writer *writer, struct json_counts *counts);

/** What the object about the capture says of connections. */
void json_summarise_counts(struct json_writer *writer, const struct json_counts *counts);

/** True where the TCP stream has MQTT. */
bool json_has_stream(const struct json_counts *counts, uint32_t stream);

#endif
