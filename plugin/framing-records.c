/* framing-records.c - finds where control packets begin in the records of TLS and the streams of QUIC.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * These lose no bytes: what is decrypted continues where the record before it ended.
 */
#include <epan/packet.h>

#include <epan/proto_data.h>

#include "foreign.h"
#include "framing.h"
#include "mqttscope.h"

enum { RECORD_KEY = 0x10000000 }; /* for what was decided about a record; its number in the frame is added */

/** How many bytes at the start of a TLS record, or of a chunk of a QUIC stream, belong to a packet that was not waited for. Decided
 *  on the first visit, looked up on later ones. */
static uint32_t skip_in_record(struct stream_chunk *chunk, packet_info *pinfo, tvbuff_t *tvb, uint32_t number)
{
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    uint32_t key = RECORD_KEY + number;
    uint32_t length = tvb_reported_length(tvb);

    if (PINFO_FD_VISITED(pinfo))
        return GPOINTER_TO_UINT(p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key));
    if (!direction->skips)
        return 0;
    uint32_t skip = 0;
    if (framing_is_filled(tvb, chunk) && (direction->open_bytes > 0 || direction->begins_at >= length)) {
        track_gap(chunk->stream->connection, stream_next_pdu_ref(pinfo));
        direction->begins_at = direction->open_bytes = 0;
    } else if (direction->open_bytes > 0) {
        skip = framing_read_header(direction, tvb);
        direction->begins_at = direction->open_bytes == 0 ? direction->open_length : 0;
    }
    uint32_t rest = MIN(direction->begins_at, length - skip);
    direction->begins_at -= rest;
    direction->skips = direction->begins_at > 0 || direction->open_bytes > 0;
    skip += rest;
    if (skip != 0)
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key, GUINT_TO_POINTER(skip));
    return skip;
}

int dissect_records(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    struct stream_chunk chunk;

    stream_chunk_begin(&chunk, pinfo);
    if (!PINFO_FD_VISITED(pinfo) && !chunk.stream->has_records) {
        chunk.stream->has_records = true;
        chunk.stream->is_inner_left = foreign_is_stream(tvb);
    }
    if (chunk.stream->is_inner_left)
        return 0;
    chunk.can_skip = true;
    uint32_t skip = skip_in_record(&chunk, pinfo, tvb, stream_next_message(pinfo));
    if (skip > 0)
        show_unframed(tvb_new_subset_length(tvb, 0, (int)skip), pinfo, tree);
    if (skip < tvb_reported_length(tvb))
        framing_dissect(tvb, skip, pinfo, tree, &chunk);
    /* A record that is handed over once more, together with the next, is one. */
    if (skip == 0 && pinfo->desegment_len > 0 && pinfo->desegment_offset == 0)
        stream_return_message(pinfo);
    return (int)tvb_captured_length(tvb);
}

/** Offers what TLS carries on a port for MQTT, and is none, to those who recognise it: from Wireshark 4.6 on TLS itself asks
 *  them only where no dissector has the port. `data` is what TLS hands to dissectors. */
static int dissect_other_over_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    heur_dissector_list_t others = find_heur_dissector_list("tls");
    heur_dtbl_entry_t *found = NULL;

    if (pinfo->ptype != PT_TCP || data == NULL || others == NULL ||
        !dissector_try_heuristic(others, tvb, pinfo, tree, &found, data))
        return 0;
    return (int)tvb_captured_length(tvb);
}

int dissect_over_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    int read = dissect_records(tvb, pinfo, tree);

    return read > 0 ? read : dissect_other_over_tls(tvb, pinfo, tree, data);
}
