/* packet-records.c - keeps what was learnt about single packets, in the order of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-records.h"

/** A list of equal items in pieces, ordered by the 64-bit key that `key_of` reads from an item. */
struct pieces {
    wmem_array_t *starts; /**< the pieces: pointers to `PIECE_ITEMS` items each */
    size_t item_size;
    uint32_t count;
    uint64_t (*key_of)(const void *item);
};

enum {
    PIECE_ITEMS = 1024,
    BYTES_PER_FRAME = 1024, /**< allowed beyond the limit: about what Wireshark keeps of a frame by itself */
};

/** How long a client had been silent before a packet. Of the packets of one frame, those that follow without an item of
 *  their own had been silent for no time. */
struct idle {
    struct track_pdu_ref place;
    int64_t ns;
};

struct track_packet_records {
    wmem_allocator_t *scope;
    uint64_t most; /**< the limit in bytes; 0: none */
    uint64_t bytes;
    struct pieces notes;
    struct pieces idles;
    struct pieces observations;
};

static uint64_t key_of_place(struct track_pdu_ref place)
{
    return (uint64_t)place.frame << 32 | place.pdu;
}

static uint64_t key_of_note(const void *item)
{
    return key_of_place(((const struct track_packet_record *)item)->place);
}

static uint64_t key_of_idle(const void *item)
{
    return key_of_place(((const struct idle *)item)->place);
}

static uint64_t key_of_observation(const void *item)
{
    const struct track_anomaly *observation = (const struct track_anomaly *)item;
    return key_of_place((struct track_pdu_ref){observation->frame_at, observation->pdu_at});
}

static void pieces_begin(struct pieces *pieces, wmem_allocator_t *scope, size_t item_size,
                         uint64_t (*key_of)(const void *item))
{
    *pieces = (struct pieces){wmem_array_new(scope, sizeof(void *)), item_size, 0, key_of};
}

static void *pieces_item(const struct pieces *pieces, uint32_t index)
{
    char *start = *(char **)wmem_array_index(pieces->starts, index / PIECE_ITEMS);
    return start + index % PIECE_ITEMS * pieces->item_size;
}

/** Adds an item of zeros. */
static void *pieces_add(struct track_packet_records *notes, struct pieces *pieces)
{
    if (pieces->count % PIECE_ITEMS == 0) {
        size_t size = PIECE_ITEMS * pieces->item_size;
        void *start = wmem_alloc0(notes->scope, size);
        wmem_array_append_one(pieces->starts, start);
        notes->bytes += size;
    }
    return pieces_item(pieces, pieces->count++);
}

/** True where the limit allows one more item for a packet of that frame. */
static bool has_room(const struct track_packet_records *notes, const struct pieces *pieces, uint32_t frame)
{
    bool is_in_piece = pieces->count % PIECE_ITEMS != 0;
    return notes->most == 0 || is_in_piece || notes->bytes <= notes->most + (uint64_t)BYTES_PER_FRAME * frame;
}

/** How many items have a key that is not above `key`. */
static uint32_t pieces_count_to(const struct pieces *pieces, uint64_t key)
{
    uint32_t first = 0;
    uint32_t behind = pieces->count;

    while (first < behind) {
        uint32_t middle = first + (behind - first) / 2;
        if (pieces->key_of(pieces_item(pieces, middle)) <= key)
            first = middle + 1;
        else
            behind = middle;
    }
    return first;
}

/** The last item whose key is not above `key`, NULL where there is none. */
static void *pieces_find(const struct pieces *pieces, uint64_t key)
{
    uint32_t count = pieces_count_to(pieces, key);
    return count > 0 ? pieces_item(pieces, count - 1) : NULL;
}

struct track_packet_records *track_packet_records_new(wmem_allocator_t *scope, uint64_t most)
{
    struct track_packet_records *notes = wmem_new(scope, struct track_packet_records);

    *notes = (struct track_packet_records){.scope = scope, .most = most};
    pieces_begin(&notes->notes, scope, sizeof(struct track_packet_record), key_of_note);
    pieces_begin(&notes->idles, scope, sizeof(struct idle), key_of_idle);
    pieces_begin(&notes->observations, scope, sizeof(struct track_anomaly), key_of_observation);
    return notes;
}

struct track_packet_record *track_packet_records_add_always(struct track_packet_records *notes,
                                                            struct track_pdu_ref place)
{
    struct track_packet_record *note = (struct track_packet_record *)pieces_add(notes, &notes->notes);
    note->place = place;
    return note;
}

struct track_packet_record *track_packet_records_add(struct track_packet_records *notes, struct track_pdu_ref place)
{
    return has_room(notes, &notes->notes, place.frame) ? track_packet_records_add_always(notes, place) : NULL;
}

const struct track_packet_record *track_packet_records_find(const struct track_packet_records *notes,
                                                            struct track_pdu_ref place)
{
    const struct track_packet_record *note =
        (const struct track_packet_record *)pieces_find(&notes->notes, key_of_place(place));
    return note != NULL && key_of_note(note) == key_of_place(place) ? note : NULL;
}

/** What an idle, the last that is not behind `place` (NULL: there is none), tells of the packet there. */
static int64_t told_by(const struct idle *idle, struct track_pdu_ref place)
{
    if (idle == NULL || idle->place.frame != place.frame)
        return TRACK_TIME_UNKNOWN;
    return idle->place.pdu == place.pdu ? idle->ns : 0;
}

bool track_packet_records_add_idle(struct track_packet_records *notes, struct track_pdu_ref place,
                                   struct track_packet_record *note, int64_t idle_ns)
{
    struct pieces *idles = &notes->idles;
    const struct idle *last = idles->count > 0 ? (const struct idle *)pieces_item(idles, idles->count - 1) : NULL;

    if (told_by(last, place) == idle_ns)
        return true;
    if (note != NULL && note->request_in == 0) {
        note->has_idle = true;
        note->idle_ns = idle_ns;
        return true;
    }
    /* What the last one tells of this frame would be wrong. */
    bool is_needed = last != NULL && last->place.frame == place.frame;
    if (!is_needed && !has_room(notes, idles, place.frame))
        return false;
    struct idle *idle = (struct idle *)pieces_add(notes, idles);
    *idle = (struct idle){place, idle_ns};
    return true;
}

int64_t track_packet_records_idle(const struct track_packet_records *notes, struct track_pdu_ref place,
                                  const struct track_packet_record *note)
{
    if (note != NULL && note->has_idle)
        return note->idle_ns;
    return told_by((const struct idle *)pieces_find(&notes->idles, key_of_place(place)), place);
}

const struct track_anomaly *track_packet_records_add_anomaly(struct track_packet_records *notes,
                                                             const struct track_anomaly *observation)
{
    if (!has_room(notes, &notes->observations, observation->frame_at))
        return NULL;
    struct track_anomaly *kept = (struct track_anomaly *)pieces_add(notes, &notes->observations);
    *kept = *observation;
    return kept;
}

unsigned track_packet_records_anomalies(const struct track_packet_records *notes, struct track_pdu_ref place,
                                        const struct track_anomaly **list)
{
    const struct pieces *pieces = &notes->observations;
    uint64_t key = key_of_place(place);
    unsigned count = 0;

    if (pieces->count == 0)
        return 0;
    for (uint32_t i = pieces_count_to(pieces, key - 1); i < pieces->count && count < TRACK_ANOMALIES_MAX; i++) {
        const struct track_anomaly *observation = (const struct track_anomaly *)pieces_item(pieces, i);
        if (key_of_observation(observation) != key)
            break;
        list[count++] = observation;
    }
    return count;
}
