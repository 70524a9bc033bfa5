/* check-shared-subscriptions.c - finds messages that went to more than one session of a Shared Subscription (MQTT 5.0 section 4.8.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-shared-subscriptions.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/recent-publishes.h"
#include "../store/text.h"
#include "checks.h"
#include "report-delivery.h"

/** The first delivery of a message for a Shared Subscription. */
struct shared_delivery {
    uint32_t order;  /**< of the message at its broker; 0: none */
    uint32_t filter; /**< a hash */
    uint32_t frame;
    uint8_t qos;
    bool has_failed; /**< its receiver reported a failure */
    const struct track_connection *receiver;
};

/** The deliveries of the recent messages of one broker, in the same slots. File scope. */
struct track_shared_deliveries {
    struct shared_delivery of[TRACK_RECENT_PUBLISHES_MAX];
};

/** The slot of a message; of what it had before if its `order` is another. NULL where there is no memory for it. */
static struct shared_delivery *slot_of(struct track_context *tracking, const struct track_broker_history *history,
                                       const struct track_recent_publish *source)
{
    struct track_capture_checks *checks = track_capture_checks_of(tracking->capture);
    struct track_shared_deliveries **shared = &checks->shared[history->number];

    if (*shared == NULL)
        *shared = (struct track_shared_deliveries *)track_alloc(tracking, sizeof **shared);
    return *shared != NULL ? &(*shared)->of[source - history->kept] : NULL;
}

/** True where the session of a Client that has left is over. */
static bool has_session_ended(const struct track_context *tracking, const struct track_connection *connection,
                              const struct track_transport_state *transport)
{
    const struct track_connection_session *session = &connection->session;
    int64_t end_ns = session->disconnected ? session->disconnected_ns : transport->last_ns;

    if (!session->is_expiry_known || session->expiry_s == UINT32_MAX || end_ns == TRACK_TIME_UNKNOWN)
        return false;
    return session->expiry_s == 0 ||
           track_least_elapsed_ns(&tracking->capture->clock, end_ns, tracking->now_ns) / 1000000000 > session->expiry_s;
}

void track_check_shared_subscription(struct track_delivery *delivery, const struct track_recent_publish *source)
{
    struct track_context *tracking = delivery->tracking;
    const struct track_text *filter = delivery->matches[0]->text;
    const struct mqtt_packet *packet = tracking->packet;
    struct shared_delivery *first = slot_of(tracking, track_broker_history_of(tracking), source);
    struct shared_delivery this = {
        .order = source->order,
        .filter = track_hash_bytes(filter->bytes, filter->length),
        .frame = tracking->pdu.frame,
        .qos = packet->publish.qos,
        .receiver = tracking->connection,
    };

    if (first == NULL)
        return;
    if (first->order != source->order) {
        *first = this;
        return;
    }
    struct track_transport_state transport = track_transport_state_of(first->receiver);
    bool has_ended = transport.is_finished || transport.is_reset || first->receiver->session.disconnected;
    struct track_anomaly found = {.at = packet->publish.payload, .frame = first->frame};
    if (first->receiver == this.receiver || first->filter != this.filter)
        return;
    if (first->has_failed)
        found.kind = TRACK_ANOMALY_SHARED_AFTER_REFUSAL;
    else if (!has_ended)
        found.kind = TRACK_ANOMALY_SHARED_TWICE;
    else if (first->qos == 2)
        found.kind = TRACK_ANOMALY_SHARED_AFTER_END;
    else
        return;
    if (found.kind == TRACK_ANOMALY_SHARED_AFTER_END)
        found.value = has_session_ended(tracking, first->receiver, &transport);
    track_report_anomaly(delivery->tracking, found);
}

void track_remember_shared_failure(struct track_context *tracking)
{
    const struct track_broker_history *history = track_broker_history_of(tracking);
    const struct track_capture_checks *checks = tracking->capture->checks;
    struct track_shared_deliveries *shared = history != NULL && checks != NULL ? checks->shared[history->number] : NULL;
    uint32_t failed = tracking->record != NULL ? tracking->record->request_in : 0;

    for (unsigned i = 0; shared != NULL && failed != 0 && i < TRACK_RECENT_PUBLISHES_MAX; i++)
        if (shared->of[i].frame == failed && shared->of[i].receiver == tracking->connection)
            shared->of[i].has_failed = true;
}
