/* predicates-occasions.h - the if-parts of statements whose breach the model finds: the cell WHEN of rules about anomalies.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An anomaly comes on an occasion by itself. What is asked here is which packets, without any, show that there was one and that
 * the rule was kept. Where that is an answer of the other end, the answer counts, and not what asked for it.
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_OCCASIONS_H
#define MQTTSCOPE_CHECK_PREDICATES_OCCASIONS_H

#include "check.h"
#include "predicates-order.h"

/** The packet is of one of the types, written as in the cell ON, and not malformed. */
#define IS(types) (((unsigned)(types) >> p->type & 1) != 0 && !mqtt_is_malformed(p))

/** The same from one of the sides. */
#define BY_CLIENT(types) (IS(types) && is_from_client(f))
#define BY_SERVER(types) (IS(types) && is_from_server(f))

/** A response to a request that was captured. */
#define ANSWERS(types) (IS(types) && f->record != NULL && f->record->request_in != 0)

/** A packet whose first copy was captured. */
#define RESENT(types) (IS(types) && f->record != NULL && f->record->first_sent_in != 0)

/** The packet has the property. */
#define HAS(symbol) (mqtt_properties_find(&p->properties, MQTT_PROPERTY_##symbol) != NULL)

/** A CONNACK that says Session Present. */
static inline bool is_session_present(const struct mqtt_packet *packet)
{
    return packet->type == MQTT_TYPE_CONNACK && packet->ack_flags & 1 && !is_refused(packet);
}

/** The connection has lasted for so many halves of its Keep Alive: the Client had to send something, or the Server to close it. */
static inline bool has_outlived_keep_alive(const struct check_subject *subject, unsigned halves)
{
    const int64_t half_second_ns = 500000000;
    const struct track_snapshot *snapshot = subject->facts->snapshot;

    return snapshot->has_keep_alive && snapshot->keep_alive_s != 0 &&
           subject->age_ns > half_second_ns * halves * snapshot->keep_alive_s;
}

/** The Keep Alive in force is not the Client's. */
static inline bool is_keep_alive_of_server(const struct track_snapshot *snapshot)
{
    return snapshot->connect_info != NULL && snapshot->connect_info->keep_alive_s != snapshot->keep_alive_s;
}

#endif
