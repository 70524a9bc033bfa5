/* notes.c - keeps what was learnt about single packets, in the order of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "notes.h"

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
    struct mqtt_place place;
    int64_t ns;
};

struct mqtt_notes {
    wmem_allocator_t *scope;
    uint64_t most; /**< the limit in bytes; 0: none */
    uint64_t bytes;
    struct pieces notes;
    struct pieces idles;
    struct pieces observations;
};

static uint64_t key_of_place(struct mqtt_place place)
{
    return (uint64_t)place.frame << 32 | place.pdu;
}

static uint64_t key_of_note(const void *item)
{
    return key_of_place(((const struct mqtt_note *)item)->place);
}

static uint64_t key_of_idle(const void *item)
{
    return key_of_place(((const struct idle *)item)->place);
}

static uint64_t key_of_observation(const void *item)
{
    const struct mqtt_observation *observation = (const struct mqtt_observation *)item;
    return key_of_place((struct mqtt_place){observation->frame_at, observation->pdu_at});
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
static void *pieces_add(struct mqtt_notes *notes, struct pieces *pieces)
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
static bool has_room(const struct mqtt_notes *notes, const struct pieces *pieces, uint32_t frame)
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

struct mqtt_notes *mqtt_notes_new(wmem_allocator_t *scope, uint64_t most)
{
    struct mqtt_notes *notes = wmem_new(scope, struct mqtt_notes);

    *notes = (struct mqtt_notes){.scope = scope, .most = most};
    pieces_begin(&notes->notes, scope, sizeof(struct mqtt_note), key_of_note);
    pieces_begin(&notes->idles, scope, sizeof(struct idle), key_of_idle);
    pieces_begin(&notes->observations, scope, sizeof(struct mqtt_observation), key_of_observation);
    return notes;
}

struct mqtt_note *mqtt_notes_add_always(struct mqtt_notes *notes, struct mqtt_place place)
{
    struct mqtt_note *note = (struct mqtt_note *)pieces_add(notes, &notes->notes);
    note->place = place;
    return note;
}

struct mqtt_note *mqtt_notes_add(struct mqtt_notes *notes, struct mqtt_place place)
{
    return has_room(notes, &notes->notes, place.frame) ? mqtt_notes_add_always(notes, place) : NULL;
}

const struct mqtt_note *mqtt_notes_find(const struct mqtt_notes *notes, struct mqtt_place place)
{
    const struct mqtt_note *note = (const struct mqtt_note *)pieces_find(&notes->notes, key_of_place(place));
    return note != NULL && key_of_note(note) == key_of_place(place) ? note : NULL;
}

/** What an idle, the last that is not behind `place` (NULL: there is none), tells of the packet there. */
static int64_t told_by(const struct idle *idle, struct mqtt_place place)
{
    if (idle == NULL || idle->place.frame != place.frame)
        return MQTT_TIME_UNKNOWN;
    return idle->place.pdu == place.pdu ? idle->ns : 0;
}

bool mqtt_notes_add_idle(struct mqtt_notes *notes, struct mqtt_place place, struct mqtt_note *note, int64_t idle_ns)
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

int64_t mqtt_notes_idle(const struct mqtt_notes *notes, struct mqtt_place place, const struct mqtt_note *note)
{
    if (note != NULL && note->has_idle)
        return note->idle_ns;
    return told_by((const struct idle *)pieces_find(&notes->idles, key_of_place(place)), place);
}

const struct mqtt_observation *mqtt_notes_add_observation(struct mqtt_notes *notes,
                                                          const struct mqtt_observation *observation)
{
    if (!has_room(notes, &notes->observations, observation->frame_at))
        return NULL;
    struct mqtt_observation *kept = (struct mqtt_observation *)pieces_add(notes, &notes->observations);
    *kept = *observation;
    return kept;
}

unsigned mqtt_notes_observations(const struct mqtt_notes *notes, struct mqtt_place place,
                                 const struct mqtt_observation **list)
{
    const struct pieces *pieces = &notes->observations;
    uint64_t key = key_of_place(place);
    unsigned count = 0;

    if (pieces->count == 0)
        return 0;
    for (uint32_t i = pieces_count_to(pieces, key - 1); i < pieces->count && count < MQTT_OBSERVATIONS_MAX; i++) {
        const struct mqtt_observation *observation = (const struct mqtt_observation *)pieces_item(pieces, i);
        if (key_of_observation(observation) != key)
            break;
        list[count++] = observation;
    }
    return count;
}
