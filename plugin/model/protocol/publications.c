/* publications.c - the application messages of a capture, found by topic and payload.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "publications.h"

enum { SLOTS_FIRST = 1024, NUMBERS_FIRST = UINT16_MAX };

static uint64_t key_of_publication(const void *item)
{
    const struct track_publication *publication = (const struct track_publication *)item;
    return track_journey_key(publication->frame, publication->pdu);
}

void track_publications_begin(struct track_publications *publications, struct track_file_memory *memory)
{
    *publications = (struct track_publications){.memory = memory, .numbers = NUMBERS_FIRST};
    track_pieces_begin(&publications->list, memory->scope, sizeof(struct track_publication), key_of_publication);
    track_pieces_begin(&publications->sources, memory->scope, sizeof(struct track_publication_source), NULL);
}

struct track_publication *track_publication_at(const struct track_publications *publications, uint32_t index)
{
    return (struct track_publication *)track_pieces_item(&publications->list, index);
}

const struct track_publication_source *track_publication_source_of(const struct track_publications *publications,
                                                                   const struct track_publication *publication)
{
    return (const struct track_publication_source *)track_pieces_item(&publications->sources, publication->source);
}

uint32_t track_publications_add_source(struct track_publications *publications,
                                       const struct track_publication_source *source)
{
    if (!track_file_charge(publications->memory, track_pieces_growth(&publications->sources)))
        return 0;
    struct track_publication_source *kept = (struct track_publication_source *)track_pieces_add(&publications->sources);
    *kept = *source;
    return publications->sources.count;
}

/** What a slot has of its content beside the index. It spares a look at publications of other contents, which are far from the
 *  processor. */
static uint32_t tag_of(const struct track_publications *publications, uint64_t content)
{
    return (uint32_t)(content >> 32) & ~publications->numbers;
}

/** True where the slot's publication has the content. */
static bool has_content(const struct track_publications *publications, uint32_t slot, uint64_t content)
{
    return (slot & ~publications->numbers) == tag_of(publications, content) &&
           track_publication_at(publications, (slot & publications->numbers) - 1)->content == content;
}

/** The slot of a content: where its latest is, or where it is to be. */
static uint32_t *find_content_slot(const struct track_publications *publications, uint64_t content)
{
    uint32_t at = (uint32_t)content & publications->mask;

    while (publications->latest[at] != 0 && !has_content(publications, publications->latest[at], content))
        at = (at + 1) & publications->mask;
    return &publications->latest[at];
}

uint32_t track_publications_latest(const struct track_publications *publications, uint64_t content)
{
    return publications->mask != 0 ? *find_content_slot(publications, content) & publications->numbers : 0;
}

/** Makes the indexes of the slots wider where the next one needs it. */
static void widen_numbers(struct track_publications *publications)
{
    uint32_t wider = publications->numbers + 1;

    if (publications->list.count < publications->numbers)
        return;
    for (uint32_t i = 0; publications->mask != 0 && i <= publications->mask; i++)
        publications->latest[i] &= ~wider;
    publications->numbers |= wider;
}

/** Makes room for one more content. False where the memory limit is reached. */
static bool make_slot(struct track_publications *publications)
{
    uint32_t *old = publications->latest;
    uint32_t old_slots = old != NULL ? publications->mask + 1 : 0;
    uint32_t slots = old != NULL ? old_slots * 2 : SLOTS_FIRST;

    if (publications->contents < old_slots - old_slots / 4)
        return true;
    if (!track_file_charge(publications->memory, (uint64_t)(slots - old_slots) * sizeof *old))
        return false;
    publications->latest = wmem_alloc0_array(publications->memory->scope, uint32_t, slots);
    publications->mask = slots - 1;
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i] != 0) {
            uint32_t index = (old[i] & publications->numbers) - 1;
            *find_content_slot(publications, track_publication_at(publications, index)->content) = old[i];
        }
    if (old != NULL)
        wmem_free(publications->memory->scope, old);
    return true;
}

struct track_publication *track_publications_add(struct track_publications *publications, struct track_pdu_ref pdu,
                                                 uint64_t content, uint32_t source, uint16_t flags)
{
    const uint16_t alike = TRACK_PUBLICATION_QOS | TRACK_PUBLICATION_WILL;

    if (!track_file_charge(publications->memory, track_pieces_growth(&publications->list)))
        return NULL;
    if (!make_slot(publications))
        return NULL;
    widen_numbers(publications);
    uint32_t *slot = find_content_slot(publications, content);
    uint32_t latest = *slot & publications->numbers;
    const struct track_publication *previous = latest != 0 ? track_publication_at(publications, latest - 1) : NULL;
    struct track_publication *publication = (struct track_publication *)track_pieces_add(&publications->list);
    bool is_same = previous == NULL || (previous->flags & TRACK_PUBLICATION_SAME && previous->source == source &&
                                        !((previous->flags ^ flags) & alike));
    *publication = (struct track_publication){
        .frame = pdu.frame,
        .pdu = (uint16_t)pdu.pdu,
        .flags = (uint16_t)(flags | (is_same ? TRACK_PUBLICATION_SAME : 0)),
        .content = content,
        .source = source,
        .previous = latest,
        .begun_or_origin = TRACK_BEGUN_UNKNOWN,
    };
    publications->contents += latest == 0;
    *slot = publications->list.count | tag_of(publications, content);
    return publication;
}

void track_publications_continue(struct track_publications *publications, uint32_t origin, uint16_t how)
{
    uint32_t index = publications->list.count - 1;
    struct track_publication *publication = track_publication_at(publications, index);

    if (publications->continued == NULL)
        publications->continued = wmem_array_new(publications->memory->scope, sizeof index);
    if (!track_file_charge(publications->memory, sizeof index))
        return;
    publication->flags |= TRACK_PUBLICATION_CONTINUES | how;
    publication->begun_or_origin = origin;
    wmem_array_append_one(publications->continued, index);
}

/** Goes back from one publication to the one that it continues, past those that have none of the flags in `stop`. */
static uint32_t go_back(const struct track_publications *publications, uint32_t index, uint16_t stop)
{
    const struct track_publication *publication = track_publication_at(publications, index);

    while (publication->flags & TRACK_PUBLICATION_CONTINUES && !(publication->flags & stop)) {
        index = publication->begun_or_origin;
        publication = track_publication_at(publications, index);
    }
    return index;
}

uint32_t track_publication_origin(const struct track_publications *publications, uint32_t index)
{
    return go_back(publications, index, TRACK_PUBLICATION_BRIDGED);
}

uint32_t track_publication_number(const struct track_publications *publications, uint32_t index)
{
    uint32_t origin = go_back(publications, index, 0);
    uint32_t first = 0;
    uint32_t end = publications->continued != NULL ? wmem_array_get_count(publications->continued) : 0;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (*(const uint32_t *)wmem_array_index(publications->continued, middle) < origin)
            first = middle + 1;
        else
            end = middle;
    }
    return origin + 1 - first;
}

uint32_t track_publications_find(const struct track_publications *publications, struct track_pdu_ref pdu)
{
    uint64_t key = track_journey_key(pdu.frame, pdu.pdu);
    uint32_t count = publications->list.count;

    if (count == 0 || pdu.pdu > UINT16_MAX)
        return 0;
    /* On the first visit it is the latest. */
    if (key_of_publication(track_publication_at(publications, count - 1)) > key)
        count = track_pieces_count_to(&publications->list, key);
    return count > 0 && key_of_publication(track_publication_at(publications, count - 1)) == key ? count : 0;
}
