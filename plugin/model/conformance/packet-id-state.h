/* packet-id-state.h - what is remembered of the Packet Identifiers of a connection beside those in flight.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * To judge what does not fit it takes a little more than what is in flight: what was sent more often than once, what was
 * broken before, in what order responses came. A connection has such a state only where rules are wanted and its CONNECT
 * was captured; without that nothing about transactions can be called wrong. It is made at the first packet that leaves
 * something to remember.
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_STATE_H
#define MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_STATE_H

#include "../store/context.h"
#include "../store/id-table.h"
#include "earlier-publishes.h"
#include "response-log.h"
#include "unanswered-requests.h"

/** Whether the packets of a connection can be judged as a sequence. Written by packet-id-state.c. */
struct track_sequence {
    bool has_connect; /**< it begins with a captured CONNECT */
    bool is_broken;   /**< a packet was missed, or is not understood: no transaction can be called wrong any more */
};

/** What is out of the ordinary with a Packet Identifier of one end. Most have none. File scope. */
struct track_packet_id_history {
    struct track_id_entry by_id;
    int64_t pubrec_ns;     /**< when the PUBREC came that was re-sent since; good where `had_pubrec` */
    uint8_t responses;     /**< PUBACK, PUBREC, SUBACK or UNSUBACK that may come beside the one waited for */
    uint8_t completions;   /**< the same for PUBCOMP */
    uint8_t repeats;       /**< copies of the request on this connection after the first */
    uint8_t releases;      /**< the same of its PUBREL */
    uint8_t wrong_ack;     /**< type of the response that came and did not match the QoS; it is none of `responses` */
    bool is_tolerated : 1; /**< a PUBREL may come that fits nothing */
    bool is_reported : 1;  /**< the transaction was found broken: one finding is enough */
    bool has_failed : 1;   /**< a PUBREC of 0x80 or above ended the delivery */
    bool is_resent : 1;    /**< sent more often than once: which one a response is for is not known */
    bool had_pubrec : 1;   /**< a further PUBREC came, which another PUBREL may answer */
    bool had_released : 1; /**< a PUBREL was sent on this connection, for a delivery begun on an earlier one */
    bool is_overdue : 1;   /**< it was reported, while the connection lasts, that the response is missing */
};

/** A PUBLISH that had a PUBACK or PUBREC of 0x80 or above. */
struct track_failed_publish {
    uint32_t frame; /**< of the response; 0: none */
    uint32_t content_hash;
    uint16_t packet_id;
    uint8_t code;
};

enum { TRACK_FAILED_PUBLISHES_MAX = 8 };

/** The latest PUBLISHes of one end that failed. File scope. */
struct track_failed_publishes {
    struct track_failed_publish list[TRACK_FAILED_PUBLISHES_MAX];
    unsigned next; /**< the slot of the oldest */
};

/** What is remembered of the Packet Identifiers of one end. */
struct track_packet_id_end_state {
    struct track_id_table histories; /**< struct track_packet_id_history, of those that have one */
    uint64_t ids; /**< Packet Identifiers that a PUBLISH took on this connection: a bit for each remainder */
    struct track_failed_publishes *failed; /**< NULL while none of its PUBLISHes failed */
    uint16_t highest_id;                   /**< the largest in `ids`; 0: none */
    uint16_t quota;                        /**< how much of its send quota is used (MQTT 5.0 section 4.9) */
};

/** What is remembered of the Packet Identifiers of a connection. File scope. Written by packet-id-*.c and send-quota.c. */
struct track_packet_id_state {
    struct track_packet_id_end_state ends[2];
    struct track_response_log responses;     /**< response-log.c */
    struct track_overdue overdue;            /**< unanswered-requests.c */
    struct track_earlier_publishes *earlier; /**< earlier-publishes.c: NULL while there is nothing in it */
    /* Of the Client's packets */
    struct track_pdu_ref acknowledged; /**< the PUBLISH that its latest PUBACK is for */
    struct track_pdu_ref received;     /**< the PUBLISH that its latest PUBREC is for */
    struct track_pdu_ref released;     /**< the PUBREC that its latest PUBREL is for */
    uint32_t resent;                   /**< where the PUBLISH that it re-sent last was sent first */
};

/** The state of the packet's connection; made where there is none. NULL where there is no memory for it: then the sequence is
 *  broken. */
struct track_packet_id_state *track_packet_id_state_of(struct track_context *tracking);

/** Frees the state of a connection whose session has ended. */
void track_packet_id_state_free(struct track_connection *connection);

/** Keeps whether the packets of the connection can be judged as a sequence. */
void track_update_sequence(struct track_context *tracking);

/** From here on no transaction of the connection can be called wrong. */
void track_break_sequence(struct track_context *tracking);

/** True where no transaction of a connection can be called wrong any more. */
bool track_is_sequence_broken(const struct track_connection *connection);

/** What of all that the packet being tracked may rest on was not captured. */
enum track_lack track_sequence_lack(const struct track_context *tracking);

/** True where it all was. */
bool track_is_sequence_complete(const struct track_context *tracking);

/** The history of a Packet Identifier of one end; NULL where there is none. */
struct track_packet_id_history *track_find_packet_id_history(const struct track_packet_id_state *state, unsigned end,
                                                             uint16_t packet_id);

/** The same; made where there is none. NULL where there is no memory for it: then the sequence is broken. */
struct track_packet_id_history *track_make_packet_id_history(struct track_context *tracking, unsigned end,
                                                             uint16_t packet_id);

#endif
