/* packet-records.h - keeps what was learnt about single packets, in the order of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture has millions of packets, so what is kept for one has to be small: the records of all connections share one
 * list of large pieces, without an allocation, a key or a link of their own. They are added in the order of the packets
 * and found by binary search.
 *
 * So that a long capture does not go blind half way, the lists have an allowance for each packet, which all but a packet
 * with several anomalies keeps to; what they take beyond is charged to the user's limit.
 */
#ifndef MQTTSCOPE_MODEL_STORE_PACKET_RECORDS_H
#define MQTTSCOPE_MODEL_STORE_PACKET_RECORDS_H

#include "../facts/facts.h"
#include "file-memory.h"

/** The records of a file. */
struct track_packet_records;

/** Makes empty lists in the memory of a file. */
struct track_packet_records *track_packet_records_new(struct track_file_memory *memory);

/** There is one packet more, which has its allowance. */
void track_packet_records_allow(struct track_packet_records *records);

/** Adds an empty record; NULL where the limit is reached. Packets have to come in the order of the capture, each once.
 *  The record stays where it is. */
struct track_packet_record *track_packet_records_add(struct track_packet_records *records, struct track_pdu_ref pdu);

/** The same without heed to the limit: for the record that says that it is reached. */
struct track_packet_record *track_packet_records_add_always(struct track_packet_records *records,
                                                            struct track_pdu_ref pdu);

/** The record of a packet; NULL where it has none. */
const struct track_packet_record *track_packet_records_find(const struct track_packet_records *records,
                                                            struct track_pdu_ref pdu);

/** Keeps how long a client had been silent before the packet at `pdu`, or that it is not known: TRACK_TIME_UNKNOWN. `record`
 *  is the packet's, where it has one and all else is in it. Packets have to come in the order of the capture. False
 *  where the limit is reached: that is as TRACK_TIME_UNKNOWN. */
bool track_packet_records_add_idle(struct track_packet_records *records, struct track_pdu_ref pdu,
                                   struct track_packet_record *record, int64_t idle_ns);

/** How long the client had been silent before its packet at `pdu`: what track_packet_records_add_idle() was given with the same
 *  record. */
int64_t track_packet_records_idle(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                  const struct track_packet_record *record);

/** Keeps what was found at a packet, which is named in it. Packets have to come in the order of the capture; one may come
 *  several times. What it returns stays where it is; NULL where the limit is reached. */
const struct track_anomaly *track_packet_records_add_anomaly(struct track_packet_records *records,
                                                             const struct track_anomaly *anomaly);

/** What was found at the packet `pdu`: fills `list` in the order of its making and returns how many there are, no
 *  more than TRACK_ANOMALIES_MAX. */
unsigned track_packet_records_anomalies(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                        const struct track_anomaly **list);

/** Keeps what happened at a packet, as track_packet_records_add_anomaly() keeps what was found at it. */
const struct track_event *track_packet_records_add_event(struct track_packet_records *records,
                                                         const struct track_event *event);

/** What happened at the packet `pdu`: fills `list` in the order of its making and returns how many there are, no more than
 *  TRACK_EVENTS_MAX. */
unsigned track_packet_records_events(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                     const struct track_event **list);

#endif
