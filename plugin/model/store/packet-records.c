/* packet-records.c - keeps what was learnt about single packets, in the order of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-records.h"

#include "pieces.h"

enum { BYTES_PER_PACKET = 64 /**< allowed beside the limit: what the records of one packet in a transaction take */ };

/** How long a client had been silent before a packet. Of the packets of one frame, those that follow without an item of
 *  their own had been silent for no time. */
struct idle {
    struct track_pdu_ref pdu;
    int64_t ns;
};

struct track_packet_records {
    struct track_file_memory *memory;
    uint64_t bytes;   /**< of all pieces */
    uint64_t allowed; /**< of these, what is not charged to the limit: so much for each packet that there was */
    uint64_t charged; /**< of these, what is */
    struct track_pieces records;
    struct track_pieces idles;
    struct track_pieces anomalies;
    struct track_pieces events;
};

static uint64_t key_of_pdu(struct track_pdu_ref pdu)
{
    return (uint64_t)pdu.frame << 32 | pdu.pdu;
}

static uint64_t key_of_record(const void *item)
{
    return key_of_pdu(((const struct track_packet_record *)item)->pdu);
}

static uint64_t key_of_idle(const void *item)
{
    return key_of_pdu(((const struct idle *)item)->pdu);
}

static uint64_t key_of_anomaly(const void *item)
{
    const struct track_anomaly *anomaly = (const struct track_anomaly *)item;
    return key_of_pdu((struct track_pdu_ref){anomaly->frame_at, anomaly->pdu_at});
}

static uint64_t key_of_event(const void *item)
{
    const struct track_event *event = (const struct track_event *)item;
    return key_of_pdu((struct track_pdu_ref){event->frame_at, event->pdu_at});
}

/** Adds an item of zeros. */
static void *add_item(struct track_packet_records *records, struct track_pieces *pieces)
{
    records->bytes += track_pieces_growth(pieces);
    return track_pieces_add(pieces);
}

/** True where the allowance or the limit has room for one more item; the limit is charged with what the allowance has not. */
static bool has_room(struct track_packet_records *records, const struct track_pieces *pieces)
{
    uint64_t growth = track_pieces_growth(pieces);
    uint64_t bytes = records->bytes + growth;

    if (growth == 0 || bytes <= records->allowed + records->charged)
        return true;
    uint64_t lacking = bytes - records->allowed - records->charged;
    if (!track_file_charge(records->memory, lacking))
        return false;
    records->charged += lacking;
    return true;
}

struct track_packet_records *track_packet_records_new(struct track_file_memory *memory)
{
    wmem_allocator_t *scope = memory->scope;
    struct track_packet_records *records = wmem_new(scope, struct track_packet_records);

    *records = (struct track_packet_records){.memory = memory};
    track_pieces_begin(&records->records, scope, sizeof(struct track_packet_record), key_of_record);
    track_pieces_begin(&records->idles, scope, sizeof(struct idle), key_of_idle);
    track_pieces_begin(&records->anomalies, scope, sizeof(struct track_anomaly), key_of_anomaly);
    track_pieces_begin(&records->events, scope, sizeof(struct track_event), key_of_event);
    return records;
}

void track_packet_records_allow(struct track_packet_records *records)
{
    records->allowed += BYTES_PER_PACKET;
}

struct track_packet_record *track_packet_records_add_always(struct track_packet_records *records,
                                                            struct track_pdu_ref pdu)
{
    struct track_packet_record *record = (struct track_packet_record *)add_item(records, &records->records);
    record->pdu = pdu;
    return record;
}

struct track_packet_record *track_packet_records_add(struct track_packet_records *records, struct track_pdu_ref pdu)
{
    return has_room(records, &records->records) ? track_packet_records_add_always(records, pdu) : NULL;
}

const struct track_packet_record *track_packet_records_find(const struct track_packet_records *records,
                                                            struct track_pdu_ref pdu)
{
    const struct track_packet_record *record =
        (const struct track_packet_record *)track_pieces_find(&records->records, key_of_pdu(pdu));
    return record != NULL && key_of_record(record) == key_of_pdu(pdu) ? record : NULL;
}

/** How long the client was silent before a packet, by the last idle that is not after it (NULL: there is none). */
static int64_t idle_before(const struct idle *idle, struct track_pdu_ref pdu)
{
    if (idle == NULL || idle->pdu.frame != pdu.frame)
        return TRACK_TIME_UNKNOWN;
    return idle->pdu.pdu == pdu.pdu ? idle->ns : 0;
}

bool track_packet_records_add_idle(struct track_packet_records *records, struct track_pdu_ref pdu,
                                   struct track_packet_record *record, int64_t idle_ns)
{
    struct track_pieces *idles = &records->idles;
    const struct idle *last = idles->count > 0 ? (const struct idle *)track_pieces_item(idles, idles->count - 1) : NULL;

    if (idle_before(last, pdu) == idle_ns)
        return true;
    if (record != NULL && record->request_in == 0) {
        record->has_idle = true;
        record->idle_ns = idle_ns;
        return true;
    }
    /* What the last one says of this frame would be wrong. */
    bool is_needed = last != NULL && last->pdu.frame == pdu.frame;
    if (!is_needed && !has_room(records, idles))
        return false;
    struct idle *idle = (struct idle *)add_item(records, idles);
    *idle = (struct idle){pdu, idle_ns};
    return true;
}

int64_t track_packet_records_idle(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                  const struct track_packet_record *record)
{
    if (record != NULL && record->has_idle)
        return record->idle_ns;
    return idle_before((const struct idle *)track_pieces_find(&records->idles, key_of_pdu(pdu)), pdu);
}

const struct track_anomaly *track_packet_records_add_anomaly(struct track_packet_records *records,
                                                             const struct track_anomaly *anomaly)
{
    if (!has_room(records, &records->anomalies))
        return NULL;
    struct track_anomaly *kept = (struct track_anomaly *)add_item(records, &records->anomalies);
    *kept = *anomaly;
    return kept;
}

/** Fills `list` with up to `most` items that have a key, and returns how many there are. */
static unsigned pieces_list(const struct track_pieces *pieces, uint64_t key, const void **list, unsigned most)
{
    unsigned count = 0;

    if (pieces->count == 0)
        return 0;
    for (uint32_t i = track_pieces_count_to(pieces, key - 1); i < pieces->count && count < most; i++) {
        const void *item = track_pieces_item(pieces, i);
        if (pieces->key_of(item) != key)
            break;
        list[count++] = item;
    }
    return count;
}

unsigned track_packet_records_anomalies(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                        const struct track_anomaly **list)
{
    return pieces_list(&records->anomalies, key_of_pdu(pdu), (const void **)list, TRACK_ANOMALIES_MAX);
}

const struct track_event *track_packet_records_add_event(struct track_packet_records *records,
                                                         const struct track_event *event)
{
    if (!has_room(records, &records->events))
        return NULL;
    struct track_event *kept = (struct track_event *)add_item(records, &records->events);
    *kept = *event;
    return kept;
}

unsigned track_packet_records_events(const struct track_packet_records *records, struct track_pdu_ref pdu,
                                     const struct track_event **list)
{
    return pieces_list(&records->events, key_of_pdu(pdu), (const void **)list, TRACK_EVENTS_MAX);
}
